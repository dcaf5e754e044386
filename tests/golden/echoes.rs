//! Golden scenarios: what a vendor makes of the values we send, and automations that rewrite them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::support;
use crate::support::House;
use crate::support::town::*;
use syncline::clock::BoxFuture;
use syncline::crm::{HttpRequest, HttpResponse, Transport, TransportError};
use syncline::domain::{Choice, ItemKind};
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;
use syncline::sandbox::history::Author;

const S: &str = "Contact";
const H: &str = "contacts";

/// A contacts mapping whose address has no transform: what HubSpot makes of it stays different to the letter.
fn plain() -> String {
    people("").replace("transform = \"lowercase\", match = true", "match = true")
}

/// Ten runs that write nothing.
async fn at_rest(house: &House) {
    for _ in 0..10 {
        house.wait(400).await;
        let run = house.fine().await;
        assert_eq!(writes(&run), 0, "{:?}", run.mappings);
    }
    assert!(
        house.open_items().await.is_empty(),
        "{:#?}",
        house.open_items().await
    );
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_hubspot_lower_cases_is_written_once_in_ten_runs() {
    let (house, s, h) = clerk(&plain()).await;
    house.sf_edit(S, &s, &[("Email", "Anna.Berg@Example.COM")]);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 1);
    let after = ("Anna.Berg@Example.COM", "anna.berg@example.com");
    house.both((&s, &h), ("Email", "email"), after);
    at_rest(&house).await;
    house.both((&s, &h), ("Email", "email"), after);
    // It is the same address, and a real edit still travels.
    let base = the_base(&house).await;
    assert!(!base.fields["Email"].diverged, "{base:?}");
    house.hs_edit(H, &h, &[("email", "berg@example.com")]);
    house.wait(60).await;
    house.fine().await;
    house.both(
        (&s, &h),
        ("Email", "email"),
        ("berg@example.com", "berg@example.com"),
    );
    at_rest(&house).await;
}

async fn the_base(house: &House) -> syncline::domain::Base {
    let links = house.links().await;
    let db = house.db().await;
    db.bases(&links[0].mapping, &[links[0].id])
        .await
        .unwrap()
        .remove(0)
}

#[tokio::test(start_paused = true)]
async fn text_that_salesforce_trims_is_written_once_in_ten_runs() {
    let (house, s, h) = clerk(&plain()).await;
    house.hs_edit(H, &h, &[("jobtitle", "   Boss\u{a0} ")]);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 1);
    at_rest(&house).await;
    assert_eq!(house.sf_value(S, &s, "Title").unwrap().trim(), "Boss");
    assert_eq!(
        house.hs_value(H, &h, "jobtitle").as_deref(),
        Some("   Boss\u{a0} ")
    );
}

/// Fails every read that follows a write, while it is asked to: the read-back.
struct NoReadBack {
    inner: support::InProcess,
    wrote: AtomicBool,
    failed: AtomicU64,
    on: Arc<AtomicBool>,
}

impl Transport for NoReadBack {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let salesforce = request.url.starts_with(support::SALESFORCE);
        let on = self.on.load(Ordering::SeqCst);
        if salesforce && request.method == "PATCH" {
            self.wrote.store(true, Ordering::SeqCst);
            return self.inner.send(request);
        }
        if on && salesforce && self.wrote.load(Ordering::SeqCst) {
            self.failed.fetch_add(1, Ordering::SeqCst);
            let lost = TransportError::NoAnswer {
                host: "127.0.0.1".into(),
                why: "cut".into(),
            };
            return Box::pin(async move { Err(lost) });
        }
        self.inner.send(request)
    }
}

