//! Pipelines and stages (`docs/vendor/hubspot.md` 7.1 to 7.6).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::http::Response;

use super::fault::{Answer, Fault};
use super::kinds::Kind;
use super::text::{instant, mix};
use super::{Call, Portal};

/// One stage.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub id: String,
    pub label: String,
    pub order: i64,
    pub metadata: BTreeMap<String, String>,
    pub since: DateTime<Utc>,
}

impl Stage {
    fn json(&self) -> Value {
        json!({"label": self.label, "displayOrder": self.order, "metadata": self.metadata, "id": self.id,
               "createdAt": instant(self.since), "updatedAt": instant(self.since),
               "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT", "archived": false})
    }

    /// Whether a deal in it is closed, and won.
    pub(super) fn closed(&self) -> (bool, bool) {
        let closed = self
            .metadata
            .get("isClosed")
            .is_some_and(|text| text == "true");
        let sure = self
            .metadata
            .get("probability")
            .is_some_and(|text| text.parse() == Ok(1.0));
        (closed, closed && sure)
    }
}

/// One pipeline.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub id: String,
    pub label: String,
    pub order: i64,
    pub stages: Vec<Stage>,
    pub since: DateTime<Utc>,
}

impl Pipeline {
    fn json(&self) -> Value {
        let stages: Vec<Value> = self.stages.iter().map(Stage::json).collect();
        json!({"label": self.label, "displayOrder": self.order, "id": self.id, "stages": stages,
               "createdAt": instant(self.since), "updatedAt": instant(self.since), "archived": false})
    }

    fn of(id: &str, label: &str, stages: &[(&str, &str, &str, &str)]) -> Self {
        let stages = stages
            .iter()
            .zip(0..)
            .map(|((id, label, closed, value), order)| {
                let second = if value.parse::<f64>().is_ok() {
                    "probability"
                } else if *value == "OPEN" || *value == "CLOSED" {
                    "ticketState"
                } else {
                    "state"
                };
                let value = value.trim_start_matches('*');
                let metadata = [("isClosed", *closed), (second, value)];
                Stage {
                    id: (*id).into(),
                    label: (*label).into(),
                    order,
                    metadata: metadata
                        .into_iter()
                        .map(|(k, v)| (k.to_owned(), v.to_owned()))
                        .collect(),
                    since: DateTime::UNIX_EPOCH,
                }
            });
        Pipeline {
            id: id.into(),
            label: label.into(),
            order: 0,
            stages: stages.collect(),
            since: DateTime::UNIX_EPOCH,
        }
    }
}

/// The property that names the stage of an object's records.
pub(super) fn stage_property(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::DEALS => Some(("pipeline", "dealstage")),
        Kind::TICKETS | Kind::LEADS => Some(("hs_pipeline", "hs_pipeline_stage")),
        _ => None,
    }
}

const LIFECYCLE: &[(&str, &str, &str, &str)] = &[
    ("subscriber", "Subscriber", "false", "*OPEN"),
    ("lead", "Lead", "false", "*OPEN"),
    (
        "marketingqualifiedlead",
        "Marketing Qualified Lead",
        "false",
        "*OPEN",
    ),
    (
        "salesqualifiedlead",
        "Sales Qualified Lead",
        "false",
        "*OPEN",
    ),
    ("opportunity", "Opportunity", "false", "*OPEN"),
    ("customer", "Customer", "false", "*OPEN"),
    ("evangelist", "Evangelist", "false", "*OPEN"),
    ("other", "Other", "false", "*OPEN"),
];

