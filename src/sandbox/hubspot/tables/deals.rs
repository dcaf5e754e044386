//! The properties of a deal in a bare portal.

use super::Row;

/// name, label, type, fieldType, group, flags (see [`super::Row`]).
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    ("dealname", "Deal Name", "string", "text", "dealinformation", "f"),
    ("dealstage", "Deal Stage", "enumeration", "radio", "dealinformation", "x"),
    ("pipeline", "Pipeline", "enumeration", "select", "dealinformation", "x"),
    ("amount", "Amount", "number", "number", "dealinformation", "f"),
    ("deal_currency_code", "Currency", "enumeration", "select", "dealinformation", "x"),
    ("closedate", "Close Date", "datetime", "date", "dealinformation", "f"),
    ("createdate", "Create Date", "datetime", "date", "dealinformation", ""),
    ("dealtype", "Deal Type", "enumeration", "radio", "dealinformation", "fd"),
    ("description", "Deal Description", "string", "textarea", "dealinformation", "f"),
    ("hs_next_step", "Next Step", "string", "text", "dealinformation", "f"),
    ("hs_priority", "Priority", "enumeration", "select", "dealinformation", "fd"),
    ("hubspot_owner_id", "Deal owner", "enumeration", "select", "dealinformation", "xo"),
    ("closed_lost_reason", "Closed Lost Reason", "string", "textarea", "dealinformation", "f"),
    ("closed_won_reason", "Closed Won Reason", "string", "textarea", "dealinformation", "f"),
    ("hs_is_closed", "Is Deal Closed?", "bool", "calculation_equation", "dealinformation", "rc"),
    ("hs_is_closed_won", "Is Closed Won", "bool", "calculation_equation", "dealinformation", "rch"),
    ("hs_deal_stage_probability", "Deal probability", "number", "calculation_equation", "dealinformation", "rc"),
    ("hs_forecast_amount", "Forecast amount", "number", "calculation_equation", "deal_revenue", "rc"),
    ("hs_projected_amount", "Weighted amount", "number", "calculation_equation", "deal_revenue", "rc"),
    ("amount_in_home_currency", "Amount in company currency", "number", "calculation_equation", "deal_revenue", "rc"),
    ("hs_closed_amount", "Closed Deal Amount", "number", "calculation_equation", "deal_revenue", "rc"),
    ("days_to_close", "Days to close", "number", "calculation_equation", "dealinformation", "rc"),
    ("num_associated_contacts", "Number of Associated Contacts", "number", "number", "dealinformation", "rc"),
];
