//! Account details, usage, limits and schemas (`docs/vendor/hubspot.md` 2.17, 5.20, 8.10, 9.8).

use serde_json::{Value, json};

use crate::sandbox::http::Response;

use super::fault::{Answer, Fault};
use super::kinds::Kind;
use super::limits::Meter;
use super::text::instant;
use super::{Call, Portal};

/// Custom properties an object may have (5.20).
const MAX_CUSTOM: usize = 1_000;

impl Portal {
    /// `/account-info/{v}/details` and `/api-usage/daily/private-apps`.
    pub(super) fn account_call(&mut self, call: &Call, rest: &[&str]) -> Answer {
        call.only("GET")?;
        match rest {
            ["details"] => {
                let offset = self.settings.utc_offset_seconds;
                let sign = if offset < 0 { '-' } else { '+' };
                let (hours, minutes) = (offset.abs() / 3_600, offset.abs() / 60 % 60);
                let body = json!({
                    "portalId": self.settings.portal_id, "portalName": "Syncline Sandbox", "accountType": "STANDARD",
                    "timeZone": self.settings.time_zone, "companyCurrency": self.settings.currency,
                    "additionalCurrencies": self.settings.additional_currencies,
                    "utcOffset": format!("{sign}{hours:02}:{minutes:02}"),
                    "utcOffsetMilliseconds": i64::from(offset) * 1_000, "uiDomain": "app.hubspot.com",
                    "dataHostingLocation": "na1",
                });
                Ok(Response::json(200, &body))
            }
            ["api-usage", "daily", "private-apps"] => {
                let used = self.meter.used_today(call.now, &self.settings);
                let body = json!({"results": [{
                    "name": "private-apps-api-calls-daily", "usageLimit": self.settings.daily_limit, "currentUsage": used,
                    "collectedAt": instant(call.now), "fetchStatus": "SUCCESS",
                    "resetsAt": instant(Meter::resets_at(call.now, &self.settings)),
                }]});
                Ok(Response::json(200, &body))
            }
            _ => Err(call.no_such_path()),
        }
    }

    /// `/crm/limits/{v}/custom-properties` and `/records`.
    pub(super) fn limits_call(&mut self, call: &Call, rest: &[&str]) -> Answer {
        call.only("GET")?;
        let synced = [Kind::CONTACTS, Kind::COMPANIES, Kind::DEALS, Kind::TICKETS];
        let by_object: Vec<Value> = match rest {
            ["custom-properties"] => synced
                .iter()
                .map(|kind| {
                    let custom = self.table(*kind).schema.properties.values();
                    let used = custom
                        .filter(|property| !property.defined_by_hubspot)
                        .count();
                    usage(*kind, MAX_CUSTOM, used)
                })
                .collect(),
            ["records"] => synced
                .iter()
                .map(|kind| usage(*kind, 15_000_000, self.table(*kind).live_count()))
                .collect(),
            _ => return Err(call.no_such_path()),
        };
        let body = json!({"byObjectType": by_object, "overallLimit": MAX_CUSTOM, "hubspotDefinedObjectTypes": by_object});
        Ok(Response::json(200, &body))
    }

    /// `/crm-object-schemas/{v}/schemas`: a Professional portal has no custom objects.
    pub(super) fn schemas_call(&mut self, call: &Call, rest: &[&str]) -> Answer {
        match (call.request.method.as_str(), rest) {
            ("GET", []) => Ok(Response::json(200, &json!({"results": []}))),
            ("GET", [name]) => {
                let kind = Portal::kind(name)?;
                let row = kind.row();
                let properties: Vec<Value> = self
                    .table(kind)
                    .schema
                    .properties
                    .values()
                    .map(super::property::Property::json)
                    .collect();
                let body = json!({
                    "labels": {"singular": row.singular, "plural": row.plural}, "requiredProperties": row.needs_all,
                    "searchableProperties": row.searched, "primaryDisplayProperty": row.searched.first(),
                    "secondaryDisplayProperties": [], "archived": false, "metaType": "HUBSPOT",
                    "id": row.type_id.trim_start_matches("0-"), "fullyQualifiedName": row.legacy,
                    "objectTypeId": row.type_id, "name": row.legacy, "properties": properties, "associations": [],
                    "createdAt": "1970-01-01T00:00:00Z", "updatedAt": "1970-01-01T00:00:00Z",
                });
                Ok(Response::json(200, &body))
            }
            ("POST", []) => Err(Fault::bare(
                403,
                "This account does not have access to custom objects. Upgrade to an Enterprise subscription.",
            )),
            _ => Err(call.wrong_method()),
        }
    }
}

fn usage(kind: Kind, limit: usize, used: usize) -> Value {
    json!({"objectTypeId": kind.row().type_id, "singularLabel": kind.row().singular, "pluralLabel": kind.row().plural,
           "limit": limit, "usage": used, "percentage": used * 100 / limit})
}
