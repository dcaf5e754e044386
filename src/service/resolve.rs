//! Choices for conflicts and review items: stored as drafts, all or none
//! (docs/design/sync-semantics.md 8, Manual resolution).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::conflicts::{choice_word, row_key};
use super::host::{House, lock, store_refusal};
use super::messages::{Refusal, RefusalKind, Reply, Resolved, Take};
use crate::domain::merge::{FieldTimes, person_newest};
use crate::domain::{
    Choice, Conflict, ErrorCategory, ErrorItem, ItemId, ItemKind, ItemState, Link, LinkId, Mapping,
    PerSide, RecordKey, Resolution, Side, SideValue, Value,
};
use crate::engine::{Tx, Waiting};
use crate::store::{StoreError, keys};

/// Why nothing can be typed for a group.
pub(super) const ONE_VALUE: &str =
    "several fields go together here, and what is typed is one value: take a side or the base";

/// The values of items as they were on the screen.
pub(super) type Shown = Vec<(ItemId, PerSide<Value>)>;

/// Items with the choice that each had.
pub(super) type Chosen = Vec<(ItemId, Option<Choice>)>;

fn chosen(item: &Conflict) -> Option<Choice> {
    item.resolution
        .as_ref()
        .map(|resolution| resolution.choice.clone())
}

/// The side whose edit is later, for a person who takes the newest; the reason where there is none.
pub(super) fn newest(item: &Conflict) -> Result<Side, String> {
    let times = FieldTimes {
        h_changed_at: item.sides.hubspot.modified_at,
        s_modified_at: item.sides.salesforce.modified_at,
        ..FieldTimes::default()
    };
    person_newest(&times).ok_or_else(|| {
        "both sides were changed in the same moment, or a time is not known".to_owned()
    })
}

/// The value that a choice leaves.
pub(super) fn result(item: &Conflict, choice: &Choice) -> Value {
    match choice {
        Choice::Take(side) => item.sides.get(*side).value.clone(),
        Choice::Base => item.base.clone().unwrap_or_default(),
        Choice::Value(text) => Value::text(text.clone()),
        Choice::Link(_) | Choice::Create | Choice::Ignore | Choice::Accept => Value::Unknown,
    }
}

/// The link of a record that does not answer, where a person says that it was deleted.
fn confirmed(error: &ErrorItem, take: &Take) -> Result<LinkId, String> {
    let accepts = *take == Take::Choice(Choice::Accept);
    match error.link {
        Some(link) if accepts && error.category == ErrorCategory::Gone && error.field.is_empty() => {
            Ok(link)
        }
        _ => Err("it is an error, not a conflict; only a record that does not answer any more can be accepted as deleted".into()),
    }
}

/// Whether a deletion can be carried over, or the deleted record be made anew: the item is about one, and the mapping writes
/// to that side.
fn about_a_deletion(
    item: &Conflict,
    kind: ItemKind,
    mapping: Option<&Mapping>,
    choice: &Choice,
) -> Result<(), String> {
    let word = choice_word(choice);
    let fits = match choice {
        Choice::Accept => matches!(kind, ItemKind::Deletion | ItemKind::DeleteUpdate),
        _ => matches!(
            kind,
            ItemKind::DeleteUpdate | ItemKind::RestoredHereDeletedThere
        ),
    };
    if !fits {
        return Err(format!(
            "{word} does not fit a review item of this kind ({}); --ignore leaves it as it is",
            kind.word()
        ));
    }
    let left = item.candidates.first().map(|one| one.record.side);
    let (Some(left), Some(mapping)) = (left, mapping) else {
        return Ok(());
    };
    let target = match choice {
        Choice::Accept => left,
        _ => left.other(),
    };
    let makes = *choice == Choice::Accept || mapping.creates.allows(target);
    if mapping.direction.allows(target) && makes {
        return Ok(());
    }
    Err(format!(
        "{word} does not fit: the mapping {} does not do that in {target}; --ignore leaves it as it is",
        mapping.id
    ))
}

/// Refuses a choice about other values than those that the item holds.
fn as_shown(item: &Conflict, shown: &Shown) -> Result<(), String> {
    let of_it = shown.iter().find(|(id, _)| *id == item.id);
    let same = |values: &PerSide<Value>| {
        let mut sides = Side::BOTH.into_iter();
        sides.all(|side| item.sides.get(side).value == *values.get(side))
    };
    match of_it {
        Some((_, values)) if !same(values) => {
            Err("its values have changed since they were shown: look at it again".into())
        }
        _ => Ok(()),
    }
}

