//! The rolling daily allowance of API calls, and `/limits` (docs/vendor/salesforce.md 2.1, 3.8, 5).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::http::{Request, Response};

use super::Org;
use super::errors::Fault;

const DAY: i64 = 24 * 60;

/// Calls by minute over the last 24 hours.
#[derive(Debug, Default)]
pub struct Meter {
    minutes: BTreeMap<i64, u64>,
    used: u64,
    refuse_until: Option<DateTime<Utc>>,
}

impl Meter {
    fn roll(&mut self, now: DateTime<Utc>) {
        let oldest = now.timestamp().div_euclid(60) - DAY;
        while let Some(entry) = self.minutes.first_entry() {
            if *entry.key() > oldest {
                break;
            }
            self.used -= entry.remove();
        }
    }

    /// Adds calls at that moment.
    pub fn add(&mut self, now: DateTime<Utc>, calls: u64) {
        self.roll(now);
        *self
            .minutes
            .entry(now.timestamp().div_euclid(60))
            .or_default() += calls;
        self.used += calls;
    }

    /// Calls of the last 24 hours.
    pub fn used(&mut self, now: DateTime<Utc>) -> u64 {
        self.roll(now);
        self.used
    }

    /// Refuses as if the allowance were spent, until then.
    pub fn refuse(&mut self, until: Option<DateTime<Utc>>) {
        self.refuse_until = until;
    }

    fn spent(&mut self, now: DateTime<Utc>, limit: u64) -> bool {
        self.refuse_until.is_some_and(|until| now < until) || self.used(now) >= limit
    }
}

impl Org {
    /// Counts one call, or refuses it because the allowance is spent.
    pub(super) fn spend(&mut self, now: DateTime<Utc>) -> Result<(), Fault> {
        if self.meter.spent(now, self.settings.daily_limit) {
            return Err(Fault::new(
                "REQUEST_LIMIT_EXCEEDED",
                "TotalRequests Limit exceeded.",
            ));
        }
        self.meter.add(now, 1);
        Ok(())
    }

    /// The value of `Sforce-Limit-Info`.
    pub(super) fn limit_info(&mut self, now: DateTime<Utc>) -> String {
        format!(
            "api-usage={}/{}",
            self.meter.used(now),
            self.settings.daily_limit
        )
    }

    /// `GET /limits`
    pub(super) fn limits(&mut self, now: DateTime<Utc>) -> Response {
        let max = self.settings.daily_limit;
        let left = max.saturating_sub(self.meter.used(now));
        let mut all = serde_json::Map::new();
        all.insert(
            "DailyApiRequests".into(),
            json!({"Max": max, "Remaining": left}),
        );
        for (name, max, left) in [
            ("DailyBulkApiBatches", 15_000, 15_000),
            ("DailyBulkV2QueryJobs", 10_000, 10_000),
            ("DailyBulkV2QueryFileStorageMB", 976_562, 976_562),
            ("DailyDeliveredPlatformEvents", 25_000, 25_000),
            ("DailyStreamingApiEvents", 200_000, 200_000),
            ("DailyDurableStreamingApiEvents", 200_000, 200_000),
            ("StreamingApiConcurrentClients", 1_000, 1_000),
            ("DataStorageMB", 10_240, 9_011),
            ("FileStorageMB", 51_200, 50_800),
        ] {
            all.insert(name.into(), json!({"Max": max, "Remaining": left}));
        }
        Response::json(200, &Value::Object(all))
    }

    /// `GET /limits/recordCount?sObjects=Account,Contact`
    pub(super) fn record_count(&self, request: &Request) -> Response {
        let wanted = request.param("sObjects").map(str::to_owned);
        let counts: Vec<Value> = self
            .live_counts()
            .into_iter()
            .filter(|(name, count)| {
                *count > 0
                    && wanted.as_deref().is_none_or(|list| {
                        list.split(',')
                            .any(|one| one.trim().eq_ignore_ascii_case(name))
                    })
            })
            .map(|(name, count)| json!({"count": count, "name": name}))
            .collect();
        Response::json(200, &json!({"sObjects": counts}))
    }
}
