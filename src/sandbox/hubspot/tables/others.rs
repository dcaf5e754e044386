//! The properties of tasks, notes, leads, tickets and the rest, and those that every object has.

use super::Row;

/// Properties of every object; the group is the object's first one (empty here).
#[rustfmt::skip]
pub(super) const EVERY: &[Row] = &[
    ("hs_object_id", "Record ID", "number", "number", "", "r"),
    ("hs_createdate", "Object create date/time", "datetime", "date", "", "r"),
    ("hs_lastmodifieddate", "Last Modified Date", "datetime", "date", "", "r"),
    ("hs_created_by_user_id", "Created by user ID", "number", "number", "", "r"),
    ("hs_updated_by_user_id", "Updated by user ID", "number", "number", "", "r"),
    ("hs_merged_object_ids", "Merged record IDs", "enumeration", "checkbox", "", "r"),
    ("hs_object_source", "Record creation source", "string", "text", "", "rh"),
    ("hs_object_source_id", "Record creation source ID", "string", "text", "", "rh"),
    ("hs_object_source_label", "Record source", "enumeration", "select", "", "rx"),
    ("hs_object_source_detail_1", "Record source detail 1", "string", "text", "", "r"),
    ("hubspot_owner_id", "Owner", "enumeration", "select", "", "xo"),
    ("hubspot_owner_assigneddate", "Owner assigned date", "datetime", "date", "", "r"),
    ("hubspot_team_id", "Team", "enumeration", "select", "", "rx"),
    ("hs_all_owner_ids", "All owner IDs", "enumeration", "checkbox", "", "rxh"),
    ("hs_was_imported", "Performed in an import", "bool", "booleancheckbox", "", "rh"),
    ("hs_read_only", "Read only object", "bool", "booleancheckbox", "", "rh"),
    ("hs_unique_creation_key", "Unique creation key", "string", "text", "", "rh"),
    ("notes_last_updated", "Last Activity Date", "datetime", "date", "", "r"),
    ("notes_last_contacted", "Last Contacted", "datetime", "date", "", "r"),
    ("num_notes", "Number of Sales Activities", "number", "number", "", "r"),
];

/// Tasks.
#[rustfmt::skip]
pub(super) const TASKS: &[Row] = &[
    ("hs_task_subject", "Task Title", "string", "text", "task", ""),
    ("hs_task_body", "Task Notes", "string", "html", "task", ""),
    ("hs_task_status", "Task Status", "enumeration", "select", "task", ""),
    ("hs_task_priority", "Priority", "enumeration", "select", "task", ""),
    ("hs_task_type", "Task Type", "enumeration", "select", "task", ""),
    ("hs_timestamp", "Due date", "datetime", "date", "engagement", ""),
    ("hs_task_reminders", "Reminders", "string", "text", "task", ""),
    ("hs_task_completion_date", "Completed at", "datetime", "date", "task", "r"),
    ("hs_task_is_completed", "Is completed", "number", "calculation_equation", "task", "rc"),
    ("hs_attachment_ids", "Attached file IDs", "enumeration", "checkbox", "engagement", "x"),
];

/// Notes.
#[rustfmt::skip]
pub(super) const NOTES: &[Row] = &[
    ("hs_note_body", "Note body", "string", "html", "objectinformation", ""),
    ("hs_timestamp", "Activity date", "datetime", "date", "objectinformation", ""),
    ("hs_attachment_ids", "Attached file IDs", "enumeration", "checkbox", "objectinformation", "x"),
];

/// Leads (work items on a contact, not Salesforce's leads).
#[rustfmt::skip]
pub(super) const LEADS: &[Row] = &[
    ("hs_lead_name", "Lead name", "string", "text", "leadinformation", "f"),
    ("hs_lead_type", "Lead type", "enumeration", "select", "leadinformation", "fd"),
    ("hs_lead_label", "Lead label", "enumeration", "select", "leadinformation", "fd"),
    ("hs_pipeline", "Lead pipeline", "enumeration", "select", "leadinformation", "x"),
    ("hs_pipeline_stage", "Lead pipeline stage", "enumeration", "radio", "leadinformation", "x"),
];

/// Tickets.
#[rustfmt::skip]
pub(super) const TICKETS: &[Row] = &[
    ("subject", "Ticket name", "string", "text", "ticketinformation", "f"),
    ("content", "Ticket description", "string", "textarea", "ticketinformation", "f"),
    ("hs_pipeline", "Pipeline", "enumeration", "select", "ticketinformation", "x"),
    ("hs_pipeline_stage", "Ticket status", "enumeration", "radio", "ticketinformation", "x"),
    ("hs_ticket_priority", "Priority", "enumeration", "select", "ticketinformation", "fd"),
    ("createdate", "Create date", "datetime", "date", "ticketinformation", ""),
];

/// Calls.
#[rustfmt::skip]
pub(super) const CALLS: &[Row] = &[
    ("hs_call_title", "Call title", "string", "text", "objectinformation", ""),
    ("hs_call_body", "Call notes", "string", "html", "objectinformation", ""),
    ("hs_call_duration", "Call duration", "number", "number", "objectinformation", ""),
    ("hs_timestamp", "Activity date", "datetime", "date", "objectinformation", ""),
];

/// Meetings.
#[rustfmt::skip]
pub(super) const MEETINGS: &[Row] = &[
    ("hs_meeting_title", "Meeting name", "string", "text", "objectinformation", ""),
    ("hs_meeting_body", "Meeting description", "string", "html", "objectinformation", ""),
    ("hs_meeting_start_time", "Meeting start time", "datetime", "date", "objectinformation", ""),
    ("hs_meeting_end_time", "Meeting end time", "datetime", "date", "objectinformation", ""),
    ("hs_timestamp", "Activity date", "datetime", "date", "objectinformation", ""),
];

/// Objects that are only there by name.
#[rustfmt::skip]
pub(super) const NAMED: &[Row] = &[
    ("hs_name", "Name", "string", "text", "objectinformation", "f"),
    ("hs_timestamp", "Activity date", "datetime", "date", "objectinformation", ""),
];
