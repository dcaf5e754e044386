//! Records that were merged into others: their link follows them (docs/design/sync-semantics.md 12.4). A merge made by a
//! person is never undone here; re-pointing a link is a local write, and is journalled.

use std::collections::{BTreeMap, BTreeSet};

use super::context::EngineError;
use super::db::Tx;
use super::fields;
use super::gone::{close_all, set_aside, unmatch};
use super::gone_case::{Case, cases};
use super::gone_items as items;
use super::gone_read::read_records;
use super::gone_rules::{Holder, Stands, follow, rebase};
use super::group;
use super::links;
use super::reviews::close_unlinked;
use super::run_ctx::{Mode, RunCtx};
use super::scope;
use super::shadows::{keys_of, rekey};
use super::tally::{Fate, Unlinked};
use crate::domain::{
    ItemKind, Link, LinkId, LinkState, Mapping, Observation, Op, OpKind, OpState, PerSide,
    Presence, RecordId, Side,
};
use crate::store::rows::Dirty;

/// How often a record that was merged may itself have been merged on.
const LONGEST_CHAIN: usize = 8;

/// Follows the merges among the cases; gives back what is still to be decided.
pub(super) async fn follow_merges(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    mut all: Vec<Case>,
) -> Result<Vec<Case>, EngineError> {
    for side in Side::BOTH {
        let mut groups: BTreeMap<RecordId, Vec<Case>> = BTreeMap::new();
        let mut rest = Vec::new();
        for case in all {
            match case.seen.get(side).as_ref().map(|seen| &seen.presence) {
                Some(Presence::MergedInto(id)) if case.choice().is_none() => {
                    groups.entry(id.clone()).or_default().push(case);
                }
                _ => rest.push(case),
            }
        }
        if !groups.is_empty() {
            let mut told = Vec::new();
            for (into, cases) in groups {
                told.extend(follow_one(ctx, mapping, side, into, cases).await?);
            }
            rest = untouched(ctx, mapping, rest).await?;
            rest.extend(told);
        }
        all = rest;
    }
    Ok(all)
}

/// The cases whose links no merge has moved: of the others everything is decided.
async fn untouched(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    cases: Vec<Case>,
) -> Result<Vec<Case>, EngineError> {
    let ids: Vec<LinkId> = cases.iter().map(|case| case.link.id).collect();
    let links = ctx.engine.db.links(&mapping.id, &ids).await?;
    let both = cases.into_iter().zip(links);
    let as_before = both.filter(|(case, link)| link.as_ref() == Some(&case.link));
    Ok(as_before.map(|(case, _)| case).collect())
}

