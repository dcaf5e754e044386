//! I-1: whether both sides of a link are equal, or are apart for a reason.

use syncline::domain::{
    Assignment, BaseField, BaseValue, Choice, Direction, Link, LinkState, OpKind, OpState,
    PairKind, Side, Value,
};
use syncline::transform;

use super::values::landed_unknown;
use super::{Broken, Rest, Scene};
use crate::people::{H, S};

pub(super) fn converged(scene: &Scene<'_>, rest: Rest, broken: &mut Vec<Broken>) {
    let living = Side::BOTH.map(|side| scene.alive(side));
    for (link, s, h, base) in scene.pairs() {
        if !living[0].contains(s) || !living[1].contains(h) {
            let told = scene
                .books
                .errors
                .iter()
                .any(|error| error.link == Some(link.id));
            if rest == Rest::Complete && !told {
                let detail = format!("{s} {h} is linked, and one of them is gone");
                broken.push(Broken::new("I-6", detail));
            }
            continue;
        }
        for pair in scene.mapping_of(link).iter().flat_map(|one| &one.pairs) {
            if rest == Rest::BeforeSweep && matches!(pair.kind, PairKind::Reference { .. }) {
                continue;
            }
            let waits = scene.books.open_items().any(|item| {
                item.link == Some(link.id) && (item.field == pair.name() || item.field.is_empty())
            });
            let fails = scene.books.errors.iter().any(|error| {
                error.link == Some(link.id)
                    && (error.field == pair.name() || error.field.is_empty())
            });
            if waits || fails {
                continue;
            }
            let one_way = pair.direction != Direction::Both;
            let accepted = base.and_then(|base| base.fields.get(pair.name()));
            let value = |side: Side, id: &str| {
                let found = crate::people::value(scene.sandbox, side, id, pair.field(side));
                found.map_or(Value::Null, Value::text)
            };
            let mut held = [value(Side::Salesforce, s), value(Side::HubSpot, h)];
            if matches!(pair.kind, PairKind::Reference { .. }) {
                held[1] = partner(scene, h).map_or(Value::Null, Value::text);
            }
            // An association that an undo put back is not marked as apart.
            let reference = matches!(pair.kind, PairKind::Reference { .. });
            let apart = accepted.is_some_and(|base| base.diverged);
            let undone = || put_back(scene, link, pair.name(), accepted, &held);
            if apart && (one_way || chosen(scene, link, pair.name()) || undone())
                || reference
                    && (undone()
                        || awaits_a_parent(scene, link)
                        || is_firm_asked_about(scene, s, h))
            {
                continue;
            }
            let (equal, shown) = match &pair.kind {
                PairKind::Reference { .. } => employed(scene, s, h),
                _ => (
                    transform::equal(pair, &held[0], &held[1]) == Some(true),
                    format!("{held:?}"),
                ),
            };
            let ids = [(Side::Salesforce, s), (Side::HubSpot, h)];
            let unknown = ids
                .iter()
                .any(|(side, id)| landed_unknown(scene, *side, id, pair.field(*side)));
            if !equal && !unknown {
                broken.push(Broken {
                    invariant: "I-1",
                    detail: format!("{s} {h} {}: {shown}; base {accepted:?}", pair.name()),
                });
            }
        }
    }
}

fn is_undone(one: &Assignment) -> bool {
    one.rule == "undo"
}

/// An undo put one side back: both hold their bases, and are apart until somebody edits the field again.
fn put_back(
    scene: &Scene<'_>,
    link: &Link,
    pair: &str,
    base: Option<&BaseField>,
    held: &[Value; 2],
) -> bool {
    // Of a pair that was deleted and came back the link may be a new one.
    let of = |op: &&syncline::domain::Op| {
        let own = op.target.is_some() && op.target == *link.ids.get(op.side);
        // Of an undo that had no answer some fields may have gone back, though another one was edited since (16.4).
        let in_part = op.state == OpState::Superseded && op.fields.values().any(is_undone);
        let write = op.kind != OpKind::Delete && (op.state == OpState::Confirmed || in_part);
        write && (own || op.link == link.id)
    };
    let writes = scene.all_ops().filter(of).flat_map(|op| {
        // What goes over a late landing is what the undo had put back (16.5).
        let mine = op
            .fields
            .values()
            .filter(|one| one.pair == pair && one.rule != "late_landing");
        mine.map(|one| ((op.attempt.sent_at, op.seq), one.rule.as_str()))
    });
    let undone = writes
        .max_by_key(|(at, _)| *at)
        .is_some_and(|(_, rule)| rule == "undo");
    let stands =
        |side: Side, value: &Value| match base.and_then(|base| base.values.get(side).as_ref()) {
            Some(BaseValue::Raw(raw)) => value.as_text() == Some(raw),
            Some(BaseValue::Null) => value.is_blank(),
            Some(BaseValue::Hashed { .. }) => true,
            None => false,
        };
    undone && stands(Side::Salesforce, &held[0]) && stands(Side::HubSpot, &held[1])
}

