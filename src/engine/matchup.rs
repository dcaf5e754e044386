//! Finding counterparts for records without a link, on the whole set of a run, and carrying the verdicts out: links, lists of
//! creates, review items (docs/design/sync-semantics.md 9).

use std::collections::{BTreeMap, BTreeSet};

use super::blocked::wake;
use super::context::EngineError;
use super::convert;
use super::convert_stamps::answers_for_leads;
use super::create_lookup::is_still_asked;
use super::db::Waiting;
use super::failures::error_id;
use super::group;
use super::links;
use super::matching::{Linked, MatchInput, MatchOutcome, Unlinked, matching};
use super::report::Phase;
use super::run::{Mode, RunCtx};
use super::scope;
use super::shadows::{OUTSIDE, Shadow, Shadows, unseen};
use super::strangers::{Met, forget_gone};
use super::tally::{self, Fate};
use super::tombs;
use super::waits::{What, close};
use crate::domain::{
    Candidate, Choice, Conflict, CreatedBy, ItemId, ItemKind, ItemState, Link, LinkId, LinkState,
    Mapping, MappingId, PerSide, RecordId, Side, SideValue,
};
use crate::store::rows::Dirty;
use crate::store::{Count, keys};

/// Records of one key that are looked at; a larger group is ambiguous whatever else is in it.
pub(super) const GROUP: usize = 50;

/// Records that shall have a counterpart created, by the side they live on.
pub(super) type Creates = PerSide<Vec<RecordId>>;

