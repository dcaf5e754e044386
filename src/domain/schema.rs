//! What a side says about its objects: the part of a describe that the engine uses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Side;

/// The type of a field, across both vendors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Free text.
    #[default]
    Text,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
    /// A number, exact decimal.
    Number,
    /// An amount of money.
    Money,
    /// A percentage.
    Percent,
    /// A calendar date.
    Date,
    /// A moment.
    DateTime,
    /// True or false.
    Bool,
    /// One of a list.
    Picklist,
    /// Several of a list, `;`-separated.
    MultiPicklist,
    /// The id of another record.
    Reference,
    /// The id of a user or owner.
    Owner,
    /// The record's own id.
    Id,
    /// Anything else: compared as opaque text, never written.
    Opaque,
}

/// One value of a picklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PicklistValue {
    /// The API value: what is compared and written.
    pub value: String,
    /// What people see.
    pub label: String,
    /// False where the vendor no longer offers it.
    pub active: bool,
}

/// One field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSchema {
    /// API name.
    pub name: String,
    /// What people see.
    pub label: String,
    /// Its type.
    pub kind: FieldType,
    /// Longest text in characters, where limited.
    pub length: Option<u32>,
    /// Digits after the point, for numbers.
    pub scale: Option<u32>,
    /// May be blank.
    pub nillable: bool,
    /// May be sent with a create.
    pub createable: bool,
    /// May be sent with an update.
    pub updateable: bool,
    /// Must be sent with a create.
    pub required: bool,
    /// Holds each value once (external id, hasUniqueValue).
    pub unique: bool,
    /// Computed by the vendor.
    pub calculated: bool,
    /// Refuses values that are not in `picklist`.
    pub restricted: bool,
    /// The values of a picklist, in the vendor's order; empty for others.
    pub picklist: Vec<PicklistValue>,
}

/// One object of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSchema {
    /// The side.
    pub side: Side,
    /// API name of the object.
    pub object: String,
    /// What people see.
    pub label: String,
    /// Fields by API name.
    pub fields: BTreeMap<String, FieldSchema>,
    /// May be created by us.
    pub createable: bool,
    /// May be updated by us.
    pub updateable: bool,
}
