//! Both sides behind one door: what the listener serves and what tests call in process. Faults are put between the
//! client and the vendors here; the vendors know nothing of them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::colleagues::{Colleagues, Worked};
use super::faults::{Exchange, Fault, Injector, Profile, Trouble, refusal};
use super::http::{Request, Response};
use super::hubspot::{Portal, PortalSettings};
use super::party::{Party, Stats};
use super::salesforce::{Org, OrgSettings};
use super::side::Side;
use super::world::{Truth, WorldSettings, plant};

/// The search index's mean lag under the profile `lag`.
const LONG_LAG: TimeDelta = TimeDelta::seconds(75);

/// How a sandbox is set up.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Size and seed of the world.
    pub world: WorldSettings,
    /// Faults from the start.
    pub faults: Profile,
    /// Simulated colleagues are at work.
    pub live: bool,
    /// The key fields of both sides are missing (`--no-keys`).
    pub no_keys: bool,
}

/// A request that lands after its client has given up.
#[derive(Clone, Debug)]
struct Stray {
    lands: DateTime<Utc>,
    side: Side,
    request: Request,
}

/// What the shell answered in place of a vendor.
#[derive(Clone, Debug, Default)]
struct Spared {
    calls: u64,
    rejected: BTreeMap<u16, u64>,
}

/// A Salesforce org, a HubSpot portal, and what goes wrong between them and their clients.
pub struct Sandbox {
    /// The Salesforce side.
    pub org: Org,
    /// The HubSpot side.
    pub portal: Portal,
    settings: Settings,
    truth: Truth,
    injector: Injector,
    colleagues: Option<Colleagues>,
    strays: Vec<Stray>,
    spared: BTreeMap<Side, Spared>,
}

impl Sandbox {
    /// Grows the world of `settings`, all of it before `now`.
    pub fn new(settings: Settings, now: DateTime<Utc>) -> Self {
        let mut org = Org::new(OrgSettings {
            key_fields: !settings.no_keys,
            ..OrgSettings::default()
        });
        let mut portal = Portal::new(PortalSettings {
            key_property: !settings.no_keys,
            ..PortalSettings::default()
        });
        let truth = plant(&mut org, &mut portal, &settings.world, now);
        portal.settle_index();
        let seed = settings.world.seed;
        let mut sandbox = Sandbox {
            org,
            portal,
            truth,
            injector: Injector::new(settings.faults.clone(), seed),
            colleagues: settings.live.then(|| Colleagues::new(seed, now)),
            strays: Vec::new(),
            spared: BTreeMap::new(),
            settings,
        };
        sandbox.set_faults(sandbox.settings.faults.clone());
        sandbox
    }

    /// Starts both sides anew with another world, and with the fault profile, colleagues and address of now. Scripted
    /// faults and requests still to land are forgotten.
    pub fn reset(&mut self, world: WorldSettings, now: DateTime<Utc>) {
        let settings = Settings {
            world,
            faults: self.injector.profile().clone(),
            ..self.settings.clone()
        };
        let url = self.org.settings().host_url.clone();
        *self = Sandbox::new(settings, now);
        self.org.set_url(url);
    }

    /// The set-up; after [`Sandbox::reset`] that of the present world.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is true of the planted world.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Draws faults by another profile from now on.
    pub fn set_faults(&mut self, profile: Profile) {
        let lag = match profile.has(Trouble::Lag) {
            true => LONG_LAG,
            false => PortalSettings::default().index_lag,
        };
        self.portal.set_index_lag(lag);
        self.injector.set_profile(profile);
    }

    /// The profile that faults are drawn by.
    pub fn faults(&self) -> &Profile {
        self.injector.profile()
    }

    /// The next `times` requests to `side` of that method (any, where none is given) whose path starts with `path`
    /// meet `fault`.
    pub fn script(
        &mut self,
        side: Side,
        method: Option<&str>,
        path: &str,
        fault: Fault,
        times: u32,
    ) {
        self.injector.script(side, method, path, fault, times);
    }

    /// Carries out one request, or spoils it.
    pub fn exchange(&mut self, now: DateTime<Utc>, side: Side, request: &Request) -> Exchange {
        self.land(now);
        match self.injector.decide(side, request) {
            None => Exchange::Answer(self.serve(now, side, request)),
            Some(fault) => self.spoil(now, side, request, fault),
        }
    }

