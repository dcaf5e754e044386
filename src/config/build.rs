//! From the checked tree to a `Config`. A value that `check` has reported reads as its default here, so that every problem
//! of a file is found in one go.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::error::{ConfigError, ConfigErrors, Problems};
use super::layers::{self, Override};
use super::model::{
    Config, Defaults, EngineSettings, HubspotAuth, HubspotConnection, Safety, SalesforceAuth,
    SalesforceConnection,
};
use super::schema::spec;
use super::secret::{self, SecretRef};
use super::tree::{self, Node, Place, Raw};
use super::value::{Percent, address, duration, percent};
use super::{check, field_rules, mapping, rules};
use crate::domain::{Canary, ConflictRule, PerSide, Side, in_order_of_work};

/// Longest config file that is read, in bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

impl Config {
    /// Reads the file at `path` and puts `env` and `overrides` over it.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(
        path: &Path,
        env: &BTreeMap<String, String>,
        overrides: &[Override],
    ) -> Result<Config, ConfigErrors> {
        let file = path.display().to_string();
        let text = read_file(path).map_err(|(message, next)| ConfigError {
            file: file.clone(),
            place: Place::Default,
            key: String::new(),
            value: String::new(),
            message,
            next,
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Config::parse(&text, &file, folder, env, overrides)
    }

    /// The same from text; `file` is the name for messages, `folder` what relative paths of secrets count from.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse(
        text: &str,
        file: &str,
        folder: &Path,
        env: &BTreeMap<String, String>,
        overrides: &[Override],
    ) -> Result<Config, ConfigErrors> {
        let mut tree = tree::parse(text.strip_prefix('\u{feff}').unwrap_or(text), file)?;
        let mut problems = Problems::new(file);
        layers::apply(&mut tree, env, overrides, &mut problems);
        check::check(&tree, &mut problems);
        let config = build(&tree, folder, env, &mut problems);
        problems.finish()?;
        Ok(config)
    }
}

fn read_file(path: &Path) -> Result<String, (String, String)> {
    use std::io::Read;
    let file = std::fs::File::open(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            (
                "there is no config file here".to_owned(),
                "`syncline init` writes one, `--config FILE` names another".to_owned(),
            )
        } else {
            let message = format!("the config file cannot be read: {error}");
            (message, "check the path and its permissions".to_owned())
        }
    })?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            let message = format!("the config file cannot be read: {error}");
            (message, "check the path and its permissions".to_owned())
        })?;
    if bytes.len() as u64 > LONGEST {
        let message = "the config file is larger than 4 MB".to_owned();
        return Err((message, "check that it is the right file".to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let bytes = error.as_bytes();
        let good = bytes
            .get(..error.utf8_error().valid_up_to())
            .unwrap_or_default();
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let message = format!("the config file is not UTF-8 text (line {line})");
        (message, "save it as UTF-8".to_owned())
    })
}

