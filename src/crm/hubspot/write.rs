//! Batch create, update and upsert with a trace id on every input, so that one bad record does not refuse the others
//! (docs/vendor/hubspot.md 3.16 to 3.18).

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::read::BATCH;
use super::records::{WirePage, WireRecord, observation, parse_page};
use super::refusal::{WireError, vendor_error};
use super::{HubspotClient, paths};
use crate::crm::http::Call;
use crate::crm::wire::text_of;
use crate::crm::{CrmError, ErrorClass, Purpose, WriteItem, WriteKind, WriteRequest, WriteResult};
use crate::domain::{Observation, RecordId, Side, Value};

impl HubspotClient {
    pub(super) async fn write_batch(
        &self,
        purpose: Purpose,
        request: &WriteRequest,
    ) -> Result<Vec<WriteResult>, CrmError> {
        let object = &request.object;
        let what = format!("write {object}");
        self.name(&what, object)?;
        let tail = match &request.kind {
            WriteKind::Upsert { key_field } => {
                self.name(&what, key_field)?;
                "/batch/upsert"
            }
            WriteKind::Create => "/batch/create",
            WriteKind::Update => "/batch/update",
            WriteKind::UpdateUnmodified { .. } => {
                let message = "HubSpot has no conditional update";
                return Err(CrmError::new(
                    Side::HubSpot,
                    &what,
                    ErrorClass::Bug,
                    message,
                ));
            }
            WriteKind::Delete => return self.archive(purpose, object, &request.items).await,
            WriteKind::Join { set } => {
                return self.join(purpose, object, *set, &request.items).await;
            }
            WriteKind::Part { set } => {
                return self.part(purpose, object, *set, &request.items).await;
            }
            WriteKind::Associate { to_object } => {
                return self
                    .associate(purpose, object, to_object, &request.items)
                    .await;
            }
            WriteKind::Dissociate { to_object } => {
                return self
                    .dissociate(purpose, object, to_object, &request.items)
                    .await;
            }
        };
        if request.items.is_empty() {
            return Ok(Vec::new());
        }
        let fault = |message: String| CrmError::new(Side::HubSpot, &what, ErrorClass::Bug, message);
        if request.items.len() > BATCH {
            let message = format!(
                "{} records in a batch of at most {BATCH}",
                request.items.len()
            );
            return Err(fault(message));
        }
        let inputs: Vec<Json> = request
            .items
            .iter()
            .map(|item| input(&request.kind, item))
            .collect::<Option<_>>()
            .ok_or_else(|| fault("an item lacks the id or key that its kind needs".into()))?;
        let body = json!({"inputs": inputs}).to_string().into_bytes();
        let mut call = Call::write(purpose, "POST", &what, paths::objects(object, tail), body);
        // A second one is another record (docs/vendor/hubspot.md 10.3).
        call.makes = request.kind == WriteKind::Create;
        let page = self.http.fetch(&call, parse_page).await?;
        self.learn_app(&request.kind, &page);
        let now = self.http.clock.now();
        let stored = |record: &WireRecord| {
            let names: Vec<String> = record
                .properties
                .as_ref()
                .map(|properties| properties.keys().cloned().collect())
                .unwrap_or_default();
            observation(object, record, &names, None, now).ok()
        };
        Ok(outcomes(&request.kind, &request.items, &page, stored))
    }

    /// Archives records: an answer without words, also for those that were archived before (3.14, 3.16).
    async fn archive(
        &self,
        purpose: Purpose,
        object: &str,
        items: &[WriteItem],
    ) -> Result<Vec<WriteResult>, CrmError> {
        let what = format!("archive {object}");
        let ids: Option<Vec<&RecordId>> = items.iter().map(|item| item.id.as_ref()).collect();
        let ids = ids.filter(|ids| ids.len() <= BATCH).ok_or_else(|| {
            let message = "a deletion needs ids, and at most a hundred";
            CrmError::new(Side::HubSpot, &what, ErrorClass::Bug, message)
        })?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let inputs: Vec<Json> = ids.iter().map(|id| json!({"id": id.as_str()})).collect();
        let body = json!({"inputs": inputs}).to_string().into_bytes();
        let path = paths::objects(object, "/batch/archive");
        let call = Call::write(purpose, "POST", &what, path, body);
        self.http.fetch(&call, |_: &[u8]| Ok(())).await?;
        let done = |id: &RecordId| WriteResult::Done {
            id: id.clone(),
            created: false,
            stored: None,
        };
        Ok(ids.into_iter().map(done).collect())
    }

