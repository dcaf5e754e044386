//! getUpdated and getDeleted (docs/vendor/salesforce.md 2.5).

use chrono::{DateTime, Duration, DurationRound, Utc};
use serde_json::{Value, json};

use crate::sandbox::http::{Request, Response};

use super::Org;
use super::cells::{read_time, wire_time};
use super::data::BIN_DAYS;
use super::errors::Fault;

const LOOK_BACK_DAYS: i64 = 30;
const MAX_IDS: usize = 600_000;

fn minute(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(Duration::minutes(1)).unwrap_or(at)
}

struct Window {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    covered: DateTime<Utc>,
}

impl Org {
    /// Keeps `latestDateCovered` at or before that moment, as a long transaction would; `None` lets go.
    pub fn hold_back(&mut self, until: Option<DateTime<Utc>>) {
        self.held_back = until;
    }

    fn window(&self, now: DateTime<Utc>, request: &Request) -> Result<Window, Fault> {
        let at = |name: &str| {
            // A `+` that the client did not encode arrives as a blank.
            let text = request.param(name).unwrap_or_default().replace(' ', "+");
            read_time(&text).map(minute).ok_or_else(|| {
                let what =
                    format!("The value for the {name} parameter is not a date-time: '{text}'");
                Fault::new("INVALID_REPLICATION_DATE", what)
            })
        };
        let (from, to) = (at("start")?, at("end")?);
        let refuse = |what: &str| Err(Fault::new("INVALID_REPLICATION_DATE", what));
        if to < from + Duration::minutes(1) {
            return refuse("endDate must be at least one minute after startDate");
        }
        if from < now - Duration::days(LOOK_BACK_DAYS) {
            return refuse(
                "startDate before org replication enabled date: the limit is 30 days ago",
            );
        }
        let covered = to.min(minute(now));
        let covered = self
            .held_back
            .map_or(covered, |held| covered.min(minute(held)));
        Ok(Window { from, to, covered })
    }

    /// `GET /sobjects/X/updated`
    pub(super) fn updated(
        &self,
        now: DateTime<Utc>,
        object: usize,
        request: &Request,
    ) -> Result<Response, Fault> {
        let window = self.window(now, request)?;
        let ids: Vec<&str> = self.data.tables[object]
            .rows
            .iter()
            .filter(|row| row.live() && row.stamp >= window.from && row.stamp < window.to)
            .map(|row| row.id.as_str())
            .collect();
        check_count(ids.len())?;
        let answer = json!({"ids": ids, "latestDateCovered": wire_time(window.covered)});
        Ok(Response::json(200, &answer))
    }

    /// `GET /sobjects/X/deleted`
    pub(super) fn deleted(
        &self,
        now: DateTime<Utc>,
        object: usize,
        request: &Request,
    ) -> Result<Response, Fault> {
        let window = self.window(now, request)?;
        let earliest = minute(now - Duration::days(BIN_DAYS));
        let mut gone: Vec<(DateTime<Utc>, &str)> = self.data.tables[object]
            .rows
            .iter()
            .filter(|row| !row.hidden)
            .filter_map(|row| Some((row.deleted?, row.id.as_str())))
            .filter(|(at, _)| *at >= earliest && *at >= window.from && *at < window.to)
            .collect();
        gone.sort_unstable();
        check_count(gone.len())?;
        let records: Vec<Value> = gone
            .into_iter()
            .map(|(at, id)| json!({"id": id, "deletedDate": wire_time(at)}))
            .collect();
        Ok(Response::json(
            200,
            &json!({
                "deletedRecords": records,
                "earliestDateAvailable": wire_time(earliest),
                "latestDateCovered": wire_time(window.covered),
            }),
        ))
    }
}

fn check_count(count: usize) -> Result<(), Fault> {
    if count > MAX_IDS {
        let what = format!("more than {MAX_IDS} ids in the window: take a smaller one");
        return Err(Fault::new("EXCEEDED_ID_LIMIT", what));
    }
    Ok(())
}
