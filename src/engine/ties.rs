//! How an association goes out: as the one that a reference names, or as an element of a set
//! (docs/design/sync-semantics.md 14.5).

use std::collections::BTreeMap;

use super::fields;
use super::run::RunCtx;
use super::sets;
use super::settle::Progressed;
use super::work::Work;
use crate::crm::WriteKind;
use crate::domain::{Mapping, MappingId, Op, OpId, OpKind, PairKind, Side};

/// False for an element whose record lacks the primary one that it goes beside: setting that was refused, or has no answer. The
/// error brings the link here again.
pub(super) fn goes_beside_one(
    mapping: &Mapping,
    works: &[Work],
    owner: &BTreeMap<OpId, usize>,
    done: &[Progressed],
    op: &Op,
) -> bool {
    let Some(index) = owner.get(&op.id).copied() else {
        return false;
    };
    let (Some(work), Some(progress)) = (works.get(index), done.get(index)) else {
        return false;
    };
    let field = op.fields.keys().next().map_or("", String::as_str);
    mapping.set_of(op.side, field).is_some_and(|set| {
        let written = progress.fields.get(op.side);
        sets::may_join(mapping, work, set, op.side, written)
    })
}

/// What the wire does for an association: an element of a set, or the one that a reference names.
pub(super) fn association_kind(ctx: &RunCtx<'_>, mapping: &Mapping, op: &Op) -> WriteKind {
    let remove = op.kind == OpKind::Dissociate;
    let field = op.fields.keys().next().map_or("", String::as_str);
    match mapping.set_of(op.side, field).map(|set| set.kind) {
        Some(set) if remove => WriteKind::Part { set },
        Some(set) => WriteKind::Join { set },
        None => {
            let to_object = association_object(ctx, mapping, field);
            match remove {
                true => WriteKind::Dissociate { to_object },
                false => WriteKind::Associate { to_object },
            }
        }
    }
}

fn association_object(ctx: &RunCtx<'_>, mapping: &Mapping, field: &str) -> String {
    let parent: Option<&MappingId> = fields::associations(mapping)
        .find(|pair| pair.fields.hubspot == field)
        .and_then(|pair| match &pair.kind {
            PairKind::Reference { mapping } => Some(mapping),
            _ => None,
        });
    parent
        .and_then(|parent| ctx.engine.mapping(parent))
        .map_or_else(String::new, |parent| {
            parent.object(Side::HubSpot).to_owned()
        })
}
