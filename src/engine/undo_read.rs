//! What a run did to each record, from its journal: the first value before, the last value left
//! (docs/design/sync-semantics.md 19.1). Pure.

use std::collections::BTreeMap;

use crate::domain::{
    Assignment, FieldPair, LinkId, Mapping, MappingId, Op, OpKind, OpState, PairKind, PerSide,
    RecordId, Side,
};

/// What a run did to one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Touched {
    /// The record; empty where a create has no answer yet.
    pub(super) id: RecordId,
    /// The run made it.
    pub(super) made: bool,
    /// The run took it away.
    pub(super) deleted: bool,
    /// Fields written, the key field among them: `before` the first write, `after` and `left` of the last one.
    pub(super) fields: BTreeMap<String, Assignment>,
    /// Associations set or removed, by their pseudo field.
    pub(super) associations: BTreeMap<String, Assignment>,
    /// Why nothing of it can be put back, whatever it holds now.
    pub(super) never: Option<&'static str>,
}

impl Touched {
    /// True where no field and no association of it is known.
    pub(super) fn is_blank(&self) -> bool {
        self.fields.is_empty() && self.associations.is_empty()
    }
}

/// What a run did to the records of one link.
pub(super) type Pair = PerSide<Option<Touched>>;

/// What a run did, by mapping and link.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Done {
    pub(super) links: BTreeMap<MappingId, BTreeMap<LinkId, Pair>>,
    /// Links that went over to another record.
    pub(super) relinked: Vec<Op>,
    /// Journal rows seen.
    pub(super) ops: u64,
}

impl Done {
    /// Takes up the next row of the journal; rows come in the order written.
    pub(super) fn add(&mut self, op: Op) {
        self.ops += 1;
        if op.kind == OpKind::Relink {
            // The record that the link pointed to is no more, or takes no values any more: there is nothing to point it back to.
            self.relinked.push(op);
            return;
        }
        let open = matches!(op.state, OpState::Sent | OpState::Unknown);
        if !open && op.state != OpState::Confirmed {
            return;
        }
        let pair = self
            .links
            .entry(op.mapping)
            .or_default()
            .entry(op.link)
            .or_default();
        let touched = pair.get_mut(op.side).get_or_insert_default();
        if let Some(id) = op.outcome.record.or(op.target) {
            touched.id = id;
        }
        if open {
            touched.never =
                Some("its outcome is not known yet; the next sync looks it up, undo it after that");
            return;
        }
        match op.kind {
            OpKind::Create if op.outcome.adopted => {
                touched.never = Some(
                    "the run found this record where it was about to make one, and what it held before is not known",
                );
            }
            OpKind::Create => touched.made = true,
            OpKind::Delete => touched.deleted = true,
            _ => {}
        }
        let into = match op.kind {
            OpKind::Associate | OpKind::Dissociate => &mut touched.associations,
            _ => &mut touched.fields,
        };
        for (name, later) in op.fields {
            match into.get_mut(&name) {
                Some(known) => {
                    let before = std::mem::take(&mut known.before);
                    *known = Assignment { before, ..later };
                }
                None => {
                    into.insert(name, later);
                }
            }
        }
    }
}

