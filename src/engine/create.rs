//! Creates: keyed upserts with a look-up before, so that no crash, retry or time-out makes a record twice
//! (docs/design/sync-semantics.md 10, 16).

use std::collections::BTreeMap;

use super::batches::{self, Answer, CrmErrorOrVendor, OpBatch};
use super::context::EngineError;
use super::failures::{
    ErrorFacts, Failure, error_item, not_applied, op_digest, refused, still_refused, value_digest,
};
use super::fields;
use super::links::{self, base_field};
use super::matchup::{Creates, errors_of_record, review};
use super::references::{Parents, Token, is_translated};
use super::report::Phase;
use super::run::{Mode, RunCtx};
use super::slice::close;
use super::tally;
use crate::crm::{Purpose, WriteKind};
use crate::domain::{
    Assignment, Base, Candidate, CreatedBy, ErrorCategory, ErrorItem, ItemKind, Link, LinkState,
    Mapping, Observation, Op, OpId, OpKind, OpOutcome, OpState, PairKind, PerSide, Presence,
    RecordId, Side, Value,
};
use crate::store::rows::Dirty;
use crate::transform::{self, TransformError};

/// One record that shall get a counterpart.
struct Draft {
    seen: Observation,
    op: Op,
    link: Link,
    errors: Vec<ErrorItem>,
    known: Vec<ErrorItem>,
}

/// Creates the counterparts of the given records.
pub(super) async fn creates(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    wanted: Creates,
) -> Result<(), EngineError> {
    for source in Side::BOTH {
        let target = source.other();
        let kind = write_kind(ctx, mapping, target);
        let size = ctx.engine.side(target).batch_size(&kind).max(1)
            * ctx.engine.rules.settings.in_flight.clamp(1, 16);
        if ctx.mode == Mode::Write {
            ctx.engine
                .report
                .expect(Phase::Apply(target), wanted.get(source).len() as u64);
        }
        for part in wanted.get(source).chunks(size) {
            ctx.engine.control.border().await?;
            let drafts = drafts(ctx, mapping, source, part).await?;
            if ctx.mode == Mode::Write {
                group(ctx, mapping, target, &kind, drafts).await?;
                ctx.check_error_rate()?;
            } else {
                foresee(ctx, mapping, target, drafts).await?;
            }
        }
    }
    Ok(())
}

fn keyed(ctx: &RunCtx<'_>, mapping: &Mapping, target: Side) -> bool {
    ctx.known.keyed.contains(&(mapping.id.clone(), target))
}

fn write_kind(ctx: &RunCtx<'_>, mapping: &Mapping, target: Side) -> WriteKind {
    if keyed(ctx, mapping, target) {
        WriteKind::Upsert {
            key_field: mapping.key_field(target).to_owned(),
        }
    } else {
        WriteKind::Create
    }
}

/// Reads what is missing and puts the values together; records that cannot be sent become errors without a call.
async fn drafts(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    source: Side,
    ids: &[RecordId],
) -> Result<Vec<Draft>, EngineError> {
    let object = mapping.object(source).to_owned();
    let mut seen = ctx.engine.db.observations(source, &object, ids).await?;
    let missing: Vec<usize> = seen
        .iter()
        .enumerate()
        .filter(|(_, seen)| seen.is_none())
        .map(|(index, _)| index)
        .collect();
    if !missing.is_empty() && ctx.mode == Mode::Write {
        let asked = fields::observed(&ctx.known, std::iter::once(mapping), source, &object);
        let wanted: Vec<RecordId> = missing
            .iter()
            .filter_map(|index| ids.get(*index).cloned())
            .collect();
        let found = ctx
            .engine
            .side(source)
            .read(Purpose::Complete, &object, &wanted, &asked)
            .await?;
        for (index, found) in missing.into_iter().zip(found) {
            if let Some(slot) = seen.get_mut(index) {
                *slot = found.records.into_iter().next();
            }
        }
    }
    let mut seen: Vec<Observation> = seen.into_iter().flatten().collect();
    let mut tx = ctx.engine.db.begin();
    for gone in seen.extract_if(.., |seen| seen.presence != Presence::Live) {
        tx.clear_dirty(&mapping.id, source, &gone.id);
        tx.drop_observation(source, &object, &gone.id);
        ctx.tally(&mapping.id)
            .unlinked(source, &gone.id, tally::Unlinked::Excluded);
    }
    super::observe::read_associations(ctx.engine, &[mapping], &mut seen).await?;
    let values = seen
        .iter()
        .flat_map(|seen| reference_values(mapping, seen))
        .collect::<Vec<_>>();
    let parents = Parents::load(ctx.engine, mapping, values.into_iter()).await?;
    let mut drafts = Vec::new();
    for seen in seen {
        let known = errors_of_record(ctx, mapping, source, &seen.id).await?;
        let draft = draft(ctx, mapping, seen, &parents, known);
        if let Some(error) = refusal(ctx, mapping, &draft) {
            unlinked_error(ctx, mapping, &draft, &error, &mut tx)?;
            continue;
        }
        if let Some(error) = still_refused(
            draft.op.side,
            OpKind::Create,
            &draft.op.fields,
            &draft.known,
            ctx.engine.clock.now(),
        )
        .cloned()
        {
            tx.clear_dirty(&mapping.id, source, &draft.seen.id);
            tx.drop_observation(source, &object, &draft.seen.id);
            tracing::debug!(record = %draft.seen.id, error = %error.id, "an earlier refusal still stands");
            ctx.tally(&mapping.id)
                .unlinked(source, &draft.seen.id, tally::Unlinked::Error);
            continue;
        }
        drafts.push(draft);
    }
    tx.apply().await?;
    Ok(drafts)
}