fn build(
    tree: &Node,
    folder: &Path,
    env: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> Config {
    let reader = Reader { tree, folder };
    let defaults = Defaults {
        country: reader.word("defaults.country"),
        conflict: field_rules::conflict(tree.at("defaults.conflict"))
            .unwrap_or_else(|| vec![ConflictRule::LastWriteWins]),
        schedule: reader.duration("defaults.schedule"),
    };
    let salesforce = salesforce(&reader, problems);
    let hubspot = hubspot(&reader, problems);
    let mappings = mapping::read_all(tree, &defaults, problems);
    rules::check(&mappings, problems);
    let name = match tree.get("name").and_then(Node::text) {
        Some(name) => name.to_owned(),
        None => host_label(salesforce.as_ref()),
    };
    Config {
        name,
        salesforce,
        hubspot,
        defaults,
        safety: Safety {
            max_deletes: reader.percent("safety.max_deletes"),
            max_changes: reader.percent("safety.max_changes"),
            max_creates: reader.percent("safety.max_creates"),
            max_cleared: reader.percent("safety.max_cleared"),
            max_conflicts: reader.percent("safety.max_conflicts"),
            canary: PerSide::from_fn(|side| reader.canary(side, problems)),
        },
        engine: engine(&reader, problems),
        mappings: in_order_of_work(mappings.into_iter().map(|one| one.mapping).collect()),
        settings: layers::settings(tree, folder, env),
    }
}

fn engine(reader: &Reader<'_>, problems: &mut Problems) -> EngineSettings {
    let settings = EngineSettings {
        settle_delay: reader.duration("engine.settle_delay"),
        request_timeout: reader.duration("engine.request_timeout"),
        overlap_salesforce: reader.duration("engine.overlap_salesforce"),
        overlap_hubspot: reader.duration("engine.overlap_hubspot"),
        index_lag: reader.duration("engine.index_lag"),
        max_age: reader.duration("engine.max_age"),
        max_replans: reader.number("engine.max_replans"),
        slice: reader.number("engine.slice") as usize,
        in_flight: reader.number("engine.in_flight") as usize,
        stop_grace: reader.duration("engine.stop_grace"),
        searches_per_second: reader.number("engine.searches_per_second"),
        schema_refresh: reader.duration("engine.schema_refresh"),
        sweep_hubspot: reader.duration("engine.sweep_hubspot"),
        sweep_salesforce: reader.duration("engine.sweep_salesforce"),
        quarantine_after: reader.number("engine.quarantine_after"),
        oscillation_writes: reader.number("engine.oscillation_writes"),
        blocked_after: reader.duration("engine.blocked_after"),
        retention: reader.duration("engine.retention"),
    };
    if settings.settle_delay < settings.request_timeout * 2 {
        let place = |path| reader.tree.at(path).map(|node: &Node| &node.place);
        let place = place("engine.settle_delay").or_else(|| place("engine.request_timeout"));
        let message = "is shorter than twice engine.request_timeout: a write could be sent again while it still lands";
        let value = humantime::format_duration(settings.settle_delay).to_string();
        let next = "make it longer, or the time-out shorter";
        problems.add(
            place.unwrap_or(&Place::Default),
            "engine.settle_delay",
            value,
            message,
            next,
        );
    }
    settings
}

/// `acme` of `https://acme.my.salesforce.com`.
fn host_label(connection: Option<&SalesforceConnection>) -> String {
    connection
        .and_then(|one| url::Url::parse(&one.login_url).ok())
        .and_then(|url| match url.host() {
            Some(url::Host::Domain(host)) => host.split('.').next().map(str::to_owned),
            Some(address) => Some(address.to_string()),
            None => None,
        })
        .unwrap_or_else(|| "syncline".to_owned())
}

/// Reads single values, falling back to the table's default.
struct Reader<'a> {
    tree: &'a Node,
    folder: &'a Path,
}

impl Reader<'_> {
    fn word(&self, path: &str) -> String {
        let default = spec(path).map_or("", |spec| spec.default);
        let text = self.tree.at(path).and_then(Node::text);
        text.unwrap_or(default).to_owned()
    }

    fn parsed<T>(&self, path: &str, read: fn(&str) -> Option<T>) -> Option<T> {
        let default = spec(path).map_or("", |spec| spec.default);
        let written = self.tree.at(path).and_then(Node::text).and_then(read);
        written.or_else(|| read(default))
    }

    fn duration(&self, path: &str) -> Duration {
        self.parsed(path, duration).unwrap_or_default()
    }

    fn percent(&self, path: &str) -> Percent {
        self.parsed(path, percent).unwrap_or(Percent(0))
    }

    fn number(&self, path: &str) -> u32 {
        let default = spec(path).and_then(|spec| spec.default.parse().ok());
        let written = match self.tree.at(path).map(|node| &node.raw) {
            Some(Raw::Integer(number)) => u32::try_from(*number).ok(),
            _ => None,
        };
        written.or(default).unwrap_or_default()
    }

    /// `[safety] canary`, one side of it: whole or not at all.
    fn canary(&self, side: Side, problems: &mut Problems) -> Option<Canary> {
        let path = format!("safety.canary.{}", side.word());
        let table = self.tree.at(&path)?;
        let mut word = |key: &str| {
            let found = table.get(key);
            if found.is_none() && matches!(table.raw, Raw::Table(_)) {
                let message = format!("the key `{key}` is missing");
                let next = "a canary names object, id, field and value";
                problems.add(&table.place, &path, "", message, next);
            }
            found.and_then(Node::text).map(str::to_owned)
        };
        let (object, id, field, value) = (word("object"), word("id"), word("field"), word("value"));
        Some(Canary {
            object: object?,
            id: id?,
            field: field?,
            value: value?,
        })
    }

    fn secret(&self, path: &str) -> Option<SecretRef> {
        secret::read(self.tree.at(path)?, self.folder)
    }

    /// Reports keys that `table` needs and does not have, and such that its flow does not use.
    fn demand(
        &self,
        table: &str,
        needs: &[&str],
        may: &[&str],
        flow: &str,
        problems: &mut Problems,
    ) {
        let Some(node) = self.tree.at(table) else {
            return;
        };
        for need in needs {
            if node.get(need).is_none() {
                let message = format!("the key `{need}` is missing");
                let next = format!("add it{}", flow_hint(flow));
                problems.add(&node.place, table, "", message, next);
            }
        }
        for entry in node.entries() {
            let key = entry.key.as_str();
            let known = spec(&format!("{table}.{key}")).is_some();
            if known && key != "flow" && !needs.contains(&key) && !may.contains(&key) {
                let message = format!("`{key}` has no use in the flow `{flow}`");
                problems.add(
                    &entry.place,
                    &format!("{table}.{key}"),
                    "",
                    message,
                    "take it out",
                );
            }
        }
    }

    /// The flow of an `auth` table, or `None` with the problem reported.
    fn flow(&self, side: &str, problems: &mut Problems) -> Option<String> {
        let table = self.tree.get(side)?;
        let Some(auth) = table.get("auth") else {
            let next = "add auth = { flow = \"access_token\", token = { env = \"NAME\" } }";
            problems.add(&table.place, side, "", "the key `auth` is missing", next);
            return None;
        };
        let Some(flow) = auth.get("flow") else {
            // A wrong type was reported already.
            if matches!(auth.raw, Raw::Table(_)) {
                let key = format!("{side}.auth");
                let next = "add flow = \"access_token\" or another";
                problems.add(&auth.place, &key, "", "the key `flow` is missing", next);
            }
            return None;
        };
        flow.text().map(str::to_owned)
    }
}

