//! What becomes of values: I-2, I-23, section 8.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::{
    Assignment, BaseValue, ItemState, Link, LinkState, Mapping, Op, OpKind, RecordId, RunState,
    Side,
};
use syncline::sandbox::history::{Author, Version};

use super::leads::lineage;
use super::records::GIVEN_UP;
use super::{Broken, Scene, Seen, field, is, ours, text};
use crate::leads::{self, is_lead};
use crate::people::{FIELDS, PLAIN, S, STREET};
use crate::story::Act;

/// I-2: what a person wrote is where they wrote it, or was written over by a person, or reached the other side, or was
/// written over by a rule that says so.
pub(super) fn no_silent_loss(scene: &Scene<'_>, seen: &mut Seen, broken: &mut Vec<Broken>) {
    let mut reached: BTreeMap<(Side, usize, &str), DateTime<Utc>> = BTreeMap::new();
    for (side, id, history) in scene.records() {
        for version in &history.versions {
            for at in 0..=PLAIN {
                if let Some(value) = version.value(field(at, side, id)) {
                    let first = reached
                        .entry((side, at, value.trim()))
                        .or_insert(version.at);
                    *first = version.at.min(*first);
                }
            }
        }
    }
    for (side, id, history) in scene.records() {
        for at in 0..=PLAIN {
            let name = field(at, side, id);
            let set: Vec<&Version> = history
                .versions
                .iter()
                .filter(|version| version.values.contains(name))
                .collect();
            for pair in set.windows(2) {
                let [before, after] = pair else { continue };
                let Some(tag) = before.value(name) else {
                    continue;
                };
                let own = after.at >= scene.begins(side, id);
                if !matches!(before.by, Author::Colleague(_)) || !ours(after) || !own {
                    continue;
                }
                if after.value(name).map(str::trim) == Some(tag.trim()) {
                    continue;
                }
                if reached
                    .get(&(side.other(), at, tag.trim()))
                    .is_some_and(|when| *when <= after.at)
                {
                    continue;
                }
                let by_rule = scene.all_ops().find(|op| {
                    op.side == side
                        && scene.lands_on(side, &op.target, id)
                        && op.fields.get(name).is_some_and(|one| {
                            text(&one.before) == tag && permitted(scene, at, side, &one.rule)
                        })
                });
                if by_rule.is_some() {
                    seen.overwritten += 1;
                    continue;
                }
                if raced(scene, side, id, name, before, after) {
                    seen.races += 1;
                    continue;
                }
                broken.push(Broken {
                    invariant: "I-2",
                    detail: format!(
                        "{side} {id} {name}: {tag:?} of {} was written over with {:?} at {} and is nowhere; ops {:?}",
                        before.at,
                        after.value(name),
                        after.at,
                        scene
                            .all_ops()
                            .filter(|op| op.side == side
                                && op.target.as_ref().is_some_and(|target| target.as_str() == id))
                            .filter_map(|op| Some((op.run, op.state, op.attempt.sent_at, op.fields.get(name)?)))
                            .collect::<Vec<_>>()
                    ),
                });
            }
        }
    }
}

/// What the pairs of `people::FIELDS` are called in a mapping.
fn names(mapping: &Mapping) -> [&'static str; 6] {
    match mapping.object(Side::Salesforce) {
        S => FIELDS.map(|(name, _)| name),
        _ => leads::FIELDS,
    }
}

/// True for a pair of that number, whichever of the mappings it is of.
fn is_pair(at: usize, name: &str) -> bool {
    name == FIELDS[at].0 || name == leads::FIELDS[at]
}

fn target(op: &Op) -> &str {
    op.target.as_ref().map_or("", RecordId::as_str)
}

/// Whether a rule of the field's may write over an edit on that side.
fn permitted(scene: &Scene<'_>, at: usize, side: Side, rule: &str) -> bool {
    let configured = |rule: &str| match at {
        0..PLAIN => scene.diary.rules.iter().any(|rules| rules[at] == rule),
        _ => rule == "salesforce",
    };
    match rule {
        "resolved" => true,
        // An undo writes only over what the run left.
        "undo" => false,
        "last_write_wins" => configured(rule),
        "salesforce" => configured(rule) && side == Side::HubSpot,
        "hubspot" => configured(rule) && side == Side::Salesforce,
        // A one-way field's source wins (F7).
        _ => scene.story.one_way && at == STREET && side == Side::HubSpot,
    }
}

