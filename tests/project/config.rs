//! What a person sees of a wrong config: line, key, reason and next step; and what a right one resolves to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use syncline::config::{
    Config, ConfigErrors, HubspotAuth, Override, Percent, Place, SalesforceAuth, SecretRef,
    mapping_hash, mapping_revision,
};
use syncline::domain::{
    BlankPolicy, ConflictRule, CreatePolicy, DeletePolicy, DeleteUpdate, Direction, ForeignEdit,
    LeavesScope, MappingId, OnUnlinked, OtherwiseRule, PairKind, Side, TransformSpec,
};

/// Two connections and two mappings; line numbers in the tests count from here.
const GOOD: &str = r#"[salesforce]
login_url = "https://acme.my.salesforce.com"
auth = { flow = "client_credentials", client_id = "3MVG9", client_secret = { env = "SYNCLINE_SF__SECRET" } }
[hubspot]
auth = { flow = "access_token", token = { env = "SYNCLINE_HS_TOKEN" } }
[defaults]
country = "US"
[[mapping]]
name = "accounts"
salesforce = { object = "Account" }
hubspot = { object = "companies" }
fields = [
  { salesforce = "Name", hubspot = "name", conflict = "salesforce" },
  { salesforce = "Website", hubspot = "domain", transform = "extract_domain", match = true },
]
[[mapping]]
name = "contacts"
salesforce = { object = "Contact" }
hubspot = { object = "contacts" }
fields = [
  { salesforce = "LastName", hubspot = "lastname" },
  { salesforce = "Email", hubspot = "email", transform = "lowercase", match = true },
  { salesforce = "AccountId", hubspot = "company", link = "accounts" },
  { salesforce = "OwnerId", hubspot = "hubspot_owner_id" },
]
"#;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(
        text,
        "config.toml",
        Path::new("/etc/syncline"),
        &env(&[]),
        &[],
    )
}

fn good() -> Config {
    parse(GOOD).unwrap()
}

/// `GOOD` with `from` replaced; fails where it is not there.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

/// The first error is on `line`, about `key`, and its text contains every one of `words`.
fn assert_refused(text: &str, line: usize, key: &str, words: &[&str]) {
    let errors = parse(text).expect_err("the config should be refused");
    let found = errors
        .0
        .iter()
        .find(|error| error.line() == Some(line) && error.key == key)
        .unwrap_or_else(|| panic!("nothing about {key} on line {line} in:\n{errors}"));
    let shown = found.to_string();
    for word in words {
        assert!(shown.contains(word), "\"{word}\" is not in: {shown}");
    }
    assert!(
        shown.starts_with(&format!("config.toml:{line}: ")),
        "{shown}"
    );
    assert!(!found.next.is_empty(), "no next step: {shown}");
}

#[test]
fn the_good_config_resolves_to_mappings_in_its_order() {
    let config = good();
    assert_eq!(config.name, "acme");
    assert!(!config.is_sandbox());
    let names: Vec<&str> = config.mappings.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(names, ["accounts", "contacts"]);
    let contacts = config.mapping(&MappingId::from("contacts")).unwrap();
    assert_eq!(contacts.direction, Direction::Both);
    assert_eq!(contacts.creates, CreatePolicy::Both);
    assert_eq!(
        contacts.key_field(Side::Salesforce),
        "Syncline_HubSpot_Id__c"
    );
    assert_eq!(contacts.key_field(Side::HubSpot), "syncline_salesforce_id");
    assert_eq!(contacts.schedule_seconds, Some(900));
    assert_eq!(contacts.match_rules.len(), 1);
    assert_eq!(contacts.match_rules[0].parts, [1]);
    assert_eq!(contacts.pairs[0].conflict, [ConflictRule::LastWriteWins]);
    assert_eq!(
        contacts.pairs[1].kind,
        PairKind::Value {
            transforms: vec![TransformSpec::Lowercase]
        }
    );
    assert_eq!(
        contacts.pairs[2].kind,
        PairKind::Reference {
            mapping: MappingId::from("accounts")
        }
    );
    assert_eq!(contacts.pairs[3].kind, PairKind::Owner);
    assert_eq!(
        config.mappings[0].pairs[0].conflict,
        [ConflictRule::Salesforce]
    );
}

#[test]
fn connections_hold_references_and_defaults() {
    let config = good();
    let salesforce = config.salesforce.unwrap();
    assert_eq!(salesforce.daily_calls, Percent(5000));
    assert_eq!(
        salesforce.auth,
        SalesforceAuth::ClientCredentials {
            client_id: "3MVG9".into(),
            client_secret: SecretRef::Env("SYNCLINE_SF__SECRET".into())
        }
    );
    let hubspot = config.hubspot.unwrap();
    assert_eq!(hubspot.api_url, "https://api.hubapi.com");
    assert_eq!(
        hubspot.auth,
        HubspotAuth::AccessToken {
            token: SecretRef::Env("SYNCLINE_HS_TOKEN".into())
        }
    );
    assert_eq!(config.engine.settle_delay, Duration::from_secs(120));
    assert_eq!(config.engine.slice, 5000);
    assert_eq!(config.engine.retention, Duration::from_secs(90 * 86_400));
    assert_eq!(config.safety.max_changes, Percent(3000));
}

#[test]
fn an_empty_config_is_one_of_defaults() {
    let config = parse("").unwrap();
    assert!(config.salesforce.is_none() && config.mappings.is_empty());
    assert_eq!(config.defaults.country, "US");
    assert_eq!(config.name, "syncline");
}

#[test]
fn unknown_keys_name_line_and_nearest_key() {
    for (from, to, line, key, near) in [
        (
            "country = \"US\"",
            "contry = \"US\"",
            7,
            "defaults.contry",
            "`country`",
        ),
        ("[defaults]", "[default]", 6, "default", "`defaults`"),
        (
            "name = \"accounts\"",
            "nam = \"accounts\"",
            9,
            "mapping[1].nam",
            "`name`",
        ),
        (
            "link = \"accounts\"",
            "lnk = \"accounts\"",
            23,
            "mapping.contacts.fields[3].lnk",
            "`link`",
        ),
        (
            "flow = \"access_token\"",
            "flows = \"access_token\"",
            5,
            "hubspot.auth.flows",
            "`flow`",
        ),
        (
            "country = \"US\"",
            "zzzzzz = 1",
            7,
            "defaults.zzzzzz",
            "known here: country, conflict, schedule",
        ),
    ] {
        assert_refused(&with(from, to), line, key, &["there is no such key", near]);
    }
}

#[test]
fn every_problem_is_told_at_once_in_the_order_of_the_file() {
    let text = with("country = \"US\"", "country = \"usa\"\nschedule = 15").replacen(
        "transform = \"lowercase\"",
        "transform = \"lowercas\"",
        1,
    );
    let errors = parse(&text).unwrap_err();
    let lines: Vec<Option<usize>> = errors.0.iter().map(|error| error.line()).collect();
    assert_eq!(lines, [Some(7), Some(8), Some(23)], "{errors}");
    assert_eq!(errors.to_string().lines().count(), 3);
}

