//! Every key has its family's parts, every value decodes as its family's row.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::pages::Pages;
use super::{Check, Finding, RESTORE};
use crate::domain::{Base, Conflict, ErrorItem, Link, LinkId, Observation, Op, RunRecord};
use crate::store::rows::{
    ActivityLine, BudgetRow, ChildRef, Cursor, Dirty, Hold, MapState, OpenOp, SchemaRow, Tomb,
    UndoRow,
};
use crate::store::{Family, Key, KeyReader, Store, StoreError, decode, keys};

/// Reads a value and forgets it.
type Decode = fn(&Key, &[u8]) -> Result<(), StoreError>;

fn as_row<T: DeserializeOwned>(key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
    decode::<T>(key, bytes).map(|_| ())
}

/// Per family: the parts of its keys (t text, s side, b byte, n number, i id), and its row. The match index has two layouts.
fn layout(family: Family, second_byte: Option<u8>) -> (&'static str, Decode) {
    match family {
        Family::Meta => ("t", as_row::<Json>),
        Family::Map => ("t", as_row::<MapState>),
        Family::Link => ("ti", as_row::<Link>),
        Family::LinkIndex => ("sttt", as_row::<LinkId>),
        Family::Base => ("ti", as_row::<Base>),
        Family::Observation => ("stt", as_row::<Observation>),
        Family::Dirty => ("tst", as_row::<Dirty>),
        Family::MatchIndex if second_byte == Some(0) => ("btsbit", as_row::<Json>),
        Family::MatchIndex => ("btst", as_row::<Json>),
        Family::Cursor => ("st", as_row::<Cursor>),
        Family::Journal => ("nn", as_row::<Op>),
        Family::OpenOp => ("i", as_row::<OpenOp>),
        Family::Run => ("n", as_row::<RunRecord>),
        Family::Undo => ("nn", as_row::<UndoRow>),
        Family::Conflict | Family::Review => ("i", as_row::<Conflict>),
        Family::Error => ("i", as_row::<ErrorItem>),
        Family::Tomb => ("tst", as_row::<Tomb>),
        Family::Hold => ("tits", as_row::<Hold>),
        Family::Schema => ("st", as_row::<SchemaRow>),
        Family::Budget => ("sn", as_row::<BudgetRow>),
        Family::Counter => ("t", as_row::<i64>),
        Family::Plan => ("nn", as_row::<Op>),
        Family::PendingIndex => ("ii", as_row::<Json>),
        Family::Activity => ("n", as_row::<ActivityLine>),
        Family::Waiting => ("ii", as_row::<ChildRef>),
        Family::Swept => ("stt", as_row::<u64>),
    }
}

fn check_key(key: &Key, parts: &str) -> Result<(), StoreError> {
    let mut reader = KeyReader::new(key)?;
    for part in parts.chars() {
        match part {
            't' => reader.text().map(|_| ())?,
            's' => keys::read_side(key, &mut reader).map(|_| ())?,
            'b' => reader.byte().map(|_| ())?,
            'n' => reader.u64().map(|_| ())?,
            _ => reader.u128().map(|_| ())?,
        }
    }
    reader.end()
}

/// The check.
pub(super) async fn check<S: Store + ?Sized>(store: &S) -> Result<Vec<Finding>, StoreError> {
    let mut check = Check::new("values", RESTORE);
    for family in Family::ALL {
        let mut pages = Pages::new(store, family);
        while let Some(page) = pages.next().await? {
            check.looked_at += page.entries.len() as u64;
            for (key, why) in page.unreadable {
                check.fail(
                    key.to_hex(),
                    format!("a value of \"{}\" cannot be read: {why}", family.name()),
                );
            }
            for (key, bytes) in page.entries {
                let (parts, decode) = layout(family, key.0.get(1).copied());
                let result = check_key(&key, parts).and_then(|()| decode(&key, &bytes));
                if let Err(StoreError::BadValue { why, .. }) = result {
                    check.fail(
                        key.to_hex(),
                        format!("a row of \"{}\" is not one: {why}", family.name()),
                    );
                }
            }
        }
    }
    Ok(check.finish())
}
