//! Record ids: 15 case-sensitive characters, three more for those who lose case, and the counter behind them
//! (docs/vendor/salesforce.md 2.6).

const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The pod characters and filler between the prefix and the counter of every id of this org.
const POD: &str = "Wb00000";

/// The first counter value: high enough that the ids look like those of an org in use.
const START: u64 = 10 * 62 * 62 * 62 * 62 + 37 * 62 * 62 * 62;

/// The three characters that make a 15-character id safe for readers who ignore case.
fn suffix(id: &[u8]) -> String {
    id.chunks(5)
        .map(|group| {
            let bits = group
                .iter()
                .enumerate()
                .filter(|(_, byte)| byte.is_ascii_uppercase())
                .fold(0usize, |bits, (place, _)| bits | (1 << place));
            char::from(SUFFIX[bits & 31])
        })
        .collect()
}

/// The 18-character form of a well-formed id of either length; `None` for anything else, a wrong suffix included.
/// An 18-character id whose case was lost is repaired by its suffix.
pub fn canonical(id: &str) -> Option<String> {
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match id.len() {
        15 => Some(format!("{id}{}", suffix(id.as_bytes()))),
        18 => {
            let (body, tail) = id.split_at(15);
            if suffix(body.as_bytes()) == tail {
                return Some(id.to_owned());
            }
            let one_case = !body.bytes().any(|byte| byte.is_ascii_uppercase())
                || !body.bytes().any(|byte| byte.is_ascii_lowercase());
            one_case.then(|| repair(body, tail)).flatten()
        }
        _ => None,
    }
}

fn repair(body: &str, tail: &str) -> Option<String> {
    let tail = tail.to_ascii_uppercase();
    let mut fixed = String::with_capacity(18);
    for (group, mark) in body.as_bytes().chunks(5).zip(tail.bytes()) {
        let bits = SUFFIX.iter().position(|known| *known == mark)?;
        for (place, byte) in group.iter().enumerate() {
            let upper = bits & (1 << place) != 0;
            if upper && !byte.is_ascii_alphabetic() {
                return None;
            }
            fixed.push(char::from(if upper {
                byte.to_ascii_uppercase()
            } else {
                byte.to_ascii_lowercase()
            }));
        }
    }
    fixed.push_str(&tail);
    Some(fixed)
}

/// The `n`-th id under a three-character key prefix; ids grow with `n` in byte order.
pub fn make(prefix: &str, n: u64) -> String {
    let mut rest = START + n;
    let mut digits = [b'0'; 5];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    let body = format!("{prefix}{POD}{}", String::from_utf8_lossy(&digits));
    let tail = suffix(body.as_bytes());
    body + &tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_widen_as_the_recorded_ones_do() {
        for (short, tail) in [
            ("0035500001H9cak", "AAB"),
            ("0015500001QdQWa", "AAN"),
            ("003Wb00000Ab1cD", "IAR"),
        ] {
            assert_eq!(canonical(short), Some(format!("{short}{tail}")));
        }
    }

    #[test]
    fn a_wrong_suffix_length_or_character_is_malformed() {
        for bad in [
            "0035500001H9cakAAA",
            "0035500001H9ca",
            "0035500001H9cak!",
            "",
            "003550000'H9cak",
        ] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_long_id_that_lost_its_case_is_repaired() {
        assert_eq!(
            canonical("0035500001h9cakaab").as_deref(),
            Some("0035500001H9cakAAB")
        );
    }

    #[test]
    fn made_ids_are_deterministic_growing_and_well_formed() {
        let ids: Vec<String> = (0..5000).map(|n| make("003", n)).collect();
        assert_eq!(ids[0], make("003", 0));
        assert!(ids.windows(2).all(|pair| pair[0][..15] < pair[1][..15]));
        assert!(
            ids.iter()
                .all(|id| canonical(&id[..15]).as_ref() == Some(id))
        );
    }
}
