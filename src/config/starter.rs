//! The starter config that `syncline init` writes: the recommended mappings, with comments that explain.

use super::value::address;

/// Head of the file.
const HEAD: &str = include_str!("../../assets/starter-config.toml");
/// The recommended mappings, which the sandbox is made for too.
const MAPPINGS: &str = include_str!("../../assets/starter-mappings.toml");

/// What is known of the connections; what is not stays as an example to fill in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StarterConnections {
    /// The org's own address.
    pub salesforce_url: Option<String>,
    /// The connected app's consumer key.
    pub salesforce_client_id: Option<String>,
    /// The API's address, where it is not HubSpot's own (the sandbox).
    pub hubspot_url: Option<String>,
}

/// The text of a starter config. It loads as it is; the addresses that are examples are named in its comments.
pub fn starter_config(connections: &StarterConnections) -> String {
    let given = |url: &Option<String>| url.as_deref().and_then(|text| address(text).ok());
    let login = given(&connections.salesforce_url);
    let client = connections.salesforce_client_id.as_deref();
    let mut text = HEAD.to_owned();
    text.push_str("[salesforce]\n");
    text.push_str(&line(
        &format!(
            "login_url = {}",
            quoted(
                login
                    .as_deref()
                    .unwrap_or("https://YOUR-DOMAIN.my.salesforce.com")
            )
        ),
        if login.is_some() {
            ""
        } else {
            "the org's own address: Setup, My Domain"
        },
    ));
    text.push_str(&line(
        &format!(
            "auth = {{ flow = \"client_credentials\", client_id = {}, client_secret = {{ env = \"SYNCLINE_SF_SECRET\" }} }}",
            quoted(client.unwrap_or("YOUR-CONSUMER-KEY"))
        ),
        if client.is_some() { "" } else { "the connected app's consumer key" },
    ));
    text.push_str(&line(
        "daily_calls = \"50%\"",
        "share of the org's daily calls that Syncline may use",
    ));
    text.push_str("\n[hubspot]\n");
    if let Some(url) = given(&connections.hubspot_url) {
        text.push_str(&line(&format!("api_url = {}", quoted(&url)), ""));
    }
    text.push_str(&line(
        "auth = { flow = \"access_token\", token = { env = \"SYNCLINE_HS_TOKEN\" } }",
        "a private app's token",
    ));
    text.push_str(&line("daily_calls = \"50%\"", ""));
    text.push_str("\n[defaults]\n");
    text.push_str(&line(
        "country = \"US\"",
        "of telephone numbers without a prefix",
    ));
    text.push_str(&line(
        "conflict = \"last_write_wins\"",
        "or salesforce, hubspot, ask; what cannot be told for sure always asks",
    ));
    text.push_str(&line(
        "schedule = \"15m\"",
        "how often, while Syncline runs",
    ));
    text.push_str("\n[safety]\n");
    text.push_str(&line(
        "max_deletes = \"1%\"",
        "a run that would delete more stops and asks",
    ));
    text.push_str(&line(
        "max_changes = \"30%\"",
        "likewise for updates, after the first sync",
    ));
    text.push('\n');
    text.push_str(MAPPINGS);
    text
}

fn line(setting: &str, comment: &str) -> String {
    if comment.is_empty() {
        format!("{setting}\n")
    } else {
        format!("{setting:<30} # {comment}\n")
    }
}

/// A TOML string; the writer quotes and escapes whatever a vendor's portal or a person handed in.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn load(text: &str) -> Config {
        Config::parse(text, "starter.toml", Path::new(""), &BTreeMap::new(), &[]).unwrap()
    }

    #[test]
    fn the_starter_loads_as_it_is_with_accounts_before_contacts() {
        let config = load(&starter_config(&StarterConnections::default()));
        let names: Vec<&str> = config.mappings.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(names, ["accounts", "contacts"]);
        assert!(config.salesforce.is_some() && config.hubspot.is_some());
    }

    #[test]
    fn what_is_known_is_filled_in_and_quoted() {
        let config = load(&starter_config(&StarterConnections {
            salesforce_url: Some("http://127.0.0.1:40001".into()),
            salesforce_client_id: Some("a\"b\nc".replace('\n', "")),
            hubspot_url: Some("http://127.0.0.1:40002/".into()),
        }));
        assert!(config.is_sandbox());
        assert_eq!(config.hubspot.unwrap().api_url, "http://127.0.0.1:40002");
    }
}
