//! Ids of other records and of owners, translated to something both sides share before the merge and back after it
//! (docs/design/sync-semantics.md 3 reference and owner, 14.1).

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Engine, EngineError, Known};
use super::run_ctx::{Mode, RunCtx};
use super::scope;
use crate::domain::{
    BaseField, BaseValue, FieldPair, Link, LinkId, LinkState, Mapping, MappingId, OnUnlinked,
    PairKind, PerSide, RecordId, RecordKey, Side, Value,
};

/// The links of the records that a set of values refers to.
#[derive(Clone, Debug, Default)]
pub(super) struct Parents {
    links: BTreeMap<(MappingId, Side, RecordId), Link>,
    /// Both ids of each, by the link's own.
    ids: BTreeMap<LinkId, PerSide<Option<RecordId>>>,
    /// The ids that some of them had before.
    former: BTreeMap<LinkId, PerSide<Vec<RecordId>>>,
    /// Records outside the scope of their mapping whose references count as blank.
    outside: BTreeSet<(MappingId, RecordId)>,
    /// Links whose record is made before anything that refers to it is sent, though nobody knows its id yet.
    foreseen: BTreeSet<LinkId>,
}

/// What a record is to those that refer to it through its mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// It is linked, or will be.
    Linked(LinkId),
    /// It is linked, and rests outside the scope of its mapping (12.6).
    Frozen(LinkId),
    /// Its link is a tombstone: its counterpart was deleted (12.2).
    Away,
    /// It has no link, or none that says anything.
    Unlinked,
}

/// A value that a pair refers to, in words that both sides share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An ordinary value: nothing to translate.
    Plain(Value),
    /// Translated.
    Shared(Value),
    /// The record referred to has no link yet.
    Unlinked(RecordKey),
    /// It lies outside the scope of its mapping, and the pair takes that for a blank (14.1).
    Outside(RecordKey),
    /// The link of the record referred to is a tombstone: its counterpart was deleted (12.2). In words of its own side.
    Away(Value),
    /// The owner cannot be told by e-mail.
    NoOwner(String),
}

impl Parents {
    /// Reads the links of everything that the given values of a mapping's reference pairs name, and of the `elements` of sets.
    pub(super) async fn load(
        engine: &Engine,
        mapping: &Mapping,
        values: impl Iterator<Item = (usize, Side, String)>,
        elements: impl Iterator<Item = (MappingId, Side, RecordId)>,
    ) -> Result<Parents, EngineError> {
        let mut wanted: BTreeMap<(MappingId, Side), BTreeSet<RecordId>> = BTreeMap::new();
        for (parent, side, id) in elements {
            wanted.entry((parent, side)).or_default().insert(id);
        }
        let mut outside = BTreeSet::new();
        for (pair, side, id) in values {
            let Some(pair) = mapping.pairs.get(pair) else {
                continue;
            };
            if let PairKind::Reference { mapping: parent } = &pair.kind {
                if pair.on_unlinked == OnUnlinked::Clear && side == Side::Salesforce {
                    outside.insert((parent.clone(), RecordId(id.clone())));
                }
                wanted
                    .entry((parent.clone(), side))
                    .or_default()
                    .insert(RecordId(id));
            }
        }
        let mut found = BTreeMap::new();
        for ((parent, side), ids) in wanted {
            let Some(over) = engine.mapping(&parent) else {
                continue;
            };
            let ids: Vec<RecordId> = ids.into_iter().collect();
            let link_ids = engine
                .db
                .link_ids(&parent, side, over.object(side), &ids)
                .await?;
            let known: Vec<_> = link_ids.iter().flatten().copied().collect();
            let links: BTreeMap<_, _> = known
                .iter()
                .copied()
                .zip(engine.db.links(&parent, &known).await?)
                .collect();
            for (id, link) in ids.into_iter().zip(link_ids) {
                if let Some(link) = link.and_then(|link| links.get(&link).cloned().flatten()) {
                    found.insert((parent.clone(), side, id), link);
                }
            }
        }
        let ids = found
            .values()
            .map(|link: &Link| (link.id, link.ids.clone()))
            .collect();
        let former = found
            .values()
            .filter(|link| {
                Side::BOTH
                    .iter()
                    .any(|side| !link.former.get(*side).is_empty())
            })
            .map(|link| (link.id, link.former.clone()))
            .collect();
        let mut parents = Parents {
            links: found,
            ids,
            former,
            outside: BTreeSet::new(),
            foreseen: BTreeSet::new(),
        };
        for (parent, id) in outside {
            if let Some(over) = engine.mapping(&parent)
                && scope::is_outside(engine, over, Side::Salesforce, &id).await?
            {
                parents.outside.insert((parent, id));
            }
        }
        Ok(parents)
    }

    /// In a plan that is not carried out, what it makes is there once the turn of its children comes (15.2). A create of an
    /// earlier run that has no answer yet is none of the plan's.
    pub(super) fn foresee(mut self, ctx: &RunCtx<'_>) -> Parents {
        if ctx.mode != Mode::Write {
            let made = self.links.values().filter(|link| {
                link.state == LinkState::PendingCreate && !ctx.locked.contains(&link.id)
            });
            self.foreseen = made.map(|link| link.id).collect();
        }
        self
    }

    fn link(&self, parent: &MappingId, side: Side, id: &RecordId) -> Option<&Link> {
        self.links.get(&(parent.clone(), side, id.clone()))
    }

