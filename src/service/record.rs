//! Everything about one record, and the sentence that answers why it did not sync.

use std::sync::Arc;

use super::host::{House, refusal, store_refusal};
use super::messages::{RecordField, RecordView, Refusal, RefusalKind, Reply};
use super::words;
use crate::crm::Purpose;
use crate::domain::{
    Base, BaseValue, Conflict, Departed, ErrorItem, ItemState, Link, LinkId, LinkState, Mapping,
    MappingId, Observation, Op, PairKind, PerSide, Presence, RecordId, RecordKey, Side, Value,
    digest128,
};
use crate::engine::Waiting;
use crate::store::{Family, StoreError, keys};
use crate::transform;

/// Runs whose journal is looked through.
const RUNS: usize = 20;
/// Ops listed.
const OPS: usize = 50;
/// Records listed where several answer to a name or address.
const SEVERAL: usize = 20;

/// A record that answers to a query.
struct Hit {
    mapping: Mapping,
    record: RecordKey,
    link: Option<Link>,
}

impl House {
    /// By either side's id, e-mail, or a name that waits in a list.
    pub(super) async fn record(self: &Arc<Self>, query: &str) -> Result<Reply, Refusal> {
        let query = query.trim();
        if query.is_empty() {
            return Err(refusal(
                RefusalKind::Usage,
                "name a record: an id of either side, an e-mail, or a name",
            ));
        }
        let hits = self
            .find(query)
            .await
            .map_err(|error| store_refusal(&error))?;
        if hits.is_empty() {
            return Err(refusal(
                RefusalKind::Usage,
                format!(
                    "nothing is known of \"{query}\": no linked or waiting record has that id, key or name; \
                     a record that was never read may be out of the mappings' objects"
                ),
            ));
        }
        let mut records = Vec::new();
        let full = hits.len() == 1;
        for hit in hits.into_iter().take(SEVERAL) {
            records.push(self.view(hit, full).await?);
        }
        Ok(Reply::Records { records })
    }

    async fn find(&self, query: &str) -> Result<Vec<Hit>, StoreError> {
        let hits = self.by_id(query).await?;
        if hits.is_empty() {
            return self.by_name(query).await;
        }
        Ok(hits)
    }

    /// Records that have that id or e-mail, with their mapping and link.
    pub(super) async fn known_by(
        &self,
        query: &str,
    ) -> Result<Vec<(MappingId, RecordKey, Option<LinkId>)>, StoreError> {
        let hits = self.by_id(query).await?;
        Ok(hits
            .into_iter()
            .map(|hit| (hit.mapping.id, hit.record, hit.link.map(|link| link.id)))
            .collect())
    }

    async fn by_id(&self, query: &str) -> Result<Vec<Hit>, StoreError> {
        let mut hits: Vec<Hit> = Vec::new();
        for mapping in &self.rules.mappings {
            for side in Side::BOTH {
                let mut ids = vec![RecordId::from(query)];
                for (rule, keyed) in mapping.match_rules.iter().enumerate() {
                    let [part] = keyed.parts.as_slice() else {
                        continue;
                    };
                    let Some(pair) = mapping.pairs.get(*part) else {
                        continue;
                    };
                    let view = transform::view(pair, side, &Value::text(query)).ok();
                    let Some(text) = view.and_then(|canon| crate::domain::canon::match_key(&canon))
                    else {
                        continue;
                    };
                    // The domain of an address would be its company's key: that is somebody else.
                    if text.contains('@') != query.contains('@') {
                        continue;
                    }
                    let number = u8::try_from(rule + 1).unwrap_or(u8::MAX);
                    let key = (number, digest128(&[text.as_bytes()]));
                    ids.extend(self.db.matching(&mapping.id, side, key, SEVERAL).await?);
                }
                let links = self
                    .db
                    .link_ids(&mapping.id, side, mapping.object(side), &ids)
                    .await?;
                for (id, link) in ids.into_iter().zip(links) {
                    let link = match link {
                        Some(link) => self
                            .db
                            .links(&mapping.id, &[link])
                            .await?
                            .into_iter()
                            .flatten()
                            .next(),
                        None => None,
                    };
                    let record = RecordKey {
                        side,
                        object: mapping.object(side).to_owned(),
                        id,
                    };
                    let waits = !self
                        .db
                        .waiting(keys::record_owner(&record))
                        .await?
                        .is_empty();
                    let indexed = !self
                        .db
                        .match_keys(&mapping.id, side, std::slice::from_ref(&record.id))
                        .await?
                        .concat()
                        .is_empty();
                    let known = link.is_some() || waits || indexed;
                    if known && !hits.iter().any(|hit| same(hit, &record, link.as_ref())) {
                        hits.push(Hit {
                            mapping: mapping.clone(),
                            record,
                            link,
                        });
                    }
                }
            }
        }
        Ok(hits)
    }

