//! The counts are what counting gives.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::pages::Pages;
use super::{Check, Finding};
use crate::domain::{Conflict, ErrorItem, Link, LinkState};
use crate::store::rows::is_waiting;
use crate::store::{Count, Counters, Family, Key, Store, StoreError};

/// Counts by name.
type Recount = BTreeMap<String, i64>;

/// The beginnings of the names that are counted here; the engine may keep others.
const KNOWN: [&str; 5] = [ACTIVE, "links/", "conflicts/", "review/", "errors/"];

/// The count that a store of an earlier version does not have: it is counted when the store is opened to be worked on.
const ACTIVE: &str = "active/";

/// The check.
pub(super) async fn check<S: Store + ?Sized>(store: &S) -> Result<Vec<Finding>, StoreError> {
    let mut check = Check::new(
        "counters",
        "the lists are right, only their totals are not; report it",
    );
    let mut found = Recount::new();
    count(store, Family::Link, &mut found, |_, link: Link| {
        Some(Count::Links(link.mapping))
    })
    .await?;
    count(store, Family::Link, &mut found, |_, link: Link| {
        (link.state == LinkState::Active).then_some(Count::Active(link.mapping))
    })
    .await?;
    count(store, Family::Conflict, &mut found, |_, item: Conflict| {
        is_waiting(&item).then_some(Count::Conflicts(item.mapping))
    })
    .await?;
    count(store, Family::Review, &mut found, |_, item: Conflict| {
        is_waiting(&item).then_some(Count::Review(item.mapping))
    })
    .await?;
    count(store, Family::Error, &mut found, |_, item: ErrorItem| {
        Some(Count::Errors(item.mapping))
    })
    .await?;

    match Counters::load(store).await {
        Ok(stored) => compare(&mut check, &found, stored.all()),
        Err(StoreError::BadValue { key, why }) => {
            check.fail(key, format!("a count cannot be read: {why}"))
        }
        Err(other) => return Err(other),
    }
    Ok(check.finish())
}

async fn count<S: Store + ?Sized, T: DeserializeOwned>(
    store: &S,
    family: Family,
    found: &mut Recount,
    what: impl Fn(&Key, T) -> Option<Count> + Send,
) -> Result<(), StoreError> {
    let mut pages = Pages::new(store, family);
    while let Some(rows) = pages.rows::<T>().await? {
        for (key, row) in rows {
            if let Some(count) = what(&key, row) {
                *found.entry(count.name()).or_default() += 1;
            }
        }
    }
    Ok(())
}

fn compare(check: &mut Check, found: &Recount, stored: &Recount) {
    let mut both: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    let kept = |name: &String| !name.starts_with(ACTIVE) || stored.contains_key(name);
    for (name, count) in found.iter().filter(|(name, _)| kept(name)) {
        both.entry(name).or_default().0 = *count;
    }
    for (name, count) in stored {
        if KNOWN.iter().any(|known| name.starts_with(known)) {
            both.entry(name).or_default().1 = *count;
        }
    }
    for (name, (found, stored)) in both {
        check.looked_at += 1;
        if found != stored {
            check.fail(
                name,
                format!("the count says {stored} and there are {found}"),
            );
        }
    }
}
