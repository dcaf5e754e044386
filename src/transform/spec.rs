//! The table that names all transforms, and reading one from its name and options.

use std::collections::BTreeMap;

use super::SpecError;
use crate::domain::canon::{self, PhoneError};
use crate::domain::{OtherwiseRule, TransformSpec};

/// One option of a transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionInfo {
    /// Its key.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
}

/// One transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransformInfo {
    /// Its name in the config.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Its options.
    pub options: &'static [OptionInfo],
}

/// All transforms, by name.
pub const NAMES: &[TransformInfo] = &[
    TransformInfo {
        name: "default",
        about: "a value for HubSpot where Salesforce is blank",
        options: &[OptionInfo {
            name: "value",
            about: "the value",
        }],
    },
    TransformInfo {
        name: "extract_domain",
        about: "the host of a URL, e-mail address or bare host, without www.",
        options: &[OptionInfo {
            name: "registrable",
            about: "true: only the registrable part (example.co.uk); default false",
        }],
    },
    TransformInfo {
        name: "lowercase",
        about: "lower case",
        options: &[],
    },
    TransformInfo {
        name: "phone_e164",
        about: "a phone number as +14155550100",
        options: &[
            OptionInfo {
                name: "country",
                about: "region of numbers without a prefix, such as US",
            },
            OptionInfo {
                name: "extension",
                about: "keep: the extension is part of the value; default: it stays where it stands",
            },
        ],
    },
    TransformInfo {
        name: "trim",
        about: "white space and invisible characters around the value removed",
        options: &[],
    },
    TransformInfo {
        name: "values",
        about: "a value mapping, Salesforce value = HubSpot value",
        options: &[OptionInfo {
            name: "otherwise",
            about: "a value that is not listed: error (default), pass, ignore or { value = \"OTHER\" }",
        }],
    },
];

/// The nearest of `known`, where one is near enough to be meant.
fn nearest(given: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    known
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| *distance <= name.len().div_ceil(3))
        .min()
        .map(|(_, name)| name)
}

/// Reads a transform from its name and its options as text. `values` takes every key that is not `otherwise` as a line of its
/// table in the order given; `otherwise` is `error`, `pass`, `ignore` or `value:OTHER`. `defaults_country` serves a
/// `phone_e164` that names no country.
pub fn parse_spec(
    name: &str,
    options: &[(String, String)],
    defaults_country: &str,
) -> Result<TransformSpec, SpecError> {
    let info = NAMES
        .iter()
        .find(|info| info.name == name)
        .ok_or_else(|| SpecError::Name {
            name: name.to_owned(),
            nearest: nearest(name, NAMES.iter().map(|info| info.name)),
        })?;
    if info.name == "values" {
        return values(options);
    }
    let mut given: BTreeMap<&'static str, &str> = BTreeMap::new();
    for (key, value) in options {
        let known = info.options.iter().find(|option| option.name == key);
        let option = known.ok_or_else(|| SpecError::Option {
            name: info.name,
            option: key.clone(),
            nearest: nearest(key, info.options.iter().map(|option| option.name)),
        })?;
        given.insert(option.name, value);
    }
    let wrong = |option: &'static str, value: &str, why: &str| SpecError::Value {
        name: info.name,
        option,
        value: value.to_owned(),
        why: why.to_owned(),
    };
    Ok(match info.name {
        "lowercase" => TransformSpec::Lowercase,
        "trim" => TransformSpec::Trim,
        "default" => TransformSpec::Default {
            value: given.get("value").map(|value| (*value).to_owned()).ok_or(
                SpecError::Missing {
                    name: info.name,
                    option: "value",
                },
            )?,
        },
        "extract_domain" => TransformSpec::ExtractDomain {
            registrable: match given.get("registrable").copied() {
                None | Some("false") => false,
                Some("true") => true,
                Some(other) => return Err(wrong("registrable", other, "use true or false")),
            },
        },
        _ => {
            let country = given.get("country").copied().unwrap_or(defaults_country);
            let country = country.to_ascii_uppercase();
            if let Err(PhoneError::Country(bad)) = canon::phone("", &country) {
                return Err(wrong(
                    "country",
                    &bad,
                    "use a country code such as US or GB",
                ));
            }
            TransformSpec::PhoneE164 {
                country,
                keep_extension: match given.get("extension").copied() {
                    None | Some("leave") => false,
                    Some("keep") => true,
                    Some(other) => return Err(wrong("extension", other, "use keep or leave")),
                },
            }
        }
    })
}

fn values(options: &[(String, String)]) -> Result<TransformSpec, SpecError> {
    let mut table: Vec<(String, String)> = Vec::new();
    let mut otherwise = OtherwiseRule::Error;
    for (key, value) in options {
        if key != "otherwise" {
            table.push((key.clone(), value.clone()));
            continue;
        }
        otherwise = match value.as_str() {
            "error" => OtherwiseRule::Error,
            "pass" => OtherwiseRule::Pass,
            "ignore" => OtherwiseRule::Ignore,
            other => match other.strip_prefix("value:") {
                Some(other) => OtherwiseRule::Value(other.to_owned()),
                None => {
                    return Err(SpecError::Value {
                        name: "values",
                        option: "otherwise",
                        value: value.clone(),
                        why: "use error, pass, ignore or value:OTHER".to_owned(),
                    });
                }
            },
        };
    }
    if table.is_empty() {
        return Err(SpecError::Missing {
            name: "values",
            option: "(a value mapping)",
        });
    }
    Ok(TransformSpec::Values { table, otherwise })
}
