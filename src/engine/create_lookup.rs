//! The look-up before a create: what is there already is linked, not made again (docs/design/sync-semantics.md 10.1, 10.2, 10.4).

use std::collections::BTreeMap;

use super::context::EngineError;
use super::convert_keys::{take_over, under_own_keys};
use super::create::keyed;
use super::create_draft::Draft;
use super::fields;
use super::group;
use super::links;
use super::reviews::{close_unlinked, review};
use super::run::RunCtx;
use super::tally;
use crate::crm::Purpose;
use crate::domain::{
    Candidate, Conflict, CreatedBy, ItemKind, ItemState, Link, LinkState, Mapping, Observation,
    PerSide, Presence, RecordId, Side,
};
use crate::store::rows::Dirty;

/// Why a record that the look-up found is a candidate.
const HOLDS_KEY: &str = "holds its key";
const HELD_KEY: &str = "holds its key, but is deleted";

/// True for the open question of a record whose counterpart was to be made: what the look-up found stands in the way, and nothing
/// but another look-up, or a person, knows whether it still does.
pub(super) fn is_still_asked(item: &Conflict) -> bool {
    let found = |one: &Candidate| one.why == HOLDS_KEY || one.why == HELD_KEY;
    item.state == ItemState::Open
        && item.link.is_none()
        && !item.candidates.is_empty()
        && item.candidates.iter().all(found)
}

/// What a draft is looked up by.
type KeyOf = Box<dyn Fn(&Draft) -> Option<String> + Send + Sync>;

/// The look-up before a create: by the key, where there is one (10.1), else by the match fields (10.2). Records found are
/// linked instead of created.
pub(super) async fn look_up(
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
        key_of = Box::new(|draft| draft.op.upsert_key().map(|id| id.0.clone()));
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
        for (key, records) in under_own_keys(ctx, mapping, target, &drafts, &asked).await? {
            found.entry(key).or_default().extend(records);
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
        let crm = ctx.engine.side(target);
        let mut hits = crm
            .search(Purpose::LookUp, &object, &field, &values, &asked)
            .await?;
        if target == Side::HubSpot && !hits.is_empty() {
            // The index may show a value that is not there any more: a read by id says what the record holds.
            let ids: Vec<RecordId> = hits.iter().map(|seen| seen.id.clone()).collect();
            let read = crm.read(Purpose::LookUp, &object, &ids, &asked).await?;
            let now = read.into_iter().flat_map(|found| found.records);
            hits = now.filter(|seen| seen.presence == Presence::Live).collect();
        }
        for seen in hits {
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
        let mut hits = key_of(&draft)
            .and_then(|key| found.remove(&key))
            .unwrap_or_default();
        hits.retain(|seen| !ctx.known.is_forgotten(target, &seen.object, &seen.id));
        let source = (mapping.id.clone(), draft.seen.side, draft.seen.id.clone());
        if draft.replaces.is_some() || ctx.despite.contains(&source) {
            // That the old record was deleted is known, and a rule or a person said to make it anew.
            hits.retain(|seen| seen.presence == Presence::Live);
        }
        if hits.is_empty() && ctx.asked.contains(&source) {
            // Nothing is in the way any more. The plan did not have this create, so no valve has seen it: the mark stays, and the
            // next run plans it like any other.
            draft.count(ctx, mapping, tally::Unlinked::Review);
        } else if hits.is_empty() {
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
            group::holders(engine, mapping, target, ids)
                .await?
                .into_iter()
                .flatten()
                .next()
        }
        _ => None,
    };
    match live.as_slice() {
        [only] if taken.is_none() => adopt(ctx, mapping, &draft, only, &mut tx).await?,
        _ => {
            draft.give_up(ctx, mapping, &mut tx)?;
            let candidates = hits.iter().map(|seen| Candidate {
                record: links::record_key(mapping, target, &seen.id),
                label: seen.label(),
                why: match seen.presence {
                    Presence::Live => HOLDS_KEY.into(),
                    _ => HELD_KEY.into(),
                },
            });
            let why = if live.is_empty() {
                format!("Its {target} record was deleted; it is not made anew by itself.")
            } else if live.len() == 1 {
                format!("A {target} record that is linked to another holds its key.")
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
async fn adopt(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    draft: &Draft,
    other: &Observation,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let side = other.side;
    let mut link = draft.link.clone();
    if let Some(case) = &draft.replaces {
        draft.put_pending(mapping, tx)?;
        super::gone::close_all(ctx, case, tx)?;
        tx.remove_base(&mapping.id, link.id);
    }
    link.state = LinkState::Active;
    link.tomb = None;
    link.created_by = CreatedBy::Adopted;
    *link.ids.get_mut(side) = Some(other.id.clone());
    match draft.replaces {
        Some(_) => tx.put_link(&link, &links::objects(mapping))?,
        None => tx.add_link(&link, &links::objects(mapping))?,
    }
    take_over(ctx, mapping, &draft.op, &link, tx).await?;
    tx.put_observation(other)?;
    for (one, id) in [(side, &other.id), (side.other(), &draft.seen.id)] {
        tx.mark_dirty(&mapping.id, one, id, Dirty::RELINK)?;
        // Somebody may have been asked whose it is, and a create may have failed before.
        close_unlinked(ctx, mapping, one, id, tx).await?;
        ctx.tally(&mapping.id).linked_after_all(one, id);
    }
    note_link(ctx, mapping, &link);
    ctx.tally(&mapping.id).link(link.id, tally::Fate::Unchanged);
    Ok(())
}

pub(super) fn note_link(ctx: &mut RunCtx<'_>, mapping: &Mapping, link: &Link) {
    if let (Some(s), Some(h)) = (&link.ids.salesforce, &link.ids.hubspot) {
        let ids = PerSide {
            salesforce: s.clone(),
            hubspot: h.clone(),
        };
        ctx.newly_linked.push((mapping.id.clone(), link.id, ids));
    }
}
