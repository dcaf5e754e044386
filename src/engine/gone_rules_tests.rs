//! The tables of 12.2 and 12.4, row by row.

use std::collections::BTreeSet;

use super::*;
use crate::domain::{BaseField, RunId};
use crate::engine::testkit::{pair, seen, sides};

const S: Side = Side::Salesforce;
const H: Side = Side::HubSpot;

fn everything() -> Policy {
    Policy {
        deletes: DeletePolicy::Archive,
        delete_update: DeleteUpdate::Ask,
        direction: Direction::Both,
        creates: CreatePolicy::Both,
    }
}

const ROW: There = There::Gone(Evidence::Row);
const ARCHIVED: There = There::Gone(Evidence::Archived);

/// What follows for a link in step: Salesforce's record, HubSpot's, whether HubSpot's changed.
fn of(s: There, h: There, changed: bool, policy: Policy) -> Verdict {
    decide(&Facts {
        state: &LinkState::Active,
        there: sides(s, h),
        changed: sides(changed, changed),
        policy,
        choice: None,
        unfinished: false,
    })
}

#[test]
fn a_deletion_does_what_the_mapping_says_where_the_other_record_is_as_it_was() {
    for (deletes, want) in [
        (DeletePolicy::Ignore, rest(S)),
        (DeletePolicy::Archive, Verdict::Archive(H, Evidence::Row)),
        (DeletePolicy::Ask, Verdict::Ask(ItemKind::Deletion, S)),
    ] {
        let policy = Policy {
            deletes,
            ..everything()
        };
        assert_eq!(of(ROW, There::Live, false, policy), want);
    }
    // What the mapping never writes to is never deleted either.
    for deletes in [DeletePolicy::Archive, DeletePolicy::Ask] {
        let policy = Policy {
            deletes,
            direction: Direction::ToSalesforce,
            ..everything()
        };
        assert_eq!(of(ROW, There::Live, false, policy), rest(S));
        let policy = Policy {
            deletes,
            direction: Direction::ToHubspot,
            ..everything()
        };
        assert_eq!(of(There::Live, ARCHIVED, false, policy), rest(H));
    }
}

#[test]
fn deleted_here_and_changed_there_goes_by_its_own_rule() {
    use DeleteUpdate::{Ask, DeleteWins, UpdateWins};
    for (deletes, delete_update, want) in [
        (
            DeletePolicy::Archive,
            Ask,
            Verdict::Ask(ItemKind::DeleteUpdate, S),
        ),
        (
            DeletePolicy::Ignore,
            Ask,
            Verdict::Ask(ItemKind::DeleteUpdate, S),
        ),
        (
            DeletePolicy::Archive,
            DeleteWins,
            Verdict::Archive(H, Evidence::Row),
        ),
        (DeletePolicy::Ignore, DeleteWins, rest(S)),
        (
            DeletePolicy::Ask,
            DeleteWins,
            Verdict::Ask(ItemKind::Deletion, S),
        ),
        (DeletePolicy::Archive, UpdateWins, Verdict::Anew(S)),
        (DeletePolicy::Ignore, UpdateWins, Verdict::Anew(S)),
    ] {
        let policy = Policy {
            deletes,
            delete_update,
            ..everything()
        };
        assert_eq!(of(ROW, There::Live, true, policy), want);
    }
    // Nothing is made where the mapping makes nothing: a person decides.
    let policy = Policy {
        delete_update: UpdateWins,
        creates: CreatePolicy::ToHubspot,
        ..everything()
    };
    assert_eq!(
        of(ROW, There::Live, true, policy),
        Verdict::Ask(ItemKind::DeleteUpdate, S)
    );
}

#[test]
fn both_gone_is_over_and_what_cannot_be_seen_is_left_alone_until_it_answers() {
    assert_eq!(
        of(ROW, ARCHIVED, true, everything()),
        Verdict::Rest(both(true))
    );
    for other in [There::Merged, There::Converted] {
        assert_eq!(of(other, ARCHIVED, true, everything()), rest(H));
    }
    // That one is gone is no evidence for the other one, whatever the mapping does with deletions.
    for deletes in [
        DeletePolicy::Ignore,
        DeletePolicy::Archive,
        DeletePolicy::Ask,
    ] {
        let policy = Policy {
            deletes,
            ..everything()
        };
        let seen = |s, h| of(s, h, false, policy);
        assert_eq!(seen(There::Silent, ARCHIVED), Verdict::OutOfReach(S));
        assert_eq!(seen(ROW, There::Silent), Verdict::OutOfReach(H));
    }
    assert_eq!(
        of(There::Silent, There::Live, true, everything()),
        Verdict::OutOfReach(S)
    );
    assert_eq!(
        of(There::Live, There::Silent, true, everything()),
        Verdict::OutOfReach(H)
    );
    assert_eq!(
        of(There::Converted, There::Live, true, everything()),
        Verdict::Converted(S)
    );
    assert_eq!(
        of(There::Merged, There::Live, true, everything()),
        Verdict::Later
    );
    assert_eq!(
        of(There::Live, There::Live, true, everything()),
        Verdict::Back
    );
}

