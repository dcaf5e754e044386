//! Cuts a failing story down: every act, every act during a run, every crash and every switch that the failure does not need
//! goes (delta debugging, docs/design/testing.md 2.1).

use crate::stage::{Failure, play};
use crate::story::{Act, Story};
use crate::weak::Weakness;

/// Stories tried at most.
const TRIES: usize = 400;

struct Shrinker {
    story: Story,
    failure: Box<Failure>,
    weakness: Option<Weakness>,
    tries: usize,
}

/// The smallest story found that breaks the same invariant.
pub fn shrink(
    story: &Story,
    failure: Box<Failure>,
    weakness: Option<Weakness>,
) -> (Story, Box<Failure>) {
    let mut shrinker = Shrinker {
        story: story.clone(),
        failure,
        weakness,
        tries: TRIES,
    };
    // What comes behind the failure has no part in it.
    let mut until = shrinker.story.clone();
    until.acts.truncate(shrinker.failure.step + 1);
    shrinker.take(until);
    let mut size = shrinker.story.acts.len().div_ceil(2).max(1);
    loop {
        let shorter = shrinker.cut(size);
        if size > 1 {
            size = size.div_ceil(2);
        } else if !shorter {
            break;
        }
    }
    shrinker.calm();
    shrinker.cut(1);
    (shrinker.story, shrinker.failure)
}

impl Shrinker {
    /// Takes the story if it still fails alike.
    fn take(&mut self, story: Story) -> bool {
        if self.tries == 0 || story == self.story {
            return false;
        }
        self.tries -= 1;
        match play(&story, self.weakness) {
            Err(failure) if failure.broken.invariant == self.failure.broken.invariant => {
                self.story = story;
                self.failure = failure;
                true
            }
            _ => false,
        }
    }

    /// Leaves runs of `size` acts out.
    fn cut(&mut self, size: usize) -> bool {
        let mut shorter = false;
        let mut at = 0;
        while at < self.story.acts.len() {
            let mut story = self.story.clone();
            let end = (at + size).min(story.acts.len());
            story.acts.drain(at..end);
            if self.take(story) {
                shorter = true;
            } else {
                at += size;
            }
        }
        shorter
    }

    /// Takes out of what is left whatever is not needed.
    fn calm(&mut self) {
        for at in 0..self.story.acts.len() {
            let (Act::Sync(sync) | Act::Undo { sync, .. }) = self.story.acts[at].clone() else {
                continue;
            };
            let mut with = |change: &dyn Fn(&mut crate::story::Sync)| {
                let mut story = self.story.clone();
                if let Act::Sync(sync) | Act::Undo { sync, .. } = &mut story.acts[at] {
                    change(sync);
                }
                self.take(story);
            };
            with(&|sync| sync.crash = None);
            with(&|sync| sync.stop = None);
            with(&|sync| sync.full = false);
            for place in (0..sync.during.len()).rev() {
                with(&|sync| {
                    if place < sync.during.len() {
                        sync.during.remove(place);
                    }
                });
            }
        }
        let switches: [fn(&mut Story); 13] = [
            |story| story.faults = String::new(),
            |story| story.firms = false,
            |story| story.sets = false,
            |story| story.firms_leave = "",
            |story| story.automation = false,
            |story| story.unkeyed = false,
            |story| story.keep_values = false,
            |story| story.people[3] = 0,
            |story| story.one_way = false,
            |story| story.skew = 0,
            |story| story.regions = false,
            |story| story.leaves = "",
            |story| story.deletes = "ignore",
        ];
        for switch in switches {
            let mut story = self.story.clone();
            switch(&mut story);
            self.take(story);
        }
        while self.story.leads > 0 {
            let mut story = self.story.clone();
            story.leads -= 1;
            if !self.take(story) {
                break;
            }
        }
        for kind in 0..3 {
            while self.story.people[kind] > 0 {
                let mut story = self.story.clone();
                story.people[kind] -= 1;
                if !self.take(story) {
                    break;
                }
            }
        }
    }
}
