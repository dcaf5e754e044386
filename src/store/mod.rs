//! The embedded store: one trait, sled behind it, an in-memory twin beside it. No sled type leaves this module
//! (docs/design/sync-semantics.md 2, 22).

mod codec;
mod counters;
mod family;
mod key;
mod key_reader;
pub mod keys;
mod overlay;
pub mod rows;
mod seal;
mod sim_store;
mod traits;
mod typed;

pub use codec::{FORMAT, VALUE_LIMIT, decode, encode};
pub use counters::{Count, CounterDelta, Counters};
pub use family::Family;
pub use key::{Key, KeyPart, KeyWriter};
pub use key_reader::KeyReader;
pub use overlay::OverlayStore;
pub use sim_store::SimStore;
pub use traits::{Batch, Entry, Range, Store, StoreError};
pub use typed::TypedStore;