#[test]
fn wrong_types_and_values_say_what_to_write() {
    for (from, to, line, key, words) in [
        (
            "country = \"US\"",
            "country = 1",
            7,
            "defaults.country",
            ["a whole number", "text in quotes"],
        ),
        (
            "country = \"US\"",
            "country = \"us\"",
            7,
            "defaults.country",
            ["\"us\"", "\"GB\""],
        ),
        (
            "country = \"US\"",
            "schedule = \"often\"",
            7,
            "defaults.schedule",
            ["not a duration", "\"15m\""],
        ),
        (
            "country = \"US\"",
            "schedule = \"0s\"",
            7,
            "defaults.schedule",
            ["out of range", "1s to 31d"],
        ),
        (
            "country = \"US\"",
            "conflict = \"salesforc\"",
            7,
            "defaults.conflict",
            ["\"salesforc\"", "`salesforce`"],
        ),
        (
            "[defaults]\ncountry = \"US\"",
            "[safety]\nmax_deletes = \"1\"",
            7,
            "safety.max_deletes",
            ["not a percentage", "\"1%\""],
        ),
        (
            "[defaults]\ncountry = \"US\"",
            "[safety]\nmax_deletes = \"101%\"",
            7,
            "safety.max_deletes",
            ["out of range", "0% to 100%"],
        ),
        (
            "[defaults]\ncountry = \"US\"",
            "[safety]\nmax_deletes = 1",
            7,
            "safety.max_deletes",
            ["a whole number", "\"1%\""],
        ),
        (
            "[defaults]\ncountry = \"US\"",
            "[engine]\nslice = 1",
            7,
            "engine.slice",
            ["out of range", "100 to 100000"],
        ),
        (
            "[defaults]\ncountry = \"US\"",
            "[engine]\nslice = \"5000\"",
            7,
            "engine.slice",
            ["is text", "a whole number"],
        ),
        (
            "[defaults]\ncountry = \"US\"",
            "[engine]\nretention = \"1h\"",
            7,
            "engine.retention",
            ["out of range", "1d"],
        ),
        (
            "match = true",
            "match = \"yes\"",
            14,
            "mapping.accounts.fields[2].match",
            ["is text", "true or false"],
        ),
    ] {
        assert_refused(&with(from, to), line, key, &words);
    }
}

#[test]
fn broken_toml_names_its_line() {
    assert_refused(
        &with("country = \"US\"", "country = US"),
        7,
        "",
        &["not valid TOML"],
    );
    let twice = with("country = \"US\"", "country = \"US\"\ncountry = \"GB\"");
    assert_refused(&twice, 8, "", &["not valid TOML"]);
}

#[test]
fn keys_whose_rule_is_not_built_are_refused_by_line() {
    let text = with("conflict = \"salesforce\"", "rich = \"x\"");
    assert_refused(
        &text,
        13,
        "mapping.accounts.fields[1].rich",
        &["`rich` is not available in this version"],
    );
    for (from, to, line, key, word) in [
        (
            "object = \"Contact\"",
            "object = \"Contact\", report = \"x\"",
            18,
            "mapping.contacts.salesforce.report",
            "`report`",
        ),
        (
            "object = \"contacts\"",
            "object = \"contacts\", list = \"1\"",
            19,
            "mapping.contacts.hubspot.list",
            "`list`",
        ),
        (
            "object = \"contacts\"",
            "object = \"contacts\", originated = true",
            19,
            "mapping.contacts.hubspot.originated",
            "`originated`",
        ),
        (
            "[defaults]",
            "[duplicates]\n[defaults]",
            6,
            "duplicates",
            "`duplicates`",
        ),
        (
            "[defaults]",
            "[engine]\nbulk_read = 1\n[defaults]",
            7,
            "engine.bulk_read",
            "`bulk_read`",
        ),
        (
            "flow = \"client_credentials\"",
            "flow = \"jwt_bearer\"",
            3,
            "salesforce.auth.flow",
            "`jwt_bearer`",
        ),
        (
            "transform = \"lowercase\"",
            "transform = \"uppercase\"",
            22,
            "mapping.contacts.fields[2].transform",
            "`uppercase`",
        ),
        (
            "transform = \"lowercase\"",
            "transform = { template = \"{{ x }}\" }",
            22,
            "mapping.contacts.fields[2].transform",
            "`template`",
        ),
    ] {
        assert_refused(
            &with(from, to),
            line,
            key,
            &[word, "not available in this version"],
        );
    }
}

#[test]
fn a_canary_is_whole_or_refused() {
    let canary = |fields: &str| {
        let text = format!("[safety]\ncanary = {{ hubspot = {{ {fields} }} }}\n[defaults]");
        with("[defaults]", &text)
    };
    let whole = canary("object = \"companies\", id = \"9\", field = \"name\", value = \"Acme\"");
    let found = parse(&whole).unwrap().safety.canary;
    assert_eq!(found.hubspot.unwrap().id, "9");
    assert!(found.salesforce.is_none());
    let part = canary("object = \"companies\", id = \"9\", field = \"name\"");
    assert_refused(&part, 7, "safety.canary.hubspot", &["`value`", "missing"]);
}

#[test]
fn a_scope_is_read_and_what_it_cannot_hold_is_refused_by_line_and_place() {
    let scoped = |text: &str| {
        with(
            "object = \"Contact\"",
            &format!("object = \"Contact\", where = \"{text}\""),
        )
    };
    let config = parse(&scoped(
        "Contact.Title != null AND Account.Type IN ('A', 'B')",
    ))
    .unwrap();
    let mapping = &config.mappings[1];
    let fields: Vec<&str> = mapping
        .scope
        .as_ref()
        .unwrap()
        .fields()
        .into_iter()
        .collect();
    assert_eq!(fields, ["Account.Type", "Title"]);
    assert_eq!(mapping.leaves_scope, LeavesScope::Keep);
    let frozen = with(
        "name = \"contacts\"",
        "name = \"contacts\"\nleaves_scope = \"freeze\"",
    );
    assert_eq!(
        parse(&frozen).unwrap().mappings[1].leaves_scope,
        LeavesScope::Freeze
    );
    for (text, words) in [
        ("", ["the end", "a field"]),
        (
            "Id IN (SELECT ContactId FROM Case)",
            ["\"SELECT\" at character 8", "a query of its own"],
        ),
        (
            "CALENDAR_YEAR(CreatedDate) = 2026",
            ["\"CALENDAR_YEAR\" at character 1", "function"],
        ),
        (
            "Account.Owner.Name = 'x'",
            ["\"Account.Owner.Name\"", "more than one step up"],
        ),
        (
            "Title = 'a' OR Title = 'b' AND Email = null",
            ["\"AND\" at character 28", "parentheses"],
        ),
        (
            "CreatedDate = LAST_WEEK",
            ["\"LAST_WEEK\"", "where a week begins"],
        ),
    ] {
        let key = "mapping.contacts.salesforce.where";
        assert_refused(&scoped(text), 18, key, &words);
    }
    assert_refused(
        &with("object = \"Contact\"", "object = \"Contact\", where = 1"),
        18,
        "mapping.contacts.salesforce.where",
        &["text in quotes"],
    );
}

