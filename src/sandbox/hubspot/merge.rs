//! Merging two records into a new one (`docs/vendor/hubspot.md` 3.26).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::sandbox::fields::Packed;
use crate::sandbox::history::{Author, Event, Version};
use crate::sandbox::http::Response;

use super::batch::id_text;
use super::fault::{Answer, Fault};
use super::index::Fields;
use super::kinds::Kind;
use super::render::Want;
use super::table::{Former, Record};
use super::text::instant;
use super::{Call, Portal};

/// Identities that one record can have.
const MOST_IDENTITIES: usize = 250;

impl Portal {
    /// `POST …/merge`.
    pub(super) fn merge_call(&mut self, call: &Call, kind: Kind) -> Answer {
        let body = call.body()?;
        let winner = self.find(kind, &id_text(&body["primaryObjectId"]), None)?;
        let loser = self.find(kind, &id_text(&body["objectIdToMerge"]), None)?;
        let id = self.merge_records(call.now, &call.by, kind, winner, loser)?;
        let Some(record) = self.table(kind).records.get(&id) else {
            return Err(Fault::not_found());
        };
        let want = Want::new(kind, &self.table(kind).schema, &[], &[]);
        Ok(Response::json(
            200,
            &Value::Object(self.render(kind, id, record, &want)),
        ))
    }

    /// Merges two live records; gives the new id.
    pub(super) fn merge_records(
        &mut self,
        now: DateTime<Utc>,
        by: &Author,
        kind: Kind,
        winner: u64,
        loser: u64,
    ) -> Result<u64, Fault> {
        if winner == loser {
            return Err(Fault::invalid(format!(
                "Cannot merge object {winner} with itself"
            )));
        }
        let table = self.table_mut(kind);
        let (Some((winner, _)), Some((loser, _))) = (table.live(winner), table.live(loser)) else {
            return Err(Fault::not_found());
        };
        let id = table.fresh_id();
        let (Some(first), Some(second)) = (table.remove(winner), table.remove(loser)) else {
            return Err(Fault::not_found());
        };
        if first.merged.len() + second.merged.len() + 2 > MOST_IDENTITIES {
            table.insert(winner, first);
            table.insert(loser, second);
            return Err(Fault::bare(
                414,
                "Cannot have more than 250 identities on a profile",
            ));
        }
        let fields = united(kind, id, now, (winner, &first), (loser, &second));
        let mut history = first.history.clone();
        let taken: Fields = fields
            .iter()
            .filter(|(name, value)| {
                !name.starts_with("hs_") && first.fields.get(name) != Some(value.as_str())
            })
            .filter(|(name, _)| **name != *kind.row().modified && **name != *kind.row().created)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let pool = &mut self.table_mut(kind).pool;
        history.push(Version::new(now, by, Event::Updated, pool.pack(&taken)));
        let fields = pool.pack(&fields);
        let merged = [winner]
            .iter()
            .chain(&first.merged)
            .chain([&loser])
            .chain(&second.merged)
            .copied()
            .collect();
        let (by_api, keyed) = (first.by_api || second.by_api, true);
        let created = first.created.min(second.created);
        let lag = self.settings.index_lag;
        for (old, record) in [(winner, first), (loser, second)] {
            let mut history = record.history;
            let event = Event::MergedInto(id.to_string());
            history.push(Version::new(now, by, event, Packed::default()));
            let table = self.table_mut(kind);
            table.former.insert(old, Former { into: id, history });
            table.index.push(now, lag, old, None);
        }
        let record = Record {
            fields,
            created,
            modified: now,
            archived: None,
            history,
            by_api,
            keyed,
            merged,
        };
        self.table_mut(kind).insert(id, record);
        self.counts.merged(kind, (winner, loser), id);
        self.move_links(now, by, kind, winner, loser, id);
        self.table_mut(kind).reindex(now, lag, id);
        Ok(id)
    }

    /// The new record gets the partners of both; the primary ones of the winner stay primary.
    fn move_links(
        &mut self,
        now: DateTime<Utc>,
        by: &Author,
        kind: Kind,
        winner: u64,
        loser: u64,
        id: u64,
    ) {
        for old in [winner, loser] {
            for to in self.links.partner_kinds(kind, old) {
                let partners: Vec<(u64, Vec<u32>)> = self
                    .links
                    .of(kind, old, to)
                    .map(|(id, types)| (id, types.iter().copied().collect()))
                    .collect();
                let primary = super::links::pair(kind, to).and_then(|pair| pair.primary);
                let has_primary = self.links.primary(kind, id, to).is_some();
                for (partner, mut types) in partners {
                    self.links.untie((kind, old), (to, partner));
                    if to == kind && (partner == id || partner == winner || partner == loser) {
                        continue;
                    }
                    if has_primary && (kind != Kind::COMPANIES || to == Kind::COMPANIES) {
                        types.retain(|type_id| Some(*type_id) != primary);
                    }
                    self.links.tie((kind, id), (to, partner), &types);
                    if kind == Kind::COMPANIES && to == Kind::CONTACTS {
                        self.mirror_company(now, by, partner);
                    }
                }
            }
        }
        if kind == Kind::CONTACTS {
            self.mirror_company(now, by, id);
        }
    }
}

/// The values of the merged record: the winner's, else the loser's; the furthest lifecycle stage; all addresses.
fn united(
    kind: Kind,
    id: u64,
    now: DateTime<Utc>,
    first: (u64, &Record),
    second: (u64, &Record),
) -> Fields {
    let (winner, loser) = (first.1, second.1);
    let mut fields = winner.fields.unpacked();
    for (name, value) in loser.fields.iter() {
        let mine = fields.entry(name.to_owned()).or_default();
        if mine.is_empty() {
            *mine = value.to_owned();
        }
    }
    let stages = super::tables::options(kind, "lifecyclestage");
    let rank = |record: &Record| {
        let stage = record.fields.get("lifecyclestage")?;
        stages.iter().position(|(value, _)| *value == stage)
    };
    if rank(loser) > rank(winner)
        && let Some(stage) = loser.fields.get("lifecyclestage")
    {
        fields.insert("lifecyclestage".into(), stage.to_owned());
    }
    let mut former: Vec<String> = vec![first.0.to_string(), second.0.to_string()];
    former.extend(
        winner
            .merged
            .iter()
            .chain(&loser.merged)
            .map(u64::to_string),
    );
    if kind == Kind::CONTACTS {
        let mut emails = BTreeSet::new();
        for record in [winner, loser] {
            for name in ["email", "hs_additional_emails"] {
                let text = record.fields.get(name).unwrap_or_default();
                emails.extend(
                    text.split(';')
                        .filter(|part| !part.is_empty())
                        .map(String::from),
                );
            }
        }
        if let Some(email) = fields.get("email") {
            emails.remove(email);
        }
        fields.insert(
            "hs_additional_emails".into(),
            emails.into_iter().collect::<Vec<_>>().join(";"),
        );
        let vids: Vec<String> = former
            .iter()
            .map(|old| format!("{old}:{}", now.timestamp_millis()))
            .collect();
        fields.insert("hs_calculated_merged_vids".into(), vids.join(";"));
        let all: Vec<String> = std::iter::once(id.to_string())
            .chain(former.iter().cloned())
            .collect();
        fields.insert("hs_all_contact_vids".into(), all.join(";"));
    }
    fields.insert("hs_merged_object_ids".into(), former.join(";"));
    fields.insert("hs_object_id".into(), id.to_string());
    fields.insert(kind.row().modified.into(), instant(now));
    fields.insert(
        kind.row().created.into(),
        instant(winner.created.min(loser.created)),
    );
    fields
}
