//! Counting calls by purpose, and what is known of a side's health.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Why a call is made. The words are those of `purposes` in a run's JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Sign-in and identity.
    Auth,
    /// Describe, properties, owners, users, limits.
    Schema,
    /// The watermark of a window (getUpdated).
    Watermark,
    /// Reading changes or everything.
    Observe,
    /// Reading the other side, and the pre-read before a write.
    Complete,
    /// Looking a key up before a create.
    LookUp,
    /// Writing.
    Write,
    /// Reading back what was written.
    ReadBack,
    /// Property history for conflicts.
    FieldTimes,
    /// Reading or writing associations.
    Associations,
    /// Looking up the outcome of an unanswered write.
    Recovery,
    /// `check`, `record`.
    Check,
}

impl Purpose {
    /// The word for machines.
    pub fn word(self) -> &'static str {
        match self {
            Purpose::Auth => "auth",
            Purpose::Schema => "schema",
            Purpose::Watermark => "watermark",
            Purpose::Observe => "observe",
            Purpose::Complete => "complete",
            Purpose::LookUp => "look_up",
            Purpose::Write => "write",
            Purpose::ReadBack => "read_back",
            Purpose::FieldTimes => "field_times",
            Purpose::Associations => "associations",
            Purpose::Recovery => "recovery",
            Purpose::Check => "check",
        }
    }
}

/// Counts every request of one side, rejected ones and retries included.
#[derive(Debug, Default)]
pub struct Meter {
    counts: Mutex<BTreeMap<Purpose, u64>>,
}

impl Meter {
    /// Counts one request.
    pub fn count(&self, purpose: Purpose) {
        *self.lock().entry(purpose).or_insert(0) += 1;
    }

    /// The counts so far.
    pub fn snapshot(&self) -> BTreeMap<Purpose, u64> {
        self.lock().clone()
    }

    /// All requests so far.
    pub fn total(&self) -> u64 {
        self.lock().values().sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Purpose, u64>> {
        match self.counts.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

/// What the last calls told about a side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideHealth {
    /// Since when every call fails to reach it; `None` while it answers.
    pub unreachable_since: Option<DateTime<Utc>>,
    /// The last failure's words.
    pub last_failure: Option<String>,
    /// The gate is closed until then (429).
    pub throttled_until: Option<DateTime<Utc>>,
    /// 429 answers so far.
    pub throttled: u64,
    /// Calls used today by anyone, and the daily limit, as the vendor last said.
    pub daily: Option<(u64, u64)>,
    /// The vendor's clock minus ours, in milliseconds.
    pub clock_offset_ms: i64,
    /// The same by the newest answer alone: another one where our own clock was set since (docs/design/sync-semantics.md 5.1).
    pub newest_offset_ms: i64,
}