#[test]
fn what_a_person_chose_is_done() {
    let suspended = LinkState::Suspended("merged".into());
    let tomb = LinkState::Deleted(Departed::of(S));
    let chosen = |state: &LinkState, choice: Choice, policy: Policy| {
        decide(&Facts {
            state,
            there: sides(ROW, There::Live),
            changed: sides(false, true),
            policy,
            choice: Some(&choice),
            unfinished: false,
        })
    };
    for state in [&suspended, &tomb] {
        let archive = Verdict::Archive(H, Evidence::Row);
        assert_eq!(chosen(state, Choice::Accept, everything()), archive);
        assert_eq!(chosen(state, Choice::Ignore, everything()), rest(S));
        assert_eq!(
            chosen(state, Choice::Create, everything()),
            Verdict::Anew(S)
        );
    }
    let one_way = Policy {
        direction: Direction::ToSalesforce,
        ..everything()
    };
    assert_eq!(chosen(&tomb, Choice::Accept, one_way), rest(S));
    let merged = |choice: Option<&Choice>| {
        decide(&Facts {
            state: &suspended,
            there: sides(There::Merged, There::Live),
            changed: sides(false, false),
            policy: everything(),
            choice,
            unfinished: false,
        })
    };
    assert_eq!(merged(Some(&Choice::Ignore)), rest(S));
    assert_eq!(merged(None), Verdict::Nothing);
}

#[test]
fn a_choice_that_does_not_fit_what_is_there_decides_nothing() {
    let tomb = LinkState::Deleted(Departed::of(S));
    let restored = LinkState::Deleted(Departed {
        gone: both(true),
        archived: sides(None, Some(RunId(7))),
        due: false,
    });
    let suspended = LinkState::Suspended("converted".into());
    let only_to_hubspot = Policy {
        creates: CreatePolicy::ToHubspot,
        ..everything()
    };
    let (live, merged, lead) = (There::Live, There::Merged, There::Converted);
    let restored_here = Verdict::Ask(ItemKind::RestoredHereDeletedThere, H);
    use Choice::{Accept, Create, Ignore};
    let rows = [
        // The link, its records, what the mapping makes, the choice.
        (
            &tomb,
            sides(ROW, live),
            only_to_hubspot,
            Create,
            Verdict::Nothing,
        ),
        (
            &restored,
            sides(live, ARCHIVED),
            everything(),
            Accept,
            restored_here,
        ),
        (
            &LinkState::Active,
            sides(merged, live),
            everything(),
            Ignore,
            Verdict::Later,
        ),
        (
            &suspended,
            sides(merged, live),
            everything(),
            Accept,
            Verdict::Nothing,
        ),
        (&suspended, sides(lead, live), everything(), Ignore, rest(S)),
        (
            &suspended,
            sides(lead, live),
            everything(),
            Accept,
            Verdict::Nothing,
        ),
        (
            &tomb,
            sides(lead, live),
            everything(),
            Ignore,
            Verdict::Nothing,
        ),
    ];
    for (state, there, policy, choice, want) in rows {
        let facts = Facts {
            state,
            there,
            changed: both(false),
            policy,
            choice: Some(&choice),
            unfinished: false,
        };
        assert_eq!(decide(&facts), want, "{facts:?}");
    }
}

