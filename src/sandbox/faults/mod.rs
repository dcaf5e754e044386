//! Faults: what goes wrong between a client and a vendor. An [`Injector`] draws them by profile from its own stream of
//! the seed, or takes them from a script; [`answers`] holds what a refusal looks like on either side.

mod answers;
mod profile;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use super::http::{Request, Response};
use super::prng::Prng;
use super::side::Side;

pub use answers::refusal;
pub use profile::{Profile, Trouble, UnknownProfile};

/// What a client gets for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// An answer.
    Answer(Response),
    /// The connection is cut without an answer.
    Cut,
    /// Nothing, until the client gives up.
    Silence,
    /// The answer, but only after this long.
    Late(Response, Duration),
    /// The head of the answer and this many bytes of its body, then the connection is cut.
    Truncated(Response, usize),
}

/// One thing that goes wrong with one request. `committed` says whether the vendor has carried the request out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused because of the rate; HubSpot's 429 with `Retry-After` where seconds are given.
    Throttle {
        /// Seconds for the `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// Refused because the day's calls are used up.
    DailyLimit,
    /// A 5xx answer.
    ServerError {
        /// 500, 502, 503 or 504.
        status: u16,
        /// An HTML page from the edge instead of the vendor's JSON.
        html: bool,
        /// Carried out all the same.
        committed: bool,
    },
    /// The connection is cut.
    Cut {
        /// Carried out all the same.
        committed: bool,
    },
    /// No answer ever.
    Silence {
        /// Carried out all the same.
        committed: bool,
    },
    /// No answer ever, and the request is carried out this much later.
    LandsLater(Duration),
    /// Carried out, the answer comes this much later.
    Late(Duration),
    /// Carried out, the connection is cut in the middle of the answer.
    Truncated,
    /// Carried out, and a complete answer whose JSON breaks off.
    Garbled,
    /// All tokens of that side expire just before the request.
    ExpiredToken,
    /// HubSpot's 423 for two seconds; Salesforce's row lock on the records that the request writes to.
    Locked,
}

impl Fault {
    /// The word under which `stats` counts it.
    pub fn kind(self) -> &'static str {
        match self {
            Fault::Throttle { .. } => "throttle",
            Fault::DailyLimit => "daily_limit",
            Fault::ServerError { html: true, .. } => "html_error",
            Fault::ServerError {
                committed: true, ..
            } => "error_after_commit",
            Fault::ServerError { .. } => "error",
            Fault::Cut { committed: true } => "cut_after_commit",
            Fault::Cut { .. } => "cut",
            Fault::Silence { committed: true } => "silence_after_commit",
            Fault::Silence { .. } => "silence",
            Fault::LandsLater(_) => "lands_later",
            Fault::Late(_) => "late",
            Fault::Truncated => "truncated",
            Fault::Garbled => "garbled",
            Fault::ExpiredToken => "expired_token",
            Fault::Locked => "locked",
        }
    }
}

/// A fault that waits for its request.
#[derive(Clone, Debug)]
struct Script {
    side: Side,
    method: Option<String>,
    path: String,
    fault: Fault,
    times: u32,
}

/// Decides for each request whether something goes wrong.
#[derive(Clone, Debug)]
pub struct Injector {
    profile: Profile,
    prng: Prng,
    scripts: Vec<Script>,
    counts: BTreeMap<(Side, &'static str), u64>,
}

/// Makes up a fault of one kind.
type Draw = fn(&mut Prng) -> Fault;

/// Parts of ten thousand requests that each trouble spoils, by the fault drawn. Together about one in nine under `all`.
const RATES: [(Trouble, u32, Draw); 14] = [
    (Trouble::Throttle, 400, |prng| Fault::Throttle {
        retry_after: prng.percent(40).then(|| 1 + prng.below(2) as u32),
    }),
    (Trouble::Errors, 90, |prng| server_error(prng, false)),
    (Trouble::Errors, 50, |prng| server_error(prng, true)),
    (Trouble::Errors, 50, |prng| Fault::ServerError {
        status: [502, 503, 504][prng.below(3)],
        html: true,
        committed: prng.percent(30),
    }),
    (Trouble::Errors, 40, |_| Fault::Cut { committed: false }),
    (Trouble::Errors, 40, |_| Fault::Cut { committed: true }),
    (Trouble::Errors, 40, |_| Fault::Truncated),
    (Trouble::Errors, 30, |_| Fault::Garbled),
    (Trouble::Errors, 30, |_| Fault::Locked),
    (Trouble::Timeouts, 30, |_| Fault::Silence {
        committed: false,
    }),
    (Trouble::Timeouts, 30, |_| Fault::Silence {
        committed: true,
    }),
    (Trouble::Timeouts, 20, |prng| {
        Fault::LandsLater(Duration::from_secs(2 + prng.below(60) as u64))
    }),
    (Trouble::Timeouts, 60, |prng| {
        Fault::Late(Duration::from_millis(500 + prng.below(9_500) as u64))
    }),
    (Trouble::Auth, 60, |_| Fault::ExpiredToken),
];

fn server_error(prng: &mut Prng, committed: bool) -> Fault {
    Fault::ServerError {
        status: [500, 503][prng.below(2)],
        html: false,
        committed,
    }
}

impl Injector {
    /// Draws by `profile` from the faults' own stream of `seed`.
    pub fn new(profile: Profile, seed: u64) -> Self {
        Injector {
            profile,
            prng: Prng::stream(seed, "faults"),
            scripts: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    /// The profile drawn by.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Draws by another profile from now on. Scripts stay.
    pub fn set_profile(&mut self, profile: Profile) {
        self.profile = profile;
    }

    /// The next `times` requests to `side` of that method (any, where none is given) whose path starts with `path`
    /// meet `fault`. Scripts go before profiles, in the order in which they were given.
    pub fn script(
        &mut self,
        side: Side,
        method: Option<&str>,
        path: &str,
        fault: Fault,
        times: u32,
    ) {
        self.scripts.push(Script {
            side,
            method: method.map(str::to_owned),
            path: path.to_owned(),
            fault,
            times,
        });
    }

    /// What goes wrong with this request, if anything.
    pub fn decide(&mut self, side: Side, request: &Request) -> Option<Fault> {
        let fault = self.scripted(side, request).or_else(|| self.drawn())?;
        *self.counts.entry((side, fault.kind())).or_default() += 1;
        Some(fault)
    }

    /// How often each fault was met on that side, by [`Fault::kind`].
    pub fn counts(&self, side: Side) -> BTreeMap<&'static str, u64> {
        self.counts
            .iter()
            .filter(|((at, _), _)| *at == side)
            .map(|((_, kind), count)| (*kind, *count))
            .collect()
    }

    fn scripted(&mut self, side: Side, request: &Request) -> Option<Fault> {
        let script = self.scripts.iter_mut().find(|script| {
            script.times > 0
                && script.side == side
                && request.path.starts_with(&script.path)
                && script
                    .method
                    .as_deref()
                    .is_none_or(|method| method == request.method)
        })?;
        script.times -= 1;
        let fault = script.fault;
        self.scripts.retain(|script| script.times > 0);
        Some(fault)
    }

    fn drawn(&mut self) -> Option<Fault> {
        let mut draw = self.prng.below(10_000) as u32;
        for (trouble, rate, make) in RATES {
            if !self.profile.has(trouble) {
                continue;
            }
            if draw < rate {
                return Some(make(&mut self.prng));
            }
            draw -= rate;
        }
        None
    }
}
