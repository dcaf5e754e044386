//! A simulated HubSpot portal that speaks the vendor's wire format (`docs/vendor/hubspot.md`), 2026-09 and the
//! numbered v1, v3 and v4 paths alike.
//!
//! [`Portal::handle`](crate::sandbox::http::Vendor::handle) is the wire; `people` is the door of the world builder and
//! the simulated colleagues; `hooks` is the fault layer's; `stats` is what was truly done. State is plain memory,
//! time comes in with every call and nothing is random, so the same calls always give the same answers.

mod account;
mod associations;
mod auth;
mod batch;
mod call;
mod check;
mod fault;
mod filter;
mod hooks;
mod index;
mod kinds;
mod labels;
mod limits;
mod links;
mod links_v3;
mod merge;
mod objects;
mod owners;
mod people;
mod pipelines;
mod properties;
mod property;
mod render;
mod router;
mod search;
mod settings;
mod stats;
mod table;
mod tables;
mod text;
mod values;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::sandbox::http::{Request, Response, Vendor};

pub use settings::{ConditionalRule, PortalSettings};

use auth::Sessions;
use call::Call;
use fault::{Answer, Fault};
use kinds::Kind;
use limits::Meter;
use links::Links;
use owners::Owner;
use pipelines::Pipeline;
use stats::Counts;
use table::Table;
use text::uuid;

/// The portal: all its records, its schema, its limits and what was asked of it.
pub struct Portal {
    settings: PortalSettings,
    tables: Vec<Table>,
    owners: Vec<Owner>,
    pipelines: BTreeMap<Kind, Vec<Pipeline>>,
    links: Links,
    sessions: Sessions,
    meter: Meter,
    counts: Counts,
    /// Writes answer 423 until then.
    locked_until: Option<DateTime<Utc>>,
    /// Everything answers 477 until then.
    migrating_until: Option<DateTime<Utc>>,
    answers: u64,
}

impl Portal {
    /// An empty portal with the schema of a new account.
    pub fn new(settings: PortalSettings) -> Self {
        Portal {
            tables: Kind::all()
                .map(|kind| Table::new(kind, &settings))
                .collect(),
            owners: Vec::new(),
            pipelines: pipelines::defaults(),
            links: Links::default(),
            sessions: Sessions::default(),
            meter: Meter::default(),
            counts: Counts::default(),
            locked_until: None,
            migrating_until: None,
            answers: 0,
            settings,
        }
    }

    /// How it was set up.
    pub fn settings(&self) -> &PortalSettings {
        &self.settings
    }

    fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind.at()]
    }

    fn table_mut(&mut self, kind: Kind) -> &mut Table {
        &mut self.tables[kind.at()]
    }

    /// The object that a path segment names, or the vendor's 400.
    fn kind(name: &str) -> Result<Kind, Fault> {
        Kind::find(name)
            .ok_or_else(|| Fault::bare(400, format!("Unable to infer object type from: {name}")))
    }

    fn answer(&mut self, now: DateTime<Utc>, request: &Request, route: &router::Route) -> Answer {
        if let Some(until) = self.migrating_until.filter(|until| *until > now) {
            let wait = (until - now).num_seconds().max(1).to_string();
            let mut fault = Fault::new(
                477,
                "MIGRATION_IN_PROGRESS",
                "This account is being moved between data centers.",
            );
            fault.headers.push(("Retry-After".into(), wait));
            return Err(fault);
        }
        if route.api == router::Api::OAuth {
            return self.oauth_call(now, request, &route.rest);
        }
        let caller = self.authenticate(now, request)?;
        self.meter.admit(now, &caller, route, &self.settings)?;
        let call = Call {
            now: text::to_millis(now),
            request,
            dated: route.strict,
            family: route.family,
            by: caller.author(),
        };
        let rest = route.rest.as_slice();
        match route.api {
            router::Api::Objects => self.objects_call(&call, rest),
            router::Api::Associations => self.associations_call(&call, rest),
            router::Api::Properties => self.properties_call(&call, rest),
            router::Api::Pipelines => self.pipelines_call(&call, rest),
            router::Api::Owners => self.owners_call(&call, rest),
            router::Api::Schemas => self.schemas_call(&call, rest),
            router::Api::Limits => self.limits_call(&call, rest),
            router::Api::Account => self.account_call(&call, rest),
            router::Api::Validations => Ok(Response::json(200, &json!({"results": []}))),
            router::Api::SecondaryEmail => self.secondary_email_call(&call, rest),
            router::Api::OAuth | router::Api::Unknown => Err(call.no_such_path()),
        }
    }
}

impl Vendor for Portal {
    fn handle(&mut self, now: DateTime<Utc>, request: &Request) -> Response {
        let route = router::route(request);
        self.answers += 1;
        let correlation = uuid(self.answers);
        let answer = self.answer(now, request, &route);
        let mut response = match answer {
            Ok(response) => response,
            Err(fault) => fault.response(&correlation),
        };
        self.counts.note(&route.template, response.status);
        if route.api != router::Api::OAuth && !route.is_search() {
            self.meter
                .headers(now, request, &self.settings, &mut response);
        }
        response
            .headers
            .push(("x-hubspot-correlation-id".into(), correlation));
        response
    }
}
