//! The well-known keys, one function each, and the prefixes that lists are read by (docs/design/sync-semantics.md 2).

use crate::domain::{ItemId, LinkId, MappingId, OpId, RecordId, RecordKey, RunId, Side, digest128};

use super::{Family, Key, KeyReader, KeyWriter, StoreError};

/// `meta` row: version of the row formats.
pub const META_SCHEMA: &str = "schema_version";
/// `meta` row: the install id, as text.
pub const META_INSTALL: &str = "install_id";
/// `meta` row: a number that grows with every import; state that was confirmed under another is to be confirmed again (22 rule 9).
pub const META_EPOCH: &str = "lock_epoch";

/// The leading byte of match index rows by key hash, and by record.
const BY_HASH: u8 = 0;
const BY_RECORD: u8 = 1;

fn side_byte(side: Side) -> u8 {
    match side {
        Side::Salesforce => 1,
        Side::HubSpot => 2,
    }
}

/// A key reader's side.
///
/// # Errors
/// `BadValue` where the byte is no side.
pub fn read_side(key: &Key, reader: &mut KeyReader<'_>) -> Result<Side, StoreError> {
    match reader.byte()? {
        1 => Ok(Side::Salesforce),
        2 => Ok(Side::HubSpot),
        other => Err(super::codec::bad_value(
            key,
            format!("there is no side {other}"),
        )),
    }
}

fn start(family: Family) -> KeyWriter {
    KeyWriter::new(family)
}

fn of_mapping(family: Family, mapping: &MappingId) -> KeyWriter {
    start(family).text(mapping.as_str())
}

fn of_record(family: Family, side: Side, object: &str, id: &RecordId) -> KeyWriter {
    of_object(family, side, object).text(id.as_str())
}

fn of_object(family: Family, side: Side, object: &str) -> KeyWriter {
    start(family).byte(side_byte(side)).text(object)
}

fn of_side(family: Family, mapping: &MappingId, side: Side) -> KeyWriter {
    of_mapping(family, mapping).byte(side_byte(side))
}

fn of_run(family: Family, run: RunId) -> KeyWriter {
    start(family).u64(run.0)
}

/// All rows of a family.
pub fn all(family: Family) -> Key {
    start(family).finish()
}

/// All rows of a mapping, in the families whose keys begin with one.
pub fn by_mapping(family: Family, mapping: &MappingId) -> Key {
    of_mapping(family, mapping).finish()
}

/// All rows of a mapping's side: `Dirty`, `Tomb`.
pub fn by_mapping_side(family: Family, mapping: &MappingId, side: Side) -> Key {
    of_side(family, mapping, side).finish()
}

/// All rows of an object: `Observation`, `LinkIndex`, `Swept`.
pub fn by_object(family: Family, side: Side, object: &str) -> Key {
    of_object(family, side, object).finish()
}

/// All rows of a run: `Journal`, `Undo`, `Plan`.
pub fn by_run(family: Family, run: RunId) -> Key {
    of_run(family, run).finish()
}

/// A named value of the store as a whole.
pub fn meta(name: &str) -> Key {
    start(Family::Meta).text(name).finish()
}

/// A mapping's state.
pub fn map(mapping: &MappingId) -> Key {
    of_mapping(Family::Map, mapping).finish()
}

/// A link.
pub fn link(mapping: &MappingId, link: LinkId) -> Key {
    of_mapping(Family::Link, mapping).u128(link.0).finish()
}

/// Which link of a mapping holds a record.
pub fn link_index(side: Side, object: &str, id: &RecordId, mapping: &MappingId) -> Key {
    of_record(Family::LinkIndex, side, object, id)
        .text(mapping.as_str())
        .finish()
}

/// The links of all mappings that hold a record.
pub fn link_index_of(side: Side, object: &str, id: &RecordId) -> Key {
    of_record(Family::LinkIndex, side, object, id).finish()
}

