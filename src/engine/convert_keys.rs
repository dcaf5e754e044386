//! The key that a Contact's counterpart is made under while a create of its Lead was given up and may still land: the Lead's, so
//! that it lands on that very record (docs/design/sync-semantics.md 13, 16.5).

use std::collections::{BTreeMap, BTreeSet};

use super::context::EngineError;
use super::convert::{heir, predecessor};
use super::create::keyed;
use super::create_draft::Draft;
use super::db::Tx;
use super::gone_read::read_records;
use super::group::successor;
use super::links;
use super::merged::survivor;
use super::run_ctx::RunCtx;
use crate::crm::Purpose;
use crate::domain::{
    Link, LinkState, Mapping, Observation, Op, OpKind, OpState, Presence, RecordId, Side,
};
use crate::store::rows::Dirty;

/// True for a create that was given up as not applied: while its ghost lives it may still land, under its key.
pub(super) fn may_land(op: &Op) -> bool {
    op.kind == OpKind::Create && op.state == OpState::Failed
}

/// Gives the creates of Contacts the key of their Lead, whose own create may still land.
pub(super) async fn under_leads_keys(
    ctx: &mut RunCtx<'_>,
    contacts: &Mapping,
    target: Side,
    drafts: &mut [Draft],
) -> Result<(), EngineError> {
    let Some(leads) = predecessor(ctx.engine, contacts).cloned() else {
        return Ok(());
    };
    let shared = leads.key_field(target) == contacts.key_field(target);
    let keyed = target == Side::HubSpot && keyed(ctx, contacts, target);
    if drafts.is_empty() || !shared || !keyed {
        return Ok(());
    }
    let mut keys = given_up(ctx, contacts, &leads).await?;
    // A create of the Contact's own may have gone under that key, and be on its way still.
    for op in ctx.ghosts.values().flatten().filter(|op| may_land(op)) {
        if let (true, Some(source), Some(key)) = (op.mapping == contacts.id, &op.source, &op.key) {
            keys.insert(source.clone(), key.clone());
        }
    }
    for draft in drafts {
        if let Some(lead) = keys.remove(&draft.seen.id) {
            let former = &mut draft.link.former.salesforce;
            if !former.contains(&lead) {
                former.push(lead.clone());
            }
            draft.op.key = Some(lead);
        }
    }
    Ok(())
}

/// The Leads whose create was given up and may still land, by the Contact that they were converted into; of several, the first.
async fn given_up(
    ctx: &mut RunCtx<'_>,
    contacts: &Mapping,
    leads: &Mapping,
) -> Result<BTreeMap<RecordId, RecordId>, EngineError> {
    let (side, object) = (Side::Salesforce, leads.object(Side::Salesforce));
    let ghosts = ctx.ghosts.values().flatten();
    let given_up = ghosts.filter(|op| op.mapping == leads.id && may_land(op));
    let ids: BTreeSet<RecordId> = given_up.filter_map(|op| op.source.clone()).collect();
    let ids: Vec<RecordId> = ids.into_iter().collect();
    let held = ctx
        .engine
        .db
        .link_ids(&leads.id, side, object, &ids)
        .await?;
    // One that has a link by now has its counterpart, and hands it over.
    let free = ids.into_iter().zip(held).filter(|(_, link)| link.is_none());
    let free: Vec<RecordId> = free.map(|(id, _)| id).collect();
    let mut into = BTreeMap::new();
    for lead in read_records(ctx, leads, side, &free)
        .await?
        .into_iter()
        .flatten()
    {
        if let Presence::Converted(contact) = lead.presence {
            let left = survivor(ctx, contacts, side, contact.clone()).await?;
            let contact = left.map_or(contact, |seen| seen.id);
            into.entry(contact).or_insert(lead.id);
        }
    }
    Ok(into)
}

/// Looks the creates that go under a Lead's key up by their own key too.
pub(super) async fn under_own_keys(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    target: Side,
    drafts: &[Draft],
    asked: &[String],
) -> Result<Vec<(String, Vec<Observation>)>, EngineError> {
    let moved = drafts.iter().filter_map(|draft| {
        let key = draft.op.key.as_ref()?;
        Some((draft.seen.id.0.clone(), key.0.clone()))
    });
    let moved: BTreeMap<String, String> = moved.collect();
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    let own: Vec<String> = moved.keys().cloned().collect();
    let (object, field) = (mapping.object(target), mapping.key_field(target));
    let crm = ctx.engine.side(target);
    let before = crm.meter().total();
    let found = crm
        .look_up(Purpose::LookUp, object, field, &own, asked)
        .await?;
    let calls = crm.meter().total() - before;
    *ctx.cost(&mapping.id).direct.get_mut(target) += calls;
    let under = |own: &String| moved.get(own).cloned();
    let found = found.into_iter();
    Ok(found
        .filter_map(|one| Some((under(&one.asked)?, one.records)))
        .collect())
}

/// The link of a Contact whose record bears the key of its Lead took over from the Lead: what is still to land is the link's.
pub(super) async fn take_over(
    ctx: &RunCtx<'_>,
    contacts: &Mapping,
    op: &Op,
    link: &Link,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let (Some(lead), Some(leads)) = (&op.key, predecessor(ctx.engine, contacts)) else {
        return Ok(());
    };
    let side = Side::Salesforce;
    let id = ctx.free_id(leads, side, lead).await?;
    let there = ctx.engine.db.links(&leads.id, &[id]).await?;
    if there.iter().any(Option::is_some) {
        return Ok(());
    }
    let mut old = links::pending(id, leads, op.side, lead, link.created_at);
    old.state = LinkState::Superseded(successor(contacts, link));
    old.ids.hubspot.clone_from(&link.ids.hubspot);
    Ok(tx.add_link(&old, &links::objects(leads))?)
}

/// A create will land no more: the key field of the record that it would have landed on is written from now on.
pub(super) async fn let_stamp(
    ctx: &RunCtx<'_>,
    op: &Op,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let (true, side, Some(key)) = (may_land(op), op.side.other(), op.upsert_key()) else {
        return Ok(());
    };
    let db = &ctx.engine.db;
    let heir = heir(ctx.engine, op).await?;
    for mapping in &ctx.engine.rules.mappings {
        let link = db
            .links(&mapping.id, &[heir])
            .await?
            .into_iter()
            .flatten()
            .next();
        let waited =
            |link: &Link| link.state == LinkState::Active && link.former.get(side).contains(key);
        let source = link
            .filter(waited)
            .and_then(|link| link.ids.get(side).clone());
        if let Some(id) = source {
            let known = db.marks(&mapping.id, side, &id).await?;
            tx.mark_dirty(&mapping.id, side, &id, known | Dirty::RETRY)?;
        }
    }
    Ok(())
}