#[test]
fn a_literal_secret_is_refused_and_not_repeated() {
    for literal in [
        "token = \"pat-na1-secret\"",
        "token = { literal = \"pat-na1-secret\" }",
        "token = { env = [\"pat-na1-secret\"] }",
        "token = [\"pat-na1-secret\"]",
    ] {
        let text = with("token = { env = \"SYNCLINE_HS_TOKEN\" }", literal);
        assert_refused(&text, 5, "hubspot.auth.token", &["{ env = \"NAME\" }"]);
        assert!(
            !parse(&text)
                .unwrap_err()
                .to_string()
                .contains("pat-na1-secret")
        );
    }
    let shape = with(
        "auth = { flow = \"access_token\", token = { env = \"SYNCLINE_HS_TOKEN\" } }",
        "auth = \"pat-na1-secret\"",
    );
    assert!(
        !parse(&shape)
            .unwrap_err()
            .to_string()
            .contains("pat-na1-secret")
    );
    let url = with("https://acme.my", "https://user:pat-na1-secret@acme.my");
    assert!(
        !parse(&url)
            .unwrap_err()
            .to_string()
            .contains("pat-na1-secret")
    );
}

#[test]
fn a_flow_needs_its_keys_and_no_others() {
    let missing = with("client_id = \"3MVG9\", ", "");
    assert_refused(
        &missing,
        3,
        "salesforce.auth",
        &["`client_id` is missing", "client_credentials"],
    );
    let extra = with(
        "flow = \"access_token\",",
        "flow = \"access_token\", client_id = \"x\",",
    );
    assert_refused(
        &extra,
        5,
        "hubspot.auth.client_id",
        &["no use in the flow `access_token`"],
    );
    let none = with("flow = \"access_token\", ", "");
    assert_refused(&none, 5, "hubspot.auth", &["`flow` is missing"]);
    let no_url = with("login_url = \"https://acme.my.salesforce.com\"\n", "");
    assert_refused(&no_url, 1, "salesforce", &["`login_url` is missing"]);
    let generic = with("acme.my.salesforce.com", "login.salesforce.com");
    assert_refused(&generic, 2, "salesforce.login_url", &["My Domain"]);
}

#[test]
fn plain_http_is_refused_off_loopback() {
    let text = with(
        "https://acme.my.salesforce.com",
        "http://acme.my.salesforce.com",
    );
    assert_refused(&text, 2, "salesforce.login_url", &["loopback", "https://"]);
    let sandbox = with("https://acme.my.salesforce.com", "http://127.0.0.1:40001").replace(
        "[hubspot]",
        "[hubspot]\napi_url = \"http://127.0.0.1:40002\"",
    );
    assert!(parse(&sandbox).unwrap().is_sandbox());
}

#[test]
fn transforms_are_checked_to_their_options() {
    for (transform, words) in [
        (
            "\"lowercas\"",
            vec!["there is no such transform", "`lowercase`"],
        ),
        (
            "{ phone_e164 = { contry = \"GB\" } }",
            vec!["no option `contry`", "`country`"],
        ),
        (
            "{ phone_e164 = { country = \"ZZ\" } }",
            vec!["not a country code"],
        ),
        ("{ phone_e164 = { extension = \"x\" } }", vec!["\"keep\""]),
        (
            "{ extract_domain = { registrable = 1 } }",
            vec!["a whole number", "true or false"],
        ),
        ("{ lowercase = { x = 1 } }", vec!["no option `x`", "alone"]),
        (
            "{ trim = {}, lowercase = {} }",
            vec!["exactly one", "[\"trim\", \"lowercase\"]"],
        ),
        ("{ values = {} }", vec!["lists no value"]),
        ("{ values = { A = 1 } }", vec!["a whole number"]),
        (
            "{ values = { A = \"x\", a = \"y\" } }",
            vec!["listed twice"],
        ),
        (
            "{ values = { A = \"x\" }, otherwise = \"blank\" }",
            vec!["unlisted values", "\"pass\""],
        ),
        (
            "{ default = \"x\", otherwise = \"pass\" }",
            vec!["beside `values` only"],
        ),
        ("{ default = \"\" }", vec!["no value"]),
        ("7", vec!["a whole number"]),
        ("[[\"trim\"]]", vec!["a list"]),
    ] {
        let text = with(
            "transform = \"lowercase\"",
            &format!("transform = {transform}"),
        );
        assert_refused(&text, 22, "mapping.contacts.fields[2].transform", &words);
    }
}

#[test]
fn transforms_chain_and_keep_their_order() {
    let transform = "[\"trim\", { values = { Zulu = \"z\", Alpha = \"a\", Mike = \"z\" }, otherwise = { value = \"OTHER\" } }, { phone_e164 = {} }, { default = \"x\" }]";
    let config = parse(&with(
        "transform = \"lowercase\"",
        &format!("transform = {transform}"),
    ))
    .unwrap();
    let PairKind::Value { transforms } = &config.mappings[1].pairs[1].kind else {
        panic!("not a value pair");
    };
    assert_eq!(transforms[0], TransformSpec::Trim);
    let TransformSpec::Values { table, otherwise } = &transforms[1] else {
        panic!("not a value mapping");
    };
    let keys: Vec<&str> = table.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["Zulu", "Alpha", "Mike"]);
    assert_eq!(*otherwise, OtherwiseRule::Value("OTHER".into()));
    assert_eq!(
        transforms[2],
        TransformSpec::PhoneE164 {
            country: "US".into(),
            keep_extension: false
        }
    );
    assert_eq!(transforms[3], TransformSpec::Default { value: "x".into() });
}

#[test]
fn mappings_have_one_name_each() {
    let text = with("name = \"contacts\"", "name = \"accounts\"");
    assert_refused(
        &text,
        17,
        "mapping.accounts.name",
        &["another mapping has this name (line 9)"],
    );
    assert_refused(
        &with("name = \"contacts\"\n", ""),
        16,
        "mapping[2]",
        &["`name` is missing"],
    );
    let odd = with("name = \"contacts\"", "name = \"my contacts\"");
    assert_refused(
        &odd,
        17,
        "mapping.my contacts.name",
        &["not a name for a mapping"],
    );
}

#[test]
fn a_link_leads_to_a_mapping_of_companies() {
    let text = with("link = \"accounts\"", "link = \"acounts\"");
    assert_refused(
        &text,
        23,
        "mapping.contacts.AccountId.link",
        &["no mapping of that name", "`accounts`"],
    );
    let text = with("link = \"accounts\"", "link = \"contacts\"");
    assert_refused(
        &text,
        23,
        "mapping.contacts.AccountId.link",
        &["not one of companies"],
    );
    let text = with("hubspot = \"company\", link", "hubspot = \"zip\", link");
    assert_refused(
        &text,
        23,
        "mapping.contacts.fields[3].link",
        &["only a contact's primary company"],
    );
    let text = with(", link = \"accounts\"", "");
    assert_refused(
        &text,
        23,
        "mapping.contacts.fields[3].hubspot",
        &["add link = \"accounts\""],
    );
}

