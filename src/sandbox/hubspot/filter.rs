//! Search filters, compiled once per search (`docs/vendor/hubspot.md` 4.2, 4.8).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sandbox::fields::Packed;

use super::Portal;
use super::fault::Fault;
use super::index::Doc;
use super::kinds::Kind;
use super::text::parse_instant;

/// How the values of a property compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// Case-insensitive text.
    Text,
    /// Internal values, case counts.
    Option,
    Number,
    Instant,
}

/// A value made ready for comparing.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Key {
    Number(f64),
    Text(String),
}

/// Where a filter's value comes from.
#[derive(Clone, Debug)]
enum Place {
    Id,
    Modified,
    Field(String),
    Associated(Kind),
}

#[derive(Clone, Debug)]
enum Test {
    Has(bool),
    Order(fn(std::cmp::Ordering) -> bool, Key),
    Between(Key, Key),
    Among(Vec<Key>, bool),
    Token(String, bool),
}

/// One compiled filter.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    place: Place,
    sort: Sort,
    test: Test,
}

/// Filters that must all hold.
pub(super) type Group = Vec<Filter>;

fn sort_of(kind: &str) -> Sort {
    match kind {
        "number" => Sort::Number,
        "date" | "datetime" => Sort::Instant,
        "enumeration" | "bool" => Sort::Option,
        _ => Sort::Text,
    }
}

fn key(sort: Sort, text: &str) -> Option<Key> {
    match sort {
        Sort::Text => Some(Key::Text(text.to_lowercase())),
        Sort::Option => Some(Key::Text(text.to_owned())),
        Sort::Number => text.trim().parse().ok().map(Key::Number),
        Sort::Instant => {
            parse_instant(text.trim()).map(|at| Key::Number(at.timestamp_millis() as f64))
        }
    }
}

