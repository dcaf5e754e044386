//! The words of docs/design/product.md as types, canonical forms and the field merge. No I/O, no time, no randomness.

mod canary;
pub mod canon;
pub mod condition;
mod group;
mod ids;
mod link;
mod mapping;
pub mod merge;
mod op;
mod order;
mod pending;
mod run;
mod schema;
mod secret;
mod sets;
mod side;
mod value;

pub use canary::Canary;
pub use group::{FieldGroup, Unit, names_field, shown};
pub use ids::{ItemId, LinkId, MappingId, OpId, RecordId, RecordKey, RunId, digest128};
pub use link::{
    Base, BaseField, BaseValue, CreatedBy, Departed, Link, LinkState, SideBase, Successor, Written,
};
pub use mapping::{
    BlankPolicy, ConflictRule, CreatePolicy, DeletePolicy, DeleteUpdate, Direction, Endpoint,
    FieldPair, ForeignEdit, KeyFields, LeavesScope, Mapping, MatchRule, OnUnlinked, OtherwiseRule,
    PairKind, TransformSpec,
};
pub use op::{Assignment, Attempt, Evidence, Op, OpKind, OpOutcome, OpState};
pub use order::in_order_of_work;
pub use pending::{
    Candidate, Choice, Conflict, ConflictMember, ErrorCategory, ErrorItem, ItemKind, ItemState,
    Resolution, SideValue, VendorError,
};
pub use run::{
    Asked, CallCount, Counters, MappingCounts, OpenCounts, RunKind, RunRecord, RunState, SideCount,
    ValveHit,
};
pub use schema::{FieldSchema, FieldType, ObjectSchema, PicklistValue};
pub use secret::Secret;
pub use sets::{
    Member, Members, SETS, SetKind, SetPair, SetTable, element_field, element_of, whole_field,
};
pub use side::{PerSide, Side};
pub use value::{Observation, Presence, Value};
