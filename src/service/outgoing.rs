//! What drafts would send, and the run that sends them (the console's `W`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::host::{House, refusal, store_refusal};
use super::messages::{Outgoing, OutgoingLine, Refusal, RefusalKind, Reply};
use super::resolve::result;
use crate::domain::{
    Choice, Conflict, FieldPair, ItemId, ItemState, Mapping, MappingId, PairKind, PerSide,
    RecordId, Side, SideCount, Value,
};
use crate::engine::{Order, Scope};
use crate::store::rows::{Dirty, MappingPhase};
use crate::store::{Family, StoreError, keys};
use crate::transform;

/// Lines of an outgoing preview.
const LINES: usize = 200;

impl House {
    async fn drafts(
        &self,
        wanted: impl Fn(&Conflict) -> bool + Sync,
    ) -> Result<Vec<Conflict>, StoreError> {
        let mut drafts: Vec<Conflict> = Vec::new();
        for family in [Family::Conflict, Family::Review] {
            self.db
                .walk(keys::all(family), |item: Conflict| {
                    if item.state == ItemState::Draft && wanted(&item) {
                        drafts.push(item);
                    }
                })
                .await?;
        }
        Ok(drafts)
    }

    /// The drafts that can be sent now: those of a paused mapping stay, and so do those of one whose first sync is not done.
    async fn sendable(&self) -> Result<Vec<Conflict>, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let mut drafts = self.drafts(|_| true).await.map_err(store)?;
        if drafts.is_empty() {
            return Err(refusal(
                RefusalKind::Usage,
                "no drafts yet: take a side for a conflict first",
            ));
        }
        let mut ready: BTreeSet<MappingId> = BTreeSet::new();
        for mapping in &self.rules.mappings {
            let state = self.db.map_state(&mapping.id).await.map_err(store)?;
            if state.state != MappingPhase::Paused && state.first_sync_done {
                ready.insert(mapping.id.clone());
            }
        }
        drafts.retain(|item| ready.contains(&item.mapping));
        match drafts.is_empty() {
            false => Ok(drafts),
            true => Err(refusal(
                RefusalKind::Usage,
                "every draft is of a mapping that is paused, or whose first sync is not done; resume it with p, or sync it",
            )),
        }
    }

    /// A run over the records with drafts.
    pub(super) async fn apply_drafts(self: &Arc<Self>, by: String) -> Result<Reply, Refusal> {
        let drafts = self.sendable().await?;
        let mappings: BTreeSet<MappingId> = drafts.into_iter().map(|item| item.mapping).collect();
        let order = Order {
            mappings: mappings.into_iter().collect(),
            scope: Scope::Stored,
            yes: false,
            confirm: None,
            by,
        };
        Ok(Reply::Started {
            run: Some(self.start(order).await?),
        })
    }

    /// What drafts would send: of one row, or all that can be sent.
    pub(super) async fn outgoing(&self, key: Option<ItemId>) -> Result<Reply, Refusal> {
        let drafts = match key {
            None => self.sendable().await?,
            Some(key) => {
                let of_row = |item: &Conflict| {
                    item.id == key || item.link.is_some_and(|link| link.0 == key.0)
                };
                let drafts = self.drafts(of_row).await;
                drafts.map_err(|error| store_refusal(&error))?
            }
        };
        let unsent = match key {
            None => self.unsent(&drafts).await,
            Some(_) => Ok(0),
        };
        let unsent = unsent.map_err(|error| store_refusal(&error))?;
        let mut lines = Vec::new();
        let mut records: PerSide<BTreeSet<RecordId>> = PerSide::default();
        for item in &drafts {
            for line in self.lines_of(item) {
                records.get_mut(line.side).insert(line.record.clone());
                if lines.len() < LINES {
                    lines.push(line);
                }
            }
        }
        let records = PerSide::from_fn(|side| records.get(side).len() as u64);
        let (s, h) = (records.salesforce, records.hubspot);
        // Both sides of each record are read before a choice is sent; Salesforce is read back (21).
        let linked = drafts.iter().filter(|item| item.link.is_some()).count() as u64;
        let calls = SideCount {
            salesforce: linked.div_ceil(2000) + s.div_ceil(200) + s.div_ceil(2000),
            hubspot: linked.div_ceil(100) + h.div_ceil(100),
        };
        Ok(Reply::Outgoing(Outgoing {
            drafts: drafts.len(),
            unsent,
            records,
            calls,
            lines,
        }))
    }

    /// Records of the drafts' mappings that are marked to be looked at: the drafts' run does so.
    async fn unsent(&self, drafts: &[Conflict]) -> Result<u64, StoreError> {
        let mappings: BTreeSet<&MappingId> = drafts.iter().map(|item| &item.mapping).collect();
        let mut count = 0;
        for mapping in mappings {
            let rows = keys::by_mapping(Family::Dirty, mapping);
            self.db.walk(rows, |_: Dirty| count += 1).await?;
        }
        Ok(count)
    }

    fn lines_of(&self, item: &Conflict) -> Vec<OutgoingLine> {
        let Some(resolution) = &item.resolution else {
            return Vec::new();
        };
        if resolution.choice == Choice::Accept {
            let left = item.candidates.first().map(|one| &one.record);
            let archived = left.map(|record| OutgoingLine {
                side: record.side,
                object: record.object.clone(),
                record: record.id.clone(),
                label: item.label.clone(),
                field: "archived".to_owned(),
                before: Value::Null,
                after: Value::text("yes"),
            });
            return archived.into_iter().collect();
        }
        let Some((mapping, unit)) = self.unit_of(item) else {
            return Vec::new();
        };
        unit.pairs()
            .flat_map(|pair| lines_of_pair(mapping, pair, item, &resolution.choice))
            .collect()
    }
}

/// What a choice would write of one pair.
fn lines_of_pair(
    mapping: &Mapping,
    pair: &FieldPair,
    item: &Conflict,
    choice: &Choice,
) -> Vec<OutgoingLine> {
    let translated = matches!(pair.kind, PairKind::Reference { .. } | PairKind::Owner);
    let value = |side: Side| item.value_of(pair.name(), side).clone();
    let member = item
        .members
        .iter()
        .find(|member| member.field == pair.name());
    let mut lines = Vec::new();
    for side in Side::BOTH {
        let before = value(side);
        let after = match (choice, member) {
            (Choice::Take(winner), _) if *winner == side => continue,
            (Choice::Take(winner), _) if translated => value(*winner),
            (Choice::Take(winner), _) => {
                let source = value(*winner);
                transform::put(pair, side, &source, &before).unwrap_or(source)
            }
            (Choice::Base, Some(member)) => member.base.clone().unwrap_or_default(),
            (other, _) => result(item, other),
        };
        let Some(record) = item.sides.get(side).id.clone() else {
            continue;
        };
        if after.is_known() && after != before {
            lines.push(OutgoingLine {
                side,
                object: mapping.object(side).to_owned(),
                record,
                label: item.label.clone(),
                field: pair.field(side).to_owned(),
                before,
                after,
            });
        }
    }
    lines
}
