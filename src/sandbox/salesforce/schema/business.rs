//! The fields of Account, Opportunity, Task, Campaign, CampaignMember and Organization.

use super::field::{
    Field, Kind, area, boolean, field, phone, picklist, reference, restricted, text,
};
use super::lists::{
    ACCOUNT_TYPE, CAMPAIGN_STATUS, CAMPAIGN_TYPE, FORECAST, INDUSTRY, LEAD_SOURCE, MEMBER_STATUS,
    OPPORTUNITY_TYPE, OWNERSHIP, PRIORITY, RATING, STAGE, TASK_STATUS, TASK_SUBTYPE,
};

/// Account, without the fields every object has.
pub const ACCOUNT: &[Field] = &[
    text("Name", "Account Name", 255).required().names_it(),
    picklist("Type", "Account Type", ACCOUNT_TYPE),
    reference(
        "ParentId",
        "Parent Account ID",
        &["Account"],
        "Parent",
        Some("ChildAccounts"),
    ),
    area("BillingStreet", "Billing Street", 255).part_of("BillingAddress"),
    text("BillingCity", "Billing City", 40).part_of("BillingAddress"),
    text("BillingState", "Billing State/Province", 80).part_of("BillingAddress"),
    text("BillingPostalCode", "Billing Zip/Postal Code", 20).part_of("BillingAddress"),
    text("BillingCountry", "Billing Country", 80).part_of("BillingAddress"),
    field(
        "BillingAddress",
        "Billing Address",
        Kind::Address("Billing"),
        0,
    ),
    area("ShippingStreet", "Shipping Street", 255).part_of("ShippingAddress"),
    text("ShippingCity", "Shipping City", 40).part_of("ShippingAddress"),
    text("ShippingState", "Shipping State/Province", 80).part_of("ShippingAddress"),
    text("ShippingPostalCode", "Shipping Zip/Postal Code", 20).part_of("ShippingAddress"),
    text("ShippingCountry", "Shipping Country", 80).part_of("ShippingAddress"),
    field(
        "ShippingAddress",
        "Shipping Address",
        Kind::Address("Shipping"),
        0,
    ),
    phone("Phone", "Account Phone"),
    phone("Fax", "Account Fax"),
    text("AccountNumber", "Account Number", 40),
    field("Website", "Website", Kind::Url, 255),
    restricted("Industry", "Industry", INDUSTRY),
    field("AnnualRevenue", "Annual Revenue", Kind::Currency, 0).digits(18, 0),
    field("NumberOfEmployees", "Employees", Kind::Int, 0).digits(8, 0),
    picklist("Ownership", "Ownership", OWNERSHIP),
    text("TickerSymbol", "Ticker Symbol", 20),
    area("Description", "Account Description", 32000),
    picklist("Rating", "Account Rating", RATING),
    text("Site", "Account Site", 80),
    reference("OwnerId", "Owner ID", &["User"], "Owner", None).owner(),
    picklist("AccountSource", "Account Source", LEAD_SOURCE),
    field("LastActivityDate", "Last Activity", Kind::Date, 0).read_only(),
];

/// Opportunity, without the fields every object has.
pub const OPPORTUNITY: &[Field] = &[
    reference(
        "AccountId",
        "Account ID",
        &["Account"],
        "Account",
        Some("Opportunities"),
    ),
    boolean("IsPrivate", "Private", false),
    text("Name", "Name", 120).required().id_lookup().names_it(),
    area("Description", "Description", 32000),
    picklist("StageName", "Stage", STAGE).required(),
    field("Amount", "Amount", Kind::Currency, 0).digits(18, 2),
    field("TotalOpportunityQuantity", "Quantity", Kind::Double, 0).digits(18, 2),
    field("Probability", "Probability (%)", Kind::Percent, 0).digits(3, 0),
    field("CloseDate", "Close Date", Kind::Date, 0).required(),
    picklist("Type", "Opportunity Type", OPPORTUNITY_TYPE),
    text("NextStep", "Next Step", 255),
    picklist("LeadSource", "Lead Source", LEAD_SOURCE),
    boolean("IsClosed", "Closed", false).read_only(),
    boolean("IsWon", "Won", false).read_only(),
    restricted("ForecastCategoryName", "Forecast Category", FORECAST).default_value("Pipeline"),
    reference(
        "CampaignId",
        "Campaign ID",
        &["Campaign"],
        "Campaign",
        Some("Opportunities"),
    ),
    boolean("HasOpportunityLineItem", "Has Line Item", false).read_only(),
    reference("OwnerId", "Owner ID", &["User"], "Owner", None).owner(),
    reference("ContactId", "Contact ID", &["Contact"], "Contact", None).create_only(),
];

