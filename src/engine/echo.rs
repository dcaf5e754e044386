//! Telling what a vendor made of our own write from a person's edit (docs/design/sync-semantics.md 11). Pure.
//!
//! An echo is normally no question: the base is what was read back, so its values are equal. Only where the read-back failed,
//! or an automation under our own name changed the value right behind it, whose change it was decides.

use chrono::TimeDelta;

/// How long after the look that went with our write a change under our name still counts as what was made of it.
const SOON: TimeDelta = TimeDelta::seconds(60);

/// What is known of a side whose value is not its base's any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The base is what we sent; nobody has seen yet what was stored.
    pub(super) unverified: bool,
    /// The last write of this field that we know of was ours, to this side.
    pub(super) wrote_last: bool,
    /// From that look to the record's present stamp, where both are known.
    pub(super) after: Option<TimeDelta>,
    /// Whether the present value was set under our identity; `None` where that is still to be looked up.
    pub(super) by_us: Option<bool>,
}

/// What a changed value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// What the vendor made of the value that we sent.
    Ours,
    /// An edit like any other.
    Theirs,
    /// It may be ours: who set it has to be looked up.
    Unclear,
}

/// Whose change it is. Timing alone never says that it is ours: a person's edit in the same second would be lost.
pub(super) fn origin(change: Change) -> Origin {
    let soon = change.after.is_some_and(|after| after <= SOON);
    let may_be_ours = change.unverified || (change.wrote_last && soon);
    if !may_be_ours {
        return Origin::Theirs;
    }
    match change.by_us {
        Some(true) => Origin::Ours,
        Some(false) => Origin::Theirs,
        None => Origin::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_identity_makes_a_change_ours_and_only_right_behind_a_write() {
        let soon = Some(TimeDelta::seconds(60));
        let late = Some(TimeDelta::seconds(61));
        let rows = [
            ((true, false, late, Some(true)), Origin::Ours),
            ((true, false, None, Some(false)), Origin::Theirs),
            ((true, true, soon, None), Origin::Unclear),
            ((false, true, soon, Some(true)), Origin::Ours),
            ((false, true, soon, Some(false)), Origin::Theirs),
            ((false, true, soon, None), Origin::Unclear),
            ((false, true, late, Some(true)), Origin::Theirs),
            ((false, true, None, Some(true)), Origin::Theirs),
            ((false, false, soon, Some(true)), Origin::Theirs),
            ((false, false, soon, None), Origin::Theirs),
        ];
        for ((unverified, wrote_last, after, by_us), want) in rows {
            let change = Change {
                unverified,
                wrote_last,
                after,
                by_us,
            };
            assert_eq!(origin(change), want, "{change:?}");
        }
    }
}
