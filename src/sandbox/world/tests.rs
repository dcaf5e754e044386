//! The world is the same for a seed, and holds what it promises. Tested on bare ground, without vendors.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{Duration, TimeZone};

use super::*;

type Record = Vec<(DateTime<Utc>, Author, Values)>;

/// Ground that only remembers.
#[derive(Default)]
struct Plot {
    records: BTreeMap<String, Vec<Record>>,
    staff: Vec<Member>,
    employed: BTreeMap<String, String>,
}

impl Plot {
    fn rows(&self, object: &str) -> Vec<Values> {
        self.records[object].iter().map(present).collect()
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (object, records) in &self.records {
            for version in records.iter().flatten() {
                (object, version).hash(&mut hasher);
            }
        }
        self.employed.hash(&mut hasher);
        hasher.finish()
    }
}

fn present(record: &Record) -> Values {
    let mut values = Values::new();
    for (_, _, change) in record {
        values.extend(change.clone());
    }
    values.retain(|_, value| value.is_some());
    values
}

fn text<'a>(values: &'a Values, field: &str) -> &'a str {
    values.get(field).and_then(|v| v.as_deref()).unwrap_or("")
}

impl Ground for Plot {
    fn seed(&mut self, object: &str, versions: Record) -> String {
        let rows = self.records.entry(object.into()).or_default();
        rows.push(versions);
        format!("{object}-{}", rows.len() - 1)
    }

    fn hire(&mut self, _: DateTime<Utc>, _: usize, member: &Member) -> String {
        self.staff.push(*member);
        format!("staff-{}", member.email)
    }

    fn employ(&mut self, _: DateTime<Utc>, _: Author, person: &str, company: &str) {
        self.employed.insert(person.into(), company.into());
    }

    fn edit(
        &mut self,
        _: DateTime<Utc>,
        _: Author,
        _: &str,
        _: &str,
        _: Values,
    ) -> Result<(), String> {
        Err("bare ground takes no edits".into())
    }

    fn insert(
        &mut self,
        _: DateTime<Utc>,
        _: Author,
        _: &str,
        _: Values,
    ) -> Result<String, String> {
        Err("bare ground takes no inserts".into())
    }
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 9, 30, 0).unwrap()
}

fn grow(contacts: usize, seed: u64) -> (Plot, Plot, Truth) {
    let (mut salesforce, mut hubspot) = (Plot::default(), Plot::default());
    let settings = WorldSettings { contacts, seed };
    let truth = plant(&mut salesforce, &mut hubspot, &settings, now());
    (salesforce, hubspot, truth)
}

#[test]
fn a_seed_gives_the_same_world_again_and_another_seed_another() {
    let print = |seed| {
        let (salesforce, hubspot, truth) = grow(400, seed);
        (salesforce.fingerprint(), hubspot.fingerprint(), truth)
    };
    assert_eq!(print(1), print(1));
    assert_ne!(print(1).0, print(2).0);
    assert_ne!(print(1).1, print(2).1);
}

#[test]
fn both_sides_have_as_many_records_as_asked_at_every_size() {
    for contacts in [0, 1, 7, 40, 100, 333, 5_000] {
        let (salesforce, hubspot, _) = grow(contacts, 3);
        let count = |plot: &Plot, object: &str| plot.records.get(object).map_or(0, Vec::len);
        assert_eq!(count(&salesforce, "Contact"), contacts);
        assert_eq!(count(&hubspot, "contacts"), contacts);
        assert_eq!(count(&salesforce, "Account"), contacts / 5);
        assert_eq!(count(&hubspot, "companies"), contacts / 5);
    }
}

#[test]
fn nothing_was_edited_within_the_last_hour_and_pasts_run_forward() {
    let (salesforce, hubspot, _) = grow(2_000, 1);
    for records in salesforce.records.values().chain(hubspot.records.values()) {
        for record in records {
            let moments: Vec<_> = record.iter().map(|(at, ..)| *at).collect();
            assert!(moments.iter().all(|at| *at <= now() - Duration::hours(1)));
            assert!(moments.is_sorted());
        }
    }
}

