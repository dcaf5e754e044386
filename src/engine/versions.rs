//! What HubSpot's versions of a property tell of the value that was read (docs/design/sync-semantics.md 8, Interval LWW).
//! They are asked for after the record was: where somebody has changed the property in between, the newest of them is of
//! a value that nobody has looked at, and tells nothing of the one in hand.

use super::work::Work;
use crate::crm::FieldVersion;
use crate::domain::{FieldPair, Side};
use crate::transform;

/// The versions of a pair's property, newest first; `None` where they were not looked up, or where the newest is of
/// another value than the one that was read.
pub(super) fn of<'a>(work: &'a Work, pair: &FieldPair) -> Option<&'a [FieldVersion]> {
    looked_up(work, pair).filter(|_| !outdated(work, pair))
}

/// True where the property was changed after the record was read, and before its versions were.
pub(super) fn outdated(work: &Work, pair: &FieldPair) -> bool {
    let newest = looked_up(work, pair).and_then(<[FieldVersion]>::first);
    let (Some(newest), Some(seen)) = (newest, &work.seen.hubspot) else {
        return false;
    };
    let read = seen.value(&pair.fields.hubspot);
    let means = |value| transform::view(pair, Side::HubSpot, value).ok();
    read.is_known() && means(&newest.value) != means(read)
}

fn looked_up<'a>(work: &'a Work, pair: &FieldPair) -> Option<&'a [FieldVersion]> {
    let versions = work.times.as_ref()?.get(&pair.fields.hubspot)?;
    Some(versions)
}
