//! One row of the queue in full: every mapped field of the record, and how many others are alike.

use std::collections::BTreeMap;

use crate::domain::{
    BaseValue, Conflict, ItemId, ItemKind, ItemState, PerSide, Side, SideValue, Value,
};
use crate::engine::Waiting;
use crate::service::host::{House, refusal, store_refusal};
use crate::service::messages::{
    ConflictDetail, ConflictRow, FieldView, Refusal, RefusalKind, Reply,
};
use crate::service::words;
use crate::store::{Family, StoreError, keys};

impl House {
    /// One row in full.
    pub(in crate::service) async fn conflict(&self, key: ItemId) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let queue = self.queue().await.map_err(store)?;
        let position = queue.entries.iter().position(|entry| entry.key == key);
        let ids = position.and_then(|at| queue.items.get(at)).cloned();
        let Some(ids) = ids else {
            return Err(refusal(
                RefusalKind::Usage,
                "this item is over: it was resolved or its values agree now",
            ));
        };
        let items = self.items(&ids).await.map_err(store)?;
        let Some(row) = self.row_of(&items).await else {
            return Err(refusal(
                RefusalKind::Usage,
                "this item is over: it was resolved or its values agree now",
            ));
        };
        let mut fields: Vec<FieldView> = items
            .iter()
            .filter(|item| !item.kind.is_review())
            .map(|item| self.field_view(item))
            .collect();
        if row.kind == ItemKind::Field {
            fields.extend(self.other_fields(&row, &items).await?);
        }
        let mut candidates = Vec::new();
        let mut own = None;
        if row.kind.is_review()
            && let Some(item) = items.first()
        {
            (own, candidates) = self.candidates(item).await?;
        }
        let mut alike = BTreeMap::new();
        for item in items.iter().filter(|item| !item.kind.is_review()) {
            alike.insert(
                item.id.to_string(),
                self.alike_ids(item).await.map_err(store)?.len(),
            );
        }
        let base_run = items.iter().find_map(|item| item.base_run);
        Ok(Reply::Conflict(Box::new(ConflictDetail {
            row,
            fields,
            items,
            candidates,
            own,
            base_run,
            alike,
        })))
    }

    /// The record's other mapped fields, from what is stored: the base of what is settled.
    async fn other_fields(
        &self,
        row: &ConflictRow,
        items: &[Conflict],
    ) -> Result<Vec<FieldView>, Refusal> {
        let Some(mapping) = self
            .rules
            .mappings
            .iter()
            .find(|mapping| mapping.id == row.mapping)
        else {
            return Ok(Vec::new());
        };
        let Some(link) = items.first().and_then(|item| item.link) else {
            return Ok(Vec::new());
        };
        let base = self
            .db
            .bases(&mapping.id, &[link])
            .await
            .map_err(|error| store_refusal(&error))?
            .pop();
        let base = base.unwrap_or_default();
        let value = |pair: &str, side: Side| match base.value(pair, side) {
            Some(BaseValue::Raw(text)) => Value::Text(text.clone()),
            Some(BaseValue::Null) => Value::Null,
            _ => Value::Unknown,
        };
        Ok(mapping
            .pairs
            .iter()
            .filter(|pair| !items.iter().any(|item| item.is_about(pair.name())))
            .map(|pair| FieldView {
                names: pair.fields.clone(),
                item: None,
                base: Some(value(pair.name(), Side::Salesforce)).filter(Value::is_known),
                sides: PerSide::from_fn(|side| SideValue {
                    id: row.ids.get(side).clone(),
                    value: value(pair.name(), side),
                    ..SideValue::default()
                }),
                changed: PerSide::default(),
                rule: words::pair_rule(pair),
                suggest: None,
                choice: None,
                result: None,
                disabled: Vec::new(),
            })
            .collect())
    }

    async fn alike_ids(&self, model: &Conflict) -> Result<Vec<ItemId>, StoreError> {
        let mut ids = Vec::new();
        self.db
            .walk(keys::all(Family::Conflict), |item: Conflict| {
                let same = item.field == model.field
                    && item.mapping == model.mapping
                    && item.suggest == model.suggest
                    && item.base.is_some() == model.base.is_some()
                    && item.sides.salesforce.value.is_blank()
                        == model.sides.salesforce.value.is_blank()
                    && item.sides.hubspot.value.is_blank() == model.sides.hubspot.value.is_blank();
                if same && item.id != model.id && item.state == ItemState::Open && !item.automatic {
                    ids.push(item.id);
                }
            })
            .await?;
        Ok(ids)
    }

    /// Open conflicts of the same field and shape.
    pub(in crate::service) async fn alike(&self, item: ItemId) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        match self.db.waiting_item(item).await.map_err(store)? {
            Some(Waiting::Conflict(model)) => Ok(Reply::Ids {
                ids: self.alike_ids(&model).await.map_err(store)?,
            }),
            _ => Err(refusal(
                RefusalKind::Usage,
                format!("there is no conflict {item}"),
            )),
        }
    }
}