/// Follows the merge into one record. Where that record is gone itself, or out of reach, its links' cases come back as that.
async fn follow_one(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    into: RecordId,
    mut merged: Vec<Case>,
) -> Result<Vec<Case>, EngineError> {
    let Some(mut survivor) = survivor(ctx, mapping, side, into).await? else {
        return Ok(Vec::new());
    };
    match std::mem::replace(&mut survivor.presence, Presence::Live) {
        Presence::Live => {}
        // What became of the survivor became of all that went into it.
        presence => {
            for case in &mut merged {
                if let Some(seen) = case.seen.get_mut(side) {
                    seen.presence = presence.clone();
                }
            }
            return Ok(merged);
        }
    }
    let object = mapping.object(side);
    let db = ctx.engine.db.clone();
    refresh(ctx, mapping, side, &survivor.id, &mut merged).await?;
    // One look at HubSpot's survivor names all the records that went into it, whoever of them was noticed.
    let former = fields::former_ids(&survivor);
    let known: BTreeSet<LinkId> = merged.iter().map(|case| case.link.id).collect();
    let more = db.link_ids(&mapping.id, side, object, &former).await?;
    let more: Vec<LinkId> = more
        .into_iter()
        .flatten()
        .filter(|link| !known.contains(link))
        .collect();
    let more = db.links(&mapping.id, &more).await?;
    merged.extend(cases(ctx, mapping, more.into_iter().flatten().collect()).await?);
    let own = std::slice::from_ref(&survivor.id);
    let own = db.link_ids(&mapping.id, side, object, own).await?;
    let own: Vec<LinkId> = own.into_iter().flatten().collect();
    let own = db.links(&mapping.id, &own).await?;
    let own = cases(ctx, mapping, own.into_iter().flatten().collect()).await?;
    // A merge that a link was set aside for is known: only another one says something new.
    let (told, merged): (Vec<Case>, Vec<Case>) = merged
        .into_iter()
        .partition(|case| is_told(&case.link, side));
    let merged = group::yield_to_contacts(ctx, mapping, &survivor, &former, merged).await?;
    let locked = |case: &Case| {
        let id = &case.link.id;
        let open = ctx.locked.contains(id) && !ctx.silent.contains(id);
        open || case.link.state == LinkState::PendingCreate
    };
    if merged.iter().chain(&own).any(locked) {
        return Ok(Vec::new());
    }
    let of_side = |case| holder(case, side);
    let holders: Vec<Holder> = merged.iter().map(of_side).collect();
    let followed = follow(own.first().map(of_side).as_ref(), &holders);
    let mut by_id: BTreeMap<LinkId, Case> = merged
        .into_iter()
        .chain(own)
        .map(|case| (case.link.id, case))
        .collect();
    let mut tx = db.begin();
    let mut freed: Vec<RecordId> = Vec::new();
    for id in &followed.drop {
        if let Some(case) = by_id.remove(id) {
            freed.extend(case.link.ids.get(side.other()).clone());
            close_all(ctx, &case, &mut tx)?;
            forget(ctx, mapping, &case.link, &survivor.id, &mut tx).await?;
        }
    }
    for id in &followed.collide {
        if let Some(case) = by_id.get_mut(id) {
            collide(ctx, mapping, case, &survivor, &mut tx).await?;
        }
    }
    if let Some(case) = followed.keeps.and_then(|id| by_id.get_mut(&id)) {
        // The survivor's key field may hold the counterpart of a link that is no more.
        let own = case.link.ids.get(side.other()).clone();
        freed.retain(|id| Some(id) != own.as_ref());
        case.link.former.get_mut(side.other()).extend(freed);
        repoint(ctx, mapping, case, &survivor, &mut tx).await?;
    }
    tx.apply().await?;
    Ok(told)
}

/// Takes the links as they are by now: a merge that was followed before this one may have moved them, or done the same.
async fn refresh(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    survivor: &RecordId,
    merged: &mut Vec<Case>,
) -> Result<(), EngineError> {
    let db = &ctx.engine.db;
    let ids: Vec<LinkId> = merged.iter().map(|case| case.link.id).collect();
    let links = db.links(&mapping.id, &ids).await?;
    let bases = db.bases(&mapping.id, &ids).await?;
    let cases = std::mem::take(merged);
    for ((mut case, link), base) in cases.into_iter().zip(links).zip(bases) {
        if let Some(link) = link.filter(|link| link.ids.get(side).as_ref() != Some(survivor)) {
            case.link = link;
            case.base = base;
            merged.push(case);
        }
    }
    Ok(())
}

/// The survivor has another counterpart: a person decides about this one.
pub(super) async fn collide(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &mut Case,
    survivor: &Observation,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let side = survivor.side;
    let why = items::collides(mapping, case, side, survivor.id.as_str());
    let mut candidates = items::candidates(mapping, case, side.other());
    candidates.push(crate::domain::Candidate {
        record: links::record_key(mapping, side, &survivor.id),
        label: survivor.label(),
        why: "what it was merged into".to_owned(),
    });
    if let Some(old) = case.link.ids.get(side).clone() {
        case.link.former.get_mut(side).push(old);
    }
    let kind = ItemKind::MergeCollision;
    set_aside(ctx, mapping, case, kind, why, candidates, tx).await
}

