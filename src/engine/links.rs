//! Small facts about links and records that several steps need.

use crate::domain::{
    Base, BaseField, BaseValue, CreatedBy, Link, LinkId, LinkState, Mapping, PerSide, RecordId,
    RecordKey, Side, Value,
};

/// The object names of a mapping.
pub(super) fn objects(mapping: &Mapping) -> PerSide<String> {
    PerSide::from_fn(|side| mapping.object(side).to_owned())
}

/// Which record a mapping means by an id.
pub(super) fn record_key(mapping: &Mapping, side: Side, id: &RecordId) -> RecordKey {
    RecordKey {
        side,
        object: mapping.object(side).to_owned(),
        id: id.clone(),
    }
}

/// The record of a link on one side; with an empty id where it has none yet.
pub(super) fn of_link(mapping: &Mapping, link: &Link, side: Side) -> RecordKey {
    let id = link
        .ids
        .get(side)
        .clone()
        .unwrap_or_else(|| RecordId(String::new()));
    record_key(mapping, side, &id)
}

/// A new link between two records.
pub(super) fn active(
    id: LinkId,
    mapping: &Mapping,
    ids: PerSide<RecordId>,
    created_by: CreatedBy,
    now: chrono::DateTime<chrono::Utc>,
) -> Link {
    Link {
        id,
        mapping: mapping.id.clone(),
        ids: PerSide {
            salesforce: Some(ids.salesforce),
            hubspot: Some(ids.hubspot),
        },
        state: LinkState::Active,
        created_by,
        created_at: now,
        stamped: PerSide::default(),
        former: PerSide::default(),
        life: 0,
        tomb: None,
    }
}

/// A link whose record on `target` is being created.
pub(super) fn pending(
    id: LinkId,
    mapping: &Mapping,
    target: Side,
    source: &RecordId,
    now: chrono::DateTime<chrono::Utc>,
) -> Link {
    let mut ids = PerSide::default();
    *ids.get_mut(target.other()) = Some(source.clone());
    Link {
        id,
        mapping: mapping.id.clone(),
        ids,
        state: LinkState::PendingCreate,
        created_by: match target {
            Side::Salesforce => CreatedBy::CreatedSalesforce,
            Side::HubSpot => CreatedBy::CreatedHubspot,
        },
        created_at: now,
        stamped: PerSide::default(),
        former: PerSide::default(),
        life: 0,
        tomb: None,
    }
}

/// The value that a base holds, where it is stored as it was.
pub(super) fn base_raw(base: &Base, pair: &str, side: Side) -> Option<Value> {
    raw_of(base.value(pair, side)?)
}

/// A base value as it was; `None` where it is stored as hashes.
pub(super) fn raw_of(base: &BaseValue) -> Option<Value> {
    match base {
        BaseValue::Null => Some(Value::Null),
        BaseValue::Raw(text) => Some(Value::Text(text.clone())),
        BaseValue::Hashed { .. } => None,
    }
}

/// The base of a pair, to change.
pub(super) fn base_field<'a>(base: &'a mut Base, pair: &str) -> &'a mut BaseField {
    base.fields.entry(pair.to_owned()).or_default()
}
