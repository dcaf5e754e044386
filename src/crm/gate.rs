//! One gate per side and endpoint family: at most so many requests in any stretch of time, shut while the vendor asks
//! for patience. Decides by values; the waiting itself is the HTTP layer's, through `Clock::sleep`.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// How long one 429 slows a family that is slowed by them.
const SLOWED_FOR: chrono::Duration = chrono::Duration::seconds(60);

/// What a gate lets through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// Requests…
    pub(crate) count: usize,
    /// …in any stretch this long.
    pub(crate) per: Duration,
    /// Each 429 halves the count for a minute (HubSpot search, whose rate everyone in the portal shares).
    pub(crate) halves: bool,
}

#[derive(Debug, Default)]
struct State {
    sent: VecDeque<DateTime<Utc>>,
    shut_until: Option<DateTime<Utc>>,
    slowed: VecDeque<DateTime<Utc>>,
    vendor_count: Option<usize>,
}

/// A gate. `rate` is `None` where only shutting matters (Salesforce has no rate, 5 of its sheet).
#[derive(Debug)]
pub(crate) struct Gate {
    rate: Option<Rate>,
    state: Mutex<State>,
}

impl Gate {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        Gate {
            rate,
            state: Mutex::default(),
        }
    }

    /// Takes a place if there is one now; otherwise says how long to wait before asking again.
    pub(crate) fn take(&self, now: DateTime<Utc>) -> Result<(), Duration> {
        let mut state = self.lock();
        if let Some(until) = state.shut_until {
            if now < until {
                return Err(positive(until - now));
            }
            state.shut_until = None;
        }
        let Some(rate) = self.rate else {
            return Ok(());
        };
        while state.slowed.front().is_some_and(|at| now >= *at) {
            state.slowed.pop_front();
        }
        let per = chrono::Duration::from_std(rate.per).unwrap_or(chrono::Duration::seconds(10));
        while state.sent.front().is_some_and(|at| now - *at >= per) {
            state.sent.pop_front();
        }
        let count = rate.count.min(state.vendor_count.unwrap_or(usize::MAX));
        let allowed = (count >> state.slowed.len().min(16)).max(1);
        if state.sent.len() >= allowed {
            let oldest = state.sent[state.sent.len() - allowed];
            return Err(positive(oldest + per - now));
        }
        state.sent.push_back(now);
        Ok(())
    }

    /// Shuts the gate until `until`, later wins.
    pub(crate) fn shut(&self, until: DateTime<Utc>) {
        let mut state = self.lock();
        state.shut_until = Some(state.shut_until.map_or(until, |old| old.max(until)));
    }

    /// Notes one 429.
    pub(crate) fn throttled(&self, now: DateTime<Utc>) {
        if self.rate.is_some_and(|rate| rate.halves) {
            self.lock().slowed.push_back(now + SLOWED_FOR);
        }
    }

    /// Notes the count the vendor itself names (`X-HubSpot-RateLimit-Max`), less a margin.
    pub(crate) fn vendor_allows(&self, count: u64) {
        let less_margin = count.saturating_sub(count / 19).max(1);
        self.lock().vendor_count = usize::try_from(less_margin).ok();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        match self.state.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

/// A chrono difference as a wait of at least a millisecond, so that a caller never spins.
fn positive(wait: chrono::Duration) -> Duration {
    wait.to_std()
        .unwrap_or_default()
        .max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_795_000_000_000 + ms).unwrap()
    }

    fn passed(gate: &Gate, from: i64, to: i64) -> usize {
        (from..to).filter(|ms| gate.take(at(*ms)).is_ok()).count()
    }

    fn search() -> Gate {
        Gate::new(Some(Rate {
            count: 4,
            per: Duration::from_secs(1),
            halves: true,
        }))
    }

    #[test]
    fn no_stretch_of_the_set_length_holds_more_than_the_count() {
        let gate = Gate::new(Some(Rate {
            count: 180,
            per: Duration::from_secs(10),
            halves: false,
        }));
        let sent: Vec<i64> = (0..40_000)
            .filter(|ms| gate.take(at(*ms)).is_ok())
            .collect();
        assert!(sent.len() >= 4 * 180);
        for (index, first) in sent.iter().enumerate() {
            let within = sent[index..]
                .iter()
                .take_while(|ms| **ms < first + 10_000)
                .count();
            assert!(within <= 180, "{within} within ten seconds of {first}");
        }
    }

    #[test]
    fn each_429_halves_search_for_a_minute_and_never_stops_it() {
        let gate = search();
        assert_eq!(passed(&gate, 0, 1_000), 4);
        gate.throttled(at(1_000));
        assert_eq!(passed(&gate, 2_000, 3_000), 2);
        gate.throttled(at(3_000));
        gate.throttled(at(3_000));
        gate.throttled(at(3_000));
        assert_eq!(passed(&gate, 4_000, 5_000), 1);
        assert_eq!(passed(&gate, 64_000, 65_000), 4);
    }

    #[test]
    fn a_shut_gate_tells_how_long_to_wait_and_opens_by_itself() {
        let gate = Gate::new(None);
        gate.shut(at(5_000));
        gate.shut(at(2_000));
        assert_eq!(gate.take(at(1_000)), Err(Duration::from_secs(4)));
        assert_eq!(gate.take(at(5_000)), Ok(()));
    }

    #[test]
    fn a_smaller_limit_of_the_vendor_is_kept() {
        let gate = search();
        gate.vendor_allows(2);
        assert_eq!(passed(&gate, 0, 1_000), 2);
    }
}
