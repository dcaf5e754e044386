//! What the page says about each field, by what is known around it.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::DateTime;

use super::*;
use crate::config::{Config, StarterConnections, starter_config};

/// The starter's contacts, first and last name as one group.
fn contacts() -> Mapping {
    let text = starter_config(&StarterConnections::default());
    let config =
        Config::parse(&text, "starter.toml", Path::new(""), &BTreeMap::new(), &[]).unwrap();
    let mut mapping = config.mapping(&"contacts".into()).unwrap().clone();
    let at = |name: &str| {
        let found = mapping.pairs.iter().position(|pair| pair.name() == name);
        found.unwrap()
    };
    let parts = BTreeSet::from([at("FirstName"), at("LastName")]);
    mapping.groups = vec![crate::domain::FieldGroup {
        parts: parts.into_iter().collect(),
    }];
    mapping
}

/// Both sides hold `old` in every field, but for what is named.
fn look(mapping: &Mapping, salesforce: &[(&str, &str)], hubspot: &[(&str, &str)]) -> Look {
    let mut look = Look::default();
    for (side, named) in [(Side::Salesforce, salesforce), (Side::HubSpot, hubspot)] {
        let value = |pair: &FieldPair| {
            let found = named.iter().find(|(name, _)| *name == pair.name());
            Value::text(found.map_or("old", |(_, value)| *value))
        };
        let pairs = mapping.pairs.iter();
        *look.seen.get_mut(side) = Some(Observation {
            side,
            object: mapping.object(side).into(),
            id: "1".into(),
            fields: pairs
                .map(|pair| (pair.field(side).to_owned(), value(pair)))
                .collect(),
            modstamp: DateTime::UNIX_EPOCH,
            modified_at: None,
            created_at: None,
            modified_by: None,
            presence: Presence::Live,
            observed_at: DateTime::UNIX_EPOCH,
        });
    }
    look
}

/// Everything was settled as `old`.
fn settled(mapping: &Mapping) -> Base {
    let mut base = Base::default();
    for pair in &mapping.pairs {
        let mut field = BaseField::default();
        for side in Side::BOTH {
            *field.values.get_mut(side) = transform::base_value(pair, side, &Value::text("old"));
        }
        base.fields.insert(pair.name().to_owned(), field);
    }
    base
}

fn verdict_of(fields: &[RecordField], name: &str) -> Verdict {
    let found = fields.iter().find(|field| field.name() == name);
    found.unwrap().verdict
}

/// What Salesforce and HubSpot hold, which pairs are paused, whether the link rests, and the verdict.
type Row<'a> = (
    &'a [(&'a str, &'a str)],
    &'a [(&'a str, &'a str)],
    &'a BTreeMap<String, String>,
    bool,
    Verdict,
);

#[test]
fn a_group_has_one_verdict_and_a_pause_or_a_resting_link_comes_before_the_merge() {
    let mapping = contacts();
    let base = settled(&mapping);
    let none = BTreeMap::new();
    let paused = BTreeMap::from([("LastName".to_owned(), "is gone".to_owned())]);
    let both = [("LastName", "Other")];
    let rows: [Row<'_>; 4] = [
        // One member moved: the whole group goes.
        (&both, &[], &none, false, Verdict::GoesTo(Side::HubSpot)),
        // One member moved here, the other there: one question about both.
        (
            &[("FirstName", "New")],
            &both,
            &none,
            false,
            Verdict::BothChanged,
        ),
        (&both, &[], &paused, false, Verdict::Paused),
        (&both, &[], &none, true, Verdict::NotCompared),
    ];
    for (salesforce, hubspot, paused, at_rest, want) in rows {
        let around = Around {
            base: &base,
            pending: &[],
            errors: &[],
            parent: None,
            paused,
            at_rest,
        };
        let fields = fields(&mapping, &look(&mapping, salesforce, hubspot), &around);
        for name in ["FirstName", "LastName"] {
            assert_eq!(
                verdict_of(&fields, name),
                want,
                "{name} {salesforce:?} {hubspot:?}"
            );
        }
        let alone = if at_rest {
            Verdict::NotCompared
        } else {
            Verdict::Equal
        };
        assert_eq!(verdict_of(&fields, "Title"), alone);
    }
}

#[test]
fn a_reference_to_a_record_whose_counterpart_was_deleted_goes_nowhere_until_another_one_is_named() {
    let mapping = contacts();
    let base = settled(&mapping);
    let none = BTreeMap::new();
    let gone = Parent {
        pair: "AccountId".into(),
        record: RecordKey {
            side: Side::HubSpot,
            object: "companies".into(),
            id: "9".into(),
        },
        stands: Stands::Gone,
    };
    let rows: [Row<'_>; 4] = [
        // HubSpot names it.
        (
            &[],
            &[("AccountId", "9")],
            &none,
            false,
            Verdict::CounterpartGone,
        ),
        // HubSpot named it all along, and Salesforce has none any more.
        (
            &[("AccountId", "")],
            &[],
            &none,
            false,
            Verdict::CounterpartGone,
        ),
        // Salesforce has gone on to another one.
        (
            &[("AccountId", "001C")],
            &[],
            &none,
            false,
            Verdict::GoesTo(Side::HubSpot),
        ),
        (&[], &[], &none, false, Verdict::Equal),
    ];
    for (salesforce, hubspot, paused, at_rest, want) in rows {
        let around = Around {
            base: &base,
            pending: &[],
            errors: &[],
            parent: Some(&gone),
            paused,
            at_rest,
        };
        let fields = fields(&mapping, &look(&mapping, salesforce, hubspot), &around);
        assert_eq!(
            verdict_of(&fields, "AccountId"),
            want,
            "{salesforce:?} {hubspot:?}"
        );
    }
}
