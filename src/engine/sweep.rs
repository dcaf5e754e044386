//! Anti-entropy (docs/design/sync-semantics.md 5.4): every record of an object is walked over in slices that ride in ordinary
//! runs, through the list path. What a look for changes cannot see comes to light: changes missed by lag, formula fields,
//! associations, records that are gone without a trace.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::context::{Engine, EngineError};
use super::cost::{association_read_calls, list_pages};
use super::fields;
use super::forget::leave_out;
use super::gone_note::{Beside, beside};
use super::links;
use super::observe::{ASSOCIATION_BATCH, Observed, Pass, STORED_TOGETHER, store_pages};
use super::report::Phase;
use super::run_ctx::{Mode, RunCtx};
use super::scope;
use super::shadows::keys_of;
use super::unmet::{Unmet, clear_stamps};
use crate::domain::{Base, FieldPair, Link, LinkId, Mapping, Observation, RecordId, SetPair, Side};
use crate::store::keys;
use crate::store::rows::{Cursor, MappingPhase};
use crate::transform;

/// Pages of a slice at the least: a small object is through within a run.
const LEAST: u64 = 10;
/// And at the most: 10,000 records of HubSpot, 200,000 of Salesforce.
const MOST: u64 = 100;
/// One object of one side with the mappings over it.
#[derive(Clone, Copy)]
struct Ground<'m> {
    side: Side,
    object: &'m str,
    over: &'m [&'m Mapping],
}

/// Walks on over an object where a sweep is due or under way.
pub(super) async fn slice(
    ctx: &mut RunCtx<'_>,
    side: Side,
    object: &str,
    over: &[&Mapping],
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let ground = Ground { side, object, over };
    let mut cursor = engine.db.cursor(side, object).await?;
    let now = engine.clock.now();
    let every = *engine.rules.settings.sweep.get(side);
    let rides = is_due(&cursor, every, now)
        && ctx.budget.is_ample(engine, side)
        && is_whole(ctx, ground).await?;
    if !rides {
        return Ok(());
    }
    if cursor.sweep.since.is_none() {
        begin(engine, side, object, &mut cursor).await?;
    }
    walk(ctx, ground, &mut cursor, every).await
}

/// Begins a walk. Its number is used up before the first stamp bears it: a walk that is cut off before its place is noted leaves
/// stamps behind, and the next one must not take those for its own. Nor does one go on any more that was cut off before.
pub(super) async fn begin(
    engine: &Engine,
    side: Side,
    object: &str,
    cursor: &mut Cursor,
) -> Result<(), EngineError> {
    cursor.sweep.begin(engine.clock.now());
    let mut noted = engine.db.cursor(side, object).await?;
    noted.sweep.number = cursor.sweep.number;
    noted.terms.clear();
    let mut tx = engine.db.begin();
    tx.put_cursor(side, object, &noted)?;
    Ok(tx.apply().await?)
}

/// Where a walk over everything is through: records that it did not meet become candidates. From a side that is
/// suddenly (half) empty nothing is concluded (18).
pub(super) async fn conclude(
    ctx: &mut RunCtx<'_>,
    side: Side,
    object: &str,
    over: &[&Mapping],
    asked: bool,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let mut cursor = engine.db.cursor(side, object).await?;
    let Some(since) = cursor.sweep.since.filter(|_| cursor.sweep.walked) else {
        return Ok(());
    };
    let (number, count) = (cursor.sweep.number, cursor.sweep.read);
    let emptied = engine.empty_source(side, object, count, over, asked).await;
    if ctx.mode != Mode::Write {
        return emptied;
    }
    if emptied.is_ok() {
        let unmet = Unmet {
            side,
            object,
            over,
            number,
            since,
        };
        unmet.links(ctx).await?;
        unmet.unlinked(ctx).await?;
        clear_stamps(ctx, side, object, number).await?;
    }
    cursor.sweep.finish();
    let mut tx = engine.db.begin();
    tx.put_cursor(side, object, &cursor)?;
    tx.commit().await?;
    emptied
}

/// True where a sweep is under way, or the last walk over everything began long enough ago.
fn is_due(cursor: &Cursor, every: Duration, now: DateTime<Utc>) -> bool {
    let every = TimeDelta::from_std(every).unwrap_or(TimeDelta::MAX);
    let last = cursor.sweep.done.max(cursor.last_full);
    cursor.sweep.since.is_some() || last.is_some_and(|last| now - last >= every)
}

