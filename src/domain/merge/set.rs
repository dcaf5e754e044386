//! The merge of a set, element by element (docs/design/sync-semantics.md 14.5). It knows no conflict.

use crate::domain::{Direction, ForeignEdit, Member, PerSide, Side};

/// All that the merge of one element looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementInput {
    /// How each side has it now, if it does.
    pub now: PerSide<Option<Member>>,
    /// Whether each side had it when the set was last settled; `None`: it never was.
    pub base: Option<PerSide<bool>>,
    /// Where elements may be added and removed.
    pub direction: Direction,
    /// What becomes of an edit on the side that is no source.
    pub foreign_edit: ForeignEdit,
}

/// What to do about an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Settle,
    /// Nothing, and the set does not have it: a reference names it.
    Forget,
    /// That side gets it.
    Add(Side),
    /// It is taken off there.
    Remove(Side),
}

/// The step for one element.
pub fn merge_element(input: &ElementInput) -> Step {
    let now = input.now;
    if Side::BOTH
        .iter()
        .any(|side| *now.get(*side) == Some(Member::Primary))
    {
        return Step::Forget;
    }
    let has = PerSide::from_fn(|side| now.get(side).is_some());
    if has.salesforce == has.hubspot {
        return Step::Settle;
    }
    let base = input.base.unwrap_or_default();
    let changed = PerSide::from_fn(|side| has.get(side) != base.get(side));
    let Some(from) = winner(has, changed, input.direction) else {
        return Step::Settle;
    };
    let to = from.other();
    if input.direction.allows(to) {
        return put(*has.get(from), to, now);
    }
    // At first nobody knows who added it: nothing is taken off.
    match (input.foreign_edit, input.base) {
        (ForeignEdit::Revert, Some(_)) => put(*has.get(to), from, now),
        _ => Step::Settle,
    }
}

/// The side whose change counts: of two the source's, and between two sources the one that added it.
fn winner(has: PerSide<bool>, changed: PerSide<bool>, direction: Direction) -> Option<Side> {
    match (changed.salesforce, changed.hubspot) {
        (false, false) => None,
        (true, false) => Some(Side::Salesforce),
        (false, true) => Some(Side::HubSpot),
        (true, true) => Side::BOTH.into_iter().find(|side| match direction {
            Direction::Both => *has.get(*side),
            one_way => one_way.allows(side.other()),
        }),
    }
}

