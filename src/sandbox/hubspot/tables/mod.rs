//! The properties, options and groups that a bare Professional portal has, as tables.

mod companies;
mod contacts;
mod deals;
mod industries;
mod others;

use super::kinds::Kind;

/// Name, label, type, fieldType, group, flags. Flags: `r` value is read-only, `c` calculated, `h` hidden, `x` external
/// options, `f` form field, `d` definition may be changed, `o` refers to owners, `k` refers to companies.
pub(super) type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// An option: internal value, label.
pub(super) type Choice = (&'static str, &'static str);

const LIFECYCLE: &[Choice] = &[
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
];
const LEAD_STATUS: &[Choice] = &[
    ("NEW", "New"),
    ("OPEN", "Open"),
    ("IN_PROGRESS", "In Progress"),
    ("OPEN_DEAL", "Open Deal"),
    ("UNQUALIFIED", "Unqualified"),
    ("ATTEMPTED_TO_CONTACT", "Attempted to Contact"),
    ("CONNECTED", "Connected"),
    ("BAD_TIMING", "Bad Timing"),
];
const EMPLOYEES: &[Choice] = &[
    ("1-5", "1-5"),
    ("5-25", "5-25"),
    ("25-50", "25-50"),
    ("50-100", "50-100"),
    ("100-500", "100-500"),
    ("500-1000", "500-1000"),
    ("1000+", "1000+"),
];
const SOURCES: &[Choice] = &[
    ("ORGANIC_SEARCH", "Organic Search"),
    ("PAID_SEARCH", "Paid Search"),
    ("EMAIL_MARKETING", "Email Marketing"),
    ("SOCIAL_MEDIA", "Organic Social"),
    ("REFERRALS", "Referrals"),
    ("OTHER_CAMPAIGNS", "Other Campaigns"),
    ("DIRECT_TRAFFIC", "Direct Traffic"),
    ("OFFLINE", "Offline Sources"),
    ("PAID_SOCIAL", "Paid Social"),
];
const MARKETABLE: &[Choice] = &[
    ("true", "Marketing contact"),
    ("false", "Non-marketing contact"),
];
const BUYING_ROLE: &[Choice] = &[
    ("BLOCKER", "Blocker"),
    ("BUDGET_HOLDER", "Budget Holder"),
    ("CHAMPION", "Champion"),
    ("DECISION_MAKER", "Decision Maker"),
    ("END_USER", "End User"),
    ("EXECUTIVE_SPONSOR", "Executive Sponsor"),
    ("INFLUENCER", "Influencer"),
    ("LEGAL_AND_COMPLIANCE", "Legal & Compliance"),
    ("OTHER", "Other"),
];
const COMPANY_TYPE: &[Choice] = &[
    ("PROSPECT", "Prospect"),
    ("PARTNER", "Partner"),
    ("RESELLER", "Reseller"),
    ("VENDOR", "Vendor"),
    ("OTHER", "Other"),
];
const DEAL_TYPE: &[Choice] = &[
    ("newbusiness", "New Business"),
    ("existingbusiness", "Existing Business"),
];
const PRIORITY: &[Choice] = &[("low", "Low"), ("medium", "Medium"), ("high", "High")];
const TASK_STATUS: &[Choice] = &[
    ("NOT_STARTED", "Not started"),
    ("IN_PROGRESS", "In progress"),
    ("WAITING", "Waiting"),
    ("COMPLETED", "Completed"),
    ("DEFERRED", "Deferred"),
];
const TASK_PRIORITY: &[Choice] = &[
    ("NONE", "None"),
    ("LOW", "Low"),
    ("MEDIUM", "Medium"),
    ("HIGH", "High"),
];
const TASK_TYPE: &[Choice] = &[("TODO", "To-do"), ("CALL", "Call"), ("EMAIL", "Email")];
const LEAD_LABEL: &[Choice] = &[("HOT", "Hot"), ("WARM", "Warm"), ("COLD", "Cold")];
const LEAD_TYPE: &[Choice] = &[
    ("NEW BUSINESS", "New business"),
    ("RE-ATTEMPTING", "Re-attempting"),
    ("UPSELL", "Upsell"),
];
const TICKET_PRIORITY: &[Choice] = &[
    ("LOW", "Low"),
    ("MEDIUM", "Medium"),
    ("HIGH", "High"),
    ("URGENT", "Urgent"),
];

