//! Engines with one defence taken away, as a proof that the simulation would see its loss (docs/design/testing.md 2.5). Each is made
//! from outside: a setting, a side that tells something else, a store that forgets.

use std::sync::Arc;
use std::time::Duration;

use syncline::crm::Crm;
use syncline::domain::{Base, Link, LinkState, PerSide, Side};
use syncline::engine::Rules;
use syncline::engine::guard::Share;
use syncline::store::rows::OpenOp;
use syncline::store::{Batch, Family as Rows, Key, keys};

use crate::clubs;
use crate::families::{self, Family};
use crate::story::{Act, Pen, Story, Sync, Trouble};
use crate::weak_side;

/// What is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// No look at a record right before it is written: an old look does.
    NoPreRead,
    /// No overlap of windows, and no waiting for the index.
    NoOverlap,
    /// Unanswered writes are decided about at once.
    NoSettleDelay,
    /// An unanswered write is sent again.
    BlindResend,
    /// Commits are not made durable.
    NoFlush,
    /// The base is what was sent, not what was read back.
    BaseFromSent,
    /// The newest edit is told by the record's time.
    RecordTimes,
    /// Dirty marks are not stored.
    NoDirtyMarks,
    /// Recovery finds nothing that an unanswered create has made.
    NoRecovery,
    /// Conflicts are not kept.
    NoConflicts,
    /// What does not answer counts as deleted.
    DeleteOn404,
    /// What was merged into another record counts as deleted.
    MergedIsDeleted,
    /// The scope is not looked at.
    NoScope,
    /// A link whose record is gone is forgotten.
    NoTombstones,
    /// So is one whose record an undo took back.
    NothingTakenBack,
    /// Nobody remembers who has a record.
    NoOwners,
    /// What goes back and forth is never frozen.
    NoBreaker,
    /// Nobody remembers how many records there were.
    NoEmptySource,
    /// Valves never trip.
    NoValves,
    /// An undo writes whatever is there now.
    BlindUndo,
    /// Nobody is told that a Lead was converted.
    UntoldConversions,
    /// Nobody waits for a write that was given up.
    NoGhosts,
    /// What a walk did not meet counts as gone.
    UnmetIsGone,
    /// All accounts look alike.
    AnyAccount,
    /// Nobody remembers which elements a set had: every merge of one is a union.
    NoSetBases,
}

/// Seeds that are known to catch a weakness.
const HINTS: [(Weakness, u64); 17] = [
    (Weakness::NoEmptySource, 1),
    (Weakness::NoPreRead, 2),
    (Weakness::NoOverlap, 11),
    (Weakness::NoSettleDelay, 3),
    (Weakness::BlindResend, 7),
    (Weakness::BaseFromSent, 5),
    (Weakness::NoRecovery, 8),
    (Weakness::DeleteOn404, 10),
    (Weakness::MergedIsDeleted, 4),
    (Weakness::NothingTakenBack, 1),
    (Weakness::NoBreaker, 27),
    (Weakness::NoValves, 1),
    (Weakness::BlindUndo, 2),
    (Weakness::NoGhosts, 1),
    (Weakness::UnmetIsGone, 1),
    (Weakness::AnyAccount, 1),
    (Weakness::NoSetBases, 2),
];

impl Weakness {
    pub const ALL: [Weakness; 25] = [
        Weakness::NoPreRead,
        Weakness::NoOverlap,
        Weakness::NoSettleDelay,
        Weakness::BlindResend,
        Weakness::NoFlush,
        Weakness::BaseFromSent,
        Weakness::RecordTimes,
        Weakness::NoDirtyMarks,
        Weakness::NoRecovery,
        Weakness::NoConflicts,
        Weakness::DeleteOn404,
        Weakness::MergedIsDeleted,
        Weakness::NoScope,
        Weakness::NoTombstones,
        Weakness::NothingTakenBack,
        Weakness::NoOwners,
        Weakness::NoBreaker,
        Weakness::NoEmptySource,
        Weakness::NoValves,
        Weakness::BlindUndo,
        Weakness::UntoldConversions,
        Weakness::NoGhosts,
        Weakness::UnmetIsGone,
        Weakness::AnyAccount,
        Weakness::NoSetBases,
    ];