/// True where the link was set aside because its record on that side was merged, or converted, or is the tombstone that was left
/// of such a link.
pub(super) fn is_told(link: &Link, side: Side) -> bool {
    let own = link.ids.get(side).as_ref();
    let aside = match &link.state {
        LinkState::Suspended(_) => true,
        LinkState::Deleted(departed) => *departed.gone.get(side),
        _ => false,
    };
    aside && own.is_some_and(|id| link.former.get(side).contains(id))
}

/// How the link of a record of `side` stands that was merged, or that others were merged into.
fn holder(case: &Case, side: Side) -> Holder {
    Holder {
        link: case.link.id,
        made_at: case.link.created_at,
        stands: match case.link.state {
            // What was deleted over there is nobody's counterpart, decided or not.
            LinkState::Active if case.is_gone(side.other()) => Stands::Tomb,
            LinkState::Active | LinkState::PendingCreate => Stands::Active,
            LinkState::OutOfScope => Stands::Resting,
            LinkState::Suspended(_) | LinkState::TakenBack(_) => Stands::Aside,
            LinkState::Unlinked => Stands::Ended,
            LinkState::Deleted(_) | LinkState::Superseded(_) => Stands::Tomb,
        },
    }
}

/// The record that is left of a merge, along a chain of them; `None` where it cannot be told without a read.
pub(super) async fn survivor(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    into: RecordId,
) -> Result<Option<Observation>, EngineError> {
    let mut id = into;
    for _ in 0..LONGEST_CHAIN {
        let ids = std::slice::from_ref(&id);
        let stored = ctx
            .engine
            .db
            .observations(side, mapping.object(side), ids)
            .await?;
        let seen = match stored.into_iter().flatten().next() {
            Some(seen) => seen,
            None if ctx.mode == Mode::Estimate => return Ok(None),
            None => {
                let found = read_records(ctx, mapping, side, ids).await?;
                match found.into_iter().flatten().next() {
                    Some(seen) => seen,
                    None => return Ok(None),
                }
            }
        };
        match &seen.presence {
            Presence::MergedInto(next) => id = next.clone(),
            // Whoever went into a record that was forgotten is out of reach: nothing of it is stored.
            _ if ctx.known.is_of_forgotten(&seen) => {
                return Ok(Some(Observation {
                    presence: Presence::Inaccessible,
                    ..seen
                }));
            }
            _ => return Ok(Some(seen)),
        }
    }
    Ok(None)
}

/// The link points to the surviving record from now on.
async fn repoint(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &mut Case,
    survivor: &Observation,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let (side, object) = (survivor.side, mapping.object(survivor.side));
    let old = case.link.ids.get(side).clone();
    let Some(old) = old.filter(|old| *old != survivor.id) else {
        // Salesforce's survivor had this link already.
        return Ok(());
    };
    unmatch(ctx, mapping, side, Some(&old), tx).await?;
    tx.unindex(&mapping.id, side, object, &old);
    tx.clear_dirty(&mapping.id, side, &old);
    tx.drop_observation(side, object, &old);
    case.link.former.get_mut(side).push(old.clone());
    *case.link.ids.get_mut(side) = Some(survivor.id.clone());
    case.link.stamped = PerSide::default();
    rebase(mapping, &mut case.base, side, survivor);
    tx.put_link(&case.link, &links::objects(mapping))?;
    tx.put_base(&mapping.id, case.link.id, &case.base)?;
    tx.put_observation(survivor)?;
    // What was wrong with the record that is no more is over; the link is planned anew.
    for error in &case.errors {
        tx.remove_error(error);
    }
    let inside = scope::is_inside(mapping, survivor, ctx.engine.clock.now());
    let leaves = scope::step(mapping.leaves_scope, &case.link.state, inside);
    let ends = leaves == Some(scope::Step::Leaves(scope::Away::Unlinked));
    let keys = keys_of(mapping, survivor, ends);
    rekey(&ctx.engine.db, mapping, side, &survivor.id, &keys, tx).await?;
    close_unlinked(ctx, mapping, side, &survivor.id, tx).await?;
    let tally = ctx.tally(&mapping.id);
    tally.linked_after_all(side, &survivor.id);
    match case.link.state {
        LinkState::Active | LinkState::PendingCreate => {}
        LinkState::OutOfScope => tally.link(case.link.id, Fate::Unchanged),
        LinkState::TakenBack(_) => tally.link(case.link.id, Fate::Held),
        LinkState::Suspended(_) => tally.unlinked(side, &survivor.id, Unlinked::Review),
        LinkState::Deleted(_) | LinkState::Unlinked | LinkState::Superseded(_) => {
            tally.unlinked(side, &survivor.id, Unlinked::Excluded);
        }
    }
    if let Some(step @ scope::Step::Leaves(_)) = leaves {
        // What is left lies outside the scope: nothing is written to it any more.
        scope::take(ctx.engine, mapping, &case.link, step, survivor, tx).await?;
        ctx.tally(&mapping.id).link(case.link.id, Fate::Unchanged);
        return followed(ctx, mapping, case, side, &old, survivor, tx);
    }
    let active = case.link.state == LinkState::Active;
    for one in Side::BOTH {
        match case.link.ids.get(one) {
            Some(id) if active => tx.mark_dirty(&mapping.id, one, id, Dirty::RELINK)?,
            Some(id) => tx.clear_dirty(&mapping.id, one, id),
            None => {}
        }
    }
    followed(ctx, mapping, case, side, &old, survivor, tx)
}

