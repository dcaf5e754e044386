//! Linked records that are gone, merged or there again: what was noticed of them is decided and carried out here, before
//! anything is matched or created (docs/design/sync-semantics.md 12.1 to 12.5). The mark `DELETED` on a record is what is still
//! to be done; a deletion that is carried over keeps it until it went through.

use std::collections::BTreeSet;

use super::archive;
use super::context::EngineError;
use super::convert;
use super::db::Tx;
use super::fields;
use super::gone_case::{Case, cases};
use super::gone_items as items;
use super::gone_read::read;
use super::gone_rules::Verdict;
use super::group::siblings;
use super::links;
use super::merged;
use super::run_ctx::RunCtx;
use super::scope;
use super::shadows::rekey;
use super::silence::{answered, out_of_reach};
use super::tally::Unlinked;
use crate::domain::{
    Departed, ItemKind, ItemState, Link, LinkId, LinkState, Mapping, OpKind, PerSide, Presence,
    RecordId, Side,
};
use crate::store::Count;
use crate::store::rows::Dirty;

/// Marks that are looked at together: one Salesforce read, twenty HubSpot reads.
const PAGE: usize = 2000;

/// When in a run the step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wave {
    /// Before records are matched: everything but deletions, which are the last thing that a run does.
    First,
    /// After everything else: deletions, each side read directly before.
    Last,
}

/// Decides about every marked link of a mapping and carries it out; gives back the links whose deleted record is to be made
/// anew.
pub(super) async fn gone(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    wave: Wave,
) -> Result<Vec<Case>, EngineError> {
    if ctx.engine.db.count(&Count::Links(mapping.id.clone())) == 0 {
        // A first sync has nothing that could be gone.
        return Ok(Vec::new());
    }
    let mut anew = Vec::new();
    let mut met = BTreeSet::new();
    for side in Side::BOTH {
        let mut after: Option<RecordId> = None;
        loop {
            ctx.engine.control.border().await?;
            let db = &ctx.engine.db;
            let page = db
                .dirty_page(&mapping.id, side, after.as_ref(), PAGE)
                .await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            let marked = page
                .into_iter()
                .filter(|(_, row)| row.reasons & Dirty::DELETED != 0);
            let ids: Vec<RecordId> = marked.map(|(id, _)| id).collect();
            if ids.is_empty() {
                continue;
            }
            let mut cases = load(ctx, mapping, side, &ids, &mut met).await?;
            read(ctx, mapping, wave, &mut cases).await?;
            let cases = merged::follow_merges(ctx, mapping, cases).await?;
            anew.extend(carry_out(ctx, mapping, wave, cases).await?);
        }
    }
    Ok(anew)
}

/// The links of marked records with all that is stored about them, each once; links that a write without an answer locks wait,
/// and so do those whose other record did not answer, until it is to be asked again.
async fn load(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ids: &[RecordId],
    met: &mut BTreeSet<LinkId>,
) -> Result<Vec<Case>, EngineError> {
    let db = &ctx.engine.db;
    let held = db
        .link_ids(&mapping.id, side, mapping.object(side), ids)
        .await?;
    let without: Vec<RecordId> = ids
        .iter()
        .zip(&held)
        .filter(|(_, link)| link.is_none())
        .map(|(id, _)| id.clone())
        .collect();
    forget_marks(ctx, mapping, side, &without).await?;
    let wanted: Vec<LinkId> = held
        .into_iter()
        .flatten()
        .filter(|link| !ctx.locked.contains(link) && met.insert(*link))
        .collect();
    let links: Vec<Link> = db
        .links(&mapping.id, &wanted)
        .await?
        .into_iter()
        .flatten()
        .filter(|link| {
            matches!(
                link.state,
                LinkState::Active
                    | LinkState::Suspended(_)
                    | LinkState::OutOfScope
                    | LinkState::Unlinked
                    | LinkState::TakenBack(_)
                    | LinkState::Deleted(_)
            )
        })
        .collect();
    let mut cases = cases(ctx, mapping, links).await?;
    let now = ctx.engine.clock.now();
    cases.retain(|case| !case.awaits_an_answer(ctx.mode, now));
    Ok(cases)
}

