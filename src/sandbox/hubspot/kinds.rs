//! The objects of the portal: names, type ids, stamps, default properties, what a create needs
//! (`docs/vendor/hubspot.md` 1.9, 3.11, 4.9).

/// One row of the object table.
#[derive(Debug)]
pub(super) struct KindRow {
    /// `0-1` and so on.
    pub type_id: &'static str,
    /// The name in paths: `contacts`.
    pub plural: &'static str,
    /// `contact`.
    pub singular: &'static str,
    /// The name in old messages: `CONTACT`.
    pub legacy: &'static str,
    /// The property that holds the creation time.
    pub created: &'static str,
    /// The property that holds the time of the last change.
    pub modified: &'static str,
    /// What comes back when no property was asked for.
    pub defaults: &'static [&'static str],
    /// A create needs at least one of these (none listed: nothing).
    pub needs_one: &'static [&'static str],
    /// A create needs all of these.
    pub needs_all: &'static [&'static str],
    /// What a free-text search looks at.
    pub searched: &'static [&'static str],
}

const PLAIN: KindRow = KindRow {
    type_id: "",
    plural: "",
    singular: "",
    legacy: "",
    created: "hs_createdate",
    modified: "hs_lastmodifieddate",
    defaults: &["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
    needs_one: &[],
    needs_all: &[],
    searched: &["hs_name"],
};

const fn plain(
    type_id: &'static str,
    plural: &'static str,
    singular: &'static str,
    legacy: &'static str,
) -> KindRow {
    KindRow {
        type_id,
        plural,
        singular,
        legacy,
        ..PLAIN
    }
}

const TABLE: &[KindRow] = &[
    KindRow {
        created: "createdate",
        modified: "lastmodifieddate",
        defaults: &[
            "createdate",
            "email",
            "firstname",
            "hs_object_id",
            "lastmodifieddate",
            "lastname",
        ],
        needs_one: &["email", "firstname", "lastname"],
        searched: &["firstname", "lastname", "email", "phone", "company"],
        ..plain("0-1", "contacts", "contact", "CONTACT")
    },
    KindRow {
        created: "createdate",
        defaults: &[
            "createdate",
            "domain",
            "hs_lastmodifieddate",
            "hs_object_id",
            "name",
        ],
        needs_one: &["name", "domain"],
        searched: &["name", "domain", "website", "phone"],
        ..plain("0-2", "companies", "company", "COMPANY")
    },
    KindRow {
        created: "createdate",
        defaults: &[
            "amount",
            "closedate",
            "createdate",
            "dealname",
            "dealstage",
            "hs_lastmodifieddate",
            "hs_object_id",
            "pipeline",
        ],
        needs_all: &["dealname", "dealstage"],
        searched: &["dealname", "description"],
        ..plain("0-3", "deals", "deal", "DEAL")
    },
    KindRow {
        created: "createdate",
        needs_all: &["subject", "hs_pipeline_stage"],
        defaults: &[
            "content",
            "createdate",
            "hs_lastmodifieddate",
            "hs_object_id",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_priority",
            "subject",
        ],
        searched: &["subject", "content"],
        ..plain("0-5", "tickets", "ticket", "TICKET")
    },
    KindRow {
        needs_all: &["hs_timestamp"],
        searched: &["hs_task_subject", "hs_task_body"],
        ..plain("0-27", "tasks", "task", "TASK")
    },
    KindRow {
        needs_all: &["hs_timestamp"],
        searched: &["hs_note_body"],
        ..plain("0-46", "notes", "note", "NOTE")
    },
    KindRow {
        needs_all: &["hs_timestamp"],
        ..plain("0-47", "meetings", "meeting", "MEETING_EVENT")
    },
    KindRow {
        needs_all: &["hs_timestamp"],
        ..plain("0-48", "calls", "call", "CALL")
    },
    KindRow {
        needs_all: &["hs_timestamp"],
        ..plain("0-49", "emails", "email", "EMAIL")
    },
    KindRow {
        needs_all: &["hs_lead_name"],
        searched: &["hs_lead_name"],
        ..plain("0-136", "leads", "lead", "LEAD")
    },
    plain("0-7", "products", "product", "PRODUCT"),
    plain("0-8", "line_items", "line_item", "LINE_ITEM"),
    plain("0-14", "quotes", "quote", "QUOTE"),
    plain("0-18", "communications", "communication", "COMMUNICATION"),
    plain("0-53", "invoices", "invoice", "INVOICE"),
    plain("0-74", "goals", "goal", "GOAL_TARGET"),
    plain("0-115", "users", "user", "USER"),
    plain("0-116", "postal_mail", "postal_mail", "POSTAL_MAIL"),
    plain("0-123", "orders", "order", "ORDER"),
    plain("0-142", "carts", "cart", "CART"),
    plain("0-162", "services", "service", "SERVICE"),
    plain("0-410", "courses", "course", "COURSE"),
    plain("0-420", "listings", "listing", "LISTING"),
    plain("0-421", "appointments", "appointment", "APPOINTMENT"),
    plain("0-970", "projects", "project", "PROJECT"),
];

/// One object of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Kind(u8);

impl Kind {
    /// Contacts.
    pub(super) const CONTACTS: Kind = Kind(0);
    /// Companies.
    pub(super) const COMPANIES: Kind = Kind(1);
    /// Deals.
    pub(super) const DEALS: Kind = Kind(2);
    /// Tickets.
    pub(super) const TICKETS: Kind = Kind(3);
    /// Tasks.
    pub(super) const TASKS: Kind = Kind(4);
    /// Leads.
    pub(super) const LEADS: Kind = Kind(9);

    /// Every object, in table order.
    pub(super) fn all() -> impl Iterator<Item = Kind> {
        (0..TABLE.len()).map(|at| Kind(u8::try_from(at).unwrap_or(u8::MAX)))
    }

    /// The object that a path or a caller names: plural, singular or type id, in any case.
    pub(super) fn find(name: &str) -> Option<Kind> {
        Kind::all().find(|kind| {
            let row = kind.row();
            row.type_id == name
                || row.plural.eq_ignore_ascii_case(name)
                || row.singular.eq_ignore_ascii_case(name)
        })
    }

    /// Its facts.
    pub(super) fn row(self) -> &'static KindRow {
        TABLE.get(usize::from(self.0)).unwrap_or(&PLAIN)
    }

    /// Its place in a table of all objects.
    pub(super) fn at(self) -> usize {
        usize::from(self.0)
    }
}
