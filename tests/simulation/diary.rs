//! What the stage notes beside the books of the engine: what was there, what it asked for, and what got lost with a store that
//! was put back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::{
    Base, Conflict, Link, LinkId, LinkState, Mapping, Op, OpKind, RunId, Side, Value,
};
use syncline::engine::signature;
use syncline::sandbox::Sandbox;
use syncline::transform;

use crate::check::Books;
use crate::clubs::{self, Ledger};
use crate::people;
use crate::story::Story;

/// An undo that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Undone {
    pub undo: RunId,
    pub of: RunId,
    pub at: DateTime<Utc>,
}

/// What a plan showed.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// By signature, with the values that each would go over.
    ops: BTreeMap<u128, Vec<(String, Value)>>,
    created: BTreeSet<LinkId>,
}

impl Shown {
    pub fn of<'o>(ops: impl Iterator<Item = &'o Op>) -> Shown {
        let mut shown = Shown::default();
        for op in ops {
            let before = op.fields.iter();
            let before = before.map(|(name, one)| (name.clone(), one.before.clone()));
            shown.ops.insert(signature(op), before.collect());
            if op.kind == OpKind::Create {
                shown.created.insert(op.link);
            }
        }
        shown
    }

    /// True for what was shown and went over the values that were shown, and for a key or an association that follows from a
    /// create: its id was not known yet.
    pub fn has(&self, op: &Op, mapping: Option<&Mapping>) -> bool {
        let follows = matches!(op.kind, OpKind::Stamp | OpKind::Associate);
        let before = self.ops.get(&signature(op));
        before.is_some_and(|before| before.iter().all(|one| goes_over(op, mapping, one)))
            || follows && self.created.contains(&op.link)
    }
}

/// True where an op's field went over the value that was shown, as far as both are known: in the words of its pair, for a vendor
/// may write it in another form. An element of a set has no value, and the key field is ours. Of what is archived a plan shows
/// the values that there are.
fn goes_over(op: &Op, mapping: Option<&Mapping>, (name, shown): &(String, Value)) -> bool {
    if op.kind == OpKind::Delete && shown.is_blank() {
        return true;
    }
    let pairs = mapping.map_or(&[][..], |mapping| &mapping.pairs);
    let pair = pairs.iter().find(|pair| pair.field(op.side) == name);
    let (Some(pair), Some(now)) = (pair, op.fields.get(name)) else {
        return true;
    };
    match (
        transform::view(pair, op.side, shown),
        transform::view(pair, op.side, &now.before),
    ) {
        (Ok(shown), Ok(now)) => shown == now,
        _ => true,
    }
}