#[test]
fn sixty_of_a_hundred_people_and_companies_are_on_both_sides() {
    let (salesforce, hubspot, truth) = grow(5_000, 1);
    let emails = |plot: &Plot, object: &str, field: &str| -> BTreeSet<String> {
        let rows = plot.rows(object);
        let emails = rows.iter().map(|row| text(row, field).to_lowercase());
        emails.filter(|email| !email.is_empty()).collect()
    };
    let s = emails(&salesforce, "Contact", "Email");
    let h = emails(&hubspot, "contacts", "email");
    assert_eq!(s.intersection(&h).count(), 3_000);
    assert_eq!(truth.contacts.len(), 3_000 - 36);
    assert_eq!(truth.accounts.len(), 600 - 5);
    assert_eq!(truth.users.len(), 12);
    assert_eq!(truth.owners.len(), 12);
}

#[test]
fn the_contacts_hold_the_promised_ingredients() {
    let (salesforce, hubspot, _) = grow(5_000, 1);
    let (s, h) = (salesforce.rows("Contact"), hubspot.rows("contacts"));
    let count = |rows: &[Values], test: &dyn Fn(&Values) -> bool| {
        rows.iter().filter(|row| test(row)).count()
    };
    let no_email = |row: &Values| text(row, "Email").is_empty() && text(row, "email").is_empty();
    assert!((20..80).contains(&count(&s, &no_email)));
    assert!((20..80).contains(&count(&h, &no_email)));
    let upper = |row: &Values| text(row, "Email") != text(row, "Email").to_lowercase();
    assert!(count(&s, &upper) > 400);
    assert!(
        h.iter()
            .all(|row| text(row, "email") == text(row, "email").to_lowercase())
    );
    let foreign = |row: &Values| !text(row, "LastName").is_ascii();
    assert!(count(&s, &foreign) > 600);
    let cjk = |row: &Values| text(row, "LastName").chars().any(|c| c > '\u{3000}');
    assert!(count(&s, &cjk) > 100);
    let extension = |row: &Values| text(row, "Phone").contains('x');
    assert!(count(&s, &extension) > 50);
    let national = |row: &Values| text(row, "Phone").starts_with('(');
    assert!(count(&s, &national) > 200);
    let hopeless = |row: &Values| {
        text(row, "Phone")
            .chars()
            .filter(char::is_ascii_digit)
            .count()
            < 6
    };
    let bad = |row: &Values| !text(row, "Phone").is_empty() && hopeless(row);
    assert!((8..40).contains(&count(&s, &bad)));
    let endless = |row: &Values| text(row, "jobtitle").chars().count() > 128;
    assert!((5..30).contains(&count(&h, &endless)));
    assert_eq!(count(&s, &|row| text(row, "LastName").is_empty()), 0);
    assert!(count(&h, &|row| text(row, "lastname").is_empty()) > 0);
    assert!(count(&s, &|row| !text(row, "AccountId").is_empty()) > 4_000);
    assert!(hubspot.employed.len() > 4_000);
    assert!(count(&s, &|row| text(row, "OwnerId").is_empty()) == 0);
    assert!(count(&h, &|row| text(row, "hubspot_owner_id").is_empty()) > 100);
}

#[test]
fn some_salesforce_contacts_share_an_address_and_some_people_have_another_one_on_each_side() {
    let (salesforce, hubspot, _) = grow(5_000, 1);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let s = salesforce.rows("Contact");
    for row in s.iter().filter(|row| row.contains_key("Email")) {
        *seen.entry(text(row, "Email").to_lowercase()).or_default() += 1;
    }
    assert_eq!(seen.values().filter(|n| **n == 2).count(), 36);
    assert!(seen.values().all(|n| *n <= 2));
    let name = |row: &Values, first: &str, last: &str, city: &str| {
        format!(
            "{} {} {}",
            text(row, first),
            text(row, last),
            text(row, city)
        )
    };
    let h = hubspot.rows("contacts");
    let known: BTreeSet<&str> = h.iter().map(|row| text(row, "email")).collect();
    let names: BTreeSet<String> = h
        .iter()
        .filter(|row| !seen.contains_key(text(row, "email")))
        .map(|row| name(row, "firstname", "lastname", "zip"))
        .collect();
    let near = s
        .iter()
        .filter(|row| !text(row, "MailingPostalCode").is_empty())
        .filter(|row| !known.contains(text(row, "Email").to_lowercase().as_str()))
        .filter(|row| names.contains(&name(row, "FirstName", "LastName", "MailingPostalCode")))
        .count();
    assert!(near >= 20, "{near} near-matches");
}