fn reference_values(mapping: &Mapping, seen: &Observation) -> Vec<(usize, Side, String)> {
    mapping
        .pairs
        .iter()
        .enumerate()
        .filter(|(_, pair)| is_translated(pair))
        .filter_map(|(index, pair)| {
            Some((
                index,
                seen.side,
                seen.value(pair.field(seen.side)).as_text()?.to_owned(),
            ))
        })
        .collect()
}

fn draft(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    seen: Observation,
    parents: &Parents,
    known: Vec<ErrorItem>,
) -> Draft {
    let engine = ctx.engine;
    let (source, target) = (seen.side, seen.side.other());
    let id = engine.link_id(&ctx.known.install, &mapping.id, source, &seen.id);
    let link = links::pending(id, mapping, target, &seen.id, engine.clock.now());
    let mut fields = BTreeMap::new();
    let mut errors = Vec::new();
    for pair in &mapping.pairs {
        if !pair.direction.allows(target) || !fields::is_property(pair, target) {
            continue;
        }
        let raw = seen.value(pair.field(source)).clone();
        match value_for(ctx, pair, parents, &seen, &raw) {
            Ok((after, link)) if !after.is_blank() => {
                let assignment = Assignment {
                    before: Value::Null,
                    after,
                    rule: "create".to_owned(),
                    pair: pair.name().to_owned(),
                    source: raw,
                    link,
                    left: None,
                };
                fields.insert(pair.field(target).to_owned(), assignment);
            }
            Ok(_) => {}
            Err((category, message)) => {
                errors.push((pair.name().to_owned(), raw, category, message))
            }
        }
    }
    let errors = errors
        .into_iter()
        .map(|(field, value, category, message)| {
            error_item(
                &ErrorFacts {
                    mapping,
                    record: links::record_key(mapping, source, &seen.id),
                    side: source,
                    link: Some(id),
                    label: seen.label(),
                    field,
                    value,
                    category,
                    message,
                    vendor: None,
                    run: ctx.run,
                    now: engine.clock.now(),
                },
                &[],
                &engine.rules.settings,
            )
        })
        .collect();
    let op = Op {
        id: OpId::derive(&[&ctx.run.0.to_be_bytes(), &id.0.to_be_bytes(), b"create"]),
        run: ctx.run,
        seq: 0,
        mapping: mapping.id.clone(),
        link: id,
        kind: OpKind::Create,
        side: target,
        object: mapping.object(target).to_owned(),
        target: None,
        source: Some(seen.id.clone()),
        fields,
        modstamp: Some(seen.modstamp),
        state: OpState::Planned,
        attempt: Default::default(),
        outcome: OpOutcome::default(),
    };
    Draft {
        seen,
        op,
        link,
        errors,
        known,
    }
}

type FieldRefusal = (ErrorCategory, String);

