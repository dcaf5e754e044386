//! What a create would send: values put together from the source record, and what stands in the way
//! (docs/design/sync-semantics.md 10.5).

use std::collections::BTreeMap;

use super::context::EngineError;
use super::create::{source_error, unlinked_error};
use super::db::Tx;
use super::failures::{ErrorFacts, Failure, error_item, still_refused};
use super::fields;
use super::gone::close_all;
use super::gone_case::Case;
use super::gone_items::unreachable_source;
use super::links;
use super::matchup::pass_over;
use super::references::{Parents, Token, is_translated};
use super::reviews::{close_review, errors_of_record};
use super::run::{Mode, RunCtx};
use super::scope;
use super::tally;
use crate::crm::Purpose;
use crate::domain::{
    Assignment, Departed, ErrorCategory, ErrorItem, Link, LinkId, LinkState, Mapping, Observation,
    Op, OpId, OpKind, PairKind, PerSide, Presence, RecordId, RunId, Side, Value,
};
use crate::transform::{self, TransformError};

/// One record that shall get a counterpart.
pub(super) struct Draft {
    pub(super) seen: Observation,
    pub(super) op: Op,
    pub(super) link: Link,
    pub(super) errors: Vec<ErrorItem>,
    pub(super) known: Vec<ErrorItem>,
    /// The tombstone that the new record's link takes the place of, with what waits of it.
    pub(super) replaces: Option<Box<Case>>,
}

impl Draft {
    /// This create makes the record of a tombstone anew: its link goes on, under the same id, with a new record (12.2). What
    /// fails is the link's.
    fn in_place_of(mut self, run: RunId, case: Case) -> Draft {
        let target = self.op.side;
        let mut link = case.link.clone();
        link.state = LinkState::PendingCreate;
        link.stamped = PerSide::default();
        link.tomb = Some(case.departed());
        if let Some(old) = link.ids.get_mut(target).take() {
            link.former.get_mut(target).push(old);
        }
        self.op.link = link.id;
        self.op.id = OpId::derive(&[&run.0.to_be_bytes(), &link.id.0.to_be_bytes(), b"create"]);
        for error in &mut self.errors {
            error.link = Some(link.id);
        }
        self.known.clone_from(&case.errors);
        self.link = link;
        self.replaces = Some(Box::new(case));
        self
    }

    /// Stores the link while its record is being made.
    pub(super) fn put_pending(
        &self,
        mapping: &Mapping,
        tx: &mut Tx<'_>,
    ) -> Result<(), EngineError> {
        let objects = links::objects(mapping);
        let Some(case) = &self.replaces else {
            return Ok(tx.add_link(&self.link, &objects)?);
        };
        let target = self.op.side;
        if let Some(old) = case.link.ids.get(target) {
            tx.unindex(&mapping.id, target, mapping.object(target), old);
            tx.clear_dirty(&mapping.id, target, old);
            tx.drop_observation(target, mapping.object(target), old);
        }
        Ok(tx.put_link(&self.link, &objects)?)
    }

    /// The record was not made: a link that was stored for it goes, or is the tombstone again that it was.
    pub(super) fn take_back(&self, mapping: &Mapping, tx: &mut Tx<'_>) -> Result<(), EngineError> {
        match &self.replaces {
            None => {
                tx.remove_link(&self.link, &links::objects(mapping));
                Ok(())
            }
            Some(_) => self.leave(mapping, tx),
        }
    }

    /// Nothing is made for now: nothing marks the source any more. A link that was to go on is a tombstone, and its error says
    /// when that is tried again.
    pub(super) fn leave(&self, mapping: &Mapping, tx: &mut Tx<'_>) -> Result<(), EngineError> {
        let mut left = &self.link;
        if let Some(case) = &self.replaces {
            let target = self.op.side;
            let mut tomb = case.link.clone();
            tomb.state = LinkState::Deleted(Departed {
                archived: case.departed().archived,
                ..Departed::of(target)
            });
            tx.put_link(&tomb, &links::objects(mapping))?;
            left = &case.link;
        }
        for side in Side::BOTH {
            if let Some(id) = left.ids.get(side) {
                tx.clear_dirty(&mapping.id, side, id);
                tx.drop_observation(side, mapping.object(side), id);
            }
        }
        Ok(())
    }

    /// Its source counts as a record without a link.
    pub(super) fn count(&self, ctx: &mut RunCtx<'_>, mapping: &Mapping, fate: tally::Unlinked) {
        let tally = ctx.tally(&mapping.id);
        tally.alone(self.link.id, self.seen.side, &self.seen.id, fate);
    }

    /// What a person chose about the source was done, or an error says why not.
    pub(super) async fn choice_is_over(
        &self,
        ctx: &mut RunCtx<'_>,
        mapping: &Mapping,
        tx: &mut Tx<'_>,
    ) -> Result<(), EngineError> {
        let (side, id) = (self.seen.side, &self.seen.id);
        if !ctx.was_chosen(mapping, side, id) {
            return Ok(());
        }
        close_review(ctx, mapping, side, id, tx).await
    }

    /// A person decides about the source like about any record without a link: what was decided about its tombstone is over.
    pub(super) fn give_up(
        &self,
        ctx: &RunCtx<'_>,
        mapping: &Mapping,
        tx: &mut Tx<'_>,
    ) -> Result<(), EngineError> {
        match &self.replaces {
            Some(case) => {
                self.leave(mapping, tx)?;
                close_all(ctx, case, tx)
            }
            None => Ok(()),
        }
    }
}