    /// Records that wait in a list under that name.
    async fn by_name(&self, query: &str) -> Result<Vec<Hit>, StoreError> {
        let wanted = query.to_lowercase();
        let mut found: Vec<(
            Option<crate::domain::LinkId>,
            crate::domain::MappingId,
            RecordKey,
        )> = Vec::new();
        for family in [Family::Conflict, Family::Review] {
            let mappings = &self.rules.mappings;
            self.db
                .walk(keys::all(family), |item: Conflict| {
                    if item.state != ItemState::Resolved
                        && item.label.to_lowercase().contains(&wanted)
                    {
                        for side in Side::BOTH {
                            let mapping =
                                mappings.iter().find(|mapping| mapping.id == item.mapping);
                            if let (Some(id), Some(mapping)) = (&item.sides.get(side).id, mapping) {
                                let object = mapping.object(side).to_owned();
                                found.push((
                                    item.link,
                                    item.mapping.clone(),
                                    RecordKey {
                                        side,
                                        object,
                                        id: id.clone(),
                                    },
                                ));
                                break;
                            }
                        }
                    }
                })
                .await?;
        }
        self.db
            .walk(keys::all(Family::Error), |item: ErrorItem| {
                if item.label.to_lowercase().contains(&wanted) {
                    found.push((item.link, item.mapping, item.record));
                }
            })
            .await?;
        let mut hits: Vec<Hit> = Vec::new();
        for (link, mapping, record) in found {
            let Some(mapping) = self.rules.mappings.iter().find(|one| one.id == mapping) else {
                continue;
            };
            let link = match link {
                Some(link) => self
                    .db
                    .links(&mapping.id, &[link])
                    .await?
                    .into_iter()
                    .flatten()
                    .next(),
                None => None,
            };
            if !hits.iter().any(|hit| same(hit, &record, link.as_ref())) {
                hits.push(Hit {
                    mapping: mapping.clone(),
                    record,
                    link,
                });
            }
        }
        Ok(hits)
    }