/// Matches every dirty record of a mapping that has no link.
pub(super) async fn match_up(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
) -> Result<Creates, EngineError> {
    ctx.engine.report.begin(Phase::Match);
    let mut held = Vec::new();
    let mut dirty = all_unlinked(ctx, mapping, &mut held).await?;
    let mut creates = Creates::default();
    let mut met = Met::default();
    let mut looked_behind = false;
    let (outcomes, shadows, choices) = loop {
        let choices = choices(ctx, mapping, &dirty).await?;
        for (side, id) in &held {
            // What a tombstone holds is matched where a person said so, and else left alone (12.3).
            let chosen = |(of, one, _): &(Side, RecordId, Choice)| of == side && one == id;
            if !choices.iter().any(chosen) {
                dirty.get_mut(*side).remove(id);
            }
        }
        let (input, shadows) = gather(ctx, mapping, &dirty, &choices).await?;
        if !std::mem::replace(&mut looked_behind, true) {
            let went_over = convert::found_behind(ctx, mapping, &input).await?;
            if answers_for_leads(ctx, mapping, &dirty.hubspot).await? || went_over {
                // A Lead that was in the way has gone over to its Contact, or its Contact answers for it.
                held.clear();
                dirty = all_unlinked(ctx, mapping, &mut held).await?;
                continue;
            }
        }
        let outcomes = matching(&input);
        let gone = forget_gone(ctx, mapping, &outcomes, &choices, &mut met).await?;
        if Side::BOTH.iter().all(|side| gone.get(*side).is_empty()) {
            break (outcomes, shadows, choices);
        }
        // Without them others may be the counterparts, or none; a choice of one of them is over.
        let mut tx = ctx.engine.db.begin();
        for (side, id, choice) in choices {
            if matches!(&choice, Choice::Link(other) if gone.get(side.other()).contains(other)) {
                close_review(ctx, mapping, side, &id, &mut tx).await?;
            }
        }
        tx.apply().await?;
        for side in Side::BOTH {
            dirty
                .get_mut(side)
                .retain(|id| !gone.get(side).contains(id));
        }
    };
    let mut tx = ctx.engine.db.begin();
    for outcome in outcomes {
        if let MatchOutcome::Create { side, id } = &outcome
            && dirty.get(*side).contains(id)
            && let Some(item) = stored(ctx, review_id(mapping, *side, id)).await?
            && is_still_asked(&item)
        {
            // No plan promises what a person has to say first. A run looks again: who was in the way may be so no more.
            if ctx.mode != Mode::Write {
                pass_over(ctx, mapping, *side, id, tally::Unlinked::Review, &mut tx).await?;
                continue;
            }
            ctx.asked.insert((mapping.id.clone(), *side, id.clone()));
        }
        let concerned: Vec<(Side, &RecordId)> = match &outcome {
            MatchOutcome::Link { s, h, .. } => vec![(Side::Salesforce, s), (Side::HubSpot, h)],
            MatchOutcome::Create { side, id } if dirty.get(*side).contains(id) => {
                vec![(*side, id)]
            }
            _ => Vec::new(),
        };
        if left_alone(ctx, mapping, &concerned, &mut tx).await? {
            continue;
        }
        match outcome {
            MatchOutcome::Link { s, h, .. } => {
                link(ctx, mapping, &s, &h, CreatedBy::Matched, &mut tx).await?
            }
            MatchOutcome::Create { side, id } => {
                if !dirty.get(side).contains(&id) {
                    continue;
                }
                if let Some(shadow) = shadows.get(&id).filter(|_| side == Side::HubSpot) {
                    in_shadow(ctx, mapping, &id, shadow, &mut tx).await?;
                } else if mapping.creates.allows(side.other())
                    && mapping.direction.allows(side.other())
                {
                    creates.get_mut(side).push(id);
                } else {
                    pass_over(ctx, mapping, side, &id, tally::Unlinked::Excluded, &mut tx).await?;
                }
            }
            MatchOutcome::DuplicatesInSource { side, id, twins } => {
                let why = format!(
                    "{} other {} records say that they are the same one.",
                    twins.len(),
                    side
                );
                review(
                    ctx,
                    mapping,
                    side,
                    &id,
                    ItemKind::AmbiguousMatch,
                    why,
                    candidates(mapping, side, &twins, "same key"),
                    &mut tx,
                )
                .await?;
            }
            MatchOutcome::Ambiguous {
                side,
                id,
                candidates: found,
                twins,
            } => {
                let why = ambiguous(side, found.len(), twins.len());
                let mut list = candidates(mapping, side.other(), &found, "same key");
                list.extend(candidates(mapping, side, &twins, "claims the same"));
                review(
                    ctx,
                    mapping,
                    side,
                    &id,
                    ItemKind::AmbiguousMatch,
                    why,
                    list,
                    &mut tx,
                )
                .await?;
            }
            MatchOutcome::AlreadyLinked {
                side,
                id,
                candidate,
                ..
            } => {
                let why =
                    format!("Its only counterpart, {candidate}, is linked to another record.");
                let list = candidates(
                    mapping,
                    side.other(),
                    &[candidate],
                    "linked to another record",
                );
                review(
                    ctx,
                    mapping,
                    side,
                    &id,
                    ItemKind::AlreadyLinked,
                    why,
                    list,
                    &mut tx,
                )
                .await?;
            }
        }
        tx = tx.rolled().await?;
    }
    for (side, id, choice) in choices {
        match choice {
            // A choice for its counterpart has linked it, and closed what it asked.
            _ if is_fresh(ctx, mapping, side, &id) => {}
            Choice::Link(other) if is_taken(ctx, mapping, side.other(), &other).await? => {
                let why = format!("{other} was linked to another record meanwhile.");
                let list = candidates(mapping, side.other(), &[other], "linked to another record");
                review(
                    ctx,
                    mapping,
                    side,
                    &id,
                    ItemKind::AlreadyLinked,
                    why,
                    list,
                    &mut tx,
                )
                .await?;
            }
            Choice::Link(other) => {
                let (s, h) = if side == Side::Salesforce {
                    (&id, &other)
                } else {
                    (&other, &id)
                };
                link(ctx, mapping, s, h, CreatedBy::Person, &mut tx).await?;
                close_review(ctx, mapping, side, &id, &mut tx).await?;
                close_review(ctx, mapping, side.other(), &other, &mut tx).await?;
            }
            Choice::Create => {
                tombs::give_way_for(ctx, mapping, side, &id, &mut tx).await?;
                creates.get_mut(side).push(id.clone());
                ctx.despite.insert((mapping.id.clone(), side, id.clone()));
                close_review(ctx, mapping, side, &id, &mut tx).await?;
            }
            _ => {
                pass_over(ctx, mapping, side, &id, tally::Unlinked::Excluded, &mut tx).await?;
                close_review(ctx, mapping, side, &id, &mut tx).await?;
            }
        }
    }
    tx.commit().await?;
    let detail = format!(
        "{} to create",
        creates.salesforce.len() + creates.hubspot.len()
    );
    ctx.engine
        .report
        .detail(Phase::Match, format!("{}: {detail}", mapping.id));
    ctx.engine.report.end(Phase::Match);
    Ok(creates)
}