    /// A seed that is known to catch it, which is tried first.
    pub fn hint(self) -> u64 {
        let known = HINTS.iter().find(|(one, _)| *one == self);
        known.map_or(0, |(_, seed)| *seed)
    }

    /// The family of rarer acts that it takes, put into every story.
    pub fn family(self) -> Option<Family> {
        match self {
            Weakness::DeleteOn404 => Some(Family::Rights),
            Weakness::MergedIsDeleted => Some(Family::Merges),
            Weakness::NoScope => Some(Family::Scope),
            Weakness::NoTombstones | Weakness::NoValves => Some(Family::Deletions),
            Weakness::NothingTakenBack | Weakness::BlindUndo => Some(Family::Undos),
            Weakness::UntoldConversions => Some(Family::Leads),
            Weakness::NoSetBases => Some(Family::Sets),
            _ => None,
        }
    }

    /// The world in which the defence is needed most.
    pub fn world(self, story: &mut Story) {
        if self == Weakness::NoRecovery {
            *story = Story::usual(story.seed);
        }
        if let Some(family) = self.family() {
            families::add(story, family);
        }
        match self {
            // Where no key tells two creates apart.
            Weakness::NoSettleDelay | Weakness::BlindResend | Weakness::NoRecovery => {
                story.unkeyed = true;
                story.faults = String::new();
            }
            Weakness::NoPreRead => story.faults = String::new(),
            Weakness::NoOverlap => story.faults = "lag".to_owned(),
            Weakness::NoBreaker => story.automation = true,
            Weakness::RecordTimes => {
                // Two edits of one field, the second a minute after the first, and the newest wins.
                story.rules = ["last_write_wins"; 4];
                story.faults = String::new();
                let edit = |side, tag| Act::Edit {
                    side,
                    who: 0,
                    field: 1,
                    pen: Pen::Tag(tag),
                };
                let sync = Act::Sync(Sync::default());
                let first = [sync.clone(), edit(Side::HubSpot, 90_001), Act::Wait(60)];
                story.acts.extend(first);
                story.acts.extend([edit(Side::Salesforce, 90_002), sync]);
            }
            Weakness::DeleteOn404 | Weakness::MergedIsDeleted => story.deletes = "archive",
            Weakness::NoEmptySource => {
                story.people[0] = 24;
                story.faults = String::new();
                let full = Act::Sync(Sync {
                    full: true,
                    ..Sync::default()
                });
                let hide = Act::HideAll(true);
                story.acts.extend([full.clone(), hide, full]);
            }
            Weakness::NoValves => {
                story.people[0] = 24;
                story.deletes = "archive";
                story.acts.push(Act::Sync(Sync::default()));
                story.acts.extend((0..7).map(|at| Act::Delete {
                    side: Side::Salesforce,
                    who: 3 * at,
                }));
                story.acts.push(Act::Sync(Sync::default()));
            }
            Weakness::NoGhosts => {
                story.faults = String::new();
                story.acts.extend(late_landing());
            }
            Weakness::UnmetIsGone => {
                story.deletes = "archive";
                story.faults = String::new();
                story.acts.extend(unmet());
            }
            Weakness::NoSetBases => {
                story.faults = String::new();
                story.acts.extend(taken_off());
            }
            Weakness::AnyAccount => {
                story.faults = String::new();
                let sync = Act::Sync(Sync::default());
                story.acts.extend([sync, Act::OtherPortal]);
            }
            _ => {}
        }
    }

    /// The rules under it.
    pub fn rules(self, rules: &mut Rules) {
        match self {
            Weakness::NoOverlap => {
                rules.settings.overlap_salesforce = Duration::ZERO;
                rules.settings.overlap_uncovered = Duration::ZERO;
                rules.settings.overlap_hubspot = Duration::ZERO;
            }
            Weakness::NoSettleDelay => rules.settings.settle_delay = Duration::ZERO,
            Weakness::NoPreRead => rules.settings.max_age = Duration::from_secs(1_000_000),
            Weakness::NoBreaker => rules.settings.oscillation_writes = u32::MAX,
            Weakness::NoScope => {
                for mapping in &mut rules.mappings {
                    mapping.scope = None;
                }
            }
            Weakness::NoValves => {
                let all = Share::percent(u32::MAX / 100);
                rules.limits.max_deletes = all;
            }
            _ => {}
        }
    }

