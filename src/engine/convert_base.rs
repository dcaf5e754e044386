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
        let now = around
            .contact
            .map(|seen| seen.value(&pair.fields.salesforce));
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

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::config::Config;
    use crate::domain::{BaseField, BaseValue, Presence};

    /// Two mappings over HubSpot's contacts with these pairs.
    fn mappings() -> [Mapping; 2] {
        let mapping = |object: &str, more: &str| {
            format!(
                "[[mapping]]\nname = \"{object}\"\nsalesforce = {{ object = \"{object}\" }}\nhubspot = {{ object = \"contacts\" }}\ncreates = \"to_hubspot\"\nfields = [\n\
                 {{ salesforce = \"Email\", hubspot = \"email\", transform = \"lowercase\", match = true }},\n\
                 {{ salesforce = \"OwnerId\", hubspot = \"hubspot_owner_id\" }},\n{more}]\n"
            )
        };
        let leads = "{ salesforce = \"Status\", hubspot = \"jobtitle\" },\n{ salesforce = \"City\", hubspot = \"city\" },\n";
        let contacts = "{ salesforce = \"Title\", hubspot = \"jobtitle\" },\n{ salesforce = \"Department\", hubspot = \"state\" },\n{ hubspot = \"city\", value = \"Rome\" },\n";
        let text = format!(
            "[salesforce]\nlogin_url = \"https://a.my.salesforce.com\"\nauth = {{ flow = \"access_token\", token = {{ env = \"S\" }} }}\n[hubspot]\nauth = {{ flow = \"access_token\", token = {{ env = \"H\" }} }}\n{}{}",
            mapping("Lead", leads),
            mapping("Contact", contacts)
        );
        let parsed = Config::parse(
            &text,
            "test.toml",
            std::path::Path::new(""),
            &Default::default(),
            &[],
        );
        let found = parsed.unwrap_or_else(|errors| panic!("{errors}"));
        let named = |name: &str| {
            let mut all = found.mappings.iter();
            all.find(|one| one.id.as_str() == name).unwrap().clone()
        };
        ["Lead", "Contact"].map(named)
    }

    fn raw(text: &str) -> Option<BaseValue> {
        Some(BaseValue::Raw(text.to_owned()))
    }

    /// What comes along for a pair: Salesforce's and HubSpot's base.
    fn comes(contact: Option<&[(&str, &str)]>, pair: &str) -> Option<PerSide<Option<BaseValue>>> {
        let [leads, contacts] = mappings();
        let mut base = Base::default();
        for (name, s, h) in [
            ("Email", "ann@x.example", "ann@x.example"),
            ("OwnerId", "005A", "77"),
            ("Status", "Open", "Clerk"),
            ("City", "Oslo", "Oslo"),
        ] {
            let values = PerSide {
                salesforce: raw(s),
                hubspot: raw(h),
            };
            let field = BaseField {
                values,
                ..BaseField::default()
            };
            base.fields.insert(name.to_owned(), field);
        }
        let seen = contact.map(|fields| Observation {
            side: Side::Salesforce,
            object: "Contact".into(),
            id: "003".into(),
            fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Value::text(*value)))
                .collect(),
            modstamp: DateTime::UNIX_EPOCH,
            modified_at: None,
            created_at: None,
            modified_by: None,
            presence: Presence::Live,
            observed_at: DateTime::UNIX_EPOCH,
        });
        let mut owners = PerSide::<Owners>::default();
        for (side, id) in [
            (Side::Salesforce, "005A"),
            (Side::Salesforce, "005B"),
            (Side::HubSpot, "77"),
        ] {
            let mail = if id == "005B" {
                "b@x.example"
            } else {
                "a@x.example"
            };
            owners
                .get_mut(side)
                .email
                .insert(id.into(), mail.to_owned());
        }
        let carried = carried(&Around {
            leads: &leads,
            contacts: &contacts,
            base: &base,
            contact: seen.as_ref(),
            owners: &owners,
        });
        carried.fields.get(pair).map(|field| field.values.clone())
    }

    #[test]
    fn hubspots_value_comes_along_and_salesforces_where_the_two_agree() {
        let both = |s: Option<BaseValue>, h: &str| {
            Some(PerSide {
                salesforce: s,
                hubspot: raw(h),
            })
        };
        let mail = "ann@x.example";
        let rows = [
            // The Contact's field and value, the pair, what comes along.
            (
                "Email",
                "Ann@X.example",
                "Email",
                both(raw("Ann@X.example"), mail),
            ),
            ("Email", "other@x.example", "Email", both(None, mail)),
            ("Email", "", "Email", None),
            ("OwnerId", "005A", "OwnerId", both(raw("005A"), "77")),
            ("OwnerId", "005B", "OwnerId", both(None, "77")),
            // The same property by another field of the Lead's.
            ("Title", "Clerk", "Title", both(raw("Clerk"), "Clerk")),
            // A property that the mapping of Leads lacks, and a constant.
            ("Department", "Sales", "Department", None),
            ("Department", "Sales", "city", None),
        ];
        for (field, value, pair, want) in rows {
            assert_eq!(
                comes(Some(&[(field, value)]), pair),
                want,
                "{field} {value:?}"
            );
        }
        assert_eq!(
            comes(None, "Email"),
            both(None, mail),
            "the Contact was not read"
        );
    }
}
