//! Who is newer: the interval rule of docs/design/sync-semantics.md 8, and the plain one for a person who takes "newest".

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::Side;

/// The part of the guard that is always there, before the measured clock uncertainty: 2 s.
pub const GUARD: TimeDelta = TimeDelta::seconds(2);

/// When a field changed, as exactly as both sides tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldTimes {
    /// tH: the newest HubSpot version of the property that we did not write.
    pub h_changed_at: Option<DateTime<Utc>>,
    /// aS: Salesforce was last seen holding the base value (at a first sync: the record's CreatedDate).
    pub s_after: Option<DateTime<Utc>>,
    /// zS: LastModifiedDate of the Salesforce record.
    pub s_modified_at: Option<DateTime<Utc>>,
    /// Uncertainty of both clock offsets, beside [`GUARD`].
    pub skew: TimeDelta,
    /// True once the times were looked up: what is missing now stays missing.
    pub looked_up: bool,
}

/// The side that is newer for certain: HubSpot iff tH > zS + g, Salesforce iff tH < aS - g; `None` is ambiguous.
pub fn interval_newer(times: &FieldTimes) -> Option<Side> {
    let t_h = times.h_changed_at?;
    let guard = GUARD + times.skew;
    let after = |limit: DateTime<Utc>| limit.checked_add_signed(guard);
    if times
        .s_modified_at
        .and_then(after)
        .is_some_and(|limit| t_h > limit)
    {
        return Some(Side::HubSpot);
    }
    let before = |limit: DateTime<Utc>| limit.checked_sub_signed(guard);
    if times
        .s_after
        .and_then(before)
        .is_some_and(|limit| t_h < limit)
    {
        return Some(Side::Salesforce);
    }
    None
}

/// The side whose last change is later, for a person who takes the newest; `None` for a tie or a missing time.
pub fn person_newest(times: &FieldTimes) -> Option<Side> {
    let (t_h, z_s) = (times.h_changed_at?, times.s_modified_at?);
    match t_h.cmp(&z_s) {
        std::cmp::Ordering::Greater => Some(Side::HubSpot),
        std::cmp::Ordering::Less => Some(Side::Salesforce),
        std::cmp::Ordering::Equal => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0)
    }

    fn times(h: i64, after: i64, modified: i64) -> FieldTimes {
        FieldTimes {
            h_changed_at: at(h),
            s_after: at(after),
            s_modified_at: at(modified),
            skew: TimeDelta::seconds(1),
            looked_up: true,
        }
    }

    #[test]
    fn hubspot_is_newer_only_beyond_the_guard_after_the_salesforce_record() {
        assert_eq!(interval_newer(&times(104, 0, 100)), Some(Side::HubSpot));
        assert_eq!(interval_newer(&times(103, 0, 100)), None);
    }

    #[test]
    fn salesforce_is_newer_only_beyond_the_guard_before_the_last_sight_of_the_base() {
        assert_eq!(interval_newer(&times(46, 50, 100)), Some(Side::Salesforce));
        assert_eq!(interval_newer(&times(47, 50, 100)), None);
    }

    #[test]
    fn an_unrelated_later_edit_of_the_salesforce_record_does_not_make_it_win() {
        assert_eq!(interval_newer(&times(60, 50, 100)), None);
    }

    #[test]
    fn missing_times_decide_nothing() {
        assert_eq!(interval_newer(&FieldTimes::default()), None);
        let no_history = FieldTimes {
            h_changed_at: None,
            ..times(0, 50, 100)
        };
        assert_eq!(interval_newer(&no_history), None);
        assert_eq!(person_newest(&no_history), None);
    }

    #[test]
    fn a_person_who_takes_the_newest_gets_the_later_one_and_no_answer_for_a_tie() {
        assert_eq!(person_newest(&times(101, 0, 100)), Some(Side::HubSpot));
        assert_eq!(person_newest(&times(99, 0, 100)), Some(Side::Salesforce));
        assert_eq!(person_newest(&times(100, 0, 100)), None);
    }
}
