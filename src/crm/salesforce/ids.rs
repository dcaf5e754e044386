//! Salesforce record ids: 15 case-sensitive characters, or 18 with a suffix that says which of them are capitals
//! (docs/vendor/salesforce.md 2.6).

const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The 18-character form of an id of 15 or 18 characters; `None` where it is no id.
pub fn widen(id: &str) -> Option<String> {
    let bytes = id.as_bytes();
    if !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    match bytes.len() {
        18 => Some(id.to_owned()),
        15 => {
            let mut wide = id.to_owned();
            for group in bytes.chunks(5) {
                let bits = group
                    .iter()
                    .enumerate()
                    .filter(|(_, c)| c.is_ascii_uppercase())
                    .fold(0usize, |bits, (place, _)| bits | (1 << place));
                wide.push(char::from(SUFFIX[bits]));
            }
            Some(wide)
        }
        _ => None,
    }
}

/// The 18-character form where the id is sound: an 18-character one must have the suffix that its capitals ask for. One
/// wrong suffix makes the vendor refuse a whole query (2.6), so ids from elsewhere go through here.
pub fn sound(id: &str) -> Option<String> {
    let wide = widen(id)?;
    let again = widen(wide.get(..15)?)?;
    (again == wide).then_some(wide)
}

/// The first record id that follows `marker` in a text, widened.
pub(crate) fn id_after(text: &str, marker: &str) -> Option<String> {
    let (_, rest) = text.split_once(marker)?;
    let id: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    widen(&id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_is_that_of_recorded_ids() {
        assert_eq!(
            widen("0035500001H9cak").as_deref(),
            Some("0035500001H9cakAAB")
        );
        assert_eq!(
            widen("0015500001QdQWa").as_deref(),
            Some("0015500001QdQWaAAN")
        );
        assert_eq!(
            widen("003Wb00000Ab1cDIAR").as_deref(),
            Some("003Wb00000Ab1cDIAR")
        );
        assert_eq!(
            widen("003Wb00000Ab1cD").as_deref(),
            Some("003Wb00000Ab1cDIAR")
        );
        for bad in ["", "003", "003Wb00000Ab1c'", "ÄÖÜ0000000000000"] {
            assert_eq!(widen(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_wrong_suffix_is_no_sound_id() {
        assert!(sound("003Wb00000Ab1cDIAR").is_some());
        assert!(sound("003Wb00000Ab1cD").is_some());
        assert_eq!(sound("003Wb00000zzzzzIAR"), None);
    }

    #[test]
    fn the_holder_of_a_duplicate_is_read_from_the_text() {
        let text =
            "duplicate value found: Key__c duplicates value on record with id: 003Wb00000Ab1cD.";
        assert_eq!(
            id_after(text, "record with id:").as_deref(),
            Some("003Wb00000Ab1cDIAR")
        );
        assert_eq!(id_after("... with id: <unknown>", "with id:"), None);
    }
}