    /// Our app's id stands in what we create (3.12): it tells our own versions of a property later.
    fn learn_app(&self, kind: &WriteKind, page: &WirePage) {
        let made = |record: &&WireRecord| *kind == WriteKind::Create || record.new == Some(true);
        let app = |record: &WireRecord| {
            let properties = record.properties.as_ref()?;
            let source = text_of(properties, "hs_object_source")?;
            let id = text_of(properties, "hs_object_source_id")?;
            (source == "INTEGRATION").then_some(id)
        };
        if let Some(id) = page.results.iter().filter(made).find_map(app) {
            self.set_app_id(&id);
        }
    }
}

/// One input of the body; `None` where the item lacks what its kind needs.
fn input(kind: &WriteKind, item: &WriteItem) -> Option<Json> {
    let mut properties = Map::new();
    for (name, value) in &item.fields {
        match value {
            Value::Unknown => {}
            // JSON null would answer success and change nothing (5.8).
            Value::Null => {
                properties.insert(name.clone(), json!(""));
            }
            Value::Text(text) => {
                properties.insert(name.clone(), json!(text));
            }
        }
    }
    let token = &item.token;
    Some(match kind {
        WriteKind::Upsert { key_field } => {
            let key = item.key.as_ref().filter(|key| !key.is_empty())?;
            properties.insert(key_field.clone(), json!(key));
            json!({"id": key, "idProperty": key_field, "properties": properties, "objectWriteTraceId": token})
        }
        WriteKind::Update => {
            json!({"id": item.id.as_ref()?.as_str(), "properties": properties, "objectWriteTraceId": token})
        }
        _ => json!({"properties": properties, "associations": [], "objectWriteTraceId": token}),
    })
}

/// Joins results and errors to the items: by trace id, else by id or key, else by being the only ones left.
fn outcomes(
    kind: &WriteKind,
    items: &[WriteItem],
    page: &WirePage,
    stored: impl Fn(&WireRecord) -> Option<Observation>,
) -> Vec<WriteResult> {
    let mut results: BTreeMap<usize, WriteResult> = BTreeMap::new();
    let done = |record: &WireRecord| WriteResult::Done {
        id: RecordId(record.id.clone()),
        created: match kind {
            WriteKind::Create => true,
            WriteKind::Upsert { .. } => record.new.unwrap_or(false),
            _ => false,
        },
        stored: stored(record).map(Box::new),
    };
    let mut unplaced = Vec::new();
    for record in &page.results {
        match place_of_record(kind, items, record) {
            Some(place) => {
                results.entry(place).or_insert_with(|| done(record));
            }
            None => unplaced.push(record),
        }
    }
    let mut vague: Vec<&WireError> = Vec::new();
    for error in &page.errors {
        let places = places_of_error(items, error);
        if places.is_empty() {
            vague.push(error);
        }
        for place in places {
            let refusal = WriteResult::Refused(vendor_error(0, error).0);
            results.entry(place).or_insert(refusal);
        }
    }
    let open: Vec<usize> = (0..items.len())
        .filter(|place| !results.contains_key(place))
        .collect();
    if let ([place], [record], []) = (&open[..], &unplaced[..], &vague[..]) {
        results.insert(*place, done(record));
    } else if let ([place], [], [error]) = (&open[..], &unplaced[..], &vague[..]) {
        results.insert(*place, WriteResult::Refused(vendor_error(0, error).0));
    }
    (0..items.len())
        .map(|place| {
            results.remove(&place).unwrap_or_else(|| {
                WriteResult::Unknown("the answer does not say what became of this record".into())
            })
        })
        .collect()
}

fn place_of_record(kind: &WriteKind, items: &[WriteItem], record: &WireRecord) -> Option<usize> {
    if let Some(trace) = &record.object_write_trace_id {
        return items.iter().position(|item| item.token == *trace);
    }
    match kind {
        WriteKind::Update => items
            .iter()
            .position(|item| item.id.as_ref().is_some_and(|id| id.as_str() == record.id)),
        WriteKind::Upsert { key_field } => {
            let key = text_of(record.properties.as_ref()?, key_field)?.to_lowercase();
            items.iter().position(|item| {
                item.key
                    .as_ref()
                    .is_some_and(|own| own.to_lowercase() == key)
            })
        }
        _ => None,
    }
}

