//! The table of docs/design/sync-semantics.md 16.4, row by row.

use super::*;
use crate::domain::{Direction, OpState, Side};
use crate::engine::testkit::{mapping, pair, seen, update};

#[test]
fn an_update_is_judged_by_what_is_there_now() {
    assert_eq!(judge_update(true, false, false), Verdict::Applied);
    assert_eq!(judge_update(true, true, true), Verdict::Applied);
    assert_eq!(judge_update(false, true, false), Verdict::Wait);
    assert_eq!(judge_update(false, true, true), Verdict::NotApplied);
    assert_eq!(judge_update(false, false, false), Verdict::Superseded);
    assert_eq!(judge_update(false, false, true), Verdict::Superseded);
}

#[test]
fn a_create_that_nobody_answers_to_waits_for_the_settle_delay_before_it_counts_as_lost() {
    let one = RecordId::from("1");
    assert_eq!(
        judge_create(std::slice::from_ref(&one), false),
        Verdict::Applied
    );
    assert_eq!(judge_create(&[], false), Verdict::Wait);
    assert_eq!(judge_create(&[], true), Verdict::NotApplied);
    let two = [one.clone(), RecordId::from("2")];
    assert_eq!(judge_create(&two, true), Verdict::Ask(two.to_vec()));
}

#[test]
fn a_deletion_went_through_where_the_vendor_says_so_and_not_where_nothing_answers() {
    use Presence::{Deleted, Inaccessible, Live};
    let merged = Presence::MergedInto("2".into());
    for settled in [false, true] {
        assert_eq!(judge_deletion(&[Deleted], settled), Verdict::Applied);
        let into = [merged.clone(), Live];
        let alive = judge_deletion(&into, settled);
        assert_ne!(alive, Verdict::Applied, "what it was merged into is there");
        let merged = judge_deletion(&into[..1], settled);
        assert_ne!(merged, Verdict::Applied, "a merge is no deletion");
    }
    assert_eq!(judge_deletion(&[Live], false), Verdict::Wait);
    assert_eq!(judge_deletion(&[Live], true), Verdict::NotApplied);
    for silent in [&[Inaccessible][..], &[]] {
        assert_eq!(judge_deletion(silent, false), Verdict::Wait);
        assert_eq!(judge_deletion(silent, true), Verdict::Superseded);
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000 + seconds)
}

/// Sent at second 0.
fn op() -> Op {
    Op {
        state: OpState::Unknown,
        ..update(at(0))
    }
}

fn over() -> Mapping {
    mapping(vec![
        pair("Title", Direction::Both),
        pair("City", Direction::Both),
    ])
}

fn holding(title: &str, city: &str) -> Observation {
    seen(Side::Salesforce, &[("Title", title), ("City", city)])
}

#[test]
fn a_record_holds_a_write_only_with_every_field_of_it_as_the_pairs_compare() {
    let rows = [
        // What is there; what was sent, what was there before, something else.
        ("Boss", "Oslo", [true, false, false]),
        ("Boss ", "Oslo", [true, false, false]),
        ("Clerk", "Rome", [false, true, false]),
        ("Boss", "Rome", [false, false, false]),
        ("Queen", "Rome", [false, false, false]),
        ("Boss", "Bergen", [false, false, true]),
        ("Queen", "Bergen", [false, false, true]),
    ];
    for (title, city, want) in rows {
        let seen = holding(title, city);
        let got = [
            holds(&over(), &op(), &seen, |one| &one.after),
            holds(&over(), &op(), &seen, |one| &one.before),
            is_third(&over(), &op(), &seen),
        ];
        assert_eq!(got, want, "{title} {city}");
    }
    let gone = Observation {
        presence: Presence::Deleted,
        ..holding("Queen", "Bergen")
    };
    assert!(!is_third(&over(), &op(), &gone));
}

#[test]
fn a_change_is_since_a_write_by_the_vendors_clock_and_two_seconds_of_doubt() {
    let rows = [
        (0, 0, true),
        (-2, 0, true),
        (-3, 0, false),
        // Their clock is five seconds ahead, or behind.
        (3, 5, true),
        (2, 5, false),
        (-7, -5, true),
        (-8, -5, false),
    ];
    for (then, ahead, want) in rows {
        let ahead = TimeDelta::seconds(ahead);
        assert_eq!(is_since(&op(), at(then), ahead), want, "{then} {ahead}");
    }
    let mut never_sent = op();
    never_sent.attempt.sent_at = None;
    assert!(!is_since(&never_sent, at(9), TimeDelta::zero()));
}

#[test]
fn salesforces_record_is_ours_where_its_last_author_is_us_since_the_write() {
    let (us, them) = ("005US".to_owned(), "005THEM".to_owned());
    let by = |author: Option<&String>, second: i64| Observation {
        modified_by: author.cloned(),
        modstamp: at(second),
        ..holding("Queen", "Bergen")
    };
    let none = TimeDelta::zero();
    assert!(is_set_by(Some(&us), &op(), &by(Some(&us), 1), none));
    assert!(!is_set_by(Some(&us), &op(), &by(Some(&them), 1), none));
    assert!(!is_set_by(Some(&us), &op(), &by(Some(&us), -9), none));
    let unknown = is_set_by(None, &op(), &by(None, 1), none);
    assert!(!unknown, "nobody knows who we are, nor who it was");
}

#[test]
fn a_write_was_stored_in_another_form_where_each_field_is_as_sent_or_was_set_by_us() {
    let rows = [
        // What is there, the fields that we set since, whether it is ours.
        ("BOSS", "Oslo", &["Title"][..], true),
        ("BOSS", "OSLO", &["Title", "City"], true),
        ("BOSS", "OSLO", &["Title"], false),
        ("BOSS", "Oslo", &[], false),
        ("Boss", "Rome", &["Title"], false),
    ];
    for (title, city, ours, want) in rows {
        let seen = holding(title, city);
        let got = is_rewritten(&over(), &op(), &seen, |field| ours.contains(&field));
        assert_eq!(got, want, "{title} {city} {ours:?}");
    }
}

#[test]
fn a_version_tells_of_the_value_that_was_read_and_of_no_later_one() {
    let rows = [
        ("BOSS", 1, true),
        ("BOSS", -9, false),
        // It landed between the look at the record and the one at its versions.
        ("Boss", 1, false),
    ];
    let seen = holding("BOSS", "Oslo");
    for (value, second, want) in rows {
        let version = (&Value::text(value), at(second));
        let got = tells_of(&over(), &op(), (&seen, "Title"), version, TimeDelta::zero());
        assert_eq!(got, want, "{value} {second}");
    }
}

#[test]
fn without_a_key_a_create_is_found_by_its_match_value_among_records_made_since() {
    let made = |title: &str, second: Option<i64>| Observation {
        created_at: second.map(at),
        ..holding(title, "")
    };
    let rows = [
        ("boss", Some(0), true),
        ("Boss", Some(-2), true),
        ("Boss", Some(-3), false),
        ("Boss", None, false),
        ("Clerk", Some(1), false),
        ("", Some(1), false),
    ];
    for (title, second, want) in rows {
        let got = may_be_its(&op(), &made(title, second), "Title");
        assert_eq!(got, want, "{title} {second:?}");
    }
    assert_eq!(wanted(&op(), "Title").as_deref(), Some("boss"));
    // What was sent blank is nobody's.
    let nameless = made("", Some(1));
    assert!(!may_be_its(&op(), &nameless, "Email"));
    let mut never_sent = op();
    never_sent.attempt.sent_at = None;
    assert!(!may_be_its(&never_sent, &made("Boss", Some(1)), "Title"));
}
