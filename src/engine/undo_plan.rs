//! What an undo puts back and what it leaves as it is (docs/design/sync-semantics.md 19.1). Functions of what the run did
//! and what the records hold now; nothing is sent or stored here.

use std::collections::BTreeMap;

use super::fields::same_value;
use super::hindsight::was_sent;
use super::sets;
use super::undo_read::{Pair, Touched, left};
use crate::domain::{
    Assignment, LinkId, Mapping, Observation, Op, OpKind, OpState, PerSide, Presence, RecordId,
    RunId, Side, Value,
};

/// The rule that an undo's assignments name.
pub(super) const RULE: &str = "undo";

/// What every decision about one link looks at.
pub(super) struct LinkNow<'a> {
    pub(super) mapping: &'a Mapping,
    /// The undo.
    pub(super) run: RunId,
    pub(super) link: LinkId,
    /// What the run did to its records.
    pub(super) pair: &'a Pair,
    /// The records now.
    pub(super) seen: PerSide<Option<&'a Observation>>,
    /// Our own user, by side.
    pub(super) us: &'a PerSide<Option<String>>,
    /// Writes to its records that were given up and may land late (16.5).
    pub(super) ghosts: &'a [Op],
}

/// Where one field goes.
enum Verdict {
    /// Back to what it held before the run.
    Back,
    /// It holds that already.
    There,
    /// It stays as it is.
    Left(String),
}

