//! The one record that a record is tied to before all others of an object, its primary company or the company above it: reading,
//! setting, removing; and all that it is tied to (docs/vendor/hubspot.md 6).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::HubspotClient;
use super::paths::{self, is_companies, is_contacts, is_deals};
use super::refusal::{WireError, vendor_error};
use crate::crm::http::{Call, Family};
use crate::crm::wire::{Malformed, from_json, id_text, optional_id};
use crate::crm::{CrmError, ErrorClass, Purpose, WriteItem, WriteResult};
use crate::domain::{ErrorCategory, RecordId, Side};

/// Records whose associations one call reads (docs/vendor/hubspot.md 6.4).
pub(super) const READ_BATCH: usize = 1_000;
/// Associations that one call writes (docs/vendor/hubspot.md 6.5).
pub(super) const WRITE_BATCH: usize = 2_000;

/// One record's associations.
#[derive(Clone, Debug, Deserialize)]
pub struct WireAssociations {
    pub(crate) from: WireEnd,
    #[serde(default)]
    pub(crate) to: Vec<WireTo>,
    #[serde(default)]
    pub(crate) paging: Option<super::records::WirePaging>,
}

/// One end, by id.
#[derive(Clone, Debug, Deserialize)]
pub struct WireEnd {
    #[serde(deserialize_with = "id_text")]
    pub(crate) id: String,
}

/// One associated record. The id is a number in one version and a string in another (6.3).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireTo {
    #[serde(deserialize_with = "id_text")]
    pub(crate) to_object_id: String,
    #[serde(default)]
    pub(crate) association_types: Vec<WireType>,
}

/// One label of an association.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireType {
    #[serde(default)]
    pub(crate) category: Option<String>,
    #[serde(default)]
    pub(crate) type_id: Option<u32>,
    #[serde(default)]
    pub(crate) label: Option<String>,
}

/// A batch read answer.
#[derive(Clone, Debug, Deserialize)]
pub struct WireRead {
    /// Records that have associations.
    pub results: Vec<WireAssociations>,
    /// Records that have none, and real errors.
    #[serde(default)]
    pub errors: Vec<WireError>,
}

/// Reads a batch read answer.
///
/// # Errors
/// [`Malformed`] where the body is none.
pub fn parse_associations(body: &[u8]) -> Result<WireRead, Malformed> {
    from_json("associations", body)
}

/// One association that was made.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireMade {
    #[serde(default, deserialize_with = "optional_id")]
    pub(crate) from_object_id: Option<String>,
    #[serde(default, deserialize_with = "optional_id")]
    pub(crate) to_object_id: Option<String>,
    #[serde(default)]
    pub(crate) from: Option<WireEnd>,
    #[serde(default)]
    pub(crate) to: Option<WireEnd>,
}

/// A batch create answer.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct WireMadeList {
    /// Made ones, both directions in some versions.
    #[serde(default)]
    pub results: Vec<WireMade>,
    /// Those refused.
    #[serde(default)]
    pub errors: Vec<WireError>,
}

/// Reads a batch create or archive answer; an empty body (204) is success without words.
///
/// # Errors
/// [`Malformed`] where the body is something else.
pub fn parse_made(body: &[u8]) -> Result<WireMadeList, Malformed> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(WireMadeList::default());
    }
    from_json("associations", body)
}

/// What ties a record of one object to the one record of another (6, type ids).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// The type ids of "primary" and of plain; the record that was primary before stays associated (6.8).
    Primary(u32, u32),
    /// The type id of the company above it, of which there is one (6.14).
    Parent(u32),
}

impl Tie {
    /// From one object to the other, where there is such a thing.
    pub(super) fn of(from: &str, to: &str) -> Option<Tie> {
        if is_contacts(from) && is_companies(to) {
            Some(Tie::Primary(1, 279))
        } else if is_deals(from) && is_companies(to) {
            Some(Tie::Primary(5, 341))
        } else if is_companies(from) && is_companies(to) {
            Some(Tie::Parent(14))
        } else {
            None
        }
    }

    /// The type id that tells the record from others.
    fn id(self) -> u32 {
        match self {
            Tie::Primary(id, _) | Tie::Parent(id) => id,
        }
    }

