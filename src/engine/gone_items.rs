//! What a person reads about links whose record is gone: review items, lines, errors (docs/design/sync-semantics.md 12).

use super::context::EngineError;
use super::db::Tx;
use super::failures::{ErrorFacts, error_item};
use super::gone_case::Case;
use super::links;
use super::run_ctx::{Mode, RunCtx};
use crate::domain::{
    Candidate, Conflict, ErrorCategory, ErrorItem, Evidence, ItemId, ItemKind, ItemState,
    LinkState, Mapping, PerSide, RecordKey, RunId, Side, SideValue, Value,
};

/// True for items that decide about a link as a whole because a record of it is gone.
pub(super) fn is_about_the_link(kind: ItemKind) -> bool {
    matches!(
        kind,
        ItemKind::Deletion
            | ItemKind::DeleteUpdate
            | ItemKind::MergeCollision
            | ItemKind::ConversionCollision
            | ItemKind::RestoredHereDeletedThere
    )
}

/// "The Salesforce record (Contact)".
fn the(mapping: &Mapping, side: Side) -> String {
    format!("The {side} record ({})", mapping.object(side))
}

/// What became of a link that rests.
pub(super) fn rests(mapping: &Mapping, case: &Case, gone: PerSide<bool>) -> String {
    let silent = |side: Side| {
        case.seen
            .get(side)
            .as_ref()
            .is_some_and(|seen| seen.presence == crate::domain::Presence::Inaccessible)
    };
    match (gone.salesforce, gone.hubspot) {
        (true, true) => "Both records were deleted; the link is over.".to_owned(),
        (in_salesforce, _) => {
            let side = match in_salesforce {
                true => Side::Salesforce,
                false => Side::HubSpot,
            };
            let was = match silent(side) {
                true => "does not answer any more and was confirmed as deleted",
                false => "was deleted",
            };
            format!(
                "{} {was}; the {} record is left as it is, and nothing is made from it again.",
                the(mapping, side),
                side.other()
            )
        }
    }
}

/// Why a person is asked about what is left of a link.
pub(super) fn asks(mapping: &Mapping, case: &Case, kind: ItemKind, gone: Side) -> String {
    let left = gone.other();
    match kind {
        ItemKind::RestoredHereDeletedThere => {
            let by = match &case.link.state {
                LinkState::Deleted(departed) => *departed.archived.get(gone),
                _ => None,
            };
            let run = by.map_or_else(String::new, |run: RunId| format!(" by run {run}"));
            format!(
                "{} is there again, but its {gone} record was archived{run} because of the deletion. create makes a new one, ignore leaves it alone; one that is restored in {gone} is linked as before.",
                the(mapping, left)
            )
        }
        ItemKind::DeleteUpdate => format!(
            "{} was deleted, and its {left} record was changed since ({}). accept archives it all the same, create makes a new {gone} record from it, ignore leaves it as it is.",
            the(mapping, gone),
            case.changed(mapping, left).join(", ")
        ),
        _ => format!(
            "{} was deleted; its {left} record is left as it is until you decide. accept archives it, ignore leaves it; nothing is made from it again.",
            the(mapping, gone)
        ),
    }
}

/// Why a deletion is not carried over without a person: what hangs on the record would go with it.
pub(super) fn has_children(mapping: &Mapping, gone: Side, child: &str) -> String {
    format!(
        "{} was deleted; its {} record is not archived by itself: {child}. accept archives it all the same, ignore leaves it.",
        the(mapping, gone),
        gone.other()
    )
}

/// What says that a record was deleted, for the journal.
pub(super) fn evidence(case: &Case, gone: Side, evidence: Evidence) -> String {
    let id = case.link.ids.get(gone).as_ref();
    let id = id.map_or("", |id| id.as_str());
    match evidence {
        Evidence::Row => format!("{gone} shows {id} with IsDeleted"),
        Evidence::Archived => format!("{gone} returns {id} as archived"),
        Evidence::Person => {
            format!("{gone} {id} does not answer; a person confirmed that it was deleted")
        }
    }
}

/// Why two counterparts of one merged record need a person (12.4).
pub(super) fn collides(mapping: &Mapping, case: &Case, side: Side, into: &str) -> String {
    let other = case.link.ids.get(side.other());
    format!(
        "{} was merged into {into}, which has another counterpart; {} {} has none any more. Merge the two in {}, and this closes by itself; ignore leaves it alone.",
        the(mapping, side),
        side.other(),
        other.as_ref().map_or("", |id| id.as_str()),
        side.other()
    )
}

/// Why a converted Lead's link waits.
pub(super) fn converted(mapping: &Mapping, case: &Case, side: Side) -> String {
    let into = match case.seen.get(side).as_ref().map(|seen| &seen.presence) {
        Some(crate::domain::Presence::Converted(id)) => id.to_string(),
        _ => String::new(),
    };
    format!(
        "{} was converted to {into}; its counterpart is left as it is and nothing is created.",
        the(mapping, side)
    )
}

/// The reason that a suspended link keeps: the first clause.
pub(super) fn reason(why: &str) -> String {
    let first = why.split([';', '.']).next().unwrap_or(why);
    let mut letters = first.chars();
    letters.next().map_or_else(String::new, |letter| {
        format!("{}{}", letter.to_lowercase(), letters.as_str())
    })
}

