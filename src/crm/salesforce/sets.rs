//! Sets as rows of a junction object: reading, making, deleting them (docs/vendor/salesforce.md 6.6).

use std::collections::{BTreeMap, BTreeSet};

use super::SalesforceClient;
use super::ids::widen;
use crate::crm::{CrmError, ErrorClass, Purpose, WriteItem, WriteKind, WriteRequest, WriteResult};
use crate::domain::{Member, Members, Observation, RecordId, SetKind, SetTable, Side, Value};

/// The code of a pair that has its row already.
const THERE: &str = "DUPLICATE_VALUE";

impl SalesforceClient {
    pub(super) async fn members_of(
        &self,
        ids: &[RecordId],
        set: SetKind,
    ) -> Result<BTreeMap<RecordId, Members>, CrmError> {
        let table = set.table();
        let mut found: BTreeMap<RecordId, Members> =
            ids.iter().map(|id| (id.clone(), Members::new())).collect();
        for row in self.rows_of(Purpose::Associations, ids, table).await? {
            let (Some(own), Some(other)) = (id_in(&row, table.own), id_in(&row, table.other))
            else {
                continue;
            };
            let member = match row.value(table.mirror).as_text() {
                Some("true") => Member::Primary,
                _ => Member::Plain,
            };
            found.entry(own).or_default().insert(other, member);
        }
        Ok(found)
    }

    async fn rows_of(
        &self,
        purpose: Purpose,
        ids: &[RecordId],
        table: &SetTable,
    ) -> Result<Vec<Observation>, CrmError> {
        let values: Vec<String> = ids.iter().map(|id| id.0.clone()).collect();
        let asked = [table.own, table.other, table.mirror].map(str::to_owned);
        self.rows_by_value(purpose, table.junction, table.own, &values, &asked, false)
            .await
    }

    /// Makes a row for each pair.
    pub(super) async fn join(
        &self,
        purpose: Purpose,
        set: SetKind,
        items: &[WriteItem],
    ) -> Result<Vec<WriteResult>, CrmError> {
        let table = set.table();
        let row = |item: &WriteItem| {
            let value = |id: &Option<RecordId>| {
                id.as_ref()
                    .map_or(Value::Null, |id| Value::text(id.as_str()))
            };
            WriteItem {
                id: None,
                to: None,
                fields: [
                    (table.own.to_owned(), value(&item.id)),
                    (table.other.to_owned(), value(&item.to)),
                ]
                .into(),
                ..item.clone()
            }
        };
        let request = WriteRequest {
            object: table.junction.to_owned(),
            kind: WriteKind::Create,
            items: items.iter().map(row).collect(),
        };
        let results = Box::pin(self.write_batch(purpose, &request)).await?;
        let of_record = |(item, result): (&WriteItem, WriteResult)| match result {
            WriteResult::Done { .. } => done(item),
            WriteResult::Refused(error) if error.code == THERE => done(item),
            result => result,
        };
        Ok(items.iter().zip(results).map(of_record).collect())
    }

    /// Deletes the row of each pair; one that mirrors a reference is not among them.
    pub(super) async fn part(
        &self,
        purpose: Purpose,
        set: SetKind,
        items: &[WriteItem],
    ) -> Result<Vec<WriteResult>, CrmError> {
        let table = set.table();
        let owners: BTreeSet<&RecordId> =
            items.iter().filter_map(|item| item.id.as_ref()).collect();
        let owners: Vec<RecordId> = owners.into_iter().cloned().collect();
        let rows: BTreeMap<(RecordId, RecordId), RecordId> = self
            .rows_of(purpose, &owners, table)
            .await?
            .into_iter()
            .filter(|row| row.value(table.mirror).as_text() != Some("true"))
            .filter_map(|row| Some(((id_in(&row, table.own)?, id_in(&row, table.other)?), row.id)))
            .collect();
        let row_of = |item: &WriteItem| rows.get(&(item.id.clone()?, item.to.clone()?)).cloned();
        let there: Vec<WriteItem> = items
            .iter()
            .filter_map(|item| {
                Some(WriteItem {
                    id: Some(row_of(item)?),
                    ..item.clone()
                })
            })
            .collect();
        let what = format!("delete {}", table.junction);
        let mut deleted = self.delete(purpose, &what, &there).await?.into_iter();
        let results = items.iter().map(|item| match row_of(item) {
            None => Ok(done(item)),
            Some(_) => match deleted.next() {
                Some(WriteResult::Done { .. }) => Ok(done(item)),
                Some(result) => Ok(result),
                None => Err(CrmError::new(
                    Side::Salesforce,
                    &what,
                    ErrorClass::Bug,
                    "a deletion has no result",
                )),
            },
        });
        results.collect()
    }
}

fn id_in(row: &Observation, field: &str) -> Option<RecordId> {
    Some(RecordId(widen(row.value(field).as_text()?)?))
}

/// The record has what was asked for.
fn done(item: &WriteItem) -> WriteResult {
    WriteResult::Done {
        id: item.id.clone().unwrap_or_default(),
        created: false,
        stored: None,
    }
}
