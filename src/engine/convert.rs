//! Leads that were converted into Contacts: their link goes over to the mapping of the Contact, before anything is matched or
//! created (docs/design/sync-semantics.md 13). We never convert; going over is a local write, one batch, and is journalled.

use std::collections::BTreeSet;

use super::context::{Engine, EngineError};
use super::convert_base::{Around, carried};
use super::convert_items as items;
use super::db::Tx;
use super::fields;
use super::gone::{self, count, unmatch};
use super::gone_case::{Case, cases};
use super::gone_note::note;
use super::gone_read::read_records;
use super::group::{self, successor as named};
use super::links;
use super::matching::MatchInput;
use super::matchup::Creates;
use super::merged::{is_told, journal, survivor};
use super::run_ctx::{Mode, RunCtx};
use super::scope::{self, Away, Step};
use super::shadows::{keys_of, rekey};
use super::tally::{Fate, Unlinked};
use super::waits::{What, close};
use crate::crm::Purpose;
use crate::domain::{
    Choice, CreatedBy, Departed, ItemKind, Link, LinkId, LinkState, Mapping, Observation, Op,
    PerSide, Presence, RecordId, Side,
};
use crate::store::rows::Dirty;
use crate::store::{Count, keys};

/// Leads that are looked at together.
const PAGE: usize = 2000;
/// What a Lead names its Contact by.
const INTO: &str = "ConvertedContactId";

/// The mapping that the links of converted Leads go over to: the one of Contacts in the same group.
pub(super) fn successor<'e>(engine: &'e Engine, leads: &Mapping) -> Option<&'e Mapping> {
    let into = |other: &&Mapping| {
        leads.is_of_leads()
            && other.object(Side::Salesforce) == Mapping::CONTACT
            && other.shares(leads) == Some(Side::HubSpot)
    };
    engine.rules.mappings.iter().find(into)
}

/// The mapping of Leads whose links may go over to this one of Contacts.
pub(super) fn predecessor<'e>(engine: &'e Engine, contacts: &Mapping) -> Option<&'e Mapping> {
    let mut all = engine.rules.mappings.iter();
    all.find(|other| successor(engine, other).is_some_and(|one| one.id == contacts.id))
}

/// The link that a write to HubSpot may still land under: the one that has the record by now.
pub(super) async fn heir(engine: &Engine, op: &Op) -> Result<LinkId, EngineError> {
    let link = engine.db.links(&op.mapping, &[op.link]).await?;
    Ok(
        match link.into_iter().flatten().next().map(|link| link.state) {
            Some(LinkState::Superseded(by)) if op.side == Side::HubSpot => by.link,
            _ => op.link,
        },
    )
}

