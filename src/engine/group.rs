//! Exclusive groups: mappings that share an object, of which one record is linked in one of them only
//! (docs/design/sync-semantics.md 2 I-7, 9.3, 13). What is another one's is neither matched nor made a counterpart of.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Engine, EngineError};
use super::create::creates;
use super::db::{Tx, Waiting};
use super::fields;
use super::gone::{Wave, close_all, gone};
use super::gone_case::{Case, cases};
use super::links;
use super::matchup::{Creates, match_up, pass_over};
use super::run_ctx::RunCtx;
use super::shadows::set_keys;
use super::tally::{Tally, Unlinked};
use super::waits::{What, close};
use super::{convert, merged};
use crate::domain::{
    Link, LinkId, LinkState, Mapping, MappingId, Observation, Presence, RecordId, Side, Successor,
};
use crate::store::{Count, keys};

/// The mappings that share the object of `side` with this one, and that object only.
pub(super) fn siblings<'e>(
    engine: &'e Engine,
    mapping: &'e Mapping,
    side: Side,
) -> impl Iterator<Item = &'e Mapping> {
    let all = engine.rules.mappings.iter();
    all.filter(move |other| other.id != mapping.id && other.shares(mapping) == Some(side))
}

/// True where a sibling has links: its records may be candidates here.
pub(super) fn siblings_have_links(engine: &Engine, mapping: &Mapping) -> bool {
    let links = |other: &Mapping| engine.db.count(&Count::Links(other.id.clone())) > 0;
    Side::BOTH
        .into_iter()
        .any(|side| siblings(engine, mapping, side).any(links))
}

/// The mappings of a run in the order of work, those of an exclusive group together, where the last of them stands: so what they
/// refer to comes before them. Within a group Leads come first: what they were converted into is theirs to say.
pub(super) fn in_order<'m>(mappings: &[&'m Mapping]) -> Vec<Vec<&'m Mapping>> {
    let mut groups: Vec<Vec<&Mapping>> = Vec::new();
    for mapping in mappings {
        let belongs = |group: &Vec<&Mapping>| group.iter().any(|one| one.shares(mapping).is_some());
        let mut group: Vec<&Mapping> = groups
            .extract_if(.., |group| belongs(group))
            .flatten()
            .collect();
        group.push(mapping);
        group.sort_by_key(|one| !one.is_of_leads());
        groups.push(group);
    }
    groups
}

/// A mapping that is matched, with what it is to create and to make anew.
pub(super) type Ready<'m> = (&'m Mapping, Creates, Vec<Case>);

/// What all the mappings of a group need before any of them creates: conversions and what is gone, then their matches, Contacts
/// before Leads (9.3). Gives what each of them is to create and to make anew.
pub(super) async fn prepare<'m>(
    ctx: &mut RunCtx<'_>,
    group: &[&'m Mapping],
) -> Result<Vec<Ready<'m>>, EngineError> {
    let mut anew = BTreeMap::new();
    for mapping in group {
        convert::conversions(ctx, mapping).await?;
        anew.insert(&mapping.id, gone(ctx, mapping, Wave::First).await?);
        convert::chosen_first(ctx, mapping).await?;
    }
    let mut wanted: BTreeMap<&MappingId, Creates> = BTreeMap::new();
    let (leads, others): (Vec<&Mapping>, Vec<&Mapping>) =
        group.iter().partition(|one| one.is_of_leads());
    for mapping in others.into_iter().chain(leads) {
        wanted.insert(&mapping.id, match_up(ctx, mapping).await?);
    }
    let mut all = Vec::with_capacity(group.len());
    for mapping in group {
        let mut creates = wanted.remove(&mapping.id).unwrap_or_default();
        for side in Side::BOTH {
            // One that matched later in the group has a counterpart after all.
            let ids = std::mem::take(creates.get_mut(side));
            let free = leave_to_siblings(ctx, mapping, side, ids).await?;
            *creates.get_mut(side) = leave_to_people(ctx, mapping, side, free).await?;
        }
        all.push((
            *mapping,
            creates,
            anew.remove(&mapping.id).unwrap_or_default(),
        ));
    }
    Ok(all)
}

