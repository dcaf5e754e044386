//! Phone numbers: E.164 by the numbering plans of `rlibphonenumber`, with the extension kept apart.

use rlibphonenumber::enums::Region;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use super::{Canon, clip};

/// Longest text that is looked at as a phone number, in bytes; vendors' fields hold 40 and 255 characters.
const LONGEST: usize = 250;

/// A valid phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// The number, such as `+14155550100`.
    pub e164: String,
    /// The extension's digits, where there is one.
    pub extension: Option<String>,
}

impl Phone {
    /// The number with its extension, as the canonical form writes it: `+14155550100;ext=12`.
    pub fn with_extension(&self) -> String {
        match &self.extension {
            Some(extension) => format!("{};ext={extension}", self.e164),
            None => self.e164.clone(),
        }
    }
}

/// Why a text is no phone number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// The country is none that has a numbering plan.
    #[error("\"{0}\" is not a country code such as US or GB")]
    Country(String),
    /// There is no digit in it.
    #[error("{0} has no digits")]
    NoDigits(String),
    /// Too few digits for any number.
    #[error("{text} has {digits} digits; a phone number for {country} needs at least 5")]
    TooShort {
        /// The text.
        text: String,
        /// Digits in it.
        digits: usize,
        /// The region.
        country: String,
    },
    /// The numbering plan has no such number.
    #[error("{text} ({digits} digits) is not a valid phone number for {country}")]
    Invalid {
        /// The text.
        text: String,
        /// Digits in it.
        digits: usize,
        /// The region.
        country: String,
    },
}

/// Parses a number as people write it; `country` is the region of numbers without a prefix (empty: none).
pub fn phone(text: &str, country: &str) -> Result<Phone, PhoneError> {
    let region = region(country)?;
    if let Some(found) = valid(text, region) {
        return Ok(found);
    }
    // `00` is the international prefix people type whatever their own country's is; `011` is North America's.
    let trimmed = text.trim();
    for prefix in ["00", "011"] {
        if let Some(rest) = trimmed.strip_prefix(prefix)
            && let Some(found) = valid(&format!("+{rest}"), region)
        {
            return Ok(found);
        }
    }
    let digits = PHONE_NUMBER_UTIL.normalize_digits_only(text).len();
    let text = clip(trimmed);
    let country = if country.is_empty() {
        "any country".to_owned()
    } else {
        country.to_owned()
    };
    Err(match digits {
        0 => PhoneError::NoDigits(text),
        1..5 => PhoneError::TooShort {
            text,
            digits,
            country,
        },
        _ => PhoneError::Invalid {
            text,
            digits,
            country,
        },
    })
}

fn region(country: &str) -> Result<Option<Region>, PhoneError> {
    if country.is_empty() {
        return Ok(None);
    }
    let bad = || PhoneError::Country(country.to_owned());
    let region: Region = country.to_ascii_uppercase().parse().map_err(|_| bad())?;
    let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region);
    code.map(|_| Some(region)).ok_or_else(bad)
}

fn valid(text: &str, region: Option<Region>) -> Option<Phone> {
    if text.len() > LONGEST {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    if !number.is_valid() {
        return None;
    }
    Some(Phone {
        e164: number.format_as(PhoneNumberFormat::E164).into_owned(),
        extension: number.extension.filter(|digits| !digits.is_empty()),
    })
}

/// The canonical form: E.164 with the extension; else the digits with a leading plus; `None` with fewer than five.
pub(super) fn canon_phone(text: &str, country: &str) -> Option<Canon> {
    let country = if region(country).is_ok() { country } else { "" };
    if let Ok(found) = phone(text, country) {
        return Some(Canon::Phone(found.with_extension()));
    }
    let digits = PHONE_NUMBER_UTIL.normalize_digits_only(text);
    if digits.len() < 5 {
        return None;
    }
    let plus = if text.starts_with(['+', '＋']) {
        "+"
    } else {
        ""
    };
    let bare = format!("{plus}{digits}");
    // What the noise hid may be a number after all: the digits alone must read back as themselves.
    Some(Canon::Phone(match phone(&bare, country) {
        Ok(found) => found.with_extension(),
        Err(_) => bare,
    }))
}