/// A link's base.
pub fn base(mapping: &MappingId, link: LinkId) -> Key {
    of_mapping(Family::Base, mapping).u128(link.0).finish()
}

/// The newest observation of a record.
pub fn observation(side: Side, object: &str, id: &RecordId) -> Key {
    of_record(Family::Observation, side, object, id).finish()
}

/// Why a record is to be looked at.
pub fn dirty(mapping: &MappingId, side: Side, id: &RecordId) -> Key {
    of_side(Family::Dirty, mapping, side)
        .text(id.as_str())
        .finish()
}

/// A record under one of its match keys.
pub fn match_index(mapping: &MappingId, side: Side, rule: u8, hash: u128, id: &RecordId) -> Key {
    match_rows(mapping, side, rule, hash)
        .text(id.as_str())
        .finish()
}

/// All records with that match key.
pub fn match_index_of(mapping: &MappingId, side: Side, rule: u8, hash: u128) -> Key {
    match_rows(mapping, side, rule, hash).finish()
}

fn match_rows(mapping: &MappingId, side: Side, rule: u8, hash: u128) -> KeyWriter {
    start(Family::MatchIndex)
        .byte(BY_HASH)
        .text(mapping.as_str())
        .byte(side_byte(side))
        .byte(rule)
        .u128(hash)
}

/// The match keys a record stands under, for taking it out again.
pub fn match_keys(mapping: &MappingId, side: Side, id: &RecordId) -> Key {
    keyed_rows(mapping, side).text(id.as_str()).finish()
}

/// All records of a mapping's side that can be matched, each with its keys.
pub fn match_keys_of(mapping: &MappingId, side: Side) -> Key {
    keyed_rows(mapping, side).finish()
}

fn keyed_rows(mapping: &MappingId, side: Side) -> KeyWriter {
    start(Family::MatchIndex)
        .byte(BY_RECORD)
        .text(mapping.as_str())
        .byte(side_byte(side))
}

/// How far an object was read.
pub fn cursor(side: Side, object: &str) -> Key {
    of_object(Family::Cursor, side, object).finish()
}

/// Which sweep saw a record last.
pub fn swept(side: Side, object: &str, id: &RecordId) -> Key {
    of_record(Family::Swept, side, object, id).finish()
}

/// A journalled op.
pub fn journal(run: RunId, seq: u64) -> Key {
    of_run(Family::Journal, run).u64(seq).finish()
}

/// An op without an answer, or a ghost.
pub fn open_op(op: OpId) -> Key {
    start(Family::OpenOp).u128(op.0).finish()
}

/// A run's record.
pub fn run(run: RunId) -> Key {
    of_run(Family::Run, run).finish()
}

/// What an op replaced.
pub fn undo(run: RunId, seq: u64) -> Key {
    of_run(Family::Undo, run).u64(seq).finish()
}

/// A field conflict.
pub fn conflict(item: ItemId) -> Key {
    start(Family::Conflict).u128(item.0).finish()
}

/// A review item.
pub fn review(item: ItemId) -> Key {
    start(Family::Review).u128(item.0).finish()
}

/// An error.
pub fn error(item: ItemId) -> Key {
    start(Family::Error).u128(item.0).finish()
}

/// A record that is gone.
pub fn tomb(mapping: &MappingId, side: Side, id: &RecordId) -> Key {
    of_side(Family::Tomb, mapping, side)
        .text(id.as_str())
        .finish()
}

/// A record that was forgotten, under a hash of it. It has no mapping's name, for it holds for all (19.4).
pub fn forgotten(side: Side, hash: u128) -> Key {
    of_side(Family::Tomb, &MappingId(String::new()), side)
        .text(&format!("{hash:032x}"))
        .finish()
}

/// All records that were forgotten.
pub fn all_forgotten() -> Key {
    by_mapping(Family::Tomb, &MappingId(String::new()))
}

