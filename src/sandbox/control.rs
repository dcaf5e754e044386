//! `/__sandbox/…`: what was truly done, and the levers, for tests and the curious (docs/design/product.md, "sandbox
//! --json").

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::faults::Profile;
use super::history::{Event, History};
use super::http::{Request, Response};
use super::shell::Sandbox;
use super::side::Side;
use super::world::WorldSettings;

/// The largest world that `reset` grows: about 3 GB.
const MAX_CONTACTS: u64 = 500_000;

impl Sandbox {
    /// Answers a request to `/__sandbox/…` that came to `side`'s port; `None` for any other path. Never counted, never
    /// spoiled.
    pub fn control(
        &mut self,
        now: DateTime<Utc>,
        side: Side,
        request: &Request,
    ) -> Option<Response> {
        let what = match request.segments()[..] {
            ["__sandbox", what] => what,
            ["__sandbox", ..] => "",
            _ => return None,
        };
        let answer = match (request.method.as_str(), what) {
            ("GET", "stats") => Ok(self.stats(side).json()),
            ("GET", "history") => self.history_document(side, request),
            ("POST", "faults") => self.change_faults(request),
            ("POST", "reset") => self.start_anew(now, request),
            ("POST", "relations") => {
                self.org.relate_accounts(now);
                Ok(json!({"object": "AccountContactRelation"}))
            }
            (_, "stats" | "history" | "faults" | "reset" | "relations") => {
                Err((405, format!("{} is not for {what}", request.method)))
            }
            _ => Err((
                404,
                "there are GET stats, GET history, POST faults, POST reset, POST relations".into(),
            )),
        };
        Some(match answer {
            Ok(body) => Response::json(200, &body),
            Err((status, message)) => Response::json(status, &json!({ "error": message })),
        })
    }

    fn history_document(&self, side: Side, request: &Request) -> Result<Value, (u16, String)> {
        let (Some(object), Some(id)) = (request.param("object"), request.param("id")) else {
            return Err((400, "history takes object=…&id=…".into()));
        };
        let history = self.party(side).past(object, id);
        let none = || format!("{} never had a record {id} of {object}", side.name());
        Ok(versions(history.ok_or_else(|| (404, none()))?))
    }

    fn change_faults(&mut self, request: &Request) -> Result<Value, (u16, String)> {
        let body = object(request)?;
        let Some(profile) = body.get("profile").and_then(Value::as_str) else {
            return Err((
                400,
                "faults takes {\"profile\": \"throttle,errors\"}".into(),
            ));
        };
        let profile: Profile = profile.parse().map_err(|e| (400, format!("{e}")))?;
        self.set_faults(profile);
        Ok(json!({"profile": self.faults().to_string()}))
    }

    fn start_anew(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
    ) -> Result<Value, (u16, String)> {
        let body = object(request)?;
        let world = self.settings().world;
        let number = |key: &str, present: u64| match body.get(key) {
            None => Ok(present),
            Some(value) => value
                .as_u64()
                .ok_or_else(|| (400, format!("{key} must be a whole number"))),
        };
        let contacts = number("contacts", world.contacts as u64)?;
        if contacts > MAX_CONTACTS {
            return Err((400, format!("contacts may be {MAX_CONTACTS} at most")));
        }
        let world = WorldSettings {
            contacts: contacts as usize,
            seed: number("seed", world.seed)?,
        };
        self.reset(world, now);
        Ok(json!({"seed": world.seed, "contacts": world.contacts}))
    }
}

/// The request's body as a JSON object; an empty body is an empty object.
fn object(request: &Request) -> Result<Map<String, Value>, (u16, String)> {
    if request.body.is_empty() {
        return Ok(Map::new());
    }
    match request.json() {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err((400, "the body must be a JSON object".into())),
        Err(error) => Err((400, format!("the body is not JSON: {error}"))),
    }
}

fn versions(history: &History) -> Value {
    history
        .versions
        .iter()
        .map(|version| {
            let values: Map<String, Value> = version
                .values
                .iter()
                .map(|(field, _)| (field.to_owned(), json!(version.value(field))))
                .collect();
            let mut entry = json!({
                "at": version.at.to_rfc3339_opts(SecondsFormat::Millis, true),
                "by": version.by.label(),
                "event": event(&version.event),
                "values": values,
            });
            if let Event::MergedInto(id) = &version.event {
                entry["merged_into"] = json!(id);
            }
            entry
        })
        .collect()
}

fn event(event: &Event) -> &'static str {
    match event {
        Event::Created => "created",
        Event::Updated => "updated",
        Event::Deleted => "deleted",
        Event::Restored => "restored",
        Event::MergedInto(_) => "merged",
    }
}
