//! The sentence over each state that a record can be in.

use chrono::{Duration, TimeZone, Utc};

use super::*;
use crate::domain::{
    Choice, CreatedBy, ErrorCategory, ItemId, ItemKind, ItemState, LinkId, LinkState, RecordKey,
    Resolution, SideValue, Successor, Value, VendorError,
};
use crate::service::messages::{Seen, Verdict};
use crate::service::record::fields::Stands;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 14, 14, 0, 0).unwrap()
}

/// What a record is like, to be changed by each row of the table. It starts in step.
struct Scene {
    standing: Standing,
    next_run_at: Option<DateTime<Utc>>,
    own: Side,
    link: Option<Link>,
    sides: PerSide<SideNow>,
    fields: Vec<RecordField>,
    pending: Vec<Conflict>,
    errors: Vec<ErrorItem>,
    parent: Option<Parent>,
    alone: Alone,
    put_back: Option<RunId>,
}

impl Scene {
    fn new() -> Self {
        let side = |id: &str| SideNow {
            id: Some(id.into()),
            seen: Seen::Live,
            ..SideNow::default()
        };
        Scene {
            standing: Standing::Active,
            next_run_at: Some(now() + Duration::minutes(15)),
            own: Side::Salesforce,
            link: Some(Link {
                id: LinkId(7),
                mapping: "contacts".into(),
                ids: PerSide {
                    salesforce: Some("003A".into()),
                    hubspot: Some("551".into()),
                },
                state: LinkState::Active,
                created_by: CreatedBy::Matched,
                created_at: now(),
                stamped: PerSide::default(),
                former: PerSide::default(),
                life: 0,
                tomb: None,
            }),
            sides: PerSide {
                salesforce: side("003A"),
                hubspot: side("551"),
            },
            fields: vec![
                field("Title", Verdict::Equal),
                field("Phone", Verdict::Equal),
            ],
            pending: Vec::new(),
            errors: Vec::new(),
            parent: None,
            alone: Alone::Unmatched,
            put_back: None,
        }
    }

    fn alone(&mut self, alone: Alone) {
        self.link = None;
        self.sides.hubspot = SideNow::default();
        self.fields.clear();
        self.alone = alone;
    }

    fn says(&self) -> (Tone, String) {
        why(&Facts {
            now: now(),
            mapping: "contacts",
            standing: &self.standing,
            next_run_at: self.next_run_at,
            own: self.own,
            link: self.link.as_ref(),
            sides: &self.sides,
            fields: &self.fields,
            pending: &self.pending,
            errors: &self.errors,
            parent: self.parent.as_ref(),
            alone: &self.alone,
            put_back: self.put_back,
        })
    }
}

fn field(name: &str, verdict: Verdict) -> RecordField {
    RecordField {
        names: PerSide {
            salesforce: name.into(),
            hubspot: name.to_lowercase(),
        },
        now: PerSide::default(),
        base: PerSide::default(),
        changed: PerSide::default(),
        rule: "newest".into(),
        verdict,
    }
}

fn item(kind: ItemKind, field: &str, why: &str) -> Conflict {
    Conflict {
        id: ItemId(1),
        mapping: "contacts".into(),
        kind,
        link: Some(LinkId(7)),
        label: "Jane".into(),
        field: field.into(),
        sides: PerSide::<SideValue>::default(),
        base: None,
        base_run: None,
        suggest: None,
        rule: "ask".into(),
        why: why.into(),
        state: ItemState::Open,
        candidates: Vec::new(),
        resolution: None,
        members: Vec::new(),
        automatic: false,
        first_seen: now() - Duration::hours(3),
        last_seen: now(),
        run: RunId(12),
    }
}

fn chosen(choice: Choice, item: Conflict) -> Conflict {
    Conflict {
        state: ItemState::Draft,
        resolution: Some(Resolution {
            choice,
            by: "k.ode".into(),
            at: now(),
            seen: PerSide::default(),
        }),
        ..item
    }
}

