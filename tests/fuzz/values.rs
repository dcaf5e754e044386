//! What people write into fields: every canonical form is total, and reads its own rendering.

use syncline::crm::wire::moment;
use syncline::domain::canon::{
    Canon, CanonOptions, Decimal, canon, email, host, match_key, phone, registrable,
};
use syncline::domain::{FieldType, Value};

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// `canon(render(canon(x))) == canon(x)`, with every option.
fn stable(kind: FieldType, raw: &str) -> Canon {
    let mut last = Canon::Null;
    for country in ["", "US", "DE"] {
        for scale in [None, Some(2)] {
            for flag in [false, true] {
                let options = CanonOptions {
                    country: country.to_owned(),
                    fold_case: flag,
                    blank_is_false: flag,
                    scale,
                    grouping: flag.then_some(','),
                    whole_seconds: flag,
                };
                let value = canon(kind, &options, &Value::text(raw));
                let again = canon(kind, &options, &Value::text(value.render()));
                if !value.parse_failed() {
                    assert_eq!(again, value, "{kind:?} {raw:?} {options:?}");
                }
                let _ = match_key(&value);
                last = value;
            }
        }
    }
    last
}

pub fn moments(data: &[u8]) {
    let raw = text(data);
    let _ = moment(&raw);
    for kind in [FieldType::Date, FieldType::DateTime] {
        stable(kind, &raw);
    }
}

pub fn decimals(data: &[u8]) {
    let raw = text(data);
    for grouping in [None, Some(','), Some('.'), Some('\u{a0}')] {
        if let Some(number) = Decimal::parse(&raw, grouping) {
            let shown = number.to_string();
            assert!(shown.len() <= raw.len() + 1_000, "{raw:?} grew");
            assert_eq!(Decimal::parse(&shown, None).as_ref(), Some(&number));
            for scale in [0, 1, 18] {
                let rounded = number.rounded(scale);
                assert_eq!(rounded.rounded(scale), rounded);
            }
        }
    }
    stable(FieldType::Number, &raw);
}

pub fn phones(data: &[u8]) {
    let raw = text(data);
    for country in ["", "US", "GB", "IT", "nowhere"] {
        if let Ok(number) = phone(&raw, country) {
            let shown = number.with_extension();
            assert!(phone(&shown, country).is_ok(), "{raw:?} became {shown:?}");
        }
    }
    stable(FieldType::Phone, &raw);
}

pub fn hosts(data: &[u8]) {
    let raw = text(data);
    if let Ok(name) = host(&raw) {
        assert_eq!(host(&name).as_ref(), Ok(&name), "{raw:?}");
        let _ = registrable(&name);
    }
    stable(FieldType::Url, &raw);
}

pub fn emails(data: &[u8]) {
    let raw = text(data);
    if let Some(address) = email(&raw) {
        assert_eq!(email(&address).as_ref(), Some(&address), "{raw:?}");
    }
    stable(FieldType::Email, &raw);
}

pub fn picklist_sets(data: &[u8]) {
    stable(FieldType::MultiPicklist, &text(data));
}

pub fn canonical_forms(data: &[u8]) {
    let raw = text(data);
    for kind in [
        FieldType::Text,
        FieldType::Money,
        FieldType::Percent,
        FieldType::Bool,
        FieldType::Picklist,
        FieldType::Reference,
        FieldType::Owner,
        FieldType::Id,
        FieldType::Opaque,
    ] {
        stable(kind, &raw);
    }
}