fn flow_hint(flow: &str) -> String {
    if flow.is_empty() {
        String::new()
    } else {
        format!(", the flow `{flow}` needs it")
    }
}

fn salesforce(reader: &Reader<'_>, problems: &mut Problems) -> Option<SalesforceConnection> {
    let table = reader.tree.get("salesforce")?;
    if table.get("login_url").is_none() {
        let next = "add login_url = \"https://YOUR-DOMAIN.my.salesforce.com\"";
        problems.add(
            &table.place,
            "salesforce",
            "",
            "the key `login_url` is missing",
            next,
        );
    }
    let flow = reader.flow("salesforce", problems)?;
    let (needs, may): (&[&str], &[&str]) = match flow.as_str() {
        "client_credentials" => (&["client_id", "client_secret"], &[]),
        "access_token" => (&["token"], &[]),
        "refresh_token" => (&["client_id", "refresh_token"], &["client_secret"]),
        _ => return None,
    };
    reader.demand("salesforce.auth", needs, may, &flow, problems);
    let client_id = reader.word("salesforce.auth.client_id");
    let secret = |key: &str| reader.secret(&format!("salesforce.auth.{key}"));
    let auth = match flow.as_str() {
        "client_credentials" => SalesforceAuth::ClientCredentials {
            client_id,
            client_secret: secret("client_secret")?,
        },
        "access_token" => SalesforceAuth::AccessToken {
            token: secret("token")?,
        },
        _ => SalesforceAuth::RefreshToken {
            client_id,
            client_secret: secret("client_secret"),
            refresh_token: secret("refresh_token")?,
        },
    };
    let login_url = reader.word("salesforce.login_url");
    let generic = [
        "https://login.salesforce.com",
        "https://test.salesforce.com",
    ];
    let login_url = address(&login_url).ok()?;
    if flow != "refresh_token" && generic.contains(&login_url.as_str()) {
        let place = &table
            .get("login_url")
            .map_or(&table.place, |node| &node.place);
        let message = format!("Salesforce refuses the flow `{flow}` on this host");
        let next =
            "write your own domain, such as https://acme.my.salesforce.com (Setup, My Domain)";
        problems.add(
            place,
            "salesforce.login_url",
            login_url.as_str(),
            message,
            next,
        );
    }
    Some(SalesforceConnection {
        login_url,
        auth,
        daily_calls: reader.percent("salesforce.daily_calls"),
    })
}

fn hubspot(reader: &Reader<'_>, problems: &mut Problems) -> Option<HubspotConnection> {
    reader.tree.get("hubspot")?;
    let flow = reader.flow("hubspot", problems)?;
    let needs: &[&str] = match flow.as_str() {
        "access_token" => &["token"],
        "refresh_token" => &["client_id", "client_secret", "refresh_token"],
        _ => return None,
    };
    reader.demand("hubspot.auth", needs, &[], &flow, problems);
    let secret = |key: &str| reader.secret(&format!("hubspot.auth.{key}"));
    let auth = match flow.as_str() {
        "access_token" => HubspotAuth::AccessToken {
            token: secret("token")?,
        },
        _ => HubspotAuth::RefreshToken {
            client_id: reader.word("hubspot.auth.client_id"),
            client_secret: secret("client_secret")?,
            refresh_token: secret("refresh_token")?,
        },
    };
    Some(HubspotConnection {
        api_url: address(&reader.word("hubspot.api_url")).ok()?,
        auth,
        daily_calls: reader.percent("hubspot.daily_calls"),
    })
}
