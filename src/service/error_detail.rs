//! An error with the write that was refused, as the journal has it (docs/design/console.md 5, "Request and answer"). The journal
//! holds field values, never credentials or headers.

use std::sync::Arc;

use super::host::{House, refusal, store_refusal};
use super::messages::{ErrorDetail, Refusal, RefusalKind, Reply};
use crate::domain::{ErrorItem, ItemId, Op, OpKind, OpState, Side};
use crate::engine::Waiting;
use crate::store::{Family, StoreError, keys};

impl House {
    /// One error in full.
    pub(super) async fn error_detail(self: &Arc<Self>, id: ItemId) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let Some(Waiting::Error(item)) = self.db.waiting_item(id).await.map_err(store)? else {
            return Err(refusal(
                RefusalKind::Usage,
                "this error is over: the record was synced or the error was freed",
            ));
        };
        let op = self.refused_op(&item).await.map_err(store)?;
        let request = match &op {
            Some(op) => request(op, self.keyed(op).await.map_err(store)?),
            None => String::new(),
        };
        Ok(Reply::Error(Box::new(ErrorDetail { item, op, request })))
    }

    /// True where the object that a write goes to has the mapping's key field.
    async fn keyed(&self, op: &Op) -> Result<bool, StoreError> {
        let mapping = self
            .rules
            .mappings
            .iter()
            .find(|mapping| mapping.id == op.mapping);
        let schema = self.db.schema(op.side, &op.object).await?;
        Ok(mapping.zip(schema).is_some_and(|(mapping, row)| {
            row.schema
                .fields
                .get(mapping.key_field(op.side))
                .is_some_and(|field| field.unique)
        }))
    }

    /// The newest write that an error is about.
    async fn refused_op(&self, item: &ErrorItem) -> Result<Option<Op>, StoreError> {
        if let Some(link) = item.link {
            let ops = self.ops_of(link).await?;
            return Ok(ops.into_iter().find(|op| is_about(op, item)));
        }
        // A record without a link: only the run that saw the error last can have tried it.
        let mut found = None;
        self.db
            .walk(keys::by_run(Family::Journal, item.run), |op: Op| {
                if is_about(&op, item) {
                    found = Some(op);
                }
            })
            .await?;
        Ok(found)
    }
}

fn is_about(op: &Op, item: &ErrorItem) -> bool {
    let ended_badly = matches!(op.state, OpState::Failed | OpState::Unknown | OpState::Sent);
    let record = Some(&item.record.id);
    ended_badly
        && op.mapping == item.mapping
        && (op.target.as_ref() == record || op.source.as_ref() == record)
}

/// How a write was sent: the method and the family of paths, which is the same for every record of its batch
/// (docs/vendor/salesforce.md, docs/vendor/hubspot.md 3.16). With the key field on the object, a create is an upsert.
fn request(op: &Op, keyed: bool) -> String {
    let object = &op.object;
    match (op.side, op.kind) {
        (Side::Salesforce, OpKind::Create) if keyed => {
            format!("PATCH …/composite/sobjects/{object}, by key")
        }
        (Side::Salesforce, OpKind::Create) => format!("POST …/composite/sobjects, {object}"),
        (Side::Salesforce, OpKind::Delete) => "DELETE …/composite/sobjects, by id".to_owned(),
        (_, OpKind::Relink) => "nothing was sent".to_owned(),
        // An element of a set is a row of a junction object.
        (Side::Salesforce, OpKind::Associate) => {
            "POST …/composite/sobjects, one row each".to_owned()
        }
        (Side::Salesforce, OpKind::Dissociate) => "DELETE …/composite/sobjects, by id".to_owned(),
        (Side::Salesforce, _) => format!("PATCH …/composite/sobjects, {object}"),
        (Side::HubSpot, kind) => {
            let tail = match kind {
                OpKind::Create if keyed => "objects/…/batch/upsert",
                OpKind::Create => "objects/…/batch/create",
                OpKind::Update | OpKind::Stamp => "objects/…/batch/update",
                OpKind::Associate => "associations/…/batch/create",
                OpKind::Dissociate => "associations/…/batch/archive",
                OpKind::Delete | OpKind::Relink => "objects/…/batch/archive",
            };
            format!("POST …/crm/{}", tail.replace('…', object))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_as_the_method_and_the_family_of_paths() {
        let op = |side, kind| Op {
            id: crate::domain::OpId(1),
            run: crate::domain::RunId(1),
            seq: 1,
            mapping: "accounts".into(),
            link: crate::domain::LinkId(1),
            kind,
            side,
            object: "companies".into(),
            target: None,
            source: None,
            fields: Default::default(),
            key: None,
            evidence: None,
            modstamp: None,
            state: OpState::Failed,
            attempt: Default::default(),
            outcome: Default::default(),
        };
        let hubspot = |kind, keyed| request(&op(Side::HubSpot, kind), keyed);
        assert_eq!(
            hubspot(OpKind::Update, true),
            "POST …/crm/objects/companies/batch/update"
        );
        assert_eq!(
            hubspot(OpKind::Create, true),
            "POST …/crm/objects/companies/batch/upsert"
        );
        assert_eq!(
            request(&op(Side::Salesforce, OpKind::Create), false),
            "POST …/composite/sobjects, companies"
        );
    }
}