    async fn view(&self, hit: Hit, full: bool) -> Result<RecordView, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let Hit {
            mapping,
            record,
            link,
        } = hit;
        let ids = PerSide::from_fn(|side| match &link {
            Some(link) => link.ids.get(side).clone(),
            None => (record.side == side).then(|| record.id.clone()),
        });
        let owner = link
            .as_ref()
            .map_or_else(|| keys::record_owner(&record), |link| link.id.0);
        let (mut pending, mut errors) = (Vec::new(), Vec::new());
        for item in self.db.waiting(owner).await.map_err(store)? {
            match item {
                Waiting::Conflict(item) => pending.push(item),
                Waiting::Error(item) => errors.push(item),
            }
        }
        let base = match &link {
            Some(link) => self
                .db
                .bases(&mapping.id, &[link.id])
                .await
                .map_err(store)?
                .pop()
                .unwrap_or_default(),
            None => Base::default(),
        };
        let mut now: PerSide<Option<Observation>> = PerSide::default();
        if full {
            for side in Side::BOTH {
                if let Some(id) = ids.get(side) {
                    *now.get_mut(side) = self.look(&mapping, side, id).await;
                }
            }
        }
        let fields: Vec<RecordField> = mapping
            .pairs
            .iter()
            .map(|pair| {
                let there = |side: Side| {
                    now.get(side)
                        .as_ref()
                        .map_or(Value::Unknown, |seen| seen.value(pair.field(side)).clone())
                };
                let held = |side: Side| match base.value(pair.name(), side) {
                    Some(BaseValue::Raw(text)) => Some(Value::Text(text.clone())),
                    Some(BaseValue::Null) => Some(Value::Null),
                    _ => None,
                };
                let values = PerSide::from_fn(there);
                let bases = PerSide::from_fn(held);
                RecordField {
                    names: pair.fields.clone(),
                    verdict: verdict(pair, &values, &bases, &pending, &errors),
                    now: values,
                    base: bases,
                    rule: words::pair_rule(pair),
                }
            })
            .collect();
        let journal = if full {
            self.history(&link, &record).await.map_err(store)?
        } else {
            Vec::new()
        };
        let label = label(&now, &pending, &errors, &record);
        Ok(RecordView {
            why: why(&link, &now, &fields, &pending, &errors),
            mapping: Some(mapping.id.clone()),
            label,
            link,
            ids,
            scope: "in scope: the mapping takes every record of its objects".into(),
            fields,
            pending,
            errors,
            journal,
        })
    }

    async fn look(&self, mapping: &Mapping, side: Side, id: &RecordId) -> Option<Observation> {
        let crm = self.side(side).ok()?;
        let fields: Vec<String> = mapping
            .pairs
            .iter()
            .filter(|pair| {
                !(side == Side::HubSpot && matches!(pair.kind, PairKind::Reference { .. }))
            })
            .map(|pair| pair.field(side).to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        let found = crm
            .read(
                Purpose::Check,
                mapping.object(side),
                std::slice::from_ref(id),
                &fields,
            )
            .await
            .ok()?;
        found.into_iter().next()?.records.into_iter().next()
    }

    async fn history(
        &self,
        link: &Option<Link>,
        record: &RecordKey,
    ) -> Result<Vec<Op>, StoreError> {
        let mut ops: Vec<Op> = Vec::new();
        for run in self.db.runs(RUNS).await? {
            let mut of_run: Vec<Op> = Vec::new();
            self.db
                .walk(keys::by_run(Family::Journal, run.run), |op: Op| {
                    let own = link.as_ref().is_some_and(|link| link.id == op.link);
                    if own
                        || op.source.as_ref() == Some(&record.id)
                        || op.target.as_ref() == Some(&record.id)
                    {
                        of_run.push(op);
                    }
                })
                .await?;
            of_run.reverse();
            ops.extend(of_run);
            if ops.len() >= OPS {
                break;
            }
        }
        ops.truncate(OPS);
        Ok(ops)
    }
}

fn same(hit: &Hit, record: &RecordKey, link: Option<&Link>) -> bool {
    hit.record == *record
        || (link.is_some() && hit.link.as_ref().map(|link| link.id) == link.map(|link| link.id))
}

fn label(
    now: &PerSide<Option<Observation>>,
    pending: &[Conflict],
    errors: &[ErrorItem],
    record: &RecordKey,
) -> String {
    let waiting = pending
        .iter()
        .map(|item| &item.label)
        .chain(errors.iter().map(|item| &item.label));
    if let Some(label) = waiting.into_iter().find(|label| !label.is_empty()) {
        return label.clone();
    }
    [&now.salesforce, &now.hubspot]
        .into_iter()
        .flatten()
        .next()
        .map_or_else(|| record.id.to_string(), Observation::label)
}

