//! Everything about one record, and the sentence that answers why it did not sync.

mod fields;
mod find;
mod reasons;
mod why;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use fields::Look;
use find::{Hit, SEVERAL};
use why::{Alone, Facts, Standing};

use super::host::{House, lock, refusal, store_refusal};
use super::messages::{
    RecordField, RecordView, Refusal, RefusalKind, Reply, ScopeClause, Seen, SideNow, Verdict,
};
use crate::domain::{
    Base, Choice, Conflict, ErrorItem, ItemState, Link, LinkState, Mapping, MappingId, Observation,
    Op, PerSide, Presence, RecordKey, RunId, RunKind, Side,
};
use crate::engine::Waiting;
use crate::store::rows::{MapState, MappingPhase};
use crate::store::{Family, StoreError, keys};

impl House {
    /// By either side's id, e-mail, or name.
    pub(super) async fn record(
        self: &Arc<Self>,
        query: &str,
        mapping: Option<&MappingId>,
    ) -> Result<Reply, Refusal> {
        let query = query.trim();
        if query.is_empty() {
            return Err(refusal(
                RefusalKind::Usage,
                "name a record: an id of either side, an e-mail, or a name",
            ));
        }
        let hits = self
            .find(query, mapping)
            .await
            .map_err(|error| store_refusal(&error))?;
        if hits.all.is_empty() {
            return Err(refusal(
                RefusalKind::Usage,
                unknown(query, &hits.unasked, self.crm.is_ok()),
            ));
        }
        let full = hits.all.len() == 1;
        let mut records = Vec::new();
        for hit in hits.all.into_iter().take(SEVERAL) {
            let view = self.view(hit, full).await;
            records.push(view.map_err(|error| store_refusal(&error))?);
        }
        Ok(Reply::Records { records })
    }

    async fn view(&self, hit: Hit, full: bool) -> Result<RecordView, StoreError> {
        let (mapping, link) = (&hit.mapping, hit.link.as_ref());
        let owner = link.map_or_else(|| keys::record_owner(&hit.record), |link| link.id.0);
        let (mut pending, mut errors) = (Vec::new(), Vec::new());
        for item in self.db.waiting(owner).await? {
            match item {
                Waiting::Conflict(item) => pending.push(item),
                Waiting::Error(item) => errors.push(item),
            }
        }
        let base = match link {
            Some(link) => self.db.bases(&mapping.id, &[link.id]).await?.pop(),
            None => None,
        }
        .unwrap_or_default();
        let look = self.look(&hit, full).await;
        let parent = self.parent_of(&hit, &look, &base).await?;
        let paused = crate::engine::paused_pairs(&self.db, mapping).await?;
        let around = fields::Around {
            base: &base,
            pending: &pending,
            errors: &errors,
            parent: parent.as_ref(),
            paused: &paused,
            at_rest: link.is_some_and(|link| link.state != LinkState::Active),
        };
        let fields = fields::fields(mapping, &look, &around);
        let journal = if full {
            self.past_of(link, &errors).await?
        } else {
            Vec::new()
        };
        let state = self.db.map_state(&mapping.id).await?;
        let standing = standing(&state);
        let next_run_at = lock(&self.due)
            .get(&mapping.id)
            .copied()
            .filter(|_| self.schedules && standing == Standing::Active);
        let now = self.clock.now();
        let conditions = conditions(mapping, &look, now);
        let outside = conditions.iter().find(|one| one.holds == Some(false));
        let alone = match (link, outside) {
            (Some(_), _) => Alone::Unmatched,
            (None, Some(outside)) => Alone::Outside(outside.clause.clone()),
            (None, None) => self.alone(&hit).await?,
        };
        let facts = Facts {
            now,
            mapping: mapping.id.as_str(),
            standing: &standing,
            next_run_at,
            own: hit.record.side,
            link,
            sides: &look.sides,
            fields: &fields,
            pending: &pending,
            errors: &errors,
            parent: parent.as_ref(),
            alone: &alone,
            put_back: self.put_back(&fields, &journal).await?,
        };
        let (tone, why) = why::why(&facts);
        let label = label(&look.seen, &hit, &base, &pending, &errors);
        Ok(RecordView {
            why,
            tone,
            mapping: mapping.id.clone(),
            label,
            scope: scope(mapping, &conditions, &look.sides, link),
            link: hit.link.clone(),
            sides: look.sides,
            fields,
            pending,
            errors,
            journal,
            next_run_at,
            read_at: now,
        })
    }