/// Waits, as its record's page says, for a parent that is linked no more and whose create an undo took back (14.4, 19.1), or that
/// a person left alone: it has no counterpart then.
pub(super) fn awaits_a_parent(scene: &Scene<'_>, link: &Link) -> bool {
    let rows = scene.books.waiting.iter();
    rows.filter(|row| row.link == link.id && row.since.is_some())
        .filter_map(|row| row.parent.as_ref())
        .any(|parent| {
            let taken_back = scene.books.links.iter().any(|one| {
                matches!(one.state, LinkState::TakenBack(_))
                    && one.ids.get(parent.side).as_ref() == Some(&parent.id)
            });
            let left_alone = scene.books.items.iter().any(|item| {
                item.sides.get(parent.side).id.as_ref() == Some(&parent.id)
                    && item
                        .resolution
                        .as_ref()
                        .is_some_and(|one| one.choice == Choice::Ignore)
            });
            taken_back || left_alone
        })
}

/// A person is asked which record one of the two firms belongs to.
fn is_firm_asked_about(scene: &Scene<'_>, s: &str, h: &str) -> bool {
    let firms = [
        scene.sandbox.org.value(S, s, "AccountId"),
        partner(scene, h),
    ];
    scene.books.open_items().any(|item| {
        Side::BOTH.into_iter().zip(&firms).any(|(side, firm)| {
            let id = item.sides.get(side).id.as_ref();
            let own = id.is_some_and(|id| Some(id.as_str()) == firm.as_deref());
            item.mapping != scene.people().id && own
        })
    })
}

/// A person let a conflict stand.
fn chosen(scene: &Scene<'_>, link: &Link, pair: &str) -> bool {
    scene.all_items().any(|item| {
        item.link == Some(link.id)
            && (item.field == pair || item.field.is_empty())
            && item
                .resolution
                .as_ref()
                .is_some_and(|one| matches!(one.choice, Choice::Ignore | Choice::Base))
    })
}

/// The primary company of a contact.
fn partner(scene: &Scene<'_>, h: &str) -> Option<String> {
    scene.sandbox.portal.first_partner(H, h, "companies")
}

/// A firm whose counterpart was deleted: what a reference to it says is no edit (12.2).
fn is_of_a_tomb(scene: &Scene<'_>, firm: &Option<String>) -> bool {
    let mut links = scene.books.links.iter();
    links.any(|link| {
        let own = Side::BOTH.into_iter().any(|side| {
            let id = link.ids.get(side).as_ref();
            id.is_some_and(|id| Some(id.as_str()) == firm.as_deref())
        });
        link.mapping.as_str() == "accounts" && own && matches!(link.state, LinkState::Deleted(_))
    })
}

/// Whether both sides name the same firm.
fn employed(scene: &Scene<'_>, s: &str, h: &str) -> (bool, String) {
    let account = scene.sandbox.org.value(S, s, "AccountId");
    let company = partner(scene, h);
    if [&account, &company]
        .into_iter()
        .any(|firm| is_of_a_tomb(scene, firm))
    {
        return (true, String::new());
    }
    let counterpart = account.as_ref().and_then(|account| {
        let of = |link: &&Link| {
            link.ids
                .salesforce
                .as_ref()
                .is_some_and(|id| id.as_str() == account)
        };
        let firm = scene.books.links.iter().find(of)?;
        firm.ids.hubspot.as_ref().map(|id| id.as_str().to_owned())
    });
    let shown = format!("{account:?} ({counterpart:?}) / {company:?}");
    // A company that was archived took its associations along, which is no edit of the contact (14.5).
    let live = scene.sandbox.portal.ids("companies");
    let counterpart = counterpart.filter(|id| live.contains(id));
    // One whose counterpart was deleted has none (12.2).
    let company = company.filter(|id| {
        let of = |link: &&Link| {
            link.ids
                .hubspot
                .as_ref()
                .is_some_and(|one| one.as_str() == id)
        };
        let firm = scene.books.links.iter().find(of);
        account.is_some() || !firm.is_some_and(|firm| matches!(firm.state, LinkState::Deleted(_)))
    });
    (counterpart == company, shown)
}
