//! What both sides hold now, and what the next run would do about each field: the engine's own merge is asked, with nothing
//! written (docs/design/sync-semantics.md 7).

use std::collections::BTreeMap;

use super::find::Hit;
use crate::config::is_loopback_url;
use crate::crm::Purpose;
use crate::domain::merge::{Action, FieldTimes, MergeInput};
use crate::domain::{
    Base, BaseField, BaseValue, Conflict, ErrorItem, FieldPair, ItemKind, ItemState, LinkState,
    Mapping, Observation, OnUnlinked, PairKind, PerSide, Presence, RecordId, RecordKey, Side,
    Value,
};
use crate::service::host::House;
use crate::service::messages::{RecordField, Seen, SideNow, Verdict};
use crate::service::words;
use crate::store::rows::ChildRef;
use crate::transform;

/// HubSpot's type ids, as its pages name objects (docs/vendor/hubspot.md 2, `url` of a record).
const HUBSPOT_TYPES: [(&str, &str); 5] = [
    ("contacts", "0-1"),
    ("companies", "0-2"),
    ("deals", "0-3"),
    ("tickets", "0-5"),
    ("tasks", "0-27"),
];

/// The fields that a mapping reads on a side, its condition's among them; HubSpot's references are associations and are asked
/// for by themselves.
pub(super) fn properties(mapping: &Mapping, side: Side) -> Vec<String> {
    let scope = mapping.scope.iter().filter(|_| side == Side::Salesforce);
    let mut all: Vec<String> = mapping
        .pairs
        .iter()
        .filter(|pair| !(side == Side::HubSpot && matches!(pair.kind, PairKind::Reference { .. })))
        .map(|pair| pair.field(side).to_owned())
        .filter(|name| !name.is_empty())
        .chain(scope.flat_map(|scope| scope.fields().into_iter().map(str::to_owned)))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Both sides as a look found them.
#[derive(Default)]
pub(super) struct Look {
    pub(super) sides: PerSide<SideNow>,
    pub(super) seen: PerSide<Option<Observation>>,
}

impl House {
    /// Reads both sides of a record now; without `ask` only their ids are told.
    pub(super) async fn look(&self, hit: &Hit, ask: bool) -> Look {
        let mut look = Look::default();
        for side in Side::BOTH {
            let id = match &hit.link {
                Some(link) => link.ids.get(side).clone(),
                None => (hit.record.side == side).then(|| hit.record.id.clone()),
            };
            let Some(id) = id else { continue };
            let seen = if ask {
                self.read_now(&hit.mapping, side, &id).await
            } else {
                Err(Seen::NotAsked)
            };
            let now = look.sides.get_mut(side);
            now.id = Some(id.clone());
            if ask {
                now.address = self.address(side, hit.mapping.object(side), &id).await;
            }
            match seen {
                Ok(seen) => {
                    now.seen = found(&seen.presence);
                    if now.seen == Seen::Live {
                        now.modified_at = seen.modified_at.or(Some(seen.modstamp));
                        now.modified_by.clone_from(&seen.modified_by);
                        *look.seen.get_mut(side) = Some(seen);
                    }
                }
                Err(state) => now.seen = state,
            }
        }
        look
    }

    /// One record with its primary associations, or why there is none.
    async fn read_now(
        &self,
        mapping: &Mapping,
        side: Side,
        id: &RecordId,
    ) -> Result<Observation, Seen> {
        let crm = self
            .side(side)
            .map_err(|refusal| Seen::Unread(refusal.message))?;
        let unread = |error: crate::crm::CrmError| Seen::Unread(error.message);
        let ids = std::slice::from_ref(id);
        let object = mapping.object(side);
        let found = crm
            .read(Purpose::Check, object, ids, &properties(mapping, side))
            .await
            .map_err(unread)?;
        let mut seen = found
            .into_iter()
            .next()
            .and_then(|found| found.records.into_iter().next())
            .ok_or(Seen::Missing)?;
        for pair in &mapping.pairs {
            let PairKind::Reference { mapping: parent } = &pair.kind else {
                continue;
            };
            let Some(parent) = self.rules.mappings.iter().find(|one| one.id == *parent) else {
                continue;
            };
            if side == Side::HubSpot && seen.presence == Presence::Live {
                let to = parent.object(side);
                let mut primary: BTreeMap<RecordId, Option<RecordId>> = crm
                    .primary_associations(object, ids, to)
                    .await
                    .map_err(unread)?;
                let value = match primary.remove(id) {
                    Some(Some(parent)) => Value::text(parent.as_str()),
                    Some(None) => Value::Null,
                    None => Value::Unknown,
                };
                seen.fields.insert(pair.field(side).to_owned(), value);
            }
        }
        Ok(seen)
    }

    /// Where people open a record in the vendor's own pages.
    async fn address(&self, side: Side, object: &str, id: &RecordId) -> Option<String> {
        let host = self
            .config
            .address(side)
            .filter(|host| !is_loopback_url(host))?;
        match side {
            Side::Salesforce => Some(format!("{}/{id}", host.trim_end_matches('/'))),
            Side::HubSpot => {
                let portal = self.side(side).ok()?.identity().await.ok()?.account;
                let kind = HUBSPOT_TYPES
                    .iter()
                    .find(|(name, _)| *name == object)
                    .map_or(object, |(_, kind)| kind);
                Some(format!(
                    "https://app.hubspot.com/contacts/{portal}/record/{kind}/{id}"
                ))
            }
        }
    }

    /// The record without a counterpart that one of a link's fields waits for, with the pair's name (14.4).
    pub(super) async fn parent_of(
        &self,
        hit: &Hit,
        look: &Look,
        base: &Base,
    ) -> Result<Option<Parent>, crate::store::StoreError> {
        let Some(link) = &hit.link else {
            return Ok(None);
        };
        let mut gone = None;
        for pair in &hit.mapping.pairs {
            let PairKind::Reference { mapping: parent } = &pair.kind else {
                continue;
            };
            let Some(parent) = self.rules.mappings.iter().find(|one| one.id == *parent) else {
                continue;
            };
            for side in Side::BOTH {
                let seen = look.seen.get(side).as_ref();
                let now = seen.map(|seen| seen.value(pair.field(side)).clone());
                let value = now
                    .filter(Value::is_known)
                    .or_else(|| shown(base.value(pair.name(), side)));
                let Some(id) = value.as_ref().and_then(Value::as_text).map(RecordId::from) else {
                    continue;
                };
                let record = RecordKey {
                    side,
                    object: parent.object(side).to_owned(),
                    id,
                };
                let children = self.db.waiting_children(&record).await?;
                let waits = |child: &ChildRef| {
                    let blank = pair.on_unlinked == OnUnlinked::Clear && child.since.is_none();
                    child.link == link.id && !blank
                };
                let found = |stands| Parent {
                    pair: pair.name().to_owned(),
                    record: record.clone(),
                    stands,
                };
                if children.iter().any(waits) {
                    return Ok(Some(found(Stands::Awaited)));
                }
                if gone.is_none() && self.is_tombstone(parent, &record).await? {
                    gone = Some(found(Stands::Gone));
                }
            }
        }
        Ok(gone)
    }

    /// True where the record's counterpart was deleted.
    async fn is_tombstone(
        &self,
        mapping: &Mapping,
        record: &RecordKey,
    ) -> Result<bool, crate::store::StoreError> {
        let ids = std::slice::from_ref(&record.id);
        let held = self
            .db
            .link_ids(&mapping.id, record.side, &record.object, ids)
            .await?;
        let held: Vec<_> = held.into_iter().flatten().collect();
        let links = self.db.links(&mapping.id, &held).await?;
        let mut links = links.into_iter().flatten();
        Ok(links.any(|link| matches!(link.state, LinkState::Deleted(_))))
    }
}

fn found(presence: &Presence) -> Seen {
    match presence {
        Presence::Live => Seen::Live,
        Presence::Deleted => Seen::Deleted,
        Presence::MergedInto(id) => Seen::MergedInto(id.clone()),
        Presence::Converted(id) => Seen::Converted(id.clone()),
        Presence::Inaccessible => Seen::Missing,
    }
}

/// A base value as screens show it; of long ones only a hash is kept.
pub(super) fn shown(base: Option<&BaseValue>) -> Option<Value> {
    match base? {
        BaseValue::Null => Some(Value::Null),
        BaseValue::Raw(text) => Some(Value::Text(text.clone())),
        BaseValue::Hashed { .. } => None,
    }
}

/// A record that a reference names and that has no counterpart.
#[derive(Clone, Debug)]
pub(super) struct Parent {
    pub(super) pair: String,
    pub(super) record: RecordKey,
    pub(super) stands: Stands,
}

/// How such a record keeps the reference back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// It has no link yet, and is waited for.
    Awaited,
    /// Its counterpart was deleted.
    Gone,
}