/// The choice that fits an item, or why it does not.
fn fit(item: &Conflict, mapping: Option<&Mapping>, take: &Take) -> Result<Choice, String> {
    if item.state == ItemState::Resolved {
        return Err("it is resolved already".into());
    }
    let choice = match take {
        Take::Newest if item.kind == ItemKind::Field => Choice::Take(newest(item)?),
        Take::Newest => {
            return Err("newest is for conflicts of a field; this is a review item".into());
        }
        Take::Choice(choice) => choice.clone(),
    };
    let word = choice_word(&choice);
    match (&choice, item.kind) {
        (Choice::Base, kind) if kind.is_of_field() && item.base.is_none() => {
            Err("there is no base yet: this is the record's first sync".into())
        }
        (Choice::Value(_), kind) if kind.is_of_field() && !item.members.is_empty() => {
            Err(ONE_VALUE.into())
        }
        (Choice::Take(_) | Choice::Base | Choice::Value(_), kind) if kind.is_of_field() => {
            Ok(choice)
        }
        (_, ItemKind::Field) => Err(format!(
            "{word} is for review items; this is a conflict of the field {}",
            item.field
        )),
        (Choice::Ignore, _) => Ok(choice),
        (Choice::Accept | Choice::Create, kind) if item.link.is_some() => {
            about_a_deletion(item, kind, mapping, &choice).map(|()| choice)
        }
        (Choice::Link(_), _) if item.link.is_some() => Err(format!(
            "{word} does not fit: the record has a link; --ignore leaves it as it is"
        )),
        (Choice::Link(id), _) => {
            let known = item.candidates.iter().any(|candidate| {
                &candidate.record.id == id && item.sides.get(candidate.record.side).id.is_none()
            });
            if known {
                Ok(choice)
            } else {
                Err(format!(
                    "{id} is not one of its candidates on the other side"
                ))
            }
        }
        (Choice::Create, _) => Ok(choice),
        (_, kind) => Err(format!(
            "{word} is for conflicts of a field; this is a review item ({})",
            kind.word()
        )),
    }
}

