//! Checks the clients' parsers against real answers of both vendors. The folder that `SYNCLINE_RECORDED` names holds an
//! `INDEX.jsonl` (vendor, kind, file, status, url a line) and the bodies; without it this passes and says so.

use std::path::{Path, PathBuf};

use chrono::DateTime;
use serde_json::Value as Json;
use syncline::crm::{self, hubspot, salesforce, wire::Malformed};
use syncline::domain::ErrorCategory as C;

struct Entry {
    vendor: String,
    kind: String,
    file: String,
    status: u16,
    url: String,
    body: Vec<u8>,
}

fn entries() -> Option<Vec<Entry>> {
    let Some(folder) = std::env::var_os("SYNCLINE_RECORDED") else {
        println!("SYNCLINE_RECORDED is unset: real answers were not checked");
        return None;
    };
    let folder = PathBuf::from(folder);
    let index = std::fs::read_to_string(folder.join("INDEX.jsonl")).expect("INDEX.jsonl is there");
    Some(index.lines().map(|line| entry(&folder, line)).collect())
}

fn entry(folder: &Path, line: &str) -> Entry {
    let json: Json = serde_json::from_str(line).expect("a line of INDEX.jsonl is JSON");
    let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
    let file = text("file");
    Entry {
        vendor: text("vendor"),
        kind: text("kind"),
        status: json["status"].as_u64().unwrap_or(0) as u16,
        url: text("url"),
        body: std::fs::read(folder.join(&file)).expect("every file of the index is there"),
        file,
    }
}

impl Entry {
    /// Legacy APIs that the client never speaks, whatever folder they lie in.
    fn legacy(&self) -> bool {
        self.kind == "legacy-v1v2" || self.url.contains("/v1/") || self.url.contains("/v2/")
    }

    fn name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or_default()
    }
}

/// Parses one good answer; `None` where it is of an API that the client does not use.
fn parsed(entry: &Entry) -> Option<Result<(), Malformed>> {
    let body = entry.body.as_slice();
    let done = |result: Result<(), Malformed>| Some(result);
    match (entry.vendor.as_str(), entry.kind.as_str()) {
        ("hubspot", _) if entry.legacy() => None,
        ("hubspot", "account") => done(hubspot::parse_account(body).map(drop)),
        ("hubspot", "associations") if entry.name() == "contact-to-company-resp.json" => {
            done(hubspot::parse_made(body).map(drop))
        }
        ("hubspot", "associations") if entry.name().starts_with("search-") => {
            done(hubspot::parse_associations(body).map(drop))
        }
        ("hubspot", "batch" | "search") => done(records(body)),
        ("hubspot", "objects") => match hubspot::parse_page(body) {
            Ok(_) => done(records(body)),
            Err(_) => done(hubspot::parse_record(body).and_then(|record| {
                hubspot::observation("contacts", &record, &[], None, DateTime::UNIX_EPOCH).map(drop)
            })),
        },
        ("hubspot", "properties")
            if entry.name().contains("properties-get") || entry.name().starts_with("metadata-") =>
        {
            done(
                hubspot::parse_properties("contacts", body).and_then(|schema| {
                    if schema.fields.is_empty() {
                        return Err(Malformed::new("describe", "no property was read"));
                    }
                    Ok(())
                }),
            )
        }
        ("salesforce", "describe") if !entry.name().starts_with("describe_sobjects") => {
            done(describes(body))
        }
        ("salesforce", "query") => done(salesforce::parse_query(body).map(drop)),
        ("salesforce", "collections") => done(salesforce::parse_results(body).map(drop)),
        ("salesforce", "composite") => done(salesforce::parse_composite(body).map(drop)),
        ("salesforce", "get-updated-deleted") => done(salesforce::parse_covered(body).map(drop)),
        ("salesforce", "oauth") => done(salesforce::parse_token(body).map(drop)),
        _ => None,
    }
}

/// A describe, or several of them inside a composite answer (whose status some of the bodies' authors cut away).
fn describes(body: &[u8]) -> Result<(), Malformed> {
    let json: Json = serde_json::from_slice(body).unwrap_or_default();
    let Some(answers) = json["compositeResponse"].as_array() else {
        return salesforce::parse_describe(body).map(drop);
    };
    for answer in answers {
        salesforce::parse_describe(answer["body"].to_string().as_bytes())?;
    }
    Ok(())
}

fn records(body: &[u8]) -> Result<(), Malformed> {
    let page = hubspot::parse_page(body)?;
    for record in &page.results {
        hubspot::observation("contacts", record, &[], None, DateTime::UNIX_EPOCH)?;
    }
    Ok(())
}

#[test]
fn every_real_answer_of_an_api_we_speak_parses() {
    let Some(entries) = entries() else { return };
    let mut read = 0;
    let mut others = 0;
    for entry in entries.iter().filter(|entry| entry.kind != "error") {
        match parsed(entry) {
            Some(Ok(())) => read += 1,
            Some(Err(why)) => panic!("{}: {why}", entry.file),
            None => others += 1,
        }
    }
    println!("{read} real answers read, {others} of APIs that are not spoken");
    assert!(read >= 60, "only {read} answers were checked");
}