/// Takes the marks of records away that no link holds any more. One that went into another record is looked at as that.
async fn forget_marks(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ids: &[RecordId],
) -> Result<(), EngineError> {
    let db = &ctx.engine.db;
    let object = mapping.object(side);
    let seen = db.observations(side, object, ids).await?;
    let mut tx = db.begin();
    for (id, seen) in ids.iter().zip(seen) {
        tx.clear_dirty(&mapping.id, side, id);
        if let Some(Presence::MergedInto(into)) = seen.map(|seen| seen.presence) {
            let own = db.marks(&mapping.id, side, &into).await?;
            tx.mark_dirty(&mapping.id, side, &into, own | Dirty::CREATED)?;
            tx.drop_observation(side, object, id);
        }
    }
    Ok(tx.apply().await?)
}

async fn carry_out(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    wave: Wave,
    cases: Vec<Case>,
) -> Result<Vec<Case>, EngineError> {
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    let (mut anew, mut archives) = (Vec::new(), Vec::new());
    for mut case in cases {
        answered(&mut case, &mut tx);
        match case.verdict(mapping) {
            Verdict::Nothing => quiet(ctx, mapping, &case, &mut tx)?,
            Verdict::Later => keep_seen(&case, &mut tx)?,
            Verdict::Rest(gone) => {
                let why = items::rests(mapping, &case, gone);
                lay_down(ctx, mapping, &mut case, gone, &mut tx).await?;
                items::told(ctx, mapping, &case, why, &mut tx)?;
            }
            Verdict::Ask(kind, gone) => {
                let why = items::asks(mapping, &case, kind, gone);
                ask(ctx, mapping, &mut case, kind, gone, why, &mut tx).await?;
            }
            Verdict::Archive(side, evidence)
                if archive::is_put_off(ctx, mapping, &case, side, evidence) =>
            {
                put_off(ctx, mapping, &mut case, side.other(), &mut tx).await?;
            }
            Verdict::Archive(side, evidence) if wave == Wave::Last => {
                ctx.follows(mapping, side, OpKind::Delete, case.link.id);
                archives.push((case, side, evidence));
            }
            Verdict::Anew(gone) if wave == Wave::First => {
                keep_seen(&case, &mut tx)?;
                unmatch(
                    ctx,
                    mapping,
                    gone,
                    case.link.ids.get(gone).as_ref(),
                    &mut tx,
                )
                .await?;
                anew.push(case);
            }
            Verdict::Archive(left, _) => {
                ctx.follows(mapping, left, OpKind::Delete, case.link.id);
                due(ctx, mapping, &mut case, left.other(), &mut tx).await?
            }
            Verdict::Anew(_) => keep_seen(&case, &mut tx)?,
            Verdict::Back => back(ctx, mapping, &mut case, &mut tx).await?,
            Verdict::Converted(side) if convert::successor(ctx.engine, mapping).is_some() => {
                // It is the next look at conversions that follows it.
                keep_seen(&case, &mut tx)?;
                if let Some(id) = case.link.ids.get(side) {
                    let reasons = case.marked(side) | Dirty::DELETED;
                    tx.mark_dirty(&mapping.id, side, id, reasons)?;
                }
            }
            Verdict::Converted(side) => {
                let why = items::converted(mapping, &case, side);
                if let Some(lead) = case.link.ids.get(side).clone() {
                    case.link.former.get_mut(side).push(lead);
                }
                let kind = ItemKind::ConversionCollision;
                set_aside(ctx, mapping, &mut case, kind, why, Vec::new(), &mut tx).await?;
            }
            Verdict::OutOfReach(side) => out_of_reach(ctx, mapping, &case, side, &mut tx)?,
        }
        tx = tx.rolled().await?;
    }
    tx.apply().await?;
    if !archives.is_empty() {
        ctx.check_following(mapping)?;
    }
    archive::archive(ctx, mapping, archives).await?;
    Ok(anew)
}

