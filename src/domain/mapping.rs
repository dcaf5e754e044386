//! Mappings and field pairs as the engine reads them: the config, resolved.

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::{FieldGroup, FieldType, MappingId, PerSide, SetPair, Side, whole_field};

/// Where values may flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Two-way.
    #[default]
    Both,
    /// Salesforce is the source.
    ToHubspot,
    /// HubSpot is the source.
    ToSalesforce,
}

impl Direction {
    /// True where values may be written to `side`.
    pub fn allows(self, target: Side) -> bool {
        match self {
            Direction::Both => true,
            Direction::ToHubspot => target == Side::HubSpot,
            Direction::ToSalesforce => target == Side::Salesforce,
        }
    }

    /// The direction seen in a mirror.
    pub fn mirrored(self) -> Direction {
        match self {
            Direction::Both => Direction::Both,
            Direction::ToHubspot => Direction::ToSalesforce,
            Direction::ToSalesforce => Direction::ToHubspot,
        }
    }
}

/// Who wins a conflict (docs/design/sync-semantics.md 8). A list of these is tried in turn; what does not decide ends in `Ask`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictRule {
    /// Interval last-write-wins; ambiguous asks.
    LastWriteWins,
    /// Salesforce wins.
    Salesforce,
    /// HubSpot wins.
    #[serde(rename = "hubspot")]
    HubSpot,
    /// A person decides.
    Ask,
    /// The side that is not blank, if exactly one is.
    NonBlank,
    /// The larger number, date or stage.
    Max,
    /// The smaller one.
    Min,
    /// The union of two multi-picklists.
    Union,
}

/// What happens when the value that would be written is blank and the target's is not (7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlankPolicy {
    /// A clear travels like any edit.
    #[default]
    Propagate,
    /// A blank never overwrites a value; the value goes back to the blank side.
    PreferNonBlank,
    /// A blank is not written and nothing goes back.
    NeverClear,
}

/// What happens to an edit on the side that is not a source for the field (7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForeignEdit {
    /// Accepted as a divergence.
    #[default]
    Ignore,
    /// The source's value is written back.
    Revert,
    /// A conflict item is made.
    Report,
}

/// What a reference to a record that lies outside the scope of its mapping does to the other side (14.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnlinked {
    /// Nothing: the other side's reference stays.
    #[default]
    Keep,
    /// It is a blank there.
    Clear,
}

/// Which side's records may start a counterpart on the other (`creates`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreatePolicy {
    /// On both.
    #[default]
    Both,
    /// Only in HubSpot.
    ToHubspot,
    /// Only in Salesforce.
    ToSalesforce,
    /// Nowhere.
    None,
}

impl CreatePolicy {
    /// True where a record may be created on `target`.
    pub fn allows(self, target: Side) -> bool {
        match self {
            CreatePolicy::Both => true,
            CreatePolicy::None => false,
            CreatePolicy::ToHubspot => target == Side::HubSpot,
            CreatePolicy::ToSalesforce => target == Side::Salesforce,
        }
    }
}

/// What becomes of a link whose record leaves the scope; never a deletion (12.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeavesScope {
    /// It stays and goes on syncing.
    #[default]
    Keep,
    /// It stays and nothing is written either way until the record comes back.
    Freeze,
    /// It ends; both records stay as they are.
    Unlink,
}

/// What a deletion does to the other side (12.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletePolicy {
    /// Nothing.
    #[default]
    Ignore,
    /// Recycle bin in Salesforce, archive in HubSpot.
    Archive,
    /// A review item per deletion.
    Ask,
}

/// Who wins where one record was deleted and the other one changed since (12.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteUpdate {
    /// A person decides.
    #[default]
    Ask,
    /// The deletion: what the mapping does with deletions.
    DeleteWins,
    /// The change: the deleted record is made anew.
    UpdateWins,
}

/// What a value mapping does with a value that it does not list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherwiseRule {
    /// An error for the field; nothing is written.
    #[default]
    Error,
    /// The value goes through unchanged.
    Pass,
    /// The field is left alone, without an error.
    Ignore,
    /// This value is written instead.
    Value(String),
}

/// A transform with its options, as configured (docs/design/product.md, Transforms).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransformSpec {
    /// Lower case.
    Lowercase,
    /// Outer white space removed.
    Trim,
    /// E.164; `country` is the region of numbers without a prefix.
    PhoneE164 {
        /// ISO 3166 region such as `US`.
        country: String,
        /// True: the extension is part of the value; false: it is left standing where it is.
        keep_extension: bool,
    },
    /// The host of a URL, e-mail address or bare host.
    ExtractDomain {
        /// Reduce to the registrable domain.
        registrable: bool,
    },
    /// A value mapping, Salesforce value to HubSpot value, in the config's order.
    Values {
        /// Pairs (Salesforce, HubSpot).
        table: Vec<(String, String)>,
        /// Values that the table does not list.
        otherwise: OtherwiseRule,
    },
    /// Written where the source is blank.
    Default {
        /// The value.
        value: String,
    },
}

/// What kind of thing a pair carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairKind {
    /// A value through a chain of transforms (possibly none).
    Value {
        /// In order, from Salesforce to HubSpot.
        transforms: Vec<TransformSpec>,
    },
    /// A constant written to one side; that side is the pair's only field.
    Constant {
        /// The side that gets it.
        target: Side,
        /// The value.
        value: String,
    },
    /// A reference through another mapping: a lookup on Salesforce, the primary association on HubSpot.
    Reference {
        /// The mapping whose links translate the ids.
        mapping: MappingId,
    },
    /// A user or owner, joined by e-mail.
    Owner,
}

