//! What we read back of our own: rows and keys of the store, backups, plan files. They lie on disks and travel between hosts.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use syncline::cli::read_plan;
use syncline::domain::{Base, Conflict, ErrorItem, Link, ObjectSchema, Observation, Op, RunRecord};
use syncline::store::rows::{Cursor, Dirty, Ghost, MapState, OpenOp, SchemaRow};
use syncline::store::{
    FORMAT, Family, Key, KeyReader, KeyWriter, check_export, decode, encode, keys,
};

/// A row that is read is written and read again as the same.
fn row<T: Serialize + DeserializeOwned>(key: &Key, bytes: &[u8]) {
    let Ok(row) = decode::<T>(key, bytes) else {
        return;
    };
    let written = encode(key, &row).unwrap();
    let again: T = decode(key, &written).unwrap();
    assert_eq!(encode(key, &again).unwrap(), written);
}

pub fn rows(data: &[u8]) {
    let key = keys::meta("fuzz");
    let whole = [&[FORMAT], data].concat();
    for bytes in [data, &whole] {
        row::<Link>(&key, bytes);
        row::<Base>(&key, bytes);
        row::<Observation>(&key, bytes);
        row::<Op>(&key, bytes);
        row::<RunRecord>(&key, bytes);
        row::<Conflict>(&key, bytes);
        row::<ErrorItem>(&key, bytes);
        row::<ObjectSchema>(&key, bytes);
        row::<Cursor>(&key, bytes);
        row::<Dirty>(&key, bytes);
        row::<Ghost>(&key, bytes);
        row::<OpenOp>(&key, bytes);
        row::<MapState>(&key, bytes);
        row::<SchemaRow>(&key, bytes);
    }
}

fn same<T: PartialEq + Debug>(left: T, right: T) {
    assert_eq!(left, right);
}

/// Any key is read to its end or refused, and what is written is read; the order of texts is that of their keys.
pub fn row_keys(data: &[u8]) {
    let key = Key(data.to_vec());
    same(Key::from_hex(&key.to_hex()).as_ref(), Some(&key));
    let _ = Key::from_hex(&String::from_utf8_lossy(data));
    for start in 0..4 {
        let Ok(mut reader) = KeyReader::new(&key) else {
            break;
        };
        for step in 0..8 {
            let read = match (start + step) % 4 {
                0 => reader.byte().map(drop),
                1 => reader.u64().map(drop),
                2 => reader.text().map(drop),
                _ => reader.u128().map(drop),
            };
            if read.is_err() {
                break;
            }
        }
        let _ = reader.end();
    }
    let text = String::from_utf8_lossy(data).into_owned();
    let half = text.char_indices().nth(text.chars().count() / 2);
    let (left, right) = text.split_at(half.map_or(0, |(at, _)| at));
    let number = data.iter().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
    });
    let written = KeyWriter::new(Family::Link)
        .text(left)
        .u64(number)
        .byte(left.len() as u8)
        .text(right)
        .u128(u128::from(number) << 64)
        .finish();
    let mut reader = KeyReader::new(&written).unwrap();
    same(reader.family(), Family::Link);
    same(reader.text().unwrap().as_str(), left);
    same(reader.u64().unwrap(), number);
    same(reader.byte().unwrap(), left.len() as u8);
    same(reader.text().unwrap().as_str(), right);
    same(reader.u128().unwrap(), u128::from(number) << 64);
    reader.end().unwrap();
    let of = |text: &str| KeyWriter::new(Family::Link).text(text).finish();
    same(of(left).cmp(&of(right)), left.cmp(right));
}

/// Nothing but a whole export with its hash is one: no change of an entry gets through.
pub fn backups(data: &[u8]) {
    let mut reader = std::io::BufReader::new(data);
    if let Ok(summary) = check_export(&mut reader) {
        let whole = data.strip_suffix(b"\n").unwrap_or(data);
        let last = whole.iter().rposition(|byte| *byte == b'\n').unwrap();
        let hash = Sha256::digest(&data[..=last]);
        let hash = hash
            .iter()
            .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        assert_eq!(summary.sha256, hash);
    }
}

pub fn plan_file(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(why) = read_plan(&text) {
        assert!(!why.is_empty());
    }
}