/// The raw value for the target, and the link it refers to. Blank where nothing is to be sent.
fn value_for(
    ctx: &RunCtx<'_>,
    pair: &crate::domain::FieldPair,
    parents: &Parents,
    seen: &Observation,
    raw: &Value,
) -> Result<(Value, Option<crate::domain::LinkId>), FieldRefusal> {
    let target = seen.side.other();
    if let PairKind::Constant { value, .. } = &pair.kind {
        return Ok((Value::text(value.clone()), None));
    }
    if is_translated(pair) {
        return match parents.token(ctx.engine, &ctx.known, pair, seen.side, raw) {
            Token::Plain(value) | Token::Shared(value) => {
                let link = value.as_text().and_then(|text| text.parse().ok());
                match parents.render(&ctx.known, pair, target, &value) {
                    Some(raw) => Ok((raw, link)),
                    None if link.is_some() => Ok((Value::Null, None)),
                    None => Err((
                        ErrorCategory::Reference,
                        format!(
                            "no active user of {target} has the e-mail {}",
                            value.as_text().unwrap_or_default()
                        ),
                    )),
                }
            }
            // The pass over the new link waits for the parent (14.4).
            Token::Unlinked(_) => Ok((Value::Null, None)),
            Token::NoOwner(id) => Err((
                ErrorCategory::Reference,
                format!(
                    "{} {id} of {} is not among the users that can be told by e-mail",
                    pair.field(seen.side),
                    seen.side
                ),
            )),
        };
    }
    match transform::put(pair, target, raw, &Value::Null) {
        Ok(value) => Ok((value, None)),
        Err(TransformError::LeftAlone(_)) => Ok((Value::Null, None)),
        Err(error) => Err((ErrorCategory::Transform, error.to_string())),
    }
}

/// Why a create is not even sent: a required field is blank (10.5).
fn refusal(ctx: &RunCtx<'_>, mapping: &Mapping, draft: &Draft) -> Option<ErrorItem> {
    let target = draft.op.side;
    let required = ctx
        .known
        .required
        .get(&(mapping.id.clone(), target))
        .map(Vec::as_slice)
        .unwrap_or_default();
    let missing = required
        .iter()
        .find(|field| !draft.op.fields.contains_key(*field));
    let nothing = draft.op.fields.is_empty();
    let field = match (missing, nothing) {
        (Some(field), _) => field.clone(),
        (None, true) => mapping
            .pairs
            .first()
            .map(|pair| pair.field(target).to_owned())
            .unwrap_or_default(),
        (None, false) => return None,
    };
    let blamed = mapping
        .pairs
        .iter()
        .find(|pair| pair.field(target) == field);
    let reason = draft
        .errors
        .iter()
        .find(|error| blamed.is_some_and(|pair| pair.name() == error.field));
    let message = reason.map_or_else(
        || {
            format!(
                "{target} requires {field}, and the {} record has no value for it",
                draft.seen.side
            )
        },
        |error| error.message.clone(),
    );
    Some(source_error(
        ctx,
        mapping,
        draft,
        blamed.map_or("", |pair| pair.name()),
        Failure {
            category: reason.map_or(ErrorCategory::Required, |error| error.category),
            message,
            vendor: None,
        },
    ))
}

fn source_error(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    draft: &Draft,
    field: &str,
    failure: Failure,
) -> ErrorItem {
    let mut item = error_item(
        &ErrorFacts {
            mapping,
            record: links::record_key(mapping, draft.seen.side, &draft.seen.id),
            side: draft.op.side,
            link: None,
            label: draft.seen.label(),
            field: field.to_owned(),
            value: draft.seen.value(field).clone(),
            category: failure.category,
            message: failure.message,
            vendor: failure.vendor,
            run: ctx.run,
            now: ctx.engine.clock.now(),
        },
        &draft.known,
        &ctx.engine.rules.settings,
    );
    item.digest = op_digest(&draft.op);
    item
}