    /// What was written for a record: by its link, or by the run that saw its error last.
    async fn past_of(
        &self,
        link: Option<&Link>,
        errors: &[ErrorItem],
    ) -> Result<Vec<Op>, StoreError> {
        if let Some(link) = link {
            return self.ops_of(link.id).await;
        }
        let mut ops: Vec<Op> = Vec::new();
        for error in errors {
            let record = Some(&error.record.id);
            self.db
                .walk(keys::by_run(Family::Journal, error.run), |op: Op| {
                    if op.source.as_ref() == record || op.target.as_ref() == record {
                        ops.push(op);
                    }
                })
                .await?;
        }
        ops.reverse();
        Ok(ops)
    }

    /// Why a record has no counterpart.
    async fn alone(&self, hit: &Hit) -> Result<Alone, StoreError> {
        let (mapping, record) = (&hit.mapping, &hit.record);
        if self.db.is_forgotten(record).await? {
            return Ok(Alone::Forgotten);
        }
        let ids = std::slice::from_ref(&record.id);
        let dirty = self.db.dirty(&mapping.id, record.side, ids).await?;
        if dirty.iter().any(Option::is_some) {
            return Ok(Alone::Read);
        }
        if let Some((by, at)) = self.ignored(mapping, record).await? {
            return Ok(Alone::Ignored { by, at });
        }
        if !self.was_read(mapping, record).await? {
            let created_at = hit.seen.as_ref().and_then(|seen| seen.created_at);
            return Ok(Alone::NeverRead { created_at });
        }
        Ok(not_made(mapping, record.side).map_or(Alone::Unmatched, Alone::NotMade))
    }

    /// Who said that a record without a counterpart is to be left alone, and when.
    async fn ignored(
        &self,
        mapping: &Mapping,
        record: &RecordKey,
    ) -> Result<Option<(String, DateTime<Utc>)>, StoreError> {
        let item = crate::engine::review_id(mapping, record.side, &record.id);
        let Some(Waiting::Conflict(item)) = self.db.waiting_item(item).await? else {
            return Ok(None);
        };
        Ok(item
            .resolution
            .filter(|resolution| {
                item.state == ItemState::Resolved && resolution.choice == Choice::Ignore
            })
            .map(|resolution| (resolution.by, resolution.at)))
    }

    /// The undo that put a field back which differs now, if the newest write of one was such.
    async fn put_back(
        &self,
        fields: &[RecordField],
        journal: &[Op],
    ) -> Result<Option<RunId>, StoreError> {
        for field in fields
            .iter()
            .filter(|field| field.verdict == Verdict::Diverged)
        {
            let written = |op: &&Op| op.fields.values().any(|one| one.pair == field.name());
            let Some(op) = journal.iter().find(written) else {
                continue;
            };
            let run = self.db.run(op.run).await?;
            if run.is_some_and(|run| run.kind == RunKind::Undo) {
                return Ok(Some(op.run));
            }
        }
        Ok(None)
    }
}

/// Nothing answers to what was typed.
fn unknown(query: &str, unasked: &[String], connected: bool) -> String {
    let query = query.escape_debug();
    if let Some(why) = unasked.first() {
        return format!(
            "nothing that is stored answers to \"{query}\", and a side could not be asked: {why}"
        );
    }
    if !connected {
        return format!("nothing that is stored answers to \"{query}\"");
    }
    format!(
        "no record of any mapping answers to \"{query}\", neither stored nor at the vendors: give an id of either side, an e-mail, or a name"
    )
}

fn standing(state: &MapState) -> Standing {
    match state.state {
        MappingPhase::Paused => Standing::Paused,
        MappingPhase::Halted => Standing::Halted(state.reason.clone().unwrap_or_default()),
        MappingPhase::NeedsConfirm if state.first_sync_done => Standing::ToConfirm,
        MappingPhase::Active if state.first_sync_done => Standing::Active,
        MappingPhase::NeedsConfirm | MappingPhase::Active => Standing::New,
    }
}