const OPTIONS: &[(&str, &str, &[Choice])] = &[
    ("0-1", "lifecyclestage", LIFECYCLE),
    ("0-2", "lifecyclestage", LIFECYCLE),
    ("0-1", "hs_lead_status", LEAD_STATUS),
    ("0-2", "hs_lead_status", LEAD_STATUS),
    ("0-1", "numemployees", EMPLOYEES),
    ("0-1", "hs_analytics_source", SOURCES),
    ("0-1", "hs_latest_source", SOURCES),
    ("0-2", "hs_analytics_source", SOURCES),
    ("0-1", "hs_marketable_status", MARKETABLE),
    ("0-1", "hs_buying_role", BUYING_ROLE),
    ("0-2", "industry", industries::INDUSTRIES),
    ("0-2", "type", COMPANY_TYPE),
    ("0-3", "dealtype", DEAL_TYPE),
    ("0-3", "hs_priority", PRIORITY),
    ("0-27", "hs_task_status", TASK_STATUS),
    ("0-27", "hs_task_priority", TASK_PRIORITY),
    ("0-27", "hs_task_type", TASK_TYPE),
    ("0-136", "hs_lead_label", LEAD_LABEL),
    ("0-136", "hs_lead_type", LEAD_TYPE),
    ("0-5", "hs_ticket_priority", TICKET_PRIORITY),
];

/// The options of a property as the portal came; empty when it has none.
pub(super) fn options(kind: Kind, name: &str) -> &'static [Choice] {
    OPTIONS
        .iter()
        .find(|(type_id, property, _)| *type_id == kind.row().type_id && *property == name)
        .map_or(&[], |(_, _, options)| options)
}

/// The properties of an object as the portal came: its own ones, then those that every object has.
pub(super) fn rows(kind: Kind) -> impl Iterator<Item = &'static Row> {
    let own: &'static [Row] = match kind.row().type_id {
        "0-1" => contacts::ROWS,
        "0-2" => companies::ROWS,
        "0-3" => deals::ROWS,
        "0-27" => others::TASKS,
        "0-46" => others::NOTES,
        "0-136" => others::LEADS,
        "0-5" => others::TICKETS,
        "0-48" => others::CALLS,
        "0-47" => others::MEETINGS,
        _ => others::NAMED,
    };
    own.iter().chain(
        others::EVERY
            .iter()
            .filter(move |row| !own.iter().any(|mine| mine.0 == row.0)),
    )
}

/// The property groups of an object as the portal came: name and label.
pub(super) fn groups(kind: Kind) -> &'static [Choice] {
    match kind.row().type_id {
        "0-1" => &[
            ("contactinformation", "Contact Information"),
            ("sales_properties", "Sales Properties"),
            ("contact_activity", "Contact Activity"),
            ("analyticsinformation", "Analytics Information"),
            ("conversioninformation", "Conversion Information"),
            ("emailinformation", "Email Information"),
            ("socialmediainformation", "Social Media Information"),
            ("deal_information", "Deal Information"),
            ("order_information", "Order Information"),
            ("facebook_ads_properties", "Facebook Ads Properties"),
            ("contactlcs", "Contact Lifecycle Stage Properties"),
        ],
        "0-2" => &[
            ("companyinformation", "Company Information"),
            ("socialmediainformation", "Social Media Information"),
            ("analyticsinformation", "Web Analytics History"),
            ("conversioninformation", "Conversion Information"),
            ("company_activity", "Company Activity"),
        ],
        "0-3" => &[
            ("dealinformation", "Deal Information"),
            ("deal_activity", "Deal Activity"),
            ("deal_revenue", "Deal Revenue"),
        ],
        "0-27" => &[("task", "Task Information"), ("engagement", "Engagement")],
        "0-136" => &[("leadinformation", "Lead Information")],
        "0-5" => &[("ticketinformation", "Ticket Information")],
        _ => &[("objectinformation", "Object Information")],
    }
}

/// The group that shared properties of an object are put into.
pub(super) fn home_group(kind: Kind) -> &'static str {
    groups(kind)
        .first()
        .map_or("objectinformation", |group| group.0)
}
