//! The fields of Contact, Lead and User.

use super::field::{Field, Kind, area, boolean, field, phone, picklist, reference, text};
use super::lists::{INDUSTRY, LEAD_SOURCE, LEAD_STATUS, RATING, SALUTATION};

/// Contact, without the fields every object has.
pub const CONTACT: &[Field] = &[
    reference(
        "AccountId",
        "Account ID",
        &["Account"],
        "Account",
        Some("Contacts"),
    ),
    text("LastName", "Last Name", 80).required().part_of("Name"),
    text("FirstName", "First Name", 40).part_of("Name"),
    field("Salutation", "Salutation", Kind::Picklist(SALUTATION), 40).part_of("Name"),
    text("Name", "Full Name", 121).full_name(),
    area("MailingStreet", "Mailing Street", 255).part_of("MailingAddress"),
    text("MailingCity", "Mailing City", 40).part_of("MailingAddress"),
    text("MailingState", "Mailing State/Province", 80).part_of("MailingAddress"),
    text("MailingPostalCode", "Mailing Zip/Postal Code", 20).part_of("MailingAddress"),
    text("MailingCountry", "Mailing Country", 80).part_of("MailingAddress"),
    field(
        "MailingAddress",
        "Mailing Address",
        Kind::Address("Mailing"),
        0,
    ),
    phone("Phone", "Business Phone"),
    phone("Fax", "Business Fax"),
    phone("MobilePhone", "Mobile Phone"),
    phone("HomePhone", "Home Phone"),
    reference(
        "ReportsToId",
        "Reports To ID",
        &["Contact"],
        "ReportsTo",
        None,
    ),
    field("Email", "Email", Kind::Email, 80).id_lookup(),
    text("Title", "Title", 128),
    text("Department", "Department", 80),
    picklist("LeadSource", "Lead Source", LEAD_SOURCE),
    field("Birthdate", "Birthdate", Kind::Date, 0),
    area("Description", "Contact Description", 32000),
    boolean("HasOptedOutOfEmail", "Email Opt Out", false),
    boolean("DoNotCall", "Do Not Call", false),
    reference("OwnerId", "Owner ID", &["User"], "Owner", None).owner(),
    field("LastActivityDate", "Last Activity", Kind::Date, 0).read_only(),
];

/// Lead, without the fields every object has.
pub const LEAD: &[Field] = &[
    text("LastName", "Last Name", 80).required().part_of("Name"),
    text("FirstName", "First Name", 40).part_of("Name"),
    field("Salutation", "Salutation", Kind::Picklist(SALUTATION), 40).part_of("Name"),
    text("Name", "Full Name", 121).full_name(),
    text("Title", "Title", 128),
    text("Company", "Company", 255).required(),
    area("Street", "Street", 255).part_of("Address"),
    text("City", "City", 40).part_of("Address"),
    text("State", "State/Province", 80).part_of("Address"),
    text("PostalCode", "Zip/Postal Code", 20).part_of("Address"),
    text("Country", "Country", 80).part_of("Address"),
    field("Address", "Address", Kind::Address(""), 0),
    phone("Phone", "Phone"),
    phone("MobilePhone", "Mobile Phone"),
    field("Email", "Email", Kind::Email, 80).id_lookup(),
    field("Website", "Website", Kind::Url, 255),
    area("Description", "Description", 32000),
    picklist("LeadSource", "Lead Source", LEAD_SOURCE),
    picklist("Status", "Status", LEAD_STATUS)
        .required()
        .default_value("Open - Not Contacted"),
    picklist("Industry", "Industry", INDUSTRY),
    picklist("Rating", "Rating", RATING),
    field("AnnualRevenue", "Annual Revenue", Kind::Currency, 0).digits(18, 0),
    field("NumberOfEmployees", "Employees", Kind::Int, 0).digits(8, 0),
    reference("OwnerId", "Owner ID", &["Group", "User"], "Owner", None).owner(),
    boolean("IsConverted", "Converted", false).create_only(),
    field("ConvertedDate", "Converted Date", Kind::Date, 0).read_only(),
    reference(
        "ConvertedAccountId",
        "Converted Account ID",
        &["Account"],
        "ConvertedAccount",
        None,
    )
    .read_only(),
    reference(
        "ConvertedContactId",
        "Converted Contact ID",
        &["Contact"],
        "ConvertedContact",
        None,
    )
    .read_only(),
    reference(
        "ConvertedOpportunityId",
        "Converted Opportunity ID",
        &["Opportunity"],
        "ConvertedOpportunity",
        None,
    )
    .read_only(),
    boolean("IsUnreadByOwner", "Unread By Owner", true),
];

/// User, without the fields every object has.
pub const USER: &[Field] = &[
    text("Username", "Username", 80).required().id_lookup(),
    text("LastName", "Last Name", 80).required().part_of("Name"),
    text("FirstName", "First Name", 40).part_of("Name"),
    text("Name", "Full Name", 121).full_name(),
    text("Alias", "Alias", 8),
    field("Email", "Email", Kind::Email, 128).required(),
    text("Title", "Title", 80),
    text("Department", "Department", 80),
    phone("Phone", "Phone"),
    boolean("IsActive", "Active", true),
    picklist(
        "UserType",
        "User Type",
        &["Standard", "PowerPartner", "CSNSiteUser"],
    )
    .read_only()
    .default_value("Standard"),
    text("TimeZoneSidKey", "Time Zone", 40).default_value("America/Los_Angeles"),
    text("LocaleSidKey", "Locale", 40).default_value("en_US"),
    text("LanguageLocaleKey", "Language", 40).default_value("en_US"),
    text("FederationIdentifier", "SAML Federation ID", 255),
];
