//! The properties of a company in a bare portal.

use super::Row;

/// name, label, type, fieldType, group, flags (see [`super::Row`]).
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    ("name", "Company name", "string", "text", "companyinformation", "f"),
    ("domain", "Company Domain Name", "string", "text", "companyinformation", "f"),
    ("website", "Website URL", "string", "text", "companyinformation", "f"),
    ("phone", "Phone Number", "string", "phonenumber", "companyinformation", "f"),
    ("industry", "Industry", "enumeration", "select", "companyinformation", "f"),
    ("numberofemployees", "Number of Employees", "number", "number", "companyinformation", "f"),
    ("annualrevenue", "Annual Revenue", "number", "number", "companyinformation", "f"),
    ("description", "Description", "string", "textarea", "companyinformation", "f"),
    ("about_us", "About Us", "string", "textarea", "companyinformation", "f"),
    ("address", "Street Address", "string", "text", "companyinformation", "f"),
    ("address2", "Street Address 2", "string", "text", "companyinformation", "f"),
    ("city", "City", "string", "text", "companyinformation", "f"),
    ("state", "State/Region", "string", "text", "companyinformation", "f"),
    ("zip", "Postal Code", "string", "text", "companyinformation", "f"),
    ("country", "Country/Region", "string", "text", "companyinformation", "f"),
    ("timezone", "Time Zone", "string", "text", "companyinformation", "f"),
    ("founded_year", "Year Founded", "string", "text", "companyinformation", "f"),
    ("is_public", "Is Public", "bool", "booleancheckbox", "companyinformation", "f"),
    ("type", "Type", "enumeration", "radio", "companyinformation", "fd"),
    ("closedate", "Close Date", "datetime", "date", "companyinformation", ""),
    ("lifecyclestage", "Lifecycle Stage", "enumeration", "radio", "companyinformation", "xf"),
    ("hs_lead_status", "Lead Status", "enumeration", "radio", "companyinformation", "f"),
    ("hubspot_owner_id", "Company owner", "enumeration", "select", "companyinformation", "xo"),
    ("hs_parent_company_id", "Parent Company", "number", "number", "companyinformation", "rxk"),
    ("hs_additional_domains", "Additional Domains", "enumeration", "select", "companyinformation", "x"),
    ("hs_pipeline", "Pipeline", "enumeration", "select", "companyinformation", "hx"),
    ("hs_analytics_source", "Original Traffic Source", "enumeration", "select", "analyticsinformation", ""),
    ("createdate", "Create Date", "datetime", "date", "companyinformation", ""),
    ("num_associated_contacts", "Number of Associated Contacts", "number", "number", "companyinformation", "rc"),
    ("num_associated_deals", "Number of Associated Deals", "number", "number", "companyinformation", "rc"),
    ("linkedin_company_page", "LinkedIn Company Page", "string", "text", "socialmediainformation", "f"),
    ("twitterhandle", "Twitter Handle", "string", "text", "socialmediainformation", "f"),
];
