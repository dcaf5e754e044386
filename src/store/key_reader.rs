//! Keys back into their parts: the mirror of `KeyWriter`.

use super::codec::bad_value;
use super::{Family, Key, StoreError};

/// Takes the parts of a key in the order they were written.
#[derive(Clone, Debug)]
pub struct KeyReader<'a> {
    key: &'a Key,
    rest: &'a [u8],
    family: Family,
}

impl<'a> KeyReader<'a> {
    /// Starts behind the family byte.
    ///
    /// # Errors
    /// `BadValue` where the key is empty or of no known family; so do all other methods where the part is not there.
    pub fn new(key: &'a Key) -> Result<Self, StoreError> {
        let (first, rest) = key
            .0
            .split_first()
            .ok_or_else(|| bad_value(key, "the key is empty".to_owned()))?;
        let family = Family::from_byte(*first)
            .ok_or_else(|| bad_value(key, format!("there is no family {first}")))?;
        Ok(KeyReader { key, rest, family })
    }

    /// Starts behind a prefix that the key is known to have: what a scan of that prefix has not said yet.
    pub fn after(prefix: &Key, key: &'a Key) -> Result<Self, StoreError> {
        let mut reader = KeyReader::new(key)?;
        reader.take(prefix.0.len().saturating_sub(1), "prefix")?;
        Ok(reader)
    }

    /// The family.
    pub fn family(&self) -> Family {
        self.family
    }

    fn short(&self, part: &str) -> StoreError {
        bad_value(
            self.key,
            format!("the key has no whole {part} where one belongs"),
        )
    }

    fn take(&mut self, count: usize, part: &str) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| self.short(part))?;
        self.rest = rest;
        Ok(taken)
    }

    /// A byte.
    pub fn byte(&mut self) -> Result<u8, StoreError> {
        Ok(self.take(1, "byte")?.first().copied().unwrap_or_default())
    }

    /// A number.
    pub fn u64(&mut self) -> Result<u64, StoreError> {
        let bytes = self.take(8, "number")?;
        Ok(bytes
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
    }

    /// An id.
    pub fn u128(&mut self) -> Result<u128, StoreError> {
        let bytes = self.take(16, "id")?;
        Ok(bytes
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u128::from(*byte)))
    }

    /// A text.
    pub fn text(&mut self) -> Result<String, StoreError> {
        let mut text = Vec::new();
        loop {
            match self.rest {
                [0, 0xff, rest @ ..] => {
                    text.push(0);
                    self.rest = rest;
                }
                [0, 1, rest @ ..] => {
                    self.rest = rest;
                    break;
                }
                [0, ..] | [] => return Err(self.short("text")),
                [byte, rest @ ..] => {
                    text.push(*byte);
                    self.rest = rest;
                }
            }
        }
        String::from_utf8(text).map_err(|_| bad_value(self.key, "a text is not UTF-8".to_owned()))
    }

    /// Says that nothing may follow.
    pub fn end(&self) -> Result<(), StoreError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let why = format!("{} bytes too many in the key", self.rest.len());
        Err(bad_value(self.key, why))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::KeyWriter;

    type Parts = (String, u64, u8, u128, String);

    fn parts() -> impl Strategy<Value = Parts> {
        let text = || "[a\u{0}\u{1}\u{ff}é]{0,4}";
        let number = || prop_oneof![any::<u64>(), 0u64..3, Just(u64::MAX)];
        (text(), number(), any::<u8>(), any::<u128>(), text())
    }

    fn write(parts: &Parts) -> Key {
        KeyWriter::new(Family::Link)
            .text(&parts.0)
            .u64(parts.1)
            .byte(parts.2)
            .u128(parts.3)
            .text(&parts.4)
            .finish()
    }

    proptest! {
        #[test]
        fn parts_come_back_from_the_key(parts in parts()) {
            let key = write(&parts);
            let mut reader = KeyReader::new(&key).unwrap();
            prop_assert_eq!(reader.family(), Family::Link);
            let back = (
                reader.text().unwrap(),
                reader.u64().unwrap(),
                reader.byte().unwrap(),
                reader.u128().unwrap(),
                reader.text().unwrap(),
            );
            reader.end().unwrap();
            prop_assert_eq!(back, parts);
        }

        #[test]
        fn keys_order_as_their_parts_do(a in parts(), b in parts()) {
            // Texts compare as bytes, which for UTF-8 is the order of `str`.
            prop_assert_eq!(write(&a).cmp(&write(&b)), a.cmp(&b));
        }

        #[test]
        fn no_key_is_the_beginning_of_another(a in parts(), b in parts()) {
            let (first, second) = (write(&a), write(&b));
            prop_assert_eq!(second.0.starts_with(&first.0), a == b);
        }

        #[test]
        fn arbitrary_bytes_are_a_typed_error(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let key = Key(bytes);
            if let Ok(mut reader) = KeyReader::new(&key) {
                while reader.text().is_ok() {}
                let _ = reader.u128();
                let _ = reader.u64();
                let _ = reader.byte();
                let _ = reader.end();
            }
        }
    }
}