/// What a run did to the records of a mapping, those first that others of them do not belong to: a record whose parent is of
/// the same mapping goes before it.
pub(super) fn generations(
    mapping: &Mapping,
    pairs: BTreeMap<LinkId, Pair>,
) -> Vec<BTreeMap<LinkId, Pair>> {
    let own = |pair: &&FieldPair| {
        let of = &mapping.id;
        matches!(&pair.kind, PairKind::Reference { mapping } if mapping == of)
    };
    let own: Vec<&FieldPair> = mapping.pairs.iter().filter(own).collect();
    if own.is_empty() {
        return vec![pairs];
    }
    let mut parents: BTreeMap<(Side, &RecordId), Vec<(Side, RecordId)>> = BTreeMap::new();
    for (side, touched) in pairs.values().flat_map(sides) {
        let named = own.iter().filter_map(|pair| {
            let field = pair.field(side);
            let tie = touched.associations.get(field);
            tie.or_else(|| touched.fields.get(field))
        });
        let ids = named.filter_map(|assignment| left(assignment).as_text());
        let above = ids.map(|id| (side, RecordId::from(id)));
        parents.insert((side, &touched.id), above.collect());
    }
    let depth = |side: Side, id: &RecordId| {
        let (mut depth, mut above) = (0, vec![(side, id.clone())]);
        // In a circle nobody is above the others.
        while !above.is_empty() && depth < parents.len() {
            let next = above
                .iter()
                .filter_map(|(side, id)| parents.get(&(*side, id)));
            above = next
                .flatten()
                .filter(|(side, id)| parents.contains_key(&(*side, id)))
                .cloned()
                .collect();
            depth += usize::from(!above.is_empty());
        }
        depth
    };
    let depths: BTreeMap<LinkId, usize> = pairs
        .iter()
        .map(|(link, pair)| {
            let depths = sides(pair).map(|(side, touched)| depth(side, &touched.id));
            (*link, depths.max().unwrap_or_default())
        })
        .collect();
    let mut of_depth: BTreeMap<usize, BTreeMap<LinkId, Pair>> = BTreeMap::new();
    for (link, pair) in pairs {
        let depth = depths.get(&link).copied().unwrap_or_default();
        of_depth.entry(depth).or_default().insert(link, pair);
    }
    of_depth.into_values().rev().collect()
}

fn sides(pair: &Pair) -> impl Iterator<Item = (Side, &Touched)> {
    let touched = |side: Side| Some((side, pair.get(side).as_ref()?));
    Side::BOTH.into_iter().filter_map(touched)
}