/// All holds of a link.
pub fn holds_of(mapping: &MappingId, link: LinkId) -> Key {
    of_mapping(Family::Hold, mapping).u128(link.0).finish()
}

/// An object's schema.
pub fn schema(side: Side, object: &str) -> Key {
    of_object(Family::Schema, side, object).finish()
}

/// Calls used in an hour; `hour` counts whole hours since 1970, UTC.
pub fn budget(side: Side, hour: u64) -> Key {
    start(Family::Budget)
        .byte(side_byte(side))
        .u64(hour)
        .finish()
}

/// All hours of a side.
pub fn budget_of(side: Side) -> Key {
    start(Family::Budget).byte(side_byte(side)).finish()
}

/// A count.
pub fn counter(name: &str) -> Key {
    start(Family::Counter).text(name).finish()
}

/// An op of a kept plan.
pub fn plan(run: RunId, seq: u64) -> Key {
    of_run(Family::Plan, run).u64(seq).finish()
}

/// An item that waits, under what it waits for: a link's id, or [`record_owner`].
pub fn pending(owner: u128, item: ItemId) -> Key {
    start(Family::PendingIndex)
        .u128(owner)
        .u128(item.0)
        .finish()
}

/// All that waits for a link or record.
pub fn pending_of(owner: u128) -> Key {
    start(Family::PendingIndex).u128(owner).finish()
}

/// The owner of items about a record that has no link.
pub fn record_owner(record: &RecordKey) -> u128 {
    digest128(&[
        record.side.word().as_bytes(),
        record.object.as_bytes(),
        record.id.as_str().as_bytes(),
    ])
}

/// A line of the activity list.
pub fn activity(seq: u64) -> Key {
    start(Family::Activity).u64(seq).finish()
}

/// A link that waits for a parent, under the parent's [`record_owner`].
pub fn waiting_child(parent: u128, child: LinkId) -> Key {
    start(Family::Waiting).u128(parent).u128(child.0).finish()
}

/// All links that wait for a parent.
pub fn waiting_children(parent: u128) -> Key {
    start(Family::Waiting).u128(parent).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_id_that_begins_another_finds_only_its_own_links() {
        let mapping = MappingId::from("contacts");
        let prefix = link_index_of(Side::HubSpot, "contacts", &"12".into());
        let own = link_index(Side::HubSpot, "contacts", &"12".into(), &mapping);
        let longer = link_index(Side::HubSpot, "contacts", &"123".into(), &mapping);
        assert!(own.0.starts_with(&prefix.0));
        assert!(!longer.0.starts_with(&prefix.0));
    }

    #[test]
    fn match_rows_by_hash_and_by_record_lie_apart() {
        let mapping = MappingId::from("m");
        let by_hash = match_index(&mapping, Side::Salesforce, 0, 7, &"1".into());
        let by_record = match_keys(&mapping, Side::Salesforce, &"1".into());
        assert_ne!(by_hash.0.get(1), by_record.0.get(1));
        let all_of = match_index_of(&mapping, Side::Salesforce, 0, 7);
        assert!(by_hash.0.starts_with(&all_of.0));
    }

    #[test]
    fn runs_and_hours_order_as_numbers() {
        assert!(journal(RunId(9), u64::MAX) < journal(RunId(10), 0));
        assert!(budget(Side::HubSpot, 255) < budget(Side::HubSpot, 256));
        assert!(
            journal(RunId(9), 3)
                .0
                .starts_with(&by_run(Family::Journal, RunId(9)).0)
        );
    }

    #[test]
    fn a_side_comes_back_from_a_key() {
        let key = dirty(&"m".into(), Side::HubSpot, &"7".into());
        let mut reader = KeyReader::new(&key).unwrap();
        assert_eq!(reader.text().unwrap(), "m");
        assert_eq!(read_side(&key, &mut reader).unwrap(), Side::HubSpot);
        assert_eq!(reader.text().unwrap(), "7");
        reader.end().unwrap();
    }
}
