//! The one table of keys: path, kind, default, and the line that `config.example.toml` has for it. Validation, defaults,
//! the list of sources and the example's test all read it.

/// What a key's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A table of further keys.
    Table,
    /// A list of tables.
    Tables,
    /// Text, not empty.
    Text,
    /// One of `built`; one of `planned` is known and refused.
    Words {
        built: &'static [&'static str],
        planned: &'static [&'static str],
    },
    /// A percentage such as `"1%"`, between these, in hundredths of a percent.
    Percent { least: u32, most: u32 },
    /// A duration such as `"15m"`, between these, in seconds.
    Duration { least: u64, most: u64 },
    /// A whole number between these.
    Integer { least: i64, most: i64 },
    /// True or false.
    Boolean,
    /// `https://host`, or `http://` on a loopback address.
    Url,
    /// A two-letter country.
    Region,
    /// A reference to a secret.
    Secret,
    /// A conflict rule, or a list of them that is tried in turn.
    Conflict,
    /// A list of lists of field names.
    FieldLists,
    /// A list of stages, lowest first.
    Stages,
    /// A condition of SOQL.
    Condition,
    /// A transform, or a chain of them.
    Transform,
    /// A constant: text, number or true/false.
    Constant,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeySpec {
    /// Dotted path; elements of a list have the list's path.
    pub(super) path: &'static str,
    /// What it must be.
    pub(super) kind: Kind,
    /// The default as it would be written, empty where there is none.
    pub(super) default: &'static str,
}

const fn key(path: &'static str, kind: Kind, default: &'static str) -> KeySpec {
    KeySpec {
        path,
        kind,
        default,
    }
}

const fn seconds(path: &'static str, default: &'static str, least: u64, most: u64) -> KeySpec {
    key(path, Kind::Duration { least, most }, default)
}

const fn number(path: &'static str, default: &'static str, least: i64, most: i64) -> KeySpec {
    key(path, Kind::Integer { least, most }, default)
}

