//! What the fault layer may do to a portal.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::Portal;

impl Portal {
    /// Ends every OAuth access token at `now`; a refresh gives a new one.
    pub fn expire_tokens(&mut self, now: DateTime<Utc>) {
        self.sessions.expire(now);
    }

    /// The refresh token is refused from now on (`true`) or taken again.
    pub fn refuse_refresh(&mut self, refused: bool) {
        self.sessions.refused = refused;
    }

    /// The static token is unknown from now on (`true`: rotated or deleted) or known again.
    pub fn refuse_static_token(&mut self, refused: bool) {
        self.sessions.static_refused = refused;
    }

    /// The granted scopes; `None` grants all.
    pub fn set_scopes(&mut self, scopes: Option<BTreeSet<String>>) {
        self.settings.scopes = scopes;
    }

    /// Writes to records answer 423 until then.
    pub fn lock(&mut self, until: DateTime<Utc>) {
        self.locked_until = Some(until);
    }

    /// Everything answers 477 with `Retry-After` until then.
    pub fn migrate(&mut self, until: DateTime<Utc>) {
        self.migrating_until = Some(until);
    }

    /// The mean index lag of changes from now on.
    pub fn set_index_lag(&mut self, lag: Duration) {
        self.settings.index_lag = lag;
    }

    /// The search index catches up with everything at once.
    pub fn settle_index(&mut self) {
        for table in &mut self.tables {
            table.index.settle();
        }
    }

    /// Sets how much of the daily budget is gone (others in the account use it too).
    pub fn set_used_today(&mut self, now: DateTime<Utc>, used: u64) {
        self.meter.set_used_today(now, &self.settings, used);
    }

    /// Whether 429 answers say how long to wait.
    pub fn set_retry_after_header(&mut self, on: bool) {
        self.settings.retry_after_header = on;
    }
}
