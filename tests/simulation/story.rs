//! What happens in one simulated world: an explicit list of acts, made from a seed, so that a failing one can be cut down.

use syncline::domain::Side;

use crate::clubs;
use crate::leads::Deed;
use crate::rng::Rng;
use crate::{draw, families};

/// What a person does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pen {
    /// Writes a value that nobody ever wrote before.
    Tag(u32),
    /// The same with blanks behind it, which Salesforce cuts off.
    Loose(u32),
    /// Empties it.
    Clear,
    /// More than Salesforce has room for in a first name.
    Long(u32),
}

/// What goes wrong with the next writes to a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Carried out, the answer is lost.
    AnswerLost,
    /// Never arrives.
    RequestLost,
    /// Carried out, then a 503.
    ErrorAfterCommit,
    /// Times out and lands this many seconds later.
    LandsLater(u64),
    /// The token expires just before it.
    Expired,
    /// 429, so often.
    Throttled(u32),
}

/// One act of anybody but the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Time passes, in seconds.
    Wait(u64),
    /// A person edits field number `field` of person number `who` on a side.
    Edit {
        side: Side,
        who: usize,
        field: usize,
        pen: Pen,
    },
    /// A person writes one field on both sides within seconds.
    Clash { who: usize, field: usize, tag: u32 },
    /// A person enters a newcomer.
    Create { side: Side, tag: u32 },
    /// Two persons enter the same newcomer on both sides.
    CreateBoth { tag: u32 },
    /// Somebody imports newcomers.
    Crowd { side: Side, tag: u32, many: u32 },
    /// A person moves somebody to another firm.
    Employ { side: Side, who: usize, firm: usize },
    /// A person deletes somebody on one side.
    Delete { side: Side, who: usize },
    /// The operator starts a sync.
    Sync(Sync),
    /// The operator takes a choice for one of the open conflicts.
    Resolve { pick: usize, how: u8, tag: u32 },
    /// The operator accepts what the last run halted for.
    Confirm,
    /// The operator takes back one of the last runs that wrote something.
    Undo { back: usize, sync: Sync },
    /// The operator lets all errors be tried again.
    Retry,
    /// The operator pauses the mapping or goes on.
    Pause(bool),
    /// Something goes wrong with the next write.
    Spoil { side: Side, trouble: Trouble },
    /// A person takes a deleted record out of the recycle bin.
    Restore { side: Side, pick: usize },
    /// A person merges one record into another.
    Merge {
        side: Side,
        winner: usize,
        loser: usize,
    },
    /// A person takes somebody out of the scope, or back into it.
    Scope { who: usize, away: bool },
    /// An admin takes the right to a field from us, or gives it back.
    HideField { field: usize, hidden: bool },
    /// An admin takes the right to a Salesforce record from us, or gives it back.
    HideRecord { who: usize, hidden: bool },
    /// The same with all of them.
    HideAll(bool),
    /// A HubSpot admin changes the property of regions.
    Property(Property),
    /// A person chooses a region.
    Region { side: Side, who: usize, region: u8 },
    /// The clock of the engine's machine is set to this many seconds before or behind the true time.
    Clock(i64),
    /// Somebody's long transaction begins in Salesforce.
    Begin,
    /// It writes a field, and everybody sees it under the time at which it began.
    Commit { who: usize, field: usize, tag: u32 },
    /// The store is copied.
    Backup,
    /// The copy takes its place.
    Recall,
    /// The operator changes the rule of a plain field, or how the scope is left.
    Config { field: usize, rule: usize },
    /// The operator makes a preview, and carries it out where `apply`.
    Preview { apply: bool },
    /// The operator accepts a plan that is not the last one.
    ConfirmOld,
    /// A person does something with a lead.
    Lead(Deed),
    /// A person does something with the firms of somebody, or with a firm.
    Club(clubs::Deed),
    /// For one run over everything the token is that of somebody else's portal.
    OtherPortal,
}

/// What becomes of the property of regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// It lacks one of its values.
    Poorer,
    /// It has them all.
    Whole,
    /// It is archived.
    Gone,
    /// It is there again.
    Back,
}

impl Act {
    /// True for what somebody does at a vendor's, which may happen in the middle of a run.
    pub fn is_outside(&self) -> bool {
        matches!(
            self,
            Act::Edit { .. }
                | Act::Delete { .. }
                | Act::Merge { .. }
                | Act::Scope { .. }
                | Act::HideField { .. }
                | Act::HideRecord { .. }
                | Act::Property(_)
                | Act::Region { .. }
                | Act::Lead(_)
                | Act::Club(_)
        )
    }

    /// True where Salesforce records are hidden from us.
    pub fn hides_records(&self) -> bool {
        match self {
            Act::HideRecord { hidden, .. } | Act::HideAll(hidden) => *hidden,
            Act::Sync(sync) | Act::Undo { sync, .. } => {
                sync.during.iter().any(|(_, act)| act.hides_records())
            }
            _ => false,
        }
    }

