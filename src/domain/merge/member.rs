//! One field of a tuple under decision: its values, what they mean, and whether they moved since the base.

use super::{Canon, Lens, MergeInput};
use crate::domain::canon::CANON_VERSION;
use crate::domain::{BaseValue, PairKind, PerSide, Side, Value, digest128};

/// One field, with what is computed once.
pub(super) struct Member<'a> {
    pub(super) input: MergeInput<'a>,
    pub(super) lens: &'a dyn Lens,
    pub(super) view: PerSide<Canon>,
}

impl<'a> Member<'a> {
    pub(super) fn new(input: MergeInput<'a>, lens: &'a dyn Lens) -> Self {
        Member {
            view: PerSide {
                salesforce: lens.view(Side::Salesforce, input.s),
                hubspot: lens.view(Side::HubSpot, input.h),
            },
            input,
            lens,
        }
    }

    pub(super) fn raw(&self, side: Side) -> &'a Value {
        match side {
            Side::Salesforce => self.input.s,
            Side::HubSpot => self.input.h,
        }
    }

    /// True where both sides mean the same.
    pub(super) fn agrees(&self) -> bool {
        self.view.salesforce == self.view.hubspot
    }

    /// The base of both sides. A constant's source never changes: it has the constant for a base once its target has one.
    pub(super) fn base(&self) -> PerSide<Option<BaseValue>> {
        let mut values = self
            .input
            .base
            .map(|base| base.values.clone())
            .unwrap_or_default();
        if let PairKind::Constant { target, value } = &self.input.pair.kind
            && values.get(*target).is_some()
        {
            let source = values.get_mut(target.other());
            source.get_or_insert_with(|| BaseValue::Raw(value.clone()));
        }
        values
    }

    /// True where a side's value is not its base any more, in the comparison domain (2.1).
    pub(super) fn differs(&self, side: Side, base: &BaseValue) -> bool {
        let now = self.view.get(side);
        match base {
            BaseValue::Null => *now != self.lens.view(side, &Value::Null),
            BaseValue::Raw(raw) => *now != self.lens.view(side, &Value::text(raw.clone())),
            BaseValue::Hashed { raw, .. } => {
                let hash = |text: &str| format!("{:032x}", digest128(&[text.as_bytes()]));
                let same_raw = self
                    .raw(side)
                    .as_text()
                    .is_some_and(|text| hash(text) == *raw);
                !same_raw && !base.hashes(&now.render(), CANON_VERSION)
            }
        }
    }

    /// True where a side holds something that a blank would take away. A checkbox has no blank: there it is `false`.
    pub(super) fn can_lose(&self, side: Side) -> bool {
        *self.view.get(side) != self.lens.view(side, &Value::Null)
    }

    /// True where a side holds nothing, or nothing as far as the comparison goes.
    pub(super) fn is_blank(&self, side: Side) -> bool {
        self.raw(side).is_blank() || self.view.get(side).is_null()
    }

    /// True where `value` is a blank on `side`.
    pub(super) fn reads_blank(&self, side: Side, value: &Value) -> bool {
        self.lens.view(side, value) == self.lens.view(side, &Value::Null)
    }

    /// How far a side's stage has risen: 0 is blank; `None` for a value that is no stage, or a field without stages.
    pub(super) fn stage(&self, side: Side) -> Option<usize> {
        let stages = &self.input.pair.monotone;
        let now = self.view.get(side);
        if now.is_null() && !stages.is_empty() {
            return Some(0);
        }
        let reads = |stage: &String| self.lens.view(Side::HubSpot, &Value::text(stage.clone()));
        stages
            .iter()
            .position(|stage| reads(stage) == *now)
            .map(|at| at + 1)
    }
}