impl Parent {
    /// True where this keeps the pair back.
    fn keeps(&self, pair: &str, stands: Stands) -> bool {
        self.pair == pair && self.stands == stands
    }
}

/// What is known of one link's fields beside the values.
pub(super) struct Around<'a> {
    pub(super) base: &'a Base,
    pub(super) pending: &'a [Conflict],
    pub(super) errors: &'a [ErrorItem],
    /// A record that a pair names and that keeps it back.
    pub(super) parent: Option<&'a Parent>,
    /// Pairs that a change of the objects has paused.
    pub(super) paused: &'a BTreeMap<String, String>,
    /// Nothing travels over the link: its values are shown and not compared.
    pub(super) at_rest: bool,
}

/// Every field of a mapping, in its order. What merges as one has one verdict.
pub(super) fn fields(mapping: &Mapping, look: &Look, around: &Around<'_>) -> Vec<RecordField> {
    let mut verdicts: BTreeMap<&str, Verdict> = BTreeMap::new();
    for unit in mapping.units() {
        let members: Vec<Member<'_>> = unit
            .pairs()
            .map(|pair| Member::of(pair, look, around))
            .collect();
        let stands = members
            .iter()
            .find_map(|one| item_verdict(one.pair, around));
        let verdict = match stands {
            Some(verdict) => verdict,
            None if around.at_rest => Verdict::NotCompared,
            None if members
                .iter()
                .any(|one| around.paused.contains_key(one.pair.name())) =>
            {
                Verdict::Paused
            }
            None => kept_apart(&members, around).unwrap_or_else(|| verdict(&members)),
        };
        verdicts.extend(members.iter().map(|one| (one.pair.name(), verdict)));
    }
    let field = |pair: &FieldPair| {
        let Member { now, changed, .. } = Member::of(pair, look, around);
        RecordField {
            names: pair.fields.clone(),
            verdict: verdicts
                .get(pair.name())
                .copied()
                .unwrap_or(Verdict::NotCompared),
            base: PerSide::from_fn(|side| shown(around.base.value(pair.name(), side))),
            now,
            changed,
            rule: words::pair_rule(pair),
        }
    };
    mapping.pairs.iter().map(field).collect()
}