#[test]
fn a_link_that_is_set_aside_is_not_carried_over() {
    let facts = |state: &LinkState, s: There| {
        decide(&Facts {
            state,
            there: sides(s, There::Live),
            changed: sides(false, false),
            policy: everything(),
            choice: None,
            unfinished: false,
        })
    };
    let suspended = LinkState::Suspended("merged".into());
    assert_eq!(facts(&suspended, ROW), rest(S));
    assert_eq!(facts(&suspended, There::Silent), Verdict::Nothing);
    assert_eq!(facts(&suspended, There::Converted), Verdict::Nothing);
    assert_eq!(facts(&suspended, There::Live), Verdict::Nothing);
    for away in [LinkState::OutOfScope, LinkState::Unlinked] {
        assert_eq!(facts(&away, ROW), rest(S), "{away:?}");
        assert_eq!(facts(&away, There::Silent), Verdict::Nothing);
        assert_eq!(facts(&away, There::Live), Verdict::Nothing);
    }
    let taken_back = LinkState::TakenBack(RunId(3));
    assert_eq!(facts(&taken_back, ROW), Verdict::Nothing);
    let tomb = LinkState::Deleted(Departed::of(S));
    assert_eq!(facts(&tomb, There::Live), Verdict::Back);
    assert_eq!(facts(&tomb, ROW), Verdict::Nothing);
    assert_eq!(facts(&tomb, There::Silent), Verdict::Nothing);
}

#[test]
fn a_tombstone_decides_once_and_again_only_for_what_failed_or_came_back() {
    let over = LinkState::Deleted(Departed {
        gone: both(true),
        ..Departed::default()
    });
    let ours = LinkState::Deleted(Departed {
        gone: both(true),
        archived: sides(None, Some(RunId(7))),
        due: false,
    });
    let one = LinkState::Deleted(Departed::of(S));
    let facts = |state: &LinkState, there: PerSide<There>, unfinished: bool| {
        decide(&Facts {
            state,
            there,
            changed: sides(false, false),
            policy: everything(),
            choice: None,
            unfinished,
        })
    };
    assert_eq!(facts(&over, sides(ROW, ARCHIVED), true), Verdict::Nothing);
    assert_eq!(
        facts(&one, sides(ROW, ARCHIVED), false),
        Verdict::Rest(both(true))
    );
    let due = LinkState::Deleted(Departed {
        due: true,
        ..Departed::of(S)
    });
    assert_eq!(
        facts(&due, sides(ROW, There::Live), false),
        Verdict::Archive(H, Evidence::Row)
    );
    assert_eq!(
        facts(&one, sides(ROW, There::Live), true),
        Verdict::Archive(H, Evidence::Row)
    );
    let restored = Verdict::Ask(ItemKind::RestoredHereDeletedThere, H);
    assert_eq!(facts(&ours, sides(There::Live, ARCHIVED), false), restored);
    // What a person wanted to have made of it was not, and is taken back: it is no deletion of a person's.
    let there_again = LinkState::Deleted(Departed {
        archived: sides(None, Some(RunId(7))),
        ..Departed::of(H)
    });
    assert_eq!(
        facts(&there_again, sides(There::Live, ARCHIVED), true),
        restored
    );
    assert_eq!(
        facts(&there_again, sides(There::Live, ARCHIVED), false),
        Verdict::Nothing
    );
    // What we archived is restored by a person, or a person deleted both: that is what was wanted.
    assert_eq!(facts(&ours, sides(ROW, There::Live), false), rest(S));
    assert_eq!(facts(&over, sides(There::Live, ARCHIVED), false), rest(H));
}

#[test]
fn no_state_of_the_world_deletes_without_evidence_or_a_word() {
    let there = [
        ROW,
        ARCHIVED,
        There::Live,
        There::Merged,
        There::Converted,
        There::Silent,
    ];
    let states = [
        LinkState::Active,
        LinkState::Suspended("x".into()),
        LinkState::OutOfScope,
        LinkState::Deleted(Departed::of(S)),
        LinkState::Deleted(Departed {
            gone: both(true),
            archived: sides(None, Some(RunId(1))),
            due: false,
        }),
    ];
    let choices = [
        None,
        Some(Choice::Accept),
        Some(Choice::Create),
        Some(Choice::Ignore),
    ];
    let mut reached = BTreeSet::new();
    for state in &states {
        for s in there {
            for h in there {
                for choice in &choices {
                    for (deletes, delete_update) in [
                        (DeletePolicy::Ignore, DeleteUpdate::Ask),
                        (DeletePolicy::Archive, DeleteUpdate::DeleteWins),
                        (DeletePolicy::Ask, DeleteUpdate::UpdateWins),
                    ] {
                        for flags in 0..4 {
                            let facts = Facts {
                                state,
                                there: sides(s, h),
                                changed: both(flags & 1 == 1),
                                policy: Policy {
                                    deletes,
                                    delete_update,
                                    ..everything()
                                },
                                choice: choice.as_ref(),
                                unfinished: flags & 2 == 2,
                            };
                            let verdict = decide(&facts);
                            reached.insert(
                                format!("{verdict:?}").split('(').next().unwrap().to_owned(),
                            );
                            if let Verdict::Archive(side, evidence) = verdict {
                                assert_eq!(*facts.there.get(side.other()), There::Gone(evidence));
                                assert_eq!(*facts.there.get(side), There::Live);
                                let said = choice == &Some(Choice::Accept);
                                assert!(said || deletes == DeletePolicy::Archive);
                            }
                            if let Verdict::OutOfReach(side) = verdict {
                                assert_eq!(*facts.there.get(side), There::Silent);
                                assert_eq!(*state, LinkState::Active);
                            }
                            if let Verdict::Anew(side) = verdict {
                                assert!(matches!(facts.there.get(side), There::Gone(_)));
                                let said = choice == &Some(Choice::Create);
                                assert!(said || delete_update == DeleteUpdate::UpdateWins);
                            }
                        }
                    }
                }
            }
        }
    }
    let all = [
        "Nothing",
        "Later",
        "Rest",
        "Archive",
        "Anew",
        "Ask",
        "Back",
        "Converted",
        "OutOfReach",
    ];
    assert_eq!(reached, all.map(str::to_owned).into());
}