fn error(field: &str, tries: u32, retry_in: Option<i64>) -> ErrorItem {
    ErrorItem {
        id: ItemId(2),
        mapping: "contacts".into(),
        side: Side::HubSpot,
        object: "contacts".into(),
        record: RecordKey {
            side: Side::HubSpot,
            object: "contacts".into(),
            id: "551".into(),
        },
        link: Some(LinkId(7)),
        label: "Jane".into(),
        field: field.into(),
        value: Value::text("n/a"),
        category: ErrorCategory::Validation,
        message: "HubSpot refused it: not a phone number".into(),
        vendor: Some(VendorError {
            status: 400,
            code: "VALIDATION_ERROR".into(),
            text: "not a phone number".into(),
            request_id: None,
            fields: Vec::new(),
            category: ErrorCategory::Validation,
            holder: None,
        }),
        next: "correct the value in Salesforce".into(),
        tries,
        first_seen: now() - Duration::days(1),
        last_seen: now(),
        retry_at: retry_in.map(|minutes| now() + Duration::minutes(minutes)),
        sent: false,
        digest: String::new(),
        seen: PerSide::default(),
        run: RunId(12),
    }
}

fn parent(stands: Stands) -> Parent {
    Parent {
        pair: "AccountId".into(),
        record: RecordKey {
            side: Side::Salesforce,
            object: "Account".into(),
            id: "001B".into(),
        },
        stands,
    }
}

/// A state, how it comes about, how it reads, what it says.
type Row = (&'static str, fn(&mut Scene), Tone, &'static str);

