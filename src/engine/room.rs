//! Room on the disk: asked for before a run begins and, once it is known what it would write, before it writes
//! (docs/design/sync-semantics.md 22 rule 12). A disk that fills up all the same stops the store at its next flush.

use std::collections::BTreeSet;

use super::context::{Engine, EngineError};
use crate::domain::{Mapping, MappingId, Side, ValveHit};
use crate::store::StoreError;

/// What a record that is read, linked and written may take: link, index, base, observation and journal, as sled writes them over
/// (21: about 2.5 times 850 bytes, and the journal).
const PER_RECORD: u64 = 4 * 1024;
/// What any run may take.
const LEAST: u64 = 16 * 1024 * 1024;
/// The free space must be so many times what is planned.
const TIMES: u64 = 2;

impl Engine {
    /// Refuses to begin where the disk has no room. How much a run over everything reads is known from the one before.
    pub(super) async fn room_to_begin(
        &self,
        mappings: &[&Mapping],
        whole: bool,
    ) -> Result<(), EngineError> {
        let mut records = 0;
        if whole {
            let objects: BTreeSet<(Side, &str)> = mappings
                .iter()
                .flat_map(|mapping| Side::BOTH.map(|side| (side, mapping.object(side))))
                .collect();
            for (side, object) in objects {
                let name = format!("live/{}/{object}", side.word());
                records += self.db.number(&name).await?;
            }
        }
        self.room_for(records)?;
        if let Some(room) = self.db.store().room().filter(|room| room.is_scarce()) {
            let what = format!(
                "the store takes {} MB and {} MB are free: free some space",
                room.used.div_ceil(1_000_000),
                room.free / 1_000_000
            );
            self.report
                .line_about("warn", "disk".into(), "", what, None, None);
        }
        Ok(())
    }

    /// Refuses where so many records may fill the disk.
    pub(super) fn room_for(&self, records: u64) -> Result<(), EngineError> {
        let needed = TIMES * LEAST.saturating_add(records.saturating_mul(PER_RECORD));
        match self.db.store().room() {
            Some(room) if room.free < needed => Err(EngineError::Store(StoreError::NoRoom {
                needed: needed.div_ceil(1_000_000),
                free: room.free / 1_000_000,
            })),
            _ => Ok(()),
        }
    }
}

/// What a run says that stopped for want of room.
pub(super) fn hit(needed: u64, free: u64, message: String) -> ValveHit {
    ValveHit {
        valve: ValveHit::DISK.to_owned(),
        mapping: MappingId(String::new()),
        found: free,
        limit: needed,
        message,
        confirmable: false,
    }
}
