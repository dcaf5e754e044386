//! Forgetting a person: which record is meant, what would go, and the removal (docs/design/sync-semantics.md 19.4).

use std::sync::Arc;

use super::host::{House, lock, refusal, store_refusal};
use super::messages::{Forgotten, Refusal, RefusalKind, Reply};
use crate::domain::{MappingId, RecordId, RecordKey, Side};
use crate::store::{BackupKind, StoreError, backups, kept_copies};

impl House {
    /// Looks up what is stored about a person; `sure` removes it.
    pub(super) async fn forget(
        self: &Arc<Self>,
        query: &str,
        mapping: Option<MappingId>,
        sure: bool,
        by: &str,
    ) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        if lock(&self.job).is_some() {
            return Err(refusal(
                RefusalKind::Busy,
                "a run is under way; wait for it, or stop it first",
            ));
        }
        let record = self.meant(query.trim(), mapping).await?;
        let mappings = &self.rules.mappings;
        let found = self
            .db
            .find_to_forget(mappings, record)
            .await
            .map_err(store)?;
        if found.is_open() {
            return Err(refusal(
                RefusalKind::Usage,
                "a write of this record has no answer yet; run `syncline sync`, which looks it up, then forget it",
            ));
        }
        if sure {
            self.db
                .forget(mappings, &found, by, self.clock.now())
                .await
                .map_err(store)?;
            let mut tx = self.db.begin();
            self.taken_up(&mut tx, &found.items())
                .await
                .map_err(store)?;
            tx.commit().await.map_err(store)?;
            self.changed();
            self.publish().await;
        }
        let folder = self.backups_in.as_deref();
        let kept = folder.map(backups).unwrap_or_default();
        let daily = kept.iter().filter(|one| one.kind == BackupKind::Daily);
        Ok(Reply::Forgotten(Forgotten {
            links: found.links.len() as u64,
            journal: found.ops.len() as u64,
            items: (found.conflicts.len() + found.errors.len()) as u64,
            records: found.records.into_iter().collect(),
            backups: daily.count() as u64,
            copies: folder.map(kept_copies).unwrap_or_default(),
            done: sure,
        }))
    }

    /// The one record that is meant.
    async fn meant(&self, query: &str, mapping: Option<MappingId>) -> Result<RecordKey, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let mut known = self.known_by(query).await.map_err(store)?;
        if let Some(mapping) = mapping {
            known.retain(|(of, _, _)| *of == mapping);
        }
        let same =
            |one: &(MappingId, RecordKey, Option<crate::domain::LinkId>),
             other: &(MappingId, RecordKey, Option<crate::domain::LinkId>)| {
                one.1 == other.1 || (one.2.is_some() && one.2 == other.2)
            };
        match known.as_slice() {
            [] => Err(refusal(RefusalKind::Usage, self.unknown(query).await?)),
            [first, rest @ ..] if rest.iter().all(|other| same(first, other)) => {
                Ok(first.1.clone())
            }
            several => {
                let names: Vec<String> = several
                    .iter()
                    .map(|(of, record, _)| {
                        format!("{} {} {} ({of})", record.side, record.object, record.id)
                    })
                    .collect();
                Err(refusal(
                    RefusalKind::Usage,
                    format!(
                        "several records answer to \"{query}\": {}; name one by its id, or narrow with --mapping",
                        names.join(", ")
                    ),
                ))
            }
        }
    }

    async fn unknown(&self, query: &str) -> Result<String, Refusal> {
        let id = RecordId::from(query);
        for mapping in &self.rules.mappings {
            for side in Side::BOTH {
                let record = RecordKey {
                    side,
                    object: mapping.object(side).to_owned(),
                    id: id.clone(),
                };
                let forgotten = self.db.is_forgotten(&record).await;
                if forgotten.map_err(|error| store_refusal(&error))? {
                    return Ok(format!(
                        "{side} {} {id} was forgotten already",
                        record.object
                    ));
                }
            }
        }
        Ok(format!(
            "nothing is stored about \"{query}\": name a record by an id of either side, or by its e-mail address"
        ))
    }
}