/// The setting that keeps a mapping from making a counterpart for a record of that side.
fn not_made(mapping: &Mapping, side: Side) -> Option<String> {
    use crate::domain::{CreatePolicy, Direction};
    let target = side.other();
    if !mapping.direction.allows(target) {
        let word = match mapping.direction {
            Direction::ToHubspot => "to_hubspot",
            Direction::ToSalesforce => "to_salesforce",
            Direction::Both => "both",
        };
        return Some(format!("direction = \"{word}\""));
    }
    let word = match mapping.creates {
        CreatePolicy::ToHubspot => "to_hubspot",
        CreatePolicy::ToSalesforce => "to_salesforce",
        CreatePolicy::None => "none",
        CreatePolicy::Both => "both",
    };
    (!mapping.creates.allows(target)).then(|| format!("creates = \"{word}\""))
}

/// The clauses of the mapping's condition, held against the Salesforce record as it was read; none where there is no condition.
fn conditions(mapping: &Mapping, look: &Look, now: DateTime<Utc>) -> Vec<ScopeClause> {
    let seen = look.seen.salesforce.as_ref();
    let clauses = mapping
        .scope
        .iter()
        .flat_map(|scope| scope.clauses(mapping.object(Side::Salesforce)));
    clauses
        .map(|clause| ScopeClause {
            holds: seen.and_then(|seen| clause.holds(&|field| seen.value(field), now)),
            clause: clause.text().to_owned(),
        })
        .collect()
}

/// What the mapping asks of a record that takes part, clause by clause; one that is alone must besides be one that a counterpart
/// may be made for.
fn scope(
    mapping: &Mapping,
    conditions: &[ScopeClause],
    sides: &PerSide<SideNow>,
    link: Option<&Link>,
) -> Vec<ScopeClause> {
    let whole = |side: Side| ScopeClause {
        clause: format!("every {} of {}", mapping.object(side), side.name()),
        holds: Some(true),
    };
    let mut clauses = Vec::new();
    for side in Side::BOTH {
        match side {
            _ if sides.get(side).seen == Seen::NoRecord => {}
            Side::Salesforce if !conditions.is_empty() => clauses.extend_from_slice(conditions),
            _ => clauses.push(whole(side)),
        }
    }
    let own = Side::BOTH
        .into_iter()
        .find(|side| sides.get(*side).id.is_some());
    if link.is_none()
        && let Some(setting) = own.and_then(|own| not_made(mapping, own))
    {
        clauses.push(ScopeClause {
            clause: setting,
            holds: Some(false),
        });
    }
    clauses
}

/// A name for people: from what was read now, from what waits, from the base.
fn label(
    seen: &PerSide<Option<Observation>>,
    hit: &Hit,
    base: &Base,
    pending: &[Conflict],
    errors: &[ErrorItem],
) -> String {
    let waiting = pending
        .iter()
        .map(|item| &item.label)
        .chain(errors.iter().map(|item| &item.label));
    let read = [&seen.salesforce, &seen.hubspot, &hit.seen];
    read.into_iter()
        .flatten()
        .next()
        .map(Observation::label)
        .or_else(|| waiting.into_iter().find(|label| !label.is_empty()).cloned())
        .unwrap_or_else(|| as_settled(hit, base).label())
}

/// The record as it was when it was settled last, as far as its base tells.
fn as_settled(hit: &Hit, base: &Base) -> Observation {
    let RecordKey { side, object, id } = hit.record.clone();
    let fields = hit.mapping.pairs.iter().filter_map(|pair| {
        let held = fields::shown(base.value(pair.name(), side))?;
        Some((pair.field(side).to_owned(), held))
    });
    Observation {
        fields: fields.collect(),
        side,
        object,
        id,
        modstamp: DateTime::UNIX_EPOCH,
        modified_at: None,
        created_at: None,
        modified_by: None,
        presence: Presence::Live,
        observed_at: DateTime::UNIX_EPOCH,
    }
}
