//! Rarer things that happen to a world, by family: each seed has its own few of them, put among the usual acts. They are drawn
//! from streams of their own, so that a new one reshuffles no other (docs/design/testing.md 2.1).

use syncline::domain::Side;

use crate::clubs::Deed;
use crate::draw::{self, side};
use crate::leads::{self, Screen};
use crate::rng::Rng;
use crate::story::{Act, Pen, Property, RULES, Story, Sync};

/// What belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Merges,
    Deletions,
    Scope,
    Rights,
    Schema,
    Clocks,
    Transactions,
    Backups,
    Config,
    Previews,
    Poison,
    Undos,
    Leads,
    Sets,
}

/// A new one goes last, so that the others are drawn as before.
const FAMILIES: [Family; 14] = [
    Family::Merges,
    Family::Deletions,
    Family::Scope,
    Family::Rights,
    Family::Schema,
    Family::Clocks,
    Family::Transactions,
    Family::Backups,
    Family::Config,
    Family::Previews,
    Family::Poison,
    Family::Undos,
    Family::Leads,
    Family::Sets,
];

/// Half a month and a little: longer than a recycle bin and a deletion log last.
const LONG_PAUSE: u64 = 16 * 86_400;

const DELETES: [&str; 3] = ["archive", "ignore", "ask"];
const DELETE_UPDATE: [&str; 3] = ["ask", "delete_wins", "update_wins"];
const LEAVES: [&str; 3] = ["freeze", "unlink", "keep"];

/// Puts the families of a seed into its story.
pub fn join(story: &mut Story) {
    let mut rng = Rng::stream(story.seed, "families");
    if rng.percent(25) {
        return;
    }
    let only = std::env::var("SIM_FAMILY").ok();
    let chosen: Vec<Family> = FAMILIES
        .into_iter()
        .filter(|family| {
            let drawn = rng.percent(25);
            match &only {
                Some(name) => format!("{family:?}") == *name,
                None => drawn,
            }
        })
        .collect();
    for family in chosen {
        add(story, family);
    }
}

/// Puts one family into a story.
pub fn add(story: &mut Story, family: Family) {
    let mut rng = Rng::stream(story.seed, &format!("{family:?}"));
    family.settings(story, &mut rng);
    for _ in 0..1 + rng.below(4) {
        let group = family.acts(&mut rng);
        insert(&mut story.acts, group, &mut rng);
    }
}

/// Puts acts that follow each other, with others between them, somewhere behind the beginning; now and then the first happens in
/// the middle of a run.
fn insert(acts: &mut Vec<Act>, group: Vec<Act>, rng: &mut Rng) {
    let mut at = 1 + rng.below(acts.len());
    for (place, act) in group.into_iter().enumerate() {
        at = at.min(acts.len());
        if place == 0
            && act.is_outside()
            && rng.percent(30)
            && let Some(Act::Sync(sync)) = acts[at..]
                .iter_mut()
                .find(|one| matches!(one, Act::Sync(_)))
        {
            sync.during.push((1 + rng.below(14) as u32, act));
            continue;
        }
        acts.insert(at, act);
        at += 1 + rng.below(4);
    }
}

impl Family {
    /// The switches under which it is worth something.
    fn settings(self, story: &mut Story, rng: &mut Rng) {
        match self {
            Family::Merges | Family::Rights if rng.percent(50) => {
                story.deletes = DELETES[rng.below(2)];
            }
            Family::Deletions => {
                story.deletes = DELETES[rng.below(3)];
                story.delete_update = DELETE_UPDATE[rng.below(3)];
            }
            Family::Scope => story.leaves = LEAVES[rng.below(3)],
            Family::Schema => story.regions = true,
            Family::Clocks => story.skew = skew(rng),
            Family::Leads => story.leads = 2 + rng.below(5),
            Family::Sets => {
                (story.firms, story.sets) = (true, true);
                if rng.percent(25) {
                    story.firms_leave = LEAVES[rng.below(3)];
                }
            }
            _ => {}
        }
    }