#[test]
fn a_field_has_one_writer() {
    let line = "  { salesforce = \"OwnerId\", hubspot = \"hubspot_owner_id\" },";
    let text = with(
        line,
        "  { salesforce = \"Title\", hubspot = \"lastname\" },",
    );
    assert_refused(
        &text,
        24,
        "mapping.contacts.Title",
        &[
            "two pairs write HubSpot contacts.lastname",
            "mapping.contacts.LastName",
        ],
    );
    let text = with(
        line,
        "  { salesforce = \"LastName\", hubspot = \"jobtitle\" },",
    );
    assert_refused(
        &text,
        24,
        "mapping.contacts.LastName",
        &["second field pair"],
    );
    let one_way = with(
        line,
        "  { salesforce = \"Title\", hubspot = \"lastname\", direction = \"to_salesforce\" },",
    );
    assert!(
        parse(&one_way).is_ok(),
        "HubSpot's lastname still has one writer"
    );
    let second = format!(
        "{GOOD}[[mapping]]\nname = \"more\"\nsalesforce = {{ object = \"Contact\" }}\nhubspot = {{ object = \"contacts\" }}\nfields = [\n  {{ salesforce = \"Email\", hubspot = \"email\", match = true, direction = \"to_hubspot\" }},\n]\n"
    );
    assert_refused(
        &second,
        31,
        "mapping.more.Email",
        &["HubSpot contacts.email", "mapping.contacts.Email"],
    );
}

#[test]
fn what_a_two_way_pair_writes_does_not_feed_a_one_way_transform() {
    let line = "  { salesforce = \"OwnerId\", hubspot = \"hubspot_owner_id\" },";
    let text = with(
        line,
        "  { salesforce = \"Title\", hubspot = \"email\", transform = \"trim\", direction = \"to_salesforce\" },",
    );
    assert_refused(
        &text,
        24,
        "mapping.contacts.Title",
        &["email feeds this one-way transform", "Email"],
    );
}

#[test]
fn match_rules_name_fields_of_the_mapping() {
    let head = "hubspot = { object = \"contacts\" }";
    let listed = |rule: &str| {
        with(head, &format!("{head}\nmatch = {rule}")).replacen(
            "transform = \"lowercase\", match = true",
            "transform = \"lowercase\"",
            1,
        )
    };
    let config = parse(&listed("[[\"Email\"], [\"lastname\", \"Email\"]]")).unwrap();
    let parts: Vec<Vec<usize>> = config.mappings[1]
        .match_rules
        .iter()
        .map(|rule| rule.parts.clone())
        .collect();
    assert_eq!(parts, [vec![1], vec![0, 1]]);
    for (rule, words) in [
        ("[[\"Emial\"]]", ["no field pair", "`Email`"]),
        ("[]", ["names no rule", "[[\"Email\"]"]),
        ("[[]]", ["is not a rule", "[[\"Email\"]"]),
        ("[\"Email\"]", ["is not a rule", "[[\"Email\"]"]),
        ("[[1]]", ["not the name of a field", "[[\"Email\"]"]),
        (
            "[[\"OwnerId\"]]",
            ["cannot match records", "ordinary values"],
        ),
        ("\"Email\"", ["names no rule", "[[\"Email\"]"]),
    ] {
        assert_refused(&listed(rule), 20, "mapping.contacts.match", &words);
    }
    let both = with(head, &format!("{head}\nmatch = [[\"Email\"]]"));
    assert_refused(
        &both,
        23,
        "mapping.contacts.match",
        &["takes the place of match = true"],
    );
}

#[test]
fn conflict_rules_are_a_word_or_a_list_that_is_tried_in_turn() {
    use ConflictRule::{Ask, HubSpot, LastWriteWins, Max, Min, NonBlank, Salesforce, Union};
    for (written, want) in [
        ("\"last_write_wins\"", vec![LastWriteWins]),
        ("\"salesforce\"", vec![Salesforce]),
        ("\"hubspot\"", vec![HubSpot]),
        ("\"ask\"", vec![Ask]),
        ("\"non_blank\"", vec![NonBlank]),
        ("\"max\"", vec![Max]),
        ("\"min\"", vec![Min]),
        ("\"union\"", vec![Union]),
        (
            "[\"union\", \"non_blank\", \"ask\"]",
            vec![Union, NonBlank, Ask],
        ),
    ] {
        let rule = format!("conflict = {written}");
        let defaults = parse(&with("country = \"US\"", &rule)).unwrap();
        assert_eq!(defaults.mappings[1].pairs[0].conflict, want);
        let name = "name = \"contacts\"";
        let mapping = parse(&with(name, &format!("{name}\n{rule}"))).unwrap();
        assert_eq!(mapping.mappings[1].pairs[0].conflict, want);
        assert_eq!(mapping.mappings[0].pairs[1].conflict, [LastWriteWins]);
        let pair = parse(&with("conflict = \"salesforce\"", &rule)).unwrap();
        assert_eq!(pair.mappings[0].pairs[0].conflict, want);
    }
    for (written, words) in [
        ("\"newest\"", ["\"newest\"", "not one of the words"]),
        ("[\"max\", \"unoin\"]", ["\"unoin\"", "`union`"]),
        ("[]", ["names no rule", "\"non_blank\""]),
        (
            "[\"ask\", \"max\"]",
            ["\"max\": is never tried", "take it out"],
        ),
        ("[\"max\", \"max\"]", ["already", "take it out"]),
        ("[1]", ["a whole number", "a rule"]),
        ("true", ["true or false", "a rule"]),
    ] {
        let text = with("country = \"US\"", &format!("conflict = {written}"));
        assert_refused(&text, 7, "defaults.conflict", &words);
    }
    let vars = env(&[("SYNCLINE_DEFAULTS__CONFLICT", "[\"max\", \"hubspot\"]")]);
    let config = Config::parse(GOOD, "config.toml", Path::new(""), &vars, &[]).unwrap();
    assert_eq!(config.defaults.conflict, [Max, HubSpot]);
}

