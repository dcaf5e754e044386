//! What a field looks like once its outcome was carried out.

use syncline::domain::canon::CANON_VERSION;
use syncline::domain::merge::{Action, FieldOutcome, Lens};
use syncline::domain::{BaseField, BaseValue, PerSide, Side, Value};

/// Both values of a field and their base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Current raw values.
    pub values: PerSide<Value>,
    /// The base.
    pub base: BaseField,
}

impl Fields {
    /// The base of both sides moved to the values they hold now.
    fn settled(mut self, lens: &dyn Lens, diverged: bool) -> Self {
        let base = |side: Side| {
            let value = self.values.get(side);
            BaseValue::of(value, &lens.view(side, value).render(), CANON_VERSION)
        };
        self.base.values = PerSide::from_fn(base);
        self.base.diverged = diverged;
        self
    }
}

/// The field after `outcome`, provided that the vendors stored what they were sent.
pub fn applied(before: &Fields, outcome: &FieldOutcome, lens: &dyn Lens) -> Fields {
    let mut after = before.clone();
    match &outcome.action {
        Action::Nothing | Action::Conflict { .. } | Action::Error { .. } | Action::NeedsTimes => {
            return after;
        }
        Action::Settle { diverged } => return after.settled(lens, *diverged),
        Action::Write { to, value, .. } => *after.values.get_mut(*to) = value.clone(),
        Action::WriteBoth { s, h, .. } => {
            after.values.salesforce = s.clone();
            after.values.hubspot = h.clone();
        }
    }
    let view = PerSide::from_fn(|side| lens.view(side, after.values.get(side)));
    let diverged = view.salesforce != view.hubspot;
    after.settled(lens, diverged)
}