/// A record that stays without a counterpart for now.
fn unlinked_error(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    draft: &Draft,
    item: &ErrorItem,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let side = draft.seen.side;
    for old in draft.known.iter().filter(|old| old.id != item.id) {
        tx.remove_error(old);
    }
    tx.put_error(item, draft.known.iter().any(|known| known.id == item.id))?;
    tx.clear_dirty(&mapping.id, side, &draft.seen.id);
    tx.drop_observation(side, mapping.object(side), &draft.seen.id);
    ctx.tally(&mapping.id)
        .unlinked(side, &draft.seen.id, tally::Unlinked::Error);
    if ctx.mode == Mode::Write {
        let subject = format!("{} {}", mapping.object(side), draft.seen.id);
        ctx.engine.report.line_about(
            "error",
            subject,
            &item.label,
            item.message.clone(),
            Some(item.id),
            None,
        );
        ctx.engine.report.change(|view| view.failed += 1);
    }
    Ok(())
}

/// A preview: the link stands as pending in the scratch space, so that children can refer to it.
async fn foresee(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    target: Side,
    drafts: Vec<Draft>,
) -> Result<(), EngineError> {
    let mut tx = ctx.engine.db.begin();
    for draft in drafts {
        tx.add_link(&draft.link, &links::objects(mapping))?;
        tx.clear_dirty(&mapping.id, target.other(), &draft.seen.id);
        ctx.tally(&mapping.id)
            .created(target, &draft.seen.id, draft.link.id);
        ctx.foresee_create(mapping, draft.op, draft.errors);
    }
    Ok(tx.apply().await?)
}

/// One group of creates: look-up, C2, the wire, C3.
async fn group(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    target: Side,
    kind: &WriteKind,
    drafts: Vec<Draft>,
) -> Result<(), EngineError> {
    let drafts = look_up(ctx, mapping, target, drafts).await?;
    let drafts: Vec<Draft> = drafts
        .into_iter()
        .filter(|draft| ctx.is_confirmed(&draft.op))
        .collect();
    if drafts.is_empty() {
        return Ok(());
    }
    let mut by_op: BTreeMap<OpId, Draft> = BTreeMap::new();
    let mut ops = Vec::new();
    for draft in drafts {
        ops.push(draft.op.clone());
        by_op.insert(draft.op.id, draft);
    }
    *ctx.cost(&mapping.id).created.get_mut(target) += ops.len() as u64;
    let group: Vec<OpBatch> = batches::cut(ctx, target, mapping.object(target), kind, ops);
    let objects = links::objects(mapping);
    let pending: Vec<Link> = by_op.values().map(|draft| draft.link.clone()).collect();
    let answers = batches::send(ctx, group, |tx, _| {
        for link in &pending {
            tx.add_link(link, &objects)?;
        }
        Ok(())
    })
    .await?;
    let back = read_back(ctx, mapping, target, &answers).await;
    record(ctx, mapping, target, answers, &mut by_op, back).await
}

/// What a draft is looked up by.
type KeyOf = Box<dyn Fn(&Draft) -> Option<String> + Send + Sync>;

/// The look-up before a create: by the key, where there is one (10.1), else by the match fields (10.2). Records found are
/// linked instead of created.
async fn look_up(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    target: Side,
    drafts: Vec<Draft>,
) -> Result<Vec<Draft>, EngineError> {
    let object = mapping.object(target).to_owned();
    let asked = fields::observed(&ctx.known, std::iter::once(mapping), target, &object);
    let mut found: BTreeMap<String, Vec<Observation>> = BTreeMap::new();
    let key_of: KeyOf;
    if keyed(ctx, mapping, target) {
        key_of = Box::new(|draft| Some(draft.seen.id.0.clone()));
        let values: Vec<String> = drafts.iter().filter_map(&key_of).collect();
        let field = mapping.key_field(target).to_owned();
        for one in ctx
            .engine
            .side(target)
            .look_up(Purpose::LookUp, &object, &field, &values, &asked)
            .await?
        {
            found.insert(one.asked, one.records);
        }
    } else {
        let pair = mapping
            .match_rules
            .first()
            .and_then(|rule| mapping.pairs.get(*rule.parts.first()?))
            .cloned();
        let Some(pair) = pair else { return Ok(drafts) };
        let field = pair.field(target).to_owned();
        let name = field.clone();
        key_of = Box::new(move |draft| {
            draft
                .op
                .fields
                .get(&name)
                .and_then(|found| found.after.as_text())
                .map(str::to_lowercase)
        });
        let values: Vec<String> = drafts.iter().filter_map(&key_of).collect();
        if values.is_empty() {
            return Ok(drafts);
        }
        for seen in ctx
            .engine
            .side(target)
            .search(Purpose::LookUp, &object, &field, &values, &asked)
            .await?
        {
            let value = seen
                .value(&field)
                .as_text()
                .unwrap_or_default()
                .to_lowercase();
            found.entry(value).or_default().push(seen);
        }
    }
    let mut rest = Vec::new();
    for draft in drafts {
        let hits = key_of(&draft)
            .and_then(|key| found.remove(&key))
            .unwrap_or_default();
        if hits.is_empty() {
            rest.push(draft);
        } else {
            there_already(ctx, mapping, target, draft, hits).await?;
        }
    }
    Ok(rest)
}

