//! The usual acts of a story, drawn: people at work, the operator, runs and what goes wrong with them.

use syncline::domain::Side;

use crate::rng::Rng;
use crate::story::{Act, Pen, Sync, Trouble};

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

/// The acts of a world.
pub fn acts(rng: &mut Rng, crowded: bool) -> Vec<Act> {
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

/// Either side.
pub fn side(rng: &mut Rng) -> Side {
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

/// What goes wrong with a write.
pub fn trouble(rng: &mut Rng) -> Trouble {
    match rng.below(8) {
        0 | 1 => Trouble::AnswerLost,
        2 => Trouble::RequestLost,
        3 => Trouble::ErrorAfterCommit,
        4 | 5 => Trouble::LandsLater([20, 50, 100, 300, 900][rng.below(5)]),
        6 => Trouble::Expired,
        _ => Trouble::Throttled(1 + rng.below(3) as u32),
    }
}