/// Reads what is missing and puts the values together; records that cannot be sent become errors without a call. `anew` are
/// the links, by what is left of them, whose deleted record is to be made.
pub(super) async fn drafts(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    source: Side,
    ids: &[RecordId],
    anew: &mut BTreeMap<RecordId, Case>,
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
        let replaced = anew.contains_key(&gone.id);
        leave_gone(ctx, mapping, &gone, replaced, &mut tx).await?;
    }
    super::observe::read_associations(ctx.engine, &[mapping], &mut seen).await?;
    let values = seen
        .iter()
        .flat_map(|seen| reference_values(mapping, seen))
        .collect::<Vec<_>>();
    let parents = Parents::load(ctx.engine, mapping, values.into_iter(), std::iter::empty())
        .await?
        .foresee(ctx);
    let mut drafts = Vec::new();
    for seen in seen {
        let draft = match anew.remove(&seen.id) {
            Some(case) => draft(ctx, mapping, seen, case.link.id, &parents, Vec::new())
                .in_place_of(ctx.run, case),
            None => {
                let known = errors_of_record(ctx, mapping, source, &seen.id).await?;
                let id = ctx.free_id(mapping, source, &seen.id).await?;
                draft(ctx, mapping, seen, id, &parents, known)
            }
        };
        let now = ctx.engine.clock.now();
        let (op, id) = (&draft.op, &draft.seen.id);
        if scope::is_inside(mapping, &draft.seen, now) == Some(false)
            || scope::would_lie_outside(mapping, op.side, op.fields.iter(), now)
        {
            for old in &draft.known {
                tx.remove_error(old);
            }
            draft.leave(mapping, &mut tx)?;
            draft.choice_is_over(ctx, mapping, &mut tx).await?;
            draft.count(ctx, mapping, tally::Unlinked::Excluded);
            continue;
        }
        let standing = still_refused(op.side, OpKind::Create, &op.fields, &draft.known, now);
        if let Some(error) = standing {
            tracing::debug!(record = %id, error = %error.id, "an earlier refusal still stands");
            draft.leave(mapping, &mut tx)?;
            draft.choice_is_over(ctx, mapping, &mut tx).await?;
            draft.count(ctx, mapping, tally::Unlinked::Error);
            continue;
        }
        if let Some(error) = refusal(ctx, mapping, &draft) {
            draft.leave(mapping, &mut tx)?;
            draft.choice_is_over(ctx, mapping, &mut tx).await?;
            unlinked_error(ctx, mapping, &draft, &error, &mut tx)?;
            continue;
        }
        drafts.push(draft);
    }
    tx.apply().await?;
    Ok(drafts)
}

/// The source does not answer as a live record. One that was deleted is through; of one that is hidden an error tells, and tries
/// again (12.1): what a person chose about it stays chosen.
async fn leave_gone(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    gone: &Observation,
    replaced: bool,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let (side, id) = (gone.side, &gone.id);
    if replaced || gone.presence != Presence::Inaccessible {
        close_review(ctx, mapping, side, id, tx).await?;
        return pass_over(ctx, mapping, side, id, tally::Unlinked::Excluded, tx).await;
    }
    let known = errors_of_record(ctx, mapping, side, id).await?;
    let record = links::record_key(mapping, side, id);
    let item = unreachable_source(ctx, mapping, record, &known);
    tx.put_error(&item, known.iter().any(|known| known.id == item.id))?;
    tx.clear_dirty(&mapping.id, side, id);
    tx.drop_observation(side, mapping.object(side), id);
    ctx.tally(&mapping.id)
        .unlinked(side, id, tally::Unlinked::Error);
    Ok(())
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
    id: LinkId,
    parents: &Parents,
    known: Vec<ErrorItem>,
) -> Draft {
    let engine = ctx.engine;
    let (source, target) = (seen.side, seen.side.other());
    let link = links::pending(id, mapping, target, &seen.id, engine.clock.now());
    let mut fields = BTreeMap::new();
    let mut errors = Vec::new();
    for pair in &mapping.pairs {
        let paused = ctx.known.is_paused(&mapping.id, pair.name());
        if paused || !pair.direction.allows(target) || !fields::is_property(pair, target) {
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
                    both: false,
                    left: None,
                    life: 0,
                };
                fields.insert(pair.field(target).to_owned(), assignment);
            }
            Ok(_) => {}
            Err((category, message)) => {
                errors.push((pair.name().to_owned(), raw, category, message))
            }
        }
    }
    // A tuple that one field keeps back is kept back whole (7, Field groups).
    fields.retain(|_, assignment| {
        !errors
            .iter()
            .any(|(name, ..)| mapping.go_together(name, &assignment.pair))
    });
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
        // One create a link and run, whatever its fields: planned again, it is the same.
        id: OpId::derive(&[&ctx.run.0.to_be_bytes(), &id.0.to_be_bytes(), b"create"]),
        source: Some(seen.id.clone()),
        modstamp: Some(seen.modstamp),
        ..Op::planned(ctx.run, mapping, id, target, OpKind::Create, fields, 0)
    };
    Draft {
        seen,
        op,
        link,
        errors,
        known,
        replaces: None,
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
) -> Result<(Value, Option<LinkId>), FieldRefusal> {
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
            Token::Unlinked(_) | Token::Outside(_) | Token::Away(_) => Ok((Value::Null, None)),
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