/// The counterpart exists: it is linked, or a person is asked where that would be a guess.
async fn there_already(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    target: Side,
    draft: Draft,
    hits: Vec<Observation>,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let mut tx = engine.db.begin();
    let source = draft.seen.side;
    let live: Vec<&Observation> = hits
        .iter()
        .filter(|seen| seen.presence == Presence::Live)
        .collect();
    let taken = match live.as_slice() {
        [only] => {
            let ids = std::slice::from_ref(&only.id);
            engine
                .db
                .link_ids(&mapping.id, target, mapping.object(target), ids)
                .await?
                .into_iter()
                .flatten()
                .next()
        }
        _ => None,
    };
    match live.as_slice() {
        [only] if taken.is_none() => adopt(ctx, mapping, &draft, only, &mut tx)?,
        _ => {
            let candidates = hits.iter().map(|seen| Candidate {
                record: links::record_key(mapping, target, &seen.id),
                label: seen.label(),
                why: if seen.presence == Presence::Live {
                    "holds its key".into()
                } else {
                    "holds its key, but is deleted".into()
                },
            });
            let why = if live.is_empty() {
                format!("Its {target} record was deleted; it is not made anew by itself.")
            } else {
                format!("{} {target} records hold its key.", live.len())
            };
            let kind = if live.is_empty() {
                ItemKind::Deletion
            } else {
                ItemKind::AlreadyLinked
            };
            review(
                ctx,
                mapping,
                source,
                &draft.seen.id,
                kind,
                why,
                candidates.collect(),
                &mut tx,
            )
            .await?;
        }
    }
    Ok(tx.apply().await?)
}

/// Ties a source to a record that turned out to be its counterpart; the next merge treats both as at a first sync.
fn adopt(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    draft: &Draft,
    other: &Observation,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let side = other.side;
    let mut link = draft.link.clone();
    link.state = LinkState::Active;
    link.created_by = CreatedBy::Adopted;
    *link.ids.get_mut(side) = Some(other.id.clone());
    tx.add_link(&link, &links::objects(mapping))?;
    tx.put_observation(other)?;
    for (one, id) in [(side, &other.id), (side.other(), &draft.seen.id)] {
        tx.mark_dirty(&mapping.id, one, id, Dirty::RELINK)?;
    }
    note_link(ctx, mapping, &link);
    ctx.tally(&mapping.id).link(link.id, tally::Fate::Unchanged);
    Ok(())
}

fn note_link(ctx: &mut RunCtx<'_>, mapping: &Mapping, link: &Link) {
    if let (Some(s), Some(h)) = (&link.ids.salesforce, &link.ids.hubspot) {
        let ids = PerSide {
            salesforce: s.clone(),
            hubspot: h.clone(),
        };
        ctx.newly_linked.push((mapping.id.clone(), link.id, ids));
    }
}

/// Salesforce answers with ids only: one read of the new records. HubSpot's answers carry the values.
async fn read_back(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    target: Side,
    answers: &[(Op, Answer)],
) -> BTreeMap<RecordId, Observation> {
    let ids: Vec<RecordId> = answers
        .iter()
        .filter_map(|(_, answer)| match answer {
            Answer::Done {
                id, stored: None, ..
            } => Some(id.clone()),
            _ => None,
        })
        .collect();
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let object = mapping.object(target);
    let asked = fields::observed(&ctx.known, std::iter::once(mapping), target, object);
    match ctx
        .engine
        .side(target)
        .read(Purpose::ReadBack, object, &ids, &asked)
        .await
    {
        Ok(found) => found
            .into_iter()
            .flat_map(|found| found.records)
            .map(|seen| (seen.id.clone(), seen))
            .collect(),
        Err(error) => {
            tracing::warn!(mapping = %mapping.id, error = %error, "the read-back of creates failed; they are read by the next run");
            BTreeMap::new()
        }
    }
}