const LINKED: &[Row] = &[
    ("in step", |_| {}, Tone::Ok, "It is in step."),
    (
        "one field waits",
        |it| it.fields[0].verdict = Verdict::GoesTo(Side::HubSpot),
        Tone::Info,
        "Title has changed and is not sent yet; the next run (at 14:15) writes it to HubSpot.",
    ),
    (
        "two fields wait, no schedule",
        |it| {
            it.fields[0].verdict = Verdict::GoesTo(Side::Salesforce);
            it.fields[1].verdict = Verdict::GoesTo(Side::HubSpot);
            it.next_run_at = None;
        },
        Tone::Info,
        "Title has changed and is not sent yet; the next run writes it to Salesforce. One more field has changed, below.",
    ),
    (
        "both changed, times decide",
        |it| it.fields[0].verdict = Verdict::BothChanged,
        Tone::Info,
        "Title has changed on both sides; the next run (at 14:15) compares their times: the newer one stays, and where they do not tell a person is asked.",
    ),
    (
        "both changed, would ask",
        |it| it.fields[0].verdict = Verdict::WouldAsk,
        Tone::Warn,
        "Title has changed on both sides; the next run (at 14:15) asks a person which one stays.",
    ),
    (
        "a value that no transform takes",
        |it| it.fields[1].verdict = Verdict::WouldFail,
        Tone::Warn,
        "Phone has a value that cannot be used on the other side; the next run (at 14:15) lists it in Errors.",
    ),
    (
        "conflict open",
        |it| {
            it.pending.push(item(
                ItemKind::Field,
                "Title",
                "Both sides have another value and the rule for this field is to ask.",
            ))
        },
        Tone::Warn,
        "Title waits for a person in Conflicts since 11:00: Both sides have another value and the rule for this field is to ask. Its other fields go on.",
    ),
    (
        "conflict chosen",
        |it| {
            it.pending.push(chosen(
                Choice::Take(Side::HubSpot),
                item(ItemKind::Field, "Title", "both"),
            ))
        },
        Tone::Info,
        "A choice is stored for Title (HubSpot, by k.ode); the next run (at 14:15) sends it.",
    ),
    (
        "frozen",
        |it| {
            it.pending.push(item(
                ItemKind::Oscillation,
                "Title",
                "It went back and forth: “a” to HubSpot in run 3.",
            ))
        },
        Tone::Warn,
        "Title is frozen: It went back and forth: “a” to HubSpot in run 3. Its other fields go on.",
    ),
    (
        "a field in error, tried again later",
        |it| it.errors.push(error("Phone", 2, Some(30))),
        Tone::Error,
        "Phone is in error: HubSpot refused it: not a phone number. Correct the value in Salesforce. \
         The first run at 14:30 or later tries it again, number 3. Its other fields go on.",
    ),
    (
        "an error that is due",
        |it| it.errors.push(error("", 1, Some(-1))),
        Tone::Warn,
        "It is in error: HubSpot refused it: not a phone number. Correct the value in Salesforce. \
         The next run (at 14:15) tries it again.",
    ),
    (
        "quarantined",
        |it| it.errors.push(error("Phone", 8, None)),
        Tone::Error,
        "Phone is in error: HubSpot refused it: not a phone number. Correct the value in Salesforce. \
         After 8 tries it is quarantined: only an edit of the record or a retry starts it anew. Its other fields go on.",
    ),
    (
        "the whole record's error goes before a conflict",
        |it| {
            it.pending.push(item(ItemKind::Field, "Title", "both"));
            it.errors.push(error("", 1, None));
        },
        Tone::Error,
        "It is in error: HubSpot refused it: not a phone number. Correct the value in Salesforce. \
         Only an edit of the record or a retry starts it anew.",
    ),
    (
        "a conflict and an error of another field",
        |it| {
            it.pending.push(item(ItemKind::Field, "Title", "both"));
            it.errors.push(error("Phone", 1, None));
        },
        Tone::Warn,
        "Title waits for a person in Conflicts since 11:00: both. One more thing waits, below; the other fields go on.",
    ),
    (
        "blocked by a parent",
        |it| {
            it.fields[0] = field("AccountId", Verdict::WaitsForParent);
            it.parent = Some(parent(Stands::Awaited));
        },
        Tone::Warn,
        "AccountId names Account 001B, which has no counterpart yet; it goes by itself once that one is linked. Its other fields go on.",
    ),
    (
        "a reference to a record whose counterpart was deleted",
        |it| {
            it.fields[0] = field("AccountId", Verdict::CounterpartGone);
            it.parent = Some(parent(Stands::Gone));
        },
        Tone::Info,
        "AccountId names Account 001B, whose counterpart in HubSpot was deleted: both sides keep what they hold until it names another record.",
    ),
    (
        "blocked for so long that it is an error",
        |it| {
            it.parent = Some(parent(Stands::Awaited));
            it.errors.push(ErrorItem {
                vendor: None,
                message:
                    "AccountId names Account 001B, which has had no counterpart since 2026-05-01"
                        .into(),
                next: String::new(),
                ..error("AccountId", 1, None)
            });
        },
        Tone::Error,
        "AccountId is in error: AccountId names Account 001B, which has had no counterpart since 2026-05-01. \
         Nothing is tried before that record is linked; then it goes by itself. Its other fields go on.",
    ),
    (
        "held by an undo",
        |it| {
            it.fields[0].verdict = Verdict::Diverged;
            it.put_back = Some(RunId(141));
        },
        Tone::Ok,
        "It is in step, but Title differs: run 141 put the old value back and holds it so. A new edit on either side travels again.",
    ),
    (
        "diverged by rule",
        |it| {
            it.fields[0].verdict = Verdict::Diverged;
            it.fields[1].verdict = Verdict::Diverged;
        },
        Tone::Ok,
        "It is in step, but Title and Phone differ: that is settled, nothing is written.",
    ),
    (
        "taken back",
        |it| it.link.as_mut().unwrap().state = LinkState::TakenBack(RunId(141)),
        Tone::Info,
        "Run 141 took back the record that was made for it, and nothing is made again unless that undo is undone.",
    ),
    (
        "superseded",
        |it| {
            it.link.as_mut().unwrap().state = LinkState::Superseded(Successor {
                mapping: "contacts".into(),
                link: LinkId(7),
                record: "003C".into(),
            })
        },
        Tone::Info,
        "Its Lead was converted: contacts syncs 003C with the same HubSpot record now, and the Lead is left as it is.",
    ),
    (
        "suspended",
        |it| {
            it.link.as_mut().unwrap().state =
                LinkState::Suspended("two linked records were merged".into())
        },
        Tone::Warn,
        "Its link is set aside, so nothing goes either way: two linked records were merged.",
    ),
    (
        "a create without an answer",
        |it| it.link.as_mut().unwrap().state = LinkState::PendingCreate,
        Tone::Warn,
        "Its counterpart was being created and no answer came; the next run (at 14:15) looks up what became of it.",
    ),
    (
        "a deletion that asks",
        |it| {
            it.sides.hubspot.seen = Seen::Deleted;
            it.pending
                .push(item(ItemKind::Deletion, "", "It was deleted in HubSpot"));
        },
        Tone::Warn,
        "It waits for a person in Conflicts (deletion) since 11:00: It was deleted in HubSpot.",
    ),
    (
        "deleted",
        |it| it.sides.hubspot.seen = Seen::Deleted,
        Tone::Warn,
        "Its HubSpot record is deleted, so nothing is written there; the next run (at 14:15) notices it, if none has yet.",
    ),
    (
        "merged away",
        |it| it.sides.hubspot.seen = Seen::MergedInto("552".into()),
        Tone::Warn,
        "Its HubSpot record was merged into 552; the next run (at 14:15) notices it, if none has yet.",
    ),
    (
        "not there without proof",
        |it| it.sides.salesforce.seen = Seen::Missing,
        Tone::Error,
        "Salesforce does not answer for its record, and nothing proves that it was deleted: a right may be missing.",
    ),
    (
        "a side that cannot be asked",
        |it| {
            it.sides.hubspot.seen = Seen::Unread("connection refused".into());
            it.fields[0].verdict = Verdict::NotCompared;
        },
        Tone::Warn,
        "HubSpot could not be read now: connection refused. Nothing was kept back when it was read last.",
    ),
    (
        "one of several",
        |it| {
            it.sides.salesforce.seen = Seen::NotAsked;
            it.sides.hubspot.seen = Seen::NotAsked;
        },
        Tone::Ok,
        "Nothing waits for it.",
    ),
    (
        "paused, in step",
        |it| it.standing = Standing::Paused,
        Tone::Ok,
        "It is in step. contacts is paused: edits made now wait.",
    ),
    (
        "paused, a field waits",
        |it| {
            it.standing = Standing::Paused;
            it.fields[0].verdict = Verdict::GoesTo(Side::HubSpot);
        },
        Tone::Info,
        "Title has changed and is not sent yet; the next run writes it to HubSpot. \
         But contacts is paused, so nothing of it moves until somebody resumes it.",
    ),
    (
        "halted, a field waits",
        |it| {
            it.standing = Standing::Halted("61 deletes is above the limit of 50".into());
            it.fields[0].verdict = Verdict::GoesTo(Side::HubSpot);
        },
        Tone::Info,
        "Title has changed and is not sent yet; the next run writes it to HubSpot. \
         But contacts is halted, so nothing of it moves: 61 deletes is above the limit of 50.",
    ),
    (
        "a confirm is due",
        |it| it.standing = Standing::ToConfirm,
        Tone::Ok,
        "It is in step. contacts waits for a confirm, so nothing of it moves before that.",
    ),
];