impl House {
    /// Stores a choice for all the items, or refuses naming each that it does not fit.
    pub(super) async fn resolve(
        self: &Arc<Self>,
        ids: Vec<ItemId>,
        take: Take,
        by: String,
        fields_only: bool,
        shown: Shown,
    ) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let ids = self.items_behind(ids).await.map_err(store)?;
        let mut fitting = Vec::new();
        let mut wrong = Vec::new();
        let mut silent = Vec::new();
        for id in ids {
            match self.db.waiting_item(id).await.map_err(store)? {
                Some(Waiting::Conflict(item)) if fields_only && item.kind.is_review() => {}
                Some(Waiting::Conflict(item)) => {
                    let fits = as_shown(&item, &shown);
                    let fits = fits.and_then(|()| fit(&item, self.mapping_of(&item), &take));
                    match fits {
                        Ok(choice) => fitting.push((item, choice)),
                        Err(why) => wrong.push((id, why)),
                    }
                }
                Some(Waiting::Error(error)) => match confirmed(&error, &take) {
                    Ok(link) => match self.link(&error, link).await.map_err(store)? {
                        Some(link) => silent.push((error, link)),
                        None => wrong.push((id, "its link is over: retry it".into())),
                    },
                    Err(why) => wrong.push((id, why)),
                },
                None => wrong.push((id, "there is no such conflict or review item".into())),
            }
        }
        if !wrong.is_empty() {
            if !shown.is_empty() {
                // Whoever chose looks at something else than what there is: it is read anew.
                self.changed();
                self.publish().await;
            }
            let message = format!(
                "{} of {} items cannot take that choice, so none was taken; {}",
                wrong.len(),
                wrong.len() + fitting.len(),
                wrong.first().map_or("", |(_, why)| why.as_str())
            );
            return Err(Refusal {
                kind: RefusalKind::Usage,
                message,
                items: wrong,
            });
        }
        let now = self.clock.now();
        let running = lock(&self.job).is_some();
        let mut before = Vec::new();
        let mut tx = self.db.begin();
        let rows: BTreeSet<ItemId> = fitting.iter().map(|(item, _)| row_key(item)).collect();
        self.taken_up(&mut tx, &rows).await.map_err(store)?;
        for (item, choice) in fitting {
            let resolution = Resolution {
                choice,
                by: by.clone(),
                at: now,
                seen: PerSide::from_fn(|side| item.sides.get(side).value.clone()),
            };
            before.push((item.id, chosen(&item)));
            if running {
                let mut meanwhile = lock(&self.chosen_meanwhile);
                meanwhile.retain(|(id, _)| *id != item.id);
                meanwhile.push((item.id, resolution.clone()));
            }
            let drafted = Conflict {
                state: ItemState::Draft,
                resolution: Some(resolution),
                ..item.clone()
            };
            tx.put_conflict(&drafted, Some(&item), self.pending_owner(&item))
                .map_err(store)?;
        }
        let grows = !silent.is_empty();
        for (error, link) in silent {
            before.push((error.id, None));
            self.confirm_deletion(&error, &link, &by, &mut tx)
                .map_err(store)?;
        }
        tx.commit().await.map_err(store)?;
        if grows {
            // Errors became items: both lists are read anew.
            let mut lists = lock(&self.lists);
            (lists.conflicts, lists.errors) = (None, None);
        }
        self.resolved(before, &rows).await
    }

    async fn link(&self, error: &ErrorItem, link: LinkId) -> Result<Option<Link>, StoreError> {
        let known = self.db.links(&error.mapping, &[link]).await?;
        Ok(known.into_iter().flatten().next())
    }

    /// A person says that a record which does not answer was deleted: its error becomes a decided review item, and the next
    /// run does with it what the mapping does with deletions (docs/design/sync-semantics.md 12.1).
    fn confirm_deletion(
        &self,
        error: &ErrorItem,
        link: &Link,
        by: &str,
        tx: &mut Tx<'_>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let item = Conflict {
            id: ItemId::derive(&[b"gone", &link.id.0.to_be_bytes()]),
            mapping: error.mapping.clone(),
            kind: ItemKind::Deletion,
            link: Some(link.id),
            label: error.label.clone(),
            field: String::new(),
            sides: PerSide::from_fn(|side| SideValue {
                id: link.ids.get(side).clone(),
                ..SideValue::default()
            }),
            base: None,
            base_run: None,
            suggest: None,
            rule: "ask".into(),
            why: format!("{}; a person says that it was.", error.message),
            state: ItemState::Draft,
            candidates: Vec::new(),
            resolution: Some(Resolution {
                choice: Choice::Accept,
                by: by.to_owned(),
                at: now,
                seen: PerSide::default(),
            }),
            members: Vec::new(),
            automatic: false,
            first_seen: error.first_seen,
            last_seen: now,
            run: error.run,
        };
        tx.remove_error(error);
        tx.put_conflict(&item, None, link.id.0)
    }

    /// The items that ids stand for: their own, or all those of a row of the queue.
    pub(super) async fn items_behind(&self, ids: Vec<ItemId>) -> Result<Vec<ItemId>, StoreError> {
        let queue = self.queue().await?;
        let mut all = Vec::new();
        for id in ids {
            match queue.place(id).and_then(|at| queue.items.get(at)) {
                Some(items) => all.extend(items.iter().copied()),
                None => all.push(id),
            }
        }
        all.dedup();
        Ok(all)
    }

    /// Takes choices back.
    pub(super) async fn unresolve(self: &Arc<Self>, ids: Vec<ItemId>) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let ids = self.items_behind(ids).await.map_err(store)?;
        let mut tx = self.db.begin();
        let (before, rows) = self.open_again(&mut tx, ids).await.map_err(store)?;
        tx.commit().await.map_err(store)?;
        self.resolved(before, &rows).await
    }

    /// Takes the choices of items back within a transaction; gives those that had one, and the rows that they are of.
    pub(super) async fn open_again(
        &self,
        tx: &mut Tx<'_>,
        ids: Vec<ItemId>,
    ) -> Result<(Chosen, BTreeSet<ItemId>), StoreError> {
        let mut before = Vec::new();
        let mut rows = BTreeSet::new();
        for id in ids {
            lock(&self.chosen_meanwhile).retain(|(item, _)| *item != id);
            if let Some(Waiting::Conflict(item)) = self.db.waiting_item(id).await?
                && item.state == ItemState::Draft
            {
                let open = Conflict {
                    state: ItemState::Open,
                    resolution: None,
                    ..item.clone()
                };
                tx.put_conflict(&open, Some(&item), self.pending_owner(&item))?;
                before.push((item.id, chosen(&item)));
                rows.insert(row_key(&item));
            }
        }
        Ok((before, rows))
    }

    /// The answer after choices of rows were stored or taken back.
    pub(super) async fn resolved(
        self: &Arc<Self>,
        before: Chosen,
        rows: &BTreeSet<ItemId>,
    ) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        self.restated(rows).await.map_err(store)?;
        let queue = self.queue().await.map_err(store)?;
        self.publish().await;
        let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Reply::Resolved(Resolved {
            count: before.len(),
            drafts: size(queue.drafts),
            open: size(queue.open),
            before,
        }))
    }

    fn mapping_of(&self, item: &Conflict) -> Option<&Mapping> {
        let mut all = self.rules.mappings.iter();
        all.find(|mapping| mapping.id == item.mapping)
    }

    /// Under what an item waits in the pending index.
    pub(super) fn pending_owner(&self, item: &Conflict) -> u128 {
        if let Some(link) = item.link {
            return link.0;
        }
        let mapping = self.mapping_of(item);
        for side in Side::BOTH {
            if let (Some(id), Some(mapping)) = (&item.sides.get(side).id, mapping) {
                let record = RecordKey {
                    side,
                    object: mapping.object(side).to_owned(),
                    id: id.clone(),
                };
                return keys::record_owner(&record);
            }
        }
        item.id.0
    }
}
