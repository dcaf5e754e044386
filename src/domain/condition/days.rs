//! Date literals: spans of whole days, counted in UTC. Literals that begin a week are not among them: when a week begins
//! depends on a user's locale (docs/vendor/salesforce.md 2.4).

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A span of days around today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Days {
    /// Whole days from today: from the first to (not with) the second.
    Around(i32, i32),
    /// Whole months from this one.
    Months(i32, i32),
    /// Whole years from this one.
    Years(i32, i32),
}

/// Literals without a number.
const PLAIN: [(&str, Days); 11] = [
    ("TODAY", Days::Around(0, 1)),
    ("YESTERDAY", Days::Around(-1, 0)),
    ("TOMORROW", Days::Around(1, 2)),
    ("LAST_90_DAYS", Days::Around(-90, 1)),
    ("NEXT_90_DAYS", Days::Around(1, 91)),
    ("THIS_MONTH", Days::Months(0, 1)),
    ("LAST_MONTH", Days::Months(-1, 0)),
    ("NEXT_MONTH", Days::Months(1, 2)),
    ("THIS_YEAR", Days::Years(0, 1)),
    ("LAST_YEAR", Days::Years(-1, 0)),
    ("NEXT_YEAR", Days::Years(1, 2)),
];

/// The largest number in `LAST_N_DAYS:n`: about a century.
const MOST: i32 = 36_500;

impl Days {
    /// A literal without a number.
    pub(super) fn plain(word: &str) -> Option<Days> {
        PLAIN
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word))
            .map(|(_, days)| days)
    }

    /// `WORD:n`. The last n days have today with them, the next n begin tomorrow.
    pub(super) fn counted(word: &str, n: i32) -> Option<Days> {
        let n = Some(n).filter(|n| (0..=MOST).contains(n))?;
        match word.to_ascii_uppercase().as_str() {
            "LAST_N_DAYS" => Some(Days::Around(-n, 1)),
            "NEXT_N_DAYS" => Some(Days::Around(1, n + 1)),
            "LAST_N_MONTHS" => Some(Days::Months(-n, 0)),
            "NEXT_N_MONTHS" => Some(Days::Months(1, n + 1)),
            "LAST_N_YEARS" => Some(Days::Years(-n, 0)),
            "NEXT_N_YEARS" => Some(Days::Years(1, n + 1)),
            _ => None,
        }
    }

    /// From (with) and to (without), as seen at `now`.
    pub(super) fn span(self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let today = now.date_naive();
        let first = today.with_day(1).unwrap_or(today);
        let year = first.with_month(1).unwrap_or(first);
        let (from, to) = match self {
            Days::Around(from, to) => (day(today, from), day(today, to)),
            Days::Months(from, to) => (month(first, from), month(first, to)),
            Days::Years(from, to) => (month(year, from * 12), month(year, to * 12)),
        };
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        (midnight(from), midnight(to))
    }
}

fn day(from: NaiveDate, by: i32) -> NaiveDate {
    let days = TimeDelta::days(i64::from(by));
    from.checked_add_signed(days).unwrap_or(from)
}

fn month(from: NaiveDate, by: i32) -> NaiveDate {
    let count = Months::new(by.unsigned_abs());
    let moved = if by < 0 {
        from.checked_sub_months(count)
    } else {
        from.checked_add_months(count)
    };
    moved.unwrap_or(from)
}
