//! What a field is: its type, its length, and who may write it. The builders below let the object tables read as
//! tables.

/// A field's type, with what the type needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// The record's own id.
    Id,
    /// One line of text.
    Text,
    /// Several lines of text; beyond 255 characters it can be neither filtered nor sorted.
    TextArea,
    /// A checked e-mail address.
    Email,
    /// A telephone number, unchecked.
    Phone,
    /// A link, unchecked.
    Url,
    /// Suggested values; any other is accepted too.
    Picklist(&'static [&'static str]),
    /// Closed list of values.
    Restricted(&'static [&'static str]),
    /// The id of another record.
    Reference(Reference),
    /// True or false with the value a new record gets.
    Boolean(bool),
    /// A whole number.
    Int,
    /// A decimal number.
    Double,
    /// An amount in the org's only currency.
    Currency,
    /// A percentage, 50 meaning 50 %.
    Percent,
    /// A calendar day.
    Date,
    /// An instant.
    DateTime,
    /// A compound address over the fields of that prefix.
    Address(&'static str),
}

/// Where a reference leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reference {
    /// The objects it may name.
    pub to: &'static [&'static str],
    /// The path segment to the parent.
    pub relationship: &'static str,
    /// The sub-select's name on the parent.
    pub children: Option<&'static str>,
}

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Written by someone and kept.
    Stored,
    /// Kept by the org itself.
    System(System),
    /// First and last name joined.
    FullName,
    /// Built from the parts of an address.
    Compound,
}

/// The values every record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// `Id`
    Id,
    /// `IsDeleted`
    IsDeleted,
    /// `MasterRecordId`
    MasterRecordId,
    /// `CreatedDate`
    CreatedDate,
    /// `CreatedById`
    CreatedById,
    /// `LastModifiedDate`
    LastModifiedDate,
    /// `LastModifiedById`
    LastModifiedById,
    /// `SystemModstamp`
    Stamp,
}

/// One field of one object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// API name.
    pub name: &'static str,
    /// What people see.
    pub label: &'static str,
    /// Type.
    pub kind: Kind,
    /// Characters of text, 0 for other types.
    pub length: usize,
    /// Digits in all, for decimals; digits for `Int`.
    pub precision: u32,
    /// Digits after the point.
    pub scale: u32,
    /// Where its value comes from.
    pub source: Source,
    /// Must have a value.
    pub required: bool,
    /// The value a new record gets when none is sent.
    pub default: Option<&'static str>,
    /// The org fills it on create (the owner).
    pub defaulted: bool,
    /// May be sent on create.
    pub createable: bool,
    /// May be sent on update.
    pub updateable: bool,
    /// External id, unique, compared without case.
    pub key: bool,
    /// Works as an upsert key without being unique.
    pub id_lookup: bool,
    /// The compound field it is a part of.
    pub part_of: Option<&'static str>,
    /// Is the object's name field.
    pub name_field: bool,
}

/// A plain writable field of that kind.
pub const fn field(name: &'static str, label: &'static str, kind: Kind, length: usize) -> Field {
    let boolean = matches!(kind, Kind::Boolean(_));
    let compound = matches!(kind, Kind::Address(_));
    Field {
        name,
        label,
        kind,
        length,
        precision: 0,
        scale: 0,
        source: if compound {
            Source::Compound
        } else {
            Source::Stored
        },
        required: boolean,
        default: None,
        defaulted: boolean,
        createable: !compound,
        updateable: !compound,
        key: false,
        id_lookup: false,
        part_of: None,
        name_field: false,
    }
}

/// A line of text.
pub const fn text(name: &'static str, label: &'static str, length: usize) -> Field {
    field(name, label, Kind::Text, length)
}

/// A text of several lines.
pub const fn area(name: &'static str, label: &'static str, length: usize) -> Field {
    field(name, label, Kind::TextArea, length)
}

/// A telephone number.
pub const fn phone(name: &'static str, label: &'static str) -> Field {
    field(name, label, Kind::Phone, 40)
}

/// An open picklist.
pub const fn picklist(
    name: &'static str,
    label: &'static str,
    values: &'static [&'static str],
) -> Field {
    field(name, label, Kind::Picklist(values), 255)
}

/// A closed picklist.
pub const fn restricted(
    name: &'static str,
    label: &'static str,
    values: &'static [&'static str],
) -> Field {
    field(name, label, Kind::Restricted(values), 255)
}

/// A checkbox.
pub const fn boolean(name: &'static str, label: &'static str, default: bool) -> Field {
    field(name, label, Kind::Boolean(default), 0)
}

/// A lookup.
pub const fn reference(
    name: &'static str,
    label: &'static str,
    to: &'static [&'static str],
    relationship: &'static str,
    children: Option<&'static str>,
) -> Field {
    let reference = Reference {
        to,
        relationship,
        children,
    };
    field(name, label, Kind::Reference(reference), 18)
}

/// A field that the org keeps itself.
pub const fn system(
    name: &'static str,
    label: &'static str,
    kind: Kind,
    length: usize,
    which: System,
) -> Field {
    let mut made = field(name, label, kind, length).read_only();
    made.source = Source::System(which);
    made.required = !matches!(which, System::MasterRecordId);
    made.defaulted = made.required;
    made.id_lookup = matches!(which, System::Id);
    made
}

impl Field {
    /// Must have a value.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Cannot be written.
    pub const fn read_only(mut self) -> Self {
        self.createable = false;
        self.updateable = false;
        self
    }

    /// Can be written on create only.
    pub const fn create_only(mut self) -> Self {
        self.updateable = false;
        self
    }

    /// Works as an upsert key.
    pub const fn id_lookup(mut self) -> Self {
        self.id_lookup = true;
        self
    }

    /// Is a part of a compound field.
    pub const fn part_of(mut self, compound: &'static str) -> Self {
        self.part_of = Some(compound);
        self
    }

    /// Names the record.
    pub const fn names_it(mut self) -> Self {
        self.name_field = true;
        self
    }

    /// First and last name joined by the org.
    pub const fn full_name(mut self) -> Self {
        self.source = Source::FullName;
        self.required = true;
        self.read_only().names_it()
    }

    /// Digits in all and after the point.
    pub const fn digits(mut self, precision: u32, scale: u32) -> Self {
        self.precision = precision;
        self.scale = scale;
        self
    }

    /// The value of a new record that does not say.
    pub const fn default_value(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self.defaulted = true;
        self
    }

    /// Required and filled by the org when absent.
    pub const fn owner(mut self) -> Self {
        self.required = true;
        self.defaulted = true;
        self
    }

    /// External id, unique, without case.
    pub const fn key(mut self) -> Self {
        self.key = true;
        self.id_lookup = true;
        self
    }

    /// Whether a query may filter or sort by it.
    pub fn filterable(&self) -> bool {
        !(self.kind == Kind::TextArea && self.length > 255) && self.source != Source::Compound
    }

    /// Whether its values are text with a length.
    pub fn textual(&self) -> bool {
        matches!(
            self.kind,
            Kind::Text
                | Kind::TextArea
                | Kind::Email
                | Kind::Phone
                | Kind::Url
                | Kind::Picklist(_)
                | Kind::Restricted(_)
        )
    }

    /// Whether it is a custom field.
    pub fn custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// Whether rows are found by its value without a scan.
    pub fn indexed(&self) -> bool {
        self.source == Source::Stored
            && (self.id_lookup
                || matches!(self.kind, Kind::Reference(reference) if reference.children.is_some()))
    }
}
