//! A review item's own record and its candidates, with their values.

use std::collections::BTreeMap;

use crate::crm::Purpose;
use crate::domain::{Candidate, Conflict, Mapping, PairKind, RecordKey, Side};
use crate::service::host::House;
use crate::service::messages::{CandidateView, Refusal};

impl House {
    /// The record of a review item and its candidates with their values, read now where the vendors answer.
    pub(super) async fn candidates(
        &self,
        item: &Conflict,
    ) -> Result<(Option<CandidateView>, Vec<CandidateView>), Refusal> {
        let Some(mapping) = self
            .rules
            .mappings
            .iter()
            .find(|mapping| mapping.id == item.mapping)
        else {
            return Ok((None, Vec::new()));
        };
        let mut own = None;
        for side in Side::BOTH {
            if let Some(id) = &item.sides.get(side).id {
                let record = RecordKey {
                    side,
                    object: mapping.object(side).to_owned(),
                    id: id.clone(),
                };
                let candidate = Candidate {
                    record,
                    label: item.label.clone(),
                    why: String::new(),
                };
                own = Some(self.with_values(mapping, candidate).await);
                break;
            }
        }
        let mut views = Vec::new();
        for candidate in &item.candidates {
            views.push(self.with_values(mapping, candidate.clone()).await);
        }
        Ok((own, views))
    }

    async fn with_values(&self, mapping: &Mapping, candidate: Candidate) -> CandidateView {
        let side = candidate.record.side;
        let fields: Vec<String> = mapping
            .pairs
            .iter()
            .filter(|pair| {
                !matches!(pair.kind, PairKind::Reference { .. }) || side == Side::Salesforce
            })
            .map(|pair| pair.field(side).to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        let mut values = BTreeMap::new();
        if let Ok(crm) = self.side(side) {
            let ids = std::slice::from_ref(&candidate.record.id);
            let found = crm
                .read(Purpose::Check, &candidate.record.object, ids, &fields)
                .await;
            // Without an answer the candidates are still listed, by name and id.
            if let Some(seen) = found
                .ok()
                .and_then(|found| found.into_iter().next()?.records.into_iter().next())
            {
                for pair in &mapping.pairs {
                    values.insert(pair.name().to_owned(), seen.value(pair.field(side)).clone());
                }
            }
        }
        CandidateView { candidate, values }
    }
}
