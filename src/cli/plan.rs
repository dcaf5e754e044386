//! The plan file: what `preview --out` writes and `apply` reads (docs/design/product.md, Machine-readable output). The same
//! state gives the same bytes (I-15), and a plan that was edited is not taken for the one that was shown.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::door::Door;
use super::exit::{Failure, unexpected};
use super::json;
use super::private;
use crate::domain::{
    Assignment, LinkId, MappingCounts, MappingId, Op, OpId, OpKind, OpOutcome, OpState, RecordId,
    RunId, RunKind, Side, SideCount, Value, ValveHit, digest128,
};
use crate::service::messages::{Reply, Request, SavedPlan};

/// The version of the format.
const FORMAT: u64 = 1;

/// Writes the last preview as a plan.
///
/// # Errors
/// A refusal, or a file that cannot be written.
pub async fn keep(door: &dyn Door, file: &Path) -> Result<(), Failure> {
    let plan = match door.ask(Request::Plan).await? {
        Reply::Plan(plan) => *plan,
        Reply::Refused(refusal) => return Err(refusal.into()),
        _ => return Err(unexpected("the plan")),
    };
    let text = write(&plan);
    private::write(file, &text)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}

/// The file of a plan.
fn write(plan: &SavedPlan) -> String {
    let mut document = document(plan);
    let seal = seal(&document);
    if let Some(map) = document.as_object_mut() {
        map.insert("seal".into(), json!(seal));
    }
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn document(plan: &SavedPlan) -> Json {
    let mappings: Vec<Json> = plan
        .mappings
        .iter()
        .map(|one| json!({ "mapping": one.mapping, "would": one.counts }))
        .collect();
    let op = |op: &Op| {
        let mut document = json::op(op);
        if let Some(map) = document.as_object_mut() {
            map.insert("source".into(), json!(op.source));
        }
        document
    };
    json!({
        "plan": FORMAT,
        "install": plan.install,
        "epoch": plan.epoch,
        "kind": plan.kind.word(),
        "plan_hash": plan.plan_hash,
        "revisions": plan.revisions,
        "valves": plan.valves,
        // Rounded, so that what is read is what was written.
        "forecast": { "calls": plan.forecast, "seconds": plan.seconds.round() },
        "mappings": mappings,
        "ops": plan.ops.iter().map(op).collect::<Vec<_>>(),
    })
}

/// What an edit of the file would break.
fn seal(document: &Json) -> String {
    let bytes = serde_json::to_vec(document).unwrap_or_default();
    format!("{:032x}", digest128(&[&bytes]))
}

#[derive(Deserialize)]
struct File {
    plan: u64,
    install: String,
    /// None in a file of a version that did not note it: it counts as of a store that was never restored.
    #[serde(default)]
    epoch: u64,
    kind: RunKind,
    plan_hash: String,
    revisions: BTreeMap<MappingId, String>,
    valves: Vec<ValveHit>,
    forecast: Forecast,
    mappings: Vec<Would>,
    ops: Vec<Line>,
}

#[derive(Deserialize)]
struct Forecast {
    calls: SideCount,
    seconds: f64,
}

#[derive(Deserialize)]
struct Would {
    mapping: MappingId,
    would: crate::domain::Counters,
}

#[derive(Deserialize)]
struct Line {
    op: OpId,
    mapping: MappingId,
    side: Side,
    object: String,
    record: Option<RecordId>,
    source: Option<RecordId>,
    kind: OpKind,
    rule: String,
    fields: BTreeMap<String, Change>,
}

#[derive(Deserialize)]
struct Change {
    before: Option<String>,
    after: Option<String>,
}

/// Reads a plan file.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn read(text: &str) -> Result<SavedPlan, String> {
    let no_plan =
        |why: serde_json::Error| format!("this is not a plan of `syncline preview --out`: {why}");
    let mut document: Json = serde_json::from_str(text).map_err(no_plan)?;
    let found = document
        .as_object_mut()
        .and_then(|map| map.remove("seal"))
        .and_then(|seal| seal.as_str().map(str::to_owned));
    let sealed = seal(&document);
    let file: File = serde_json::from_value(document).map_err(no_plan)?;
    if file.plan != FORMAT {
        return Err(format!(
            "the plan has the format {}, this version reads {FORMAT}; make a new one with `syncline preview --out`",
            file.plan
        ));
    }
    if found != Some(sealed) {
        return Err(
            "the plan was changed after it was made; what is applied is what was shown, so make a new one with \
             `syncline preview --out`"
                .to_owned(),
        );
    }
    Ok(SavedPlan {
        install: file.install,
        epoch: file.epoch,
        kind: file.kind,
        plan_hash: file.plan_hash,
        revisions: file.revisions,
        valves: file.valves,
        forecast: file.forecast.calls,
        seconds: file.forecast.seconds,
        mappings: file
            .mappings
            .into_iter()
            .map(|one| MappingCounts {
                mapping: one.mapping,
                counts: one.would,
            })
            .collect(),
        ops: file.ops.into_iter().map(op).collect(),
    })
}

fn op(line: Line) -> Op {
    let known = |value: Option<String>| value.map_or(Value::Null, Value::Text);
    let rule = line.rule;
    let fields = line.fields.into_iter().map(|(name, change)| {
        let assignment = Assignment {
            before: known(change.before),
            after: known(change.after),
            rule: rule.clone(),
            ..Assignment::default()
        };
        (name, assignment)
    });
    Op {
        id: line.op,
        run: RunId(0),
        seq: 0,
        mapping: line.mapping,
        // Which link it works for is found anew.
        link: LinkId(0),
        kind: line.kind,
        side: line.side,
        object: line.object,
        target: line.record,
        source: line.source,
        fields: fields.collect(),
        key: None,
        evidence: None,
        modstamp: None,
        state: OpState::Planned,
        attempt: Default::default(),
        outcome: OpOutcome::default(),
    }
}
