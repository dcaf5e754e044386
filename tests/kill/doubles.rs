//! Whether a conversion made anybody twice (I-8 of docs/design/sync-semantics.md), told from HubSpot's own past.

use std::collections::BTreeMap;

use syncline::sandbox::Sandbox;
use syncline::sandbox::history::Author;

use crate::people::Converted;

const KEY: &str = "syncline_salesforce_id";

/// The leads of which there are two contacts in HubSpot, both made by Syncline: one for the lead, one for what it became.
pub fn made_twice_by_conversion(sandbox: &Sandbox, converted: &[Converted]) -> Vec<String> {
    let mut keyed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for id in sandbox.portal.ids("contacts") {
        let past = sandbox.portal.history("contacts", &id).unwrap();
        // Whom it was made for: a counterpart that a lead hands over is stamped with another one's id later.
        let made = past.versions.first();
        let made = made.filter(|made| matches!(made.by, Author::Api(_)));
        if let Some(key) = made.and_then(|made| made.value(KEY)) {
            keyed.entry(key.to_owned()).or_default().push(id);
        }
    }
    let of = |id: &String| keyed.get(id).map_or(0, Vec::len);
    let new = converted.iter().filter(|one| !one.known);
    new.filter(|one| of(&one.lead) + of(&one.contact) > 1)
        .map(|one| {
            let made = [&one.lead, &one.contact].map(|id| keyed.get(id));
            format!("{} became {}: {made:?}", one.lead, one.contact)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use syncline::sandbox::Settings;
    use syncline::sandbox::history::Values;

    use super::*;

    fn key(id: &str) -> Values {
        let fields = [(KEY, id), ("lastname", "Ann")];
        let set = |(name, value): (&str, &str)| (name.to_owned(), Some(value.to_owned()));
        fields.map(set).into()
    }

    /// A contact that Syncline made for each of these records.
    fn made_for(ids: &[&str]) -> (Sandbox, Vec<String>, DateTime<Utc>) {
        let now = DateTime::UNIX_EPOCH;
        let mut sandbox = Sandbox::new(Settings::default(), now);
        let made = |id: &&str| {
            let us = Author::Api("syncline".into());
            sandbox.portal.insert(now, us, "contacts", key(id)).unwrap()
        };
        let made = ids.iter().map(made).collect();
        (sandbox, made, now)
    }

    fn became(lead: &str, known: bool) -> Converted {
        Converted {
            lead: lead.into(),
            contact: "003B".into(),
            known,
        }
    }

    #[test]
    fn a_contact_made_for_a_lead_and_one_for_what_it_became_are_a_double_whatever_they_are_stamped_with_since()
     {
        for stamped in ["00QA", "00QZ"] {
            let (mut sandbox, made, now) = made_for(&["00QA", "003B"]);
            let us = Author::Api("syncline".into());
            let stamp = sandbox
                .portal
                .edit(now, us, "contacts", &made[0], key(stamped));
            stamp.unwrap();
            let doubles = made_twice_by_conversion(&sandbox, &[became("00QA", false)]);
            assert_eq!(doubles.len(), 1, "{stamped}: {doubles:?}");
        }
    }

    #[test]
    fn two_leads_that_each_had_a_contact_and_became_one_are_no_double() {
        let (mut sandbox, made, now) = made_for(&["00QA", "00QZ"]);
        let us = Author::Api("syncline".into());
        // Of the lead that was followed first the contact is the other's by now.
        let stamp = sandbox
            .portal
            .edit(now, us, "contacts", &made[1], key("003B"));
        stamp.unwrap();
        let converted = [became("00QA", false), became("00QZ", true)];
        assert_eq!(
            made_twice_by_conversion(&sandbox, &converted),
            Vec::<String>::new()
        );
    }
}
