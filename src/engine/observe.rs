//! Reading what changed, page by page; each page with its dirty marks is durable before the cursor moves (C1,
//! docs/design/sync-semantics.md 5, 16.2).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::context::{Engine, EngineError, Known};
use super::db::Waiting;
use super::fields;
use super::forget::leave_out;
use super::gone_note::{Beside, beside, note, note_merged};
use super::group;
use super::report::Phase;
use super::scope;
use super::set_read::read_sets;
use super::shadows::{keys_of, set_keys};
use super::sweep;
use super::tally::{Fate, Tally, Unlinked};
use super::terms;
use super::waits::{What, close};
use crate::crm::{Page, SideHealth, Window};
use crate::domain::{
    LinkState, Mapping, MappingId, Observation, Presence, RecordId, Side, SideBase, SideCount,
    Value,
};
use crate::store::keys::record_owner;
use crate::store::rows::{Cursor, Dirty};

/// Records per call of an association read (docs/vendor/hubspot.md 6.4).
pub(super) const ASSOCIATION_BATCH: usize = 1000;

/// How an object is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Everything, through the list path.
    Full,
    /// What was modified within the window.
    Changes,
}

/// What reading one object came to, for the counts and the cost formula.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    /// Records read.
    pub(super) records: u64,
    /// Records of this pass that an earlier process read and marked.
    pub(super) earlier: u64,
    /// Records whose associations were read.
    pub(super) associations: u64,
    /// Calls that read sets, on either side.
    pub(super) sets: SideCount,
    /// Records marked dirty.
    pub(super) dirty: u64,
    /// The number that known records are stamped with, where this is a walk over all of them (5.4).
    pub(super) stamp: Option<u64>,
    /// It went on with a pass that was cut off: what that had read before, nobody has read in this run.
    pub(super) resumed: bool,
}

/// Reads one object of one side and stores what was seen. `tallies` has the mappings over it.
pub(super) async fn observe(
    engine: &Engine,
    known: &Known,
    side: Side,
    object: &str,
    pass: Pass,
    mappings: &[&Mapping],
    tallies: &mut BTreeMap<MappingId, Tally>,
) -> Result<Observed, EngineError> {
    let crm = engine.side(side).clone();
    let asked = fields::observed(known, mappings.iter().copied(), side, object);
    let mut cursor = engine.db.cursor(side, object).await?;
    let offset = crm.health().clock_offset_ms;
    let safe = crm.safe_now(object).await?;
    let window = window(
        engine,
        side,
        last_look(&cursor, mappings),
        safe.safe,
        safe.server_now,
        safe.covered,
    );
    let terms = terms::of(engine, known, mappings, &asked);
    let mut resume = match pass {
        Pass::Full => cursor.place(&terms).map(str::to_owned),
        Pass::Changes => None,
    };
    cursor.terms = terms;
    if cursor.window_hi.is_none() || resume.is_none() {
        cursor.window_hi = Some(safe.safe.min(safe.server_now));
        if pass == Pass::Full {
            sweep::begin(engine, side, object, &mut cursor).await?;
        }
    }
    let met = cursor.sweep.read;
    let mut total = Observed {
        stamp: (pass == Pass::Full).then_some(cursor.sweep.number),
        resumed: resume.is_some(),
        ..Observed::default()
    };
    if resume.is_some() {
        // An earlier process read the first part of this pass: what it marked is in this run as well.
        total.earlier = cursor.read;
        for mapping in mappings {
            tallies
                .entry(mapping.id.clone())
                .or_default()
                .read(side, cursor.read);
        }
    }
    let mut buffer: Vec<Observation> = Vec::new();
    let associated = mappings
        .iter()
        .any(|mapping| side == Side::HubSpot && is_tied(mapping));
    loop {
        engine.control.border().await?;
        let page: Page = match pass {
            Pass::Full => crm.list(object, &asked, resume.as_deref()).await?,
            Pass::Changes => {
                crm.changed(object, &asked, window, resume.as_deref())
                    .await?
            }
        };
        let reached = not_ahead(&crm.health(), offset, safe.safe);
        total.records += page.records.len() as u64;
        buffer.extend(leave_out(known, page.records, mappings, tallies));
        resume = page.next;
        let last = resume.is_none();
        if last || !associated || buffer.len() + 200 > ASSOCIATION_BATCH {
            let rest = if associated && !last && buffer.len() > ASSOCIATION_BATCH {
                buffer.split_off(ASSOCIATION_BATCH)
            } else {
                Vec::new()
            };
            let records = std::mem::replace(&mut buffer, rest);
            store_pages(engine, records, pass, mappings, tallies, &mut total).await?;
            if buffer.is_empty() || last {
                while !buffer.is_empty() {
                    let records = std::mem::take(&mut buffer);
                    store_pages(engine, records, pass, mappings, tallies, &mut total).await?;
                }
                cursor.read = total.earlier + total.dirty;
                if pass == Pass::Full {
                    cursor.sweep.read = met + total.records;
                }
                let place = resume.as_deref();
                save_cursor(
                    engine,
                    (side, object),
                    pass,
                    &mut cursor,
                    place,
                    reached,
                    mappings,
                )
                .await?;
            }
        }
        let detail = match page.total {
            Some(all) if !last => format!("{} of {all} read", total.records),
            _ => format!("{} read, {} changed", total.records, total.dirty),
        };
        engine
            .report
            .detail(Phase::Observe(side), format!("{object}: {detail}"));
        if last {
            return Ok(total);
        }
    }
}

