//! `/query`, `/queryAll` and their following pages. A cursor keeps the ids; values are read when a page is.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::http::{Request, Response};

use super::Org;
use super::errors::Fault;
use super::ids;
use super::soql::bind::bind;
use super::soql::eval::{View, cut, matching, render, rows};
use super::soql::group::groups;
use super::soql::parser::parse;
use super::soql::plan::Plan;

/// How long a locator lives.
const LOCATOR_DAYS: i64 = 2;
/// Default and largest page.
const PAGE: usize = 2_000;
/// Smallest page a client can ask for.
const SMALLEST_PAGE: usize = 200;

/// Open result sets.
#[derive(Debug, Default)]
pub struct Cursors {
    open: BTreeMap<String, Cursor>,
    made: u64,
}

#[derive(Debug)]
struct Cursor {
    opened: DateTime<Utc>,
    plan: Plan,
    places: Vec<usize>,
    page: usize,
    deleted: bool,
}

fn page_size(request: &Request) -> Option<usize> {
    request
        .header("sforce-query-options")?
        .split([',', ';'])
        .find_map(|part| part.trim().strip_prefix("batchSize=")?.parse().ok())
        .map(|wanted: usize| wanted.clamp(SMALLEST_PAGE, PAGE))
}

impl Org {
    /// `GET /query?q=` and `GET /queryAll?q=`
    pub(super) fn query(
        &mut self,
        now: DateTime<Utc>,
        version: u32,
        deleted: bool,
        request: &Request,
    ) -> Result<Response, Fault> {
        let Some(text) = request.param("q") else {
            return Err(Fault::new(
                "MALFORMED_QUERY",
                "SOQL query missing: send it as q",
            ));
        };
        let view = View {
            now,
            deleted,
            version,
        };
        let parsed = parse(text)?;
        let plan = bind(&self.data.schema, text, &parsed, now)?;
        if plan.count_only {
            let count = cut(matching(&self.data, &plan, view), &plan).len();
            return Ok(finished(count, Vec::new()));
        }
        if !plan.grouped.is_empty() {
            let records = groups(&self.data, &plan, view);
            return Ok(finished(records.len(), records));
        }
        let places = rows(&self.data, &plan, view);
        let page = page_size(request).unwrap_or(PAGE);
        if places.len() <= page {
            return Ok(finished(places.len(), self.records(&plan, &places, view)));
        }
        self.cursors
            .open
            .retain(|_, cursor| now < cursor.opened + Duration::days(LOCATOR_DAYS));
        self.cursors.made += 1;
        let locator = ids::make("0r8", self.cursors.made);
        let cursor = Cursor {
            opened: now,
            plan,
            places,
            page,
            deleted,
        };
        self.cursors.open.insert(locator.clone(), cursor);
        self.page(&locator, 0, view)
    }

    /// `GET /query/<locator>-<offset>`
    pub(super) fn query_more(
        &mut self,
        now: DateTime<Utc>,
        version: u32,
        locator: &str,
    ) -> Result<Response, Fault> {
        let dead = || Fault::new("INVALID_QUERY_LOCATOR", "invalid query locator");
        let (locator, offset) = locator.split_once('-').unwrap_or((locator, "0"));
        let offset: usize = offset.parse().map_err(|_| dead())?;
        let cursor = self.cursors.open.get(locator).ok_or_else(dead)?;
        if now >= cursor.opened + Duration::days(LOCATOR_DAYS) || offset > cursor.places.len() {
            return Err(dead());
        }
        let view = View {
            now,
            deleted: cursor.deleted,
            version,
        };
        self.page(locator, offset, view)
    }

    fn page(&self, locator: &str, offset: usize, view: View) -> Result<Response, Fault> {
        let Some(cursor) = self.cursors.open.get(locator) else {
            return Err(Fault::new("INVALID_QUERY_LOCATOR", "invalid query locator"));
        };
        let end = (offset + cursor.page).min(cursor.places.len());
        let done = end == cursor.places.len();
        let mut answer = Map::new();
        answer.insert("totalSize".into(), json!(cursor.places.len()));
        answer.insert("done".into(), json!(done));
        if !done {
            let next = format!("/services/data/v{}.0/query/{locator}-{end}", view.version);
            answer.insert("nextRecordsUrl".into(), json!(next));
        }
        let records = self.records(&cursor.plan, &cursor.places[offset..end], view);
        answer.insert("records".into(), Value::Array(records));
        Ok(Response::json(200, &Value::Object(answer)))
    }

    fn records(&self, plan: &Plan, places: &[usize], view: View) -> Vec<Value> {
        let table = &self.data.tables[plan.object];
        places
            .iter()
            .filter_map(|place| table.rows.get(*place))
            .filter(|row| row.visible(view.now, view.deleted))
            .map(|row| render(&self.data, plan.object, row, &plan.shapes, view))
            .collect()
    }
}

fn finished(total: usize, records: Vec<Value>) -> Response {
    Response::json(
        200,
        &json!({"totalSize": total, "done": true, "records": records}),
    )
}