/// One field of what merges as one.
struct Member<'a> {
    pair: &'a FieldPair,
    now: PerSide<Value>,
    base: Option<&'a BaseField>,
    changed: PerSide<bool>,
}

impl<'a> Member<'a> {
    fn of(pair: &'a FieldPair, look: &Look, around: &Around<'a>) -> Self {
        let now = PerSide::from_fn(|side| value_now(pair, side, look));
        let base = around.base.fields.get(pair.name());
        let changed = PerSide::from_fn(|side| {
            base.is_some_and(|base| {
                moved(pair, side, now.get(side), base.values.get(side).as_ref())
            })
        });
        Member {
            pair,
            now,
            base,
            changed,
        }
    }
}

/// A constant is a value of the side that has no field.
fn value_now(pair: &FieldPair, side: Side, look: &Look) -> Value {
    match &pair.kind {
        PairKind::Constant { target, value } if *target != side => Value::text(value.clone()),
        _ => look
            .seen
            .get(side)
            .as_ref()
            .map_or(Value::Unknown, |seen| seen.value(pair.field(side)).clone()),
    }
}

/// True where a side holds another value than its base, in the comparison domain.
fn moved(pair: &FieldPair, side: Side, now: &Value, base: Option<&BaseValue>) -> bool {
    let Some(base) = base.filter(|_| now.is_known()) else {
        return false;
    };
    transform::base_value(pair, side, now).as_ref() != Some(base)
        && shown(Some(base)).is_none_or(|held| {
            transform::view(pair, side, &held).ok() != transform::view(pair, side, now).ok()
        })
}