#[test]
fn blanks_and_foreign_edits_are_rules_of_the_mapping_or_of_a_pair() {
    let name = "name = \"accounts\"";
    let own = "conflict = \"salesforce\"";
    for (word, want) in [
        ("propagate", BlankPolicy::Propagate),
        ("prefer_non_blank", BlankPolicy::PreferNonBlank),
        ("never_clear", BlankPolicy::NeverClear),
    ] {
        let rule = format!("blanks = \"{word}\"");
        let mapping = parse(&with(name, &format!("{name}\n{rule}"))).unwrap();
        assert!(
            mapping.mappings[0]
                .pairs
                .iter()
                .all(|pair| pair.blanks == want)
        );
        let pair = parse(&with(own, &rule)).unwrap();
        assert_eq!(pair.mappings[0].pairs[0].blanks, want);
        assert_eq!(pair.mappings[0].pairs[1].blanks, BlankPolicy::Propagate);
    }
    for (word, want) in [
        ("ignore", ForeignEdit::Ignore),
        ("revert", ForeignEdit::Revert),
        ("report", ForeignEdit::Report),
    ] {
        let rule = format!("foreign_edit = \"{word}\"");
        let mapping = parse(&with(name, &format!("{name}\n{rule}"))).unwrap();
        assert_eq!(mapping.mappings[0].pairs[1].foreign_edit, want);
        let one_way = format!("direction = \"to_hubspot\", {rule}");
        let pair = parse(&with(own, &one_way)).unwrap();
        assert_eq!(pair.mappings[0].pairs[0].foreign_edit, want);
        let field = "mapping.accounts.fields[1].foreign_edit";
        assert_refused(&with(own, &rule), 13, field, &["two-way", "direction"]);
    }
    for (key, word, near) in [
        ("blanks", "prefer_nonblank", "`prefer_non_blank`"),
        ("foreign_edit", "reverts", "`revert`"),
    ] {
        let rule = format!("{key} = \"{word}\"");
        let text = with(name, &format!("{name}\n{rule}"));
        assert_refused(&text, 10, &format!("mapping.accounts.{key}"), &[word, near]);
        let key = format!("mapping.accounts.fields[1].{key}");
        assert_refused(&with(own, &rule), 13, &key, &[word, near]);
    }
}

#[test]
fn case_and_stages_are_rules_of_ordinary_values() {
    let own = "conflict = \"salesforce\"";
    for (word, want) in [("exact", false), ("fold", true)] {
        let config = parse(&with(own, &format!("case = \"{word}\""))).unwrap();
        assert_eq!(config.mappings[0].pairs[0].fold_case, want);
    }
    let stages = "monotone = [\"NEW\", \"OPEN\"]";
    let config = parse(&with(own, stages)).unwrap();
    assert_eq!(config.mappings[0].pairs[0].monotone, ["NEW", "OPEN"]);
    let mapped = "transform = { values = { New = \"NEW\", Open = \"OPEN\" } }";
    assert!(parse(&with(own, &format!("{stages}, {mapped}"))).is_ok());
    let case = "mapping.accounts.fields[1].case";
    assert_refused(&with(own, "case = \"folded\""), 13, case, &["`fold`"]);
    let key = "mapping.accounts.fields[1].monotone";
    for (written, words) in [
        ("\"NEW\"", ["is text", "a list of stages"]),
        ("[\"NEW\"]", ["two stages", "lowest first"]),
        ("[\"NEW\", 1]", ["is not text", "lowest first"]),
        ("[\"NEW\", \"\"]", ["is blank", "lowest first"]),
        ("[\"NEW\", \"NEW\"]", ["already", "lowest first"]),
    ] {
        let text = with(own, &format!("monotone = {written}"));
        assert_refused(&text, 13, key, &words);
    }
    let misspelt = "monotone = [\"NEW\", \"OPNE\"]";
    let text = with(own, &format!("{misspelt}, {mapped}"));
    assert_refused(&text, 13, key, &["\"OPNE\"", "`OPEN`"]);
    let owner = "hubspot = \"hubspot_owner_id\"";
    for rule in ["case = \"fold\"", stages] {
        let text = with(owner, &format!("{owner}, {rule}"));
        let name = rule.split_once(' ').map_or("", |(name, _)| name);
        let key = format!("mapping.contacts.fields[4].{name}");
        assert_refused(&text, 24, &key, &["ordinary values"]);
    }
}

#[test]
fn groups_are_fields_of_the_mapping_under_the_same_rules() {
    let grouped = |groups: &str, pairs: &str| {
        let head = "hubspot = { object = \"contacts\" }\nfields = [";
        let more = "  { salesforce = \"MailingStreet\", hubspot = \"address\" },\n  { salesforce = \"MailingCity\", hubspot = \"city\" },";
        let text = with(
            head,
            &format!(
                "hubspot = {{ object = \"contacts\" }}\ngroups = {groups}\nfields = [\n{more}"
            ),
        );
        text.replace(
            "{ salesforce = \"MailingCity\", hubspot = \"city\" }",
            &format!("{{ salesforce = \"MailingCity\", hubspot = \"city\"{pairs} }}"),
        )
    };
    let config = parse(&grouped("[[\"city\", \"MailingStreet\"]]", "")).unwrap();
    let groups: Vec<&[usize]> = config.mappings[1]
        .groups
        .iter()
        .map(|group| group.parts.as_slice())
        .collect();
    assert_eq!(groups, [&[1, 0][..]]);
    let names: Vec<String> = config.mappings[1].units().map(|unit| unit.name()).collect();
    assert_eq!(
        names,
        [
            "MailingCity + MailingStreet",
            "LastName",
            "Email",
            "AccountId",
            "OwnerId"
        ]
    );
    let both = "[[\"MailingStreet\", \"MailingCity\"]]";
    for (groups, pairs, words) in [
        ("[]", "", ["names no group", "a list of groups"]),
        (
            "\"MailingStreet\"",
            "",
            ["names no group", "a list of groups"],
        ),
        (
            "[\"MailingStreet\"]",
            "",
            ["two fields", "a list of groups"],
        ),
        (
            "[[\"MailingStreet\"]]",
            "",
            ["two fields", "a list of groups"],
        ),
        (
            "[[\"MailingStreet\", 1]]",
            "",
            ["not the name", "a list of groups"],
        ),
        (
            "[[\"MailingStreet\", \"MailingCty\"]]",
            "",
            ["no field pair", "`MailingCity`"],
        ),
        (
            "[[\"MailingStreet\", \"OwnerId\"]]",
            "",
            ["owner", "ordinary values"],
        ),
        (
            "[[\"MailingStreet\", \"address\"]]",
            "",
            ["in a group already", "take it out"],
        ),
        (
            "[[\"MailingStreet\", \"MailingCity\"], [\"LastName\", \"city\"]]",
            "",
            ["\"city\": is in a group already", "take it out"],
        ),
        (
            both,
            ", direction = \"to_hubspot\"",
            ["`direction`", "the same"],
        ),
        (both, ", conflict = \"ask\"", ["`conflict`", "the same"]),
        (
            both,
            ", conflict = \"max\"",
            ["`max`", "another `conflict`"],
        ),
        (both, ", blanks = \"never_clear\"", ["`blanks`", "the same"]),
        (
            both,
            ", monotone = [\"a\", \"b\"]",
            ["stages", "`monotone`"],
        ),
    ] {
        let text = grouped(groups, pairs);
        assert_refused(&text, 20, "mapping.contacts.groups", &words);
    }
}

#[test]
fn a_mapping_needs_fields_and_a_way_to_match() {
    let text = "[[mapping]]\nname = \"a\"\nsalesforce = { object = \"Contact\" }\nhubspot = { object = \"contacts\" }\n";
    assert_refused(text, 1, "mapping.a", &["has no fields"]);
    assert_refused(
        &format!("{text}fields = []\n"),
        5,
        "mapping.a",
        &["has no fields"],
    );
    let unmatched = with(
        ", match = true },\n  { salesforce = \"AccountId\"",
        " },\n  { salesforce = \"AccountId\"",
    );
    assert_refused(
        &unmatched,
        16,
        "mapping.contacts",
        &["no field pair is a matching field", "creates = \"none\""],
    );
    let none = unmatched.replacen(
        "name = \"contacts\"",
        "name = \"contacts\"\ncreates = \"none\"",
        1,
    );
    assert!(parse(&none).is_ok());
}

