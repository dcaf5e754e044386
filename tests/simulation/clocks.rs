//! The clock of the engine's machine: the true time, wrong by as much as an act says. It is set between runs only, so that what
//! a run noted can be put right by one number.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use syncline::clock::Clock;

/// A clock that is wrong.
pub struct Skewed {
    truth: Arc<dyn Clock>,
    by: AtomicI64,
}

impl Skewed {
    pub fn new(truth: Arc<dyn Clock>, seconds: i64) -> Skewed {
        Skewed {
            truth,
            by: AtomicI64::new(seconds),
        }
    }

    pub fn set(&self, seconds: i64) {
        self.by.store(seconds, Ordering::Relaxed);
    }

    /// By how much it is ahead.
    pub fn ahead(&self) -> TimeDelta {
        TimeDelta::seconds(self.by.load(Ordering::Relaxed))
    }
}

impl Clock for Skewed {
    fn now(&self) -> DateTime<Utc> {
        self.truth.now() + self.ahead()
    }
}