fn keep_seen(case: &Case, tx: &mut Tx<'_>) -> Result<(), EngineError> {
    for side in Side::BOTH {
        if let Some(seen) = case.seen.get(side) {
            tx.put_observation(seen)?;
        }
    }
    Ok(())
}

/// The link is a tombstone from now on, for everybody who looks at it; what is left is archived by the last wave, and the marks
/// stand until then.
async fn due(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &mut Case,
    gone: Side,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    case.link.state = LinkState::Deleted(Departed {
        due: true,
        archived: case.departed().archived,
        ..Departed::of(gone)
    });
    tx.put_link(&case.link, &links::objects(mapping))?;
    unmatch(ctx, mapping, gone, case.link.ids.get(gone).as_ref(), tx).await?;
    keep_seen(case, tx)?;
    count(ctx, mapping, case, Unlinked::Excluded);
    Ok(())
}

/// A deletion could not be carried over, or is not tried again yet: it stays due, with what a person chose, and its error says
/// when its time comes.
pub(super) async fn put_off(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &mut Case,
    gone: Side,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    due(ctx, mapping, case, gone, tx).await?;
    clear(mapping, &case.link, tx);
    count(ctx, mapping, case, Unlinked::Error);
    Ok(())
}

pub(super) fn clear(mapping: &Mapping, link: &Link, tx: &mut Tx<'_>) {
    for side in Side::BOTH {
        if let Some(id) = link.ids.get(side) {
            tx.clear_dirty(&mapping.id, side, id);
            tx.drop_observation(side, mapping.object(side), id);
        }
    }
}

/// Nothing follows: the marks go, and so does a choice that has nothing to decide any more.
fn quiet(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    clear(mapping, &case.link, tx);
    let drafts = case
        .items
        .iter()
        .filter(|item| item.state == ItemState::Draft);
    for item in drafts {
        tx.put_conflict(&items::over(ctx, item), Some(item), case.link.id.0)?;
    }
    Ok(())
}

/// What waits of a link is over, whatever it was.
pub(super) fn close_all(ctx: &RunCtx<'_>, case: &Case, tx: &mut Tx<'_>) -> Result<(), EngineError> {
    for item in &case.items {
        tx.put_conflict(&items::over(ctx, item), Some(item), case.link.id.0)?;
    }
    for error in &case.errors {
        tx.remove_error(error);
    }
    Ok(())
}

/// The link becomes the tombstone of the records that are gone: nobody matches them, nothing waits of them, and what is
/// left of it stays as it is.
pub(super) async fn lay_down(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &mut Case,
    gone: PerSide<bool>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let known = case.departed();
    let tally = ctx.tally(&mapping.id);
    if case.link.state == LinkState::OutOfScope && tally.has(case.link.id) {
        // A link that rests is counted by whichever of its records was read.
        for side in Side::BOTH.into_iter().filter(|side| !*gone.get(*side)) {
            if let Some(id) = case.link.ids.get(side) {
                tally.alone(case.link.id, side, id, Unlinked::Excluded);
            }
        }
    }
    case.link.state = LinkState::Deleted(Departed {
        gone,
        archived: PerSide::from_fn(|side| known.archived.get(side).filter(|_| *gone.get(side))),
        due: false,
    });
    tx.put_link(&case.link, &links::objects(mapping))?;
    close_all(ctx, case, tx)?;
    clear(mapping, &case.link, tx);
    for side in Side::BOTH.into_iter().filter(|side| *gone.get(*side)) {
        unmatch(ctx, mapping, side, case.link.ids.get(side).as_ref(), tx).await?;
    }
    count(ctx, mapping, case, Unlinked::Excluded);
    Ok(())
}

