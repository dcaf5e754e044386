//! One admitted API call: who, when, under which path family, and its parameters.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::history::Author;
use crate::sandbox::http::Request;

use super::fault::Fault;
use super::router::Family;

/// An admitted call.
pub(super) struct Call<'a> {
    /// Now, in whole milliseconds.
    pub now: DateTime<Utc>,
    pub request: &'a Request,
    /// The rules of 2026-09 hold (`docs/vendor/hubspot.md` 1.10).
    pub dated: bool,
    pub family: Family,
    /// The caller as the histories name it.
    pub by: Author,
}

impl Call<'_> {
    /// The JSON body; the vendor's 400 when it is none.
    pub(super) fn body(&self) -> Result<Value, Fault> {
        let value = self.request.json().map_err(|error| {
            Fault::invalid(format!(
                "Invalid input JSON on line {}, column {}: {error}",
                error.line(),
                error.column()
            ))
        })?;
        if value.is_object() || value.is_array() {
            Ok(value)
        } else {
            Err(Fault::invalid(
                "Invalid input JSON on line 1, column 1: Cannot deserialize the request body",
            ))
        }
    }

    /// Refuses any other method.
    pub(super) fn only(&self, method: &str) -> Result<(), Fault> {
        if self.request.method == method {
            Ok(())
        } else {
            Err(self.wrong_method())
        }
    }

    /// 405.
    pub(super) fn wrong_method(&self) -> Fault {
        Fault::bare(405, "HTTP method not allowed")
    }

    /// 404 of a path that does not exist.
    pub(super) fn no_such_path(&self) -> Fault {
        Fault::bare(404, format!("No endpoint at {}", self.request.path))
    }

    /// A boolean parameter.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.request
            .param(name)
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// A comma separated parameter that may also be repeated.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let pairs = self.request.query.iter().filter(|(key, _)| key == name);
        pairs
            .flat_map(|(_, value)| value.split(','))
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect()
    }

    /// The page size.
    pub(super) fn limit(&self, usual: usize, most: usize) -> Result<usize, Fault> {
        let Some(text) = self.request.param("limit") else {
            return Ok(usual);
        };
        match text.parse::<usize>() {
            Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
            _ => Err(Fault::invalid(format!(
                "The limit must be between 1 and {most}, but was {text}"
            ))),
        }
    }

    /// What absolute addresses in answers begin with: the host that was asked, so that a client that follows them stays
    /// in the sandbox; the vendor's own where no host is named.
    pub(super) fn base(&self) -> String {
        match self.request.header("host") {
            Some(host) => format!("http://{host}"),
            None => "https://api.hubapi.com".into(),
        }
    }

    /// The `paging` of a page that is not the last.
    pub(super) fn next_page(&self, after: &str) -> Value {
        let mut query: Vec<String> = self
            .request
            .query
            .iter()
            .filter(|(key, _)| key != "after")
            .map(|(key, value)| format!("{key}={}", value.replace(',', "%2C").replace(' ', "%20")))
            .collect();
        query.push(format!("after={after}"));
        let link = format!("{}{}?{}", self.base(), self.request.path, query.join("&"));
        json!({"next": {"after": after, "link": link}})
    }
}