/// True where the edit came after the last look that the write may rely on.
fn raced(
    scene: &Scene<'_>,
    side: Side,
    id: &str,
    name: &str,
    before: &Version,
    after: &Version,
) -> bool {
    // A create that came minutes after it was given up is an upsert by then (16.5): that of this record, not another one's.
    let key = scene.people_like(side, id).key_field(side);
    let key = scene.held_at(side, id, key, after.at);
    let may_be_of = |op: &Op| {
        let own = |key: &String| is(&op.source, key);
        key.as_ref().is_none_or(|key| key.is_empty() || own(key))
    };
    let wrote = |op: &&Op| {
        op.side == side
            && (scene.lands_on(side, &op.target, id)
                || is(&op.outcome.record, id)
                || op.kind == OpKind::Create && may_be_of(op))
            && op.fields.get(name).is_some_and(|one| {
                text(&one.after).trim() == after.value(name).unwrap_or_default().trim()
            })
    };
    let sent = scene
        .all_ops()
        .filter(wrote)
        .filter_map(|op| op.attempt.sent_at)
        .filter(|sent| *sent <= after.at + TimeDelta::seconds(1));
    // A merge brings an old value to a record that it was not on when the write was sent to what is merged into it.
    let since = before.at.max(scene.begins(side, id));
    sent.max()
        .is_some_and(|sent| since >= sent - TimeDelta::seconds(11))
}

/// I-23: a base is a value that the side really held.
pub(super) fn base_truth(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for link in &scene.books.links {
        let Some(base) = scene.books.bases.get(&link.id) else {
            continue;
        };
        let Some(mapping) = scene.mapping_of(link) else {
            continue;
        };
        for side in Side::BOTH {
            // A write to a record that has just been merged lands on the one that is left.
            let pasts: Vec<_> = Scene::ids_of(link, side)
                .flat_map(|id| {
                    let after = scene.successors(side, id.as_str());
                    std::iter::once(id.as_str().to_owned()).chain(after)
                })
                .filter_map(|id| {
                    let past = scene.history(side, &id)?;
                    Some((id, past))
                })
                .collect();
            if pasts.is_empty() {
                continue;
            }
            for (at, name) in names(mapping).into_iter().enumerate().take(PLAIN + 1) {
                let Some(one) = base.fields.get(name) else {
                    continue;
                };
                let Some(BaseValue::Raw(raw)) = one.values.get(side) else {
                    continue;
                };
                let held = pasts.iter().any(|(id, past)| {
                    let mut all = past.versions.iter();
                    all.any(|version| version.value(field(at, side, id)) == Some(raw))
                });
                if !held && !*one.unverified.get(side) {
                    broken.push(Broken {
                        invariant: "I-23",
                        detail: format!(
                            "the base of {side} {:?} {name} is {raw:?}, which it never held",
                            link.ids.get(side)
                        ),
                    });
                }
            }
        }
    }
}

/// The word that a long transaction writes.
fn committed(act: &Act) -> Option<String> {
    match act {
        Act::Commit { field, tag, .. } => {
            Some(crate::people::tagged(*field, *tag, Side::Salesforce))
        }
        _ => None,
    }
}