/// True where this run has linked the record.
fn is_fresh(ctx: &RunCtx<'_>, mapping: &Mapping, side: Side, id: &RecordId) -> bool {
    let mut fresh = ctx.newly_linked.iter();
    fresh.any(|(of, _, ids)| *of == mapping.id && ids.get(side) == id)
}

/// True where a link has the record, one of this run's or of the group's other mappings included: a person's choice gives nobody
/// a second one (I-7).
async fn is_taken(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
) -> Result<bool, EngineError> {
    if is_fresh(ctx, mapping, side, id) {
        return Ok(true);
    }
    let db = &ctx.engine.db;
    let ids = std::slice::from_ref(id);
    let rivals = group::rivals(ctx.engine, mapping, side, ids).await?;
    if rivals.iter().flatten().any(group::Rival::holds) {
        return Ok(true);
    }
    let held = db
        .link_ids(&mapping.id, side, mapping.object(side), ids)
        .await?;
    let held: Vec<_> = held.into_iter().flatten().collect();
    let links = db.links(&mapping.id, &held).await?;
    let stands = |link: &Link| {
        matches!(
            link.state,
            LinkState::Active
                | LinkState::PendingCreate
                | LinkState::OutOfScope
                | LinkState::Suspended(_)
        )
    };
    Ok(links.iter().flatten().any(stands))
}

/// What waits without a link on both sides.
async fn all_unlinked(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    held: &mut Vec<(Side, RecordId)>,
) -> Result<PerSide<BTreeSet<RecordId>>, EngineError> {
    Ok(PerSide {
        salesforce: unlinked(ctx, mapping, Side::Salesforce, held).await?,
        hubspot: unlinked(ctx, mapping, Side::HubSpot, held).await?,
    })
}

/// Dirty records of one side that no link holds, of whatever mapping of the group, and those that a tombstone holds and a person
/// may have decided about: these are noted in `held` too.
async fn unlinked(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    held: &mut Vec<(Side, RecordId)>,
) -> Result<BTreeSet<RecordId>, EngineError> {
    let db = ctx.engine.db.clone();
    let mut found = BTreeSet::new();
    let mut after: Option<RecordId> = None;
    loop {
        let page = db
            .dirty_page(&mapping.id, side, after.as_ref(), 2000)
            .await?;
        let Some((last, _)) = page.last() else {
            let free = group::leave_to_siblings(ctx, mapping, side, found).await?;
            return Ok(convert::without_held(ctx, mapping, side, free));
        };
        after = Some(last.clone());
        let freed = page.iter().filter(|(_, row)| row.reasons == Dirty::RELINK);
        let freed: Vec<RecordId> = freed.map(|(id, _)| id.clone()).collect();
        let later = unseen(&db, mapping, side, freed).await?;
        let page: Vec<_> = page
            .into_iter()
            .filter(|(id, _)| !later.contains(id))
            .collect();
        let ids: Vec<RecordId> = page.iter().map(|(id, _)| id.clone()).collect();
        let links = db
            .link_ids(&mapping.id, side, mapping.object(side), &ids)
            .await?;
        let resolved = page.iter().zip(&links);
        let resolved: Vec<Option<LinkId>> = resolved
            .filter(|((_, row), _)| row.reasons & Dirty::RESOLVED != 0)
            .map(|(_, link)| *link)
            .collect();
        let tombs = tombs::among(ctx, mapping, side, &resolved).await?;
        for (id, link) in ids.into_iter().zip(links) {
            match link {
                None => {}
                Some(link) if tombs.contains(&link) => held.push((side, id.clone())),
                Some(_) => continue,
            }
            found.insert(id);
        }
    }
}

/// Stored choices for records without a link.
async fn choices(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    dirty: &PerSide<BTreeSet<RecordId>>,
) -> Result<Vec<(Side, RecordId, Choice)>, EngineError> {
    let mut found = Vec::new();
    for side in Side::BOTH {
        for id in dirty.get(side) {
            let owner = keys::record_owner(&links::record_key(mapping, side, id));
            for item in ctx.engine.db.waiting(owner).await? {
                if let Waiting::Conflict(item) = item
                    && item.mapping == mapping.id
                    && item.state == ItemState::Draft
                    && let Some(resolution) = item.resolution
                {
                    found.push((side, id.clone(), resolution.choice));
                }
            }
        }
    }
    Ok(found)
}