    /// Lets the colleagues do what is due by `now`, and lets strays land. Nothing without `live`.
    pub fn live_step(&mut self, now: DateTime<Utc>) {
        self.land(now);
        if let Some(colleagues) = &mut self.colleagues {
            colleagues.step(now, &self.truth, &mut self.org, &mut self.portal);
        }
    }

    /// What the colleagues have done so far.
    pub fn worked(&self) -> Worked {
        self.colleagues
            .as_ref()
            .map(Colleagues::worked)
            .unwrap_or_default()
    }

    /// What was truly done on a side, calls that faults answered counted in.
    pub fn stats(&self, side: Side) -> Stats {
        let mut stats = self.party(side).stats();
        if let Some(spared) = self.spared.get(&side) {
            stats.total_calls += spared.calls;
            for (status, count) in &spared.rejected {
                *stats.rejected.entry(*status).or_default() += count;
            }
        }
        stats.faults = self.injector.counts(side);
        stats
    }

    pub(super) fn party(&self, side: Side) -> &dyn Party {
        match side {
            Side::Salesforce => &self.org,
            Side::HubSpot => &self.portal,
        }
    }

    fn party_mut(&mut self, side: Side) -> &mut dyn Party {
        match side {
            Side::Salesforce => &mut self.org,
            Side::HubSpot => &mut self.portal,
        }
    }

    fn serve(&mut self, now: DateTime<Utc>, side: Side, request: &Request) -> Response {
        self.party_mut(side).handle(now, request)
    }

    fn land(&mut self, now: DateTime<Utc>) {
        if self.strays.iter().all(|stray| stray.lands > now) {
            return;
        }
        let (due, waiting) = std::mem::take(&mut self.strays)
            .into_iter()
            .partition(|stray| stray.lands <= now);
        self.strays = waiting;
        let due: Vec<Stray> = due;
        for stray in due {
            self.serve(now, stray.side, &stray.request);
        }
    }

    fn spoil(
        &mut self,
        now: DateTime<Utc>,
        side: Side,
        request: &Request,
        fault: Fault,
    ) -> Exchange {
        match fault {
            Fault::Cut { committed } => {
                self.perhaps(now, side, request, committed);
                Exchange::Cut
            }
            Fault::Silence { committed } => {
                self.perhaps(now, side, request, committed);
                Exchange::Silence
            }
            Fault::LandsLater(after) => {
                let after = TimeDelta::from_std(after).unwrap_or_default();
                self.strays.push(Stray {
                    lands: now + after,
                    side,
                    request: request.clone(),
                });
                Exchange::Silence
            }
            Fault::Late(after) => Exchange::Late(self.serve(now, side, request), after),
            Fault::Truncated => {
                let answer = self.serve(now, side, request);
                match answer.body.len() {
                    0 => Exchange::Cut,
                    length => Exchange::Truncated(answer, length / 2),
                }
            }
            Fault::Garbled => {
                let mut answer = self.serve(now, side, request);
                answer.body.truncate(answer.body.len() * 2 / 3);
                Exchange::Answer(answer)
            }
            Fault::ExpiredToken => {
                self.party_mut(side).expire(now);
                Exchange::Answer(self.serve(now, side, request))
            }
            Fault::Locked
                if request.method == "GET" || self.party_mut(side).lock_out(now, request) =>
            {
                Exchange::Answer(self.serve(now, side, request))
            }
            Fault::ServerError {
                committed: true, ..
            } => {
                self.serve(now, side, request);
                self.refuse(side, request, fault, false)
            }
            Fault::Throttle { .. }
            | Fault::DailyLimit
            | Fault::ServerError { .. }
            | Fault::Locked => self.refuse(side, request, fault, true),
        }
    }

    /// Carries the request out where it is committed; counts it either way.
    fn perhaps(&mut self, now: DateTime<Utc>, side: Side, request: &Request, committed: bool) {
        if committed {
            self.serve(now, side, request);
        } else {
            self.spared.entry(side).or_default().calls += 1;
        }
    }

    /// The refusal that tells of the fault, counted as a call of its own where the vendor never saw the request.
    fn refuse(&mut self, side: Side, request: &Request, fault: Fault, unseen: bool) -> Exchange {
        let search = request.path.ends_with("/search");
        let Some(answer) = refusal(side, fault, search) else {
            return Exchange::Cut;
        };
        let spared = self.spared.entry(side).or_default();
        spared.calls += u64::from(unseen);
        *spared.rejected.entry(answer.status).or_default() += 1;
        Exchange::Answer(answer)
    }
}