#[test]
fn only_people_and_companies_are_synced() {
    let text = with("object = \"Contact\"", "object = \"Opportunity\"");
    assert_refused(
        &text,
        18,
        "mapping.contacts.salesforce.object",
        &[
            "this version syncs Contact and Lead with contacts, and Account with companies",
            "\"Opportunity\"",
        ],
    );
    let crossed = with("object = \"Contact\"", "object = \"Account\"");
    assert_refused(
        &crossed,
        18,
        "mapping.contacts.salesforce.object",
        &["Contact or Lead with contacts"],
    );
}

/// `GOOD` with a mapping of leads whose further keys are `more`; it begins on line 26.
fn with_leads(more: &str) -> String {
    format!(
        "{GOOD}[[mapping]]\nname = \"leads\"\nsalesforce = {{ object = \"Lead\", where = \"IsConverted = false\" }}\nhubspot = {{ object = \"contacts\" }}\n{more}\nfields = [\n  {{ salesforce = \"LastName\", hubspot = \"lastname\" }},\n  {{ salesforce = \"Email\", hubspot = \"email\", transform = \"lowercase\", match = true }},\n]\n"
    )
}

#[test]
fn leads_and_contacts_share_hubspots_contacts_and_one_of_them_takes_the_new_ones() {
    let found = parse(&with_leads("direction = \"to_hubspot\"")).unwrap();
    let (contacts, leads) = (&found.mappings[1], &found.mappings[2]);
    assert_eq!(contacts.shares(leads), Some(Side::HubSpot));
    assert_eq!(leads.creates, CreatePolicy::ToHubspot);
    assert!(
        parse(&with_leads("creates = \"to_hubspot\"")).is_ok(),
        "both write email and lastname"
    );
    let both = with_leads("creates = \"both\"");
    let words = [
        "a new record of HubSpot contacts would become a Lead by this mapping and a Contact by mapping.contacts",
        "creates = \"to_hubspot\"",
    ];
    assert_refused(&both, 30, "mapping.leads.creates", &words);
    assert_refused(&with_leads(""), 27, "mapping.leads.creates", &words);
    // New ones may as well become Leads.
    let leads_take_them = with_leads("").replacen(
        "hubspot = { object = \"contacts\" }",
        "hubspot = { object = \"contacts\" }\ncreates = \"to_hubspot\"",
        1,
    );
    assert!(parse(&leads_take_them).is_ok());
}

#[test]
fn constants_write_one_side_only() {
    let line = "  { salesforce = \"OwnerId\", hubspot = \"hubspot_owner_id\" },";
    for written in ["value = \"lead\"", "transform = { value = \"lead\" }"] {
        let config = parse(&with(
            line,
            &format!("  {{ hubspot = \"lifecyclestage\", {written} }},"),
        ))
        .unwrap();
        let pair = &config.mappings[1].pairs[3];
        assert_eq!(pair.name(), "lifecyclestage");
        assert_eq!(pair.direction, Direction::ToHubspot);
        assert_eq!(
            pair.kind,
            PairKind::Constant {
                target: Side::HubSpot,
                value: "lead".into()
            }
        );
    }
    let key = "mapping.contacts.fields[4]";
    for (pair, word) in [
        (
            "{ salesforce = \"Title\", hubspot = \"jobtitle\", value = \"x\" }",
            "one-way transform",
        ),
        ("{ value = \"x\" }", "without a field"),
        (
            "{ hubspot = \"a\", value = \"x\", transform = \"trim\" }",
            "stands alone",
        ),
        (
            "{ hubspot = \"a\", value = \"x\", match = true }",
            "cannot match",
        ),
        ("{ hubspot = \"a\" }", "no Salesforce field"),
        ("{ salesforce = \"A\" }", "no HubSpot field"),
        (
            "{ hubspot = \"a\", value = \"x\", direction = \"to_salesforce\" }",
            "never writes there",
        ),
    ] {
        assert_refused(&with(line, &format!("  {pair},")), 24, key, &[word]);
    }
}

#[test]
fn what_a_mapping_does_with_deletions_is_read_and_moves_its_revision() {
    let plain = parse(GOOD).unwrap();
    let contacts = &plain.mappings[1];
    assert_eq!(
        (contacts.deletes, contacts.delete_update),
        (DeletePolicy::Ignore, DeleteUpdate::Ask)
    );
    let mut revisions = BTreeSet::from([mapping_revision(contacts)]);
    for (key, value, want) in [
        (
            "deletes",
            "archive",
            (DeletePolicy::Archive, DeleteUpdate::Ask),
        ),
        ("deletes", "ask", (DeletePolicy::Ask, DeleteUpdate::Ask)),
        (
            "delete_update",
            "delete_wins",
            (DeletePolicy::Ignore, DeleteUpdate::DeleteWins),
        ),
        (
            "delete_update",
            "update_wins",
            (DeletePolicy::Ignore, DeleteUpdate::UpdateWins),
        ),
    ] {
        let text = format!("name = \"contacts\"\n{key} = \"{value}\"");
        let config = parse(&with("name = \"contacts\"", &text)).unwrap();
        let contacts = &config.mappings[1];
        assert_eq!((contacts.deletes, contacts.delete_update), want);
        assert!(
            revisions.insert(mapping_revision(contacts)),
            "{key} = {value} asks again"
        );
    }
}

#[test]
fn a_pair_is_as_narrow_as_its_mapping() {
    let narrow = with(
        "name = \"contacts\"",
        "name = \"contacts\"\ndirection = \"to_hubspot\"",
    );
    let config = parse(&narrow).unwrap();
    assert!(
        config.mappings[1]
            .pairs
            .iter()
            .all(|pair| pair.direction == Direction::ToHubspot)
    );
    assert_eq!(config.mappings[1].creates, CreatePolicy::ToHubspot);
    let against = narrow.replace(
        "hubspot = \"lastname\"",
        "hubspot = \"lastname\", direction = \"to_salesforce\"",
    );
    assert_refused(
        &against,
        22,
        "mapping.contacts.fields[1].direction",
        &["against the mapping's own"],
    );
    let creates = narrow.replace(
        "direction = \"to_hubspot\"",
        "direction = \"to_hubspot\"\ncreates = \"to_salesforce\"",
    );
    assert_refused(&creates, 19, "mapping.contacts.creates", &["contradicts"]);
}

#[test]
fn field_names_are_safe_for_queries() {
    for name in ["Last Name", "LastName, Id FROM User--", "x'", "läst", ""] {
        let text = with(
            "salesforce = \"LastName\"",
            &format!("salesforce = \"{name}\""),
        );
        assert_refused(&text, 21, "mapping.contacts.fields[1].salesforce", &[]);
    }
    let own = with(
        "hubspot = \"lastname\"",
        "hubspot = \"syncline_salesforce_id\"",
    );
    assert_refused(
        &own,
        21,
        "mapping.contacts.fields[1].hubspot",
        &["key field"],
    );
}