/// The notes of one story.
#[derive(Default)]
pub struct Diary {
    /// Every record ever seen alive, per side.
    pub known: BTreeSet<(Side, String)>,
    /// Every firm ever seen alive, per side.
    pub firms: BTreeSet<(Side, String)>,
    /// Links whose tombstone was seen, and when.
    pub tombs: Vec<(LinkId, DateTime<Utc>)>,
    /// Firms' links that rest outside the scope, and those that did so from before a run until after it.
    pub resting: BTreeSet<LinkId>,
    pub rested: BTreeMap<RunId, BTreeSet<LinkId>>,
    /// What contacts were tied to, and who made the difference.
    pub ledger: Ledger,
    /// Pairs ever linked, and since when: as the engine has it, but not before the last look at its books.
    pub linked: BTreeMap<(String, String), DateTime<Utc>>,
    /// When the engine's books were looked at last.
    pub looked: DateTime<Utc>,
    /// The rules of the plain fields, all that there ever were.
    pub rules: Vec<[&'static str; 4]>,
    /// What deletions did, and what became of links that left the scope: all that there ever was. No scope: empty.
    pub deletes: Vec<&'static str>,
    pub leaves: Vec<&'static str>,
    /// Undos, oldest first.
    pub undos: Vec<Undone>,
    /// When the store was copied, and the bases that it had.
    pub copied: Vec<(DateTime<Utc>, BTreeMap<LinkId, Base>)>,
    /// When an older store took the place of the present one.
    pub recalled: Vec<DateTime<Utc>>,
    /// Journal and items that such a change took away.
    pub elder_ops: Vec<Op>,
    pub elder_items: Vec<Conflict>,
    /// By how much the engine's clock was ahead, by run.
    pub ahead: BTreeMap<RunId, TimeDelta>,
    /// Runs that may do nothing but what a plan said.
    pub bound: BTreeMap<RunId, Shown>,
    /// Items as a person decided about them: the same one may be asked anew later.
    pub chosen: Vec<Conflict>,
    /// Runs that a person's confirm let through.
    pub confirmed: BTreeSet<RunId>,
    /// Salesforce records that were hidden from a run at its end.
    pub unseen: BTreeMap<RunId, BTreeSet<String>>,
    /// Plain fields of Salesforce that were hidden from us from before a run until after it.
    pub blind: BTreeMap<RunId, BTreeSet<usize>>,
    /// How far each side was read for certain when it was last looked.
    pub marks: BTreeMap<Side, DateTime<Utc>>,
    /// Contacts that were away from before a run until after it.
    pub away: BTreeMap<RunId, BTreeSet<String>>,
    /// Broken rules that only the stage can see.
    pub broken: Vec<(&'static str, String)>,
}

impl Diary {
    /// Notes the rules of a story as they are now.
    pub fn note_rules(&mut self, story: &Story) {
        self.rules.push(story.rules);
        self.deletes.push(story.deletes);
        if !story.leaves.is_empty() {
            self.leaves.push(story.leaves);
        }
    }

    /// Notes who is there.
    pub fn note_records(&mut self, sandbox: &Sandbox) {
        for side in Side::BOTH {
            let ids = people::everybody(sandbox, side);
            self.known.extend(ids.into_iter().map(|id| (side, id)));
            let firms = clubs::firms(sandbox, side);
            self.firms.extend(firms.into_iter().map(|id| (side, id)));
        }
    }

    /// Notes which pairs are linked now; the engine's clock is ahead by so much.
    pub fn note_links(&mut self, books: &Books, ahead: TimeDelta) {
        for (pair, made) in books.pairs() {
            let since = (made - ahead).max(self.looked);
            self.linked.entry(pair).or_insert(since);
        }
        let away = |link: &&Link| matches!(link.state, LinkState::OutOfScope | LinkState::Unlinked);
        let firms = books
            .links
            .iter()
            .filter(|link| link.mapping.as_str() == "accounts");
        let resting: BTreeSet<LinkId> = firms.filter(away).map(|link| link.id).collect();
        for run in &books.runs {
            let still = || resting.intersection(&self.resting).copied().collect();
            self.rested.entry(run.run).or_insert_with(still);
        }
        self.resting = resting;
        let tombs = books.links.iter();
        let tombs = tombs.filter(|link| matches!(link.state, LinkState::Deleted(_)));
        self.tombs.extend(tombs.map(|link| (link.id, books.now)));
        self.looked = books.now;
    }

    /// True where an undo was itself taken back within that time.
    pub fn taken_up_again(&self, undo: RunId, after: DateTime<Utc>, before: DateTime<Utc>) -> bool {
        let of = |one: &&Undone| one.of == undo && after <= one.at && one.at <= before;
        self.undos.iter().any(|one| of(&one))
    }

    /// True where an older store took over within that time.
    pub fn recalled_between(&self, after: DateTime<Utc>, before: DateTime<Utc>) -> bool {
        self.recalled.iter().any(|at| after <= *at && *at <= before)
    }

    /// The bases of the store that was put back after this moment and knows nothing of it.
    pub fn bases_before(&self, then: DateTime<Utc>) -> Option<&BTreeMap<LinkId, Base>> {
        let put_back = |at: &&DateTime<Utc>| then <= **at;
        let at = self.recalled.iter().find(put_back)?;
        let copies = self.copied.iter().rev();
        let (copied, bases) = copies.into_iter().find(|(copied, _)| copied <= at)?;
        (*copied < then).then_some(bases)
    }

    /// A store takes over that knows nothing of these, nor of any run after that one.
    pub fn recall(&mut self, ops: Vec<Op>, items: Vec<Conflict>, at: DateTime<Utc>, last: RunId) {
        self.elder_ops.extend(ops);
        self.elder_items.extend(items);
        self.recalled.push(at);
        self.bound.retain(|run, _| *run <= last);
        self.confirmed.retain(|run| *run <= last);
        self.blind.retain(|run, _| *run <= last);
        self.unseen.retain(|run, _| *run <= last);
        self.away.retain(|run, _| *run <= last);
        self.rested.retain(|run, _| *run <= last);
        self.resting.clear();
        self.marks.clear();
    }
}