/// Task, without the fields every object has.
pub const TASK: &[Field] = &[
    reference(
        "WhoId",
        "Name ID",
        &["Contact", "Lead"],
        "Who",
        Some("Tasks"),
    ),
    reference(
        "WhatId",
        "Related To ID",
        &["Account", "Opportunity", "Campaign"],
        "What",
        Some("Tasks"),
    ),
    picklist(
        "Subject",
        "Subject",
        &["Call", "Send Letter", "Send Quote", "Other"],
    )
    .names_it(),
    field("ActivityDate", "Due Date Only", Kind::Date, 0),
    picklist("Status", "Status", TASK_STATUS)
        .required()
        .default_value("Not Started"),
    picklist("Priority", "Priority", PRIORITY)
        .required()
        .default_value("Normal"),
    reference(
        "OwnerId",
        "Assigned To ID",
        &["User", "Group"],
        "Owner",
        None,
    )
    .owner(),
    area("Description", "Description", 32000),
    boolean("IsClosed", "Closed", false).read_only(),
    boolean("IsReminderSet", "Reminder Set", false),
    picklist("TaskSubtype", "Task Subtype", TASK_SUBTYPE)
        .default_value("Task")
        .create_only(),
];

/// Campaign, without the fields every object has.
pub const CAMPAIGN: &[Field] = &[
    text("Name", "Name", 80).required().names_it(),
    reference(
        "ParentId",
        "Parent Campaign ID",
        &["Campaign"],
        "Parent",
        Some("ChildCampaigns"),
    ),
    picklist("Type", "Type", CAMPAIGN_TYPE).default_value("Conference"),
    picklist("Status", "Status", CAMPAIGN_STATUS).default_value("Planned"),
    field("StartDate", "Start Date", Kind::Date, 0),
    field("EndDate", "End Date", Kind::Date, 0),
    field(
        "BudgetedCost",
        "Budgeted Cost in Campaign",
        Kind::Currency,
        0,
    )
    .digits(18, 0),
    boolean("IsActive", "Active", false),
    area("Description", "Description", 32000),
    reference("OwnerId", "Owner ID", &["User"], "Owner", None).owner(),
];

/// CampaignMember, without the fields every object has.
pub const CAMPAIGN_MEMBER: &[Field] = &[
    reference(
        "CampaignId",
        "Campaign ID",
        &["Campaign"],
        "Campaign",
        Some("CampaignMembers"),
    )
    .required()
    .create_only(),
    reference(
        "LeadId",
        "Lead ID",
        &["Lead"],
        "Lead",
        Some("CampaignMembers"),
    )
    .create_only(),
    reference(
        "ContactId",
        "Contact ID",
        &["Contact"],
        "Contact",
        Some("CampaignMembers"),
    )
    .create_only(),
    picklist("Status", "Status", MEMBER_STATUS).default_value("Sent"),
    boolean("HasResponded", "Responded", false).read_only(),
];

/// Organization, without the fields every object has.
pub const ORGANIZATION: &[Field] = &[
    text("Name", "Name", 80).required().names_it(),
    text("InstanceName", "Instance Name", 5).read_only(),
    boolean("IsSandbox", "Is Sandbox", true).read_only(),
    picklist("OrganizationType", "Edition", &["Enterprise Edition"]).read_only(),
    text("DefaultLocaleSidKey", "Locale", 40),
    text("TimeZoneSidKey", "Time Zone", 40),
    text("LanguageLocaleKey", "Language", 40),
];

/// AccountContactRelation, without the fields every object has.
pub const RELATION: &[Field] = &[
    reference(
        "AccountId",
        "Account ID",
        &["Account"],
        "Account",
        Some("AccountContactRelations"),
    )
    .required()
    .create_only(),
    reference(
        "ContactId",
        "Contact ID",
        &["Contact"],
        "Contact",
        Some("AccountContactRelations"),
    )
    .required()
    .create_only(),
    text("Roles", "Roles", 4099),
    boolean("IsDirect", "Direct", false).read_only(),
    boolean("IsActive", "Active", true),
    field("StartDate", "Start Date", Kind::Date, 0),
    field("EndDate", "End Date", Kind::Date, 0),
];