/// Creates what is wanted, after a last look that no Lead was converted into a record of it.
pub(super) async fn make(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    wanted: Creates,
) -> Result<(), EngineError> {
    let mut wanted = convert::without_converted(ctx, mapping, wanted).await?;
    for side in Side::BOTH {
        // What was read for the links of a sibling may have told of a conversion: its Contact is linked by now.
        let ids = wanted.get_mut(side);
        let db = &ctx.engine.db;
        let object = mapping.object(side);
        let held = db.link_ids(&mapping.id, side, object, ids).await?;
        let known: Vec<LinkId> = held.iter().flatten().copied().collect();
        let links = db.links(&mapping.id, &known).await?.into_iter().flatten();
        let active = links.filter(|link| link.state == LinkState::Active);
        let taken: BTreeSet<LinkId> = active.map(|link| link.id).collect();
        let mut held = held.into_iter();
        ids.retain(|_| {
            held.next()
                .flatten()
                .is_none_or(|link| !taken.contains(&link))
        });
    }
    creates(ctx, mapping, wanted).await
}

/// A record that a sibling has to do with.
#[derive(Clone, Debug)]
pub(super) struct Rival {
    /// The sibling's link of it.
    pub(super) link: Link,
}

impl Rival {
    /// The sibling's link holds it. Otherwise it is what is left of a tombstone: no source of anything, but one to be matched
    /// like any (12.2, 12.3).
    pub(super) fn holds(&self) -> bool {
        self.link.state.holds()
    }
}

/// Which of these records siblings have a link of, in the order asked.
pub(super) async fn rivals(
    engine: &Engine,
    mapping: &Mapping,
    side: Side,
    ids: &[RecordId],
) -> Result<Vec<Option<Rival>>, EngineError> {
    let mut found: Vec<Option<Rival>> = vec![None; ids.len()];
    for sibling in siblings(engine, mapping, side) {
        let db = &engine.db;
        let held = db
            .link_ids(&sibling.id, side, sibling.object(side), ids)
            .await?;
        let known: Vec<LinkId> = held.iter().flatten().copied().collect();
        let links: BTreeMap<LinkId, Link> = db
            .links(&sibling.id, &known)
            .await?
            .into_iter()
            .flatten()
            .filter(|link| !matches!(link.state, LinkState::Superseded(_)))
            .map(|link| (link.id, link))
            .collect();
        for (slot, held) in found.iter_mut().zip(held) {
            let Some(link) = held.and_then(|id| links.get(&id)) else {
                continue;
            };
            if slot.as_ref().is_none_or(|known| !known.holds()) {
                *slot = Some(Rival { link: link.clone() });
            }
        }
    }
    Ok(found)
}

/// The link that holds each record, the mapping's own or a sibling's.
pub(super) async fn holders(
    engine: &Engine,
    mapping: &Mapping,
    side: Side,
    ids: &[RecordId],
) -> Result<Vec<Option<LinkId>>, EngineError> {
    let own = engine
        .db
        .link_ids(&mapping.id, side, mapping.object(side), ids)
        .await?;
    let rivals = rivals(engine, mapping, side, ids).await?;
    let theirs = |rival: Option<Rival>| rival.filter(Rival::holds).map(|rival| rival.link.id);
    Ok(own
        .into_iter()
        .zip(rivals)
        .map(|(own, rival)| theirs(rival).or(own))
        .collect())
}