fn holder(link: u128, made: i64, stands: Stands) -> Holder {
    Holder {
        link: LinkId(link),
        made_at: DateTime::from_timestamp(made, 0).unwrap(),
        stands,
    }
}

#[test]
fn of_merged_records_the_survivors_link_stands_else_the_oldest() {
    use Stands::{Active, Aside, Ended, Resting, Tomb};
    let links = |ids: &[u128]| ids.iter().map(|id| LinkId(*id)).collect::<Vec<_>>();
    let rows = [
        // (survivor's, those merged into it) -> (kept, asked about, dropped)
        (None, vec![], None, vec![], vec![]),
        (Some(holder(1, 5, Active)), vec![], Some(1), vec![], vec![]),
        (None, vec![holder(2, 5, Active)], Some(2), vec![], vec![]),
        (
            Some(holder(1, 9, Active)),
            vec![holder(2, 5, Active)],
            Some(1),
            vec![2],
            vec![],
        ),
        (
            None,
            vec![holder(2, 9, Active), holder(3, 5, Active)],
            Some(3),
            vec![2],
            vec![],
        ),
        (
            None,
            vec![holder(3, 5, Active), holder(2, 5, Active)],
            Some(2),
            vec![3],
            vec![],
        ),
        (
            None,
            vec![holder(2, 1, Aside), holder(3, 5, Active)],
            Some(3),
            vec![],
            vec![2],
        ),
        (
            None,
            vec![holder(2, 1, Tomb), holder(3, 5, Active)],
            Some(3),
            vec![],
            vec![2],
        ),
        (None, vec![holder(2, 1, Tomb)], Some(2), vec![], vec![]),
        (
            Some(holder(1, 1, Tomb)),
            vec![holder(2, 5, Active)],
            Some(2),
            vec![],
            vec![1],
        ),
        // What rests out of scope, or ended for it, has a record on the other side.
        (
            Some(holder(1, 9, Active)),
            vec![holder(2, 5, Resting), holder(3, 5, Ended)],
            Some(1),
            vec![2, 3],
            vec![],
        ),
        (None, vec![holder(2, 5, Resting)], Some(2), vec![], vec![]),
        (
            Some(holder(1, 5, Ended)),
            vec![holder(2, 1, Active)],
            Some(1),
            vec![2],
            vec![],
        ),
        // Of two that ended for the scope the survivor's own stays, however old the other is.
        (
            Some(holder(1, 5, Ended)),
            vec![holder(2, 1, Ended)],
            Some(1),
            vec![2],
            vec![],
        ),
        (
            Some(holder(1, 1, Ended)),
            vec![holder(2, 5, Tomb)],
            Some(1),
            vec![],
            vec![2],
        ),
        (
            Some(holder(1, 1, Tomb)),
            vec![holder(2, 5, Tomb)],
            Some(1),
            vec![],
            vec![2],
        ),
    ];
    for (survivor, merged, keeps, collide, drop) in rows {
        let want = Followed {
            keeps: keeps.map(LinkId),
            collide: links(&collide),
            drop: links(&drop),
        };
        assert_eq!(
            follow(survivor.as_ref(), &merged),
            want,
            "{survivor:?} {merged:?}"
        );
    }
}

