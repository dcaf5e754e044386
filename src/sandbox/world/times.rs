//! When things were made and edited, so that edit times decide some differences and leave others open
//! (docs/design/sync-semantics.md 8, "Interval LWW").

use chrono::{DateTime, Duration, DurationRound, Utc};

use super::cast::Relation;
use crate::sandbox::prng::Prng;

/// The last seeded edit is at least this long before the world's start.
const QUIET: Duration = Duration::minutes(61);

/// The moments of one record on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Past {
    /// When the record was made.
    pub(super) made: DateTime<Utc>,
    /// When somebody edited it, if ever.
    pub(super) edited: Option<DateTime<Utc>>,
}

/// Draws moments before `now`.
#[derive(Debug)]
pub(super) struct Calendar {
    now: DateTime<Utc>,
}

impl Calendar {
    /// Moments before `now`, to the whole second.
    pub(super) fn before(now: DateTime<Utc>) -> Self {
        let second = now.duration_trunc(Duration::seconds(1)).unwrap_or(now);
        Calendar { now: second }
    }

    /// A moment between so and so many days ago, never within the last hour.
    pub(super) fn ago(&self, prng: &mut Prng, newest: i64, oldest: i64) -> DateTime<Utc> {
        let seconds = prng.between(newest * 86_400, oldest * 86_400);
        self.now - Duration::seconds(seconds).max(QUIET)
    }

    /// An ordinary past: made long ago, one in twelve edited since.
    pub(super) fn ordinary(&self, prng: &mut Prng) -> Past {
        let made = self.ago(prng, 60, 900);
        let edited = prng.percent(8).then(|| self.ago(prng, 0, 59));
        Past { made, edited }
    }

    /// The pasts of a pair: Salesforce, HubSpot. In the two "newer" relations and in the ambiguous one the differing
    /// value came with `edited` where that is set, else with `made`.
    pub(super) fn pair(&self, prng: &mut Prng, relation: Relation) -> (Past, Past) {
        let past = |made, edited| Past { made, edited };
        match relation {
            Relation::HubSpotNewer | Relation::TooLong => {
                let salesforce = past(self.ago(prng, 200, 900), None);
                let edited = self.ago(prng, 0, 40);
                (salesforce, past(self.ago(prng, 60, 900), Some(edited)))
            }
            Relation::SalesforceNewer => {
                let salesforce = past(self.ago(prng, 30, 400), None);
                (salesforce, past(self.ago(prng, 420, 900), None))
            }
            Relation::Ambiguous => {
                let edited = self.ago(prng, 0, 20);
                let salesforce = past(self.ago(prng, 500, 900), Some(edited));
                (salesforce, past(self.ago(prng, 40, 480), None))
            }
            _ => (self.ordinary(prng), self.ordinary(prng)),
        }
    }
}
