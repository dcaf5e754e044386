//! Keeps what the last calls told about a side: reachability, throttling, daily use, and the vendor's clock.

use std::collections::VecDeque;
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use super::SideHealth;

/// The offset is the median of this many answers (sync-semantics 5.1).
const SAMPLES: usize = 9;

#[derive(Debug, Default)]
pub(crate) struct HealthBook {
    state: Mutex<(SideHealth, VecDeque<i64>)>,
}

impl HealthBook {
    /// The present state; a throttle that has passed is dropped.
    pub(crate) fn read(&self, now: DateTime<Utc>) -> SideHealth {
        let mut health = self.lock().0.clone();
        health.throttled_until = health.throttled_until.filter(|until| *until > now);
        health
    }

    /// Milliseconds the vendor's clock is ahead of ours.
    pub(crate) fn offset(&self) -> chrono::Duration {
        chrono::Duration::milliseconds(self.lock().0.clock_offset_ms)
    }

    /// Any whole answer came, sent and received at these moments of our clock.
    pub(crate) fn answered(
        &self,
        sent: DateTime<Utc>,
        received: DateTime<Utc>,
        date: Option<&str>,
    ) {
        let mut guard = self.lock();
        guard.0.unreachable_since = None;
        let Some(server) = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok()) else {
            return;
        };
        let midpoint = sent + (received - sent) / 2;
        let offset = (server.with_timezone(&Utc) - midpoint).num_milliseconds();
        guard.1.push_back(offset);
        while guard.1.len() > SAMPLES {
            guard.1.pop_front();
        }
        guard.0.clock_offset_ms = median(&guard.1);
        guard.0.newest_offset_ms = offset;
    }

    /// No answer came.
    pub(crate) fn silent(&self, now: DateTime<Utc>, words: String) {
        let mut guard = self.lock();
        guard.0.unreachable_since.get_or_insert(now);
        guard.0.last_failure = Some(words);
    }

    /// An answer refused.
    pub(crate) fn failed(&self, words: String) {
        self.lock().0.last_failure = Some(words);
    }

    /// A 429 (or its like) shut the gate until then.
    pub(crate) fn throttled(&self, until: DateTime<Utc>) {
        let mut guard = self.lock();
        guard.0.throttled += 1;
        let later = guard.0.throttled_until.map_or(until, |old| old.max(until));
        guard.0.throttled_until = Some(later);
    }

    /// The vendor named the day's use and limit.
    pub(crate) fn daily(&self, used: u64, limit: u64) {
        self.lock().0.daily = Some((used, limit));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (SideHealth, VecDeque<i64>)> {
        match self.state.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

fn median(samples: &VecDeque<i64>) -> i64 {
    let mut sorted: Vec<i64> = samples.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_795_000_000_000 + ms).unwrap()
    }

    fn date(ms: i64) -> String {
        at(ms).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    #[test]
    fn the_offset_is_the_median_of_the_last_nine() {
        let book = HealthBook::default();
        for step in 0..9 {
            let now = at(step * 1_000);
            book.answered(now, now, Some(&date(step * 1_000 + 7_000)));
        }
        assert_eq!(book.read(at(0)).clock_offset_ms, 7_000);
        for step in 0..4 {
            let now = at(step * 1_000);
            book.answered(now, now, Some(&date(step * 1_000 + 900_000)));
        }
        assert_eq!(
            book.read(at(0)).clock_offset_ms,
            7_000,
            "four outliers of nine do not move it"
        );
        for step in 0..9 {
            let now = at(step * 1_000);
            book.answered(now, now, Some(&date(step * 1_000)));
        }
        assert_eq!(book.read(at(0)).clock_offset_ms, 0);
    }

    #[test]
    fn the_midpoint_of_a_slow_call_is_what_the_date_is_compared_with() {
        let book = HealthBook::default();
        book.answered(at(0), at(10_000), Some(&date(5_000)));
        assert_eq!(book.read(at(0)).clock_offset_ms, 0);
    }

    #[test]
    fn an_answer_ends_the_silence_and_a_passed_throttle_is_not_shown() {
        let book = HealthBook::default();
        book.silent(at(0), "reset".into());
        book.silent(at(9), "reset".into());
        assert_eq!(book.read(at(10)).unreachable_since, Some(at(0)));
        book.answered(at(10), at(11), Some("not a date"));
        assert_eq!(book.read(at(12)).unreachable_since, None);
        book.throttled(at(100));
        assert_eq!(book.read(at(99)).throttled_until, Some(at(100)));
        assert_eq!(book.read(at(100)).throttled_until, None);
        assert_eq!(book.read(at(100)).throttled, 1);
    }
}
