//! What admins do to the two systems: rights taken and given back, a property that changes under us.

use chrono::{DateTime, Utc};
use serde_json::json;
use syncline::sandbox::Sandbox;
use syncline::sandbox::http::{Request, Vendor};

use crate::people::{FIELDS, S};
use crate::story::Property;

/// The Salesforce field and the HubSpot property of regions.
pub const REGION: (&str, &str) = ("MailingState", "sales_region");
/// What a region may be; the last one is what goes.
pub const REGIONS: [&str; 4] = ["North", "South", "West", "East"];

const PROPERTIES: &str = "/crm/properties/2026-09/contacts";

/// Changes the property of regions.
pub fn property(sandbox: &mut Sandbox, now: DateTime<Utc>, change: Property) {
    let options = |count: usize| -> Vec<serde_json::Value> {
        let all = REGIONS.iter().take(count);
        all.map(|name| json!({"label": name, "value": name}))
            .collect()
    };
    let own = format!("{PROPERTIES}/{}", REGION.1);
    let (method, path, body) = match change {
        Property::Poorer => ("PATCH", own, json!({"options": options(3)})),
        Property::Whole => ("PATCH", own, json!({"options": options(4)})),
        Property::Gone => ("DELETE", own, json!({})),
        Property::Back => (
            "POST",
            PROPERTIES.to_owned(),
            json!({"name": REGION.1, "label": "Region", "type": "enumeration", "fieldType": "select",
                "groupName": "contactinformation", "options": options(4)}),
        ),
    };
    let token = sandbox.portal.settings().access_token.clone();
    let request = Request {
        method: method.into(),
        path,
        query: Vec::new(),
        headers: vec![
            ("authorization".into(), format!("Bearer {token}")),
            ("content-type".into(), "application/json".into()),
        ],
        body: body.to_string().into_bytes(),
    };
    sandbox.portal.handle(now, &request);
}

/// Takes the right to a field from us, or gives it back.
pub fn hide_field(sandbox: &mut Sandbox, field: usize, hidden: bool) {
    sandbox.org.hide_field(S, FIELDS[field].0, hidden);
}

/// Every right and every property is as it was.
pub fn heal(sandbox: &mut Sandbox, now: DateTime<Utc>, known: &[String], regions: bool) {
    for field in 0..4 {
        hide_field(sandbox, field, false);
    }
    for id in known {
        sandbox.org.hide_record(S, id, false);
    }
    if regions {
        property(sandbox, now, Property::Back);
        property(sandbox, now, Property::Whole);
    }
    sandbox.org.hold_back(None);
}