/// File, status where the index has none, and the category that must come out.
const REFUSALS: &[(&str, u16, C)] = &[
    (
        "400-Hubspot_Contact_create_with_an_invalid_email",
        400,
        C::Validation,
    ),
    ("403-find_by_id_no_scope", 403, C::Permission),
    ("403-properties_no_scope", 403, C::Permission),
    ("404-contact_find_by_email", 404, C::Gone),
    ("404-delete-get.xml", 404, C::Internal),
    (
        "409-Hubspot_Contact_create_with_an_existing",
        409,
        C::Duplicate,
    ),
    ("409-contact_create_existing_email", 409, C::Duplicate),
    ("batch-create-contacts-err-conflict", 409, C::Duplicate),
    ("batch-create-contacts-err-many-invalid", 400, C::Schema),
    ("batch-update-contacts-err-duplicate-ids", 400, C::Internal),
    ("metadata-err-schemas-scope", 403, C::Permission),
    ("search-error-invalid-object", 400, C::Schema),
    ("auth_error_response", 400, C::Auth),
    ("batch-create-contacts-err-bad-request", 400, C::Internal),
    ("crm-delete-not-found", 404, C::Gone),
    ("delete_error_response", 404, C::Schema),
    ("expired_session_response", 401, C::Auth),
    ("invalid-field-upsert", 400, C::Schema),
    ("metadata-write-err-duplicate-permission", 400, C::Duplicate),
    ("query_error_response", 400, C::Schema),
    ("unknown-object", 400, C::Schema),
    ("upsert_multiple_error_response", 300, C::Duplicate),
];

fn category(entry: &Entry, status: u16) -> C {
    let status = if entry.status == 0 {
        status
    } else {
        entry.status
    };
    if entry.vendor == "hubspot" {
        let error = hubspot::parse_error(&entry.body).unwrap_or_default();
        hubspot::vendor_error(status, &error).0.category
    } else {
        let error = salesforce::parse_errors(&entry.body).unwrap_or_default();
        salesforce::vendor_error(status, &error, None).0.category
    }
}

#[test]
fn every_real_refusal_lands_in_its_category() {
    let Some(entries) = entries() else { return };
    let errors: Vec<&Entry> = entries
        .iter()
        .filter(|entry| entry.kind == "error")
        .collect();
    for (file, status, expected) in REFUSALS {
        let entry = errors
            .iter()
            .find(|entry| entry.name().starts_with(file))
            .unwrap_or_else(|| panic!("{file} is not in the folder"));
        assert_eq!(category(entry, *status), *expected, "{}", entry.file);
    }
    // What is not in the table (other APIs, SOAP) must still be read without a panic, into printable words.
    for entry in errors {
        let words = crm::excerpt(&String::from_utf8_lossy(&entry.body));
        assert!(!words.chars().any(char::is_control), "{}", entry.file);
        let _ = category(entry, 400);
    }
}

#[test]
fn real_partial_failures_name_the_records_they_refuse() {
    let Some(entries) = entries() else { return };
    let find = |name: &str| {
        entries
            .iter()
            .find(|entry| entry.name() == name)
            .expect("it is in the folder")
    };
    let page =
        hubspot::parse_page(&find("batch-create-contacts-err-partial-success.json").body).unwrap();
    assert_eq!((page.results.len(), page.errors.len()), (1, 1));
    let (error, _) = hubspot::vendor_error(0, &page.errors[0]);
    assert_eq!(error.category, C::Duplicate);
    assert_eq!(
        error.holder.expect("the holder is named").as_str(),
        "171591000198"
    );
    let page =
        hubspot::parse_page(&find("batch-update-contacts-err-partial-success.json").body).unwrap();
    assert_eq!(
        hubspot::vendor_error(0, &page.errors[0]).0.category,
        C::Gone
    );
    let made = hubspot::parse_made(&find("err-contact-to-contact.json").body).unwrap();
    assert_eq!(made.errors.len(), 2);
    let rows = salesforce::parse_results(&find("batch-update-contacts-err-each-no-ids.json").body)
        .unwrap();
    assert_eq!(rows.len(), 2);
}

#[test]
fn real_describes_name_their_keys_and_picklists() {
    let Some(entries) = entries() else { return };
    let contact = entries
        .iter()
        .find(|entry| entry.name() == "200-GET-sobjects-Contact-describe.json")
        .expect("it is in the folder");
    let schema = salesforce::parse_describe(&contact.body).unwrap();
    let field = |name: &str| {
        schema
            .fields
            .get(name)
            .unwrap_or_else(|| panic!("{name} is missing"))
    };
    assert!(field("LastName").required && !field("OwnerId").required);
    assert!(!field("LeadSource").picklist.is_empty());
    assert_eq!(field("Email").length, Some(80));
    assert!(!field("MasterRecordId").updateable);
}
