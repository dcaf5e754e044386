//! Golden scenarios: fields that go together (docs/design/sync-semantics.md 7, Field groups).

use crate::support;
use crate::support::House;
use crate::support::town::*;
use syncline::domain::{Choice, ErrorCategory, ItemKind, ItemState, Side, Value};

const S: &str = "Contact";
const H: &str = "contacts";
const GROUP: &str = "groups = [[\"MailingStreet\", \"MailingCity\", \"MailingPostalCode\"]]";
const FIELDS: [(&str, &str); 3] = [
    ("MailingStreet", "address"),
    ("MailingCity", "city"),
    ("MailingPostalCode", "zip"),
];
const HOME: [&str; 3] = ["Elm Road 1", "Oslo", "0150"];

/// The usual contacts with their address as a group.
fn people_at_home(more: &str) -> String {
    people_with(
        &format!("{GROUP}\n{more}"),
        "{ salesforce = \"MailingStreet\", hubspot = \"address\" },\n\
         { salesforce = \"MailingPostalCode\", hubspot = \"zip\" },\n",
    )
}

fn address(side: Side, lines: [&'static str; 3]) -> Vec<(&'static str, &'static str)> {
    let name = |(s, h): (&'static str, &'static str)| if side == Side::Salesforce { s } else { h };
    FIELDS
        .into_iter()
        .zip(lines)
        .map(|(names, line)| (name(names), line))
        .collect()
}

/// One linked contact with the two addresses.
async fn met(
    text: &str,
    of_s: [&'static str; 3],
    of_h: [&'static str; 3],
) -> (House, String, String) {
    let house = House::empty(text).await;
    let mut in_s = vec![("LastName", "Berg"), ("Email", "anna@example.com")];
    in_s.extend(address(Side::Salesforce, of_s));
    let mut in_h = vec![("lastname", "Berg"), ("email", "anna@example.com")];
    in_h.extend(address(Side::HubSpot, of_h));
    let (s, h) = (house.sf(S, &in_s), house.hs(H, &in_h));
    house.fine().await;
    (house, s, h)
}

/// The same at home on both sides, and quiet.
async fn at_home(more: &str) -> (House, String, String) {
    let (house, s, h) = met(&people_at_home(more), HOME, HOME).await;
    house.settled().await;
    (house, s, h)
}

#[track_caller]
fn live(house: &House, s: &str, h: &str, of_s: [&str; 3], of_h: [&str; 3]) {
    let got_s = FIELDS.map(|(name, _)| house.sf_value(S, s, name).unwrap_or_default());
    let got_h = FIELDS.map(|(_, name)| house.hs_value(H, h, name).unwrap_or_default());
    assert_eq!(
        (got_s, got_h),
        (of_s.map(str::to_owned), of_h.map(str::to_owned))
    );
}

#[tokio::test(start_paused = true)]
async fn a_line_that_changed_alone_is_written_alone() {
    let (house, s, h) = at_home("").await;
    house.sf_edit(S, &s, &[("MailingStreet", "Elm Road 2")]);
    house.wait(30).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").updated.hubspot, 1);
    let want = ["Elm Road 2", "Oslo", "0150"];
    live(&house, &s, &h, want, want);
    let ops = house.engine().await.journal(run.run).await.unwrap();
    let fields: Vec<&String> = ops.iter().flat_map(|op| op.fields.keys()).collect();
    assert_eq!(fields, ["address"]);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn different_lines_edited_on_both_sides_are_one_conflict_that_a_choice_settles_whole() {
    let moved = ["Main St 7", "Oslo", "0150"];
    let renumbered = ["Elm Road 1", "Oslo", "0151"];
    for (choice, want) in [
        (Choice::Take(Side::Salesforce), moved),
        (Choice::Take(Side::HubSpot), renumbered),
        (Choice::Base, HOME),
    ] {
        let (house, s, h) = at_home("conflict = \"ask\"").await;
        house.sf_edit(S, &s, &[("MailingStreet", "Main St 7"), ("Title", "Boss")]);
        house.hs_edit(H, &h, &[("zip", "0151")]);
        house.wait(30).await;
        let run = house.fine().await;
        let got = counts(&run, "contacts");
        assert_eq!((got.conflicts, got.open.conflicts), (1, 1));
        live(&house, &s, &h, moved, renumbered);
        // The record's other fields go on.
        house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
        let item = house.the_item(ItemKind::Field).await;
        assert_eq!(
            item.field,
            "MailingStreet + MailingCity + MailingPostalCode"
        );
        let shown = |side| item.sides.get(side).value.clone();
        assert_eq!(
            shown(Side::Salesforce),
            Value::text("Main St 7, Oslo, 0150")
        );
        assert_eq!(shown(Side::HubSpot), Value::text("Elm Road 1, Oslo, 0151"));
        assert_eq!(item.base, Some(Value::text("Elm Road 1, Oslo, 0150")));
        assert_eq!(item.members.len(), 3);
        assert_eq!(
            item.value_of("MailingPostalCode", Side::HubSpot),
            &Value::text("0151")
        );
        house.quiet().await;
        let again = house.the_item(ItemKind::Field).await;
        assert_eq!(again.id, item.id);
        house.choose(&again, choice).await;
        house.send_stored().await;
        live(&house, &s, &h, want, want);
        assert!(house.open_items().await.is_empty());
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_choice_is_not_carried_out_where_another_line_moved_meanwhile() {
    let (house, s, h) = at_home("conflict = \"ask\"").await;
    house.sf_edit(S, &s, &[("MailingStreet", "Main St 7")]);
    house.hs_edit(H, &h, &[("zip", "0151")]);
    house.wait(30).await;
    house.fine().await;
    let item = house.the_item(ItemKind::Field).await;
    house.choose(&item, Choice::Take(Side::Salesforce)).await;
    house.hs_edit(H, &h, &[("city", "Bergen")]);
    house.wait(30).await;
    house.fine().await;
    let item = house.the_item(ItemKind::Field).await;
    assert_eq!(item.state, ItemState::Open);
    assert_eq!(
        item.sides.hubspot.value,
        Value::text("Elm Road 1, Bergen, 0151")
    );
    live(
        &house,
        &s,
        &h,
        ["Main St 7", "Oslo", "0150"],
        ["Elm Road 1", "Bergen", "0151"],
    );
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn the_winner_takes_every_line_and_the_other_address_is_kept_for_the_record() {
    for (rule, winner) in [
        ("salesforce", Side::Salesforce),
        ("last_write_wins", Side::HubSpot),
    ] {
        let (house, s, h) = at_home(&format!("conflict = \"{rule}\"")).await;
        house.sf_edit(S, &s, &[("MailingStreet", "Main St 7")]);
        house.wait(600).await;
        house.hs_edit(H, &h, &[("zip", "0151")]);
        house.wait(30).await;
        house.fine().await;
        let want = match winner {
            Side::Salesforce => ["Main St 7", "Oslo", "0150"],
            Side::HubSpot => ["Elm Road 1", "Oslo", "0151"],
        };
        live(&house, &s, &h, want, want);
        let infos = house.infos().await;
        assert_eq!(infos.len(), 1, "{infos:#?}");
        assert_eq!(
            (infos[0].rule.as_str(), infos[0].suggest),
            (rule, Some(winner))
        );
        assert_eq!(infos[0].members.len(), 3);
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn at_first_sight_a_blank_address_is_filled_and_a_different_one_is_decided_whole() {
    let text = people_at_home("conflict = \"salesforce\"");
    let (house, s, h) = met(&text, ["", "", ""], HOME).await;
    live(&house, &s, &h, HOME, HOME);
    house.settled().await;
    let (house, s, h) = met(&text, ["Main St 7", "", ""], HOME).await;
    let want = ["Main St 7", "", ""];
    live(&house, &s, &h, want, want);
    house.settled().await;
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_blank_policy_looks_at_the_whole_address() {
    let (house, s, h) = at_home("blanks = \"prefer_non_blank\"").await;
    house.sf_edit(S, &s, &[("MailingPostalCode", "")]);
    house.wait(30).await;
    house.fine().await;
    let shorter = ["Elm Road 1", "Oslo", ""];
    live(&house, &s, &h, shorter, shorter);
    house.quiet().await;
    house.sf_edit(S, &s, &address(Side::Salesforce, ["", "", ""]));
    house.wait(30).await;
    house.fine().await;
    live(&house, &s, &h, shorter, shorter);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_line_that_the_vendor_refuses_keeps_the_whole_address_back() {
    let (house, s, h) = at_home("").await;
    let long = "0151 and much more than twenty";
    house.hs_edit(
        H,
        &h,
        &[
            ("address", "Main St 7"),
            ("zip", long),
            ("jobtitle", "Boss"),
        ],
    );
    house.wait(30).await;
    house.fine().await;
    let error = house.the_error().await;
    assert_eq!(error.category, ErrorCategory::TooLong, "{error:#?}");
    assert_eq!(error.field, "MailingPostalCode");
    live(&house, &s, &h, HOME, ["Main St 7", "Oslo", long]);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.hs_edit(H, &h, &[("zip", "0151")]);
    house.wait(30).await;
    house.fine().await;
    let want = ["Main St 7", "Oslo", "0151"];
    live(&house, &s, &h, want, want);
    assert!(house.errors().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_made_or_taken_apart_takes_its_open_conflicts_along() {
    let single = people_with(
        "conflict = \"ask\"",
        "{ salesforce = \"MailingStreet\", hubspot = \"address\" },\n\
         { salesforce = \"MailingPostalCode\", hubspot = \"zip\" },\n",
    );
    let grouped = people_at_home("conflict = \"ask\"");
    let (mut house, s, h) = met(&single, HOME, HOME).await;
    house.settled().await;
    house.sf_edit(S, &s, &[("MailingStreet", "Main St 7")]);
    house.hs_edit(H, &h, &[("address", "Main St 8")]);
    for (text, field) in [
        (&single, "MailingStreet"),
        (&grouped, "MailingStreet + MailingCity + MailingPostalCode"),
        (&single, "MailingStreet"),
    ] {
        house.rules = std::sync::Arc::new(support::rules(&support::config(text)));
        house.sf_edit(S, &s, &[("Title", field)]);
        house.wait(60).await;
        house.fine().await;
        assert_eq!(house.the_item(ItemKind::Field).await.field, field);
    }
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_create_leaves_an_address_out_of_which_one_line_cannot_be_sent() {
    let text = people_with(
        "groups = [[\"MailingStreet\", \"MailingState\"]]",
        "{ salesforce = \"MailingStreet\", hubspot = \"address\" },\n\
         { salesforce = \"MailingState\", hubspot = \"state\", transform = { values = { CA = \"California\" } } },\n",
    );
    let house = House::empty(&text).await;
    let person = [("LastName", "Berg"), ("Email", "anna@example.com")];
    let home = [("MailingStreet", "Elm Road 1"), ("MailingState", "XX")];
    let s = house.sf(S, &[person, home].concat());
    house.fine().await;
    let h = house.hs_ids(H).remove(0);
    assert_eq!(house.hs_value(H, &h, "address"), None);
    assert_eq!(house.the_error().await.field, "MailingState");
    house.quiet().await;
    house.sf_edit(S, &s, &[("MailingState", "CA")]);
    house.wait(30).await;
    house.fine().await;
    assert_eq!(
        house.hs_value(H, &h, "address").as_deref(),
        Some("Elm Road 1")
    );
    assert_eq!(
        house.hs_value(H, &h, "state").as_deref(),
        Some("California")
    );
    assert!(house.errors().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_address_of_which_one_line_moved_on_is_not_taken_back_in_part() {
    let (house, s, h) = at_home("").await;
    let moved = ["Main St 7", "Bergen", "5003"];
    house.sf_edit(S, &s, &address(Side::Salesforce, moved));
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(30).await;
    let run = house.fine().await;
    live(&house, &s, &h, moved, moved);
    house.wait(30).await;
    house.hs_edit(H, &h, &[("zip", "5004")]);
    let undone = house.undone(run.run).await;
    let now = ["Main St 7", "Bergen", "5004"];
    live(&house, &s, &h, moved, now);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", ""));
    let left = house.journal(undone.run).await;
    let why = |field: &str| {
        let of = left.iter().find(|op| op.fields.contains_key(field));
        of.unwrap().outcome.why.clone().unwrap()
    };
    assert!(why("zip").contains("holds \"5004\" now"), "{}", why("zip"));
    let together = "goes together with zip, which holds";
    assert!(why("city").starts_with(together), "{}", why("city"));
    // The person's edit is a change of the whole address.
    house.wait(30).await;
    house.fine().await;
    live(&house, &s, &h, now, now);
    house.quiet().await;
}