    /// Some acts of it that belong together.
    fn acts(self, rng: &mut Rng) -> Vec<Act> {
        let (side, who, tag) = (side(rng), rng.zipf(), 50_000 + rng.below(10_000) as u32);
        match self {
            Family::Merges => vec![Act::Merge {
                side,
                winner: who,
                loser: rng.zipf(),
            }],
            Family::Deletions => deletion(rng),
            Family::Scope => {
                let back = Act::Scope { who, away: false };
                match rng.below(3) {
                    0 => vec![Act::Scope { who, away: true }],
                    _ => vec![Act::Scope { who, away: true }, back],
                }
            }
            Family::Rights => rights(rng),
            Family::Schema => schema(rng),
            Family::Clocks => vec![Act::Clock(skew(rng))],
            Family::Transactions => vec![
                Act::Begin,
                Act::Commit {
                    who,
                    field: rng.below(4),
                    tag,
                },
            ],
            Family::Backups => vec![Act::Backup, Act::Recall],
            Family::Config => vec![Act::Config {
                field: rng.below(5),
                rule: rng.below(RULES.len()),
            }],
            Family::Previews => match rng.below(4) {
                0 => vec![Act::ConfirmOld],
                1 => vec![Act::Preview { apply: false }],
                _ => vec![Act::Preview { apply: true }],
            },
            Family::Undos => undo(rng),
            Family::Leads => conversion(rng),
            Family::Sets => further(rng),
            Family::Poison => {
                let edit = |pen| Act::Edit {
                    side: syncline::domain::Side::HubSpot,
                    who,
                    field: 0,
                    pen,
                };
                match rng.percent(50) {
                    true => vec![edit(Pen::Long(tag))],
                    false => vec![edit(Pen::Long(tag)), edit(Pen::Tag(tag + 1))],
                }
            }
        }
    }
}

/// Something is synced and taken back, and perhaps somebody wrote meanwhile.
fn undo(rng: &mut Rng) -> Vec<Act> {
    let (from, who, field) = (side(rng), rng.zipf(), rng.below(4));
    let tag = 60_000 + 3 * rng.below(3_000) as u32;
    let edit = |side, tag| Act::Edit {
        side,
        who,
        field,
        pen: Pen::Tag(tag),
    };
    let cause = match rng.percent(40) {
        true => Act::Create { side: from, tag },
        false => edit(from, tag),
    };
    let undo = |back| Act::Undo {
        back,
        sync: Sync::default(),
    };
    let mut acts = vec![cause, Act::Wait(200), Act::Sync(Sync::default())];
    match rng.below(4) {
        0 => acts.push(edit(from.other(), tag + 1)),
        1 => acts.push(edit(from, tag + 1)),
        _ => {}
    }
    acts.push(undo(0));
    if rng.percent(30) {
        acts.push(undo(2));
    }
    acts.push(Act::Sync(Sync::default()));
    acts
}

/// A lead is entered, worked on, converted, and what happens around that.
fn conversion(rng: &mut Rng) -> Vec<Act> {
    let who = rng.below(8);
    let mut tag = 70_000 + 8 * rng.below(1_000) as u32;
    let mut edit = |rng: &mut Rng| {
        tag += 1;
        Act::Lead(leads::Deed::Edit {
            side: side(rng),
            who,
            field: rng.below(5),
            pen: if rng.percent(10) {
                Pen::Clear
            } else {
                Pen::Tag(tag)
            },
        })
    };
    let mut acts = Vec::new();
    if rng.percent(25) {
        let tag = 80_000 + rng.below(10_000) as u32;
        acts.push(Act::Lead(leads::Deed::Enter { tag }));
    }
    for _ in 0..rng.below(3) {
        acts.push(edit(rng));
    }
    let lost = |side, rng: &mut Rng| {
        Act::Lead(leads::Deed::Delete {
            side,
            who: if rng.percent(70) { who } else { rng.below(8) },
        })
    };
    if rng.percent(8) {
        acts.push(lost(Side::HubSpot, rng));
    }
    if rng.percent(25) {
        let trouble = draw::trouble(rng);
        acts.push(Act::Spoil {
            side: side(rng),
            trouble,
        });
    }
    if rng.percent(90) {
        let how = screen(rng);
        let convert = Act::Lead(leads::Deed::Convert { who, how });
        match rng.percent(35) {
            true => acts.push(Act::Sync(Sync {
                during: vec![(1 + rng.below(20) as u32, convert)],
                crash: rng.percent(30).then(|| 1 + rng.below(70) as u32),
                ..Sync::default()
            })),
            false => acts.push(convert),
        }
    }
    for _ in 0..rng.below(3) {
        acts.push(edit(rng));
    }
    match rng.below(12) {
        0 | 1 => acts.push(lost(Side::Salesforce, rng)),
        2 => acts.push(lost(Side::HubSpot, rng)),
        3 | 4 => acts.push(Act::Undo {
            back: rng.below(2),
            sync: Sync::default(),
        }),
        _ => {}
    }
    acts
}

