//! One element of a set as a side names it, and what became of it by the ledger of who tied what to what.

use chrono::{DateTime, Utc};
use syncline::domain::{Link, Op, Side, element_of};

use super::Scene;
use crate::clubs::{self, Change, Tie};

/// One element, as one side names it: the contact under all its ids, the firm under all of its own.
pub(super) struct Spot {
    pub(super) side: Side,
    pub(super) people: Vec<String>,
    pub(super) firms: Vec<String>,
}

impl Spot {
    pub(super) fn of(side: Side, person: &Link, firm: &Link) -> Spot {
        let ids = |link: &Link| Scene::ids_of(link, side).map(|id| id.0.clone()).collect();
        Spot {
            side,
            people: ids(person),
            firms: ids(firm),
        }
    }

    /// The very element that a write is about, without what its link went by before or since: a record that went into another one, or
    /// whose place a new one took, may be there again by itself.
    pub(super) fn target(op: &Op) -> Spot {
        let firms = op.fields.keys().filter_map(|field| element_of(field));
        Spot {
            side: op.side,
            people: op.target.iter().map(|id| id.0.clone()).collect(),
            firms: firms.map(|(_, id)| id.to_owned()).collect(),
        }
    }

    /// What became of it, oldest first.
    pub(super) fn changes<'a>(
        &'a self,
        scene: &'a Scene<'_>,
    ) -> impl DoubleEndedIterator<Item = &'a Change> {
        let all = scene.diary.ledger.changes.iter();
        all.filter(|one| {
            one.side == self.side
                && self.people.contains(&one.person)
                && self.firms.contains(&one.firm)
        })
    }

    /// How it was tied at a time; of several that went into one another, the closest.
    pub(super) fn tie(&self, scene: &Scene<'_>, at: DateTime<Utc>) -> Tie {
        let pairs = self
            .people
            .iter()
            .flat_map(|person| self.firms.iter().map(move |firm| (person, firm)));
        let ties = pairs.map(|(person, firm)| {
            let own = |one: &&Change| &one.person == person && &one.firm == firm && one.at <= at;
            self.changes(scene)
                .rev()
                .find(own)
                .map_or(Tie::None, |one| one.is)
        });
        ties.fold(Tie::None, |best, tie| match (best, tie) {
            (Tie::Primary, _) | (_, Tie::Primary) => Tie::Primary,
            (Tie::Further, _) | (_, Tie::Further) => Tie::Further,
            _ => Tie::None,
        })
    }

    /// True where one of its ids is no living record's any more.
    pub(super) fn has_gone(&self, scene: &Scene<'_>) -> bool {
        let people = scene.alive(self.side);
        let firms = clubs::firms(scene.sandbox, self.side);
        !self.people.iter().all(|id| people.contains(id))
            || !self.firms.iter().all(|id| firms.contains(id))
    }

    /// True where it was so at any time between.
    pub(super) fn ever(
        &self,
        scene: &Scene<'_>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        is: impl Fn(Tie) -> bool,
    ) -> bool {
        let between = self
            .changes(scene)
            .map(|one| one.at)
            .filter(|at| (from..=to).contains(at));
        let mut moments = std::iter::once(from).chain(between);
        moments.any(|at| is(self.tie(scene, at)))
    }
}