/// True where more is read of a mapping's HubSpot records than their properties.
fn is_tied(mapping: &Mapping) -> bool {
    fields::associations(mapping).next().is_some() || !mapping.sets.is_empty()
}

/// Up to where all of these mappings have seen everything.
fn last_look(cursor: &Cursor, mappings: &[&Mapping]) -> Option<DateTime<Utc>> {
    let seen = mappings.iter().map(|mapping| cursor.seen_by(&mapping.id));
    seen.min().flatten()
}

/// The window of an incremental pass: from the last look minus the overlap up to the present (5.1).
fn window(
    engine: &Engine,
    side: Side,
    last_look: Option<DateTime<Utc>>,
    safe: DateTime<Utc>,
    server_now: DateTime<Utc>,
    covered: bool,
) -> Window {
    let settings = &engine.rules.settings;
    let overlap = match (side, covered) {
        (Side::HubSpot, _) => settings.overlap_hubspot,
        (Side::Salesforce, true) => settings.overlap_salesforce,
        (Side::Salesforce, false) => settings.overlap_uncovered,
    };
    let overlap = chrono::Duration::from_std(overlap).unwrap_or_default();
    let from = last_look.unwrap_or(safe) - overlap;
    // The end is open: a row stamped in this very second must not wait for the next run. Nor must what happened since our clock
    // was set back, for which the offset, a median, is still the old one.
    let newest = engine.server_time(side, engine.clock.now());
    Window {
        lo: from,
        hi: server_now.max(newest) + chrono::Duration::seconds(1),
    }
}

/// The safe moment once the window's own answers have told the time: where our clock was set forward since the offset was measured,
/// it lay in the side's future, and nothing that happens until then would ever be read.
fn not_ahead(health: &SideHealth, offset: i64, safe: DateTime<Utc>) -> DateTime<Utc> {
    let ahead = chrono::Duration::milliseconds(offset - health.newest_offset_ms);
    if ahead > DATE_GRAIN {
        safe - ahead
    } else {
        safe
    }
}

/// The cursor after a page: the place to go on, or, after the last one, the new watermark (never backwards, never past what is safe).
async fn save_cursor(
    engine: &Engine,
    (side, object): (Side, &str),
    pass: Pass,
    cursor: &mut Cursor,
    resume: Option<&str>,
    safe: DateTime<Utc>,
    over: &[&Mapping],
) -> Result<(), EngineError> {
    let mut tx = engine.db.begin();
    match resume {
        Some(place) if pass == Pass::Full => cursor.resume = Some(place.to_owned()),
        Some(_) => return Ok(()),
        None => {
            let reached = match pass {
                // A full pass that a crash interrupted began long before `safe`: only its own start is covered.
                Pass::Full => cursor.window_hi.unwrap_or(safe).min(safe),
                Pass::Changes => safe,
            };
            // Whoever has no part in this look (paused, halted, not asked for, not in the config) sees it later (15.4).
            cursor.reach(reached, over.iter().map(|mapping| &mapping.id));
            cursor.resume = None;
            cursor.terms.clear();
            cursor.read = 0;
            cursor.window_hi = None;
            cursor.pass += 1;
            if pass == Pass::Full {
                cursor.last_full = Some(engine.clock.now());
                cursor.sweep.walked = true;
            }
        }
    }
    tx.put_cursor(side, object, cursor)?;
    Ok(tx.commit().await?)
}