/// Records the answers of a group of creates (C3).
async fn record(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    target: Side,
    answers: Vec<(Op, Answer)>,
    by_op: &mut BTreeMap<OpId, Draft>,
    mut back: BTreeMap<RecordId, Observation>,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let mut tx = engine.db.begin();
    let mut stop = None;
    for (mut op, answer) in answers {
        let Some(mut draft) = by_op.remove(&op.id) else {
            continue;
        };
        close(&mut op, &answer);
        match answer {
            Answer::Done {
                id,
                created,
                stored,
            } => {
                let seen = stored.map(|seen| *seen).or_else(|| back.remove(&id));
                super::apply::note_left(&mut op, seen.as_ref());
                made(ctx, mapping, &mut draft, &op, &id, created, seen, &mut tx)?;
            }
            Answer::Refused(cause) => {
                tx.remove_link(&draft.link, &links::objects(mapping));
                let failure = match cause {
                    CrmErrorOrVendor::Record(vendor) => refused(&op.object, vendor),
                    CrmErrorOrVendor::Call(error) => {
                        let failure = not_applied(&error);
                        if super::failures::stops_the_run(error.class) {
                            stop = Some(error);
                        }
                        failure
                    }
                };
                let holder = failure
                    .vendor
                    .as_ref()
                    .and_then(|vendor| vendor.holder.clone());
                match holder {
                    Some(holder) => {
                        duplicate(ctx, mapping, target, &draft, holder, &failure, &mut tx).await?
                    }
                    None => {
                        let field = blamed(mapping, target, &failure);
                        let item = source_error(ctx, mapping, &draft, &field, failure);
                        unlinked_error(ctx, mapping, &draft, &item, &mut tx)?;
                    }
                }
            }
            Answer::Unknown(why) => {
                let due = super::apply::settled_at(ctx, &op);
                let mut item = source_error(
                    ctx,
                    mapping,
                    &draft,
                    "",
                    Failure {
                        category: ErrorCategory::Transient,
                        message: format!("{target} did not answer the create: {why}"),
                        vendor: None,
                    },
                );
                item.retry_at = Some(due);
                item.next = format!(
                    "nothing: the outcome is looked up by a run after {}",
                    due.format("%H:%M:%S UTC")
                );
                ctx.locked.insert(draft.link.id);
                unlinked_error(ctx, mapping, &draft, &item, &mut tx)?;
            }
        }
        engine.report.advance(Phase::Apply(target), 1);
        tx.put_op(&op)?;
    }
    tx.commit().await?;
    match stop {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn blamed(mapping: &Mapping, target: Side, failure: &Failure) -> String {
    let named = failure
        .vendor
        .as_ref()
        .and_then(|vendor| vendor.fields.first());
    named
        .and_then(|field| {
            mapping
                .pairs
                .iter()
                .find(|pair| pair.field(target) == field)
        })
        .map_or_else(String::new, |pair| pair.name().to_owned())
}

/// The record is there: link, base, and marks for the pass that stamps the source and sets associations.
#[expect(
    clippy::too_many_arguments,
    reason = "one confirmed create with all it moves"
)]
fn made(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    draft: &mut Draft,
    op: &Op,
    id: &RecordId,
    created: bool,
    seen: Option<Observation>,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let target = op.side;
    draft.link.state = LinkState::Active;
    *draft.link.ids.get_mut(target) = Some(id.clone());
    *draft.link.stamped.get_mut(target) = keyed(ctx, mapping, target);
    if !created {
        draft.link.created_by = CreatedBy::Adopted;
    }
    tx.put_link(&draft.link, &links::objects(mapping))?;
    if created {
        tx.put_base(
            &mapping.id,
            draft.link.id,
            &base_of_create(mapping, draft, op, seen.as_ref()),
        )?;
    }
    let left_there = seen
        .as_ref()
        .map(|seen| seen.fields.clone())
        .unwrap_or_default();
    // What an upsert answers may be less than the whole record: the next pass reads it before it writes.
    if let Some(mut seen) = seen.filter(|_| created) {
        for pair in mapping
            .pairs
            .iter()
            .filter(|pair| fields::is_property(pair, target))
        {
            seen.fields
                .entry(pair.field(target).to_owned())
                .or_insert(Value::Null);
        }
        seen.fields
            .entry(mapping.key_field(target).to_owned())
            .or_insert_with(|| Value::text(draft.seen.id.as_str()));
        tx.put_observation(&seen)?;
    }
    for (side, record) in [(target, id), (target.other(), &draft.seen.id)] {
        tx.mark_dirty(&mapping.id, side, record, Dirty::RELINK)?;
    }
    for old in &draft.known {
        tx.remove_error(old);
    }
    for mut item in draft.errors.clone() {
        let pair = mapping.pairs.iter().find(|pair| pair.name() == item.field);
        let left = pair.map(|pair| {
            left_there
                .get(pair.field(target))
                .cloned()
                .unwrap_or(Value::Null)
        });
        *item.seen.get_mut(target) = value_digest(&left.unwrap_or_default());
        *item.seen.get_mut(target.other()) = value_digest(&item.value);
        tx.put_error(&item, false)?;
    }
    note_link(ctx, mapping, &draft.link);
    let label = draft.seen.label();
    if created {
        ctx.tally(&mapping.id)
            .created(target, &draft.seen.id, draft.link.id);
        ctx.engine.report.change(|view| view.written += 1);
        let what = format!("created in {target}");
        ctx.engine.report.line_about(
            "ok",
            super::apply::subject(op),
            &label,
            what,
            None,
            Some(draft.link.id),
        );
    } else {
        ctx.tally(&mapping.id)
            .link(draft.link.id, tally::Fate::Unchanged);
    }
    Ok(())
}

