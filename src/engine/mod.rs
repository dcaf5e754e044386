//! The sync engine: one control task that observes, plans, guards, writes and settles. It knows sides and stores only as
//! traits; what it decides, pure functions decide (docs/design/sync-semantics.md).

mod advice;
mod apply;
mod backfill;
mod bases;
mod batches;
mod blocked;
mod budget;
mod circuit;
mod complete;
mod context;
mod control;
mod cost;
mod create;
mod db;
mod drafts;
mod echo;
mod failures;
mod fields;
mod foresee;
pub mod guard;
mod link_plan;
mod links;
pub mod matching;
mod matchup;
mod observe;
mod oscillation;
mod preflight;
mod recover;
mod references;
mod report;
mod run;
mod settle;
mod slice;
mod tally;
mod whole;

pub use context::{Engine, EngineError, Halt, Order, OwnerCache, Rules, Scope, Settings};
pub use control::{Control, ControlHandle};
pub use cost::{CostInput, expected_calls};
pub use db::{Db, Tx, Waiting, names};
pub use preflight::{Preflight, unmet_requirements};
pub use report::{Line, Phase, PhaseView, Reporter, RunView};
pub use run::{PlanPreview, RunEnd};