/// One run whose read-backs all fail.
async fn without_read_back(house: &House) -> u64 {
    let wire = Arc::new(NoReadBack {
        inner: support::InProcess {
            sandbox: house.sandbox.clone(),
            clock: house.clock.clone(),
        },
        wrote: AtomicBool::new(false),
        failed: AtomicU64::new(0),
        on: Arc::new(AtomicBool::new(true)),
    });
    let mut engine = house.engine().await;
    engine.crm = support::clients_over(&house.sandbox, &house.clock, wire.clone());
    let record = engine.begin(&support::order()).await.unwrap();
    let _ = engine.execute(record, &support::order()).await.unwrap();
    wire.failed.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_value_that_salesforce_stored_in_another_form_without_our_seeing_it_does_not_travel_back()
{
    // No transform on the number: the org's own rounding is all that makes the two differ.
    let text = firms().replace(
        "{ salesforce = \"NumberOfEmployees\", hubspot = \"numberofemployees\" }",
        "{ salesforce = \"AnnualRevenue\", hubspot = \"annualrevenue\" }",
    );
    let house = House::empty(&text).await;
    let s = house.sf(
        "Account",
        &[
            ("Name", "Acme"),
            ("Website", "acme.example"),
            ("AnnualRevenue", "5"),
        ],
    );
    let h = house.hs(
        "companies",
        &[
            ("name", "Acme"),
            ("domain", "acme.example"),
            ("annualrevenue", "5"),
        ],
    );
    house.fine().await;
    house.settled().await;
    house.hs_edit("companies", &h, &[("annualrevenue", "1000.5678")]);
    house.wait(60).await;
    assert!(
        without_read_back(&house).await > 0,
        "the read-back was to fail"
    );
    assert_ne!(
        house.sf_value("Account", &s, "AnnualRevenue").as_deref(),
        Some("5")
    );
    at_rest(&house).await;
    assert_eq!(
        house.hs_value("companies", &h, "annualrevenue").as_deref(),
        Some("1000.5678")
    );
    // A person's edit behind a write that nobody read back is a person's edit.
    house.hs_edit("companies", &h, &[("annualrevenue", "2000.5678")]);
    house.wait(60).await;
    assert!(without_read_back(&house).await > 0);
    house.sf_edit("Account", &s, &[("AnnualRevenue", "7")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(
        house.hs_value("companies", &h, "annualrevenue").as_deref(),
        Some("7")
    );
    at_rest(&house).await;
}

#[tokio::test(start_paused = true)]
async fn an_automation_under_our_name_right_behind_a_write_is_no_edit_and_one_under_another_name_is()
 {
    for ours in [true, false] {
        let (house, s, h) = clerk(&plain()).await;
        house.hs_edit(H, &h, &[("jobtitle", "boss")]);
        house.wait(60).await;
        house.fine().await;
        house.wait(5).await;
        let us = house
            .sandbox
            .lock()
            .unwrap()
            .org
            .integration_user()
            .to_owned();
        let author = if ours { Author::Api(us) } else { colleague() };
        let now = house.clock.now();
        house
            .sandbox
            .lock()
            .unwrap()
            .org
            .edit(now, &author, S, &s, values(&[("Title", "BOSS")]))
            .unwrap();
        house.wait(60).await;
        let run = house.fine().await;
        let want = if ours { "boss" } else { "BOSS" };
        house.both((&s, &h), ("Title", "jobtitle"), ("BOSS", want));
        assert_eq!(writes(&run), u64::from(!ours));
        at_rest(&house).await;
    }
}

#[tokio::test(start_paused = true)]
async fn our_next_write_of_another_field_does_not_make_a_persons_edit_ours() {
    // Salesforce names one author for the whole record, and right behind an edit that may be us.
    let (house, s, h) = clerk(&people("conflict = \"ask\"")).await;
    house.hs_edit(H, &h, &[("jobtitle", "boss")]);
    house.wait(60).await;
    house.fine().await;
    house.sf_edit(S, &s, &[("Title", "Chief")]);
    house.hs_edit(H, &h, &[("jobtitle", "Head"), ("city", "Oslo")]);
    house.wait(20).await;
    for _ in 0..3 {
        house.sync().await;
        house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
        house.both((&s, &h), ("Title", "jobtitle"), ("Chief", "Head"));
        assert_eq!(house.the_item(ItemKind::Field).await.field, "Title");
        house.wait(5).await;
    }
}

/// An automation on each side that insists on its own way of writing a title; says how often we wrote it.
async fn quarrel(house: &House, s: &str, h: &str, runs: usize) -> u64 {
    let mut sent = 0;
    for _ in 0..runs {
        let (there, here) = (
            house.hs_value(H, h, "jobtitle").unwrap(),
            house.sf_value(S, s, "Title").unwrap(),
        );
        if there != there.to_uppercase() {
            house.hs_edit(H, h, &[("jobtitle", &there.to_uppercase())]);
        } else if here != here.to_lowercase() {
            house.sf_edit(S, s, &[("Title", &here.to_lowercase())]);
        }
        house.wait(600).await;
        sent += writes(&house.fine().await);
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn a_field_that_two_automations_quarrel_about_is_frozen_after_three_writes() {
    let (house, s, h) = clerk(&people("")).await;
    house.sf_edit(S, &s, &[("Title", "boss")]);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 1);
    assert_eq!(quarrel(&house, &s, &h, 20).await, 2);
    let item = house.the_item(ItemKind::Oscillation).await;
    assert_eq!(
        (item.field.as_str(), item.rule.as_str()),
        ("Title", "oscillation")
    );
    assert!(item.why.contains("“boss” to HubSpot"), "{}", item.why);
    assert!(item.why.contains("“BOSS” to Salesforce"), "{}", item.why);
    // The other fields of the record go on.
    house.sf_edit(S, &s, &[("MailingCity", "Oslo")]);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 1);
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    // A frozen field that both sides agree on again is free.
    let agreed = house.sf_value(S, &s, "Title").unwrap();
    house.hs_edit(H, &h, &[("jobtitle", &agreed)]);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 0);
    let left = house.open_items().await;
    assert!(left.is_empty(), "{left:#?}");
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_person_frees_a_frozen_field_by_a_choice_or_leaves_it_as_it_is() {
    for choice in [
        Choice::Ignore,
        Choice::Take(syncline::domain::Side::HubSpot),
    ] {
        let (house, s, h) = clerk(&people("")).await;
        house.sf_edit(S, &s, &[("Title", "boss")]);
        house.wait(60).await;
        house.fine().await;
        quarrel(&house, &s, &h, 4).await;
        let item = house.the_item(ItemKind::Oscillation).await;
        let before = (
            house.sf_value(S, &s, "Title").unwrap(),
            house.hs_value(H, &h, "jobtitle").unwrap(),
        );
        house.choose(&item, choice.clone()).await;
        house.send_stored().await;
        let after = (
            house.sf_value(S, &s, "Title").unwrap(),
            house.hs_value(H, &h, "jobtitle").unwrap(),
        );
        if choice == Choice::Ignore {
            assert_eq!(before, after);
        } else {
            assert_eq!((&after.0, &after.1), (&before.1, &before.1));
        }
        assert!(house.open_items().await.is_empty());
        at_rest(&house).await;
        // A new edit travels: the series began anew.
        house.sf_edit(S, &s, &[("Title", "Chief")]);
        house.wait(60).await;
        house.fine().await;
        house.both((&s, &h), ("Title", "jobtitle"), ("Chief", "Chief"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_that_people_edit_again_and_again_on_one_side_is_never_frozen() {
    let (house, s, h) = clerk(&people("")).await;
    for at in 0..12 {
        let title = format!("Title {at}");
        house.sf_edit(S, &s, &[("Title", &title)]);
        house.wait(600).await;
        assert_eq!(writes(&house.fine().await), 1);
        house.both((&s, &h), ("Title", "jobtitle"), (&title, &title));
    }
    at_rest(&house).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_hubspot_lower_cased_behind_a_lost_answer_is_no_conflict() {
    for again in [false, true] {
        let (house, s, h) = clerk(&plain()).await;
        house.script(
            Party::HubSpot,
            Some("POST"),
            "/crm/objects/2026-09/contacts/batch/update",
            Fault::Silence { committed: true },
            1,
        );
        house.sf_edit(S, &s, &[("Email", "Anna.Berg@Example.COM")]);
        house.wait(60).await;
        house.fine().await;
        let mut want = ("Anna.Berg@Example.COM", "anna.berg@example.com");
        if again {
            house.sf_edit(S, &s, &[("Email", "Berg@Example.COM")]);
            want = ("Berg@Example.COM", "berg@example.com");
        }
        house.wait(200).await;
        assert_eq!(writes(&house.fine().await), u64::from(again));
        house.both((&s, &h), ("Email", "email"), want);
        assert!(house.infos().await.is_empty());
        at_rest(&house).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_search_index_still_shows_of_before_a_look_at_everything_is_no_edit() {
    let (house, s, h) = clerk(&people("")).await;
    house.hs_edit(H, &h, &[("city", "Oslo")]);
    house.wait(120).await;
    house.fine().await;
    let lag = chrono::TimeDelta::seconds(300);
    house.sandbox.lock().unwrap().portal.set_index_lag(lag);
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    // The list path knows at once what the index learns minutes later.
    house.whole().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    // Our own write gives the link a reason to be looked at once more.
    for _ in 0..3 {
        house.sf_edit(S, &s, &[("FirstName", "Anna")]);
        house.wait(5).await;
        house.fine().await;
        house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    }
    house.wait(1200).await;
    house.quiet().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
}