#[test]
fn edit_times_decide_dozens_of_differences_each_way_and_leave_dozens_open() {
    let (salesforce, hubspot, truth) = grow(5_000, 1);
    let place = |id: &str| id.rsplit('-').next().unwrap().parse::<usize>().unwrap();
    let (mut newer_s, mut newer_h, mut open, mut blank) = (0, 0, 0, 0);
    for pair in &truth.contacts {
        let s = &salesforce.records["Contact"][place(&pair.salesforce)];
        let h = &hubspot.records["contacts"][place(&pair.hubspot)];
        let (s_now, h_now) = (present(s), present(h));
        let same = |a: &str, b: &str| {
            let plain = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ");
            plain(a) == plain(b)
        };
        let (title, job) = (text(&s_now, "Title"), text(&h_now, "jobtitle"));
        if same(title, job) {
            continue;
        }
        if title.is_empty() || job.is_empty() {
            blank += 1;
            continue;
        }
        let made = s[0].0;
        let modified = s[s.len() - 1].0;
        let set = h
            .iter()
            .rev()
            .find(|(.., v)| v.contains_key("jobtitle"))
            .unwrap()
            .0;
        let guard = Duration::seconds(2);
        if set > modified + guard {
            newer_h += 1;
        } else if set < made - guard {
            newer_s += 1;
        } else {
            open += 1;
        }
    }
    // Titles are three tenths of all differences.
    assert!((5..40).contains(&newer_s), "{newer_s}");
    assert!((5..40).contains(&newer_h), "{newer_h}");
    assert!((8..50).contains(&open), "{open}");
    assert!((40..200).contains(&blank), "{blank}");
}

#[test]
fn companies_match_by_website_and_some_industries_are_in_no_mapping() {
    let (salesforce, hubspot, _) = grow(5_000, 1);
    let (s, h) = (salesforce.rows("Account"), hubspot.rows("companies"));
    let urls = s
        .iter()
        .filter(|row| text(row, "Website").contains("://"))
        .count();
    assert!(urls > 500);
    assert!(
        h.iter()
            .all(|row| !text(row, "domain").contains(['/', ' ']))
    );
    let domains: BTreeSet<&str> = h.iter().map(|row| text(row, "domain")).collect();
    let bare = |url: &str| {
        let url = url.to_lowercase();
        let host = url
            .rsplit_once("://")
            .map_or(url.as_str(), |(_, rest)| rest);
        let host = host.split('/').next().unwrap_or("");
        host.strip_prefix("www.").unwrap_or(host).to_owned()
    };
    let shared = s
        .iter()
        .filter(|row| domains.contains(bare(text(row, "Website")).as_str()));
    assert!((600..650).contains(&shared.filter(|row| row.contains_key("Website")).count()));
    let listed: BTreeSet<&str> = Lists::load()
        .industries
        .iter()
        .flat_map(|(a, b)| [*a, *b])
        .collect();
    let odd = |rows: &[Values], field: &str| {
        let values = rows.iter().map(|row| text(row, field).to_owned());
        values
            .filter(|v| !v.is_empty() && !listed.contains(v.as_str()))
            .count()
    };
    assert!((4..30).contains(&odd(&s, "Industry")));
    assert!((4..30).contains(&odd(&h, "industry")));
}

#[test]
fn leads_are_strangers_but_for_some_whom_hubspot_knows() {
    let (salesforce, hubspot, _) = grow(5_000, 1);
    let leads = salesforce.rows("Lead");
    assert_eq!(leads.len(), 250);
    let required = ["LastName", "Company", "Status", "OwnerId"];
    assert!(
        leads
            .iter()
            .all(|row| required.iter().all(|field| row.contains_key(*field)))
    );
    let h = hubspot.rows("contacts");
    let known: BTreeSet<&str> = h.iter().map(|row| text(row, "email")).collect();
    let met = leads
        .iter()
        .filter(|row| known.contains(text(row, "Email").to_lowercase().as_str()));
    assert!((30..100).contains(&met.count()));
    let contacts = salesforce.rows("Contact");
    let own: BTreeSet<String> = contacts
        .iter()
        .map(|row| text(row, "Email").to_lowercase())
        .collect();
    assert!(
        leads
            .iter()
            .all(|row| !own.contains(&text(row, "Email").to_lowercase()))
    );
}