/// What two looks at a `Date` header may differ by: it tells whole seconds, and a request takes its time.
const DATE_GRAIN: chrono::Duration = chrono::Duration::seconds(3);

/// Records of a page that are stored in one batch.
pub(super) const STORED_TOGETHER: usize = 250;

/// Reads the associations of what was read, and stores it. Durable with the cursor.
pub(super) async fn store_pages(
    engine: &Engine,
    mut records: Vec<Observation>,
    pass: Pass,
    mappings: &[&Mapping],
    tallies: &mut BTreeMap<MappingId, Tally>,
    total: &mut Observed,
) -> Result<(), EngineError> {
    total.associations += read_associations(engine, mappings, &mut records).await?;
    let calls = read_sets(engine, mappings, &mut records).await?;
    for side in Side::BOTH {
        *total.sets.get_mut(side) += calls.get(side);
    }
    for page in records.chunks(STORED_TOGETHER) {
        store_page(engine, page, pass, mappings, tallies, total).await?;
    }
    Ok(())
}

/// Stores one page: observations, dirty marks, match keys; notices deletions and merges.
async fn store_page(
    engine: &Engine,
    records: &[Observation],
    pass: Pass,
    mappings: &[&Mapping],
    tallies: &mut BTreeMap<MappingId, Tally>,
    total: &mut Observed,
) -> Result<(), EngineError> {
    let Some(first) = records.first() else {
        return Ok(());
    };
    let (side, object) = (first.side, first.object.clone());
    let ids: Vec<_> = records.iter().map(|seen| seen.id.clone()).collect();
    let stored = engine.db.observations(side, &object, &ids).await?;
    let mut tx = engine.db.begin();
    let mut keep: BTreeSet<usize> = BTreeSet::new();
    let now = engine.clock.now();
    for mapping in mappings {
        let mut tally = tallies.remove(&mapping.id).unwrap_or_default();
        tally.read(side, records.len() as u64);
        let link_ids = engine.db.link_ids(&mapping.id, side, &object, &ids).await?;
        let known: Vec<_> = link_ids.iter().flatten().copied().collect();
        let links: BTreeMap<_, _> = known
            .iter()
            .copied()
            .zip(engine.db.links(&mapping.id, &known).await?)
            .filter_map(|(id, link)| Some((id, link?)))
            .collect();
        let bases: BTreeMap<_, _> = known
            .iter()
            .copied()
            .zip(engine.db.bases(&mapping.id, &known).await?)
            .collect();
        let dirty = engine.db.dirty(&mapping.id, side, &ids).await?;
        let old_keys = engine.db.match_keys(&mapping.id, side, &ids).await?;
        let rivals = group::rivals(engine, mapping, side, &ids).await?;
        for (index, seen) in records.iter().enumerate() {
            let link = link_ids
                .get(index)
                .copied()
                .flatten()
                .and_then(|id| links.get(&id));
            let reasons = dirty
                .get(index)
                .copied()
                .flatten()
                .map_or(0, |row: Dirty| row.reasons);
            let inside = scope::is_inside(mapping, seen, now);
            // What is to be matched is stored as it was seen; of what lies outside nothing else would say that it was met.
            let known = old_keys.get(index).is_some_and(|keys| !keys.is_empty());
            let stamped = link.is_some() || (inside == Some(false) && known);
            if let Some(number) = total.stamp.filter(|_| stamped) {
                tx.put_swept(side, &object, &seen.id, number)?;
            }
            let gave_up =
                |link: &&crate::domain::Link| matches!(link.state, LinkState::Superseded(_));
            if rivals.get(index).is_some_and(Option::is_some) && link.as_ref().is_none_or(gave_up) {
                let old = old_keys.get(index).map(Vec::as_slice).unwrap_or_default();
                group::leave_out(engine, mapping, seen, old, &mut tally, &mut tx).await?;
                continue;
            }
            if let Some((link, step)) = link.and_then(|link| {
                Some((
                    link,
                    scope::step(mapping.leaves_scope, &link.state, inside)?,
                ))
            }) {
                scope::take(engine, mapping, link, step, seen, &mut tx).await?;
                match step {
                    scope::Step::Leaves(scope::Away::Unlinked) => {
                        tally.alone(link.id, side, &seen.id, Unlinked::Excluded);
                    }
                    _ => tally.link(link.id, Fate::Unchanged),
                }
                continue;
            }
            if link.is_none() && inside == Some(false) {
                tally.unlinked(side, &seen.id, Unlinked::Excluded);
                let old = old_keys.get(index).map(Vec::as_slice).unwrap_or_default();
                scope::leave_out(engine, mapping, seen, old, &mut tx).await?;
                continue;
            }
            let Some(link) = link else {
                if seen.presence == Presence::Live {
                    if note_merged(engine, mapping, seen, &mut tx).await? {
                        tx.put_observation(seen)?;
                        total.dirty += 1;
                        continue;
                    }
                    let new_keys = fields::match_keys(mapping, seen);
                    let old = old_keys.get(index).map(Vec::as_slice).unwrap_or_default();
                    set_keys(&engine.db, mapping, side, &seen.id, old, &new_keys, &mut tx).await?;
                    tx.mark_dirty(&mapping.id, side, &seen.id, reasons | Dirty::CREATED)?;
                    keep.insert(index);
                } else {
                    tally.unlinked(side, &seen.id, Unlinked::Excluded);
                    let old = old_keys.get(index).map(Vec::as_slice).unwrap_or_default();
                    if !old.is_empty() && seen.presence != Presence::Inaccessible {
                        forget_unlinked(engine, mapping, side, &seen.id, old, &mut tx).await?;
                    }
                }
                continue;
            };
            if link.state == LinkState::Unlinked && inside == Some(false) {
                let old = old_keys.get(index).map(Vec::as_slice).unwrap_or_default();
                let keys = keys_of(mapping, seen, true);
                set_keys(&engine.db, mapping, side, &seen.id, old, &keys, &mut tx).await?;
            }
            match beside(link, seen) {
                Beside::InStep => {}
                Beside::Noted => {
                    let live = seen.presence == Presence::Live;
                    if side == Side::HubSpot && pass == Pass::Changes && live {
                        // The index may show for a while what is archived already: whether it is there again a read tells.
                        tx.drop_observation(side, &seen.object, &seen.id);
                    } else {
                        note(mapping, seen, reasons, &mut tx)?;
                    }
                    total.dirty += 1;
                    if seen.presence == Presence::Live {
                        // Its mark says that it was read; what it counts as is decided with the link.
                        tx.mark_dirty(
                            &mapping.id,
                            side,
                            &seen.id,
                            reasons | Dirty::DELETED | Dirty::CHANGED,
                        )?;
                    } else {
                        tally.unlinked(side, &seen.id, Unlinked::Excluded);
                    }
                    continue;
                }
                Beside::Pending => {
                    tally.unlinked(side, &seen.id, Unlinked::Error);
                    continue;
                }
                Beside::Linked(fate) => {
                    tally.link(link.id, fate);
                    continue;
                }
                Beside::Alone => {
                    let asked = match engine.db.anything_waits(&mapping.id) {
                        true => engine.db.waiting(link.id.0).await?,
                        false => Vec::new(),
                    };
                    if seen.presence == Presence::Live && asked.iter().any(is_refused_create) {
                        // An edit of what is left may let its counterpart be made anew.
                        note(mapping, seen, reasons | Dirty::CHANGED, &mut tx)?;
                    }
                    let fate = match asked.first() {
                        None => Unlinked::Excluded,
                        Some(Waiting::Conflict(_)) => Unlinked::Review,
                        Some(Waiting::Error(_)) => Unlinked::Error,
                    };
                    tally.unlinked(side, &seen.id, fate);
                    continue;
                }
            }
            let settled = bases
                .get(&link.id)
                .map(|base| base.sides.get(side).clone())
                .unwrap_or_default();
            let stale = pass == Pass::Changes && is_stale(side, seen, &settled);
            if stale && reasons != 0 {
                // It is looked at all the same, by a read.
                continue;
            }
            let echo = pass == Pass::Changes && is_echo(side, seen, &settled);
            if stale || echo && reasons == 0 {
                tally.link(link.id, Fate::Unchanged);
                continue;
            }
            let new_keys = fields::match_keys(mapping, seen);
            let old = old_keys.get(index).map(Vec::as_slice).unwrap_or_default();
            set_keys(&engine.db, mapping, side, &seen.id, old, &new_keys, &mut tx).await?;
            tx.mark_dirty(&mapping.id, side, &seen.id, reasons | Dirty::CHANGED)?;
            keep.insert(index);
        }
        tallies.insert(mapping.id.clone(), tally);
    }
    for index in keep {
        let Some(seen) = records.get(index) else {
            continue;
        };
        let newer = stored
            .get(index)
            .and_then(Option::as_ref)
            .is_some_and(|old| old.modstamp > seen.modstamp);
        if !newer {
            tx.put_observation(seen)?;
        }
        total.dirty += 1;
    }
    Ok(tx.apply().await?)
}

