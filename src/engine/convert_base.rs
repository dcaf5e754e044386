//! What a link brings along from the mapping of Leads to that of Contacts (docs/design/sync-semantics.md 13.3). Pure.

use super::context::Owners;
use super::fields::is_property;
use super::links::{base_field, base_raw};
use crate::domain::{
    Base, FieldPair, Mapping, Observation, PairKind, PerSide, RecordId, Side, Value,
};
use crate::transform;

/// What is looked at.
pub(super) struct Around<'a> {
    /// The mapping that the link was in.
    pub(super) leads: &'a Mapping,
    /// The mapping that it goes on in.
    pub(super) contacts: &'a Mapping,
    /// Its base so far.
    pub(super) base: &'a Base,
    /// The Contact, where it was read.
    pub(super) contact: Option<&'a Observation>,
    /// Users and owners by their e-mail.
    pub(super) owners: &'a PerSide<Owners>,
}

/// The base of the new link. What HubSpot held stands for every property that both mappings have; what the Contact holds
/// stands beside it where the two agree. Where they do not, the Contact's value is one that HubSpot has not seen: conversion
/// is an act of Salesforce. A blank of the Contact takes HubSpot's value, for a conversion clears nothing.
pub(super) fn carried(around: &Around<'_>) -> Base {
    let mut base = Base::default();
    for pair in &around.contacts.pairs {
        let Some(before) = before(around, pair) else {
            continue;
        };
        let Some(known) = around.base.fields.get(before.name()) else {
            continue;
        };
        let now = around.contact.map(|seen| seen.value(&pair.fields.salesforce));
        if now.is_some_and(Value::is_blank) {
            continue;
        }
        let held = base_raw(around.base, before.name(), Side::HubSpot);
        let agrees = now
            .zip(held.as_ref())
            .is_some_and(|(s, h)| agree(around, pair, s, h));
        let field = base_field(&mut base, pair.name());
        field.values.hubspot.clone_from(&known.values.hubspot);
        field.unverified.hubspot = known.unverified.hubspot;
        field.apart.hubspot = known.apart.hubspot;
        if let Some(now) = now.filter(|_| agrees) {
            field.values.salesforce = transform::base_value(pair, Side::Salesforce, now);
        }
    }
    base.fields
        .retain(|_, field| field.values.hubspot.is_some());
    base
}

/// The pair of the mapping of Leads that has the same property. A constant of the Contacts' is one that HubSpot has not seen.
fn before<'a>(around: &Around<'a>, pair: &FieldPair) -> Option<&'a FieldPair> {
    let same = |other: &&FieldPair| {
        is_property(other, Side::HubSpot) && other.fields.hubspot == pair.fields.hubspot
    };
    let comes_along =
        is_property(pair, Side::HubSpot) && !matches!(pair.kind, PairKind::Constant { .. });
    comes_along
        .then(|| around.leads.pairs.iter().find(same))
        .flatten()
}

fn agree(around: &Around<'_>, pair: &FieldPair, s: &Value, h: &Value) -> bool {
    if pair.kind != PairKind::Owner {
        return transform::equal(pair, s, h) == Some(true);
    }
    let mail = |side: Side, raw: &Value| {
        let id = RecordId::from(raw.as_text()?);
        around.owners.get(side).email.get(&id).cloned()
    };
    let (s, h) = (mail(Side::Salesforce, s), mail(Side::HubSpot, h));
    s.is_some() && s == h
}