/// Section 8: where the newest edit wins, it is the newest.
pub(super) fn newest_wins(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    // What a long transaction wrote carries the time of its beginning, and the vendor knows no other; a store that was put back
    // has forgotten when it saw what.
    let committed: Vec<String> = scene.story.acts.iter().filter_map(committed).collect();
    let recalled = scene.diary.recalled.first();
    let mut written: BTreeMap<(Side, usize, &str), DateTime<Utc>> = BTreeMap::new();
    for (side, id, history) in scene.records() {
        for version in &history.versions {
            for at in 0..PLAIN {
                if let (Author::Colleague(_), Some(value)) =
                    (&version.by, version.value(field(at, side, id)))
                {
                    // A merge takes values over with the time at which they were written.
                    let first = written.entry((side, at, value)).or_insert(version.at);
                    *first = version.at.min(*first);
                }
            }
        }
    }
    for op in &scene.books.ops {
        for (name, one) in &op.fields {
            let Some(at) = (0..PLAIN).find(|at| field(*at, op.side, target(op)) == name) else {
                continue;
            };
            let timeless = [&one.before, &one.source]
                .iter()
                .any(|value| committed.iter().any(|word| word == text(value)));
            let forgotten =
                recalled.is_some_and(|at| op.attempt.sent_at.is_none_or(|sent| sent > *at));
            if one.rule != "last_write_wins" || timeless || forgotten {
                continue;
            }
            let lost = written.get(&(op.side, at, text(&one.before)));
            // The winner's side may have been written to once more since its value was read: that edit counts.
            let won = written
                .get(&(op.side.other(), at, text(&one.source)))
                .map(|won| last_edit(scene, op, at).unwrap_or(*won));
            if let (Some(lost), Some(won)) = (lost, won)
                && won + TimeDelta::seconds(2) < *lost
            {
                broken.push(Broken {
                    invariant: "newest",
                    detail: format!("{name} of {:?}: {:?} of {won} won over {:?} of {lost} in run {}, sent at {:?}, {:?}; {:?}", op.target, one.source, one.before, op.run, op.attempt.sent_at, op.state,
                    scene.books.items.iter().filter(|item| item.link == Some(op.link)).map(|item| (&item.field, &item.sides, &item.why, item.automatic, item.run)).collect::<Vec<_>>()),
                });
            }
        }
    }
}

/// The last edit of the winner's field before the write was sent.
fn last_edit(scene: &Scene<'_>, op: &Op, at: usize) -> Option<DateTime<Utc>> {
    let side = op.side.other();
    let source = op.source.as_ref()?.as_str();
    let history = scene.history(side, source)?;
    let edits = history.of_field(field(at, side, source));
    edits
        .filter(|version| matches!(version.by, Author::Colleague(_)))
        .map(|version| version.at)
        .find(|edited| op.attempt.sent_at.is_some_and(|sent| *edited <= sent))
}

/// What an undo had put back is put back again where an old write landed over it (16.5).
fn emptied_by_an_undo(scene: &Scene<'_>, late: &Op, name: &str) -> bool {
    let landed = late.fields.get(name).map(|one| one.rule.as_str()) == Some("late_landing");
    let by_undo = |op: &Op| {
        let one = op.fields.get(name);
        let emptied = one.is_some_and(|one| one.rule == "undo" && one.after.is_blank());
        emptied && (op.link, op.side) == (late.link, late.side) && op.run < late.run
    };
    landed && scene.books.ops.iter().any(by_undo)
}

/// `prefer_non_blank`: no rule of ours empties a field.
pub(super) fn values_kept(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    if !scene.story.keep_values {
        return;
    }
    for op in &scene.books.ops {
        let plain = |name: &str| (0..PLAIN).any(|at| field(at, op.side, target(op)) == name);
        for (name, one) in &op.fields {
            if plain(name)
                && one.after.is_blank()
                && !one.before.is_blank()
                && !matches!(one.rule.as_str(), "resolved" | "undo")
                && op.kind == OpKind::Update
                && !emptied_by_an_undo(scene, op, name)
            {
                broken.push(Broken {
                    invariant: "blanks",
                    detail: format!(
                        "{} {:?} {name}: {:?} is emptied by {}",
                        op.side, op.target, one.before, one.rule
                    ),
                });
            }
        }
    }
}