/// True where every mapping over the object is in this run, paused ones apart: a slice that one of them has not seen would
/// be lost to it.
async fn is_whole(ctx: &RunCtx<'_>, ground: Ground<'_>) -> Result<bool, EngineError> {
    let engine = ctx.engine;
    for mapping in &engine.rules.mappings {
        let here = mapping.object(ground.side) == ground.object;
        let in_run = ground.over.iter().any(|one| one.id == mapping.id);
        if here && !in_run {
            let state = engine.db.map_state(&mapping.id).await?;
            if state.state != MappingPhase::Paused {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Pages of the next slice: as many as end a walk of `expected` pages within half its interval, within the bounds of a slice.
fn pace(expected: u64, done: u64, spent: TimeDelta, every: Duration) -> u64 {
    let half = u128::from(every.as_secs() / 2).max(1);
    let spent = u128::try_from(spent.num_seconds()).unwrap_or_default();
    let by_now = u128::from(expected) * spent / half;
    let by_now = u64::try_from(by_now).unwrap_or(u64::MAX);
    by_now.saturating_sub(done).clamp(LEAST, MOST)
}

/// Reads the pages of a slice; what was read is durable with the place to go on from.
async fn walk(
    ctx: &mut RunCtx<'_>,
    ground: Ground<'_>,
    cursor: &mut Cursor,
    every: Duration,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let Ground { side, object, over } = ground;
    let crm = engine.side(side).clone();
    let asked = fields::observed(&ctx.known, over.iter().copied(), side, object);
    let expected = list_pages(side, engine.live(side, object).await?);
    let since = cursor.sweep.since.unwrap_or_else(|| engine.clock.now());
    let spent = engine.clock.now() - since;
    let mut left = pace(expected, cursor.sweep.pages, spent, every);
    while left > 0 && !cursor.sweep.walked {
        let mut unit: Vec<Observation> = Vec::new();
        loop {
            engine.control.border().await?;
            let page = crm
                .list(object, &asked, cursor.sweep.resume.as_deref())
                .await?;
            left -= 1;
            let most = page.records.len();
            count_calls(ctx, ground, 1);
            cursor.sweep.pages += 1;
            cursor.sweep.walked = page.next.is_none();
            cursor.sweep.resume = page.next;
            unit.extend(leave_out(&ctx.known, page.records, over, &mut ctx.tallies));
            if left == 0 || cursor.sweep.walked || unit.len() + most > ASSOCIATION_BATCH {
                break;
            }
        }
        cursor.sweep.read += unit.len() as u64;
        feed(ctx, ground, cursor.sweep.number, unit).await?;
        let mut tx = engine.db.begin();
        tx.put_cursor(side, object, cursor)?;
        tx.commit().await?;
        let detail = format!("{object}: {} looked through", cursor.sweep.read);
        engine.report.detail(Phase::Observe(side), detail);
    }
    Ok(())
}

fn count_calls(ctx: &mut RunCtx<'_>, ground: Ground<'_>, calls: u64) {
    if let Some(first) = ground.over.first() {
        *ctx.cost(&first.id).swept.get_mut(ground.side) += calls;
    }
}

/// Stamps the known records among those read, and hands on what tells something new.
async fn feed(
    ctx: &mut RunCtx<'_>,
    ground: Ground<'_>,
    number: u64,
    mut records: Vec<Observation>,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let asked = super::observe::read_associations(engine, ground.over, &mut records).await?;
    count_calls(ctx, ground, association_read_calls(asked));
    let calls = super::set_read::read_sets(engine, ground.over, &mut records).await?;
    count_calls(ctx, ground, *calls.get(ground.side));
    let mut news = Vec::new();
    for part in records.chunks(STORED_TOGETHER) {
        news.extend(sift(ctx, ground, number, part).await?);
    }
    let mut total = Observed::default();
    let tallies = &mut ctx.tallies;
    store_pages(engine, news, Pass::Full, ground.over, tallies, &mut total).await
}

/// The records of a part that tell something new to one of the mappings.
async fn sift(
    ctx: &RunCtx<'_>,
    ground: Ground<'_>,
    number: u64,
    records: &[Observation],
) -> Result<Vec<Observation>, EngineError> {
    let db = &ctx.engine.db;
    let Ground { side, object, over } = ground;
    let ids: Vec<RecordId> = records.iter().map(|seen| seen.id.clone()).collect();
    let stored = db.observations(side, object, &ids).await?;
    let mut tells = vec![false; records.len()];
    let now = ctx.engine.clock.now();
    let mut tx = db.begin();
    for mapping in over {
        let link_ids = db.link_ids(&mapping.id, side, object, &ids).await?;
        let known: Vec<LinkId> = link_ids.iter().flatten().copied().collect();
        let links: BTreeMap<LinkId, Option<Link>> = known
            .iter()
            .copied()
            .zip(db.links(&mapping.id, &known).await?)
            .collect();
        let bases: BTreeMap<LinkId, Base> = known
            .iter()
            .copied()
            .zip(db.bases(&mapping.id, &known).await?)
            .collect();
        let asks = db.anything_waits(&mapping.id);
        let keys_known = db.match_keys(&mapping.id, side, &ids).await?;
        for (index, seen) in records.iter().enumerate() {
            let link_id = link_ids.get(index).copied().flatten();
            let keys = keys_known.get(index).map(Vec::as_slice).unwrap_or_default();
            if link_id.is_some() || !keys.is_empty() {
                tx.put_swept(side, object, &seen.id, number)?;
            }
            let waits_already = stored
                .get(index)
                .and_then(Option::as_ref)
                .is_some_and(|old| old.modstamp >= seen.modstamp);
            if waits_already {
                continue;
            }
            let inside = scope::is_inside(mapping, seen, now);
            let new = match link_id {
                Some(id) => {
                    let link = links.get(&id).and_then(Option::as_ref);
                    link.zip(bases.get(&id)).is_some_and(|(link, base)| {
                        scope::step(mapping.leaves_scope, &link.state, inside).is_some()
                            || is_news(mapping, link, base, seen)
                    })
                }
                None => {
                    *keys != keys_of(mapping, seen, inside == Some(false))
                        || asks && !db.waiting(owner(mapping, seen)).await?.is_empty()
                }
            };
            if let Some(tells) = tells.get_mut(index).filter(|_| new) {
                *tells = true;
            }
        }
    }
    tx.apply().await?;
    let news = records.iter().zip(tells).filter(|(_, tells)| *tells);
    Ok(news.map(|(seen, _)| seen.clone()).collect())
}

fn owner(mapping: &Mapping, seen: &Observation) -> u128 {
    keys::record_owner(&links::record_key(mapping, seen.side, &seen.id))
}

/// True where a linked record is not as its base has it: its stamp is newer, or as old and a value is another one all the
/// same (a formula, an association). What is older than the base tells nothing (5.5).
fn is_news(mapping: &Mapping, link: &Link, base: &Base, seen: &Observation) -> bool {
    let side = seen.side;
    let settled = base.sides.get(side).modstamp;
    match beside(link, seen) {
        // A record that was gone is there again (12.5).
        Beside::Noted => return true,
        Beside::InStep => {}
        Beside::Pending | Beside::Linked(_) | Beside::Alone => return false,
    }
    if settled.is_none_or(|settled| seen.modstamp > settled) {
        return true;
    }
    let value = |pair: &FieldPair| {
        let held = base.value(pair.name(), side);
        let now = transform::base_value(pair, side, seen.value(pair.field(side)));
        held.is_some() && now.is_some() && now.as_ref() != held
    };
    let set = |set: &SetPair| super::sets::is_news(base, set, seen);
    settled == Some(seen.modstamp)
        && (mapping.pairs.iter().any(value) || mapping.sets.iter().any(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_keeps_pace_with_half_the_interval_and_stays_within_its_bounds() {
        let day = Duration::from_secs(24 * 3600);
        let rows = [
            // expected, done, hours since it began, pages of the next slice
            (3, 0, 0, LEAST),
            (2_500, 0, 0, LEAST),
            (2_500, 0, 1, MOST),
            (2_400, 190, 1, LEAST),
            (2_400, 150, 1, 50),
            (2_400, 2_400, 12, LEAST),
            (1_000_000, 0, 24, MOST),
        ];
        for (expected, done, hours, want) in rows {
            let found = pace(expected, done, TimeDelta::hours(hours), day);
            assert_eq!(found, want, "{expected} {done} {hours}");
        }
    }

    #[test]
    fn a_sweep_is_due_an_interval_after_the_last_walk_over_everything_began() {
        let day = Duration::from_secs(24 * 3600);
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(100);
        let cursor = |full: i64, swept: Option<i64>, open: bool| {
            let mut cursor = Cursor {
                last_full: Some(now - TimeDelta::hours(full)),
                ..Cursor::default()
            };
            cursor.sweep.done = swept.map(|hours| now - TimeDelta::hours(hours));
            cursor.sweep.since = open.then_some(now);
            cursor
        };
        assert!(
            !is_due(&Cursor::default(), day, now),
            "nothing was read yet"
        );
        assert!(!is_due(&cursor(23, None, false), day, now));
        assert!(is_due(&cursor(24, None, false), day, now));
        assert!(!is_due(&cursor(24, Some(1), false), day, now));
        assert!(!is_due(&cursor(1, Some(24), false), day, now));
        assert!(is_due(&cursor(1, Some(1), true), day, now));
    }
}
