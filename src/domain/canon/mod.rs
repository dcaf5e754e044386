//! Canonical forms (docs/design/sync-semantics.md 3): what two raw values are compared by. Total, deterministic and
//! idempotent through `render`; no clock, no locale, no environment.

mod decimal;
mod email;
mod host;
mod key;
mod phone;
mod set;
mod text;
mod time;
mod url;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

pub use decimal::Decimal;
pub use email::email;
pub(crate) use host::clip;
pub use host::{HostError, host, registrable};
pub use key::{is_free_mail, match_key};
pub use phone::{Phone, PhoneError, phone};
pub use text::{fold, text};

use super::{FieldType, Value};

/// Version of the rules in this module. A change of any canonical form counts it up (I-19).
pub const CANON_VERSION: u32 = 1;

/// A value in the comparison domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Canon {
    /// Nothing is known. Never compare it: callers ask `Value::is_known` first (I-12).
    Unknown,
    /// Blank.
    Null,
    /// Text.
    Text(String),
    /// A value that its type's parser did not understand, as text: equal garbage compares equal.
    Unparsed(String),
    /// An e-mail address.
    Email(String),
    /// A phone number: E.164 with `;ext=`, or bare digits where it is not a valid number.
    Phone(String),
    /// A host.
    Domain(String),
    /// A web address.
    Url(String),
    /// An exact decimal.
    Dec(Decimal),
    /// A calendar date without zone.
    Date(NaiveDate),
    /// A moment.
    Instant(DateTime<Utc>),
    /// True or false.
    Bool(bool),
    /// One of a list.
    Enum(String),
    /// Several of a list.
    EnumSet(BTreeSet<String>),
    /// A record, by a neutral token.
    Ref(String),
    /// Compared as it is.
    Opaque(String),
}

impl Canon {
    /// The text that reads back as the same canonical form; empty for blank and unknown.
    pub fn render(&self) -> String {
        match self {
            Canon::Unknown | Canon::Null => String::new(),
            Canon::Text(text)
            | Canon::Unparsed(text)
            | Canon::Email(text)
            | Canon::Phone(text)
            | Canon::Domain(text)
            | Canon::Url(text)
            | Canon::Enum(text)
            | Canon::Ref(text)
            | Canon::Opaque(text) => text.clone(),
            Canon::Dec(number) => number.to_string(),
            Canon::Date(date) => date.format("%Y-%m-%d").to_string(),
            Canon::Instant(at) => time::render_instant(*at),
            Canon::Bool(yes) => yes.to_string(),
            Canon::EnumSet(items) => items.iter().cloned().collect::<Vec<_>>().join(";"),
        }
    }

    /// True for blank.
    pub fn is_null(&self) -> bool {
        *self == Canon::Null
    }

    /// True where a typed parser gave up (`parse_failed`).
    pub fn parse_failed(&self) -> bool {
        matches!(self, Canon::Unparsed(_))
    }
}

/// What the canonical form of a field depends on besides its type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CanonOptions {
    /// ISO 3166 region of phone numbers without a prefix; empty: none.
    pub country: String,
    /// Text, picklist and multi-picklist compare without case.
    pub fold_case: bool,
    /// Blank is false: the Salesforce side is a checkbox, which cannot be null.
    pub blank_is_false: bool,
    /// Round numbers half-even to this many digits after the point: the smaller declared scale of the two fields.
    pub scale: Option<u32>,
    /// Digit grouping of the declared locale, stripped where it stands in strict groups of three.
    pub grouping: Option<char>,
    /// Moments count in whole seconds: what Salesforce stores.
    pub whole_seconds: bool,
}

/// The canonical form of a raw value. Total: what a typed parser refuses is `Unparsed`.
pub fn canon(kind: FieldType, options: &CanonOptions, value: &Value) -> Canon {
    let raw = match value {
        Value::Unknown => return Canon::Unknown,
        Value::Null => "",
        Value::Text(raw) => raw.as_str(),
    };
    let clean = text(raw);
    if clean.is_empty() {
        return match kind {
            FieldType::Bool if options.blank_is_false => Canon::Bool(false),
            _ => Canon::Null,
        };
    }
    let folded = |clean: String| {
        if options.fold_case {
            fold(&clean)
        } else {
            clean
        }
    };
    let parsed = match kind {
        FieldType::Text => return Canon::Text(folded(clean)),
        FieldType::Picklist => return Canon::Enum(folded(clean)),
        FieldType::MultiPicklist => return set::multi_picklist(&folded(clean)),
        FieldType::Reference | FieldType::Owner | FieldType::Id => return Canon::Ref(clean),
        FieldType::Opaque => return Canon::Opaque(raw.to_owned()),
        FieldType::Url => return url::url(&clean),
        FieldType::Email => email(&clean).map(Canon::Email),
        FieldType::Phone => phone::canon_phone(&clean, &options.country),
        FieldType::Number | FieldType::Money | FieldType::Percent => {
            Decimal::parse(&clean, options.grouping).map(|number| {
                Canon::Dec(match options.scale {
                    Some(scale) => number.rounded(scale),
                    None => number,
                })
            })
        }
        FieldType::Date => time::date(&clean).map(Canon::Date),
        FieldType::DateTime => time::instant(&clean, options.whole_seconds).map(Canon::Instant),
        FieldType::Bool => match clean.to_ascii_lowercase().as_str() {
            "true" => Some(Canon::Bool(true)),
            "false" => Some(Canon::Bool(false)),
            _ => None,
        },
    };
    parsed.unwrap_or(Canon::Unparsed(clean))
}

#[cfg(test)]
mod tests;
