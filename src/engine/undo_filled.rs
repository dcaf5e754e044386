//! What somebody entered in a Salesforce record that a run made: Salesforce names the last hand only, so that an edit lies
//! hidden under a later write of ours, and has no history to ask (docs/design/sync-semantics.md 19.1).

use std::collections::BTreeMap;

use super::context::EngineError;
use super::fields::{is_property, same_value};
use super::undo::Undoing;
use super::undo_look::{SETTLING, Seen};
use super::undo_plan::{RULE, shown};
use super::undo_read::{Pair, Touched, left};
use crate::domain::{
    FieldPair, FieldType, LinkId, Mapping, Observation, Op, OpState, PairKind, RecordId, Side,
    Value,
};
use crate::store::{Family, keys};

const SIDE: Side = Side::Salesforce;

impl Undoing<'_, '_> {
    /// Salesforce records that the run made, with a value in a mapped field that it did not send, and that no later write of
    /// ours left there.
    pub(super) async fn filled(
        &self,
        mapping: &Mapping,
        group: &[(LinkId, &Pair)],
        seen: &Seen,
    ) -> Result<BTreeMap<RecordId, String>, EngineError> {
        let db = &self.ctx.engine.db;
        let schema = db.schema(SIDE, mapping.object(SIDE)).await?;
        let can_be_entered = |pair: &&FieldPair| {
            let fields = schema.as_ref().map(|row| &row.schema.fields);
            let field = fields.and_then(|fields| fields.get(pair.field(SIDE)));
            field.is_none_or(|field| field.createable || field.updateable)
        };
        let pairs = mapping.pairs.iter().filter(can_be_entered);
        let pairs: Vec<&FieldPair> = pairs.filter(|pair| is_property(pair, SIDE)).collect();
        let mut found: BTreeMap<RecordId, BTreeMap<String, Value>> = BTreeMap::new();
        for touched in group
            .iter()
            .filter_map(|(_, pair)| pair.salesforce.as_ref())
        {
            let Some(now) = seen
                .salesforce
                .get(&touched.id)
                .filter(|now| is_edited(now))
            else {
                continue;
            };
            let us = self.ctx.known.us.salesforce.as_deref();
            let filled = pairs
                .iter()
                .filter(|pair| is_filled(pair, touched, now, us));
            let values = filled.map(|pair| pair.field(SIDE));
            let values = values.map(|name| (name.to_owned(), now.value(name).clone()));
            found.insert(touched.id.clone(), values.collect());
        }
        found.retain(|_, values| !values.is_empty());
        if found.is_empty() {
            return Ok(BTreeMap::new());
        }
        let run = keys::journal(self.target, u64::MAX);
        let journal = keys::all(Family::Journal);
        db.walk_after(journal, Some(run), |op: Op| ours(mapping, &op, &mut found))
            .await?;
        let first = |(id, values): (RecordId, BTreeMap<String, Value>)| {
            let (name, value) = values.into_iter().next()?;
            let why = format!("{name} holds {} now, which we did not write", shown(&value));
            Some((id, why))
        };
        Ok(found.into_iter().filter_map(first).collect())
    }
}

/// True where a field that the run did not send holds more than what Salesforce itself puts into a new record of ours.
fn is_filled(pair: &FieldPair, touched: &Touched, now: &Observation, us: Option<&str>) -> bool {
    let name = pair.field(SIDE);
    let value = now.value(name);
    let unticked = pair.types.salesforce == FieldType::Bool && value.as_text() == Some("false");
    let owned_by_us = pair.kind == PairKind::Owner && us.is_some() && value.as_text() == us;
    let empty = !value.is_known() || value.is_blank() || unticked || owned_by_us;
    !empty && !touched.fields.contains_key(name)
}

/// True where the record was written to after it was made.
fn is_edited(now: &Observation) -> bool {
    let since = now.modified_at.zip(now.created_at);
    since.is_none_or(|(modified, made)| modified > made + SETTLING)
}

/// Takes out what an op of a later run left in a record. What an undo put back may be anybody's.
fn ours(mapping: &Mapping, op: &Op, found: &mut BTreeMap<RecordId, BTreeMap<String, Value>>) {
    if op.state != OpState::Confirmed || op.side != SIDE || op.object != mapping.object(SIDE) {
        return;
    }
    let id = op.outcome.record.as_ref().or(op.target.as_ref());
    let Some(values) = id.and_then(|id| found.get_mut(id)) else {
        return;
    };
    values.retain(|name, value| {
        let one = op.fields.get(name).filter(|one| one.rule != RULE);
        !one.is_some_and(|one| same_value(mapping, SIDE, name, left(one), value))
    });
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::{Assignment, Direction, Presence};
    use crate::engine::testkit::pair;

    #[test]
    fn what_salesforce_puts_into_a_new_record_is_nobodys_entry() {
        use FieldType::{Bool, Text};
        let of = |kind: FieldType| {
            let mut one = pair("Title", Direction::Both);
            one.types.salesforce = kind;
            one
        };
        let owner = FieldPair {
            kind: PairKind::Owner,
            ..of(Text)
        };
        let rows = [
            (of(Text), "Clerk", true),
            (of(Text), "false", true),
            (of(Text), "", false),
            (of(Bool), "true", true),
            (of(Bool), "false", false),
            (owner.clone(), "005B", true),
            (owner, "005US", false),
        ];
        for (pair, value, want) in rows {
            let now = Observation {
                side: SIDE,
                object: "Contact".into(),
                id: "003".into(),
                fields: BTreeMap::from([("Title".to_owned(), Value::text(value))]),
                modstamp: DateTime::UNIX_EPOCH,
                modified_at: None,
                created_at: None,
                modified_by: None,
                presence: Presence::Live,
                observed_at: DateTime::UNIX_EPOCH,
            };
            let mut touched = Touched::default();
            let filled = |touched: &Touched| is_filled(&pair, touched, &now, Some("005US"));
            assert_eq!(filled(&touched), want, "{value:?} {:?}", pair.kind);
            let sent = ("Title".to_owned(), Assignment::default());
            touched.fields.extend([sent]);
            assert!(!filled(&touched), "the run sent it");
        }
    }
}