    /// What the store takes of a batch.
    pub fn store(self, mut batch: Batch) -> Batch {
        for (key, value) in &mut batch.writes {
            let row = value.take();
            *value = row.and_then(|row| self.row(key, row));
        }
        batch
    }

    /// What the store keeps of a row, if anything.
    fn row(self, key: &Key, row: Vec<u8>) -> Option<Vec<u8>> {
        let of = |family: Rows| key.0.first() == Some(&(family as u8));
        let forgotten = match self {
            Weakness::NoDirtyMarks => of(Rows::Dirty),
            Weakness::NoConflicts => of(Rows::Conflict),
            Weakness::NoOwners => of(Rows::LinkIndex),
            Weakness::NoEmptySource => *key == keys::meta("live/salesforce/Contact"),
            Weakness::NoTombstones => {
                of(Rows::Link) && matches!(state(&row), Some(LinkState::Deleted(_)))
            }
            Weakness::NothingTakenBack => {
                of(Rows::Link) && matches!(state(&row), Some(LinkState::TakenBack(_)))
            }
            Weakness::NoSetBases if of(Rows::Base) => return without_sets(row),
            Weakness::NoGhosts => {
                let open = of(Rows::OpenOp).then(|| parsed::<OpenOp>(&row)).flatten();
                open.is_some_and(|op| op.ghost.is_some())
            }
            _ => false,
        };
        (!forgotten).then_some(row)
    }

    /// The sides under it.
    pub fn sides(self, crm: PerSide<Arc<dyn Crm>>) -> PerSide<Arc<dyn Crm>> {
        weak_side::sides(self, crm)
    }
}

/// A write times out, is given up after the settle delay, and lands behind the one that was sent in its place.
fn late_landing() -> Vec<Act> {
    let edit = |tag| Act::Edit {
        side: Side::Salesforce,
        who: 0,
        field: 1,
        pen: Pen::Tag(tag),
    };
    let sync = || Act::Sync(Sync::default());
    let spoil = Act::Spoil {
        side: Side::HubSpot,
        trouble: Trouble::LandsLater(300),
    };
    vec![
        sync(),
        Act::Wait(200),
        edit(90_001),
        spoil,
        sync(),
        Act::Wait(150),
        edit(90_002),
        sync(),
        Act::Wait(400),
        sync(),
    ]
}

/// Somebody gets a further firm, and it is taken off where we put it.
fn taken_off() -> Vec<Act> {
    let full = || {
        Act::Sync(Sync {
            full: true,
            ..Sync::default()
        })
    };
    let mut acts = vec![full()];
    for firm in [0, 1] {
        let side = Side::Salesforce;
        acts.push(Act::Club(clubs::Deed::Join { side, who: 0, firm }));
    }
    acts.extend([Act::Wait(200), full()]);
    for pick in [0, 1] {
        let side = Side::HubSpot;
        acts.push(Act::Club(clubs::Deed::Leave { side, who: 0, pick }));
    }
    acts.extend([Act::Wait(200), full()]);
    acts
}

/// A record is out of our sight while everything is walked over.
fn unmet() -> Vec<Act> {
    let full = || {
        Act::Sync(Sync {
            full: true,
            ..Sync::default()
        })
    };
    let hide = |hidden| Act::HideRecord { who: 0, hidden };
    vec![full(), Act::Wait(200), hide(true), full(), hide(false)]
}

/// The row of a base without those of sets.
fn without_sets(mut row: Vec<u8>) -> Option<Vec<u8>> {
    let mut base = parsed::<Base>(&row)?;
    if base.fields.remove(clubs::ROWS).is_some() {
        row.truncate(1);
        row.extend(serde_json::to_vec(&base).unwrap());
    }
    Some(row)
}

/// A stored row: a byte of format, then JSON.
fn parsed<T: serde::de::DeserializeOwned>(row: &[u8]) -> Option<T> {
    serde_json::from_slice(row.get(1..)?).ok()
}

fn state(row: &[u8]) -> Option<LinkState> {
    parsed::<Link>(row).map(|link| link.state)
}