/// A valve's percentage.
const fn valve(path: &'static str, default: &'static str) -> KeySpec {
    key(
        path,
        Kind::Percent {
            least: 0,
            most: 10_000,
        },
        default,
    )
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const SHARE: Kind = Kind::Percent {
    least: 100,
    most: 10_000,
};
const SCHEDULE: Kind = Kind::Duration {
    least: 1,
    most: 31 * DAY,
};
const BLANKS: Kind = Kind::Words {
    built: &["propagate", "prefer_non_blank", "never_clear"],
    planned: &[],
};
const FOREIGN_EDIT: Kind = Kind::Words {
    built: &["ignore", "revert", "report"],
    planned: &[],
};
const DIRECTION: Kind = Kind::Words {
    built: &["both", "to_hubspot", "to_salesforce"],
    planned: &[],
};

/// Every key that works.
pub(super) const KEYS: &[KeySpec] = &[
    key("name", Kind::Text, ""),
    key("salesforce", Kind::Table, ""),
    key("salesforce.login_url", Kind::Url, ""),
    key("salesforce.auth", Kind::Table, ""),
    key(
        "salesforce.auth.flow",
        Kind::Words {
            built: &["client_credentials", "access_token", "refresh_token"],
            planned: &["jwt_bearer"],
        },
        "",
    ),
    key("salesforce.auth.client_id", Kind::Text, ""),
    key("salesforce.auth.client_secret", Kind::Secret, ""),
    key("salesforce.auth.token", Kind::Secret, ""),
    key("salesforce.auth.refresh_token", Kind::Secret, ""),
    key("salesforce.daily_calls", SHARE, "50%"),
    key("hubspot", Kind::Table, ""),
    key("hubspot.api_url", Kind::Url, "https://api.hubapi.com"),
    key("hubspot.auth", Kind::Table, ""),
    key(
        "hubspot.auth.flow",
        Kind::Words {
            built: &["access_token", "refresh_token"],
            planned: &[],
        },
        "",
    ),
    key("hubspot.auth.client_id", Kind::Text, ""),
    key("hubspot.auth.client_secret", Kind::Secret, ""),
    key("hubspot.auth.token", Kind::Secret, ""),
    key("hubspot.auth.refresh_token", Kind::Secret, ""),
    key("hubspot.daily_calls", SHARE, "50%"),
    key("defaults", Kind::Table, ""),
    key("defaults.country", Kind::Region, "US"),
    key("defaults.conflict", Kind::Conflict, "last_write_wins"),
    key("defaults.schedule", SCHEDULE, "15m"),
    key("safety", Kind::Table, ""),
    valve("safety.max_deletes", "1%"),
    valve("safety.max_changes", "30%"),
    valve("safety.max_creates", "20%"),
    valve("safety.max_cleared", "10%"),
    valve("safety.max_conflicts", "10%"),
    key("safety.canary", Kind::Table, ""),
    key("safety.canary.salesforce", Kind::Table, ""),
    key("safety.canary.salesforce.object", Kind::Text, ""),
    key("safety.canary.salesforce.id", Kind::Text, ""),
    key("safety.canary.salesforce.field", Kind::Text, ""),
    key("safety.canary.salesforce.value", Kind::Text, ""),
    key("safety.canary.hubspot", Kind::Table, ""),
    key("safety.canary.hubspot.object", Kind::Text, ""),
    key("safety.canary.hubspot.id", Kind::Text, ""),
    key("safety.canary.hubspot.field", Kind::Text, ""),
    key("safety.canary.hubspot.value", Kind::Text, ""),
    key("engine", Kind::Table, ""),
    seconds("engine.settle_delay", "120s", 0, HOUR),
    seconds("engine.request_timeout", "30s", 1, 10 * MINUTE),
    seconds("engine.overlap_salesforce", "2m", 0, DAY),
    seconds("engine.overlap_hubspot", "15m", 0, DAY),
    seconds("engine.index_lag", "60s", 0, HOUR),
    seconds("engine.max_age", "10s", 0, HOUR),
    number("engine.max_replans", "3", 0, 20),
    number("engine.slice", "5000", 100, 100_000),
    number("engine.in_flight", "4", 1, 25),
    seconds("engine.stop_grace", "30s", 1, 10 * MINUTE),
    number("engine.searches_per_second", "4", 1, 5),
    seconds("engine.schema_refresh", "1h", 0, 31 * DAY),
    seconds("engine.sweep_hubspot", "1d", HOUR, 31 * DAY),
    seconds("engine.sweep_salesforce", "7d", HOUR, 31 * DAY),
    number("engine.quarantine_after", "8", 1, 100),
    number("engine.oscillation_writes", "3", 2, 10),
    seconds("engine.blocked_after", "7d", HOUR, 31 * DAY),
    seconds("engine.retention", "90d", DAY, 3650 * DAY),
    key("mapping", Kind::Tables, ""),
    key("mapping.name", Kind::Text, ""),
    key("mapping.salesforce", Kind::Table, ""),
    key("mapping.salesforce.object", Kind::Text, ""),
    key("mapping.salesforce.where", Kind::Condition, ""),
    key("mapping.hubspot", Kind::Table, ""),
    key("mapping.hubspot.object", Kind::Text, ""),
    key("mapping.direction", DIRECTION, "both"),
    key(
        "mapping.creates",
        Kind::Words {
            built: &["both", "to_hubspot", "to_salesforce", "none"],
            planned: &[],
        },
        "both",
    ),
    key(
        "mapping.leaves_scope",
        Kind::Words {
            built: &["keep", "freeze", "unlink"],
            planned: &[],
        },
        "keep",
    ),
    key(
        "mapping.deletes",
        Kind::Words {
            built: &["ignore", "archive", "ask"],
            planned: &[],
        },
        "ignore",
    ),
    key(
        "mapping.delete_update",
        Kind::Words {
            built: &["ask", "delete_wins", "update_wins"],
            planned: &[],
        },
        "ask",
    ),
    key("mapping.schedule", SCHEDULE, ""),
    key("mapping.conflict", Kind::Conflict, ""),
    key("mapping.blanks", BLANKS, "propagate"),
    key("mapping.foreign_edit", FOREIGN_EDIT, "ignore"),
    key("mapping.strict_cas", Kind::Boolean, "false"),
    key("mapping.detect_clobber", Kind::Boolean, "false"),
    key("mapping.groups", Kind::FieldLists, ""),
    key("mapping.match", Kind::FieldLists, ""),
    key("mapping.keys", Kind::Table, ""),
    key(
        "mapping.keys.salesforce",
        Kind::Text,
        "Syncline_HubSpot_Id__c",
    ),
    key("mapping.keys.hubspot", Kind::Text, "syncline_salesforce_id"),
    key("mapping.fields", Kind::Tables, ""),
    key("mapping.fields.salesforce", Kind::Text, ""),
    key("mapping.fields.hubspot", Kind::Text, ""),
    key("mapping.fields.transform", Kind::Transform, ""),
    key("mapping.fields.match", Kind::Boolean, "false"),
    key("mapping.fields.conflict", Kind::Conflict, ""),
    key("mapping.fields.blanks", BLANKS, ""),
    key("mapping.fields.foreign_edit", FOREIGN_EDIT, ""),
    key("mapping.fields.monotone", Kind::Stages, ""),
    key(
        "mapping.fields.case",
        Kind::Words {
            built: &["exact", "fold"],
            planned: &[],
        },
        "exact",
    ),
    key("mapping.fields.direction", DIRECTION, ""),
    key("mapping.fields.link", Kind::Text, ""),
    key(
        "mapping.fields.mode",
        Kind::Words {
            built: &["single", "set"],
            planned: &[],
        },
        "single",
    ),
    key(
        "mapping.fields.on_unlinked",
        Kind::Words {
            built: &["keep", "clear"],
            planned: &[],
        },
        "keep",
    ),
    key("mapping.fields.value", Kind::Constant, ""),
];

/// Keys that the documents describe and this version does not have. A file that uses one is refused, so that nobody believes
/// a rule is kept that is not.
pub(super) const PLANNED: &[&str] = &[
    "duplicates",
    "engine.bulk_read",
    "engine.bulk_write",
    "mapping.salesforce.report",
    "mapping.hubspot.list",
    "mapping.hubspot.originated",
    "mapping.fields.rich",
];

/// The key at `path`.
pub(super) fn spec(path: &str) -> Option<&'static KeySpec> {
    KEYS.iter().find(|spec| spec.path == path)
}

/// The names of the keys directly under `path` (the top level where it is empty).
pub(super) fn names_under(path: &str) -> Vec<&'static str> {
    KEYS.iter()
        .filter_map(|spec| match spec.path.rsplit_once('.') {
            Some((parent, name)) => (parent == path).then_some(name),
            None => path.is_empty().then_some(spec.path),
        })
        .collect()
}

/// `parent.name`, or `name` at the top.
pub(super) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_listed_once_below_a_table_and_is_not_planned_too() {
        for (index, spec) in KEYS.iter().enumerate() {
            assert!(!KEYS[..index].iter().any(|other| other.path == spec.path));
            assert!(!PLANNED.contains(&spec.path), "{}", spec.path);
            if let Some((parent, _)) = spec.path.rsplit_once('.') {
                let parent = super::spec(parent).unwrap();
                assert!(matches!(parent.kind, Kind::Table | Kind::Tables));
            }
        }
    }
}