/// Nobody matches the record any more, in no mapping that knows it.
pub(super) async fn unmatch(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: Option<&RecordId>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let Some(id) = id else { return Ok(()) };
    let engine = ctx.engine;
    for one in std::iter::once(mapping).chain(siblings(engine, mapping, side)) {
        rekey(&engine.db, one, side, id, &[], tx).await?;
    }
    Ok(())
}

/// Each record of the link that this run read is counted as one without a link.
pub(super) fn count(ctx: &mut RunCtx<'_>, mapping: &Mapping, case: &Case, fate: Unlinked) {
    for side in Side::BOTH {
        if let Some(id) = case.link.ids.get(side)
            && *case.marks.get(side) & Dirty::CHANGED != 0
        {
            ctx.tally(&mapping.id).alone(case.link.id, side, id, fate);
        }
    }
}

/// The link becomes a tombstone, and a person is asked about what is left.
pub(super) async fn ask(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &mut Case,
    kind: ItemKind,
    gone: Side,
    why: String,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let left = gone.other();
    let candidates = items::candidates(mapping, case, left);
    lay_down(ctx, mapping, case, Departed::of(gone).gone, tx).await?;
    count(ctx, mapping, case, Unlinked::Review);
    items::open(ctx, mapping, case, kind, why, candidates, tx)
}

/// Both records are there (again): the link is merged as ever, from the old base (12.5).
async fn back(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &mut Case,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    if let LinkState::Deleted(_) = case.link.state {
        case.link.state = LinkState::Active;
        case.link.life += 1;
        tx.put_link(&case.link, &links::objects(mapping))?;
        close_all(ctx, case, tx)?;
        forget_sets(mapping, case, tx)?;
        let now = ctx.engine.clock.now();
        let step = case.seen.salesforce.as_ref().and_then(|seen| {
            let inside = scope::is_inside(mapping, seen, now);
            Some((
                seen,
                scope::step(mapping.leaves_scope, &case.link.state, inside)?,
            ))
        });
        if let Some((seen, step)) = step {
            // It is there again, and outside the scope.
            scope::take(ctx.engine, mapping, &case.link, step, seen, tx).await?;
            count(ctx, mapping, case, Unlinked::Excluded);
            return Ok(());
        }
        items::line(
            ctx,
            mapping,
            case,
            "ok",
            "is there again; its link is back".into(),
        );
    }
    keep_seen(case, tx)?;
    for side in Side::BOTH {
        let Some(id) = case.link.ids.get(side).clone() else {
            continue;
        };
        let reasons = *case.marks.get(side) & !Dirty::DELETED;
        tx.mark_dirty(&mapping.id, side, &id, reasons | Dirty::RELINK)?;
        if let Some(seen) = case.seen.get(side) {
            let keys = fields::match_keys(mapping, seen);
            rekey(&ctx.engine.db, mapping, side, &id, &keys, tx).await?;
        }
        ctx.tally(&mapping.id).linked_after_all(side, &id);
    }
    Ok(())
}

/// The rows of a set went with the record and do not come back with it (docs/vendor/salesforce.md 6.6): that is no removal, so
/// the set begins anew (14.5).
fn forget_sets(mapping: &Mapping, case: &mut Case, tx: &mut Tx<'_>) -> Result<(), EngineError> {
    if mapping.sets.is_empty() {
        return Ok(());
    }
    mapping.forget_sets(&mut case.base);
    Ok(tx.put_base(&mapping.id, case.link.id, &case.base)?)
}

/// The link is set aside until a person has decided; its records are not written.
pub(super) async fn set_aside(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &mut Case,
    kind: ItemKind,
    why: String,
    candidates: Vec<crate::domain::Candidate>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    case.link.state = LinkState::Suspended(items::reason(&why));
    tx.put_link(&case.link, &links::objects(mapping))?;
    close_all(ctx, case, tx)?;
    clear(mapping, &case.link, tx);
    count(ctx, mapping, case, Unlinked::Review);
    items::open(ctx, mapping, case, kind, why, candidates, tx)
}
