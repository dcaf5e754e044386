//! The matching table of docs/design/sync-semantics.md 9.2, row by row.

use super::*;

fn record(id: &str, keys: &[&[u128]]) -> Unlinked {
    Unlinked {
        id: id.into(),
        keys: keys.iter().map(|rule| rule.to_vec()).collect(),
    }
}

fn linked(id: &str, link: u128, keys: &[&[u128]]) -> Linked {
    Linked {
        id: id.into(),
        link: LinkId(link),
        keys: keys.iter().map(|rule| rule.to_vec()).collect(),
    }
}

fn input(s: Vec<Unlinked>, h: Vec<Unlinked>) -> MatchInput {
    MatchInput {
        rules: 2,
        unlinked: PerSide {
            salesforce: s,
            hubspot: h,
        },
        linked: PerSide::default(),
    }
}

fn create(side: Side, id: &str) -> MatchOutcome {
    MatchOutcome::Create {
        side,
        id: id.into(),
    }
}

fn ambiguous(side: Side, id: &str, candidates: &[&str], twins: &[&str]) -> MatchOutcome {
    MatchOutcome::Ambiguous {
        side,
        id: id.into(),
        candidates: candidates.iter().map(|id| RecordId::from(*id)).collect(),
        twins: twins.iter().map(|id| RecordId::from(*id)).collect(),
    }
}

use Side::{HubSpot as H, Salesforce as S};

#[test]
fn one_candidate_without_twins_is_linked() {
    let found = matching(&input(
        vec![record("s1", &[&[1], &[9]])],
        vec![record("h1", &[&[1], &[]])],
    ));
    let link = MatchOutcome::Link {
        s: "s1".into(),
        h: "h1".into(),
        rule: 0,
    };
    assert_eq!(found, [link]);
}

#[test]
fn a_later_rule_is_tried_where_an_earlier_one_finds_nothing_and_blank_keys_never_match() {
    let found = matching(&input(
        vec![record("s1", &[&[], &[9]]), record("s2", &[&[], &[]])],
        vec![record("h1", &[&[1], &[9]]), record("h2", &[&[], &[]])],
    ));
    let link = MatchOutcome::Link {
        s: "s1".into(),
        h: "h1".into(),
        rule: 1,
    };
    assert_eq!(found, [link, create(S, "s2"), create(H, "h2")]);
}

#[test]
fn an_additional_address_is_a_key_of_its_record() {
    let found = matching(&input(
        vec![record("s1", &[&[2]])],
        vec![record("h1", &[&[1, 2, 3]])],
    ));
    assert!(matches!(found.as_slice(), [MatchOutcome::Link { .. }]));
}

#[test]
fn no_candidate_but_twins_creates_nobody() {
    let found = matching(&input(
        vec![record("s1", &[&[1]]), record("s2", &[&[1]])],
        vec![],
    ));
    let duplicate = |id: &str, twin: &str| MatchOutcome::DuplicatesInSource {
        side: S,
        id: id.into(),
        twins: vec![twin.into()],
    };
    assert_eq!(found, [duplicate("s1", "s2"), duplicate("s2", "s1")]);
}

#[test]
fn two_records_that_claim_one_get_nothing_and_each_of_the_three_is_told_once() {
    let found = matching(&input(
        vec![record("s1", &[&[1]]), record("s2", &[&[1]])],
        vec![record("h1", &[&[1]])],
    ));
    let expected = [
        ambiguous(S, "s1", &["h1"], &["s2"]),
        ambiguous(S, "s2", &["h1"], &["s1"]),
        ambiguous(H, "h1", &["s1", "s2"], &[]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_claim_by_a_later_rule_spoils_a_match_by_an_earlier_one() {
    let found = matching(&input(
        vec![record("s1", &[&[1], &[5]]), record("s2", &[&[7], &[9]])],
        vec![record("h1", &[&[1], &[9]])],
    ));
    let expected = [
        ambiguous(S, "s1", &["h1"], &[]),
        ambiguous(S, "s2", &["h1"], &[]),
        ambiguous(H, "h1", &["s1"], &[]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn two_candidates_are_ambiguous() {
    let found = matching(&input(
        vec![record("s1", &[&[1, 2]])],
        vec![record("h1", &[&[1]]), record("h2", &[&[2]])],
    ));
    let expected = [
        ambiguous(S, "s1", &["h1", "h2"], &[]),
        ambiguous(H, "h1", &["s1"], &[]),
        ambiguous(H, "h2", &["s1"], &[]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_linked_candidate_is_named_and_nothing_is_created_with_or_without_twins() {
    let mut world = input(vec![record("s1", &[&[1]]), record("s2", &[&[1]])], vec![]);
    world.linked.hubspot = vec![linked("h1", 7, &[&[1]])];
    let told = |id: &str| MatchOutcome::AlreadyLinked {
        side: S,
        id: id.into(),
        candidate: "h1".into(),
        link: LinkId(7),
    };
    assert_eq!(matching(&world), [told("s1"), told("s2")]);
}

#[test]
fn a_linked_twin_spoils_a_match() {
    let mut world = input(vec![record("s1", &[&[1]])], vec![record("h1", &[&[1]])]);
    world.linked.salesforce = vec![linked("s0", 7, &[&[1]])];
    let expected = [
        ambiguous(S, "s1", &["h1"], &["s0"]),
        ambiguous(H, "h1", &["s0", "s1"], &[]),
    ];
    assert_eq!(matching(&world), expected);
}

#[test]
fn a_review_blocks_only_its_own_records() {
    let found = matching(&input(
        vec![
            record("s1", &[&[1]]),
            record("s2", &[&[1]]),
            record("s3", &[&[3]]),
        ],
        vec![record("h1", &[&[1]]), record("h3", &[&[3]])],
    ));
    assert!(found.contains(&MatchOutcome::Link {
        s: "s3".into(),
        h: "h3".into(),
        rule: 0
    }));
}

#[test]
fn fifty_thousand_a_side_with_one_huge_group_stay_bounded() {
    let side = |letter: char, count: u32| -> Vec<Unlinked> {
        (0..count)
            .map(|n| Unlinked {
                id: RecordId(format!("{letter}{n:07}")),
                // Half of them share one name key.
                keys: vec![vec![u128::from(n)], vec![u128::from(n % 2) * u128::from(n)]],
            })
            .collect()
    };
    let found = matching(&input(side('s', 50_000), side('h', 50_001)));
    assert!(found.len() >= 50_000);
    assert!(found.iter().all(|outcome| match outcome {
        MatchOutcome::Ambiguous {
            candidates, twins, ..
        } => candidates.len() <= LISTED && twins.len() <= LISTED,
        _ => true,
    }));
}
