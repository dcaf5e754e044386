//! What a property takes and what it keeps: validation and normalisation of single values
//! (`docs/vendor/hubspot.md` 5.4 to 5.14).

use chrono::{DateTime, NaiveDate, Utc};

use super::owners::Owner;
use super::pipelines::Pipeline;
use super::property::Property;
use super::text::{instant, parse_instant};

/// Longest text (5.4).
const MAX_TEXT: usize = 65_536;

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub code: &'static str,
    pub message: String,
}

/// A value as it will be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub value: String,
    /// The value was put right on the way in; 2026-09 warns of it (1.10).
    pub warned: bool,
}

/// What a value may refer to.
pub(super) struct Around<'a> {
    pub owners: &'a [Owner],
    pub pipelines: &'a [Pipeline],
    /// The account's currencies.
    pub currencies: &'a [String],
    /// Rules of 2026-09: a misformed date is put right with a warning instead of refused.
    pub dated: bool,
    /// The value that is there now.
    pub before: &'a str,
}

fn problem(code: &'static str, message: String) -> Problem {
    Problem { code, message }
}

fn kept(value: impl Into<String>) -> Kept {
    Kept {
        value: value.into(),
        warned: false,
    }
}

/// Checks a non-empty value for a property and gives the form it is kept in.
pub(super) fn normalise(property: &Property, raw: &str, around: &Around) -> Result<Kept, Problem> {
    match property.name.as_str() {
        "hubspot_owner_id" => return owner(raw, around.owners),
        "pipeline" | "hs_pipeline" => return pipeline(raw, around.pipelines),
        "dealstage" | "hs_pipeline_stage" => return Ok(kept(raw)),
        "deal_currency_code" => return currency(raw, around.currencies),
        "email" => return email(raw),
        "domain" => return Ok(kept(domain(raw))),
        _ => {}
    }
    match property.kind.as_str() {
        "bool" => boolean(raw),
        "number" => number(raw),
        "date" => date(raw, around.dated),
        "datetime" => datetime(raw),
        "enumeration" => enumeration(property, raw, around.before),
        _ if raw.chars().count() > MAX_TEXT => Err(problem(
            "VALUE_TOO_LONG",
            format!(
                "{} is too long: at most {MAX_TEXT} characters are allowed",
                property.name
            ),
        )),
        _ => Ok(kept(raw)),
    }
}

/// An e-mail address, trimmed and lower-cased.
pub(super) fn email(raw: &str) -> Result<Kept, Problem> {
    let address = raw.trim().to_lowercase();
    let good = address.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty()
            && !local.starts_with('.')
            && !local.ends_with('.')
            && host.contains('.')
            && !host.contains('@')
            && host
                .split('.')
                .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
            && host
                .chars()
                .all(|c| c.is_alphanumeric() || c == '.' || c == '-')
            && address
                .chars()
                .all(|c| !c.is_whitespace() && !c.is_control() && !"()<>,;:\\\"[]".contains(c))
    });
    if good {
        Ok(kept(address))
    } else {
        Err(problem(
            "INVALID_EMAIL",
            format!("Email address {raw} is invalid"),
        ))
    }
}

/// A company domain: lower case, no scheme, no path (5.9).
pub(super) fn domain(raw: &str) -> String {
    let text = raw.trim().to_lowercase();
    let rest = text
        .split_once("://")
        .map_or(text.as_str(), |(_, rest)| rest);
    rest.split(['/', '?', '#'])
        .next()
        .unwrap_or(rest)
        .to_owned()
}

fn boolean(raw: &str) -> Result<Kept, Problem> {
    match raw.to_lowercase().as_str() {
        value @ ("true" | "false") => Ok(kept(value)),
        _ => Err(problem(
            "INVALID_OPTION",
            format!("{raw} was not one of the allowed options: [true, false]"),
        )),
    }
}

/// Whether a text is a number the way HubSpot takes one: sign, digits, one point, maybe an exponent.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || "+-.eE".contains(c))
}

fn number(raw: &str) -> Result<Kept, Problem> {
    let text = raw.trim();
    if is_number(text) {
        Ok(kept(text))
    } else {
        Err(problem(
            "INVALID_INTEGER",
            format!("{raw} was not a valid number"),
        ))
    }
}