/// I-2: what both sides hold is the last word of a person (or of an automation) on one of them, not an older one that came
/// back; a choice of the operator's apart.
pub(super) fn last_word(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    if scene.story.keep_values {
        // A blank that gives way to a value is an older value that comes back.
        return;
    }
    let living = Side::BOTH.map(|side| scene.alive(side));
    for link in &scene.books.links {
        let (Some(s), Some(h)) = (&link.ids.salesforce, &link.ids.hubspot) else {
            continue;
        };
        let Some(mapping) = scene.mapping_of(link) else {
            continue;
        };
        // Of two that are both not there nothing is known: one is gone, and the other one does not answer (12.1).
        let there = living[0].contains(s.as_str()) || living[1].contains(h.as_str());
        if link.state != LinkState::Active || !there {
            continue;
        }
        let lineage = lineage(scene, link.id);
        for (at, name) in names(mapping).into_iter().enumerate().take(PLAIN + 1) {
            let last = |side: Side, id: &str| {
                let history = scene.history(side, id)?;
                let name = field(at, side, id);
                let word = history.of_field(name).find(|one| !ours(one))?;
                Some(word.value(name).unwrap_or_default().trim().to_lowercase())
            };
            let words = [
                last(Side::Salesforce, s.as_str()),
                last(Side::HubSpot, h.as_str()),
            ];
            // What was merged into the two had its own last words, which its counterpart may have got; a merge is itself one.
            let mut may = Vec::new();
            for side in Side::BOTH {
                for id in link.former.get(side) {
                    // Of one that was merged away, or deleted and made anew, nobody needs to have heard, and all that it said may
                    // stand. A converted Lead is heard to the end.
                    let past = scene.history(side, id.as_str()).into_iter();
                    let field = field(at, side, id.as_str());
                    let heard = if is_lead(id.as_str()) { 1 } else { usize::MAX };
                    let said = past.flat_map(|past| past.of_field(field).take(heard));
                    may.extend(said.map(|one| {
                        let word = one.value(field).unwrap_or_default();
                        Some(word.trim().to_lowercase())
                    }));
                }
            }
            for (side, id) in [(Side::Salesforce, s), (Side::HubSpot, h)] {
                // What was sent to a record that was merged into it meanwhile.
                let name = field(at, side, id.as_str());
                let late = scene.all_ops().filter(|op| {
                    op.side == side
                        && !is(&op.target, id.as_str())
                        && scene.lands_on(side, &op.target, id.as_str())
                });
                let said = late.filter_map(|op| op.fields.get(name));
                may.extend(said.map(|one| Some(text(&one.after).trim().to_lowercase())));
            }
            if let Some(merged) = scene.merged.get(h.as_str()) {
                let field = field(at, Side::HubSpot, h.as_str());
                let got = scene.held_at(Side::HubSpot, h.as_str(), field, *merged);
                may.push(got.map(|word| word.trim().to_lowercase()));
            }
            let held = [(Side::Salesforce, s.as_str()), (Side::HubSpot, h.as_str())]
                .map(|(side, id)| {
                    crate::people::value(scene.sandbox, side, id, field(at, side, id))
                })
                .map(|value| value.unwrap_or_default().trim().to_lowercase());
            let judged = scene.all_items().any(|item| {
                item.link.is_some_and(|one| lineage.contains(&one))
                    && is_pair(at, &item.field)
                    && (item.resolution.is_some() || item.state != ItemState::Resolved)
            });
            let known = words
                .iter()
                .chain(&may)
                .flatten()
                .any(|word| held.contains(word));
            // A last word was written over by a rule that says so.
            let ruled = |word: &String| {
                let own = scene.all_ops().filter(|op| lineage.contains(&op.link));
                own.into_iter().any(|op| {
                    op.fields.values().any(|one| {
                        is_pair(at, &one.pair)
                            && text(&one.before).trim().to_lowercase() == *word
                            && permitted(scene, at, op.side, &one.rule)
                    })
                })
            };
            // A link that ended for the scope begins anew, and a blank is filled.
            let begun_anew = scene.diary.leaves.contains(&"unlink")
                && words.iter().flatten().any(String::is_empty);
            let ids = [(Side::Salesforce, s.as_str()), (Side::HubSpot, h.as_str())];
            let settled = judged
                || known
                || begun_anew
                || ids.iter().any(|(side, id)| {
                    set_back(scene, link, *side, id, at, name)
                        || filled_anew(scene, link, *side, id, at)
                })
                || undo_forgotten(scene, link, name)
                || ids
                    .iter()
                    .any(|(side, id)| landed_unknown(scene, *side, id, field(at, *side, id)))
                || words.iter().flatten().any(ruled);
            if held[0] == held[1] && !settled && words.iter().any(Option::is_some) {
                broken.push(Broken {
                    invariant: "I-2",
                    detail: format!(
                        "{s} {h} {name}: both hold {:?}, the last words were {words:?}",
                        held[0]
                    ),
                });
            }
        }
    }
}