/// The records with their keys, and everybody else who shares one of them; and those of HubSpot that share one with a
/// Salesforce record outside the scope: nothing is made for them (12.6).
async fn gather(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    dirty: &PerSide<BTreeSet<RecordId>>,
    choices: &[(Side, RecordId, Choice)],
) -> Result<(MatchInput, BTreeMap<RecordId, Shadow>), EngineError> {
    let db = &ctx.engine.db;
    let rules = mapping.match_rules.len() + 1;
    let mut keys_of: PerSide<BTreeMap<RecordId, Vec<(u8, u128)>>> = PerSide::default();
    let chosen = |side: Side, id: &RecordId| {
        choices.iter().any(|(one, record, choice)| {
            (*one == side && record == id)
                || (*one != side && matches!(choice, Choice::Link(other) if other == id))
        })
    };
    for side in Side::BOTH {
        let ids: Vec<RecordId> = dirty
            .get(side)
            .iter()
            .filter(|id| !chosen(side, id))
            .cloned()
            .collect();
        for part in ids.chunks(2000) {
            let keys = db.match_keys(&mapping.id, side, part).await?;
            keys_of.get_mut(side).extend(part.iter().cloned().zip(keys));
        }
    }
    // A first sync that was cut off has settled some records already: those are looked up like anybody else's.
    let none_linked = db.count(&Count::Links(mapping.id.clone())) == 0
        && !group::siblings_have_links(ctx.engine, mapping);
    let whole = ctx.is_first(&mapping.id) && none_linked;
    let mut others: PerSide<BTreeSet<RecordId>> = PerSide::default();
    if !whole || mapping.scope.is_some() {
        let all: BTreeSet<(u8, u128)> = Side::BOTH
            .iter()
            .flat_map(|side| keys_of.get(*side).values().flatten().copied())
            .collect();
        for key in all {
            for side in Side::BOTH {
                for id in db.matching(&mapping.id, side, key, GROUP).await? {
                    if !keys_of.get(side).contains_key(&id) && !chosen(side, &id) {
                        others.get_mut(side).insert(id);
                    }
                }
            }
        }
    }
    let mut outside = Shadows::default();
    let mut input = MatchInput {
        rules,
        ..MatchInput::default()
    };
    for side in Side::BOTH {
        for (id, keys) in keys_of.get(side) {
            input.unlinked.get_mut(side).push(Unlinked {
                id: id.clone(),
                keys: per_rule(keys, rules),
            });
        }
        let ids: Vec<RecordId> = others.get(side).iter().cloned().collect();
        let links = group::holders(ctx.engine, mapping, side, &ids).await?;
        let keys = db.match_keys(&mapping.id, side, &ids).await?;
        let away = scope::ended(ctx, mapping, &links).await?;
        let tombs = tombs::among(ctx, mapping, side, &links).await?;
        for ((id, link), keys) in ids.into_iter().zip(links).zip(keys) {
            let away = side == Side::Salesforce && link.is_some_and(|link| away.contains(&link));
            if away || keys.contains(&OUTSIDE) {
                outside.cast(&id, &keys);
                continue;
            }
            let keys = per_rule(&keys, rules);
            match link.filter(|link| !tombs.contains(link)) {
                Some(link) => input.linked.get_mut(side).push(Linked { id, link, keys }),
                None => input.unlinked.get_mut(side).push(Unlinked { id, keys }),
            }
        }
    }
    let over = |(id, keys): (&RecordId, &Vec<_>)| Some((id.clone(), outside.over(keys)?));
    let shadows = keys_of.hubspot.iter().filter_map(over).collect();
    Ok((input, shadows))
}

fn per_rule(keys: &[(u8, u128)], rules: usize) -> Vec<Vec<u128>> {
    let mut all = vec![Vec::new(); rules];
    for (rule, key) in keys {
        if let Some(list) = all.get_mut(usize::from(*rule)) {
            list.push(*key);
        }
    }
    all
}