fn not_long(raw: &str) -> Problem {
    problem("INVALID_LONG", format!("{raw} was not a valid long."))
}

fn date(raw: &str, dated: bool) -> Result<Kept, Problem> {
    let text = raw.trim();
    if NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() && text.len() == 10 {
        return Ok(kept(text));
    }
    let at = moment(text).ok_or_else(|| not_long(raw))?;
    let day = at.format("%Y-%m-%d").to_string();
    let midnight = at.timestamp_millis() % 86_400_000 == 0;
    if midnight && text.parse::<i64>().is_ok() {
        Ok(kept(day))
    } else if dated {
        Ok(Kept {
            value: day,
            warned: true,
        })
    } else {
        Err(problem(
            "INVALID_DATE",
            format!(
                "{raw} is at {}, but dates must be at midnight UTC.",
                instant(at)
            ),
        ))
    }
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    parse_instant(text).filter(|at| (1..=9_999).contains(&chrono::Datelike::year(at)))
}

fn datetime(raw: &str) -> Result<Kept, Problem> {
    moment(raw.trim())
        .map(|at| kept(instant(at)))
        .ok_or_else(|| not_long(raw))
}

fn owner(raw: &str, owners: &[Owner]) -> Result<Kept, Problem> {
    let id = raw.trim();
    if owners.iter().any(|owner| owner.id == id && !owner.archived) {
        Ok(kept(id))
    } else {
        Err(problem(
            "INVALID_OWNER_ID",
            format!("Owner {raw} does not exist"),
        ))
    }
}

fn pipeline(raw: &str, pipelines: &[Pipeline]) -> Result<Kept, Problem> {
    if pipelines.iter().any(|pipeline| pipeline.id == raw) {
        return Ok(kept(raw));
    }
    let ids: Vec<&str> = pipelines
        .iter()
        .map(|pipeline| pipeline.id.as_str())
        .collect();
    let message = format!(
        "{raw} is not a valid pipeline ID. Valid options are: [{}]",
        ids.join(", ")
    );
    Err(problem("INVALID_OPTION", message))
}

/// The 400 of a stage that is not in its pipeline (5.14).
pub(super) fn stage(raw: &str, pipeline: &str, pipelines: &[Pipeline]) -> Result<(), Problem> {
    let found = pipelines.iter().find(|known| known.id == pipeline);
    let stages: Vec<&str> = found
        .into_iter()
        .flat_map(|pipeline| pipeline.stages.iter().map(|stage| stage.id.as_str()))
        .collect();
    if stages.contains(&raw) {
        return Ok(());
    }
    Err(problem(
        "INVALID_OPTION",
        format!(
            "{raw} is not a valid pipeline stage ID. Valid options are: pipelineId={pipeline} : [{}]",
            stages.join(", ")
        ),
    ))
}

fn currency(raw: &str, currencies: &[String]) -> Result<Kept, Problem> {
    if currencies.iter().any(|known| known == raw) {
        return Ok(kept(raw));
    }
    let message = format!(
        "{raw} was not one of the allowed options: [{}]",
        currencies.join(", ")
    );
    Err(problem("INVALID_OPTION", message))
}

fn enumeration(property: &Property, raw: &str, before: &str) -> Result<Kept, Problem> {
    if property.external && property.options.is_empty() {
        return Ok(kept(raw));
    }
    let known = |value: &str| property.options.iter().any(|option| option.value == value);
    let refuse = |value: &str| {
        let names: Vec<&str> = property
            .options
            .iter()
            .map(|option| option.value.as_str())
            .collect();
        let message = format!(
            "{value} was not one of the allowed options: [{}]",
            names.join(", ")
        );
        problem("INVALID_OPTION", message)
    };
    if !property.is_set() {
        return if known(raw) {
            Ok(kept(raw))
        } else {
            Err(refuse(raw))
        };
    }
    let appended = raw.strip_prefix(';').map(|rest| format!("{before};{rest}"));
    let wanted: Vec<&str> = appended
        .as_deref()
        .unwrap_or(raw)
        .split(';')
        .filter(|part| !part.is_empty())
        .collect();
    if let Some(bad) = wanted.iter().find(|value| !known(value)) {
        return Err(refuse(bad));
    }
    let ordered: Vec<&str> = property
        .options
        .iter()
        .map(|option| option.value.as_str())
        .filter(|value| wanted.contains(value))
        .collect();
    Ok(kept(ordered.join(";")))
}