/// The record that is left, to be looked at beside the question.
pub(super) fn candidates(mapping: &Mapping, case: &Case, left: Side) -> Vec<Candidate> {
    let Some(id) = case.link.ids.get(left) else {
        return Vec::new();
    };
    let seen = case.seen.get(left).as_ref();
    vec![Candidate {
        record: links::record_key(mapping, left, id),
        label: seen.map_or_else(|| case.label(), |seen| seen.label()),
        why: "its counterpart, which is left".to_owned(),
    }]
}

fn item_id(case: &Case) -> ItemId {
    ItemId::derive(&[b"gone", &case.link.id.0.to_be_bytes()])
}

fn row(ctx: &RunCtx<'_>, mapping: &Mapping, case: &Case, kind: ItemKind, why: String) -> Conflict {
    let now = ctx.engine.clock.now();
    Conflict {
        id: item_id(case),
        mapping: mapping.id.clone(),
        kind,
        link: Some(case.link.id),
        label: case.label(),
        field: String::new(),
        sides: PerSide::from_fn(|side| SideValue {
            id: case.link.ids.get(side).clone(),
            ..SideValue::default()
        }),
        base: None,
        base_run: None,
        suggest: None,
        rule: "ask".into(),
        why,
        state: ItemState::Open,
        candidates: Vec::new(),
        resolution: None,
        members: Vec::new(),
        automatic: false,
        first_seen: now,
        last_seen: now,
        run: ctx.run,
    }
}

/// Puts the question; what the link waited for before is closed already.
pub(super) fn open(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
    kind: ItemKind,
    why: String,
    candidates: Vec<Candidate>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let mut item = row(ctx, mapping, case, kind, why);
    item.candidates = candidates;
    if let Some(before) = case.items.iter().find(|before| before.id == item.id) {
        item.first_seen = before.first_seen;
    }
    tx.put_conflict(&item, None, case.link.id.0)?;
    ctx.foresee_question(mapping);
    if ctx.mode == Mode::Write {
        ctx.engine.report.change(|view| view.conflicts += 1);
    }
    say(
        ctx,
        mapping,
        case,
        "warn",
        "waits in Conflicts".into(),
        Some(item.id),
    );
    Ok(())
}

/// Keeps for the record what a rule decided, and says it: nobody is asked.
pub(super) fn told(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
    why: String,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let info = Conflict {
        id: ItemId::derive(&[
            b"gone for good",
            &case.link.id.0.to_be_bytes(),
            &ctx.run.0.to_be_bytes(),
        ]),
        rule: "deletes".into(),
        state: ItemState::Resolved,
        automatic: true,
        ..row(ctx, mapping, case, ItemKind::Deletion, why.clone())
    };
    tx.put_conflict(&info, None, case.link.id.0)?;
    line(ctx, mapping, case, "info", why);
    Ok(())
}

/// An item that is over.
pub(super) fn over(ctx: &RunCtx<'_>, item: &Conflict) -> Conflict {
    Conflict {
        state: ItemState::Resolved,
        last_seen: ctx.engine.clock.now(),
        run: ctx.run,
        ..item.clone()
    }
}

/// A line of the live list about a link.
pub(super) fn line(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
    tone: &'static str,
    what: String,
) {
    say(ctx, mapping, case, tone, what, None);
}

fn say(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
    tone: &'static str,
    what: String,
    item: Option<ItemId>,
) {
    if ctx.mode != Mode::Write {
        return;
    }
    let side = Side::Salesforce;
    let id = case
        .link
        .ids
        .get(side)
        .as_ref()
        .map_or("", |id| id.as_str());
    let subject = format!("{} {id}", mapping.object(side));
    let link = Some(case.link.id).filter(|_| item.is_none());
    let report = &ctx.engine.report;
    report.line_about(tone, subject, &case.label(), what, item, link);
}

/// The error of a link's record that does not answer.
pub(super) fn unreachable(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
    side: Side,
) -> ErrorItem {
    let record = links::of_link(mapping, &case.link, side);
    let message = no_answer(&record);
    of_case(ctx, mapping, case, record, message)
}

/// An error about a link as a whole: a record behind it does not answer.
pub(super) fn of_case(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
    record: RecordKey,
    message: String,
) -> ErrorItem {
    let facts = ErrorFacts {
        link: Some(case.link.id),
        label: case.label(),
        ..gone_facts(ctx, mapping, record, message)
    };
    error_item(&facts, &case.errors, &ctx.engine.rules.settings)
}

/// The error of a record without a link that shall get a counterpart and does not answer.
pub(super) fn unreachable_source(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    record: RecordKey,
    known: &[ErrorItem],
) -> ErrorItem {
    let message = no_answer(&record);
    let facts = gone_facts(ctx, mapping, record, message);
    ErrorItem {
        next: "check whether the record was deleted or hidden from the integration user; its counterpart is made once it answers".into(),
        ..error_item(&facts, known, &ctx.engine.rules.settings)
    }
}

fn no_answer(record: &RecordKey) -> String {
    format!(
        "{} {} does not answer any more, and nothing says that it was deleted",
        record.object, record.id
    )
}

fn gone_facts<'m>(
    ctx: &RunCtx<'_>,
    mapping: &'m Mapping,
    record: RecordKey,
    message: String,
) -> ErrorFacts<'m> {
    ErrorFacts {
        mapping,
        side: record.side,
        link: None,
        label: record.id.to_string(),
        record,
        field: String::new(),
        value: Value::Null,
        category: ErrorCategory::Gone,
        message,
        vendor: None,
        run: ctx.run,
        now: ctx.engine.clock.now(),
    }
}
