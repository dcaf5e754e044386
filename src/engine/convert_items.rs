//! What a person reads about converted Leads: review items, lines, errors (docs/design/sync-semantics.md 13).

use super::context::EngineError;
use super::db::Tx;
use super::fields::is_property;
use super::gone;
use super::gone_case::Case;
use super::gone_items::of_case;
use super::links;
use super::oscillation;
use super::outcome;
use super::parts::of_fields;
use super::run_ctx::{Mode, RunCtx};
use super::tally::{Fate, Unlinked};
use crate::domain::{
    Candidate, Conflict, FieldPair, ItemId, ItemKind, ItemState, Link, Mapping, Observation,
    PairKind, PerSide, RecordId, Side, SideValue, Unit,
};

fn of(link: &Link, side: Side) -> &str {
    let id = link.ids.get(side).as_ref();
    id.map_or("", |id| id.as_str())
}

/// Why two counterparts of one person need a person (13.4).
pub(super) fn collides(leads: &Mapping, case: &Case, own: &Link) -> String {
    format!(
        "{} {} was converted to {}, which has another counterpart, HubSpot {}; HubSpot {} has none any more. Merge the two in HubSpot, and this closes by itself; ignore leaves it alone.",
        leads.object(Side::Salesforce),
        of(&case.link, Side::Salesforce),
        of(own, Side::Salesforce),
        of(own, Side::HubSpot),
        of(&case.link, Side::HubSpot),
    )
}

/// The two HubSpot records.
pub(super) fn counterparts(contacts: &Mapping, case: &Case, own: &Link) -> Vec<Candidate> {
    let candidate = |link: &Link, label: String, why: &str| {
        Some(Candidate {
            record: links::record_key(contacts, Side::HubSpot, link.ids.hubspot.as_ref()?),
            label,
            why: why.to_owned(),
        })
    };
    [
        candidate(
            &case.link,
            case.label(),
            "the Lead's counterpart, which is left",
        ),
        candidate(own, String::new(), "the Contact's counterpart"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What was asked about a Lead's link is asked about the Contact's.
pub(super) fn go_along(
    ctx: &RunCtx<'_>,
    contacts: &Mapping,
    link: &Link,
    open: &[Conflict],
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    for item in open.iter().filter(|item| item.kind.is_review()) {
        let moved = Conflict {
            id: ItemId::derive(&[b"gone", &link.id.0.to_be_bytes()]),
            mapping: contacts.id.clone(),
            link: Some(link.id),
            sides: PerSide::from_fn(|side| SideValue {
                id: link.ids.get(side).clone(),
                ..SideValue::default()
            }),
            last_seen: ctx.engine.clock.now(),
            run: ctx.run,
            ..item.clone()
        };
        tx.put_conflict(&moved, None, link.id.0)?;
    }
    Ok(())
}

/// What a person chose for fields, and no run has carried out yet, goes along to those of the Contact that stand for the same
/// properties: both records may still hold what was shown (8). Says whether there was any.
pub(super) fn choices_go_along(
    ctx: &RunCtx<'_>,
    (leads, contacts): (&Mapping, &Mapping),
    link: &Link,
    open: &[Conflict],
    tx: &mut Tx<'_>,
) -> Result<bool, EngineError> {
    let mut any = false;
    let chosen = |item: &&Conflict| of_fields(item) && item.state == ItemState::Draft;
    for item in open.iter().filter(chosen) {
        let Some(unit) = same_properties(leads, contacts, &item.field) else {
            continue;
        };
        let field = unit.name();
        let mut moved = Conflict {
            id: match item.kind {
                ItemKind::Oscillation => oscillation::item_id(link.id, &field),
                _ => outcome::item_id(link.id, &field),
            },
            mapping: contacts.id.clone(),
            link: Some(link.id),
            field,
            last_seen: ctx.engine.clock.now(),
            run: ctx.run,
            ..item.clone()
        };
        for side in Side::BOTH {
            moved.sides.get_mut(side).id.clone_from(link.ids.get(side));
        }
        for (member, pair) in moved.members.iter_mut().zip(unit.pairs()) {
            member.field = pair.name().to_owned();
        }
        tx.put_conflict(&moved, None, link.id.0)?;
        any = true;
    }
    Ok(any)
}

/// The field or group of the mapping of Contacts that has the same properties, in the same order, as one of the Leads'.
fn same_properties<'m>(leads: &Mapping, contacts: &'m Mapping, name: &str) -> Option<Unit<'m>> {
    let was = leads.unit(name)?;
    let property = |pair: &FieldPair| pair.fields.hubspot.clone();
    let comes_along = |pair: &FieldPair| {
        is_property(pair, Side::HubSpot) && !matches!(pair.kind, PairKind::Constant { .. })
    };
    contacts.units().find(|unit| {
        unit.pairs().all(comes_along) && unit.pairs().map(property).eq(was.pairs().map(property))
    })
}

/// The Contact does not answer: its Lead's link waits.
pub(super) fn out_of_reach(
    ctx: &mut RunCtx<'_>,
    leads: &Mapping,
    case: &Case,
    contact: &RecordId,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let record = links::of_link(leads, &case.link, Side::Salesforce);
    let message = format!(
        "{} {} was converted to {contact}, which does not answer; a right may be missing",
        record.object, record.id
    );
    let item = of_case(ctx, leads, case, record, message);
    tx.put_error(&item, case.errors.iter().any(|known| known.id == item.id))?;
    gone::clear(leads, &case.link, tx);
    if case.was_read() {
        gone::count(ctx, leads, case, Unlinked::Error);
    } else {
        ctx.tally(&leads.id).raise(case.link.id, Fate::Error);
    }
    Ok(())
}

/// A line of the live list.
pub(super) fn line(
    ctx: &RunCtx<'_>,
    contacts: &Mapping,
    link: &Link,
    contact: &Option<Observation>,
    what: String,
) {
    if ctx.mode != Mode::Write {
        return;
    }
    let id = of(link, Side::Salesforce);
    let label = contact
        .as_ref()
        .map_or_else(|| id.to_owned(), Observation::label);
    let subject = format!("{} {id}", contacts.object(Side::Salesforce));
    let report = &ctx.engine.report;
    report.line_about("info", subject, &label, what, None, Some(link.id));
}
