//! Contract tests of the portal, in process: requests in, the vendor's wire answers out.

mod associations;
mod batch;
mod hostile;
mod limits;
mod merge;
mod objects;
mod recorded;
mod rules;
mod schema;
mod search;
mod speed;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::sandbox::history::{Author, Values};
use crate::sandbox::http::{Request, Response, Vendor};

use super::{Portal, PortalSettings};

/// A portal, its clock, and a client with the static token.
pub(super) struct Desk {
    pub portal: Portal,
    pub now: DateTime<Utc>,
    pub token: String,
}

/// An answer, its body read.
pub(super) struct Got {
    pub status: u16,
    pub body: Value,
    pub raw: Response,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.raw
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn ids(&self) -> Vec<String> {
        let rows = self.body["results"].as_array().unwrap();
        rows.iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }
}

pub(super) fn noon() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T17:00:00.250Z")
        .unwrap()
        .with_timezone(&Utc)
}

pub(super) fn values(pairs: &[(&str, &str)]) -> Values {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
        .collect()
}

impl Desk {
    pub fn new() -> Self {
        Desk::with(PortalSettings::default())
    }

    pub fn with(settings: PortalSettings) -> Self {
        let token = settings.access_token.clone();
        let mut portal = Portal::new(settings);
        portal.add_owner("41629779", "ada@example.com", "Ada", "Byron", 9_586_504);
        Desk {
            portal,
            now: noon(),
            token,
        }
    }

    /// One call, a second after the one before.
    pub fn call(&mut self, method: &str, path: &str, body: Value) -> Got {
        self.now += Duration::seconds(1);
        self.call_now(method, path, body)
    }

    /// One call at the present moment.
    pub fn call_now(&mut self, method: &str, path: &str, body: Value) -> Got {
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        self.send(method, path, bytes)
    }

    pub fn send(&mut self, method: &str, path: &str, body: Vec<u8>) -> Got {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers: vec![("authorization".into(), format!("Bearer {}", self.token))],
            body,
        };
        let raw = self.portal.handle(self.now, &request);
        let body = serde_json::from_slice(&raw.body).unwrap_or(Value::Null);
        Got {
            status: raw.status,
            body,
            raw,
        }
    }

    pub fn get(&mut self, path: &str) -> Got {
        self.call("GET", path, Value::Null)
    }

    pub fn post(&mut self, path: &str, body: Value) -> Got {
        self.call("POST", path, body)
    }

    /// Makes a record through the API.
    pub fn make(&mut self, object: &str, properties: Value) -> String {
        let got = self.post(
            &format!("/crm/objects/2026-09/{object}"),
            json!({"properties": properties}),
        );
        assert_eq!(got.status, 201, "{}", got.body);
        got.id()
    }

    /// A property of a record, read by id.
    pub fn read(&mut self, object: &str, id: &str, property: &str) -> Value {
        let got = self.get(&format!(
            "/crm/objects/2026-09/{object}/{id}?properties={property}"
        ));
        assert_eq!(got.status, 200, "{}", got.body);
        got.body["properties"][property].clone()
    }

    pub fn seed(&mut self, object: &str, pairs: &[(&str, &str)]) -> String {
        let at = self.now - Duration::days(30);
        self.portal
            .seed(object, vec![(at, Author::World, values(pairs))])
    }
}

pub(super) fn colleague() -> Author {
    Author::Colleague("9586504".into())
}
