//! Rate limits and their headers (`docs/vendor/hubspot.md` 9).

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::json;

use crate::sandbox::http::{Request, Response};

use super::auth::{Caller, bearer};
use super::fault::Fault;
use super::router::Route;
use super::settings::PortalSettings;

/// The calls of the recent past.
#[derive(Debug, Default)]
pub(super) struct Meter {
    by_token: BTreeMap<String, VecDeque<DateTime<Utc>>>,
    searches: VecDeque<DateTime<Utc>>,
    associations: VecDeque<DateTime<Utc>>,
    day: NaiveDate,
    today: u64,
}

/// Drops what is older than `span` and says how many are left.
fn trim(calls: &mut VecDeque<DateTime<Utc>>, now: DateTime<Utc>, span: Duration) -> usize {
    while calls.front().is_some_and(|at| *at <= now - span) {
        calls.pop_front();
    }
    calls.len()
}

fn too_many(message: &str, policy: &str, wait: i64, settings: &PortalSettings) -> Fault {
    let mut fault = Fault::bare(429, message)
        .with("errorType", json!("RATE_LIMIT"))
        .with("policyName", json!(policy))
        .with(
            "groupName",
            json!(format!(
                "publicapi:private-apps-api-calls-{}",
                settings.portal_id
            )),
        );
    if settings.retry_after_header {
        fault.headers.push(("Retry-After".into(), wait.to_string()));
    }
    fault
}

/// The span of the burst limits.
fn ten_seconds() -> Duration {
    Duration::seconds(10)
}

impl Meter {
    fn local_day(now: DateTime<Utc>, settings: &PortalSettings) -> NaiveDate {
        (now + Duration::seconds(i64::from(settings.utc_offset_seconds))).date_naive()
    }

    fn roll(&mut self, now: DateTime<Utc>, settings: &PortalSettings) {
        let day = Meter::local_day(now, settings);
        if day != self.day {
            self.day = day;
            self.today = 0;
        }
    }

    /// Calls counted today.
    pub(super) fn used_today(&mut self, now: DateTime<Utc>, settings: &PortalSettings) -> u64 {
        self.roll(now, settings);
        self.today
    }

    /// The next midnight of the portal.
    pub(super) fn resets_at(now: DateTime<Utc>, settings: &PortalSettings) -> DateTime<Utc> {
        let midnight = Meter::local_day(now, settings)
            .succ_opt()
            .unwrap_or_default()
            .and_hms_opt(0, 0, 0);
        midnight.unwrap_or_default().and_utc()
            - Duration::seconds(i64::from(settings.utc_offset_seconds))
    }

    /// Counts every call of the day as made, or none.
    pub(super) fn set_used_today(
        &mut self,
        now: DateTime<Utc>,
        settings: &PortalSettings,
        used: u64,
    ) {
        self.roll(now, settings);
        self.today = used;
    }

    /// Lets a call through and counts it, or 429.
    pub(super) fn admit(
        &mut self,
        now: DateTime<Utc>,
        caller: &Caller,
        route: &Route,
        settings: &PortalSettings,
    ) -> Result<(), Fault> {
        self.roll(now, settings);
        if !caller.oauth {
            if self.today >= settings.daily_limit {
                let wait = (Meter::resets_at(now, settings) - now).num_seconds();
                return Err(too_many(
                    "You have reached your daily limit.",
                    "DAILY",
                    wait,
                    settings,
                ));
            }
            self.today += 1;
        }
        if route.is_search() {
            let used = trim(&mut self.searches, now, Duration::seconds(1));
            if used >= settings.search_per_second as usize {
                return Err(too_many(
                    "You have reached your secondly limit.",
                    "SECONDLY",
                    1,
                    settings,
                ));
            }
            self.searches.push_back(now);
            return Ok(());
        }
        let rolling = |settings| {
            too_many(
                "You have reached your ten_secondly_rolling limit.",
                "TEN_SECONDLY_ROLLING",
                10,
                settings,
            )
        };
        if route.is_association() {
            let used = trim(&mut self.associations, now, ten_seconds());
            if used >= settings.association_ten_second_limit as usize {
                return Err(rolling(settings));
            }
            self.associations.push_back(now);
        }
        let limit = if caller.oauth {
            settings.oauth_ten_second_limit
        } else {
            settings.ten_second_limit
        };
        let calls = self.by_token.entry(caller.token.clone()).or_default();
        if trim(calls, now, ten_seconds()) >= limit as usize {
            return Err(rolling(settings));
        }
        calls.push_back(now);
        Ok(())
    }

    /// Puts the rate headers on an answer.
    pub(super) fn headers(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
        settings: &PortalSettings,
        response: &mut Response,
    ) {
        let Some(calls) = bearer(request).and_then(|token| self.by_token.get_mut(token)) else {
            return;
        };
        let used = trim(calls, now, ten_seconds());
        let oauth = bearer(request) != Some(settings.access_token.as_str());
        let limit = if oauth {
            settings.oauth_ten_second_limit
        } else {
            settings.ten_second_limit
        };
        let mut put =
            |name: &str, value: u64| response.headers.push((name.into(), value.to_string()));
        if !oauth {
            put("X-HubSpot-RateLimit-Daily", settings.daily_limit);
            put(
                "X-HubSpot-RateLimit-Daily-Remaining",
                settings.daily_limit.saturating_sub(self.today),
            );
        }
        put("X-HubSpot-RateLimit-Interval-Milliseconds", 10_000);
        put("X-HubSpot-RateLimit-Max", u64::from(limit));
        put(
            "X-HubSpot-RateLimit-Remaining",
            u64::from(limit).saturating_sub(used as u64),
        );
    }
}