/// The base of a record that we made: the source as it was read, the target as it was stored. Associations stay
/// unsettled. What could not be sent has a base on the target alone: the vendor's default there is no edit, and the source's
/// value is still on its way (F11).
fn base_of_create(mapping: &Mapping, draft: &Draft, op: &Op, stored: Option<&Observation>) -> Base {
    let (source, target) = (draft.seen.side, op.side);
    let mut base = Base::default();
    for pair in &mapping.pairs {
        if !fields::is_property(pair, target) || !pair.direction.allows(target) {
            continue;
        }
        let name = pair.field(target);
        let raw = draft.seen.value(pair.field(source));
        let sent = op.fields.get(name);
        let failed = draft.errors.iter().any(|item| item.field == pair.name());
        let unsent = failed || (is_translated(pair) && sent.is_none() && !raw.is_blank());
        let there = stored
            .map(|seen| seen.value(name))
            .filter(|value| value.is_known());
        let left = match sent {
            Some(sent) => sent.left.clone().unwrap_or_else(|| sent.after.clone()),
            None => there.cloned().unwrap_or(Value::Null),
        };
        let field = base_field(&mut base, pair.name());
        *field.values.get_mut(target) = transform::base_value(pair, target, &left);
        *field.unverified.get_mut(target) = stored.is_none();
        if !unsent {
            *field.values.get_mut(source) = transform::base_value(pair, source, raw);
        }
    }
    let settled = base.sides.get_mut(source);
    settled.modstamp = Some(draft.seen.modstamp);
    settled.observed_at = Some(draft.seen.observed_at);
    base
}

/// The vendor names a record that already holds the value: that is a better look-up than any search (9.2).
async fn duplicate(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    target: Side,
    draft: &Draft,
    holder: RecordId,
    failure: &Failure,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let ids = std::slice::from_ref(&holder);
    let object = mapping.object(target);
    let taken = ctx
        .engine
        .db
        .link_ids(&mapping.id, target, object, ids)
        .await?
        .into_iter()
        .flatten()
        .next();
    let kind = if taken.is_some() {
        ItemKind::AlreadyLinked
    } else {
        ItemKind::PossibleDuplicate
    };
    let seen = ctx
        .engine
        .db
        .observations(target, object, ids)
        .await?
        .into_iter()
        .flatten()
        .next();
    let candidate = Candidate {
        record: links::record_key(mapping, target, &holder),
        label: seen.map_or_else(String::new, |seen| seen.label()),
        why: format!("named by {target}: {}", failure.message),
    };
    let why = format!("{target} refused the create and names a record that is the same for it.");
    review(
        ctx,
        mapping,
        draft.seen.side,
        &draft.seen.id,
        kind,
        why,
        vec![candidate],
        tx,
    )
    .await
}