/// The pipelines that a portal comes with.
pub(super) fn defaults() -> BTreeMap<Kind, Vec<Pipeline>> {
    let deals = Pipeline::of(
        "default",
        "Sales Pipeline",
        &[
            (
                "appointmentscheduled",
                "Appointment Scheduled",
                "false",
                "0.2",
            ),
            ("qualifiedtobuy", "Qualified To Buy", "false", "0.4"),
            (
                "presentationscheduled",
                "Presentation Scheduled",
                "false",
                "0.6",
            ),
            (
                "decisionmakerboughtin",
                "Decision Maker Bought-In",
                "false",
                "0.8",
            ),
            ("contractsent", "Contract Sent", "false", "0.9"),
            ("closedwon", "Closed Won", "true", "1.0"),
            ("closedlost", "Closed Lost", "true", "0.0"),
        ],
    );
    let tickets = Pipeline::of(
        "0",
        "Support Pipeline",
        &[
            ("1", "New", "false", "OPEN"),
            ("2", "Waiting on contact", "false", "OPEN"),
            ("3", "Waiting on us", "false", "OPEN"),
            ("4", "Closed", "true", "CLOSED"),
        ],
    );
    let leads = Pipeline::of(
        "lead-pipeline-id",
        "Lead Pipeline",
        &[
            ("new-stage-id", "New", "false", "*NEW"),
            ("attempting-stage-id", "Attempting", "false", "*IN_PROGRESS"),
            ("connected-stage-id", "Connected", "false", "*IN_PROGRESS"),
            ("qualified-stage-id", "Qualified", "true", "*QUALIFIED"),
            (
                "unqualified-stage-id",
                "Unqualified",
                "true",
                "*UNQUALIFIED",
            ),
        ],
    );
    BTreeMap::from([
        (
            Kind::CONTACTS,
            vec![Pipeline::of(
                "contacts-lifecycle-pipeline",
                "Lifecycle Stage Pipeline",
                LIFECYCLE,
            )],
        ),
        (
            Kind::COMPANIES,
            vec![Pipeline::of(
                "companies-lifecycle-pipeline",
                "Lifecycle Stage Pipeline",
                LIFECYCLE,
            )],
        ),
        (Kind::DEALS, vec![deals]),
        (Kind::TICKETS, vec![tickets]),
        (Kind::LEADS, vec![leads]),
    ])
}

impl Portal {
    /// `/crm/pipelines/{v}/{object}[/{id}[/stages[/{stage}]]]`.
    pub(super) fn pipelines_call(&mut self, call: &Call, rest: &[&str]) -> Answer {
        let Some((object, rest)) = rest.split_first() else {
            return Err(call.no_such_path());
        };
        let kind = Portal::kind(object)?;
        let pipelines = self.pipelines.entry(kind).or_default();
        let method = call.request.method.as_str();
        match (method, rest) {
            ("GET", []) => {
                let all: Vec<Value> = pipelines.iter().map(Pipeline::json).collect();
                Ok(Response::json(200, &json!({"results": all})))
            }
            ("POST", []) => {
                let body = call.body()?;
                let label = body["label"]
                    .as_str()
                    .ok_or_else(|| Fault::invalid("label is required"))?;
                let id = (mix(pipelines.len() as u64 + kind.at() as u64 * 100) % 900_000_000
                    + 100_000_000)
                    .to_string();
                let order = body["displayOrder"].as_i64().unwrap_or(0);
                let mut made = Pipeline {
                    id,
                    label: label.into(),
                    order,
                    stages: Vec::new(),
                    since: call.now,
                };
                for stage in body["stages"].as_array().into_iter().flatten() {
                    let stage = new_stage(call, stage, &made.id, made.stages.len())?;
                    made.stages.push(stage);
                }
                pipelines.push(made.clone());
                Ok(Response::json(201, &made.json()))
            }
            (_, [id, tail @ ..]) => {
                let at = pipelines
                    .iter()
                    .position(|pipeline| pipeline.id == *id)
                    .ok_or_else(|| {
                        Fault::new(
                            404,
                            "OBJECT_NOT_FOUND",
                            format!("Pipeline {id} does not exist"),
                        )
                    })?;
                self.one_pipeline(call, kind, at, tail)
            }
            _ => Err(call.wrong_method()),
        }
    }