    /// What a record is to those that refer to it.
    pub(super) fn met(&self, parent: &MappingId, side: Side, id: &RecordId) -> Met {
        let link = self.link(parent, side, id);
        match link.map(|link| (&link.state, link.id)) {
            Some((LinkState::Active | LinkState::PendingCreate, id)) => Met::Linked(id),
            Some((LinkState::OutOfScope, id)) => Met::Frozen(id),
            Some((LinkState::Deleted(_), _)) => Met::Away,
            _ => Met::Unlinked,
        }
    }

    /// True where the link's record on that side had another id before: it was merged, or made anew.
    pub(super) fn was(&self, link: LinkId, side: Side, id: &RecordId) -> bool {
        let former = self.former.get(&link);
        former.is_some_and(|former| former.get(side).contains(id))
    }

    /// Both ids of a link that was met.
    pub(super) fn ids_of(&self, link: LinkId) -> PerSide<Option<RecordId>> {
        self.ids.get(&link).cloned().unwrap_or_default()
    }

    /// The life that a record's link is in.
    pub(super) fn life(&self, parent: &MappingId, side: Side, id: &RecordId) -> u32 {
        self.link(parent, side, id).map_or(0, |link| link.life)
    }

    /// True for a link whose record the plan makes before anything that refers to it is sent.
    pub(super) fn is_foreseen(&self, link: LinkId) -> bool {
        self.foreseen.contains(&link)
    }

    /// What a raw value of a pair means to both sides.
    pub(super) fn token(
        &self,
        engine: &Engine,
        known: &Known,
        pair: &FieldPair,
        side: Side,
        raw: &Value,
    ) -> Token {
        let Some(text) = raw.as_text() else {
            return Token::Shared(raw.clone());
        };
        match &pair.kind {
            PairKind::Reference { mapping } => {
                let id = RecordId::from(text);
                match self.met(mapping, side, &id) {
                    Met::Linked(id) | Met::Frozen(id) => Token::Shared(Value::Text(id.to_string())),
                    Met::Away => Token::Away(Value::Text(own_words(side, text))),
                    Met::Unlinked => {
                        let object = engine
                            .mapping(mapping)
                            .map_or("", |parent| parent.object(side))
                            .to_owned();
                        let away = side == Side::Salesforce
                            && self.outside.contains(&(mapping.clone(), id.clone()));
                        let record = RecordKey { side, object, id };
                        match pair.on_unlinked {
                            OnUnlinked::Clear if away => Token::Outside(record),
                            _ => Token::Unlinked(record),
                        }
                    }
                }
            }
            PairKind::Owner => match known.owners.get(side).email.get(&RecordId::from(text)) {
                Some(email) if !email.is_empty() => Token::Shared(Value::Text(email.clone())),
                _ => Token::NoOwner(text.to_owned()),
            },
            PairKind::Value { .. } | PairKind::Constant { .. } => Token::Plain(raw.clone()),
        }
    }

    /// A pair's base in the same words; what cannot be translated stays as it is and equals nothing.
    pub(super) fn base(
        &self,
        engine: &Engine,
        known: &Known,
        pair: &FieldPair,
        base: &BaseField,
    ) -> BaseField {
        let cleared = was_cleared(pair, base);
        let translate = |side: Side| match base.values.get(side) {
            Some(_) if cleared => Some(BaseValue::Null),
            Some(BaseValue::Raw(text)) => {
                match self.token(engine, known, pair, side, &Value::Text(text.clone())) {
                    Token::Shared(Value::Text(shared)) => Some(BaseValue::Raw(shared)),
                    Token::Outside(_) => Some(BaseValue::Null),
                    _ => Some(BaseValue::Raw(own_words(side, text))),
                }
            }
            other => other.clone(),
        };
        BaseField {
            values: PerSide::from_fn(translate),
            ..base.clone()
        }
    }

    /// The raw value that a shared one has on `target`: `None` where there is none (yet), unknown where the plan makes it.
    pub(super) fn render(
        &self,
        known: &Known,
        pair: &FieldPair,
        target: Side,
        shared: &Value,
    ) -> Option<Value> {
        let Some(text) = shared.as_text() else {
            return Some(shared.clone());
        };
        match &pair.kind {
            PairKind::Reference { .. } => {
                let id = text.parse::<LinkId>().ok()?;
                match self.ids.get(&id)?.get(target) {
                    Some(id) => Some(Value::Text(id.0.clone())),
                    None => self.foreseen.contains(&id).then_some(Value::Unknown),
                }
            }
            PairKind::Owner => known
                .owners
                .get(target)
                .id
                .get(text)
                .map(|id| Value::Text(id.0.clone())),
            PairKind::Value { .. } | PairKind::Constant { .. } => Some(shared.clone()),
        }
    }
}

/// True where a reference out of the scope was settled as a blank (14.1): once its record is linked, it is a change.
pub(super) fn was_cleared(pair: &FieldPair, base: &BaseField) -> bool {
    let values = (&base.values.salesforce, &base.values.hubspot);
    pair.on_unlinked == OnUnlinked::Clear
        && !base.diverged
        && matches!(values, (Some(BaseValue::Raw(_)), Some(BaseValue::Null)))
}

/// An id that nothing on the other side answers to: it equals only itself.
fn own_words(side: Side, id: &str) -> String {
    format!("{}:{id}", side.word())
}

/// True for pairs whose values are translated.
pub(super) fn is_translated(pair: &FieldPair) -> bool {
    matches!(pair.kind, PairKind::Reference { .. } | PairKind::Owner)
}