/// What already stands about a field.
fn item_verdict(pair: &FieldPair, around: &Around<'_>) -> Option<Verdict> {
    if around.errors.iter().any(|item| item.field == pair.name()) {
        return Some(Verdict::Error);
    }
    let item = around
        .pending
        .iter()
        .find(|item| item.is_about(pair.name()) && item.kind.is_of_field());
    match item {
        Some(item) if item.state == ItemState::Draft => Some(Verdict::Chosen),
        Some(item) if item.kind == ItemKind::Oscillation => Some(Verdict::Frozen),
        Some(_) => Some(Verdict::Conflict),
        None => {
            let mut parent = around.parent.into_iter();
            let waits = parent.any(|parent| parent.keeps(pair.name(), Stands::Awaited));
            waits.then_some(Verdict::WaitsForParent)
        }
    }
}

/// A reference to a record whose counterpart was deleted stays on both sides, until one that went another way names a record (12.2).
fn kept_apart(members: &[Member<'_>], around: &Around<'_>) -> Option<Verdict> {
    let [one] = members else { return None };
    let parent = around.parent?;
    let side = parent.record.side;
    let goes_on = !*one.changed.get(side) && !one.now.get(side.other()).is_blank();
    let differs = one.changed.salesforce || one.changed.hubspot;
    (parent.keeps(one.pair.name(), Stands::Gone) && differs && !goes_on)
        .then_some(Verdict::CounterpartGone)
}

/// What the merge says.
fn verdict(members: &[Member<'_>]) -> Verdict {
    let known = |one: &Member<'_>| Side::BOTH.iter().all(|side| one.now.get(*side).is_known());
    if !members.iter().all(known) {
        return Verdict::NotCompared;
    }
    if let [one] = members
        && matches!(one.pair.kind, PairKind::Reference { .. } | PairKind::Owner)
    {
        return by_ids(one.pair, one.base, &one.changed);
    }
    let inputs: Vec<MergeInput<'_>> = members
        .iter()
        .map(|one| MergeInput {
            pair: one.pair,
            s: &one.now.salesforce,
            h: &one.now.hubspot,
            base: one.base,
            times: FieldTimes::default(),
            resolution: None,
        })
        .collect();
    let equal = |one: &Member<'_>| {
        transform::equal(one.pair, &one.now.salesforce, &one.now.hubspot) == Some(true)
    };
    match transform::merge_tuple(&inputs).action {
        Action::Nothing | Action::Settle { .. } => {
            if members.iter().all(equal) {
                Verdict::Equal
            } else {
                Verdict::Diverged
            }
        }
        Action::Write { to, .. } => Verdict::GoesTo(to),
        Action::WriteBoth { .. } => Verdict::GoesToBoth,
        Action::Conflict { .. } => Verdict::WouldAsk,
        Action::NeedsTimes => Verdict::BothChanged,
        Action::Error { .. } => Verdict::WouldFail,
    }
}

/// Ids of other records and owners mean nothing on the other side: only whether each still is what it was tells.
fn by_ids(pair: &FieldPair, base: Option<&BaseField>, changed: &PerSide<bool>) -> Verdict {
    let settled = base.is_some_and(|base| {
        Side::BOTH
            .iter()
            .all(|side| base.values.get(*side).is_some())
    });
    let goes = |to: Side| {
        if pair.direction.allows(to) {
            Verdict::GoesTo(to)
        } else {
            Verdict::Diverged
        }
    };
    match (settled, changed.salesforce, changed.hubspot) {
        (false, ..) => Verdict::NotCompared,
        (true, false, false) => Verdict::Equal,
        (true, true, false) => goes(Side::HubSpot),
        (true, false, true) => goes(Side::Salesforce),
        (true, true, true) => Verdict::BothChanged,
    }
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
