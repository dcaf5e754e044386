//! The picklist values of the org: those Salesforce ships.

/// Salutation.
pub const SALUTATION: &[&str] = &["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."];
/// LeadSource and AccountSource.
pub const LEAD_SOURCE: &[&str] = &[
    "Web",
    "Phone Inquiry",
    "Partner Referral",
    "Purchased List",
    "Other",
];
/// Lead.Status.
pub const LEAD_STATUS: &[&str] = &[
    "Open - Not Contacted",
    "Working - Contacted",
    "Closed - Converted",
    "Closed - Not Converted",
];
/// Industry; closed on Account in this org, open elsewhere.
pub const INDUSTRY: &[&str] = &[
    "Agriculture",
    "Apparel",
    "Banking",
    "Biotechnology",
    "Chemicals",
    "Communications",
    "Construction",
    "Consulting",
    "Education",
    "Electronics",
    "Energy",
    "Engineering",
    "Entertainment",
    "Environmental",
    "Finance",
    "Food & Beverage",
    "Government",
    "Healthcare",
    "Hospitality",
    "Insurance",
    "Machinery",
    "Manufacturing",
    "Media",
    "Not For Profit",
    "Other",
    "Recreation",
    "Retail",
    "Shipping",
    "Technology",
    "Telecommunications",
    "Transportation",
    "Utilities",
];
/// Rating.
pub const RATING: &[&str] = &["Hot", "Warm", "Cold"];
/// Account.Type.
pub const ACCOUNT_TYPE: &[&str] = &[
    "Prospect",
    "Customer - Direct",
    "Customer - Channel",
    "Channel Partner / Reseller",
    "Installation Partner",
    "Technology Partner",
    "Other",
];
/// Account.Ownership.
pub const OWNERSHIP: &[&str] = &["Public", "Private", "Subsidiary", "Other"];
/// Opportunity.StageName.
pub const STAGE: &[&str] = &[
    "Prospecting",
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Id. Decision Makers",
    "Perception Analysis",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
];
/// Opportunity.Type.
pub const OPPORTUNITY_TYPE: &[&str] = &[
    "Existing Customer - Upgrade",
    "Existing Customer - Replacement",
    "Existing Customer - Downgrade",
    "New Customer",
];
/// Opportunity.ForecastCategoryName.
pub const FORECAST: &[&str] = &["Omitted", "Pipeline", "Best Case", "Commit", "Closed"];
/// Task.Status.
pub const TASK_STATUS: &[&str] = &[
    "Not Started",
    "In Progress",
    "Completed",
    "Waiting on someone else",
    "Deferred",
];
/// Task.Priority.
pub const PRIORITY: &[&str] = &["High", "Normal", "Low"];
/// Task.TaskSubtype.
pub const TASK_SUBTYPE: &[&str] = &["Task", "Email", "Call"];
/// Campaign.Type.
pub const CAMPAIGN_TYPE: &[&str] = &[
    "Conference",
    "Webinar",
    "Trade Show",
    "Public Relations",
    "Partners",
    "Referral Program",
    "Advertisement",
    "Direct Mail",
    "Email",
    "Telemarketing",
    "Other",
];
/// Campaign.Status.
pub const CAMPAIGN_STATUS: &[&str] = &["Planned", "In Progress", "Completed", "Aborted"];
/// CampaignMember.Status.
pub const MEMBER_STATUS: &[&str] = &["Sent", "Responded"];
