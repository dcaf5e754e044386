//! What a person chose for a field or a group, carried out as a forced F4 or F5
//! (docs/design/sync-semantics.md 8, Manual resolution).

use super::table::Case;
use super::{Action, TupleOutcome};
use crate::domain::{BaseValue, Choice, ErrorCategory, Side, Value};

impl Case<'_> {
    /// A person's choice as a forced F4 or F5; `None` where it is no choice about these fields.
    pub(super) fn resolved(&mut self, choice: &Choice) -> Option<TupleOutcome> {
        self.row = "F7";
        Some(match choice {
            Choice::Take(_) if self.equal() => self.settle(),
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
            Choice::Base => match self.base_of(Side::Salesforce) {
                Ok(s) => match self.base_of(Side::HubSpot) {
                    Ok(h) => self.both(s, h, "resolved"),
                    Err(refused) => refused,
                },
                Err(refused) => refused,
            },
            // What is typed is one value.
            Choice::Value(text) if self.members.len() == 1 => {
                self.typed(&Value::text(text.clone()))
            }
            Choice::Ignore => self.settle(),
            Choice::Value(_) | Choice::Link(_) | Choice::Create | Choice::Accept => return None,
        })
    }

    /// The stored base of a side, where it is there and short enough to be stored whole.
    fn base_of(&self, side: Side) -> Result<Vec<Value>, TupleOutcome> {
        let mut values = Vec::with_capacity(self.members.len());
        for (at, member) in self.members.iter().enumerate() {
            let base = member.input.base.map(|base| base.values.get(side));
            let name = member.input.pair.name();
            let message = match base.and_then(Option::as_ref) {
                Some(BaseValue::Null) => {
                    values.push(Value::Null);
                    continue;
                }
                Some(BaseValue::Raw(raw)) => {
                    values.push(Value::text(raw.clone()));
                    continue;
                }
                Some(BaseValue::Hashed { .. }) => format!(
                    "the base of {name} is too long to be kept as text; take a side or type the value"
                ),
                None => {
                    format!("{name} has no base yet (first sync); take a side or type the value")
                }
            };
            return Err(self.end(Action::Error {
                member: at,
                side: Side::Salesforce,
                message,
                value: Value::Unknown,
                category: ErrorCategory::Internal,
            }));
        }
        Ok(values)
    }

    /// A typed value, read as Salesforce's; where the transform knows it only as HubSpot's, as that.
    fn typed(&self, value: &Value) -> TupleOutcome {
        let one = self.first;
        match one.lens.put(Side::HubSpot, value, one.input.h) {
            Ok(hubspot) => self.both(vec![value.clone()], vec![hubspot], "resolved"),
            Err(first) => match one.lens.put(Side::Salesforce, value, one.input.s) {
                Ok(salesforce) => self.both(vec![salesforce], vec![value.clone()], "resolved"),
                Err(_) => self.refused(0, Side::Salesforce, first, value),
            },
        }
    }
}
