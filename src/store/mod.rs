//! The embedded store: one trait, sled behind it, an in-memory twin beside it. No sled type leaves this module
//! (docs/design/sync-semantics.md 2, 22).

mod family;
mod key;
mod traits;

pub use family::Family;
pub use key::{Key, KeyPart, KeyWriter};
pub use traits::{Batch, Entry, Range, Store, StoreError};