#[cfg(test)]
mod tests {
    use super::super::kinds::Kind;
    use super::super::property::Schema;
    use super::*;

    fn take(kind: Kind, name: &str, raw: &str, dated: bool) -> Result<Kept, Problem> {
        let schema = Schema::of(kind, true);
        let around = Around {
            owners: &[],
            pipelines: &[],
            currencies: &[],
            dated,
            before: "",
        };
        normalise(&schema.properties[name], raw, &around)
    }

    #[test]
    fn a_value_is_kept_in_the_vendors_form_or_refused_with_its_code() {
        let good = [
            (
                Kind::CONTACTS,
                "email",
                " A.B@Example.COM ",
                "a.b@example.com",
            ),
            (
                Kind::COMPANIES,
                "domain",
                "https://WWW.Acme.com/about?x=1",
                "www.acme.com",
            ),
            (
                Kind::COMPANIES,
                "industry",
                "COMPUTER_SOFTWARE",
                "COMPUTER_SOFTWARE",
            ),
            (Kind::COMPANIES, "annualrevenue", "100.00", "100.00"),
            (Kind::COMPANIES, "is_public", "TRUE", "true"),
            (
                Kind::DEALS,
                "closedate",
                "1767225600000",
                "2026-01-01T00:00:00Z",
            ),
            (
                Kind::DEALS,
                "closedate",
                "2026-01-01",
                "2026-01-01T00:00:00Z",
            ),
            (
                Kind::CONTACTS,
                "firstname",
                " kept as sent ",
                " kept as sent ",
            ),
        ];
        for (kind, name, raw, want) in good {
            assert_eq!(
                take(kind, name, raw, true).map(|kept| kept.value),
                Ok(want.to_owned()),
                "{name} {raw}"
            );
        }
        let bad = [
            (Kind::CONTACTS, "email", "dsfsafas@", "INVALID_EMAIL"),
            (Kind::CONTACTS, "email", "a b@c.de", "INVALID_EMAIL"),
            (Kind::COMPANIES, "industry", "Banking", "INVALID_OPTION"),
            (
                Kind::COMPANIES,
                "numberofemployees",
                "1,000",
                "INVALID_INTEGER",
            ),
            (
                Kind::COMPANIES,
                "numberofemployees",
                "inf",
                "INVALID_INTEGER",
            ),
            (Kind::COMPANIES, "is_public", "Yes", "INVALID_OPTION"),
            (Kind::DEALS, "closedate", "tomorrow", "INVALID_LONG"),
            (
                Kind::CONTACTS,
                "hubspot_owner_id",
                "999",
                "INVALID_OWNER_ID",
            ),
        ];
        for (kind, name, raw, code) in bad {
            assert_eq!(
                take(kind, name, raw, true).map_err(|p| p.code),
                Err(code),
                "{name} {raw}"
            );
        }
    }

    #[test]
    fn a_date_with_a_time_is_put_right_in_2026_09_and_refused_before() {
        let mut property = Schema::of(Kind::CONTACTS, true).properties["closedate"].clone();
        property.kind = "date".into();
        let around = |dated| Around {
            owners: &[],
            pipelines: &[],
            currencies: &[],
            dated,
            before: "",
        };
        let raw = "2026-01-05T10:00:00Z";
        assert_eq!(
            normalise(&property, raw, &around(true)),
            Ok(Kept {
                value: "2026-01-05".into(),
                warned: true
            })
        );
        assert_eq!(
            normalise(&property, raw, &around(false)).map_err(|p| p.code),
            Err("INVALID_DATE")
        );
        assert_eq!(
            normalise(&property, "1767225600000", &around(false)),
            Ok(Kept {
                value: "2026-01-01".into(),
                warned: false
            })
        );
    }
}
