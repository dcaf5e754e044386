//! What waits for a person, the most urgent first. Never what only waits for time.

use crate::console::format;
use crate::console::model::Model;
use crate::console::screens::ScreenId;
use crate::domain::{MappingId, RunId, Side};
use crate::service::messages::{MappingStatus, Tone};

/// Where `enter` leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A halted run.
    Run(RunId),
    /// A screen.
    Screen(ScreenId),
    /// A mapping in the list.
    Mapping(MappingId),
    /// A mapping's conflicts.
    Conflicts(MappingId),
    /// The connections are tried again.
    Reconnect,
}

/// A line of "Needs you".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// How it reads.
    pub tone: Tone,
    /// The sentence.
    pub text: String,
    /// The key that goes there directly.
    pub key: &'static str,
    /// What one does there.
    pub verb: &'static str,
    /// Where `enter` leads.
    pub target: Target,
}

/// All of them.
pub fn needs(model: &Model) -> Vec<Need> {
    let mut out = Vec::new();
    if let Some(why) = &model.status.stopped {
        out.push(Need {
            tone: Tone::Error,
            text: why.clone(),
            key: "6",
            verb: "runs",
            target: Target::Screen(ScreenId::Runs),
        });
    }
    for side in Side::BOTH {
        let connection = model.status.connections.get(side);
        if let Some(since) = connection.unreachable_since {
            out.push(Need {
                tone: Tone::Error,
                text: format!(
                    "{side} unreachable since {}.",
                    format::moment(since, model.now)
                ),
                key: "r",
                verb: "try now",
                target: Target::Reconnect,
            });
        }
    }
    let rows = &model.mappings.list.rows;
    for row in rows {
        if let MappingStatus::Halted(why) = &row.state {
            let target = row
                .last_run
                .map_or(Target::Mapping(row.mapping.clone()), Target::Run);
            out.push(Need {
                tone: Tone::Error,
                text: format!("{}: halted, {why}", row.mapping),
                key: "enter",
                verb: "review",
                target,
            });
        }
    }
    for row in rows.iter().filter(|row| row.conflicts > 0) {
        let oldest = row
            .oldest_conflict
            .map(|since| format!(", oldest {}", format::age(since, model.now)))
            .unwrap_or_default();
        let waits = if row.conflicts == 1 {
            "1 conflict waits".into()
        } else {
            format!("{} conflicts wait", format::number(row.conflicts))
        };
        out.push(Need {
            tone: Tone::Warn,
            text: format!("{}: {waits}{oldest}.", row.mapping),
            key: "3",
            verb: "resolve",
            target: Target::Conflicts(row.mapping.clone()),
        });
    }
    if model.status.drafts > 0 {
        out.push(Need {
            tone: Tone::Warn,
            text: format!(
                "{} not applied yet.",
                format::count(
                    model.status.drafts,
                    "drafted choice is",
                    "drafted choices are"
                )
            ),
            key: "3",
            verb: "apply",
            target: Target::Screen(ScreenId::Conflicts),
        });
    }
    if model.status.error_causes > 0 {
        let records: u64 = rows.iter().map(|row| row.errors).sum();
        out.push(Need {
            tone: Tone::Warn,
            text: format!(
                "{} in error, {}.",
                format::count(records, "record", "records"),
                format::count(model.status.error_causes, "cause", "causes")
            ),
            key: "5",
            verb: "look",
            target: Target::Screen(ScreenId::Errors),
        });
    }
    for row in rows
        .iter()
        .filter(|row| row.state == MappingStatus::ToConfirm)
    {
        out.push(Need {
            tone: Tone::Info,
            text: format!(
                "{}: never ran. Its first run shows its plan and asks.",
                row.mapping
            ),
            key: "R",
            verb: "first run",
            target: Target::Mapping(row.mapping.clone()),
        });
    }
    out
}
