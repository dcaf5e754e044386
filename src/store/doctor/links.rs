//! Links, the index by record and the bases agree (I-7, I-25).

use std::collections::{BTreeMap, BTreeSet};

use super::pages::{Found, Pages, look_up};
use super::{Check, FULL_RUN, Finding};
use crate::domain::{Base, Link, LinkId, LinkState, MappingId, RecordId, Side};
use crate::store::rows::Hold;
use crate::store::{Family, Key, KeyReader, Store, StoreError, keys};

/// The objects that the index names, by mapping and side. A link does not say its objects; its mapping has one per side.
type Objects = BTreeMap<(MappingId, Side), BTreeSet<String>>;

/// The checks.
pub(super) async fn check<S: Store + ?Sized>(store: &S) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let mut index = Check::new("link_index", FULL_RUN);
    let objects = index_to_links(store, &mut index).await?;
    findings.extend(index.finish());

    let mut links = Check::new("links", FULL_RUN);
    links_to_index(store, &objects, &mut links).await?;
    findings.extend(links.finish());

    let mut bases = Check::new("bases", FULL_RUN);
    have_links::<S, Base>(store, Family::Base, &mut bases).await?;
    findings.extend(bases.finish());

    let mut holds = Check::new("holds", FULL_RUN);
    have_links::<S, Hold>(store, Family::Hold, &mut holds).await?;
    findings.extend(holds.finish());
    Ok(findings)
}

struct Indexed {
    side: Side,
    object: String,
    id: RecordId,
    mapping: MappingId,
    link: LinkId,
}

fn indexed(key: &Key, link: LinkId) -> Option<Indexed> {
    let mut reader = KeyReader::new(key).ok()?;
    Some(Indexed {
        side: keys::read_side(key, &mut reader).ok()?,
        object: reader.text().ok()?,
        id: RecordId(reader.text().ok()?),
        mapping: MappingId(reader.text().ok()?),
        link,
    })
}

async fn index_to_links<S: Store + ?Sized>(
    store: &S,
    check: &mut Check,
) -> Result<Objects, StoreError> {
    let mut objects = Objects::new();
    let mut pages = Pages::new(store, Family::LinkIndex);
    while let Some(rows) = pages.rows::<LinkId>().await? {
        let rows: Vec<Indexed> = rows
            .iter()
            .filter_map(|(key, link)| indexed(key, *link))
            .collect();
        let wanted = rows
            .iter()
            .map(|row| keys::link(&row.mapping, row.link))
            .collect();
        let found = look_up::<S, Link>(store, wanted).await?;
        check.looked_at += rows.len() as u64;
        for (row, found) in rows.into_iter().zip(found) {
            let record = format!("{} {} {}", row.side, row.object, row.id);
            match found {
                Found::Missing => check.fail(
                    row.link.to_string(),
                    format!("{record} is said to be linked in \"{}\", and the link is not there", row.mapping),
                ),
                Found::Row(link) if link.ids.get(row.side).as_ref() != Some(&row.id) => check.fail(
                    row.link.to_string(),
                    format!("{record} is said to be linked in \"{}\", and the link holds another record", row.mapping),
                ),
                Found::Row(_) | Found::Unreadable => {}
            }
            objects
                .entry((row.mapping, row.side))
                .or_default()
                .insert(row.object);
        }
    }
    Ok(objects)
}

async fn links_to_index<S: Store + ?Sized>(
    store: &S,
    objects: &Objects,
    check: &mut Check,
) -> Result<(), StoreError> {
    let rivals = rivals(objects);
    let mut pages = Pages::new(store, Family::Link);
    while let Some(rows) = pages.rows::<Link>().await? {
        for (key, link) in rows {
            check.looked_at += 1;
            if key != keys::link(&link.mapping, link.id) {
                check.fail(
                    link.id.to_string(),
                    "the link is stored under another key than its own",
                );
            }
            if matches!(link.state, LinkState::Suspended(_)) {
                continue;
            }
            if link.state == LinkState::Active
                && Side::BOTH.iter().any(|side| link.ids.get(*side).is_none())
            {
                check.fail(link.id.to_string(), "the link is active and lacks a record");
            }
            if let LinkState::Deleted(departed) = &link.state
                && Side::BOTH.iter().all(|side| !*departed.gone.get(*side))
            {
                check.fail(
                    link.id.to_string(),
                    "the link is a tombstone, and neither of its records is gone",
                );
            }
            if is_live(&link) {
                held_once(store, &rivals, &link, check).await?;
            }
            for side in Side::BOTH {
                let Some(id) = link.ids.get(side) else {
                    continue;
                };
                let known = objects.get(&(link.mapping.clone(), side));
                let wanted: Vec<Key> = known
                    .into_iter()
                    .flatten()
                    .map(|object| keys::link_index(side, object, id, &link.mapping))
                    .collect();
                let found = look_up::<S, LinkId>(store, wanted).await?;
                let indexed = found.iter().any(|found| match found {
                    Found::Row(other) => *other == link.id,
                    Found::Unreadable => true,
                    Found::Missing => false,
                });
                if !indexed {
                    check.fail(
                        link.id.to_string(),
                        format!("the index by record does not know that {side} {id} is linked in \"{}\"", link.mapping),
                    );
                }
            }
        }
    }
    Ok(())
}

