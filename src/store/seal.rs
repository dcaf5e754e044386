//! The checksum below every value: eight bytes of SHA-256 over key and value, in front of the value. A flipped bit, or a
//! value that turns up under another key, is an error and never a wrong value.

use sha2::{Digest, Sha256};

use super::codec::bad_value;
use super::{Key, StoreError};

/// Bytes in front of a value.
const SEAL_BYTES: usize = 8;

fn digest(key: &Key, value: &[u8]) -> [u8; SEAL_BYTES] {
    let mut hasher = Sha256::new();
    hasher.update((key.0.len() as u64).to_be_bytes());
    hasher.update(&key.0);
    hasher.update(value);
    let mut seal = [0; SEAL_BYTES];
    for (to, from) in seal.iter_mut().zip(hasher.finalize()) {
        *to = from;
    }
    seal
}

/// The value with its checksum in front.
pub(super) fn seal(key: &Key, value: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(SEAL_BYTES + value.len());
    sealed.extend(digest(key, value));
    sealed.extend(value);
    sealed
}

/// The value without its checksum, which must be right.
pub(super) fn unseal(key: &Key, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    match sealed.split_at_checked(SEAL_BYTES) {
        Some((seal, value)) if seal == digest(key, value) => Ok(value.to_vec()),
        Some(_) => Err(bad_value(key, "its checksum is wrong".to_owned())),
        None => Err(bad_value(key, "it is cut short".to_owned())),
    }
}

/// The checksum of a sealed value as a number, for sums over all rows.
pub(super) fn seal_word(sealed: &[u8]) -> u64 {
    sealed
        .iter()
        .take(SEAL_BYTES)
        .fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_sealed_value_is_noticed() {
        let key = Key(vec![3, 1, 4]);
        let sealed = seal(&key, b"\x01{\"a\":1}");
        for position in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[position / 8] ^= 1 << (position % 8);
            assert!(unseal(&key, &bad).is_err(), "bit {position}");
        }
        assert_eq!(unseal(&key, &sealed).unwrap(), b"\x01{\"a\":1}");
    }

    #[test]
    fn a_value_under_another_key_is_refused() {
        let sealed = seal(&Key(vec![3]), b"v");
        assert!(unseal(&Key(vec![4]), &sealed).is_err());
        assert!(unseal(&Key(vec![3]), &sealed[..5]).is_err());
    }
}
