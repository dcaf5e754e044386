//! One thing that is read from the service for what is selected: at most one request under way, late answers ignored.

use chrono::{DateTime, Duration, Utc};

use super::set_back::set_back;

/// How long something stale is shown before it is read again.
const REFRESH_MS: i64 = 1_000;

/// A value read for a key.
#[derive(Clone, Debug)]
pub struct Fetch<K, T> {
    have: Option<(K, T)>,
    pending: Option<(u64, K, DateTime<Utc>)>,
    failed: Option<(K, String)>,
    at: DateTime<Utc>,
    stale: bool,
}

impl<K, T> Default for Fetch<K, T> {
    fn default() -> Self {
        Fetch {
            have: None,
            pending: None,
            failed: None,
            at: DateTime::<Utc>::MIN_UTC,
            stale: false,
        }
    }
}

impl<K: PartialEq + Clone, T> Fetch<K, T> {
    /// The value, if it is for this key.
    pub fn get(&self, key: &K) -> Option<&T> {
        self.have
            .as_ref()
            .filter(|(have, _)| have == key)
            .map(|(_, value)| value)
    }

    /// Why it could not be read, if it is for this key.
    pub fn failure(&self, key: &K) -> Option<&str> {
        self.failed
            .as_ref()
            .filter(|(failed, _)| failed == key)
            .map(|(_, why)| why.as_str())
    }

    /// Since when it is waited for.
    pub fn waiting(&self) -> Option<DateTime<Utc>> {
        self.pending.as_ref().map(|(_, _, since)| *since)
    }

    /// True where a request should go out for this key.
    pub fn wants(&self, key: &K, now: DateTime<Utc>) -> bool {
        if self.pending.is_some() || self.failure(key).is_some() {
            return false;
        }
        self.get(key).is_none()
            || (self.stale && now - self.at >= Duration::milliseconds(REFRESH_MS))
    }

    /// When `wants` will change its mind by itself.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        (self.stale && self.pending.is_none() && self.have.is_some())
            .then(|| self.at + Duration::milliseconds(REFRESH_MS))
    }

    /// Notes the request.
    pub fn asked(&mut self, id: u64, key: K, now: DateTime<Utc>) {
        self.pending = Some((id, key, now));
        self.stale = false;
    }

    /// Takes the answer to request `id`.
    pub fn arrived(&mut self, id: u64, value: T, now: DateTime<Utc>) {
        if let Some((_, key, _)) = self.pending.take_if(|(pending, ..)| *pending == id) {
            self.have = Some((key, value));
            self.failed = None;
            self.at = now;
        }
    }

    /// The answer to request `id` was a refusal.
    pub fn refused(&mut self, id: u64, why: String) {
        if let Some((_, key, _)) = self.pending.take_if(|(pending, ..)| *pending == id) {
            self.failed = Some((key, why));
        }
    }

    /// The clock was set back by that much.
    pub fn set_back(&mut self, by: Duration) {
        set_back(Some(&mut self.at), by);
        set_back(self.pending.as_mut().map(|(_, _, since)| since), by);
    }

    /// What is held may have changed.
    pub fn stale(&mut self) {
        self.stale = true;
        self.failed = None;
    }

    /// Read again as soon as possible.
    pub fn again(&mut self) {
        self.stale();
        self.at = DateTime::<Utc>::MIN_UTC;
    }
}