/// For a mapping and side: the object, and the mappings that share it while their other object differs. They are one exclusive
/// group with it, and a record is linked in one of them at most (I-7).
type Rivals = BTreeMap<(MappingId, Side), Vec<(String, MappingId)>>;

fn rivals(objects: &Objects) -> Rivals {
    let mut rivals = Rivals::new();
    let of = |mapping: &MappingId, side| objects.get(&(mapping.clone(), side));
    for ((mapping, side), own) in objects {
        for ((other, _), theirs) in objects.iter().filter(|((_, one), _)| one == side) {
            let apart = of(mapping, side.other()).zip(of(other, side.other()));
            let exclusive = apart.is_some_and(|(one, other)| one.is_disjoint(other));
            if other == mapping || !exclusive {
                continue;
            }
            for object in own.intersection(theirs) {
                let list: &mut Vec<_> = rivals.entry((mapping.clone(), *side)).or_default();
                list.push((object.clone(), other.clone()));
            }
        }
    }
    rivals
}

fn is_live(link: &Link) -> bool {
    matches!(link.state, LinkState::Active | LinkState::PendingCreate)
}

async fn held_once<S: Store + ?Sized>(
    store: &S,
    rivals: &Rivals,
    link: &Link,
    check: &mut Check,
) -> Result<(), StoreError> {
    for side in Side::BOTH {
        let (Some(id), Some(others)) = (
            link.ids.get(side),
            rivals.get(&(link.mapping.clone(), side)),
        ) else {
            continue;
        };
        let wanted = others
            .iter()
            .map(|(object, other)| keys::link_index(side, object, id, other));
        let found = look_up::<S, LinkId>(store, wanted.collect()).await?;
        for ((_, other), found) in others.iter().zip(found) {
            let Found::Row(theirs) = found else { continue };
            let row = look_up::<S, Link>(store, vec![keys::link(other, theirs)]).await?;
            let holds = |found: &Found<Link>| matches!(found, Found::Row(link) if is_live(link));
            if row.iter().any(holds) {
                check.fail(
                    link.id.to_string(),
                    format!(
                        "{side} {id} is linked in \"{}\" and in \"{other}\", which share it",
                        link.mapping
                    ),
                );
            }
        }
    }
    Ok(())
}

/// Every row of a family whose keys begin with mapping and link belongs to a link that is there.
async fn have_links<S: Store + ?Sized, T: serde::de::DeserializeOwned>(
    store: &S,
    family: Family,
    check: &mut Check,
) -> Result<(), StoreError> {
    let mut pages = Pages::new(store, family);
    while let Some(rows) = pages.rows::<T>().await? {
        let owners: Vec<(MappingId, LinkId)> = rows
            .iter()
            .filter_map(|(key, _)| {
                let mut reader = KeyReader::new(key).ok()?;
                Some((MappingId(reader.text().ok()?), LinkId(reader.u128().ok()?)))
            })
            .collect();
        let wanted = owners
            .iter()
            .map(|(mapping, link)| keys::link(mapping, *link))
            .collect();
        let found = look_up::<S, Link>(store, wanted).await?;
        check.looked_at += owners.len() as u64;
        for ((mapping, link), found) in owners.into_iter().zip(found) {
            if matches!(found, Found::Missing) {
                check.fail(
                    link.to_string(),
                    format!(
                        "a row of \"{}\" belongs to a link of \"{mapping}\" that is not there",
                        family.name()
                    ),
                );
            }
        }
    }
    Ok(())
}
