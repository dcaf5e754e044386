//! The families of docs/design/sync-semantics.md 2 and their key prefixes.

/// One family of rows. All live in one tree, so that a batch over several is atomic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Family {
    /// name -> schema version, install id, identities…
    Meta = 1,
    /// mapping -> its state and confirmed revision.
    Map = 2,
    /// mapping, link id -> `domain::Link`.
    Link = 3,
    /// side, object, record id, mapping -> link id.
    LinkIndex = 4,
    /// mapping, link id -> `domain::Base`.
    Base = 5,
    /// side, object, record id -> `domain::Observation`.
    Observation = 6,
    /// mapping, side, record id -> reasons.
    Dirty = 7,
    /// mapping, side, rule, key hash, record id -> (); and by record, for upkeep.
    MatchIndex = 8,
    /// side, object -> watermark, resume.
    Cursor = 9,
    /// run, seq -> `domain::Op`.
    Journal = 10,
    /// op id -> (run, seq) of ops in sent or unknown, and ghosts.
    OpenOp = 11,
    /// run -> `domain::RunRecord`.
    Run = 12,
    /// run, seq -> before and after image.
    Undo = 13,
    /// item id -> `domain::Conflict` (field conflicts).
    Conflict = 14,
    /// item id -> `domain::Conflict` (review items).
    Review = 15,
    /// item id -> `domain::ErrorItem`.
    Error = 16,
    /// mapping, side, record id -> tombstone.
    Tomb = 17,
    /// mapping, link, field, side -> held digest.
    Hold = 18,
    /// side, object -> `domain::ObjectSchema` and when it was read.
    Schema = 19,
    /// side, hour -> calls used.
    Budget = 20,
    /// name -> count; kept in the batch that changes what it counts.
    Counter = 21,
    /// run, seq -> an op of a plan kept for a confirm.
    Plan = 22,
    /// link id or record, item id -> (): what waits, by record.
    PendingIndex = 23,
    /// seq -> one line of the activity list.
    Activity = 24,
    /// parent record, link -> the link that waits for the parent (14.4).
    Waiting = 25,
    /// side, object, record id -> number of the sweep that saw it last (5.4).
    Swept = 26,
}

impl Family {
    /// All families in key order.
    pub const ALL: [Family; 26] = [
        Family::Meta,
        Family::Map,
        Family::Link,
        Family::LinkIndex,
        Family::Base,
        Family::Observation,
        Family::Dirty,
        Family::MatchIndex,
        Family::Cursor,
        Family::Journal,
        Family::OpenOp,
        Family::Run,
        Family::Undo,
        Family::Conflict,
        Family::Review,
        Family::Error,
        Family::Tomb,
        Family::Hold,
        Family::Schema,
        Family::Budget,
        Family::Counter,
        Family::Plan,
        Family::PendingIndex,
        Family::Activity,
        Family::Waiting,
        Family::Swept,
    ];

    /// The name in exports and messages.
    pub fn name(self) -> &'static str {
        match self {
            Family::Meta => "meta",
            Family::Map => "map",
            Family::Link => "link",
            Family::LinkIndex => "lidx",
            Family::Base => "base",
            Family::Observation => "obs",
            Family::Dirty => "dirty",
            Family::MatchIndex => "midx",
            Family::Cursor => "cur",
            Family::Journal => "jrn",
            Family::OpenOp => "jopen",
            Family::Run => "run",
            Family::Undo => "undo",
            Family::Conflict => "conf",
            Family::Review => "rev",
            Family::Error => "err",
            Family::Tomb => "tomb",
            Family::Hold => "hold",
            Family::Schema => "schema",
            Family::Budget => "budget",
            Family::Counter => "count",
            Family::Plan => "plan",
            Family::PendingIndex => "pidx",
            Family::Activity => "act",
            Family::Waiting => "wait",
            Family::Swept => "swept",
        }
    }

    /// The family with that key byte.
    pub fn from_byte(byte: u8) -> Option<Family> {
        Self::ALL.into_iter().find(|family| *family as u8 == byte)
    }

    /// The family with that name.
    pub fn from_name(name: &str) -> Option<Family> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }
}