/// Tells of a link that has followed its record, and journals it.
fn followed(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
    side: Side,
    old: &RecordId,
    survivor: &Observation,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let why = format!("{old} was merged into {} in {side}", survivor.id);
    items::line(
        ctx,
        mapping,
        case,
        "info",
        format!("{why}; its link follows"),
    );
    journal(ctx, mapping, &case.link, side, why, tx)
}

/// Journals that a link stands for another record of `side` from now on, which is written here only.
pub(super) fn journal(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    link: &Link,
    side: Side,
    why: String,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let kind = OpKind::Relink;
    let mut op = Op {
        target: link.ids.get(side).clone(),
        source: link.ids.get(side.other()).clone(),
        state: OpState::Confirmed,
        ..Op::planned(ctx.run, mapping, link.id, side, kind, BTreeMap::new(), 0)
    };
    ctx.seq += 1;
    op.seq = ctx.seq;
    op.outcome.record = op.target.clone();
    op.outcome.why = Some(why);
    Ok(tx.put_op(&op)?)
}

/// A link that stands for nothing any more goes; the surviving record's own rows stay.
async fn forget(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    link: &Link,
    survivor: &RecordId,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    tx.remove_link(link, &links::objects(mapping));
    for side in Side::BOTH {
        let id = link.ids.get(side).as_ref().filter(|id| *id != survivor);
        unmatch(ctx, mapping, side, id, tx).await?;
        if let Some(id) = id {
            tx.clear_dirty(&mapping.id, side, id);
            tx.drop_observation(side, mapping.object(side), id);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CreatedBy, Departed};
    use crate::engine::testkit::sides;

    #[test]
    fn a_merge_is_told_of_a_link_that_was_set_aside_for_it_and_of_the_tombstone_that_is_left() {
        let side = Side::HubSpot;
        let suspended = LinkState::Suspended(String::new());
        let tomb = |gone: Side| LinkState::Deleted(Departed::of(gone));
        let rows = [
            (suspended.clone(), "7", true),
            (suspended, "8", false),
            (tomb(side), "7", true),
            (tomb(side), "8", false),
            (tomb(side.other()), "7", false),
            (LinkState::Active, "7", false),
        ];
        for (state, former, told) in rows {
            let link = Link {
                id: LinkId(1),
                mapping: "contacts".into(),
                ids: sides(Some("003".into()), Some("7".into())),
                state,
                created_by: CreatedBy::Matched,
                created_at: chrono::DateTime::UNIX_EPOCH,
                stamped: PerSide::default(),
                former: sides(Vec::new(), vec![former.into()]),
                life: 0,
                tomb: None,
            };
            assert_eq!(is_told(&link, side), told, "{link:?}");
        }
    }
}