    /// The types that an association is made with.
    fn made_with(self) -> Json {
        let ids = match self {
            Tie::Primary(id, plain) => vec![id, plain],
            Tie::Parent(id) => vec![id],
        };
        let types = ids.into_iter();
        types
            .map(|id| json!({"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id}))
            .collect()
    }
}

impl WireType {
    /// True for HubSpot's own label of the primary one: by its name, or by its type id.
    pub(super) fn is_primary(&self, primary_id: Option<u32>) -> bool {
        self.category.as_deref() != Some("USER_DEFINED")
            && (self.label.as_deref() == Some("Primary")
                || (self.type_id.is_some() && self.type_id == primary_id))
    }
}

/// The primary one of a record's associations.
fn primary(found: &WireAssociations, primary_id: Option<u32>) -> Option<RecordId> {
    let is_primary = |kind: &WireType| kind.is_primary(primary_id);
    found
        .to
        .iter()
        .find(|to| to.association_types.iter().any(is_primary))
        .map(|to| RecordId(to.to_object_id.clone()))
}

impl HubspotClient {
    pub(super) async fn primaries(
        &self,
        object: &str,
        ids: &[RecordId],
        to_object: &str,
    ) -> Result<BTreeMap<RecordId, Option<RecordId>>, CrmError> {
        let primary_id = Tie::of(object, to_object).map(Tie::id);
        let mut found = BTreeMap::new();
        let answered = self
            .each_page(object, ids, to_object, |id, page| {
                let first = primary(page, primary_id);
                let enough = first.is_some();
                found.extend(first.map(|first| (id.clone(), first)));
                enough
            })
            .await?;
        let mut of = |id: RecordId| {
            let first = found.remove(&id);
            (id, first)
        };
        Ok(answered.into_iter().map(&mut of).collect())
    }

    pub(super) async fn all_associated(
        &self,
        object: &str,
        ids: &[RecordId],
        to_object: &str,
    ) -> Result<BTreeMap<RecordId, BTreeSet<RecordId>>, CrmError> {
        let mut found: BTreeMap<RecordId, BTreeSet<RecordId>> = BTreeMap::new();
        let take = |id: &RecordId, page: &WireAssociations| {
            let partners = page.to.iter().map(|to| RecordId(to.to_object_id.clone()));
            found.entry(id.clone()).or_default().extend(partners);
            false
        };
        self.each_page(object, ids, to_object, take).await?;
        Ok(found)
    }

    /// Reads the associations of records, page by page, until `enough` says of a record's page that no further one of it is
    /// needed; gives the records that answered.
    pub(super) async fn each_page(
        &self,
        object: &str,
        ids: &[RecordId],
        to_object: &str,
        mut enough: impl FnMut(&RecordId, &WireAssociations) -> bool + Send,
    ) -> Result<BTreeSet<RecordId>, CrmError> {
        let what = format!("read associations of {object}");
        self.name(&what, object)?;
        self.name(&what, to_object)?;
        let mut answered = BTreeSet::new();
        let mut asked: Vec<(String, Option<String>)> =
            ids.iter().map(|id| (id.0.clone(), None)).collect();
        asked.sort_unstable();
        asked.dedup();
        let mut seen = BTreeSet::new();
        while !asked.is_empty() {
            let mut further = Vec::new();
            for chunk in asked.chunks(READ_BATCH) {
                let inputs: Vec<_> = chunk
                    .iter()
                    .map(|(id, after)| match after {
                        Some(after) => json!({"id": id, "after": after}),
                        None => json!({"id": id}),
                    })
                    .collect();
                let body = json!({"inputs": inputs}).to_string().into_bytes();
                let path = paths::associations(object, to_object, "/batch/read");
                let mut call = Call::ask(Purpose::Associations, &what, path, body);
                call.family = Family::Associations;
                let answer = self.http.fetch(&call, parse_associations).await?;
                answered.extend(chunk.iter().map(|(id, _)| RecordId(id.clone())));
                self.refuse_real_errors(&what, &answer.errors, &mut answered)?;
                for one in answer.results {
                    let id = RecordId(one.from.id.clone());
                    answered.insert(id.clone());
                    if enough(&id, &one) {
                        continue;
                    }
                    let after = one.paging.and_then(|paging| paging.next?.after);
                    let Some(after) = after else { continue };
                    if !seen.insert((id.clone(), after.clone())) {
                        let why = Malformed::new("associations", "its pages go round in a circle");
                        return Err(self.bug(&what, &why));
                    }
                    further.push((id.0, Some(after)));
                }
            }
            asked = further;
        }
        Ok(answered)
    }

    /// "No association" comes as an error entry (6.4); a record that is gone says nothing and has not answered; anything
    /// else is a real error.
    fn refuse_real_errors(
        &self,
        what: &str,
        errors: &[WireError],
        answered: &mut BTreeSet<RecordId>,
    ) -> Result<(), CrmError> {
        for error in errors {
            let (vendor, row) = vendor_error(0, error);
            let none = error
                .sub_category
                .as_ref()
                .and_then(|sub| sub.as_str())
                .is_some_and(|sub| sub.ends_with("NO_ASSOCIATIONS_FOUND"));
            if none {
                continue;
            }
            if vendor.category == ErrorCategory::Gone || vendor.category == ErrorCategory::Reference
            {
                for key in ["fromObjectId", "ids", "id"] {
                    for id in error.context_texts(key) {
                        answered.remove(&RecordId(id));
                    }
                }
                continue;
            }
            let message = format!("{}. {}", vendor.text, row.next);
            return Err(CrmError {
                vendor: Some(vendor),
                ..CrmError::new(Side::HubSpot, what, row.class, message)
            });
        }
        Ok(())
    }

    pub(super) async fn associate(
        &self,
        purpose: Purpose,
        object: &str,
        to_object: &str,
        items: &[WriteItem],
    ) -> Result<Vec<WriteResult>, CrmError> {
        let what = format!("associate {object} with {to_object}");
        let Some(tie) = Tie::of(object, to_object) else {
            let message = format!(
                "there is no primary association from {object} to {to_object} in HubSpot; map contacts, deals or companies to companies"
            );
            return Err(CrmError::new(
                Side::HubSpot,
                what,
                ErrorClass::Systemic,
                message,
            ));
        };
        let types = tie.made_with();
        let inputs = self.pairs(
            &what,
            items,
            |from, to| json!({"from": {"id": from}, "to": {"id": to}, "types": types}),
        )?;
        let path = paths::associations(object, to_object, "/batch/create");
        self.send_pairs(purpose, &what, path, inputs, items).await
    }

    pub(super) async fn dissociate(
        &self,
        purpose: Purpose,
        object: &str,
        to_object: &str,
        items: &[WriteItem],
    ) -> Result<Vec<WriteResult>, CrmError> {
        let what = format!("dissociate {object} from {to_object}");
        self.name(&what, to_object)?;
        // What else ties two companies stays.
        let label = Tie::of(object, to_object).filter(|tie| matches!(tie, Tie::Parent(_)));
        let inputs = self.pairs(&what, items, |from, to| match label {
            Some(tie) => json!({"from": {"id": from}, "to": {"id": to}, "types": tie.made_with()}),
            None => json!({"from": {"id": from}, "to": [{"id": to}]}),
        })?;
        let tail = match label {
            Some(_) => "/batch/labels/archive",
            None => "/batch/archive",
        };
        let path = paths::associations(object, to_object, tail);
        self.send_pairs(purpose, &what, path, inputs, items).await
    }

    pub(super) fn pairs(
        &self,
        what: &str,
        items: &[WriteItem],
        make: impl Fn(&str, &str) -> Json,
    ) -> Result<Vec<Json>, CrmError> {
        let bug = |message: &str| CrmError::new(Side::HubSpot, what, ErrorClass::Bug, message);
        if items.len() > WRITE_BATCH {
            return Err(bug(&format!(
                "the batch holds more than {WRITE_BATCH} associations"
            )));
        }
        items
            .iter()
            .map(|item| Some(make(item.id.as_ref()?.as_str(), item.to.as_ref()?.as_str())))
            .collect::<Option<_>>()
            .ok_or_else(|| bug("an association lacks one of its ends"))
    }

    pub(super) async fn send_pairs(
        &self,
        purpose: Purpose,
        what: &str,
        path: String,
        inputs: Vec<Json>,
        items: &[WriteItem],
    ) -> Result<Vec<WriteResult>, CrmError> {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let body = json!({"inputs": inputs}).to_string().into_bytes();
        let mut call = Call::write(purpose, "POST", what, path, body);
        call.family = Family::Associations;
        let answer = self.http.fetch(&call, parse_made).await?;
        Ok(items.iter().map(|item| outcome(item, &answer)).collect())
    }
}

/// Without errors all are made (the answer may be empty, or list both directions); with errors a pair is refused where one
/// names it, made where the results name it, and unknown otherwise.
fn outcome(item: &WriteItem, answer: &WireMadeList) -> WriteResult {
    let (Some(from), Some(to)) = (&item.id, &item.to) else {
        return WriteResult::Unknown("the item lacks one of its ends".into());
    };
    let done = WriteResult::Done {
        id: from.clone(),
        created: false,
        stored: None,
    };
    if answer.errors.is_empty() {
        return done;
    }
    let made = answer.results.iter().any(|made| {
        let own_from = made
            .from_object_id
            .as_deref()
            .or(made.from.as_ref().map(|end| end.id.as_str()));
        let own_to = made
            .to_object_id
            .as_deref()
            .or(made.to.as_ref().map(|end| end.id.as_str()));
        own_from == Some(from.as_str()) && own_to == Some(to.as_str())
    });
    if made {
        return done;
    }
    let naming = answer.errors.iter().find(|error| {
        error.context.keys().any(|key| {
            let named = error.context_texts(key);
            named
                .iter()
                .any(|id| id == from.as_str() || id == to.as_str())
        })
    });
    match naming {
        Some(error) => WriteResult::Refused(vendor_error(0, error).0),
        None => {
            WriteResult::Unknown("the answer does not say what became of this association".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_one_is_told_by_label_or_type_and_never_by_order() {
        let body = br#"{"status":"COMPLETE","results":[{"from":{"id":"1"},"to":[
            {"toObjectId":7,"associationTypes":[{"category":"HUBSPOT_DEFINED","typeId":279,"label":null}]},
            {"toObjectId":"9","associationTypes":[{"category":"HUBSPOT_DEFINED","typeId":279,"label":null},{"category":"HUBSPOT_DEFINED","typeId":1,"label":"Primary"}]}]},
            {"from":{"id":2},"to":[{"toObjectId":8,"associationTypes":[{"category":"USER_DEFINED","typeId":1,"label":"Primary"}]}]}]}"#;
        let read = parse_associations(body).unwrap();
        assert_eq!(primary(&read.results[0], Some(1)), Some("9".into()));
        assert_eq!(
            primary(&read.results[1], Some(1)),
            None,
            "a portal's own label is not HubSpot's"
        );
    }

    fn item(from: &str, to: &str) -> WriteItem {
        WriteItem {
            token: "t".into(),
            id: Some(from.into()),
            key: None,
            to: Some(to.into()),
            fields: BTreeMap::new(),
        }
    }

    #[test]
    fn an_empty_answer_is_success_and_a_named_pair_is_refused() {
        let empty = parse_made(b"  ").unwrap();
        assert!(matches!(
            outcome(&item("1", "9"), &empty),
            WriteResult::Done { .. }
        ));
        let body = br#"{"results":[{"fromObjectId":1,"toObjectId":9,"labels":["Primary"]}],
            "errors":[{"category":"VALIDATION_ERROR","subCategory":"crm.associations.INVALID_IDENTIFIER","message":"x is not a valid ID","context":{"id":["77"]}}]}"#;
        let answer = parse_made(body).unwrap();
        assert!(matches!(
            outcome(&item("1", "9"), &answer),
            WriteResult::Done { .. }
        ));
        assert!(matches!(
            outcome(&item("2", "77"), &answer),
            WriteResult::Refused(_)
        ));
        assert!(matches!(
            outcome(&item("3", "8"), &answer),
            WriteResult::Unknown(_)
        ));
        assert!(parse_made(b"<html>").is_err());
    }

    #[test]
    fn the_type_ids_are_those_of_the_sheet() {
        assert_eq!(Tie::of("contacts", "companies"), Some(Tie::Primary(1, 279)));
        assert_eq!(Tie::of("0-3", "0-2"), Some(Tie::Primary(5, 341)));
        assert_eq!(Tie::of("companies", "0-2"), Some(Tie::Parent(14)));
        assert_eq!(Tie::of("companies", "contacts"), None);
    }
}