    fn one_pipeline(&mut self, call: &Call, kind: Kind, at: usize, rest: &[&str]) -> Answer {
        if call.request.method == "DELETE" {
            let stages: Vec<String> = match rest {
                ["stages", stage] => vec![(*stage).to_owned()],
                _ => self.pipelines[&kind][at]
                    .stages
                    .iter()
                    .map(|stage| stage.id.clone())
                    .collect(),
            };
            self.refuse_used_stages(kind, &stages)?;
        }
        let Some(pipelines) = self.pipelines.get_mut(&kind) else {
            return Err(Fault::not_found());
        };
        let no_stage = |id: &str| {
            Fault::new(
                404,
                "OBJECT_NOT_FOUND",
                format!("Pipeline stage {id} does not exist"),
            )
        };
        match (call.request.method.as_str(), rest) {
            ("GET", []) => Ok(Response::json(200, &pipelines[at].json())),
            ("PATCH", []) => {
                let body = call.body()?;
                let pipeline = &mut pipelines[at];
                if let Some(label) = body["label"].as_str() {
                    pipeline.label = label.into();
                }
                pipeline.order = body["displayOrder"].as_i64().unwrap_or(pipeline.order);
                Ok(Response::json(200, &pipeline.json()))
            }
            ("DELETE", []) => {
                pipelines.remove(at);
                Ok(Response::empty(204))
            }
            ("GET", ["stages"]) => {
                let all: Vec<Value> = pipelines[at].stages.iter().map(Stage::json).collect();
                Ok(Response::json(200, &json!({"results": all})))
            }
            ("POST", ["stages"]) => {
                let pipeline = &mut pipelines[at];
                let stage = new_stage(call, &call.body()?, &pipeline.id, pipeline.stages.len())?;
                pipeline.stages.push(stage.clone());
                Ok(Response::json(201, &stage.json()))
            }
            ("GET", ["stages", id]) => pipelines[at]
                .stages
                .iter()
                .find(|stage| stage.id == *id)
                .map(|stage| Response::json(200, &stage.json()))
                .ok_or_else(|| no_stage(id)),
            ("PATCH", ["stages", id]) => {
                let body = call.body()?;
                let stage = pipelines[at]
                    .stages
                    .iter_mut()
                    .find(|stage| stage.id == *id)
                    .ok_or_else(|| no_stage(id))?;
                if let Some(label) = body["label"].as_str() {
                    stage.label = label.into();
                }
                stage.order = body["displayOrder"].as_i64().unwrap_or(stage.order);
                Ok(Response::json(200, &stage.json()))
            }
            ("DELETE", ["stages", id]) => {
                let stages = &mut pipelines[at].stages;
                let place = stages
                    .iter()
                    .position(|stage| stage.id == *id)
                    .ok_or_else(|| no_stage(id))?;
                stages.remove(place);
                Ok(Response::empty(204))
            }
            _ => Err(call.wrong_method()),
        }
    }

    fn refuse_used_stages(&self, kind: Kind, stages: &[String]) -> Result<(), Fault> {
        let Some((_, property)) = stage_property(kind) else {
            return Ok(());
        };
        let table = self.table(kind);
        let mut used: Vec<String> = Vec::new();
        let mut by: Vec<String> = Vec::new();
        for (id, record) in &table.records {
            if let Some(stage) = record.fields.get(property)
                && record.archived.is_none()
                && let Some(stage) = stages.iter().find(|known| *known == stage)
            {
                by.push(id.to_string());
                if !used.contains(stage) {
                    used.push(stage.clone());
                }
            }
        }
        if used.is_empty() {
            return Ok(());
        }
        let message = format!(
            "Stage IDs: [{}] are being referenced by object IDs: [{}]",
            used.join(", "),
            by.join(", ")
        );
        Err(Fault::invalid(message)
            .sub("PipelineError.STAGE_ID_IN_USE")
            .with_context("stageIds", &used)
            .with_context("objectIds", &by))
    }
}

fn new_stage(call: &Call, body: &Value, pipeline: &str, place: usize) -> Result<Stage, Fault> {
    let label = body["label"]
        .as_str()
        .ok_or_else(|| Fault::invalid("label is required"))?;
    let metadata: BTreeMap<String, String> = body["metadata"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| value.as_str().map(|text| (key.clone(), text.to_owned())))
        .collect();
    let seed = pipeline
        .bytes()
        .fold(place as u64, |sum, byte| sum * 31 + u64::from(byte));
    Ok(Stage {
        id: (mix(seed) % 900_000_000 + 100_000_000).to_string(),
        label: label.into(),
        order: body["displayOrder"].as_i64().unwrap_or(0),
        metadata,
        since: call.now,
    })
}
