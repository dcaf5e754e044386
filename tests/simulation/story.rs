//! What happens in one simulated world: an explicit list of acts, made from a seed, so that a failing one can be cut down.

use syncline::domain::Side;

use crate::rng::Rng;

/// What a person does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pen {
    /// Writes a value that nobody ever wrote before.
    Tag(u32),
    /// The same with blanks behind it, which Salesforce cuts off.
    Loose(u32),
    /// Empties it.
    Clear,
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
    /// Fault profile of the sandbox.
    pub faults: String,
    pub acts: Vec<Act>,
}

const RULES: [&str; 4] = ["last_write_wins", "salesforce", "hubspot", "ask"];
const FAULTS: [&str; 5] = ["throttle", "errors", "timeouts", "auth", "lag"];

impl Story {
    /// The story of a seed.
    pub fn of(seed: u64) -> Story {
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
            faults: faults.join(","),
            acts: Vec::new(),
        };
        story.acts = acts(&mut Rng::stream(seed, "acts"), story.crowded);
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

/// How often each kind of act is drawn in this world, so that no two worlds mix them alike.
struct Weights(Vec<usize>);

impl Weights {
    fn draw(&self, rng: &mut Rng) -> usize {
        let mut at = rng.below(self.0.iter().sum());
        for (kind, weight) in self.0.iter().enumerate() {
            if at < *weight {
                return kind;
            }
            at -= weight;
        }
        0
    }
}

/// Seconds that may pass between two acts.
const PAUSES: [u64; 9] = [1, 7, 20, 70, 150, 400, 1000, 4000, 20_000];

fn acts(rng: &mut Rng, crowded: bool) -> Vec<Act> {
    let crashes = rng.percent(60);
    let edits = match rng.below(10) {
        _ if crowded => 12,
        0..6 => 4,
        _ => 0,
    };
    // Edit, clash, create, create on both, employ, delete, sync, resolve, pause, spoil, wait, incident, crowd, retry, undo.
    let usual = [24, 6, 6, 2, 4, 1, 24, 6, 1, 6, 12, 6, 1, 1, 2];
    let weights = Weights(
        usual
            .into_iter()
            .enumerate()
            .map(|(kind, weight)| match kind {
                0 | 6 | 10 => weight,
                _ => weight * rng.below(3),
            })
            .collect(),
    );
    let mut tag = 0;
    let mut acts = Vec::new();
    if rng.percent(70) {
        acts.push(Act::Sync(Sync::default()));
    }
    for _ in 0..12 + rng.below(40) {
        tag += 1;
        let act = match weights.draw(rng) {
            0 => edit(rng, tag),
            1 => Act::Clash {
                who: rng.zipf(),
                field: rng.below(4),
                tag,
            },
            2 => Act::Create {
                side: side(rng),
                tag,
            },
            3 => Act::CreateBoth { tag },
            4 => Act::Employ {
                side: side(rng),
                who: rng.zipf(),
                firm: rng.below(5),
            },
            5 => Act::Delete {
                side: side(rng),
                who: rng.below(20),
            },
            6 => Act::Sync(run(rng, &mut tag, crashes, edits)),
            7 => Act::Resolve {
                pick: rng.below(8),
                how: rng.below(4) as u8,
                tag,
            },
            8 => Act::Pause(rng.percent(50)),
            9 => Act::Spoil {
                side: side(rng),
                trouble: trouble(rng),
            },
            10 => Act::Wait(PAUSES[rng.below(PAUSES.len())]),
            11 => {
                acts.extend(incident(rng, &mut tag, crashes));
                continue;
            }
            12 => Act::Crowd {
                side: side(rng),
                tag,
                many: 3 + rng.below(9) as u32,
            },
            13 => Act::Retry,
            _ => Act::Undo {
                back: rng.below(3),
                sync: Sync {
                    full: false,
                    ..run(rng, &mut tag, crashes, edits)
                },
            },
        };
        let confirm = matches!(act, Act::Sync(_)) && rng.percent(30);
        acts.push(act);
        if confirm {
            acts.push(Act::Confirm);
        }
    }
    acts
}

/// Something happens on one side, its write to the other goes wrong, and the operator is impatient.
fn incident(rng: &mut Rng, tag: &mut u32, crashes: bool) -> Vec<Act> {
    let from = side(rng);
    let (who, field) = (rng.zipf(), rng.below(4));
    let cause = |tag: u32, rng: &mut Rng| match rng.below(2) {
        0 => Act::Create { side: from, tag },
        _ => Act::Edit {
            side: from,
            who,
            field,
            pen: Pen::Tag(tag),
        },
    };
    let mut acts = vec![cause(*tag, rng)];
    acts.push(Act::Spoil {
        side: from.other(),
        trouble: trouble(rng),
    });
    acts.push(Act::Sync(run(rng, tag, crashes, 0)));
    for _ in 0..1 + rng.below(3) {
        *tag += 1;
        if rng.percent(50) {
            acts.push(cause(*tag, rng));
        }
        acts.push(Act::Wait(PAUSES[rng.below(6)]));
        acts.push(Act::Sync(Sync::default()));
    }
    acts
}

fn side(rng: &mut Rng) -> Side {
    Side::BOTH[rng.below(2)]
}

fn edit(rng: &mut Rng, tag: u32) -> Act {
    Act::Edit {
        side: side(rng),
        who: rng.zipf(),
        field: rng.below(6),
        pen: match rng.below(100) {
            0..12 => Pen::Clear,
            12..20 => Pen::Loose(tag),
            _ => Pen::Tag(tag),
        },
    }
}

fn run(rng: &mut Rng, tag: &mut u32, crashes: bool, edits: usize) -> Sync {
    let mut during = Vec::new();
    if edits > 0 && rng.percent(60) {
        for _ in 0..1 + rng.below(edits) {
            *tag += 1;
            during.push((1 + rng.below(16) as u32, edit(rng, *tag)));
        }
    }
    Sync {
        full: rng.percent(8),
        during,
        crash: (crashes && rng.percent(35)).then(|| 1 + rng.below(70) as u32),
        stop: rng.percent(4).then(|| 1 + rng.below(20) as u32),
    }
}

fn trouble(rng: &mut Rng) -> Trouble {
    match rng.below(8) {
        0 | 1 => Trouble::AnswerLost,
        2 => Trouble::RequestLost,
        3 => Trouble::ErrorAfterCommit,
        4 | 5 => Trouble::LandsLater([20, 50, 100, 300, 900][rng.below(5)]),
        6 => Trouble::Expired,
        _ => Trouble::Throttled(1 + rng.below(3) as u32),
    }
}