#[test]
fn variables_and_flags_go_over_the_file_and_say_so() {
    let vars = env(&[
        ("SYNCLINE_DEFAULTS__SCHEDULE", "5m"),
        ("SYNCLINE_ENGINE__SLICE", "1000"),
        ("SYNCLINE_ENGINE__SETTLE_DELAY", "61s"),
        ("SYNCLINE_SAFETY__MAX_DELETES", "2%"),
        (
            "SYNCLINE_SF__SECRET",
            "not a key: a secret that the file names",
        ),
        ("SYNCLINE_LOG", "debug"),
        ("SYNCLINE_HS_TOKEN", "pat-na1-0123456789f"),
        ("PATH", "/bin"),
    ]);
    let flags = [Override {
        key: "engine.settle_delay".into(),
        value: "62s".into(),
        flag: "--settle-delay".into(),
    }];
    let config = Config::parse(GOOD, "config.toml", Path::new(""), &vars, &flags).unwrap();
    assert_eq!(config.defaults.schedule, Duration::from_secs(300));
    assert_eq!(config.mappings[0].schedule_seconds, Some(300));
    assert_eq!(config.engine.slice, 1000);
    assert_eq!(config.engine.settle_delay, Duration::from_secs(62));
    let source = |key: &str| {
        let found = config.sources().iter().find(|one| one.key == key).unwrap();
        (found.value.clone(), found.source.clone())
    };
    assert_eq!(source("defaults.country"), ("US".into(), Place::Line(7)));
    assert_eq!(
        source("defaults.conflict"),
        ("last_write_wins".into(), Place::Default)
    );
    assert_eq!(
        source("defaults.schedule"),
        (
            "5m".into(),
            Place::Env("SYNCLINE_DEFAULTS__SCHEDULE".into())
        )
    );
    assert_eq!(
        source("engine.settle_delay"),
        ("62s".into(), Place::Flag("--settle-delay".into()))
    );
    assert_eq!(source("mapping.contacts.salesforce.object").0, "Contact");
    assert_eq!(source("hubspot.auth.token").0, "set, ends …9f");
    let listing = format!("{:?}", config.sources());
    assert!(!listing.contains("pat-na1") && !listing.contains("not a key"));
}

#[test]
fn a_variable_that_is_no_key_is_refused_by_its_name() {
    for (name, value, words) in [
        (
            "SYNCLINE_DEFAULTS__SHEDULE",
            "5m",
            ["no such key", "`schedule`"],
        ),
        (
            "SYNCLINE_ENGINE__SLICE",
            "many",
            ["is text", "a whole number"],
        ),
        (
            "SYNCLINE_ENGINE__BULK_READ",
            "1",
            ["`bulk_read`", "not available"],
        ),
        (
            "SYNCLINE_MAPPING__DIRECTION",
            "both",
            ["in the file only", "set it in the file"],
        ),
        (
            "SYNCLINE_HUBSPOT__AUTH__TOKEN",
            "pat-na1-secret",
            ["secret", "{ env"],
        ),
    ] {
        let errors = Config::parse(
            GOOD,
            "config.toml",
            Path::new(""),
            &env(&[(name, value)]),
            &[],
        )
        .unwrap_err();
        let text = errors.to_string();
        assert!(text.starts_with(&format!("{name}: ")), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
        assert!(!text.contains("pat-na1"), "{text}");
        assert_eq!(errors.0[0].line(), None);
    }
}

#[test]
fn relative_secret_files_count_from_the_config() {
    let text = with("{ env = \"SYNCLINE_HS_TOKEN\" }", "{ file = \"token\" }");
    let HubspotAuth::AccessToken { token } = parse(&text).unwrap().hubspot.unwrap().auth else {
        panic!("another flow");
    };
    assert_eq!(token, SecretRef::File("/etc/syncline/token".into()));
}

#[test]
fn the_revision_moves_with_the_rules_that_ask_again() {
    let base = good().mappings[1].clone();
    let moved = |from: &str, to: &str| {
        let other = parse(&with(from, to)).unwrap().mappings[1].clone();
        assert_ne!(mapping_hash(&base), mapping_hash(&other), "{to}");
        mapping_revision(&base) != mapping_revision(&other)
    };
    assert!(moved(
        "transform = \"lowercase\"",
        "transform = [\"trim\", \"lowercase\"]"
    ));
    assert!(moved(
        "name = \"contacts\"",
        "name = \"contacts\"\ndirection = \"to_hubspot\""
    ));
    assert!(moved(
        "hubspot = \"lastname\"",
        "hubspot = \"lastname\", match = true"
    ));
    assert!(moved(
        "object = \"Contact\"",
        "object = \"Contact\", where = \"Title != null\""
    ));
    assert!(!moved(
        "name = \"contacts\"",
        "name = \"contacts\"\nschedule = \"1m\""
    ));
    assert!(!moved(
        "name = \"contacts\"",
        "name = \"contacts\"\nconflict = \"ask\""
    ));
    assert_eq!(
        mapping_revision(&base),
        mapping_revision(&good().mappings[1])
    );
}

#[test]
fn the_hash_covers_everything_but_sources() {
    let hash = good().hash();
    assert_eq!(hash, parse(&format!("# a comment\n{GOOD}")).unwrap().hash());
    assert_ne!(
        hash,
        parse(&with("country = \"US\"", "country = \"GB\""))
            .unwrap()
            .hash()
    );
    assert_ne!(
        hash,
        parse(&with("SYNCLINE_HS_TOKEN", "OTHER")).unwrap().hash()
    );
}

#[test]
fn a_missing_file_points_to_init() {
    let errors = Config::load(Path::new("/nowhere/config.toml"), &env(&[]), &[]).unwrap_err();
    let text = errors.to_string();
    assert!(
        text.contains("/nowhere/config.toml") && text.contains("syncline init"),
        "{text}"
    );
}

#[test]
fn files_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, b"name = \"x\"\n\xff\xfe").unwrap();
    let text = Config::load(&path, &env(&[]), &[]).unwrap_err().to_string();
    assert!(text.contains("UTF-8") && text.contains("line 2"), "{text}");
}

#[test]
fn hostile_text_is_shown_escaped() {
    let text = with("country = \"US\"", "conflict = \"\\u001b[31mred\"");
    let shown = parse(&text).unwrap_err().to_string();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let key = with("country = \"US\"", "\"a\\u001b[31m\" = 1");
    let shown = parse(&key).unwrap_err().to_string();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let deep = format!("name = {}1{}", "[".repeat(5000), "]".repeat(5000));
    assert!(parse(&deep).is_err());
}

#[test]
fn a_write_is_not_sent_again_while_it_may_still_land() {
    let text = with("[defaults]", "[engine]\nsettle_delay = \"59s\"\n[defaults]");
    assert_refused(
        &text,
        7,
        "engine.settle_delay",
        &["twice engine.request_timeout"],
    );
    let text = with(
        "[defaults]",
        "[engine]\nrequest_timeout = \"61s\"\n[defaults]",
    );
    assert_refused(&text, 7, "engine.settle_delay", &["2m", "twice"]);
}