/// What the record held when the run was through with a field.
pub(super) fn left(assignment: &Assignment) -> &crate::domain::Value {
    assignment.left.as_ref().unwrap_or(&assignment.after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Value;
    use crate::engine::testkit::update;

    fn op(kind: OpKind, state: OpState, before: &str, after: &str) -> Op {
        let change = Assignment {
            before: Value::text(before),
            after: Value::text(after),
            ..Assignment::default()
        };
        Op {
            kind,
            side: Side::HubSpot,
            object: "contacts".into(),
            target: Some("5".into()),
            fields: BTreeMap::from([("city".to_owned(), change)]),
            state,
            ..update(chrono::DateTime::UNIX_EPOCH)
        }
    }

    fn of(ops: Vec<Op>) -> Option<Touched> {
        let mut done = Done::default();
        ops.into_iter().for_each(|op| done.add(op));
        let links = done.links.remove(&"contacts".into())?;
        links.into_values().next()?.hubspot
    }

    #[test]
    fn of_several_writes_the_first_before_and_the_last_after_count() {
        use OpKind::Update;
        use OpState::{Confirmed, Failed, Skipped};
        let touched = of(vec![
            op(Update, Confirmed, "a", "b"),
            op(Update, Failed, "b", "x"),
            op(Update, Confirmed, "b", "c"),
            op(Update, Skipped, "c", "y"),
        ])
        .unwrap();
        let city = &touched.fields["city"];
        assert_eq!(
            (&city.before, left(city)),
            (&Value::text("a"), &Value::text("c"))
        );
        assert_eq!(touched.never, None);
        assert_eq!(of(vec![op(Update, Failed, "a", "b")]), None);
    }

    #[test]
    fn what_has_no_answer_and_what_was_found_there_are_never_put_back() {
        let open = of(vec![op(OpKind::Update, OpState::Unknown, "a", "b")]).unwrap();
        assert!(open.never.is_some_and(|why| why.contains("not known yet")));
        let mut found = op(OpKind::Create, OpState::Confirmed, "", "b");
        found.outcome.adopted = true;
        let found = of(vec![found]).unwrap();
        assert!(found.never.is_some() && !found.made);
        let made = of(vec![op(OpKind::Create, OpState::Confirmed, "", "b")]).unwrap();
        assert!(made.made && made.never.is_none());
    }
    #[test]
    fn what_a_run_did_to_a_record_is_told_by_the_kind_of_its_ops() {
        use OpState::{Confirmed, Sent};
        let deleted = of(vec![op(OpKind::Delete, Confirmed, "a", "")]).unwrap();
        assert!(deleted.deleted && !deleted.made && deleted.never.is_none());
        for kind in [OpKind::Associate, OpKind::Dissociate] {
            let touched = of(vec![op(kind, Confirmed, "a", "b")]).unwrap();
            let kept = (touched.fields.len(), touched.associations.len());
            assert_eq!(kept, (0, 1), "{kind:?}");
        }
        let open = of(vec![op(OpKind::Update, Sent, "a", "b")]).unwrap();
        assert!(open.never.is_some() && open.is_blank());
        for kind in [OpKind::Update, OpKind::Associate] {
            let touched = of(vec![op(kind, Confirmed, "a", "b")]).unwrap();
            assert!(!touched.is_blank(), "{kind:?}");
        }
        let mut made = op(OpKind::Create, Confirmed, "", "b");
        made.outcome.record = Some("7".into());
        assert_eq!(of(vec![made]).unwrap().id, "7".into());
        let mut done = Done::default();
        done.add(op(OpKind::Relink, Confirmed, "", ""));
        done.add(op(OpKind::Update, OpState::Failed, "a", "b"));
        let counts = (done.ops, done.relinked.len(), done.links.len());
        assert_eq!(counts, (2, 1, 0));
    }

    /// The links of each generation, of records of that id with a parent of that id, as one per link.
    fn generations_of(mapping: &Mapping, records: &[(u128, &str)]) -> Vec<Vec<u128>> {
        let touched = |(link, parent): &(u128, &str)| {
            let parent = Assignment {
                after: Value::text(*parent),
                ..Assignment::default()
            };
            let record = Touched {
                id: link.to_string().as_str().into(),
                fields: BTreeMap::from([("ParentId".to_owned(), parent)]),
                ..Touched::default()
            };
            let pair = Pair {
                salesforce: Some(record),
                hubspot: None,
            };
            (LinkId(*link), pair)
        };
        let pairs = records.iter().map(touched).collect();
        let all = generations(mapping, pairs).into_iter();
        all.map(|one| one.into_keys().map(|link| link.0).collect())
            .collect()
    }

    #[test]
    fn children_go_before_their_parents_and_a_circle_goes_at_once() {
        use crate::domain::Direction;
        use crate::engine::testkit::{mapping, pair};
        let to = |of: &str| FieldPair {
            kind: PairKind::Reference { mapping: of.into() },
            ..pair("ParentId", Direction::Both)
        };
        let own = mapping(vec![pair("Title", Direction::Both), to("contacts")]);
        type Row<'a> = (&'a [(u128, &'a str)], &'a [&'a [u128]]);
        let rows: [Row; 6] = [
            (&[(1, ""), (2, "1"), (3, "2")], &[&[3], &[2], &[1]]),
            (&[(1, "3"), (2, ""), (3, "2")], &[&[1], &[3], &[2]]),
            (&[(1, ""), (2, "1"), (3, "1"), (4, "")], &[&[2, 3], &[1, 4]]),
            // A parent that the run did not touch is nobody's.
            (&[(1, "9"), (2, "1")], &[&[2], &[1]]),
            (&[(1, "2"), (2, "1")], &[&[1, 2]]),
            (&[(1, "2"), (2, "1"), (3, "")], &[&[1, 2], &[3]]),
        ];
        for (records, want) in rows {
            assert_eq!(generations_of(&own, records), want, "{records:?}");
        }
        let chain = &[(1, ""), (2, "1")];
        let other = mapping(vec![to("accounts")]);
        assert_eq!(generations_of(&other, chain), [[1, 2]]);
    }
}