const ALONE: &[Row] = &[
    (
        "never seen",
        |it| {
            it.alone(Alone::NeverRead {
                created_at: Some(now() - Duration::minutes(4)),
            })
        },
        Tone::Info,
        "No run has read it yet. It was made at 13:56. The next run (at 14:15) does.",
    ),
    (
        "read, not taken up yet",
        |it| it.alone(Alone::Read),
        Tone::Info,
        "It was read and has no counterpart yet; the next run (at 14:15) takes it up.",
    ),
    (
        "never seen, and the mapping never ran",
        |it| {
            it.alone(Alone::NeverRead { created_at: None });
            it.standing = Standing::New;
        },
        Tone::Info,
        "No run has read it yet. The next run does. contacts has never run: its first run shows its plan and asks.",
    ),
    (
        "excluded by the origination rule",
        |it| it.alone(Alone::NotMade("creates = \"to_salesforce\"".into())),
        Tone::Info,
        "It is excluded: nothing in HubSpot matches it, and contacts makes nothing there (creates = \"to_salesforce\").",
    ),
    (
        "outside the condition of its mapping",
        |it| it.alone(Alone::Outside("Type = 'Customer'".into())),
        Tone::Info,
        "It is out of scope: contacts takes only records for which Type = 'Customer'. It takes part by itself once that holds.",
    ),
    (
        "forgotten",
        |it| it.alone(Alone::Forgotten),
        Tone::Info,
        "It was forgotten on request: no run looks at it again, and nothing is made of it.",
    ),
    (
        "ignored by a person",
        |it| {
            it.alone(Alone::Ignored {
                by: "k.ode".into(),
                at: now() - Duration::days(1),
            })
        },
        Tone::Info,
        "It is left alone: k.ode chose to ignore it on 13 May at 14:00, so it gets no counterpart in HubSpot.",
    ),
    (
        "nothing matched",
        |it| it.alone(Alone::Unmatched),
        Tone::Info,
        "It has no counterpart in HubSpot and nothing waits for it; it is looked at again when it changes.",
    ),
    (
        "an ambiguous match",
        |it| {
            it.alone(Alone::Unmatched);
            it.pending.push(item(
                ItemKind::AmbiguousMatch,
                "",
                "2 HubSpot records may be its counterpart.",
            ));
        },
        Tone::Warn,
        "It waits for a person in Conflicts (ambiguous match) since 11:00: 2 HubSpot records may be its counterpart.",
    ),
    (
        "a link was chosen",
        |it| {
            it.alone(Alone::Unmatched);
            it.pending.push(chosen(
                Choice::Link("552".into()),
                item(ItemKind::AmbiguousMatch, "", "two"),
            ));
        },
        Tone::Info,
        "A choice is stored (ambiguous match: link to 552, by k.ode); the next run (at 14:15) carries it out.",
    ),
    (
        "its create was refused",
        |it| {
            it.alone(Alone::Unmatched);
            it.errors.push(error("", 1, Some(15)));
        },
        Tone::Error,
        "It is in error: HubSpot refused it: not a phone number. Correct the value in Salesforce. \
         The first run at 14:15 or later tries it again, number 2.",
    ),
    (
        "deleted before it was ever linked",
        |it| {
            it.alone(Alone::Unmatched);
            it.sides.salesforce.seen = Seen::Deleted;
        },
        Tone::Warn,
        "Its Salesforce record is deleted, so nothing is written there; the next run (at 14:15) notices it, if none has yet.",
    ),
    (
        "converted",
        |it| {
            it.alone(Alone::Unmatched);
            it.sides.salesforce.seen = Seen::Converted("003C".into());
        },
        Tone::Info,
        "It is a Lead that was converted to the Contact 003C: that one is synced now.",
    ),
];

#[test]
fn each_state_has_its_sentence() {
    for (state, change, tone, words) in LINKED.iter().chain(ALONE) {
        let mut scene = Scene::new();
        change(&mut scene);
        assert_eq!(scene.says(), (*tone, (*words).to_owned()), "{state}");
    }
}