/// A stage is only ever told to HubSpot.
fn mapping() -> Mapping {
    crate::engine::testkit::mapping(vec![
        pair("Title", Direction::Both),
        pair("City", Direction::Both),
        pair("Stage", Direction::ToHubspot),
    ])
}

fn base(values: &[(&str, &str, &str)]) -> Base {
    let held = |text: &str| match text {
        "" => BaseValue::Null,
        text => BaseValue::Raw(text.to_owned()),
    };
    let mut base = Base::default();
    for (name, s, h) in values {
        let field = BaseField {
            values: sides(Some(held(s)), Some(held(h))),
            ..BaseField::default()
        };
        base.fields.insert((*name).to_owned(), field);
    }
    base
}

#[test]
fn only_a_change_that_could_travel_stands_against_a_deletion() {
    let mapping = mapping();
    let base = base(&[
        ("Title", "Clerk", "Clerk"),
        ("City", "", ""),
        ("Stage", "x", "x"),
    ]);
    let changed =
        |side, values: &[(&str, &str)]| changed_pairs(&mapping, &base, &seen(side, values), None);
    let still = [("title", "Clerk "), ("city", ""), ("stage", "y")];
    assert!(
        changed(H, &still).is_empty(),
        "spaces are no change, and the stage never travels to Salesforce"
    );
    assert_eq!(changed(H, &[("title", "Boss"), ("city", "")]), ["Title"]);
    assert_eq!(
        changed(S, &[("Title", "Clerk"), ("City", "Oslo"), ("Stage", "y")]),
        ["City", "Stage"]
    );
    assert!(
        changed(S, &[]).is_empty(),
        "what was not read did not change"
    );
    let mut constant = pair("Source", Direction::Both);
    constant.kind = PairKind::Constant {
        target: H,
        value: "Web".into(),
    };
    let parent = FieldPair {
        kind: PairKind::Reference {
            mapping: "accounts".into(),
        },
        ..pair("Account", Direction::Both)
    };
    let others = crate::engine::testkit::mapping(vec![constant, parent]);
    let base_of_others = self::base(&[("Source", "", "Web"), ("Account", "001", "7")]);
    let edited = |side, values: &[(&str, &str)]| {
        changed_pairs(&others, &base_of_others, &seen(side, values), None).join(" ")
    };
    assert_eq!(
        edited(H, &[("source", "Fair"), ("account", "8")]),
        "Account",
        "a constant is nobody's edit, and a changed association is one"
    );
    assert_eq!(edited(S, &[("Account", "002")]), "Account");
}

#[test]
fn what_was_never_settled_is_a_change_unless_it_is_blank_or_the_record_that_is_gone_held_the_same()
{
    let mapping = mapping();
    let values = [("Title", "Boss"), ("City", " "), ("Stage", "x")];
    let changed = |base: &Base, gone: Option<&Observation>| {
        changed_pairs(&mapping, base, &seen(S, &values), gone).join(" ")
    };
    let none = Base::default();
    assert_eq!(changed(&none, None), "Title Stage");
    let gone = seen(H, &[("title", "Boss "), ("city", "Rome"), ("stage", "y")]);
    assert_eq!(changed(&none, Some(&gone)), "Stage");
    let mut half = base(&[("Title", "", "Clerk"), ("Stage", "x", "y")]);
    half.fields.get_mut("Title").unwrap().values.salesforce = None;
    assert_eq!(
        changed(&half, Some(&seen(H, &[("title", "Clerk")]))),
        "Title",
        "what the other side had settled is not this side's"
    );
}

#[test]
fn after_a_merge_what_differs_is_that_sides_first_value_and_a_blank_takes_the_other_sides() {
    let mapping = mapping();
    let mut base = base(&[
        ("Title", "Clerk", "Clerk"),
        ("City", "Rome", "Rome"),
        ("Stage", "x", "x"),
    ]);
    let before = base.fields.clone();
    let survivor = seen(S, &[("Title", "Boss"), ("City", ""), ("Stage", "x")]);
    rebase(&mapping, &mut base, S, &seen(S, &[]));
    assert_eq!(base.fields, before, "what was not read stays as it was");
    rebase(&mapping, &mut base, S, &survivor);
    let held = |name: &str| base.fields[name].values.clone();
    let raw = |text: &str| Some(BaseValue::Raw(text.to_owned()));
    assert_eq!(held("Title"), sides(None, raw("Clerk")));
    assert_eq!(held("City"), sides(None, None));
    assert_eq!(held("Stage"), sides(raw("x"), raw("x")));
}
