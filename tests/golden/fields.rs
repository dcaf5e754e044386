//! Golden scenarios: edits on either side or both, and what the rules make of them.

use crate::support::House;
use crate::support::town::*;
use syncline::domain::{Choice, ErrorCategory, ItemKind, RunState, Side, Value};

const S: &str = "Contact";
const H: &str = "contacts";
const PHONES: &str = "{ salesforce = \"Phone\", hubspot = \"phone\", transform = \"phone_e164\" },";

/// One linked contact, in step, and everything quiet for an hour.
async fn linked(more: &str) -> (House, String, String) {
    linked_over(&people(more)).await
}

async fn linked_over(text: &str) -> (House, String, String) {
    let house = House::empty(text).await;
    let s = house.sf(
        S,
        &[
            ("LastName", "Berg"),
            ("FirstName", "Anna"),
            ("Email", "anna@example.com"),
            ("Title", "Clerk"),
            ("MailingCity", "Oslo"),
        ],
    );
    let h = house.hs(
        H,
        &[
            ("lastname", "Berg"),
            ("firstname", "Anna"),
            ("email", "anna@example.com"),
            ("jobtitle", "Clerk"),
            ("city", "Oslo"),
        ],
    );
    house.fine().await;
    house.settled().await;
    (house, s, h)
}

