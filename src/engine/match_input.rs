//! What the matching of a run works on: the records without a link, what a person chose for them, and everybody else who shares
//! a key with one of them (docs/design/sync-semantics.md 9).

use std::collections::{BTreeMap, BTreeSet};

use super::context::EngineError;
use super::convert;
use super::db::Waiting;
use super::group;
use super::links;
use super::matching::{Linked, MatchInput, Unlinked};
use super::run::RunCtx;
use super::scope;
use super::shadows::{OUTSIDE, Shadow, Shadows, unseen};
use super::tombs;
use crate::domain::{Choice, ItemState, LinkId, Mapping, PerSide, RecordId, Side};
use crate::store::rows::Dirty;
use crate::store::{Count, keys};

/// Records of one key that are looked at; a larger group is ambiguous whatever else is in it.
pub(super) const GROUP: usize = 50;

/// What waits without a link on both sides.
pub(super) async fn all_unlinked(
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
pub(super) async fn choices(
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
pub(super) async fn gather(
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