fn verdict(
    pair: &crate::domain::FieldPair,
    now: &PerSide<Value>,
    base: &PerSide<Option<Value>>,
    pending: &[Conflict],
    errors: &[ErrorItem],
) -> String {
    if errors.iter().any(|item| item.field == pair.name()) {
        return "error".into();
    }
    if pending
        .iter()
        .any(|item| item.is_about(pair.name()) && !item.kind.is_review())
    {
        return "conflict".into();
    }
    if matches!(pair.kind, PairKind::Reference { .. } | PairKind::Owner)
        || !now.salesforce.is_known()
        || !now.hubspot.is_known()
    {
        return "not compared".into();
    }
    if transform::equal(pair, &now.salesforce, &now.hubspot) == Some(true) {
        return "equal".into();
    }
    let moved = |side: Side| {
        base.get(side).as_ref().is_none_or(|held| {
            transform::view(pair, side, held).ok()
                != transform::view(pair, side, now.get(side)).ok()
        })
    };
    match (moved(Side::Salesforce), moved(Side::HubSpot)) {
        (true, false) => "would go to HubSpot".into(),
        (false, true) => "would go to Salesforce".into(),
        (true, true) => format!("changed on both sides; rule: {}", words::pair_rule(pair)),
        (false, false) => "diverged, accepted".into(),
    }
}

fn why(
    link: &Option<Link>,
    now: &PerSide<Option<Observation>>,
    fields: &[RecordField],
    pending: &[Conflict],
    errors: &[ErrorItem],
) -> String {
    if let Some(item) = errors.first() {
        return format!(
            "It is in error: {} Next: {}.",
            ended(&item.message),
            item.next
        );
    }
    if let Some(item) = pending.first() {
        let what = if item.field.is_empty() {
            item.kind.word().replace('_', " ")
        } else {
            format!("{} is in conflict", item.field)
        };
        return format!("It waits for a person ({what}): {}", item.why);
    }
    let Some(link) = link else {
        return "It has no counterpart and nothing waits for it; the next run looks at it again if it changes.".into();
    };
    match &link.state {
        LinkState::PendingCreate => return "Its counterpart is being created; the outcome is not known yet and is looked up by the next run.".into(),
        LinkState::Suspended(reason) => return format!("Its link is set aside: {reason}."),
        LinkState::TakenBack(run) => return format!("Run {run} took back the record that was made for it; nothing is made again unless that undo is undone (syncline undo {run})."),
        LinkState::OutOfScope => return "Its Salesforce record left the scope of the mapping: nothing is written on either side until it comes back.".into(),
        LinkState::Unlinked => return "Its Salesforce record left the scope of the mapping, and the two are no longer linked; nothing is made for either.".into(),
        LinkState::Deleted(departed) => return departed_words(departed),
        LinkState::Active => {}
    }
    for side in Side::BOTH {
        if let Some(seen) = now.get(side)
            && seen.presence != Presence::Live
        {
            return format!("Its {side} record is not there any more; the next run notices it.");
        }
    }
    let waiting = fields
        .iter()
        .filter(|field| {
            field.verdict.starts_with("would go") || field.verdict.starts_with("changed")
        })
        .count();
    match waiting {
        0 => "It is in step.".into(),
        1 => "One field has changed and goes with the next run.".into(),
        count => format!("{count} fields have changed and go with the next run."),
    }
}

/// What became of a link whose record is gone (docs/design/sync-semantics.md 12.2, 12.5).
fn departed_words(departed: &Departed) -> String {
    let archived = Side::BOTH
        .into_iter()
        .find_map(|side| departed.archived.get(side).map(|run| (side, run)));
    match (archived, departed.gone.salesforce, departed.gone.hubspot) {
        (Some((side, run)), ..) => format!(
            "It was deleted in {}, and run {run} archived its {side} record; nothing is made from either again.",
            side.other()
        ),
        (None, true, true) => "Both its records were deleted.".into(),
        (None, in_salesforce, _) => {
            let side = if in_salesforce {
                Side::Salesforce
            } else {
                Side::HubSpot
            };
            format!(
                "It was deleted in {side}; the {} record is left as it is, and nothing is made from it. Restored in {side}, it is linked as before.",
                side.other()
            )
        }
    }
}

fn ended(sentence: &str) -> String {
    if sentence.ends_with(['.', '!', '?']) {
        sentence.to_owned()
    } else {
        format!("{sentence}.")
    }
}