/// Takes the links of the Leads that are noted as converted over to their Contacts.
pub(super) async fn conversions(ctx: &mut RunCtx<'_>, leads: &Mapping) -> Result<(), EngineError> {
    let Some(contacts) = successor(ctx.engine, leads).cloned() else {
        return Ok(());
    };
    let db = ctx.engine.db.clone();
    if db.count(&Count::Links(leads.id.clone())) == 0 {
        return Ok(());
    }
    let side = Side::Salesforce;
    let mut after: Option<RecordId> = None;
    loop {
        ctx.engine.control.border().await?;
        let page = db.dirty_page(&leads.id, side, after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = Some(last.clone());
        let noted = page
            .into_iter()
            .filter(|(_, row)| row.reasons & Dirty::DELETED != 0);
        let ids: Vec<RecordId> = noted.map(|(id, _)| id).collect();
        let seen = db.observations(side, leads.object(side), &ids).await?;
        let held = db
            .link_ids(&leads.id, side, leads.object(side), &ids)
            .await?;
        for (seen, held) in seen.into_iter().zip(held) {
            if let (Some(Presence::Converted(into)), Some(link)) =
                (seen.map(|seen| seen.presence), held)
            {
                let link = db.links(&leads.id, &[link]).await?;
                for case in cases(ctx, leads, link.into_iter().flatten().collect()).await? {
                    follow(ctx, leads, &contacts, case, into.clone()).await?;
                }
            }
        }
    }
}

/// Follows the Leads about whose links a person had chosen, now that this is carried out: their marks went with it.
pub(super) async fn chosen_first(ctx: &mut RunCtx<'_>, leads: &Mapping) -> Result<(), EngineError> {
    let all = std::mem::take(&mut ctx.chosen_first);
    note_converted(ctx, leads, all.into_iter()).await?;
    Ok(())
}

/// Follows one Lead to its Contact.
async fn follow(
    ctx: &mut RunCtx<'_>,
    leads: &Mapping,
    contacts: &Mapping,
    mut case: Case,
    into: RecordId,
) -> Result<(), EngineError> {
    let side = Side::Salesforce;
    // A choice about two counterparts is carried out first; one about a deletion goes along.
    let decided = case.choice().is_some() && !matches!(case.link.state, LinkState::Deleted(_));
    if matches!(case.link.state, LinkState::Superseded(_)) {
        return Ok(());
    }
    let contact = survivor(ctx, contacts, side, into.clone()).await?;
    let there = contact.as_ref().map(|seen| &seen.presence);
    let merged = contact.as_ref().map(|seen| seen.id.clone());
    let id = merged.unwrap_or_else(|| into.clone());
    if decided {
        // Where a person has said before what becomes of the counterpart after a conversion, there is nothing to follow.
        let lead = case.seen.salesforce.take();
        let lead = lead.filter(|lead| !case.link.former.salesforce.contains(&lead.id));
        ctx.held
            .extend(lead.iter().flat_map(|_| [into.clone(), id.clone()]));
        ctx.chosen_first.extend(lead);
        return Ok(());
    }
    if ctx.locked.contains(&case.link.id) || case.link.state == LinkState::PendingCreate {
        // Whether it has a counterpart is not known yet: its Contact gets none meanwhile, nor what that one went into.
        ctx.held.extend([into, id]);
        return Ok(());
    }
    let db = ctx.engine.db.clone();
    if there == Some(&Presence::Inaccessible) {
        let mut tx = db.begin();
        items::out_of_reach(ctx, leads, &case, &id, &mut tx)?;
        return Ok(tx.apply().await?);
    }
    let ids = std::slice::from_ref(&id);
    let held = db.link_ids(&contacts.id, side, contacts.object(side), ids);
    let held: Vec<LinkId> = held.await?.into_iter().flatten().collect();
    let own = db.links(&contacts.id, &held).await?;
    let own = own.into_iter().flatten().next();
    if let Some(own) = own.as_ref().filter(|own| own.state.holds()) {
        if ctx.locked.contains(&own.id) || own.state == LinkState::PendingCreate {
            return Ok(());
        }
        return beside(ctx, leads, contacts, case, own).await;
    }
    let mut tx = db.begin();
    let mut former = case.link.former.clone();
    former.salesforce.extend(case.link.ids.salesforce.clone());
    for tomb in cases(ctx, contacts, own.into_iter().collect()).await? {
        gone::close_all(ctx, &tomb, &mut tx)?;
        tx.remove_link(&tomb.link, &links::objects(contacts));
        former.hubspot.extend(tomb.link.ids.hubspot.clone());
    }
    let link = Link {
        id: ctx.free_id(contacts, side, &id).await?,
        mapping: contacts.id.clone(),
        ids: PerSide {
            salesforce: Some(id),
            hubspot: case.link.ids.hubspot.clone(),
        },
        state: state_of(ctx, contacts, &case.link.state, contact.as_ref()),
        created_by: CreatedBy::Relinked,
        created_at: ctx.engine.clock.now(),
        stamped: PerSide::default(),
        former,
        life: case.link.life,
        tomb: None,
    };
    hand_over(ctx, leads, contacts, &mut case, link, contact, &mut tx).await?;
    Ok(tx.apply().await?)
}

/// The state in which a link goes on in the mapping of Contacts.
fn state_of(
    ctx: &RunCtx<'_>,
    contacts: &Mapping,
    state: &LinkState,
    contact: Option<&Observation>,
) -> LinkState {
    match state {
        LinkState::Suspended(reason) => LinkState::Suspended(reason.clone()),
        // Nothing is made of the Contact either, until the undo is undone (19.1).
        LinkState::TakenBack(undo) => LinkState::TakenBack(*undo),
        // What the Lead's deletion meant is over: it was converted. That of the HubSpot record stands (12.3).
        LinkState::Deleted(departed) if departed.gone.hubspot => LinkState::Deleted(Departed {
            archived: departed.archived,
            ..Departed::of(Side::HubSpot)
        }),
        _ => {
            let now = ctx.engine.clock.now();
            let inside = contact.and_then(|seen| scope::is_inside(contacts, seen, now));
            match scope::step(contacts.leaves_scope, &LinkState::Active, inside) {
                Some(Step::Leaves(Away::Frozen)) => LinkState::OutOfScope,
                Some(Step::Leaves(Away::Unlinked)) => LinkState::Unlinked,
                _ => LinkState::Active,
            }
        }
    }
}

/// The new link is made and the Lead's stands for nothing from now on: one batch.
async fn hand_over(
    ctx: &mut RunCtx<'_>,
    leads: &Mapping,
    contacts: &Mapping,
    case: &mut Case,
    link: Link,
    contact: Option<Observation>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let lead = case.link.ids.salesforce.clone().unwrap_or_default();
    let base = carried(&Around {
        leads,
        contacts,
        base: &case.base,
        contact: contact.as_ref(),
        owners: &ctx.known.owners,
    });
    tx.add_link(&link, &links::objects(contacts))?;
    if link.state != LinkState::Unlinked {
        tx.put_base(&contacts.id, link.id, &base)?;
    }
    let marks = case.marks;
    let open = case.items.clone();
    count(ctx, leads, case, Unlinked::Excluded);
    group::superseded(ctx, leads, case, named(contacts, &link), tx)?;
    tx.drop_observation(Side::Salesforce, leads.object(Side::Salesforce), &lead);
    unmatch(ctx, leads, Side::Salesforce, Some(&lead), tx).await?;
    let goes_along = match link.state {
        LinkState::Suspended(_) => true,
        // To make the counterpart anew was said of the person; the other answers about a deletion have nothing left to do.
        LinkState::Deleted(_) => case.choice() == Some(&Choice::Create),
        _ => false,
    };
    if goes_along {
        items::go_along(ctx, contacts, &link, &open, tx)?;
    }
    let mut chosen = 0;
    if link.state == LinkState::Active
        && items::choices_go_along(ctx, (leads, contacts), &link, &open, tx)?
    {
        chosen = Dirty::RESOLVED;
    }
    for side in Side::BOTH {
        let Some(id) = link.ids.get(side) else {
            continue;
        };
        let owner = keys::record_owner(&links::record_key(contacts, side, id));
        let run = Some(ctx.run);
        close(ctx.engine, &contacts.id, owner, What::All, run, tx).await?;
        ctx.tally(&contacts.id).linked_after_all(side, id);
        let seen = match side {
            Side::Salesforce => contact.clone(),
            Side::HubSpot => case.seen.hubspot.clone(),
        };
        let gone = seen
            .as_ref()
            .is_some_and(|seen| seen.presence != Presence::Live);
        let moved = match side {
            Side::Salesforce => 0,
            Side::HubSpot => *marks.get(side) & (Dirty::CHANGED | Dirty::DELETED),
        };
        if let Some(seen) = &seen {
            tx.put_observation(seen)?;
            let keys = match gone {
                true => Vec::new(),
                false => {
                    let ended = side == Side::Salesforce && link.state == LinkState::Unlinked;
                    keys_of(contacts, seen, ended)
                }
            };
            rekey(&ctx.engine.db, contacts, side, id, &keys, tx).await?;
        }
        let reasons = moved | if gone { Dirty::DELETED } else { 0 };
        match link.state {
            LinkState::Active => {
                tx.mark_dirty(&contacts.id, side, id, reasons | chosen | Dirty::RELINK)?;
            }
            _ if reasons & Dirty::DELETED != 0 => {
                tx.mark_dirty(&contacts.id, side, id, reasons)?;
            }
            _ => {
                tx.clear_dirty(&contacts.id, side, id);
                tx.drop_observation(side, contacts.object(side), id);
                let fate = match link.state {
                    LinkState::Suspended(_) => Unlinked::Review,
                    _ => Unlinked::Excluded,
                };
                ctx.tally(&contacts.id).unlinked(side, id, fate);
            }
        }
    }
    if let (LinkState::Active, Some(s), Some(h)) =
        (&link.state, &link.ids.salesforce, &link.ids.hubspot)
    {
        let ids = PerSide {
            salesforce: s.clone(),
            hubspot: h.clone(),
        };
        ctx.newly_linked.push((contacts.id.clone(), link.id, ids));
        ctx.tally(&contacts.id).link(link.id, Fate::Unchanged);
    }
    let into = link.ids.salesforce.clone().unwrap_or_default();
    let why = format!("Lead {lead} was converted to {into}");
    items::line(
        ctx,
        contacts,
        &link,
        &contact,
        format!("{why}; its link goes over"),
    );
    journal(ctx, contacts, &link, Side::Salesforce, why, tx)
}

/// The Contact has a link already: the Lead's stands for nothing where it is of the same HubSpot record, else a person decides
/// about the other one (13.4).
async fn beside(
    ctx: &mut RunCtx<'_>,
    leads: &Mapping,
    contacts: &Mapping,
    mut case: Case,
    own: &Link,
) -> Result<(), EngineError> {
    let db = ctx.engine.db.clone();
    let lead = case.link.ids.salesforce.clone().unwrap_or_default();
    let same = case.link.ids.hubspot == own.ids.hubspot
        || is_told(&case.link, Side::HubSpot)
        || match case.link.state {
            LinkState::Unlinked => true,
            // What an undo took back is let go, unless somebody has restored it.
            LinkState::TakenBack(_) => !is_there(ctx, leads, &case).await?,
            _ => false,
        };
    let mut tx = db.begin();
    if same {
        count(ctx, leads, &case, Unlinked::Excluded);
        group::superseded(ctx, leads, &mut case, named(contacts, own), &mut tx)?;
        tx.drop_observation(Side::Salesforce, leads.object(Side::Salesforce), &lead);
        unmatch(ctx, leads, Side::Salesforce, Some(&lead), &mut tx).await?;
        return Ok(tx.apply().await?);
    }
    let why = items::collides(leads, &case, own);
    let candidates = items::counterparts(contacts, &case, own);
    case.link.former.salesforce.push(lead);
    let kind = ItemKind::ConversionCollision;
    gone::set_aside(ctx, leads, &mut case, kind, why, candidates, &mut tx).await?;
    Ok(tx.apply().await?)
}

/// Whether the link's HubSpot record is there, by a read.
async fn is_there(ctx: &mut RunCtx<'_>, leads: &Mapping, case: &Case) -> Result<bool, EngineError> {
    let side = Side::HubSpot;
    let id = case.link.ids.get(side).as_slice();
    if ctx.mode == Mode::Estimate {
        return Ok(false);
    }
    let found = read_records(ctx, leads, side, id).await?;
    let first = found.into_iter().flatten().next();
    Ok(first.is_some_and(|seen| seen.presence == Presence::Live))
}

/// Reads the Leads whose HubSpot record is what an unlinked Contact matches: where one was converted, that explains the match,
/// whichever of the two was seen first. Says whether any was.
pub(super) async fn found_behind(
    ctx: &mut RunCtx<'_>,
    contacts: &Mapping,
    input: &MatchInput,
) -> Result<bool, EngineError> {
    let Some(leads) = predecessor(ctx.engine, contacts).cloned() else {
        return Ok(false);
    };
    if ctx.mode == Mode::Estimate {
        return Ok(false);
    }
    let keyed = |keys: &[Vec<u128>]| -> Vec<(usize, u128)> {
        let rules = keys.iter().enumerate();
        rules
            .flat_map(|(rule, keys)| keys.iter().map(move |key| (rule, *key)))
            .collect()
    };
    let sought: BTreeSet<(usize, u128)> = input
        .unlinked
        .salesforce
        .iter()
        .flat_map(|one| keyed(&one.keys))
        .collect();
    let met = input
        .linked
        .hubspot
        .iter()
        .filter(|one| keyed(&one.keys).iter().any(|key| sought.contains(key)));
    let met: Vec<LinkId> = met.map(|one| one.link).collect();
    let db = ctx.engine.db.clone();
    let behind = db.links(&leads.id, &met).await?.into_iter().flatten();
    let ids: Vec<RecordId> = behind
        .filter(|link| link.state.holds())
        .filter_map(|link| link.ids.salesforce)
        .collect();
    let found = read_records(ctx, &leads, Side::Salesforce, &ids).await?;
    note_converted(ctx, &leads, found.into_iter().flatten()).await
}

/// Notes which of these Leads were converted and follows them; says whether any was.
async fn note_converted(
    ctx: &mut RunCtx<'_>,
    leads: &Mapping,
    found: impl Iterator<Item = Observation>,
) -> Result<bool, EngineError> {
    let db = ctx.engine.db.clone();
    let mut any = false;
    let mut tx = db.begin();
    for seen in found.filter(|seen| matches!(seen.presence, Presence::Converted(_))) {
        let ids = std::slice::from_ref(&seen.id);
        let side = Side::Salesforce;
        let held = db
            .link_ids(&leads.id, side, leads.object(side), ids)
            .await?;
        if held.into_iter().flatten().next().is_some() {
            let marks = db.marks(&leads.id, side, &seen.id).await?;
            note(leads, &seen, marks, &mut tx)?;
            any = true;
        }
    }
    tx.apply().await?;
    if any {
        conversions(ctx, leads).await?;
    }
    Ok(any)
}

/// Takes the Contacts out of a list of creates that a linked Lead was converted into. Where the run has read the Leads after
/// the Contacts it knows of all of them; otherwise Salesforce is asked.
pub(super) async fn without_converted(
    ctx: &mut RunCtx<'_>,
    contacts: &Mapping,
    mut wanted: Creates,
) -> Result<Creates, EngineError> {
    let side = Side::Salesforce;
    if ctx.leads_read || ctx.mode == Mode::Estimate || wanted.salesforce.is_empty() {
        return Ok(wanted);
    }
    let Some(leads) = predecessor(ctx.engine, contacts).cloned() else {
        return Ok(wanted);
    };
    let asked = fields::observed(
        &ctx.known,
        std::iter::once(&leads),
        side,
        leads.object(side),
    );
    let values: Vec<String> = wanted.salesforce.iter().map(|id| id.0.clone()).collect();
    let crm = ctx.engine.side(side);
    let before = crm.meter().total();
    let found = crm
        .search(Purpose::LookUp, leads.object(side), INTO, &values, &asked)
        .await?;
    let calls = crm.meter().total() - before;
    *ctx.cost(&contacts.id).direct.get_mut(side) += calls;
    if note_converted(ctx, &leads, found.into_iter()).await? {
        let ids = &wanted.salesforce;
        let held = ctx
            .engine
            .db
            .link_ids(&contacts.id, side, contacts.object(side), ids)
            .await?;
        let mut free = held.into_iter().map(|link| link.is_none());
        wanted.salesforce.retain(|_| free.next().unwrap_or(true));
        wanted.salesforce = without_held(ctx, contacts, side, wanted.salesforce);
    }
    Ok(wanted)
}

/// Leaves the Contacts out for this run whose Lead's own link is not settled yet.
pub(super) fn without_held<C>(ctx: &mut RunCtx<'_>, mapping: &Mapping, side: Side, ids: C) -> C
where
    C: IntoIterator<Item = RecordId> + FromIterator<RecordId>,
{
    let waits = side == Side::Salesforce && mapping.object(side) == Mapping::CONTACT;
    if !waits || ctx.held.is_empty() {
        return ids;
    }
    let (held, free): (Vec<RecordId>, Vec<RecordId>) =
        ids.into_iter().partition(|id| ctx.held.contains(id));
    for id in &held {
        ctx.tally(&mapping.id).unlinked(side, id, Unlinked::Error);
    }
    free.into_iter().collect()
}