/// True for the error of a link whose deleted record was to be made anew.
fn is_refused_create(item: &Waiting) -> bool {
    matches!(item, Waiting::Error(error) if error.link.is_some() && error.side != error.record.side)
}

/// A record without a link is gone: nobody matches it any more, and nothing about it waits for a person.
pub(super) async fn forget_unlinked(
    engine: &Engine,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    keys: &[(u8, u128)],
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    set_keys(&engine.db, mapping, side, id, keys, &[], tx).await?;
    tx.clear_dirty(&mapping.id, side, id);
    tx.drop_observation(side, mapping.object(side), id);
    let owner = record_owner(&super::links::record_key(mapping, side, id));
    close(engine, &mapping.id, owner, What::All, None, tx).await
}

/// True where HubSpot's search index shows the record as it was before a look that was settled, or before a write of ours: a list, a
/// read by id or the write's answer was ahead of the index, and what it shows is no edit (I-6). A Salesforce query shows what is there.
fn is_stale(side: Side, seen: &Observation, settled: &SideBase) -> bool {
    let ahead = settled.modstamp.max(settled.written);
    side == Side::HubSpot && ahead.is_some_and(|at| seen.modstamp < at)
}

/// True where the record is as it was when its base was settled. Salesforce stamps whole seconds: an edit in the second in
/// which we looked last has the same stamp, so a stamp says so only once its second was over (I-6).
fn is_echo(side: Side, seen: &Observation, settled: &SideBase) -> bool {
    let Some(stamp) = settled.modstamp else {
        return false;
    };
    let over = match side {
        Side::HubSpot => true,
        Side::Salesforce => settled
            .observed_at
            .is_some_and(|at| at - stamp > chrono::Duration::seconds(2)),
    };
    over && seen.modstamp <= stamp
}