/// Somebody gets a further firm or loses one, and a person may touch the contact beside it, or something happens to the firm.
fn further(rng: &mut Rng) -> Vec<Act> {
    let who = rng.zipf();
    let mut firm = rng.below(4);
    let mut acts = Vec::new();
    if rng.percent(15) {
        firm = 10 + rng.below(3);
        let side = side(rng);
        acts.push(Act::Club(Deed::Found { side, firm }));
    }
    for _ in 0..1 + rng.below(4) {
        let own = side(rng);
        let join = Deed::Join {
            side: own,
            who,
            firm,
        };
        let pick = rng.below(3);
        let leave = Deed::Leave {
            side: own,
            who,
            pick,
        };
        acts.push(Act::Club(if rng.percent(50) { join } else { leave }));
        if rng.percent(60) {
            // Of a field in no mapping: it makes a run look.
            let pen = Pen::Tag(40_000 + rng.below(10_000) as u32);
            acts.push(Act::Edit {
                side: side(rng),
                who,
                field: 5,
                pen,
            });
        }
        if rng.percent(15) {
            let trouble = draw::trouble(rng);
            acts.push(Act::Spoil {
                side: own.other(),
                trouble,
            });
        }
        if rng.percent(50) {
            acts.push(Act::Sync(Sync::default()));
        }
    }
    match rng.below(12) {
        0 => acts.push(Act::Employ {
            side: side(rng),
            who,
            firm,
        }),
        1 => acts.push(Act::Undo {
            back: rng.below(2),
            sync: Sync::default(),
        }),
        2..5 => acts.extend(of_a_firm(rng, firm)),
        _ => {}
    }
    acts
}

/// A firm is deleted and perhaps comes back, is merged, or leaves the scope.
fn of_a_firm(rng: &mut Rng, firm: usize) -> Vec<Act> {
    let side = side(rng);
    let deeds = match rng.below(4) {
        0 => vec![Deed::Close { side, firm }],
        1 => {
            let pick = rng.below(2);
            vec![Deed::Close { side, firm }, Deed::Reopen { side, pick }]
        }
        2 => vec![Deed::Fuse {
            side,
            winner: rng.below(4),
            loser: firm,
        }],
        _ => vec![
            Deed::Move { firm, away: true },
            Deed::Move { firm, away: false },
        ],
    };
    deeds.into_iter().map(Act::Club).collect()
}

/// What is said on the screen that converts.
fn screen(rng: &mut Rng) -> Screen {
    Screen {
        contact: rng.percent(30).then(|| rng.zipf()),
        account: rng.percent(30).then(|| rng.below(4)),
        copies_key: rng.percent(30),
        renames: rng.percent(20).then(|| 90_000 + rng.below(10_000) as u32),
    }
}

fn skew(rng: &mut Rng) -> i64 {
    let far = [3, 20, 90, 400, 3_000, 40_000][rng.below(6)];
    if rng.percent(50) { far } else { -far }
}

/// Somebody goes, and perhaps is back.
fn deletion(rng: &mut Rng) -> Vec<Act> {
    let side = side(rng);
    let delete = Act::Delete {
        side,
        who: rng.zipf(),
    };
    let back = Act::Restore {
        side,
        pick: rng.below(3),
    };
    match rng.below(8) {
        0..3 => vec![delete],
        3..7 => vec![delete, back],
        _ => vec![delete, Act::Wait(LONG_PAUSE)],
    }
}

/// Something is not shown to us for a while.
fn rights(rng: &mut Rng) -> Vec<Act> {
    let (who, field) = (rng.zipf(), rng.below(4));
    match rng.below(5) {
        0 | 1 => vec![
            Act::HideField {
                field,
                hidden: true,
            },
            Act::HideField {
                field,
                hidden: false,
            },
        ],
        2 => vec![Act::HideAll(true), Act::HideAll(false)],
        _ => vec![
            Act::HideRecord { who, hidden: true },
            Act::HideRecord { who, hidden: false },
        ],
    }
}

/// The property of regions changes, and people use it.
fn schema(rng: &mut Rng) -> Vec<Act> {
    let mut acts: Vec<Act> = (0..2)
        .map(|_| Act::Region {
            side: side(rng),
            who: rng.zipf(),
            region: rng.below(4) as u8,
        })
        .collect();
    let (worse, better) = match rng.percent(60) {
        true => (Property::Poorer, Property::Whole),
        false => (Property::Gone, Property::Back),
    };
    acts.insert(1, Act::Property(worse));
    acts.push(Act::Property(better));
    acts
}
