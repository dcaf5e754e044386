//! Search: windows of changes by id within fixed bounds, and look-ups by a property that is not unique
//! (sync-semantics 5.3; docs/vendor/hubspot.md 4).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::paths::{self, modified_property};
use super::records::{WirePage, WireRecord, parse_page};
use super::{HubspotClient, SYSTEM};
use crate::crm::http::{Call, Family};
use crate::crm::wire::Malformed;
use crate::crm::{CrmError, ErrorClass, Page, Purpose, Window};
use crate::domain::{Observation, Side};

/// Records of one search page, the vendor's most.
const PAGE: usize = 200;
/// Characters of a search body; the vendor's bound is 3,000 (4.3).
const LONGEST_BODY: usize = 2_900;

/// Where a window goes on: the stretches still to read, the first of them from this id on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// `[lo, hi)` in milliseconds.
    stretches: Vec<(i64, i64)>,
    after: Option<u64>,
}

impl Position {
    fn start(window: Window) -> Self {
        Position {
            stretches: vec![(window.lo.timestamp_millis(), millis_up(window.hi))],
            after: None,
        }
    }

    /// The position after a whole page of the first stretch, or after its end.
    fn next(mut self, last: Option<u64>, full: bool) -> Option<Position> {
        if full {
            self.after = last;
            return Some(self);
        }
        self.stretches.remove(0);
        self.after = None;
        (!self.stretches.is_empty()).then_some(self)
    }

    /// The first stretch in halves, from its start; `None` where it cannot be halved.
    fn halved(mut self) -> Option<Position> {
        let (lo, hi) = self.stretches.remove(0);
        let middle = lo + (hi - lo) / 2;
        if middle <= lo || middle >= hi {
            return None;
        }
        self.stretches.insert(0, (middle, hi));
        self.stretches.insert(0, (lo, middle));
        self.after = None;
        Some(self)
    }
}

fn millis_up(at: DateTime<Utc>) -> i64 {
    let whole = at.timestamp_millis();
    whole + i64::from(!at.timestamp_subsec_nanos().is_multiple_of(1_000_000))
}

/// The numeric ids of a page, where they rise strictly and lie above `after`.
fn rising(records: &[WireRecord], after: Option<u64>) -> Option<Vec<u64>> {
    let ids: Vec<u64> = records
        .iter()
        .map(|record| record.id.parse().ok())
        .collect::<Option<_>>()?;
    let mut floor = after;
    for id in &ids {
        if floor.is_some_and(|floor| *id <= floor) {
            return None;
        }
        floor = Some(*id);
    }
    Some(ids)
}

fn body(filters: &[Json], properties: &[String]) -> String {
    json!({
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": properties,
        "limit": PAGE,
    })
    .to_string()
}

fn after_filter(after: Option<u64>) -> Option<Json> {
    after.map(
        |id| json!({"propertyName": "hs_object_id", "operator": "GT", "value": id.to_string()}),
    )
}

impl HubspotClient {
    pub(super) async fn changed_page(
        &self,
        object: &str,
        fields: &[String],
        window: Window,
        resume: Option<&str>,
    ) -> Result<Page, CrmError> {
        let what = format!("read changes of {object}");
        let mut position = match resume {
            None => Position::start(window),
            Some(token) => serde_json::from_str::<Position>(token)
                .ok()
                .filter(|position| !position.stretches.is_empty())
                .ok_or_else(|| self.bad_token(&what, token))?,
        };
        let modified = modified_property(object);
        loop {
            let (lo, hi) = position.stretches[0];
            let first_of_all =
                position.after.is_none() && position.stretches.len() == 1 && resume.is_none();
            let mut filters = vec![
                json!({"propertyName": modified, "operator": "GTE", "value": lo.to_string()}),
                json!({"propertyName": modified, "operator": "LT", "value": hi.to_string()}),
            ];
            filters.extend(after_filter(position.after));
            let (page, records) = self
                .search_page(Purpose::Observe, &what, object, &filters, fields)
                .await?;
            let Some(ids) = rising(&page.results, position.after) else {
                position = position.halved().ok_or_else(|| {
                    self.bug(&what, &Malformed::new("search", "a page's ids do not rise"))
                })?;
                continue;
            };
            let length = page.results.len() as u64;
            let full = page.results.len() >= PAGE && page.total.is_none_or(|total| total > length);
            let next = position.next(ids.last().copied(), full);
            return Ok(Page {
                records,
                next: next.and_then(|next| serde_json::to_string(&next).ok()),
                total: page.total.filter(|_| first_of_all),
            });
        }
    }