/// Fills the pseudo fields of associations into HubSpot observations; says how many records were asked for.
pub(super) async fn read_associations(
    engine: &Engine,
    mappings: &[&Mapping],
    records: &mut [Observation],
) -> Result<u64, EngineError> {
    let mut asked = 0;
    for mapping in mappings {
        for pair in fields::associations(mapping) {
            let crate::domain::PairKind::Reference { mapping: parent } = &pair.kind else {
                continue;
            };
            let Some(parent) = engine.mapping(parent) else {
                continue;
            };
            let missing: Vec<_> = records
                .iter()
                .filter(|seen| seen.side == Side::HubSpot && seen.presence == Presence::Live)
                .filter(|seen| !seen.value(&pair.fields.hubspot).is_known())
                .map(|seen| seen.id.clone())
                .collect();
            if missing.is_empty() {
                continue;
            }
            asked += missing.len() as u64;
            let object = mapping.object(Side::HubSpot);
            let found = engine
                .crm
                .hubspot
                .primary_associations(object, &missing, parent.object(Side::HubSpot))
                .await?;
            for seen in records.iter_mut() {
                if let Some(other) = found.get(&seen.id) {
                    let value = other
                        .as_ref()
                        .map_or(Value::Null, |id| Value::Text(id.0.clone()));
                    seen.fields.insert(pair.fields.hubspot.clone(), value);
                }
            }
        }
    }
    Ok(asked)
}