/// One Salesforce field tied to one HubSpot property.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldPair {
    /// API names on both sides; for a constant the other side's is empty.
    pub fields: PerSide<String>,
    /// What it carries.
    pub kind: PairKind,
    /// Types by the vendors' schema; `Text` until a schema was read.
    pub types: PerSide<FieldType>,
    /// Direction of this pair (the mapping's unless its own is narrower).
    pub direction: Direction,
    /// Rules tried in turn.
    pub conflict: Vec<ConflictRule>,
    /// Blank policy.
    pub blanks: BlankPolicy,
    /// Foreign edits.
    pub foreign_edit: ForeignEdit,
    /// Stages that only rise, lowest first, in HubSpot's values; empty: any value may follow any other (4).
    pub monotone: Vec<String>,
    /// References to records outside the scope.
    pub on_unlinked: OnUnlinked,
    /// True: text compares without case.
    pub fold_case: bool,
    /// Region for canonical phones where no transform names one.
    pub country: String,
}

impl FieldPair {
    /// The field's name on `side`.
    pub fn field(&self, side: Side) -> &str {
        self.fields.get(side)
    }

    /// The pair's name in lists: the Salesforce field, or the HubSpot property where there is none.
    pub fn name(&self) -> &str {
        if self.fields.salesforce.is_empty() {
            &self.fields.hubspot
        } else {
            &self.fields.salesforce
        }
    }
}

/// One object of one side, as a mapping uses it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// API name: `Contact`, `contacts`.
    pub object: String,
}

/// Names of the two key fields (10.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyFields {
    /// The Salesforce external-id field that holds the HubSpot id.
    pub salesforce: String,
    /// The HubSpot unique property that holds the Salesforce id.
    pub hubspot: String,
}

/// One match rule: all parts (indices into the mapping's pairs) must agree.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MatchRule {
    /// Indices of the field pairs that make the key.
    pub parts: Vec<usize>,
}

/// One Salesforce object tied to one HubSpot object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mapping {
    /// Its name.
    pub id: MappingId,
    /// The objects.
    pub objects: PerSide<Endpoint>,
    /// Direction.
    pub direction: Direction,
    /// Which Salesforce records it is about; `None`: all of them (12.6).
    pub scope: Option<Condition>,
    /// What becomes of links whose record leaves the scope.
    pub leaves_scope: LeavesScope,
    /// Which side's records may start a counterpart.
    pub creates: CreatePolicy,
    /// Deletions.
    pub deletes: DeletePolicy,
    /// Deleted on one side, changed on the other.
    pub delete_update: DeleteUpdate,
    /// Field pairs in the config's order.
    pub pairs: Vec<FieldPair>,
    /// Associations that are kept in step as sets (14.5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<SetPair>,
    /// Match rules in order.
    pub match_rules: Vec<MatchRule>,
    /// Pairs that merge as one; a pair is in one group at most.
    pub groups: Vec<FieldGroup>,
    /// Key fields.
    pub keys: KeyFields,
    /// True: Salesforce records are updated one by one, each only where nobody has modified it since it was read (6.3).
    pub strict_cas: bool,
    /// True: after every update of HubSpot it is looked up whether it went over an edit that nobody had seen (6.5).
    pub detect_clobber: bool,
    /// How often it runs by itself, in seconds; `None` only by hand.
    pub schedule_seconds: Option<u64>,
}

impl Mapping {
    /// The Salesforce object whose records are converted into Contacts.
    pub const LEAD: &str = "Lead";
    /// What a Lead is converted into.
    pub const CONTACT: &str = "Contact";

    /// True where its Salesforce records can be converted (docs/design/sync-semantics.md 13).
    pub fn is_of_leads(&self) -> bool {
        self.object(Side::Salesforce) == Self::LEAD
    }

    /// True where it makes records on that side.
    pub fn makes(&self, side: Side) -> bool {
        self.direction.allows(side) && self.creates.allows(side)
    }

    /// True for an id of a Lead: every id begins with its object's three characters (docs/vendor/salesforce.md).
    pub fn is_lead_id(id: &str) -> bool {
        id.starts_with("00Q")
    }

    /// The side whose object the two share while the other one differs: they are one exclusive group, and a record of that
    /// side is linked in at most one of them (2, I-7). Two mappings over the same pair of objects share both on purpose.
    pub fn shares(&self, other: &Mapping) -> Option<Side> {
        let same = |side: Side| self.object(side) == other.object(side);
        Side::BOTH
            .into_iter()
            .find(|side| same(*side) && !same(side.other()))
    }

    /// The set whose base is kept under that name.
    pub fn set(&self, name: &str) -> Option<&SetPair> {
        self.sets.iter().find(|set| set.name() == name)
    }

    /// The set that a field of `side` stands for, or for an element of which it stands.
    pub fn set_of(&self, side: Side, field: &str) -> Option<&SetPair> {
        let name = whole_field(field);
        self.sets.iter().find(|set| set.field(side) == name)
    }

    /// The object's name on `side`.
    pub fn object(&self, side: Side) -> &str {
        &self.objects.get(side).object
    }

    /// The key field's name on `side`.
    pub fn key_field(&self, side: Side) -> &str {
        match side {
            Side::Salesforce => &self.keys.salesforce,
            Side::HubSpot => &self.keys.hubspot,
        }
    }
}
