//! HubSpot records whose key field names a Lead that nobody here knows of, because the store was put back or begun anew: they are
//! the counterparts of the Contacts that those Leads were converted into (docs/design/sync-semantics.md 10.3, 13).

use std::collections::BTreeSet;

use super::context::EngineError;
use super::convert::predecessor;
use super::fields::{STAMP_RULE, stamp_key};
use super::gone_read::read_records;
use super::merged::survivor;
use super::run_ctx::{Mode, RunCtx};
use super::shadows::set_keys;
use crate::domain::{Mapping, Presence, RecordId, Side};

/// Records that are looked at together.
const PAGE: usize = 2000;

/// Reads the Leads that the key fields of HubSpot records without a link name; where one was converted, its Contact answers to
/// its key too. Says whether any does.
pub(super) async fn answers_for_leads(
    ctx: &mut RunCtx<'_>,
    contacts: &Mapping,
    unlinked: &BTreeSet<RecordId>,
) -> Result<bool, EngineError> {
    let Some(leads) = predecessor(ctx.engine, contacts).cloned() else {
        return Ok(false);
    };
    if ctx.mode == Mode::Estimate {
        return Ok(false);
    }
    let db = ctx.engine.db.clone();
    let (side, object) = (Side::HubSpot, contacts.object(Side::HubSpot));
    let ids: Vec<RecordId> = unlinked.iter().cloned().collect();
    let mut named: BTreeSet<RecordId> = BTreeSet::new();
    for page in ids.chunks(PAGE) {
        let seen = db.observations(side, object, page).await?;
        let seen = seen.into_iter().flatten();
        let stamps = seen.filter_map(|seen| {
            let stamp = seen.value(contacts.key_field(side)).as_text()?.trim();
            Mapping::is_lead_id(stamp).then(|| RecordId::from(stamp))
        });
        named.extend(stamps);
    }
    let named: Vec<RecordId> = named.into_iter().collect();
    let side = Side::Salesforce;
    let found = read_records(ctx, &leads, side, &named).await?;
    let mut any = false;
    for lead in found.into_iter().flatten() {
        let Presence::Converted(into) = lead.presence else {
            continue;
        };
        let Some(contact) = survivor(ctx, contacts, side, into).await? else {
            continue;
        };
        if contact.presence != Presence::Live {
            continue;
        }
        let ids = std::slice::from_ref(&contact.id);
        let known = db.match_keys(&contacts.id, side, ids).await?;
        let known = known.into_iter().next().unwrap_or_default();
        let key = (STAMP_RULE, stamp_key(side, lead.id.as_str()));
        if known.is_empty() || known.contains(&key) {
            continue;
        }
        let mut tx = db.begin();
        let keys: Vec<_> = known.iter().copied().chain([key]).collect();
        set_keys(&db, contacts, side, &contact.id, &known, &keys, &mut tx).await?;
        tx.apply().await?;
        ctx.behind.entry(contact.id).or_default().push(lead.id);
        any = true;
    }
    Ok(any)
}
