//! Keys: a family byte, then parts that keep their order as bytes. Integers are big-endian; texts are escaped
//! (0x00 -> 0x00 0xFF) and end with 0x00 0x01, so that no key is a prefix of a sibling (docs/design/sync-semantics.md 2).

use super::Family;

/// A whole key, or a prefix of keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub Vec<u8>);

impl Key {
    /// The key in lower-case hexadecimal, as exports and messages show it.
    pub fn to_hex(&self) -> String {
        use std::fmt::Write;
        self.0.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// A key from its hexadecimal form; `None` where it is not one.
    pub fn from_hex(text: &str) -> Option<Key> {
        if !text.len().is_multiple_of(2) {
            return None;
        }
        text.as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
                _ => None,
            })
            .collect::<Option<Vec<u8>>>()
            .map(Key)
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Something that can be a part of a key.
#[derive(Clone, Copy, Debug)]
pub enum KeyPart<'a> {
    /// A text.
    Text(&'a str),
    /// One byte.
    Byte(u8),
    /// A 64-bit number.
    U64(u64),
    /// A 128-bit id.
    U128(u128),
}

/// Builds keys part by part.
#[derive(Clone, Debug)]
pub struct KeyWriter(Vec<u8>);

impl KeyWriter {
    /// Starts a key of that family.
    pub fn new(family: Family) -> Self {
        KeyWriter(vec![family as u8])
    }

    /// Adds a part.
    pub fn part(mut self, part: KeyPart<'_>) -> Self {
        match part {
            KeyPart::Text(text) => {
                for byte in text.bytes() {
                    self.0.push(byte);
                    if byte == 0 {
                        self.0.push(0xff);
                    }
                }
                self.0.extend([0, 1]);
            }
            KeyPart::Byte(byte) => self.0.push(byte),
            KeyPart::U64(number) => self.0.extend(number.to_be_bytes()),
            KeyPart::U128(number) => self.0.extend(number.to_be_bytes()),
        }
        self
    }

    /// Adds a text.
    pub fn text(self, text: &str) -> Self {
        self.part(KeyPart::Text(text))
    }

    /// Adds a number.
    pub fn u64(self, number: u64) -> Self {
        self.part(KeyPart::U64(number))
    }

    /// Adds an id.
    pub fn u128(self, number: u128) -> Self {
        self.part(KeyPart::U128(number))
    }

    /// Adds a byte.
    pub fn byte(self, byte: u8) -> Self {
        self.part(KeyPart::Byte(byte))
    }

    /// The key.
    pub fn finish(self) -> Key {
        Key(self.0)
    }
}
