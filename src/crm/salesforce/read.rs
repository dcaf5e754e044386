//! Reading: windows and lists by keyset, records by id, look-ups by key (sync-semantics 5.1, 5.2; salesforce.md 2.4, 2.5, 3.2).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::ids::sound;
use super::records::{
    QueryPage, asked_fields, observation, parse_covered, parse_query, parse_retrieve,
};
use super::soql::{self, encode, in_list, lists, quote, second_down, second_up};
use super::{SalesforceClient, data_path};
use crate::crm::http::Call;
use crate::crm::wire::{Malformed, RawFields};
use crate::crm::{CrmError, ErrorClass, Found, Page, Purpose, SafeNow, Window};
use crate::domain::{Observation, Presence, RecordId, Side};

/// Rows of one page, the vendor's most.
const PAGE: usize = 2_000;
/// Ids of one retrieve.
const RETRIEVE: usize = 2_000;
/// Values of one `IN` list of ids.
const IN_LIST: usize = 400;
/// Held back from the present where the vendor tells what is covered (5.1).
const MARGIN: chrono::Duration = chrono::Duration::seconds(5);
/// Held back where it does not.
const BLIND_MARGIN: chrono::Duration = chrono::Duration::seconds(60);

/// What a request answered, and when it was asked: what changes while the answer is on its way is not in it, and Salesforce's whole
/// seconds do not tell it from what is (5.1).
pub(super) struct Rows {
    at: DateTime<Utc>,
    pub(super) rows: Vec<RawFields>,
}

/// Where a keyset query goes on: after this stamp and id.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    stamp: String,
    id: String,
}