/// A property's sort key of a record; `None` sorts last.
pub(super) fn sort_key(
    kind: Kind,
    schema: &super::property::Schema,
    name: &str,
    id: u64,
    doc: &Doc,
) -> Option<Key> {
    if name == "hs_object_id" {
        return Some(Key::Number(id as f64));
    }
    if name == kind.row().modified {
        return Some(Key::Number(doc.modified as f64));
    }
    let property = schema.live(name)?;
    let text = doc.fields.get(name).filter(|text| !text.is_empty())?;
    key(sort_of(&property.kind), text)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn bad(message: String) -> Fault {
    Fault::invalid(message)
}

impl Portal {
    /// Compiles one filter of a body.
    pub(super) fn compile(&self, kind: Kind, filter: &Value) -> Result<Filter, Fault> {
        let name = filter["propertyName"].as_str().unwrap_or_default();
        let (place, sort) = self.place(kind, name)?;
        let operator = filter["operator"].as_str().unwrap_or_default();
        let one = |field: &str| -> Result<Key, Fault> {
            let text = text_of(&filter[field]).ok_or_else(|| {
                bad(format!(
                    "Invalid filter on {name}: {operator} needs {field}"
                ))
            })?;
            key(sort, &text).ok_or_else(|| {
                bad(format!(
                    "Invalid filter on {name}: {text} is not comparable with it"
                ))
            })
        };
        let all = || -> Result<Vec<Key>, Fault> {
            let values = filter["values"]
                .as_array()
                .filter(|values| !values.is_empty());
            let values = values
                .ok_or_else(|| bad(format!("Invalid filter on {name}: {operator} needs values")))?;
            let texts = values.iter().filter_map(text_of);
            Ok(texts
                .filter_map(|text| match sort {
                    Sort::Text => Some(Key::Text(text)),
                    _ => key(sort, &text),
                })
                .collect())
        };
        let test = match operator {
            "EQ" => Test::Among(vec![one("value")?], true),
            "NEQ" => Test::Among(vec![one("value")?], false),
            "LT" => Test::Order(std::cmp::Ordering::is_lt, one("value")?),
            "LTE" => Test::Order(std::cmp::Ordering::is_le, one("value")?),
            "GT" => Test::Order(std::cmp::Ordering::is_gt, one("value")?),
            "GTE" => Test::Order(std::cmp::Ordering::is_ge, one("value")?),
            "BETWEEN" => Test::Between(one("value")?, one("highValue")?),
            "IN" => Test::Among(all()?, true),
            "NOT_IN" => Test::Among(all()?, false),
            "HAS_PROPERTY" | "NOT_HAS_PROPERTY" => {
                if filter.get("value").is_some() || filter.get("values").is_some() {
                    return Err(bad(format!(
                        "Invalid filter on {name}: {operator} takes no value"
                    )));
                }
                Test::Has(operator == "HAS_PROPERTY")
            }
            "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN" => {
                let text = text_of(&filter["value"]).ok_or_else(|| {
                    bad(format!("Invalid filter on {name}: {operator} needs value"))
                })?;
                Test::Token(text.to_lowercase(), operator == "CONTAINS_TOKEN")
            }
            _ => {
                return Err(bad(format!(
                    "Invalid input JSON: {operator} is not a filter operator"
                )));
            }
        };
        Ok(Filter { place, sort, test })
    }

    fn place(&self, kind: Kind, name: &str) -> Result<(Place, Sort), Fault> {
        if name == "hs_object_id" {
            return Ok((Place::Id, Sort::Number));
        }
        if name == kind.row().modified {
            return Ok((Place::Modified, Sort::Instant));
        }
        if let Some(to) = name.strip_prefix("associations.").and_then(Kind::find) {
            return Ok((Place::Associated(to), Sort::Number));
        }
        match self.table(kind).schema.live(name) {
            Some(property) => Ok((Place::Field(name.to_owned()), sort_of(&property.kind))),
            None => Err(bad(format!(
                "There was a problem with the request: property \"{name}\" does not exist"
            ))),
        }
    }

    /// Whether a record, as the index knows it, passes.
    pub(super) fn passes(&self, kind: Kind, filter: &Filter, id: u64, doc: &Doc) -> bool {
        match &filter.place {
            Place::Id => filter.test_key(Some(Key::Number(id as f64))),
            Place::Modified => filter.test_key(Some(Key::Number(doc.modified as f64))),
            Place::Field(name) => filter.test_text(&doc.fields, name),
            Place::Associated(to) => self
                .links
                .of(kind, id, *to)
                .any(|(partner, _)| filter.test_key(Some(Key::Number(partner as f64)))),
        }
    }
}

impl Filter {
    /// The bounds that the filter puts on the modified time, in ms.
    pub(super) fn window(&self) -> Option<(i64, i64)> {
        if matches!(self.place, Place::Modified) {
            self.bounds()
        } else {
            None
        }
    }

    /// The id that the filter starts above.
    pub(super) fn above(&self) -> Option<u64> {
        if !matches!(self.place, Place::Id) {
            return None;
        }
        self.bounds()
            .map(|(low, _)| u64::try_from(low.saturating_sub(1)).unwrap_or(0))
    }

    fn bounds(&self) -> Option<(i64, i64)> {
        match &self.test {
            Test::Order(check, Key::Number(number)) => {
                let at = number.clamp(-9.0e15, 9.0e15);
                let (low, high) = (
                    check(std::cmp::Ordering::Less),
                    check(std::cmp::Ordering::Greater),
                );
                let equal = check(std::cmp::Ordering::Equal);
                match (low, high) {
                    (true, _) => Some((
                        i64::MIN,
                        if equal { at.floor() } else { at.ceil() - 1.0 } as i64,
                    )),
                    _ => Some((
                        if equal { at.ceil() } else { at.floor() + 1.0 } as i64,
                        i64::MAX,
                    )),
                }
            }
            Test::Between(Key::Number(low), Key::Number(high)) => {
                Some((low.ceil() as i64, high.floor() as i64))
            }
            _ => None,
        }
    }

    fn test_text(&self, fields: &Packed, name: &str) -> bool {
        let text = fields.get(name).filter(|text| !text.is_empty());
        if let Test::Token(pattern, want) = &self.test {
            return text.is_some_and(|text| has_token(text, pattern) == *want);
        }
        self.test_key(text.and_then(|text| key(self.sort, text)))
    }

    fn test_key(&self, value: Option<Key>) -> bool {
        if let Test::Has(want) = self.test {
            return value.is_some() == want;
        }
        let Some(value) = value else { return false };
        match &self.test {
            Test::Order(check, with) => value.partial_cmp(with).is_some_and(check),
            Test::Between(low, high) => value >= *low && value <= *high,
            Test::Among(keys, want) => keys.contains(&value) == *want,
            Test::Has(_) | Test::Token(..) => false,
        }
    }
}

/// Whole tokens, `*` stands for any run of characters.
fn has_token(text: &str, pattern: &str) -> bool {
    let text = text.to_lowercase();
    let split = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '*')
            .filter(|part| !part.is_empty())
            .map(String::from)
            .collect()
    };
    let words = split(&text);
    split(pattern).iter().all(|part| {
        let (head, tail) = (part.starts_with('*'), part.ends_with('*'));
        let core = part.trim_matches('*');
        words.iter().any(|word| match (head, tail) {
            (true, true) => word.contains(core),
            (true, false) => word.ends_with(core),
            (false, true) => word.starts_with(core),
            (false, false) => word == core,
        })
    })
}