impl LinkNow<'_> {
    /// The ops that put the fields and associations of both records back; what is left as it is comes as ops in the state
    /// `Skipped` with the reason. Key fields stay, for the link does (10.3).
    pub(super) fn put_back(&self) -> Vec<Op> {
        let mut ops = Vec::new();
        for side in Side::BOTH {
            if let Some(touched) = self.pair.get(side) {
                self.side_back(side, touched, false, &mut ops);
            }
        }
        ops
    }

    /// The same for the record that one was made from; its key field too where that one was taken back, for it names nobody any more.
    pub(super) fn source_back(&self, source: Side, with_key: bool) -> Vec<Op> {
        let mut ops = Vec::new();
        if let Some(touched) = self.pair.get(source) {
            self.side_back(source, touched, with_key, &mut ops);
        }
        ops
    }

    fn side_back(&self, side: Side, touched: &Touched, with_key: bool, ops: &mut Vec<Op>) {
        let key = self.mapping.key_field(side);
        let fields: BTreeMap<&String, &Assignment> = touched
            .fields
            .iter()
            .filter(|(name, one)| with_key || !(one.pair.is_empty() && name.as_str() == key))
            .collect();
        // Of a write without an answer no field is known, and still the undo tells of it.
        let unanswered = touched.never.is_some() && touched.is_blank();
        if fields.is_empty() && touched.associations.is_empty() && !unanswered {
            return;
        }
        if let Some(why) = self.unreachable(side, touched) {
            let names = fields.into_iter().chain(&touched.associations);
            let all =
                names.map(|(name, one)| (name.clone(), self.back(side, one, &Value::Unknown)));
            ops.push(self.skipped(side, touched, all.collect(), why));
            return;
        }
        let mut writes = BTreeMap::new();
        for (name, one) in fields {
            let now = self.now(side, name);
            match self.verdict(side, name, one) {
                Verdict::Back => {
                    writes.insert(name.clone(), self.back(side, one, now));
                }
                Verdict::There => {}
                Verdict::Left(why) => {
                    let one = BTreeMap::from([(name.clone(), self.back(side, one, now))]);
                    ops.push(self.skipped(side, touched, one, why));
                }
            }
        }
        if !writes.is_empty() {
            let stamp = writes.values().all(|one| one.pair.is_empty());
            let kind = if stamp { OpKind::Stamp } else { OpKind::Update };
            ops.push(self.op(side, touched, kind, writes));
        }
        for (name, one) in &touched.associations {
            let now = self.now(side, name);
            let fields = BTreeMap::from([(name.clone(), self.back(side, one, now))]);
            match self.verdict(side, name, one) {
                Verdict::Back if one.before.is_blank() => {
                    ops.push(self.op(side, touched, OpKind::Dissociate, fields));
                }
                Verdict::Back if self.lacks_primary(side, touched, name) => {
                    let why = format!("has no primary one beside it in {side} any more");
                    ops.push(self.skipped(side, touched, fields, why));
                }
                Verdict::Back => ops.push(self.op(side, touched, OpKind::Associate, fields)),
                Verdict::There => {}
                Verdict::Left(why) => ops.push(self.skipped(side, touched, fields, why)),
            }
        }
    }

    /// True for an element of a set whose record has no primary one on that side once the undo is through: HubSpot would make
    /// this one the primary one (14.5).
    fn lacks_primary(&self, side: Side, touched: &Touched, name: &str) -> bool {
        let Some(set) = self.mapping.set_of(side, name) else {
            return false;
        };
        let put_back = sets::reference_beside(self.mapping, set, side).and_then(|field| {
            let all = match side {
                Side::Salesforce => &touched.fields,
                Side::HubSpot => &touched.associations,
            };
            let one = all.get(field)?;
            let back = matches!(self.verdict(side, field, one), Verdict::Back);
            back.then(|| !one.before.is_blank())
        });
        let members = self
            .seen
            .get(side)
            .and_then(|seen| seen.members(set.field(side)));
        let has = put_back.unwrap_or_else(|| members.is_some_and(|all| sets::has_primary(&all)));
        !has
    }

    /// The op that takes back a record that the run made, or the reason why it stays. `foreign` is what was found around
    /// it: children, edits by others.
    pub(super) fn take_back(&self, side: Side, touched: &Touched, foreign: Option<&str>) -> Op {
        let fields: BTreeMap<String, Assignment> = touched
            .fields
            .iter()
            .map(|(name, one)| {
                let taken = Assignment {
                    before: self.now(side, name).clone(),
                    after: Value::Null,
                    rule: RULE.to_owned(),
                    pair: one.pair.clone(),
                    ..Assignment::default()
                };
                (name.clone(), taken)
            })
            .collect();
        let changed = || {
            let all = touched.fields.iter().chain(&touched.associations);
            all.filter_map(|(name, one)| Some((name, self.moved(side, name, one)?)))
                .map(|(name, why)| format!("{name} {why}"))
                .next()
        };
        let why = self
            .unreachable(side, touched)
            .or_else(changed)
            .or_else(|| self.other_hand(side))
            .or_else(|| foreign.map(str::to_owned));
        match why {
            Some(why) => self.skipped(side, touched, BTreeMap::new(), why),
            None => self.op(side, touched, OpKind::Delete, fields),
        }
    }

    /// A record that stays deleted, with the reason.
    pub(super) fn stays_deleted(&self, side: Side, touched: &Touched, why: &str) -> Op {
        self.skipped(side, touched, BTreeMap::new(), why.to_owned())
    }

    fn unreachable(&self, side: Side, touched: &Touched) -> Option<String> {
        if let Some(why) = touched.never {
            return Some(why.to_owned());
        }
        match self.seen.get(side).map(|seen| &seen.presence) {
            Some(Presence::Live) => None,
            Some(Presence::Deleted) => Some(format!("it was deleted in {side} since")),
            Some(Presence::MergedInto(id)) => {
                Some(format!("it was merged into {id} in {side} since"))
            }
            Some(Presence::Converted(id)) => {
                Some(format!("it was converted to {id} in {side} since"))
            }
            Some(Presence::Inaccessible) | None => {
                Some(format!("{side} does not show it to us any more"))
            }
        }
    }

    /// Who changed a record last, where that was not us.
    fn other_hand(&self, side: Side) -> Option<String> {
        let by = self.seen.get(side).as_ref()?.modified_by.as_ref()?;
        let ours = match side {
            Side::Salesforce => self.us.salesforce.as_ref().is_none_or(|us| us == by),
            // Only people stand in this property.
            Side::HubSpot => false,
        };
        (!ours).then(|| format!("it was changed by {by} since"))
    }

    fn now(&self, side: Side, name: &str) -> &Value {
        self.seen
            .get(side)
            .map_or(&Value::Unknown, |seen| seen.value(name))
    }

    /// How a field differs from what the run left, if it does.
    fn moved(&self, side: Side, name: &str, one: &Assignment) -> Option<String> {
        let now = self.now(side, name);
        if *now == Value::Unknown {
            return Some("cannot be read any more; is it in the mapping?".to_owned());
        }
        if same_value(self.mapping, side, name, left(one), now) {
            return None;
        }
        let by = self
            .seen
            .get(side)
            .and_then(|seen| seen.modified_by.as_ref());
        let by = by.map_or_else(String::new, |by| format!(", last changed by {by}"));
        Some(format!(
            "holds {} now{by}; the run left {}",
            shown(now),
            shown(left(one))
        ))
    }

    /// Where a field goes: fields of a group go back together or not at all (7, Field groups).
    fn verdict(&self, side: Side, name: &str, one: &Assignment) -> Verdict {
        let own = self.own_verdict(side, name, one);
        if !matches!(own, Verdict::Back) {
            return own;
        }
        let members = self.pair.get(side).iter();
        let members = members.flat_map(|touched| &touched.fields);
        let stays = members
            .filter(|(_, member)| self.mapping.go_together(&one.pair, &member.pair))
            .find_map(|(member, its)| match self.own_verdict(side, member, its) {
                Verdict::Left(why) => Some(format!("goes together with {member}, which {why}")),
                _ => None,
            });
        stays.map_or(Verdict::Back, Verdict::Left)
    }

    fn own_verdict(&self, side: Side, name: &str, one: &Assignment) -> Verdict {
        let now = self.now(side, name);
        let there = now.is_known() && same_value(self.mapping, side, name, &one.before, now);
        match self.moved(side, name, one) {
            // A late landing is written over by the next run, unless an undo has settled on it.
            _ if there && was_sent(self.mapping, self.ghosts, (side, name), now) => Verdict::Back,
            _ if there => Verdict::There,
            Some(why) => Verdict::Left(why),
            None if !one.before.is_known() => {
                Verdict::Left("held a value before that was not read".to_owned())
            }
            None => Verdict::Back,
        }
    }

    /// The assignment that puts a field back. Its `source` is what the base of the other side becomes: what that side held
    /// when the field was written, so that the next sync finds both sides where they were settled, and an edit since is a
    /// change like any other.
    fn back(&self, side: Side, one: &Assignment, now: &Value) -> Assignment {
        Assignment {
            before: now.clone(),
            after: one.before.clone(),
            rule: RULE.to_owned(),
            pair: one.pair.clone(),
            source: self.counterpart(side.other(), one),
            link: None,
            both: false,
            left: None,
            life: one.life,
        }
    }

    fn counterpart(&self, other: Side, one: &Assignment) -> Value {
        let field = self
            .mapping
            .pairs
            .iter()
            .find(|pair| pair.name() == one.pair)
            .map(|pair| pair.field(other));
        let written = self.pair.get(other).as_ref().and_then(|touched| {
            let name = field?;
            let own = touched.fields.get(name);
            own.or_else(|| touched.associations.get(name))
                .map(|own| (name, own))
        });
        match written {
            Some((name, own)) => match self.verdict(other, name, own) {
                Verdict::Back | Verdict::There => own.before.clone(),
                Verdict::Left(_) => left(own).clone(),
            },
            None => one.source.clone(),
        }
    }

    fn op(
        &self,
        side: Side,
        touched: &Touched,
        kind: OpKind,
        fields: BTreeMap<String, Assignment>,
    ) -> Op {
        Op {
            target: Some(touched.id.clone()).filter(|id| !id.0.is_empty()),
            source: self.source_of(side),
            modstamp: self.seen.get(side).map(|seen| seen.modstamp),
            ..Op::planned(self.run, self.mapping, self.link, side, kind, fields, 0)
        }
    }

    fn source_of(&self, side: Side) -> Option<RecordId> {
        let other = self.pair.get(side.other()).as_ref();
        other.map(|touched| touched.id.clone())
    }

    fn skipped(
        &self,
        side: Side,
        touched: &Touched,
        fields: BTreeMap<String, Assignment>,
        why: String,
    ) -> Op {
        let kind = if touched.made {
            OpKind::Delete
        } else {
            OpKind::Update
        };
        let mut op = self.op(side, touched, kind, fields);
        op.state = OpState::Skipped;
        op.outcome.why = Some(why);
        op
    }
}

/// A value as a reason names it.
pub(super) fn shown(value: &Value) -> String {
    match value.as_text() {
        Some(text) => format!("\"{text}\""),
        None => "nothing".to_owned(),
    }
}
