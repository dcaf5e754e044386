//! The embedded store: one trait, sled behind it, an in-memory twin beside it. No sled type leaves this module
//! (docs/design/sync-semantics.md 2, 22).

mod backup;
mod codec;
mod compact;
mod counters;
mod disk;
mod disk_error;
mod doctor;
mod export;
mod family;
mod folder;
mod import;
mod key;
mod key_reader;
pub mod keys;
mod ledger;
mod lock;
mod migrate;
mod open;
mod overlay;
mod restore;
pub mod rows;
mod seal;
mod sim_store;
mod sled_store;
mod swap;
mod sync;
mod thread;
mod traits;
mod typed;

pub use backup::{
    Backup, BackupError, BackupKind, NewestSound, back_up, backup_is_due, backups, kept_copies,
    newest_sound,
};
pub use codec::{FORMAT, VALUE_LIMIT, decode, encode};
pub use compact::{Compacted, compact};
pub use counters::{Count, CounterDelta, Counters};
pub use doctor::{Finding, FindingState, doctor};
pub use export::{ExportError, ExportSummary, export};
pub use family::Family;
pub use import::{ImportError, check_export, import};
pub use key::{Key, KeyPart, KeyWriter};
pub use key_reader::KeyReader;
pub use migrate::{Change, Step, VERSION, migrate, migrate_by};
pub use overlay::OverlayStore;
pub use restore::{Restored, restore};
pub use sim_store::SimStore;
pub use sled_store::{STORE_THREAD, SledStore};
pub use swap::has_store;
pub use traits::{Batch, Entry, Range, Room, Store, StoreError};
pub use typed::TypedStore;