/// Somebody set the field back to the base of the store that has been put back since: to it nobody has touched the field, as with
/// whatever comes and goes between two looks (23).
fn set_back(scene: &Scene<'_>, link: &Link, side: Side, id: &str, at: usize, pair: &str) -> bool {
    let name = field(at, side, id);
    let past = scene.history(side, id).into_iter();
    let mut words = past.flat_map(|past| past.of_field(name));
    let Some(word) = words.find(|one| !ours(one)) else {
        return false;
    };
    // As long as no run was let through since, the store knows what it was put back with and nothing else.
    let put_back = scene.diary.recalled.iter().rev();
    let put_back = put_back.copied().find(|at| *at <= word.at);
    let untouched = put_back.filter(|at| {
        let mut runs = scene.books.runs.iter();
        !runs.any(|run| {
            matches!(run.state, RunState::Done | RunState::DoneWithErrors)
                && (*at..=word.at).contains(&run.started_at)
        })
    });
    let base = scene.diary.bases_before(untouched.unwrap_or(word.at));
    let base = base.and_then(|bases| bases.get(&link.id)?.value(pair, side));
    let said = word.value(name).unwrap_or_default();
    match base {
        Some(BaseValue::Null) => said.is_empty(),
        Some(BaseValue::Raw(held)) => said == held,
        _ => false,
    }
}

/// Somebody emptied the field before a store that knows of neither record linked them like in a first sync: it fills a blank
/// with the other side's value (F9), also where that is of a sync it has forgotten.
fn filled_anew(scene: &Scene<'_>, link: &Link, side: Side, id: &str, at: usize) -> bool {
    let name = field(at, side, id);
    let past = scene.history(side, id).into_iter();
    let mut words = past.flat_map(|past| past.of_field(name));
    let Some(word) = words.find(|one| !ours(one)) else {
        return false;
    };
    let mut recalled = scene.diary.recalled.iter();
    word.value(name).unwrap_or_default().is_empty()
        && word.at <= link.created_at
        && recalled.any(|at| *at <= link.created_at)
}

/// A write landed long after its sender had given it up, and the store that knew of it was put away: nobody can tell it from a
/// person's edit.
pub(super) fn landed_unknown(scene: &Scene<'_>, side: Side, id: &str, name: &str) -> bool {
    let past = scene.history(side, id).into_iter();
    let landed: Vec<&Version> = past
        .flat_map(|past| past.of_field(name))
        .filter(|one| ours(one))
        .collect();
    scene.diary.elder_ops.iter().any(|op| {
        let (Some(sent), Some(one)) = (op.attempt.sent_at, op.fields.get(name)) else {
            return false;
        };
        op.side == side
            && scene.lands_on(side, &op.target, id)
            && landed.iter().any(|version| {
                let forgotten = |at: &DateTime<Utc>| (sent..=version.at).contains(at);
                version.at >= sent + GIVEN_UP
                    && text(&one.after) == version.value(name).unwrap_or_default()
                    && scene.diary.recalled.iter().any(forgotten)
            })
    })
}

/// An undo put the field back, and the store that knew of it was put away: what it left looks like a person's edit.
fn undo_forgotten(scene: &Scene<'_>, link: &Link, pair: &str) -> bool {
    let mut elder = scene.diary.elder_ops.iter();
    elder.any(|op| {
        let put_back = |one: &Assignment| one.rule == "undo" && one.pair == pair;
        op.link == link.id && op.attempt.sent_at.is_some() && op.fields.values().any(put_back)
    })
}