/// Ties two records together. Their values are merged by the slices that follow.
async fn link(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    s: &RecordId,
    h: &RecordId,
    by: CreatedBy,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let id = ctx.free_id(mapping, Side::Salesforce, s).await?;
    let ids = PerSide {
        salesforce: s.clone(),
        hubspot: h.clone(),
    };
    let mut link = links::active(id, mapping, ids, by, engine.clock.now());
    link.former = tombs::give_way(ctx, mapping, &link, tx).await?;
    let leads = ctx.behind.get(s).into_iter().flatten();
    link.former.salesforce.extend(leads.cloned());
    tx.add_link(&link, &links::objects(mapping))?;
    for side in Side::BOTH {
        if let Some(record) = link.ids.get(side) {
            // What failed while they had no link, such as a create, is over.
            let owner = keys::record_owner(&links::record_key(mapping, side, record));
            close(engine, &mapping.id, owner, What::Errors, None, tx).await?;
            tx.mark_dirty(&mapping.id, side, record, Dirty::RELINK)?;
            ctx.tally(&mapping.id).linked_after_all(side, record);
        }
    }
    ctx.newly_linked.push((
        mapping.id.clone(),
        id,
        PerSide {
            salesforce: s.clone(),
            hubspot: h.clone(),
        },
    ));
    ctx.tally(&mapping.id).link(id, Fate::Unchanged);
    Ok(())
}

/// Nothing is made for a HubSpot record as long as what it would match lies outside the scope. Where that does not answer any
/// more, a person has to say so.
async fn in_shadow(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    id: &RecordId,
    shadow: &Shadow,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let side = Side::HubSpot;
    match shadow {
        Shadow::Outside => pass_over(ctx, mapping, side, id, tally::Unlinked::Excluded, tx).await,
        Shadow::Silent(ids) => {
            let names: Vec<&str> = ids.iter().map(RecordId::as_str).collect();
            let why = format!(
                "Its counterpart {} lay outside the scope and does not answer any more: it was deleted for good, or it is hidden.",
                names.join(", ")
            );
            let kind = ItemKind::AmbiguousMatch;
            review(ctx, mapping, side, id, kind, why, Vec::new(), tx).await
        }
    }
}

/// A record that is through for now: no counterpart, no work.
pub(super) async fn pass_over(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    fate: tally::Unlinked,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    // What failed while it was to have one is over with that.
    let owner = keys::record_owner(&links::record_key(mapping, side, id));
    close(ctx.engine, &mapping.id, owner, What::Errors, None, tx).await?;
    tx.clear_dirty(&mapping.id, side, id);
    if !group::is_awaited(ctx.engine, mapping, side, id).await? {
        tx.drop_observation(side, mapping.object(side), id);
    }
    ctx.tally(&mapping.id).unlinked(side, id, fate);
    Ok(())
}

/// Why a record is not linked: so many may be its counterpart, and so many others on its side claim them.
fn ambiguous(side: Side, candidates: usize, twins: usize) -> String {
    let found = match candidates {
        1 => format!("1 {} record", side.other()),
        many => format!("{many} {} records", side.other()),
    };
    let claimed = match twins {
        0 => String::new(),
        1 => format!(", and 1 other {side} record claims it too"),
        many => format!(", and {many} other {side} records claim it too"),
    };
    format!("{found} may be its counterpart{claimed}.")
}

fn candidates(mapping: &Mapping, side: Side, ids: &[RecordId], why: &str) -> Vec<Candidate> {
    ids.iter()
        .map(|id| Candidate {
            record: links::record_key(mapping, side, id),
            label: String::new(),
            why: why.to_owned(),
        })
        .collect()
}

/// The review item of a record that has no link.
pub fn review_id(mapping: &Mapping, side: Side, id: &RecordId) -> ItemId {
    ItemId::derive(&[
        b"match",
        mapping.id.as_str().as_bytes(),
        side.word().as_bytes(),
        id.as_str().as_bytes(),
    ])
}

