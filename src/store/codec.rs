//! Rows as bytes: one format byte, then compact JSON. Owns the format and the size limit; the checksum lies below, in `seal`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Key, StoreError};

/// The format that is written: compact JSON after this byte.
pub const FORMAT: u8 = 1;

/// The largest value, format byte included, in bytes (docs/design/sync-semantics.md 22 rule 5).
pub const VALUE_LIMIT: usize = 64 * 1024;

/// A row as bytes. The key is only named in the error.
///
/// # Errors
/// `TooLarge` above [`VALUE_LIMIT`]; `BadValue` for a row that JSON cannot hold.
pub fn encode<T: Serialize + ?Sized>(key: &Key, row: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![FORMAT];
    serde_json::to_writer(&mut bytes, row).map_err(|error| bad_value(key, error.to_string()))?;
    check_size(key, bytes.len())?;
    Ok(bytes)
}

/// A row from bytes.
///
/// # Errors
/// `BadValue` for an empty value, a format that this version does not know, or JSON that is not this row.
pub fn decode<T: DeserializeOwned>(key: &Key, bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        None => Err(bad_value(key, "it is empty".to_owned())),
        Some((&FORMAT, json)) => {
            serde_json::from_slice(json).map_err(|error| bad_value(key, error.to_string()))
        }
        Some((format, _)) => Err(bad_value(
            key,
            format!("format {format} is not known to this version, which writes {FORMAT}"),
        )),
    }
}

/// Refuses a value that is too large for the store.
pub(super) fn check_size(key: &Key, bytes: usize) -> Result<(), StoreError> {
    if bytes <= VALUE_LIMIT {
        return Ok(());
    }
    Err(StoreError::TooLarge {
        key: key.to_hex(),
        bytes,
        limit: VALUE_LIMIT,
    })
}

/// The error for a value that cannot be read.
pub(super) fn bad_value(key: &Key, why: String) -> StoreError {
    StoreError::BadValue {
        key: key.to_hex(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::{Family, KeyWriter};

    fn key() -> Key {
        KeyWriter::new(Family::Meta).text("k").finish()
    }

    #[test]
    fn an_unknown_format_is_refused_by_name() {
        let error = decode::<String>(&key(), b"\x09\"x\"").unwrap_err();
        assert!(
            error.to_string().contains("format 9 is not known"),
            "{error}"
        );
        assert!(decode::<String>(&key(), b"").is_err());
        assert!(decode::<u64>(&key(), b"\x01\"x\"").is_err());
    }

    #[test]
    fn a_value_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let fits = "x".repeat(VALUE_LIMIT - 3);
        assert_eq!(encode(&key(), &fits).unwrap().len(), VALUE_LIMIT);
        let over = "x".repeat(VALUE_LIMIT - 2);
        assert!(matches!(
            encode(&key(), &over),
            Err(StoreError::TooLarge { bytes, .. }) if bytes == VALUE_LIMIT + 1
        ));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<crate::domain::Link>(&key(), &bytes);
            let _ = decode::<serde_json::Value>(&key(), &bytes);
        }

        #[test]
        fn any_text_comes_back(text in ".*") {
            let bytes = encode(&key(), &text).unwrap();
            prop_assert_eq!(decode::<String>(&key(), &bytes).unwrap(), text);
        }
    }
}
