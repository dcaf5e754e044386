//! Versions of properties, for conflicts (docs/vendor/hubspot.md 3.8, 11.12).

use std::collections::BTreeMap;

use serde_json::json;

use super::records::{WireVersion, parse_page};
use super::{HubspotClient, paths};
use crate::crm::http::Call;
use crate::crm::wire::{moment, value};
use crate::crm::{CrmError, FieldVersion, Purpose};
use crate::domain::{RecordId, Value};

/// Records of one call: history brings the page limit to 50 (3.3).
const BATCH: usize = 50;

/// Versions by record and property.
type Versions = BTreeMap<RecordId, BTreeMap<String, Vec<FieldVersion>>>;

impl HubspotClient {
    pub(super) async fn versions(
        &self,
        object: &str,
        ids: &[RecordId],
        fields: &[String],
    ) -> Result<Versions, CrmError> {
        let what = format!("read history of {object}");
        self.name(&what, object)?;
        for field in fields {
            self.name(&what, field)?;
        }
        let mut asked: Vec<&RecordId> = ids.iter().collect();
        asked.sort_unstable();
        asked.dedup();
        let app = self.app_id();
        let mut found = Versions::new();
        for chunk in asked.chunks(BATCH) {
            let inputs: Vec<_> = chunk.iter().map(|id| json!({"id": id.as_str()})).collect();
            let body = json!({
                "inputs": inputs,
                "properties": ["hs_object_id"],
                "propertiesWithHistory": fields,
            });
            let path = paths::objects(object, "/batch/read");
            let body = body.to_string().into_bytes();
            let call = Call::ask(Purpose::FieldTimes, &what, path, body);
            for record in self.http.fetch(&call, parse_page).await?.results {
                let by_field = record
                    .properties_with_history
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(field, versions)| (field, sorted(&versions, app.as_deref())))
                    .collect();
                found.insert(RecordId(record.id), by_field);
            }
        }
        Ok(found)
    }
}

/// Newest first; a version without a moment says nothing and is left out.
fn sorted(versions: &[WireVersion], app: Option<&str>) -> Vec<FieldVersion> {
    let mut all: Vec<FieldVersion> = versions
        .iter()
        .filter_map(|version| {
            let at = value(version.timestamp.as_ref()?);
            Some(FieldVersion {
                value: version.value.as_deref().map_or(Value::Null, value),
                at: moment(at.as_text()?)?,
                by: by(version),
                ours: ours(version, app),
                by_hand: version.source_type.as_deref() == Some(SCREEN),
            })
        })
        .collect();
    all.sort_by_key(|version| std::cmp::Reverse(version.at));
    all
}

/// The source of what a person enters in HubSpot's own screens.
const SCREEN: &str = "CRM_UI";

fn by(version: &WireVersion) -> Option<String> {
    match (&version.source_type, &version.source_id) {
        (Some(kind), Some(id)) if !id.is_empty() => Some(format!("{kind} {id}")),
        (kind, id) => kind.clone().or(id.clone()),
    }
}

/// Our own writes show as INTEGRATION with our app's id; while that is not known, every integration's might be ours.
fn ours(version: &WireVersion, app: Option<&str>) -> bool {
    version.source_type.as_deref() == Some("INTEGRATION")
        && match (app, version.source_id.as_deref()) {
            (Some(app), Some(id)) => app == id,
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_newest_first_and_ours_are_told() {
        let versions: Vec<WireVersion> = serde_json::from_str(
            r#"[{"value":"a","timestamp":"2026-01-01T00:00:00Z","sourceType":"CRM_UI","sourceId":"userId:1"},
                {"value":"","timestamp":1795166102000,"sourceType":"INTEGRATION","sourceId":"42"},
                {"value":"c","timestamp":"2026-03-01T00:00:00.5Z","sourceType":"INTEGRATION","sourceId":"43"},
                {"value":"d"}]"#,
        )
        .unwrap();
        let seen = sorted(&versions, Some("42"));
        assert_eq!(seen.len(), 3);
        assert_eq!((&seen[0].value, seen[0].ours), (&Value::Null, true));
        assert_eq!(
            seen.iter().map(|one| one.by_hand).collect::<Vec<_>>(),
            [false, false, true]
        );
        assert!(!seen[1].ours && !seen[2].ours);
        assert_eq!(seen[2].by.as_deref(), Some("CRM_UI userId:1"));
        assert!(
            sorted(&versions, None)[1].ours,
            "an unknown app id may be ours"
        );
    }
}
