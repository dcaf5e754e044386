//! Recording the answers of creates (C3): links and bases of what was made, errors, records that a vendor says are the same
//! (docs/design/sync-semantics.md 9.2, 10, 16.2).

use std::collections::BTreeMap;

use super::bases;
use super::batches::{Answer, CrmErrorOrVendor};
use super::context::EngineError;
use super::convert_keys::take_over;
use super::create::{keyed, source_error, unlinked_error};
use super::create_draft::Draft;
use super::create_lookup::note_link;
use super::failures::{Failure, not_applied, refused, value_digest};
use super::fields;
use super::group;
use super::links::{self, base_field};
use super::references::is_translated;
use super::report::Phase;
use super::reviews::review;
use super::run::RunCtx;
use super::slice::close;
use super::tally;
use crate::crm::Purpose;
use crate::domain::{
    Base, Candidate, CreatedBy, ErrorCategory, ItemKind, LinkState, Mapping, Observation, Op, OpId,
    RecordId, Side, Value,
};
use crate::store::rows::Dirty;
use crate::transform;

/// Salesforce answers with ids only: one read of the new records. HubSpot's answers carry the values.
pub(super) async fn read_back(
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
pub(super) async fn record(
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
        if !matches!(answer, Answer::Unknown(_)) {
            draft.choice_is_over(ctx, mapping, &mut tx).await?;
        }
        match answer {
            Answer::Done {
                id,
                created,
                stored,
            } => {
                let seen = stored.map(|seen| *seen).or_else(|| back.remove(&id));
                super::apply::note_left(&mut op, untouched(ctx, seen.as_ref()));
                made(ctx, mapping, &mut draft, &op, &id, created, seen, &mut tx)?;
                take_over(ctx, mapping, &op, &draft.link, &mut tx).await?;
            }
            Answer::Refused(cause) => {
                draft.take_back(mapping, &mut tx)?;
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
                let forgotten = |id: &RecordId| ctx.known.is_forgotten(target, &op.object, id);
                let failure = match failure.holder().is_some_and(forgotten) {
                    true => held_by_nobody(target, &mut op),
                    false => failure,
                };
                let holder = failure.holder().cloned();
                match holder {
                    Some(holder) => {
                        draft.give_up(ctx, mapping, &mut tx)?;
                        duplicate(ctx, mapping, target, &draft, holder, &failure, &mut tx).await?
                    }
                    None => {
                        let field = blamed(mapping, target, &failure);
                        let mut item = source_error(ctx, mapping, &draft, &field, failure);
                        item.sent = true;
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
                item.sent = true;
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

/// The record that is the same was forgotten on request: what the vendor says names it, and is not kept.
fn held_by_nobody(target: Side, op: &mut Op) -> Failure {
    let message =
        format!("{target} holds a record that is the same, which was forgotten on request");
    op.outcome.error = None;
    op.outcome.why = Some(message.clone());
    Failure {
        category: ErrorCategory::Duplicate,
        message,
        vendor: None,
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
    draft.link.tomb = None;
    *draft.link.ids.get_mut(target) = Some(id.clone());
    *draft.link.stamped.get_mut(target) = keyed(ctx, mapping, target) && op.key.is_none();
    if !created {
        draft.link.created_by = CreatedBy::Adopted;
    }
    tx.put_link(&draft.link, &links::objects(mapping))?;
    if let Some(case) = &draft.replaces {
        super::gone::close_all(ctx, case, tx)?;
        tx.remove_base(&mapping.id, draft.link.id);
    }
    let base = match &seen {
        _ if created => Some(base_of_create(ctx, mapping, draft, op, seen.as_ref())),
        Some(seen) => Some(bases::adopted(mapping, op, seen)),
        None => None,
    };
    if let Some(base) = base {
        tx.put_base(&mapping.id, draft.link.id, &base)?;
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
            .or_insert_with(|| Value::text(op.upsert_key().map_or("", RecordId::as_str)));
        tx.put_observation(&seen)?;
    }
    for (side, record) in [(target, id), (target.other(), &draft.seen.id)] {
        tx.mark_dirty(&mapping.id, side, record, Dirty::RELINK)?;
    }
    for old in draft.known.iter().filter(|_| draft.replaces.is_none()) {
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

/// What was stored, where nobody has changed it since: Salesforce's answer has ids only, and an edit right behind the create is
/// no part of it (6.4).
fn untouched<'s>(ctx: &RunCtx<'_>, stored: Option<&'s Observation>) -> Option<&'s Observation> {
    stored.filter(|seen| seen.side == Side::HubSpot || super::settle::is_by_us(ctx, seen))
}

/// The base of a record that we made: the source as it was read, the target as it was stored. Associations stay
/// unsettled. What could not be sent has a base on the target alone: the vendor's default there is no edit, and the source's
/// value is still on its way (F11).
fn base_of_create(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    draft: &Draft,
    op: &Op,
    stored: Option<&Observation>,
) -> Base {
    let untouched = untouched(ctx, stored);
    let (source, target) = (draft.seen.side, op.side);
    let mut base = Base::default();
    for pair in &mapping.pairs {
        // Of a pair that is paused nothing was decided: it is looked at like at first once it goes on (19.2).
        let paused = ctx.known.is_paused(&mapping.id, pair.name());
        if paused || !fields::is_property(pair, target) || !pair.direction.allows(target) {
            continue;
        }
        let name = pair.field(target);
        let raw = draft.seen.value(pair.field(source));
        let sent = op.fields.get(name);
        let failed = draft
            .errors
            .iter()
            .any(|item| mapping.go_together(&item.field, pair.name()));
        let unsent = failed || (is_translated(pair) && sent.is_none() && !raw.is_blank());
        let there = if unsent { stored } else { untouched };
        let there = there
            .map(|seen| seen.value(name))
            .filter(|value| value.is_known());
        let left = match sent {
            Some(sent) => sent.left.clone().unwrap_or_else(|| sent.after.clone()),
            None => there.cloned().unwrap_or(Value::Null),
        };
        let field = base_field(&mut base, pair.name());
        *field.values.get_mut(target) = transform::base_value(pair, target, &left);
        *field.unverified.get_mut(target) = untouched.is_none();
        if !unsent {
            *field.values.get_mut(source) = transform::base_value(pair, source, raw);
        }
    }
    let settled = base.sides.get_mut(source);
    settled.modstamp = Some(draft.seen.modstamp);
    settled.observed_at = Some(ctx.engine.server_time(source, draft.seen.observed_at));
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
    let taken = group::holders(ctx.engine, mapping, target, ids)
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