/// A record that was read is another mapping's: it is known under its keys, and nothing is made of it here.
pub(super) async fn leave_out(
    engine: &Engine,
    mapping: &Mapping,
    seen: &Observation,
    known: &[(u8, u128)],
    tally: &mut Tally,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let keys = match seen.presence {
        Presence::Live => fields::match_keys(mapping, seen),
        _ => Vec::new(),
    };
    tally.unlinked(seen.side, &seen.id, Unlinked::Excluded);
    set_keys(&engine.db, mapping, seen.side, &seen.id, known, &keys, tx).await?;
    tx.clear_dirty(&mapping.id, seen.side, &seen.id);
    let owner = keys::record_owner(&links::record_key(mapping, seen.side, &seen.id));
    close(engine, &mapping.id, owner, What::All, None, tx).await
}

/// Takes the records out that siblings have to do with, and counts them as excluded.
pub(super) async fn leave_to_siblings<C>(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ids: C,
) -> Result<C, EngineError>
where
    C: IntoIterator<Item = RecordId> + FromIterator<RecordId>,
{
    let ids: Vec<RecordId> = ids.into_iter().collect();
    let rivals = rivals(ctx.engine, mapping, side, &ids).await?;
    if rivals.iter().all(Option::is_none) {
        return Ok(ids.into_iter().collect());
    }
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    let mut free = Vec::new();
    for (id, rival) in ids.into_iter().zip(rivals) {
        match rival {
            None => free.push(id),
            Some(_) => pass_over(ctx, mapping, side, &id, Unlinked::Excluded, &mut tx).await?,
        }
    }
    tx.apply().await?;
    Ok(free.into_iter().collect())
}

/// Takes the records out about which a person is asked in a sibling: their counterpart may be one of its.
async fn leave_to_people(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ids: Vec<RecordId>,
) -> Result<Vec<RecordId>, EngineError> {
    if siblings(ctx.engine, mapping, side).next().is_none() {
        return Ok(ids);
    }
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    let mut free = Vec::new();
    for id in ids {
        let owner = keys::record_owner(&links::record_key(mapping, side, &id));
        let theirs =
            |item: &Waiting| matches!(item, Waiting::Conflict(item) if item.mapping != mapping.id);
        if db.waiting(owner).await?.iter().any(theirs) {
            pass_over(ctx, mapping, side, &id, Unlinked::Excluded, &mut tx).await?;
        } else {
            free.push(id);
        }
    }
    tx.apply().await?;
    Ok(free)
}