    /// Live records whose property is one of the values (4.8: text must be lower case in an IN list).
    pub(super) async fn search_values(
        &self,
        purpose: Purpose,
        object: &str,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Vec<Observation>, CrmError> {
        let what = format!("search {object} by {field}");
        self.name(&what, field)?;
        let mut wanted = fields.to_vec();
        if !wanted.iter().any(|name| name == field) {
            wanted.push(field.to_owned());
        }
        let mut lowered: Vec<String> = values
            .iter()
            .map(|value| value.trim().to_lowercase())
            .filter(|value| !value.is_empty())
            .collect();
        lowered.sort_unstable();
        lowered.dedup();
        let mut found = Vec::new();
        for list in lists(field, lowered) {
            let mut after = None;
            loop {
                let mut filters =
                    vec![json!({"propertyName": field, "operator": "IN", "values": list})];
                filters.extend(after_filter(after));
                let (page, records) = self
                    .search_page(purpose, &what, object, &filters, &wanted)
                    .await?;
                found.extend(records);
                let ids = rising(&page.results, after).ok_or_else(|| {
                    self.bug(&what, &Malformed::new("search", "a page's ids do not rise"))
                })?;
                if ids.len() < PAGE {
                    break;
                }
                after = ids.last().copied();
            }
        }
        Ok(found)
    }

    /// One search call. Where the property names alone would outgrow the body, the page is filled by batch reads.
    async fn search_page(
        &self,
        purpose: Purpose,
        what: &str,
        object: &str,
        filters: &[Json],
        fields: &[String],
    ) -> Result<(WirePage, Vec<Observation>), CrmError> {
        self.name(what, object)?;
        let asked = self.asked(what, object, fields)?;
        let whole = body(filters, &asked);
        let fits = whole.chars().count() <= LONGEST_BODY;
        let system: Vec<String> = SYSTEM.iter().map(|name| (*name).to_owned()).collect();
        let text = if fits { whole } else { body(filters, &system) };
        let path = paths::objects(object, "/search");
        let mut call = Call::ask(purpose, what, path, text.into_bytes());
        call.family = Family::Search;
        let page = self.http.fetch(&call, parse_page).await?;
        if fits {
            let records = self
                .observe_all(what, object, &page.results, fields)
                .await?;
            return Ok((page, records));
        }
        let ids: Vec<String> = page
            .results
            .iter()
            .map(|record| record.id.clone())
            .collect();
        let filled = self
            .batch_read(purpose, what, object, &ids, fields, false)
            .await?;
        let records = self.observe_all(what, object, &filled, fields).await?;
        Ok((page, records))
    }

    fn bad_token(&self, what: &str, token: &str) -> CrmError {
        let message = format!(
            "the stored position \"{}\" cannot be read; start this window again",
            crate::crm::excerpt(token)
        );
        CrmError::new(Side::HubSpot, what, ErrorClass::Bug, message)
    }
}

/// Cuts values into lists whose body stays small: 1,000 characters are left to names and frame.
fn lists(field: &str, values: Vec<String>) -> Vec<Vec<String>> {
    let room = LONGEST_BODY - 1_000 - field.len();
    let mut lists: Vec<Vec<String>> = Vec::new();
    let mut used = room;
    for value in values {
        let cost = Json::String(value.clone()).to_string().chars().count() + 1;
        match lists.last_mut() {
            Some(list) if used + cost <= room && list.len() < 100 => {
                list.push(value);
                used += cost;
            }
            _ => {
                lists.push(vec![value]);
                used = cost;
            }
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> WireRecord {
        super::super::records::parse_record(format!(r#"{{"id":"{id}"}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn a_page_must_rise_in_numeric_id_above_the_last() {
        let page: Vec<WireRecord> = ["9", "10", "200"].map(record).into();
        assert_eq!(rising(&page, Some(8)), Some(vec![9, 10, 200]));
        assert_eq!(rising(&page, Some(9)), None);
        let text_order: Vec<WireRecord> = ["10", "9"].map(record).into();
        assert_eq!(rising(&text_order, None), None);
        assert_eq!(rising(&[record("abc")], None), None);
    }

    #[test]
    fn a_stretch_is_halved_until_it_is_a_millisecond() {
        let mut position = Position {
            stretches: vec![(0, 8)],
            after: Some(7),
        };
        position = position.halved().unwrap();
        assert_eq!(
            position,
            Position {
                stretches: vec![(0, 4), (4, 8)],
                after: None
            }
        );
        let one = Position {
            stretches: vec![(0, 1)],
            after: None,
        };
        assert_eq!(one.halved(), None);
        let second = position.next(Some(3), false).unwrap();
        assert_eq!(second.stretches, [(4, 8)]);
        assert_eq!(second.clone().next(Some(5), true).unwrap().after, Some(5));
        assert_eq!(second.next(Some(5), false), None);
    }

    #[test]
    fn every_list_of_values_keeps_the_body_under_the_bound() {
        let values: Vec<String> = (0..500)
            .map(|n| format!("person.{n}@long-company-name.example"))
            .collect();
        let lists = lists("email", values.clone());
        assert_eq!(lists.concat(), values);
        for list in &lists {
            let filter = json!({"propertyName": "email", "operator": "IN", "values": list});
            let properties: Vec<String> = (0..30).map(|n| format!("property_number_{n}")).collect();
            assert!(body(&[filter], &properties).chars().count() <= LONGEST_BODY);
        }
    }
}