#[test]
fn careful_updates_are_off_until_a_mapping_says_so() {
    let plain = parse(GOOD).unwrap();
    assert!(
        plain
            .mappings
            .iter()
            .all(|one| !one.strict_cas && !one.detect_clobber)
    );
    for (key, want) in [
        ("strict_cas", (true, false)),
        ("detect_clobber", (false, true)),
    ] {
        let text = format!("name = \"contacts\"\n{key} = true");
        let config = parse(&with("name = \"contacts\"", &text)).unwrap();
        let contacts = &config.mappings[1];
        assert_eq!((contacts.strict_cas, contacts.detect_clobber), want);
        assert_eq!(
            mapping_revision(contacts),
            mapping_revision(&plain.mappings[1]),
            "nothing is written that was not before"
        );
    }
    let wrong = with(
        "name = \"accounts\"",
        "name = \"accounts\"\nstrict_cas = \"yes\"",
    );
    assert_refused(
        &wrong,
        10,
        "mapping.accounts.strict_cas",
        &["true or false"],
    );
}

#[test]
fn only_a_link_says_what_becomes_of_references_out_of_the_scope() {
    let of = |text: &str| {
        let config = parse(&with("link = \"accounts\"", text)).unwrap();
        config.mappings[1].pairs[2].on_unlinked
    };
    assert_eq!(of("link = \"accounts\""), OnUnlinked::Keep);
    assert_eq!(
        of("link = \"accounts\", on_unlinked = \"keep\""),
        OnUnlinked::Keep
    );
    assert_eq!(
        of("link = \"accounts\", on_unlinked = \"clear\""),
        OnUnlinked::Clear
    );
    let plain = with("conflict = \"salesforce\"", "on_unlinked = \"clear\"");
    let key = "mapping.accounts.fields[1].on_unlinked";
    assert_refused(&plain, 13, key, &["refers to no other record"]);
    let wrong = with(
        "link = \"accounts\"",
        "link = \"accounts\", on_unlinked = \"x\"",
    );
    assert_refused(
        &wrong,
        23,
        "mapping.contacts.fields[3].on_unlinked",
        &["not one of"],
    );
}

#[test]
fn a_company_can_refer_to_the_one_above_it() {
    let parent =
        "{ salesforce = \"ParentId\", hubspot = \"parent_company\", link = \"accounts\" },";
    let name = "  { salesforce = \"Name\"";
    let config = parse(&with(name, &format!("  {parent}\n{name}"))).unwrap();
    let kind = PairKind::Reference {
        mapping: "accounts".into(),
    };
    assert_eq!(config.mappings[0].pairs[0].kind, kind);
    let alone = parent.replace(", link = \"accounts\"", "");
    let text = with(name, &format!("  {alone}\n{name}"));
    let key = "mapping.accounts.fields[1].hubspot";
    assert_refused(&text, 13, key, &["an association", "add link"]);
}

#[test]
fn mappings_stand_in_the_order_of_work() {
    let names = |text: &str| -> Vec<String> {
        let config = parse(text).unwrap();
        config.mappings.into_iter().map(|one| one.id.0).collect()
    };
    assert_eq!(names(GOOD), ["accounts", "contacts"]);
    let parts: Vec<&str> = GOOD.split("[[mapping]]").collect();
    let turned = format!("{}[[mapping]]{}[[mapping]]{}", parts[0], parts[2], parts[1]);
    assert_eq!(names(&turned), ["accounts", "contacts"]);
}

/// The contacts' further companies.
const SET: &str = "{ salesforce = \"AccountContactRelation\", hubspot = \"companies\", link = \"accounts\", mode = \"set\" },";

#[test]
fn further_companies_are_a_set_beside_the_pairs() {
    let owner = "  { salesforce = \"OwnerId\"";
    let of = |set: &str| with(owner, &format!("  {set}\n{owner}"));
    let config = parse(&of(SET)).unwrap();
    let contacts = &config.mappings[1];
    let [set] = contacts.sets.as_slice() else {
        panic!("{:?}", contacts.sets);
    };
    assert_eq!(
        (set.name(), set.mapping.as_str()),
        ("AccountContactRelation", "accounts")
    );
    assert_eq!(set.direction, Direction::Both);
    assert_eq!(contacts.pairs.len(), 4, "it is no field pair");
    let good = parse(GOOD).unwrap();
    let before = &good.mappings[1];
    assert_ne!(mapping_revision(contacts), mapping_revision(before));
    let one_way = of(&SET.replace(
        "\"set\"",
        "\"set\", direction = \"to_hubspot\", foreign_edit = \"revert\"",
    ));
    let set = parse(&one_way).unwrap().mappings[1].sets[0].clone();
    assert_eq!(
        (set.direction, set.foreign_edit),
        (Direction::ToHubspot, ForeignEdit::Revert)
    );
    let single = with(
        "link = \"accounts\"",
        "link = \"accounts\", mode = \"single\"",
    );
    assert_eq!(
        mapping_hash(&parse(&single).unwrap().mappings[1]),
        mapping_hash(before)
    );
}

#[test]
fn a_set_that_cannot_be_one_is_refused_by_line() {
    let owner = "  { salesforce = \"OwnerId\"";
    let key = |key: &str| format!("mapping.contacts.fields[4]{key}");
    let rows = [
        (
            SET.replace("\"set\"", "\"sets\""),
            key(".mode"),
            vec!["not one of"],
        ),
        (
            SET.replace(", mode = \"set\"", ""),
            key(".link"),
            vec!["add mode = \"set\""],
        ),
        (
            SET.replace("companies", "deals"),
            key(".mode"),
            vec!["further companies", "AccountContactRelation"],
        ),
        (
            SET.replace("link = \"accounts\", ", ""),
            key(""),
            vec!["through which mapping", "add link"],
        ),
        (
            SET.replace("\"accounts\"", "\"acounts\""),
            "mapping.contacts.AccountContactRelation.link".into(),
            vec!["no mapping of that name", "accounts"],
        ),
        (
            SET.replace("\"set\"", "\"set\", match = true"),
            key(".match"),
            vec!["merged one by one", "take it out"],
        ),
        (
            SET.replace(
                "\"set\"",
                "\"set\", direction = \"to_hubspot\", foreign_edit = \"report\"",
            ),
            key(".foreign_edit"),
            vec!["conflicts", "revert"],
        ),
        (
            SET.replace("\"set\"", "\"set\", foreign_edit = \"revert\""),
            key(".foreign_edit"),
            vec!["two-way"],
        ),
    ];
    for (set, key, words) in rows {
        let text = with(owner, &format!("  {set}\n{owner}"));
        assert_refused(&text, 24, &key, &words);
    }
    let twice = with(owner, &format!("  {SET}\n  {SET}\n{owner}"));
    assert_refused(&twice, 25, "mapping.contacts.fields[5]", &["already"]);
    let value = with(
        "hubspot = \"lastname\"",
        "hubspot = \"lastname\", mode = \"single\"",
    );
    assert_refused(
        &value,
        21,
        "mapping.contacts.fields[1].mode",
        &["refers to no other record"],
    );
}
