//! What the tests of the deciding functions are made of: mappings of plain text, and records as they were read.

use chrono::{DateTime, Utc};

use crate::domain::{
    Assignment, Attempt, CreatePolicy, DeletePolicy, DeleteUpdate, Direction, Endpoint, FieldPair,
    FieldType, KeyFields, LinkId, Mapping, MappingId, Observation, Op, OpId, OpKind, OpOutcome,
    OpState, PairKind, PerSide, Presence, RecordId, RunId, Side, Value,
};

pub(super) fn sides<T>(s: T, h: T) -> PerSide<T> {
    PerSide {
        salesforce: s,
        hubspot: h,
    }
}

/// A pair of text; HubSpot's property has the same name in small letters.
pub(super) fn pair(name: &str, direction: Direction) -> FieldPair {
    FieldPair {
        fields: sides(name.to_owned(), name.to_lowercase()),
        kind: PairKind::Value {
            transforms: Vec::new(),
        },
        types: sides(FieldType::Text, FieldType::Text),
        direction,
        conflict: Vec::new(),
        blanks: Default::default(),
        foreign_edit: Default::default(),
        monotone: Vec::new(),
        on_unlinked: Default::default(),
        fold_case: false,
        country: "US".into(),
    }
}

/// Contacts with these pairs.
pub(super) fn mapping(pairs: Vec<FieldPair>) -> Mapping {
    let object = |name: &str| Endpoint {
        object: name.to_owned(),
    };
    Mapping {
        id: MappingId::from("contacts"),
        objects: sides(object("Contact"), object("contacts")),
        direction: Direction::Both,
        creates: CreatePolicy::Both,
        deletes: DeletePolicy::Ignore,
        delete_update: DeleteUpdate::Ask,
        pairs,
        scope: None,
        leaves_scope: Default::default(),
        groups: Vec::new(),
        sets: Vec::new(),
        match_rules: Vec::new(),
        keys: KeyFields {
            salesforce: "K".into(),
            hubspot: "k".into(),
        },
        strict_cas: false,
        detect_clobber: false,
        schedule_seconds: None,
    }
}

/// A record with the id 1 that is there, with these values.
pub(super) fn seen(side: Side, values: &[(&str, &str)]) -> Observation {
    let at = DateTime::UNIX_EPOCH;
    Observation {
        side,
        object: String::new(),
        id: RecordId::from("1"),
        fields: values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::text(*value)))
            .collect(),
        modstamp: at,
        modified_at: None,
        created_at: None,
        modified_by: None,
        presence: Presence::Live,
        observed_at: at,
    }
}

/// A confirmed update of Contact 1, sent at that moment: the title from Clerk to Boss, the city from Rome to Oslo.
pub(super) fn update(sent_at: DateTime<Utc>) -> Op {
    let change = |pair: &str, before: &str, after: &str| {
        let assignment = Assignment {
            before: Value::text(before),
            after: Value::text(after),
            ..Assignment::default()
        };
        (pair.to_owned(), assignment)
    };
    Op {
        id: OpId(1),
        run: RunId(1),
        seq: 1,
        mapping: "contacts".into(),
        link: LinkId(1),
        kind: OpKind::Update,
        side: Side::Salesforce,
        object: "Contact".into(),
        target: Some("1".into()),
        source: None,
        fields: [
            change("Title", "Clerk", "Boss"),
            change("City", "Rome", "Oslo"),
        ]
        .into(),
        key: None,
        evidence: None,
        modstamp: None,
        state: OpState::Confirmed,
        attempt: Attempt {
            sent_at: Some(sent_at),
            ..Attempt::default()
        },
        outcome: OpOutcome::default(),
    }
}
