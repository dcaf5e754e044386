//! What a person chose for a field, carried out as a forced F4 or F5 (docs/design/sync-semantics.md 8, Manual resolution).

use super::table::Case;
use super::{Action, FieldOutcome};
use crate::domain::{BaseValue, Choice, ErrorCategory, PerSide, Side, Value};

impl Case<'_> {
    /// A person's choice as a forced F4 or F5; `None` where it is no choice about a field.
    pub(super) fn resolved(&mut self, choice: &Choice, equal: bool) -> Option<FieldOutcome> {
        self.row = "F7";
        Some(match choice {
            Choice::Take(_) if equal => self.end(Action::Settle { diverged: false }),
            Choice::Take(side) => {
                self.row = match side {
                    Side::Salesforce => "F4",
                    Side::HubSpot => "F5",
                };
                if self.direction().allows(side.other()) {
                    self.write(side.other(), "resolved")
                } else {
                    self.end(Action::Settle { diverged: true })
                }
            }
            Choice::Base => match self.base_values() {
                Ok(base) => self.both(base.salesforce, base.hubspot, "resolved"),
                Err(message) => self.end(Action::Error {
                    side: Side::Salesforce,
                    message,
                    value: Value::Unknown,
                    category: ErrorCategory::Internal,
                }),
            },
            Choice::Value(text) => self.typed(&Value::text(text.clone())),
            Choice::Ignore => self.end(Action::Settle { diverged: !equal }),
            Choice::Link(_) | Choice::Create | Choice::Accept => return None,
        })
    }

    /// The stored base of both sides, where it is there and short enough to be stored whole.
    fn base_values(&self) -> Result<PerSide<Value>, String> {
        let values = self.input.base.map(|base| &base.values);
        let one = |side: Side| match values.and_then(|values| values.get(side).as_ref()) {
            Some(BaseValue::Null) => Ok(Value::Null),
            Some(BaseValue::Raw(raw)) => Ok(Value::text(raw.clone())),
            Some(BaseValue::Hashed { .. }) => Err(format!(
                "the base of {} is too long to be kept as text; take a side or type the value",
                self.input.pair.name()
            )),
            None => Err(format!(
                "{} has no base yet (first sync); take a side or type the value",
                self.input.pair.name()
            )),
        };
        Ok(PerSide {
            salesforce: one(Side::Salesforce)?,
            hubspot: one(Side::HubSpot)?,
        })
    }

    /// A typed value, read as Salesforce's; where the transform knows it only as HubSpot's, as that.
    fn typed(&self, value: &Value) -> FieldOutcome {
        let (s, h) = (self.input.s, self.input.h);
        match self.lens.put(Side::HubSpot, value, h) {
            Ok(hubspot) => self.both(value.clone(), hubspot, "resolved"),
            Err(first) => match self.lens.put(Side::Salesforce, value, s) {
                Ok(salesforce) => self.both(salesforce, value.clone(), "resolved"),
                Err(_) => self.refused(Side::Salesforce, first, value),
            },
        }
    }
}
