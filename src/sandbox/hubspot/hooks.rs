//! What the fault layer may do to a portal.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use crate::sandbox::history::{Author, Values};

use super::Portal;
use super::index::Fields;
use super::kinds::Kind;
use super::text::to_millis;

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

    /// Whether a taken address answers in the 400 form of a lost race.
    pub fn set_email_race(&mut self, on: bool) {
        self.settings.email_race = on;
    }

    /// A bulk job of the portal itself (a workflow, the month-end recalculation): writes `values`, unchecked, to every
    /// live record of an object in one millisecond. Gives how many it wrote.
    pub fn bulk_write(&mut self, now: DateTime<Utc>, object: &str, values: &Values) -> usize {
        let Some(kind) = Kind::find(object) else {
            return 0;
        };
        let set: Fields = values
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().unwrap_or_default()))
            .collect();
        let live: Vec<u64> = self
            .table(kind)
            .records
            .iter()
            .filter(|(_, record)| record.archived.is_none())
            .map(|(id, _)| *id)
            .collect();
        live.iter()
            .filter(|id| self.update_record(to_millis(now), &Author::System, kind, **id, &set))
            .count()
    }
}