/// Puts it on a side, or takes it off. What stands there under a label of its own stays.
fn put(wanted: bool, to: Side, now: PerSide<Option<Member>>) -> Step {
    match (wanted, now.get(to)) {
        (true, _) => Step::Add(to),
        (false, Some(Member::Labelled)) => Step::Settle,
        (false, _) => Step::Remove(to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Direction::{Both, ToHubspot, ToSalesforce};
    use Step::{Add, Forget, Remove, Settle};

    const S: Side = Side::Salesforce;
    const H: Side = Side::HubSpot;

    fn step(s: bool, h: bool, base: Option<(bool, bool)>, direction: Direction) -> Step {
        edited(s, h, base, direction, ForeignEdit::Ignore)
    }

    fn edited(
        s: bool,
        h: bool,
        base: Option<(bool, bool)>,
        direction: Direction,
        foreign_edit: ForeignEdit,
    ) -> Step {
        let member = |there: bool| there.then_some(Member::Plain);
        merge_element(&ElementInput {
            now: PerSide {
                salesforce: member(s),
                hubspot: member(h),
            },
            base: base.map(|(salesforce, hubspot)| PerSide {
                salesforce,
                hubspot,
            }),
            direction,
            foreign_edit,
        })
    }

    /// Base, now on the two sides, and the step for both directions, to HubSpot, to Salesforce.
    type Row = (Option<(bool, bool)>, (bool, bool), [Step; 3]);

    const IN: bool = true;
    const OUT: bool = false;
    const ROWS: [Row; 20] = [
        // At first: the union.
        (None, (OUT, OUT), [Settle, Settle, Settle]),
        (None, (IN, OUT), [Add(H), Add(H), Settle]),
        (None, (OUT, IN), [Add(S), Settle, Add(S)]),
        (None, (IN, IN), [Settle, Settle, Settle]),
        // Neither side had it.
        (Some((OUT, OUT)), (OUT, OUT), [Settle, Settle, Settle]),
        (Some((OUT, OUT)), (IN, OUT), [Add(H), Add(H), Settle]),
        (Some((OUT, OUT)), (OUT, IN), [Add(S), Settle, Add(S)]),
        (Some((OUT, OUT)), (IN, IN), [Settle, Settle, Settle]),
        // Both had it.
        (Some((IN, IN)), (OUT, OUT), [Settle, Settle, Settle]),
        (Some((IN, IN)), (OUT, IN), [Remove(H), Remove(H), Settle]),
        (Some((IN, IN)), (IN, OUT), [Remove(S), Settle, Remove(S)]),
        (Some((IN, IN)), (IN, IN), [Settle, Settle, Settle]),
        // Only Salesforce had it: an undo, a direction or a label left it so.
        (Some((IN, OUT)), (IN, OUT), [Settle, Settle, Settle]),
        (Some((IN, OUT)), (OUT, OUT), [Settle, Settle, Settle]),
        (Some((IN, OUT)), (IN, IN), [Settle, Settle, Settle]),
        (Some((IN, OUT)), (OUT, IN), [Add(S), Remove(H), Add(S)]),
        // Only HubSpot had it.
        (Some((OUT, IN)), (OUT, IN), [Settle, Settle, Settle]),
        (Some((OUT, IN)), (OUT, OUT), [Settle, Settle, Settle]),
        (Some((OUT, IN)), (IN, IN), [Settle, Settle, Settle]),
        (Some((OUT, IN)), (IN, OUT), [Add(H), Add(H), Remove(S)]),
    ];

    /// The rows that a merge gets wrong.
    fn wrong(
        merge: impl Fn(bool, bool, Option<(bool, bool)>, Direction) -> Step,
    ) -> Vec<&'static Row> {
        const TABLE: &[Row] = &ROWS;
        let right = |row: &&Row| {
            let (base, (s, h), want) = **row;
            [Both, ToHubspot, ToSalesforce].map(|way| merge(s, h, base, way)) == want
        };
        TABLE.iter().filter(|row| !right(row)).collect()
    }

    #[test]
    fn every_combination_of_base_and_sides_has_its_step_in_every_direction() {
        assert_eq!(wrong(step), Vec::<&Row>::new());
    }

    #[test]
    fn a_merge_that_forgets_the_base_the_direction_or_who_added_is_told_by_the_table() {
        let baseless = |s, h, _, way| step(s, h, None, way);
        let two_way = |s, h, base, _| step(s, h, base, Both);
        let removal_wins = |s, h, base: Option<(bool, bool)>, way| match base {
            Some((one, other)) if one != other && s != one && h != other => {
                Remove(if s { S } else { H })
            }
            _ => step(s, h, base, way),
        };
        assert!(!wrong(baseless).is_empty());
        assert!(!wrong(two_way).is_empty());
        assert!(!wrong(removal_wins).is_empty());
    }

    #[test]
    fn an_edit_against_the_direction_is_taken_back_where_the_rule_says_so_but_never_at_first() {
        let revert = |s, h, base| edited(s, h, base, ToHubspot, ForeignEdit::Revert);
        let rows = [
            (false, true, Some((false, false)), Remove(H)),
            (true, false, Some((true, true)), Add(H)),
            (false, true, Some((false, true)), Settle),
            (false, true, None, Settle),
        ];
        for (s, h, base, want) in rows {
            assert_eq!(revert(s, h, base), want, "{s} {h} {base:?}");
        }
        let mirrored = edited(
            true,
            false,
            Some((false, false)),
            ToSalesforce,
            ForeignEdit::Revert,
        );
        assert_eq!(mirrored, Remove(S));
    }

    #[test]
    fn what_a_reference_names_is_no_element_and_what_has_a_label_is_never_taken_off() {
        let base = Some(PerSide {
            salesforce: true,
            hubspot: true,
        });
        let of = |salesforce, hubspot| {
            merge_element(&ElementInput {
                now: PerSide {
                    salesforce,
                    hubspot,
                },
                base,
                direction: Both,
                foreign_edit: ForeignEdit::Ignore,
            })
        };
        for other in [
            None,
            Some(Member::Plain),
            Some(Member::Labelled),
            Some(Member::Primary),
        ] {
            assert_eq!(of(Some(Member::Primary), other), Forget, "{other:?}");
            assert_eq!(of(other, Some(Member::Primary)), Forget, "{other:?}");
        }
        assert_eq!(of(None, Some(Member::Labelled)), Settle);
        assert_eq!(of(Some(Member::Plain), Some(Member::Labelled)), Settle);
    }
}