fn places_of_error(items: &[WriteItem], error: &WireError) -> Vec<usize> {
    let traces = error.context_texts("objectWriteTraceId");
    let mut ids = error.context_texts("ids");
    ids.extend(error.context_texts("id"));
    let named = |item: &WriteItem| {
        if !traces.is_empty() {
            return traces.contains(&item.token);
        }
        let own = item.id.as_ref().map(RecordId::as_str);
        let is = |text: Option<&str>| text.is_some_and(|text| ids.iter().any(|id| id == text));
        is(own) || is(item.key.as_deref())
    };
    (0..items.len())
        .filter(|place| named(&items[*place]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ErrorCategory;

    fn item(token: &str, id: &str, key: &str) -> WriteItem {
        WriteItem {
            token: token.into(),
            id: Some(id.into()),
            key: Some(key.into()),
            to: None,
            fields: BTreeMap::from([
                ("city".to_owned(), Value::text("Köln")),
                ("phone".to_owned(), Value::Null),
                ("fax".to_owned(), Value::Unknown),
            ]),
        }
    }

    fn joined(kind: &WriteKind, body: &str) -> Vec<WriteResult> {
        let items = [item("t1", "1", "K1"), item("t2", "2", "k2")];
        outcomes(kind, &items, &parse_page(body.as_bytes()).unwrap(), |_| {
            None
        })
    }

    #[test]
    fn blanks_are_empty_strings_and_unknowns_are_left_out() {
        let upsert = WriteKind::Upsert {
            key_field: "sf_id".into(),
        };
        let expected = r#"{"id":"K1","idProperty":"sf_id","properties":{"city":"Köln","phone":"","sf_id":"K1"},"objectWriteTraceId":"t1"}"#;
        assert_eq!(
            input(&upsert, &item("t1", "1", "K1")).unwrap().to_string(),
            expected
        );
        let update = input(&WriteKind::Update, &item("t1", "1", "K1")).unwrap();
        assert_eq!(update["id"], "1");
        assert!(input(&upsert, &item("t1", "1", "")).is_none());
    }

    #[test]
    fn results_join_by_trace_id_in_any_order_and_errors_too() {
        let body = r#"{"status":"COMPLETE","results":[{"id":"20","objectWriteTraceId":"t2","new":true}],"numErrors":1,
          "errors":[{"status":"error","category":"CONFLICT","message":"Contact already exists. Existing ID: 77","context":{"objectWriteTraceId":["t1"],"existingId":["77"]}}]}"#;
        let results = joined(
            &WriteKind::Upsert {
                key_field: "k".into(),
            },
            body,
        );
        assert!(matches!(&results[0], WriteResult::Refused(error)
            if error.category == ErrorCategory::Duplicate && error.holder == Some("77".into())));
        assert!(
            matches!(&results[1], WriteResult::Done { id, created: true, .. } if id.as_str() == "20")
        );
    }

    #[test]
    fn without_trace_ids_id_and_key_join() {
        let body = r#"{"results":[{"id":"2"},{"id":"1"}]}"#;
        let results = joined(&WriteKind::Update, body);
        assert!(
            matches!(&results[0], WriteResult::Done { id, created: false, .. } if id.as_str() == "1")
        );
        let body = r#"{"results":[{"id":"9","properties":{"sf":"K2"},"new":false},{"id":"8","properties":{"sf":"k1"},"new":true}]}"#;
        let results = joined(
            &WriteKind::Upsert {
                key_field: "sf".into(),
            },
            body,
        );
        assert!(
            matches!(&results[0], WriteResult::Done { id, created: true, .. } if id.as_str() == "8")
        );
        let body = r#"{"results":[{"id":"1"}],"errors":[{"category":"OBJECT_NOT_FOUND","message":"gone","context":{"ids":["2"]}}]}"#;
        let results = joined(&WriteKind::Update, body);
        assert!(
            matches!(&results[1], WriteResult::Refused(error) if error.category == ErrorCategory::Gone)
        );
    }

    #[test]
    fn what_the_answer_does_not_tell_is_unknown() {
        let results = joined(&WriteKind::Create, r#"{"results":[]}"#);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, WriteResult::Unknown(_)))
        );
        let one_left = joined(
            &WriteKind::Create,
            r#"{"results":[{"id":"5","objectWriteTraceId":"t1"},{"id":"6"}]}"#,
        );
        assert!(
            matches!(&one_left[1], WriteResult::Done { id, created: true, .. } if id.as_str() == "6")
        );
        let two_left = joined(&WriteKind::Create, r#"{"results":[{"id":"5"},{"id":"6"}]}"#);
        assert!(
            two_left
                .iter()
                .all(|result| matches!(result, WriteResult::Unknown(_)))
        );
    }
}