/// A person must decide about a record without a link; it is left alone until then.
#[expect(
    clippy::too_many_arguments,
    reason = "one review item in the terms of product.md"
)]
pub(super) async fn review(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    kind: ItemKind,
    why: String,
    mut candidates: Vec<Candidate>,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let now = engine.clock.now();
    let item = review_id(mapping, side, id);
    let before = stored(ctx, item).await?;
    if before.as_ref().is_some_and(is_ignored) {
        pass_over(ctx, mapping, side, id, tally::Unlinked::Excluded, tx).await?;
        return Ok(());
    }
    for candidate in &mut candidates {
        let seen = engine
            .db
            .observations(
                candidate.record.side,
                &candidate.record.object,
                std::slice::from_ref(&candidate.record.id),
            )
            .await?;
        if let Some(seen) = seen.into_iter().flatten().next() {
            candidate.label = seen.label();
        }
    }
    let seen = engine
        .db
        .observations(side, mapping.object(side), std::slice::from_ref(id))
        .await?;
    let label = seen
        .into_iter()
        .flatten()
        .next()
        .map_or_else(|| id.to_string(), |seen| seen.label());
    let mut sides = PerSide::<SideValue>::default();
    sides.get_mut(side).id = Some(id.clone());
    let row = Conflict {
        id: item,
        mapping: mapping.id.clone(),
        kind,
        link: None,
        label: label.clone(),
        field: String::new(),
        sides,
        base: None,
        base_run: None,
        suggest: None,
        rule: "ask".into(),
        why,
        state: ItemState::Open,
        candidates,
        resolution: None,
        members: Vec::new(),
        automatic: false,
        first_seen: before.as_ref().map_or(now, |row| row.first_seen),
        last_seen: now,
        run: ctx.run,
    };
    let owner = keys::record_owner(&links::record_key(mapping, side, id));
    tx.put_conflict(&row, before.as_ref(), owner)?;
    pass_over(ctx, mapping, side, id, tally::Unlinked::Review, tx).await?;
    if ctx.mode == Mode::Write {
        let subject = format!("{} {id}", mapping.object(side));
        engine.report.line_about(
            "warn",
            subject,
            &label,
            "waits in Conflicts".into(),
            Some(item),
            None,
        );
        engine.report.change(|view| view.conflicts += 1);
    }
    Ok(())
}

/// True where a person said to leave one of the records alone: they stay without a counterpart. Otherwise what was asked
/// about them before is over, for now they have one.
async fn left_alone(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    records: &[(Side, &RecordId)],
    tx: &mut super::db::Tx<'_>,
) -> Result<bool, EngineError> {
    let review = Count::Review(mapping.id.clone());
    if ctx.is_first(&mapping.id) && ctx.engine.db.count(&review) == 0 {
        return Ok(false);
    }
    let mut ignored = false;
    let mut asked = Vec::new();
    for (side, id) in records {
        if let Some(item) = stored(ctx, review_id(mapping, *side, id)).await? {
            ignored |= is_ignored(&item);
            if item.state != ItemState::Resolved {
                asked.push((*side, *id));
            }
        }
    }
    if ignored {
        for (side, id) in records {
            pass_over(ctx, mapping, *side, id, tally::Unlinked::Excluded, tx).await?;
        }
        return Ok(true);
    }
    for (side, id) in asked {
        close_review(ctx, mapping, side, id, tx).await?;
    }
    Ok(false)
}

/// True where a person said to leave the record alone for good.
fn is_ignored(item: &Conflict) -> bool {
    let choice = item
        .resolution
        .as_ref()
        .map(|resolution| &resolution.choice);
    item.state == ItemState::Resolved && choice == Some(&Choice::Ignore)
}

async fn stored(ctx: &RunCtx<'_>, item: ItemId) -> Result<Option<Conflict>, EngineError> {
    Ok(match ctx.engine.db.waiting_item(item).await? {
        Some(Waiting::Conflict(row)) => Some(row),
        _ => None,
    })
}

/// The choice was carried out: the item is over.
pub(super) async fn close_review(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let owner = keys::record_owner(&links::record_key(mapping, side, id));
    let run = Some(ctx.run);
    close(ctx.engine, &mapping.id, owner, What::Questions, run, tx).await
}

/// True where an older error of an unlinked record still waits; such a record is not tried again yet.
pub(super) async fn errors_of_record(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
) -> Result<Vec<crate::domain::ErrorItem>, EngineError> {
    let record = links::record_key(mapping, side, id);
    let known = ctx.engine.db.errors_of(keys::record_owner(&record)).await?;
    let own = error_id(mapping, &record, "");
    let mut all: Vec<_> = known
        .into_values()
        .filter(|item| item.mapping == mapping.id)
        .collect();
    all.sort_by_key(|item| item.id != own);
    Ok(all)
}

/// Links that this run made have their children woken up (14.4).
pub(super) async fn wake_children(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
) -> Result<(), EngineError> {
    let own = |(of, ..): &mut (MappingId, LinkId, PerSide<RecordId>)| *of == mapping.id;
    let made: Vec<_> = ctx.newly_linked.extract_if(.., own).collect();
    let mut tx = ctx.engine.db.begin();
    for (_, _, ids) in made {
        for side in Side::BOTH {
            let parent = links::record_key(mapping, side, ids.get(side));
            wake(ctx.engine, &parent, &mut tx).await?;
        }
    }
    Ok(tx.apply().await?)
}