#[tokio::test(start_paused = true)]
async fn an_edit_travels_to_the_other_side_each_way() {
    let (house, s, h) = linked("").await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(30).await;
    let run = house.fine().await;
    let got = counts(&run, "contacts");
    assert_eq!(
        (
            got.updated.salesforce,
            got.updated.hubspot,
            got.updated_links
        ),
        (0, 1, 1)
    );
    assert_eq!(run.calls.total, run.expected_calls, "{:?}", run.calls);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.quiet().await;
    house.hs_edit(H, &h, &[("city", "Bergen")]);
    house.wait(30).await;
    let run = house.fine().await;
    let got = counts(&run, "contacts");
    assert_eq!((got.updated.salesforce, got.updated.hubspot), (1, 0));
    house.both((&s, &h), ("MailingCity", "city"), ("Bergen", "Bergen"));
    house.quiet().await;
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn different_fields_edited_on_both_sides_both_survive_in_one_write_a_side() {
    let (house, s, h) = linked("").await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.hs_edit(H, &h, &[("city", "Bergen")]);
    house.wait(30).await;
    let run = house.fine().await;
    let got = counts(&run, "contacts");
    assert_eq!(
        (
            got.updated.salesforce,
            got.updated.hubspot,
            got.updated_links
        ),
        (1, 1, 1)
    );
    assert_eq!(writes(&run), 2);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.both((&s, &h), ("MailingCity", "city"), ("Bergen", "Bergen"));
    assert!(house.open_items().await.is_empty());
    house.quiet().await;
}

/// Both sides edit the title; HubSpot `gap` seconds after Salesforce (before, where negative).
async fn both_edit(more: &str, gap: i64) -> (House, String, String) {
    let (house, s, h) = linked(more).await;
    let apart = gap.unsigned_abs();
    if gap >= 0 {
        house.sf_edit(S, &s, &[("Title", "From S")]);
        house.wait(apart).await;
        house.hs_edit(H, &h, &[("jobtitle", "From H")]);
    } else {
        house.hs_edit(H, &h, &[("jobtitle", "From H")]);
        house.wait(apart).await;
        house.sf_edit(S, &s, &[("Title", "From S")]);
    }
    house.wait(60).await;
    (house, s, h)
}

async fn kept(house: &House, rule: &str, winner: Side) {
    let infos = house.infos().await;
    assert_eq!(infos.len(), 1, "{infos:#?}");
    let info = &infos[0];
    assert_eq!((info.rule.as_str(), info.suggest), (rule, Some(winner)));
    assert_eq!(info.sides.salesforce.value, Value::text("From S"));
    assert_eq!(info.sides.hubspot.value, Value::text("From H"));
    assert_eq!(info.base, Some(Value::text("Clerk")));
    assert!(house.open_items().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn last_write_wins_takes_hubspot_where_its_edit_is_surely_later() {
    let (house, s, h) = both_edit("", 600).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("From H", "From H"));
    kept(&house, "last_write_wins", Side::HubSpot).await;
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn last_write_wins_takes_salesforce_where_hubspot_changed_before_the_last_look() {
    let (house, s, h) = linked("").await;
    let lag = chrono::TimeDelta::seconds(600);
    house.sandbox.lock().unwrap().portal.set_index_lag(lag);
    house.hs_edit(H, &h, &[("jobtitle", "From H")]);
    house.wait(120).await;
    // An edit of something else: this run sees that Salesforce still holds the base, and not yet what HubSpot has.
    house.sf_edit(S, &s, &[("Department", "Any")]);
    house.wait(60).await;
    house.fine().await;
    house.sf_edit(S, &s, &[("Title", "From S")]);
    house.wait(1000).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("From S", "From S"));
    kept(&house, "last_write_wins", Side::Salesforce).await;
    house.wait(1000).await;
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn last_write_wins_asks_where_salesforce_cannot_tell_when_its_field_changed() {
    let (house, s, h) = both_edit("", -600).await;
    let run = house.fine().await;
    assert_eq!(run.state, RunState::DoneWithErrors);
    let got = counts(&run, "contacts");
    assert_eq!((got.conflicts, got.updated_links), (1, 0));
    house.both((&s, &h), ("Title", "jobtitle"), ("From S", "From H"));
    let item = house.the_item(ItemKind::Field).await;
    assert_eq!(item.sides.salesforce.value, Value::text("From S"));
    assert_eq!(item.sides.hubspot.value, Value::text("From H"));
    assert_eq!(item.base, Some(Value::text("Clerk")));
    // The other fields of the record go on meanwhile.
    house.sf_edit(S, &s, &[("MailingCity", "Bergen")]);
    house.wait(30).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").updated.hubspot, 1);
    house.both((&s, &h), ("MailingCity", "city"), ("Bergen", "Bergen"));
    house.the_item(ItemKind::Field).await;
    house.quiet().await;
    house.the_item(ItemKind::Field).await;
}

#[tokio::test(start_paused = true)]
async fn the_named_side_wins_whoever_was_last_and_the_other_value_is_kept() {
    for (rule, winner) in [("salesforce", Side::Salesforce), ("hubspot", Side::HubSpot)] {
        for gap in [-300, 300] {
            let (house, s, h) = both_edit(&format!("conflict = \"{rule}\""), gap).await;
            house.fine().await;
            let want = match winner {
                Side::Salesforce => "From S",
                Side::HubSpot => "From H",
            };
            house.both((&s, &h), ("Title", "jobtitle"), (want, want));
            kept(&house, rule, winner).await;
            house.quiet().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn under_ask_nothing_moves_until_a_person_chose_and_then_exactly_that() {
    for choice in [
        Choice::Take(Side::Salesforce),
        Choice::Take(Side::HubSpot),
        Choice::Base,
        Choice::Value("Typed".into()),
    ] {
        let (house, s, h) = both_edit("conflict = \"ask\"", 300).await;
        house.fine().await;
        house.both((&s, &h), ("Title", "jobtitle"), ("From S", "From H"));
        let item = house.the_item(ItemKind::Field).await;
        house.quiet().await;
        let item_again = house.the_item(ItemKind::Field).await;
        assert_eq!(item_again.id, item.id);
        let want = match &choice {
            Choice::Take(Side::Salesforce) => "From S",
            Choice::Take(Side::HubSpot) => "From H",
            Choice::Base => "Clerk",
            _ => "Typed",
        };
        house.choose(&item_again, choice).await;
        let run = house.send_stored().await;
        adds_up(counts(&run, "contacts"));
        assert_eq!(counts(&run, "contacts").updated_links, 1);
        house.both((&s, &h), ("Title", "jobtitle"), (want, want));
        assert!(house.open_items().await.is_empty());
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_choice_is_not_carried_out_where_a_value_moved_meanwhile() {
    let (house, s, h) = both_edit("conflict = \"ask\"", 300).await;
    house.fine().await;
    let item = house.the_item(ItemKind::Field).await;
    house.choose(&item, Choice::Take(Side::Salesforce)).await;
    house.hs_edit(H, &h, &[("jobtitle", "Later")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("From S", "Later"));
    let item = house.the_item(ItemKind::Field).await;
    assert_eq!(item.state, syncline::domain::ItemState::Open);
    assert_eq!(item.sides.hubspot.value, Value::text("Later"));
    house.choose(&item, Choice::Take(Side::HubSpot)).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Later", "Later"));
    assert!(house.open_items().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_stored_choice_that_is_sent_alone_also_looks_at_the_records_first() {
    let (house, s, h) = both_edit("conflict = \"ask\"", 300).await;
    house.fine().await;
    let item = house.the_item(ItemKind::Field).await;
    house.choose(&item, Choice::Take(Side::Salesforce)).await;
    house.hs_edit(H, &h, &[("jobtitle", "Later")]);
    house.wait(60).await;
    house.send_stored().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("From S", "Later"));
    let item = house.the_item(ItemKind::Field).await;
    assert_eq!(item.state, syncline::domain::ItemState::Open);
    assert_eq!(item.sides.hubspot.value, Value::text("Later"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_conflict_closes_by_itself_once_both_sides_agree() {
    let (house, s, h) = both_edit("conflict = \"ask\"", 300).await;
    house.fine().await;
    house.the_item(ItemKind::Field).await;
    house.hs_edit(H, &h, &[("jobtitle", "From S")]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    assert!(house.open_items().await.is_empty());
    house.both((&s, &h), ("Title", "jobtitle"), ("From S", "From S"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn both_sides_edited_to_the_same_needs_no_write() {
    let (house, s, h) = linked("").await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!((writes(&run), counts(&run, "contacts").unchanged), (0, 1));
    assert!(house.open_items().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_value_cleared_on_one_side_is_cleared_on_the_other() {
    let (house, s, h) = linked("").await;
    house.sf_edit(S, &s, &[("Title", "")]);
    house.hs_edit(H, &h, &[("city", "")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("", ""));
    house.both((&s, &h), ("MailingCity", "city"), ("", ""));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_blank_against_another_value_is_decided_by_the_rule_and_the_value_is_kept() {
    let (house, s, h) = linked("conflict = \"salesforce\"").await;
    house.sf_edit(S, &s, &[("Title", "")]);
    house.hs_edit(H, &h, &[("jobtitle", "From H")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("", ""));
    let infos = house.infos().await;
    assert_eq!(infos.len(), 1);
    assert_eq!(infos[0].sides.hubspot.value, Value::text("From H"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn cleared_on_both_sides_is_agreement() {
    let (house, s, h) = linked("").await;
    house.sf_edit(S, &s, &[("Title", "")]);
    house.hs_edit(H, &h, &[("jobtitle", "")]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    assert!(house.open_items().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_phone_written_in_another_way_is_no_change_and_a_new_one_travels() {
    let house = House::empty(&people_with("", PHONES)).await;
    let s = house.sf(
        S,
        &[
            ("LastName", "Berg"),
            ("Email", "a@example.com"),
            ("Phone", "(415) 555-0134"),
        ],
    );
    let h = house.hs(
        H,
        &[
            ("lastname", "Berg"),
            ("email", "a@example.com"),
            ("phone", "+1 415 555 0134"),
        ],
    );
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").updated_links, 0);
    house.both(
        (&s, &h),
        ("Phone", "phone"),
        ("(415) 555-0134", "+1 415 555 0134"),
    );
    for (at, format) in [
        "415.555.0134",
        "1-415-555-0134",
        "+14155550134",
        "(415) 555 0134",
    ]
    .iter()
    .enumerate()
    {
        if at % 2 == 0 {
            house.sf_edit(S, &s, &[("Phone", format)]);
        } else {
            house.hs_edit(H, &h, &[("phone", format)]);
        }
        house.wait(60).await;
        let run = house.fine().await;
        assert_eq!(writes(&run), 0, "{format}");
    }
    house.sf_edit(S, &s, &[("Phone", "(415) 555-0199")]);
    house.wait(60).await;
    house.fine().await;
    house.both(
        (&s, &h),
        ("Phone", "phone"),
        ("(415) 555-0199", "+14155550199"),
    );
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_lossy_pair_is_written_once_in_ten_runs() {
    let house = House::empty(&firms()).await;
    let s = house.sf(
        "Account",
        &[
            ("Name", "Acme"),
            ("Website", "https://www.acme.example/en/about?x=1"),
        ],
    );
    let h = house.hs("companies", &[("name", "Acme"), ("domain", "acme.example")]);
    let other = house.sf(
        "Account",
        &[("Name", "Beta"), ("Website", "http://beta.example/")],
    );
    let back = house.hs(
        "companies",
        &[("name", "Gamma"), ("domain", "gamma.example")],
    );
    house.fine().await;
    for _ in 0..10 {
        house.wait(400).await;
        let run = house.fine().await;
        assert_eq!(writes(&run), 0);
    }
    assert_eq!(
        house.sf_value("Account", &s, "Website").as_deref(),
        Some("https://www.acme.example/en/about?x=1")
    );
    assert_eq!(
        house.hs_value("companies", &h, "domain").as_deref(),
        Some("acme.example")
    );
    // An edit of HubSpot's domain to the same host keeps the long form; a new host replaces it.
    house.sf_edit(
        "Account",
        &other,
        &[("Website", "https://beta.example/new")],
    );
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    house.hs_edit("companies", &h, &[("domain", "acme-group.example")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(
        house.sf_value("Account", &s, "Website").as_deref(),
        Some("acme-group.example")
    );
    assert!(house.sf_ids("Account").len() == 3 && house.hs_ids("companies").len() == 3);
    let _ = back;
    house.quiet().await;
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn on_a_one_way_mapping_an_edit_of_the_target_stays_and_is_not_sent_back() {
    let (house, s, h) = linked("direction = \"to_hubspot\"").await;
    house.hs_edit(H, &h, &[("jobtitle", "From H")]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    house.both((&s, &h), ("Title", "jobtitle"), ("Clerk", "From H"));
    house.quiet().await;
    house.sf_edit(S, &s, &[("Title", "From S")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("From S", "From S"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn on_a_one_way_mapping_the_source_wins_where_both_were_edited() {
    let (house, s, h) = linked("direction = \"to_hubspot\"").await;
    house.sf_edit(S, &s, &[("Title", "From S")]);
    house.hs_edit(H, &h, &[("jobtitle", "From H")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("From S", "From S"));
    assert!(house.open_items().await.is_empty());
    assert_eq!(house.infos().await.len(), 1);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_industry_is_an_error_of_its_field_and_the_others_go_on() {
    let house = House::empty(&firms()).await;
    let s = house.sf(
        "Account",
        &[
            ("Name", "Acme"),
            ("Website", "acme.example"),
            ("Industry", "Banking"),
            ("NumberOfEmployees", "10"),
        ],
    );
    let h = house.hs(
        "companies",
        &[
            ("name", "Acme"),
            ("domain", "acme.example"),
            ("industry", "BANKING"),
            ("numberofemployees", "10"),
        ],
    );
    house.fine().await;
    house.settled().await;
    house.sf_edit(
        "Account",
        &s,
        &[("Industry", "Shipping"), ("NumberOfEmployees", "12")],
    );
    house.wait(60).await;
    let run = house.fine().await;
    let got = counts(&run, "accounts");
    assert_eq!((got.errors, got.linked, got.unlinked_errors), (1, 1, 0));
    assert_eq!(
        house.hs_value("companies", &h, "industry").as_deref(),
        Some("BANKING")
    );
    assert_eq!(
        house
            .hs_value("companies", &h, "numberofemployees")
            .as_deref(),
        Some("12")
    );
    let error = house.the_error().await;
    assert_eq!(error.category, ErrorCategory::Transform);
    assert_eq!(
        (error.field.as_str(), error.value.as_text()),
        ("Industry", Some("Shipping"))
    );
    house.quiet().await;
    house.the_error().await;
    house.sf_edit("Account", &s, &[("Industry", "Energy")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(
        house.hs_value("companies", &h, "industry").as_deref(),
        Some("OIL_ENERGY")
    );
    assert!(house.errors().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_industry_does_not_stand_in_the_way_of_a_create() {
    let house = House::empty(&firms()).await;
    let s = house.sf(
        "Account",
        &[
            ("Name", "Acme"),
            ("Website", "acme.example"),
            ("Industry", "Shipping"),
            ("NumberOfEmployees", "10"),
        ],
    );
    house.fine().await;
    let made = house.hs_ids("companies");
    assert_eq!(made.len(), 1);
    assert_eq!(
        house
            .hs_value("companies", &made[0], "numberofemployees")
            .as_deref(),
        Some("10")
    );
    assert_eq!(house.hs_value("companies", &made[0], "industry"), None);
    assert_eq!(
        house.sf_value("Account", &s, "Industry").as_deref(),
        Some("Shipping")
    );
    house.the_error().await;
    house.quiet().await;
    house.idle().await;
    assert_eq!(
        house.sf_value("Account", &s, "Industry").as_deref(),
        Some("Shipping")
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_required_field_is_an_error_without_a_call() {
    let house = House::empty(&people("")).await;
    let h = house.hs(
        H,
        &[("firstname", "Nameless"), ("email", "nameless@example.com")],
    );
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    let got = counts(&run, "contacts");
    assert_eq!((got.errors, got.unlinked_errors), (1, 1));
    let error = house.the_error().await;
    assert_eq!(error.category, ErrorCategory::Required);
    assert_eq!(error.record.id.as_str(), h);
    assert!(house.sf_ids(S).is_empty());
    house.quiet().await;
    house.hs_edit(H, &h, &[("lastname", "Named")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.sf_ids(S).len(), 1);
    assert!(house.errors().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_look_at_an_undecided_conflict_does_not_decide_it() {
    let (house, s, h) = clerk(&people("")).await;
    house.sf_edit("Contact", &s, &[("Title", "Chief")]);
    house.wait(20).await;
    house.hs_edit("contacts", &h, &[("jobtitle", "Head")]);
    house.wait(20).await;
    // An edit of something else: Salesforce's record time says nothing of the title any more.
    for city in ["Oslo", "Bergen"] {
        house.sf_edit("Contact", &s, &[("MailingCity", city)]);
        house.wait(300).await;
        house.sync().await;
        house.both((&s, &h), ("MailingCity", "city"), (city, city));
        house.both((&s, &h), ("Title", "jobtitle"), ("Chief", "Head"));
        assert_eq!(house.the_item(ItemKind::Field).await.field, "Title");
    }
    // Whoever writes after that look is the later one.
    house.hs_edit("contacts", &h, &[("jobtitle", "Director")]);
    house.wait(60).await;
    house.sync().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Director", "Director"));
    house.quiet().await;
}