    /// True for what a window may not tell of, so that only a sweep brings it all to rest (5.3, 5.4, 14.5).
    pub fn needs_sweep(&self) -> bool {
        let during = |sync: &Sync| sync.during.iter().any(|(_, act)| act.needs_sweep());
        match self {
            Act::Restore { .. }
            | Act::Delete { .. }
            | Act::Merge { .. }
            | Act::HideRecord { .. }
            | Act::HideAll(_)
            | Act::HideField { .. }
            | Act::Property(_)
            | Act::Recall
            | Act::Lead(Deed::Delete { .. })
            | Act::Club(
                clubs::Deed::Close { .. } | clubs::Deed::Reopen { .. } | clubs::Deed::Fuse { .. },
            )
            | Act::Config { .. } => true,
            Act::Sync(sync) | Act::Undo { sync, .. } => during(sync),
            _ => false,
        }
    }
}

/// A run, and what happens to it while it works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sync {
    /// Reads everything.
    pub full: bool,
    /// Acts right before the request of that number.
    pub during: Vec<(u32, Act)>,
    /// The process dies at the seam crossing of that number.
    pub crash: Option<u32>,
    /// The operator stops the run at the request of that number.
    pub stop: Option<u32>,
}

/// The switches of a world: each seed has its own few (swarm).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    pub seed: u64,
    /// Persons on both sides, in Salesforce only, in HubSpot only, and pairs of twins.
    pub people: [usize; 4],
    /// Firms are synced too.
    pub firms: bool,
    /// The key fields are missing.
    pub unkeyed: bool,
    /// An automation of HubSpot's rewrites cities.
    pub automation: bool,
    /// The conflict rule of each plain field.
    pub rules: [&'static str; 4],
    /// Blanks never overwrite.
    pub keep_values: bool,
    /// Streets go to HubSpot only.
    pub one_way: bool,
    /// People edit all the while that a run works.
    pub crowded: bool,
    /// What a deletion does: `ignore`, `archive`, `ask`.
    pub deletes: &'static str,
    /// What wins where the other side was changed: `ask`, `delete_wins`, `update_wins`.
    pub delete_update: &'static str,
    /// Only contacts that are not away are synced, and what becomes of those who leave: `keep`, `freeze`, `unlink`; empty: all are.
    pub leaves: &'static str,
    /// Regions are synced, to a property of the portal's own.
    pub regions: bool,
    /// So many leads, mapped beside the contacts; none: no mapping of leads.
    pub leads: usize,
    /// The further firms of contacts are synced as a set; it takes the firms.
    pub sets: bool,
    /// Only firms that are not away are synced, and what becomes of those that leave; empty: all are.
    pub firms_leave: &'static str,
    /// The clock of the engine's machine is wrong by so many seconds.
    pub skew: i64,
    /// Fault profile of the sandbox.
    pub faults: String,
    pub acts: Vec<Act>,
}

pub const RULES: [&str; 4] = ["last_write_wins", "salesforce", "hubspot", "ask"];
const FAULTS: [&str; 5] = ["throttle", "errors", "timeouts", "auth", "lag"];

impl Story {
    /// The story of a seed.
    pub fn of(seed: u64) -> Story {
        let mut story = Story::usual(seed);
        families::join(&mut story);
        story
    }

    /// The same with the usual acts only.
    pub fn usual(seed: u64) -> Story {
        let mut rng = Rng::stream(seed, "switches");
        let mut faults: Vec<&str> = FAULTS.into_iter().filter(|_| rng.percent(35)).collect();
        if rng.percent(30) {
            faults.clear();
        }
        let size = if rng.percent(15) {
            20
        } else {
            2 + rng.below(9)
        };
        let mut story = Story {
            seed,
            people: [
                match size {
                    20 => size + rng.below(8),
                    _ => 2 + rng.below(size),
                },
                rng.below(size),
                rng.below(size),
                usize::from(rng.percent(25)),
            ],
            firms: rng.percent(35),
            unkeyed: rng.percent(20),
            automation: rng.percent(20),
            rules: [0; 4].map(|_| RULES[rng.below(RULES.len())]),
            keep_values: rng.percent(15),
            one_way: rng.percent(20),
            crowded: rng.percent(15),
            deletes: "ignore",
            delete_update: "ask",
            leaves: "",
            regions: false,
            leads: 0,
            sets: false,
            firms_leave: "",
            skew: 0,
            faults: faults.join(","),
            acts: Vec::new(),
        };
        story.acts = draw::acts(&mut Rng::stream(seed, "acts"), story.crowded);
        story
    }

    /// The story as people read it: the switches, then an act a line.
    pub fn lines(&self) -> String {
        let switches = Story {
            acts: Vec::new(),
            ..self.clone()
        };
        let acts = self.acts.iter().enumerate();
        let acts: Vec<String> = acts.map(|(at, act)| format!("  {at:2} {act:?}")).collect();
        format!("{switches:?}\n{}", acts.join("\n"))
    }
}