/// True where a sibling still has to look at the record: what was seen of it stays.
pub(super) async fn is_awaited(
    engine: &Engine,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
) -> Result<bool, EngineError> {
    let ids = std::slice::from_ref(id);
    for sibling in siblings(engine, mapping, side) {
        let marks = engine.db.dirty(&sibling.id, side, ids).await?;
        if marks.iter().any(Option::is_some) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tombstones of siblings that a new link takes the record of: it is theirs no longer, whatever comes back. Gives the ids that
/// the key field of the record may still hold.
pub(super) async fn take_over(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    link: &Link,
    side: Side,
    tx: &mut Tx<'_>,
) -> Result<Vec<RecordId>, EngineError> {
    let Some(id) = link.ids.get(side) else {
        return Ok(Vec::new());
    };
    let mut former = Vec::new();
    for rival in rivals(ctx.engine, mapping, side, std::slice::from_ref(id)).await? {
        let Some(rival) = rival.filter(|rival| !rival.holds()) else {
            continue;
        };
        let Some(sibling) = ctx.engine.mapping(&rival.link.mapping) else {
            continue;
        };
        for mut case in cases(ctx, sibling, vec![rival.link]).await? {
            former.extend(case.link.ids.get(side.other()).clone());
            superseded(ctx, sibling, &mut case, successor(mapping, link), tx)?;
        }
    }
    Ok(former)
}

/// What a link names as the one that took over from it.
pub(super) fn successor(mapping: &Mapping, link: &Link) -> Successor {
    Successor {
        mapping: mapping.id.clone(),
        link: link.id,
        record: link.ids.salesforce.clone().unwrap_or_default(),
    }
}

/// The link stands for nothing from now on but for where its record went.
pub(super) fn superseded(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    case: &mut Case,
    by: Successor,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    case.link.state = LinkState::Superseded(by);
    tx.put_link(&case.link, &links::objects(mapping))?;
    tx.remove_base(&mapping.id, case.link.id);
    for side in Side::BOTH {
        if let Some(id) = case.link.ids.get(side) {
            tx.clear_dirty(&mapping.id, side, id);
        }
    }
    close_all(ctx, case, tx)
}

/// Of the links whose records were merged into one, those that must not follow it: a Contact has it already, or another of
/// those that went into it. They wait for a person, unless their own Lead is no more: then they are over. Gives back the rest.
pub(super) async fn yield_to_contacts(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    survivor: &Observation,
    former: &[RecordId],
    merged: Vec<Case>,
) -> Result<Vec<Case>, EngineError> {
    if !mapping.is_of_leads() {
        return Ok(merged);
    }
    let mut ids = vec![survivor.id.clone()];
    ids.extend(former.iter().cloned());
    let rivals = rivals(ctx.engine, mapping, survivor.side, &ids).await?;
    let Some(Rival { mut link }) = rivals.into_iter().flatten().find(Rival::holds) else {
        return Ok(merged);
    };
    let Some(sibling) = ctx.engine.mapping(&link.mapping).cloned() else {
        return Ok(merged);
    };
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    // The survivor's key field may still name one of them.
    let leads = merged
        .iter()
        .filter_map(|case| case.link.ids.salesforce.clone());
    link.former.salesforce.extend(leads);
    tx.put_link(&link, &links::objects(&sibling))?;
    for mut case in merged {
        if merged::is_told(&case.link, survivor.side.other()) {
            superseded(ctx, mapping, &mut case, successor(&sibling, &link), &mut tx)?;
        } else {
            merged::collide(ctx, mapping, &mut case, survivor, &mut tx).await?;
        }
    }
    tx.apply().await?;
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        CreatePolicy, DeletePolicy, DeleteUpdate, Direction, Endpoint, KeyFields, LeavesScope,
        PerSide,
    };

    fn mapping(name: &str, salesforce: &str, hubspot: &str) -> Mapping {
        let end = |object: &str| Endpoint {
            object: object.to_owned(),
        };
        Mapping {
            id: name.into(),
            objects: PerSide {
                salesforce: end(salesforce),
                hubspot: end(hubspot),
            },
            direction: Direction::Both,
            scope: None,
            leaves_scope: LeavesScope::Keep,
            creates: CreatePolicy::Both,
            deletes: DeletePolicy::Ignore,
            delete_update: DeleteUpdate::Ask,
            pairs: Vec::new(),
            match_rules: Vec::new(),
            groups: Vec::new(),
            sets: Vec::new(),
            keys: KeyFields {
                salesforce: String::new(),
                hubspot: String::new(),
            },
            strict_cas: false,
            detect_clobber: false,
            schedule_seconds: None,
        }
    }

    #[test]
    fn a_group_works_together_where_its_last_mapping_stands_and_leads_come_first_in_it() {
        let contacts = mapping("contacts", "Contact", "contacts");
        let more = mapping("more", "Contact", "contacts");
        let leads = mapping("leads", "Lead", "contacts");
        let accounts = mapping("accounts", "Account", "companies");
        let names = |order: &[&Mapping]| -> Vec<Vec<String>> {
            let name = |one: &&Mapping| one.id.0.clone();
            let groups = in_order(order).into_iter();
            groups
                .map(|group| group.iter().map(name).collect())
                .collect()
        };
        assert_eq!(
            names(&[&contacts, &accounts, &leads]),
            [vec!["accounts"], vec!["leads", "contacts"]]
        );
        assert_eq!(
            names(&[&leads, &contacts, &more]),
            [vec!["leads", "contacts", "more"]]
        );
        assert_eq!(names(&[&contacts, &more]), [vec!["contacts"], vec!["more"]]);
        assert_eq!(contacts.shares(&leads), Some(Side::HubSpot));
        assert_eq!(contacts.shares(&more), None);
        assert_eq!(contacts.shares(&accounts), None);
    }
}