/// A stamp as it was: whole seconds in practice (2.6), fractions where a row has them, so that a page never repeats.
fn exact(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

impl Position {
    fn token(&self) -> String {
        format!("{}|{}", self.stamp, self.id)
    }

    fn read(token: &str) -> Option<Position> {
        let (stamp, id) = token.split_once('|')?;
        let at = crate::crm::wire::moment(stamp)?;
        Some(Position {
            stamp: exact(at),
            id: sound(id)?,
        })
    }
}

impl SalesforceClient {
    pub(super) async fn safe_moment(&self, object: &str) -> Result<SafeNow, CrmError> {
        let what = format!("watermark {object}");
        self.name(&what, object)?;
        let server_now = self.http.server_now();
        let start = server_now - chrono::Duration::minutes(2);
        let path = data_path(&format!(
            "/sobjects/{object}/updated/?start={}&end={}",
            encode(&second_down(start)),
            encode(&second_up(server_now)),
        ));
        let call = Call::get(Purpose::Watermark, what, path);
        match self.http.fetch(&call, parse_covered).await {
            Ok(covered) => Ok(SafeNow {
                safe: covered.min(server_now - MARGIN),
                server_now,
                covered: true,
            }),
            // The object has no replication endpoint (2.5: replicateable ones only), or this user may not use it.
            Err(error)
                if matches!(
                    error.class,
                    ErrorClass::Record | ErrorClass::Systemic | ErrorClass::Bug
                ) && error.vendor.is_some() =>
            {
                Ok(SafeNow {
                    safe: server_now - BLIND_MARGIN,
                    server_now,
                    covered: false,
                })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn changed_page(
        &self,
        object: &str,
        fields: &[String],
        window: Window,
        resume: Option<&str>,
    ) -> Result<Page, CrmError> {
        let what = format!("read changes of {object}");
        let select = self.select(&what, object, fields)?;
        let hi = second_up(window.hi);
        let filter = match self.position(&what, resume)? {
            None => format!(
                "SystemModstamp >= {} AND SystemModstamp < {hi}",
                second_down(window.lo)
            ),
            Some(Position { stamp, id }) => format!(
                "((SystemModstamp = {stamp} AND Id > {}) OR SystemModstamp > {stamp}) AND SystemModstamp < {hi}",
                quote(&id)
            ),
        };
        let soql =
            format!("{select} WHERE {filter} ORDER BY SystemModstamp ASC, Id ASC LIMIT {PAGE}");
        let rows = self.query(Purpose::Observe, &what, &soql, true).await?;
        self.page(&what, object, fields, rows, |last| {
            Position {
                stamp: exact(last.modstamp),
                id: last.id.0.clone(),
            }
            .token()
        })
    }

    pub(super) async fn list_page(
        &self,
        object: &str,
        fields: &[String],
        resume: Option<&str>,
    ) -> Result<Page, CrmError> {
        let what = format!("list {object}");
        let select = self.select(&what, object, fields)?;
        let filter = match resume {
            None => String::new(),
            Some(token) => {
                let id = sound(token).ok_or_else(|| self.bad_token(&what, token))?;
                format!(" WHERE Id > {}", quote(&id))
            }
        };
        let soql = format!("{select}{filter} ORDER BY Id ASC LIMIT {PAGE}");
        let rows = self.query(Purpose::Observe, &what, &soql, false).await?;
        self.page(&what, object, fields, rows, |last| last.id.0.clone())
    }

    pub(super) async fn read_ids(
        &self,
        purpose: Purpose,
        object: &str,
        ids: &[RecordId],
        fields: &[String],
    ) -> Result<Vec<Found>, CrmError> {
        let what = format!("read {object}");
        // A retrieve knows the object's own fields only (3.2); a parent's stay unknown.
        let mut asked = self.asked(&what, object, fields)?;
        asked.retain(|name| !name.contains('.'));
        let mut wanted: Vec<String> = ids.iter().filter_map(|id| sound(id.as_str())).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut seen: BTreeMap<String, Observation> = BTreeMap::new();
        for chunk in wanted.chunks(RETRIEVE) {
            let body = json!({"ids": chunk, "fields": asked}).to_string();
            let path = data_path(&format!("/composite/sobjects/{object}"));
            let call = Call::ask(purpose, &what, path, body.into_bytes());
            let at = self.http.clock.now();
            let rows = self.http.fetch(&call, parse_retrieve).await?;
            if rows.len() != chunk.len() {
                let why = format!("{} rows came for {} ids", rows.len(), chunk.len());
                return Err(self.bug(&what, &Malformed::new("retrieve", why)));
            }
            let rows = rows.into_iter().flatten().collect();
            self.note_all(&what, object, fields, Rows { at, rows }, &mut seen)?;
        }
        // The retrieve leaves deleted rows out: a second look tells them from hidden ones.
        let missing: Vec<String> = wanted
            .into_iter()
            .filter(|id| !seen.contains_key(id))
            .collect();
        let select = self.select(&what, object, fields)?;
        for list in lists(&format!("{select} WHERE Id IN ()"), &missing, IN_LIST) {
            let soql = format!("{select} WHERE {}", in_list("Id", &list));
            let rows = self.query(purpose, &what, &soql, true).await?;
            self.note_all(&what, object, fields, rows, &mut seen)?;
        }
        let now = self.http.clock.now();
        let found = ids.iter().map(|id| {
            let wide = sound(id.as_str()).unwrap_or_default();
            let record = seen
                .get(&wide)
                .cloned()
                .unwrap_or_else(|| inaccessible(object, id, self.http.server_now(), now));
            Found {
                asked: id.0.clone(),
                records: vec![record],
            }
        });
        Ok(found.collect())
    }

    /// Rows whose field equals a value; deleted ones too where `deleted`.
    pub(super) async fn rows_by_value(
        &self,
        purpose: Purpose,
        object: &str,
        field: &str,
        values: &[String],
        fields: &[String],
        deleted: bool,
    ) -> Result<Vec<Observation>, CrmError> {
        let what = format!("look up {object} by {field}");
        self.name(&what, field)?;
        let mut with_key = fields.to_vec();
        if !with_key.iter().any(|name| name.eq_ignore_ascii_case(field)) {
            with_key.push(field.to_owned());
        }
        let select = self.select(&what, object, &with_key)?;
        let mut unique: Vec<String> = values.iter().filter(|v| !v.is_empty()).cloned().collect();
        unique.sort_unstable();
        unique.dedup();
        let mut found = Vec::new();
        for list in lists(&format!("{select} WHERE {field} IN ()"), &unique, IN_LIST) {
            let soql = format!("{select} WHERE {}", in_list(field, &list));
            let Rows { at, rows } = self.query(purpose, &what, &soql, deleted).await?;
            for row in &rows {
                found.push(self.observe(&what, object, &with_key, row, at)?);
            }
        }
        Ok(found)
    }

    pub(super) async fn look_up_values(
        &self,
        purpose: Purpose,
        object: &str,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Vec<Found>, CrmError> {
        let rows = self
            .rows_by_value(purpose, object, field, values, fields, true)
            .await?;
        let mut by_value: BTreeMap<String, Vec<Observation>> = BTreeMap::new();
        for row in rows {
            if let Some(key) = row.value(field).as_text() {
                by_value
                    .entry(key.to_lowercase())
                    .or_default()
                    .push(row.clone());
            }
        }
        let found = values.iter().map(|asked| Found {
            asked: asked.clone(),
            records: by_value
                .get(&asked.to_lowercase())
                .cloned()
                .unwrap_or_default(),
        });
        Ok(found.collect())
    }

    /// Runs a query to the end of what it returns (one page of `PAGE`, which the vendor may cut).
    pub(super) async fn query(
        &self,
        purpose: Purpose,
        what: &str,
        soql: &str,
        deleted: bool,
    ) -> Result<Rows, CrmError> {
        let at = self.http.clock.now();
        let mut page = self.first_page(purpose, what, soql, deleted).await?;
        let mut rows = std::mem::take(&mut page.records);
        let mut seen = BTreeSet::new();
        while let Some(path) = page.next_records_url.filter(|_| !page.done) {
            if !path.starts_with("/services/data/") {
                return Err(self.bug(
                    what,
                    &Malformed::new("query", "the next page lies elsewhere"),
                ));
            }
            if !seen.insert(path.clone()) {
                let why = Malformed::new("query", "its pages go round in a circle");
                return Err(self.bug(what, &why));
            }
            let call = Call::get(purpose, what, path);
            page = self.http.fetch(&call, parse_query).await?;
            rows.append(&mut page.records);
        }
        Ok(Rows { at, rows })
    }

    async fn first_page(
        &self,
        purpose: Purpose,
        what: &str,
        soql: &str,
        deleted: bool,
    ) -> Result<QueryPage, CrmError> {
        let resource = if deleted { "/queryAll" } else { "/query" };
        let path = data_path(&format!("{resource}?q={}", encode(soql)));
        if soql::fits(soql) {
            let call = Call::get(purpose, what, path);
            return self.http.fetch(&call, parse_query).await;
        }
        // Too long for an address: the same request inside a composite, which counts as one call (3.3).
        let inner =
            json!({"compositeRequest": [{"method": "GET", "url": path, "referenceId": "q"}]});
        let call = Call::ask(
            purpose,
            what,
            data_path("/composite"),
            inner.to_string().into_bytes(),
        );
        let answer = self.http.send(&call).await?;
        let inner = super::composite::only(&answer.body).map_err(|why| self.bug(what, &why))?;
        if (200..300).contains(&inner.status) {
            return parse_query(&inner.body).map_err(|why| self.bug(what, &why));
        }
        let refusal = super::refusal::refusal(&inner);
        Err(CrmError {
            vendor: Some(refusal.vendor.clone()),
            ..CrmError::new(
                Side::Salesforce,
                what,
                refusal.class,
                format!("{}. {}", refusal.vendor.text, refusal.next),
            )
        })
    }

    fn page(
        &self,
        what: &str,
        object: &str,
        fields: &[String],
        found: Rows,
        token: impl Fn(&Observation) -> String,
    ) -> Result<Page, CrmError> {
        let records: Vec<Observation> = found
            .rows
            .iter()
            .map(|row| self.observe(what, object, fields, row, found.at))
            .collect::<Result<_, _>>()?;
        let next = records.last().filter(|_| records.len() >= PAGE).map(token);
        Ok(Page {
            records,
            next,
            total: None,
        })
    }

    fn note_all(
        &self,
        what: &str,
        object: &str,
        fields: &[String],
        found: Rows,
        seen: &mut BTreeMap<String, Observation>,
    ) -> Result<(), CrmError> {
        for row in &found.rows {
            let record = self.observe(what, object, fields, row, found.at)?;
            seen.insert(record.id.0.clone(), record);
        }
        Ok(())
    }

    fn observe(
        &self,
        what: &str,
        object: &str,
        fields: &[String],
        row: &RawFields,
        at: DateTime<Utc>,
    ) -> Result<Observation, CrmError> {
        observation(object, row, fields, at).map_err(|why| self.bug(what, &why))
    }

    fn asked(&self, what: &str, object: &str, fields: &[String]) -> Result<Vec<String>, CrmError> {
        self.name(what, object)?;
        for field in fields {
            self.name(what, field)?;
        }
        let schema = self.known(object);
        let mut asked = asked_fields(object, fields);
        if let Some(schema) = schema {
            // A marker that this organisation hides must not spoil the query; a mapped field that is gone must.
            asked.retain(|name| {
                schema.fields.contains_key(name)
                    || fields.iter().any(|field| field.eq_ignore_ascii_case(name))
            });
        }
        Ok(asked)
    }

    fn select(&self, what: &str, object: &str, fields: &[String]) -> Result<String, CrmError> {
        let asked = self.asked(what, object, fields)?;
        Ok(format!("SELECT {} FROM {object}", asked.join(",")))
    }

    fn position(&self, what: &str, resume: Option<&str>) -> Result<Option<Position>, CrmError> {
        resume
            .map(|token| Position::read(token).ok_or_else(|| self.bad_token(what, token)))
            .transpose()
    }

    fn bad_token(&self, what: &str, token: &str) -> CrmError {
        let message = format!(
            "the stored position \"{}\" cannot be read; start this window again",
            crate::crm::excerpt(token)
        );
        CrmError::new(Side::Salesforce, what, ErrorClass::Bug, message)
    }
}

/// What is said of an id that nothing answers to: no evidence of deletion (12.1).
fn inaccessible(
    object: &str,
    id: &RecordId,
    server_now: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Observation {
    Observation {
        side: Side::Salesforce,
        object: object.to_owned(),
        id: id.clone(),
        fields: BTreeMap::new(),
        modstamp: server_now,
        modified_at: None,
        created_at: None,
        modified_by: None,
        presence: Presence::Inaccessible,
        observed_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_token() {
        let position = Position {
            stamp: "2026-11-20T09:15:02Z".into(),
            id: "003Wb00000Ab1cDIAR".into(),
        };
        assert_eq!(Position::read(&position.token()), Some(position));
        for bad in [
            "",
            "|",
            "2026-11-20T09:15:02Z|",
            "now|003Wb00000Ab1cDIAR",
            "2026-11-20T09:15:02Z|x' OR",
        ] {
            assert_eq!(Position::read(bad), None, "{bad}");
        }
    }
}
