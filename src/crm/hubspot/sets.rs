//! Sets as the associations of a record other than its primary one: reading, making, taking off
//! (docs/vendor/hubspot.md 6).

use std::collections::BTreeMap;

use serde_json::json;

use super::HubspotClient;
use super::associations::{Tie, WireTo};
use super::paths;
use crate::crm::{CrmError, Purpose, WriteItem, WriteResult};
use crate::domain::{ErrorCategory, Member, Members, RecordId, SetKind, Side, VendorError};

impl HubspotClient {
    pub(super) async fn members_of(
        &self,
        object: &str,
        ids: &[RecordId],
        set: SetKind,
    ) -> Result<BTreeMap<RecordId, Members>, CrmError> {
        let to_object = set.table().name(Side::HubSpot);
        let tie = Tie::of(object, to_object);
        let mut found: BTreeMap<RecordId, Members> = BTreeMap::new();
        let answered = self
            .each_page(object, ids, to_object, |id, page| {
                let partners = page.to.iter();
                let members =
                    partners.map(|to| (RecordId(to.to_object_id.clone()), member(to, tie)));
                found.entry(id.clone()).or_default().extend(members);
                false
            })
            .await?;
        let members = answered.into_iter().map(|id| {
            let members = found.remove(&id).unwrap_or_default();
            (id, members)
        });
        Ok(members.collect())
    }

    /// Ties records without a label: what they are tied by already stays (6.5).
    pub(super) async fn join(
        &self,
        purpose: Purpose,
        object: &str,
        set: SetKind,
        items: &[WriteItem],
    ) -> Result<Vec<WriteResult>, CrmError> {
        let to_object = set.table().name(Side::HubSpot);
        let what = format!("associate {object} with {to_object}");
        let inputs = self.pairs(
            &what,
            items,
            |from, to| json!({"from": {"id": from}, "to": {"id": to}}),
        )?;
        let path = paths::associations(object, to_object, "/batch/associate/default");
        self.send_pairs(purpose, &what, path, inputs, items).await
    }

    /// Takes off what has no label of its own. Taking an association off takes all of its labels (6.6), so it is looked at
    /// directly before.
    pub(super) async fn part(
        &self,
        purpose: Purpose,
        object: &str,
        set: SetKind,
        items: &[WriteItem],
    ) -> Result<Vec<WriteResult>, CrmError> {
        let to_object = set.table().name(Side::HubSpot);
        let what = format!("dissociate {object} from {to_object}");
        let ids: Vec<RecordId> = items.iter().filter_map(|item| item.id.clone()).collect();
        let now = self.members_of(object, &ids, set).await?;
        let held = |item: &WriteItem| {
            let members = now.get(item.id.as_ref()?)?;
            members.get(item.to.as_ref()?).copied()
        };
        let plain = |item: &&WriteItem| held(item) == Some(Member::Plain);
        let there: Vec<WriteItem> = items.iter().filter(plain).cloned().collect();
        let inputs = self.pairs(
            &what,
            &there,
            |from, to| json!({"from": {"id": from}, "to": [{"id": to}]}),
        )?;
        let path = paths::associations(object, to_object, "/batch/archive");
        let sent = self
            .send_pairs(purpose, &what, path, inputs, &there)
            .await?;
        let mut sent = sent.into_iter();
        let answered = |item: &WriteItem| item.id.as_ref().is_some_and(|id| now.contains_key(id));
        let results = items.iter().map(|item| match held(item) {
            None if !answered(item) => {
                WriteResult::Unknown("the record did not answer when it was looked at".into())
            }
            None => WriteResult::Done {
                id: item.id.clone().unwrap_or_default(),
                created: false,
                stored: None,
            },
            Some(Member::Plain) => sent
                .next()
                .unwrap_or_else(|| WriteResult::Unknown("no result came for it".into())),
            Some(Member::Primary | Member::Labelled) => WriteResult::Refused(has_label(item)),
        });
        Ok(results.collect())
    }
}

/// How a record is tied to another one.
fn member(to: &WireTo, tie: Option<Tie>) -> Member {
    let (primary, plain) = match tie {
        Some(Tie::Primary(primary, plain)) => (Some(primary), Some(plain)),
        _ => (None, None),
    };
    let mut types = to.association_types.iter();
    if types.clone().any(|kind| kind.is_primary(primary)) {
        Member::Primary
    } else if types.any(|kind| kind.label.is_some() || (plain.is_some() && kind.type_id != plain)) {
        Member::Labelled
    } else {
        Member::Plain
    }
}

/// Somebody labelled the association since it was read.
fn has_label(item: &WriteItem) -> VendorError {
    VendorError {
        status: 0,
        code: "NOT_SENT".into(),
        text: format!(
            "{} has a label by now, which taking it off would take along; not sent",
            item.to.as_ref().map_or("", |id| id.as_str())
        ),
        request_id: None,
        fields: Vec::new(),
        category: ErrorCategory::Reference,
        holder: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_association_is_an_element_unless_it_is_the_primary_one_and_labels_are_told() {
        let rows = [
            (
                r#"[{"category":"HUBSPOT_DEFINED","typeId":279,"label":null}]"#,
                Member::Plain,
            ),
            (
                r#"[{"category":"HUBSPOT_DEFINED","typeId":279,"label":null},{"category":"HUBSPOT_DEFINED","typeId":1,"label":"Primary"}]"#,
                Member::Primary,
            ),
            (
                r#"[{"category":"HUBSPOT_DEFINED","typeId":279,"label":null},{"category":"USER_DEFINED","typeId":55,"label":"Adviser"}]"#,
                Member::Labelled,
            ),
            (
                r#"[{"category":"USER_DEFINED","typeId":1,"label":"Primary"}]"#,
                Member::Labelled,
            ),
            ("[]", Member::Plain),
        ];
        for (types, want) in rows {
            let to: WireTo =
                serde_json::from_str(&format!(r#"{{"toObjectId":9,"associationTypes":{types}}}"#))
                    .unwrap();
            assert_eq!(
                member(&to, Tie::of("contacts", "companies")),
                want,
                "{types}"
            );
        }
    }
}
