//! Golden scenarios: parents and children, associations, deletions and merges that are only noticed.

use crate::support::House;
use crate::support::town::*;
use syncline::domain::{Choice, ItemKind};

const S: &str = "Contact";
const H: &str = "contacts";

fn partners(house: &House, h: &str) -> Vec<String> {
    house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .partners(H, h, "companies")
}

pub(crate) fn tie(house: &House, h: &str, company: &str) {
    let now = house.clock.now();
    let done = house.sandbox.lock().unwrap().portal.associate(
        now,
        colleague(),
        H,
        h,
        "companies",
        company,
        true,
    );
    assert!(done);
}

fn untie(house: &House, h: &str, company: &str) {
    let now = house.clock.now();
    house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .dissociate(now, colleague(), (H, h), ("companies", company))
        .unwrap();
}

struct Office {
    house: House,
    accounts: [String; 2],
    companies: [String; 2],
    s: String,
    h: String,
}

/// Two linked companies and one linked contact without any.
async fn office() -> Office {
    office_by(&firms()).await
}

async fn office_by(text: &str) -> Office {
    let house = House::empty(text).await;
    let accounts = ["acme", "beta"].map(|name| {
        house.sf(
            "Account",
            &[("Name", name), ("Website", &format!("{name}.example"))],
        )
    });
    let companies = ["acme", "beta"].map(|name| {
        house.hs(
            "companies",
            &[("name", name), ("domain", &format!("{name}.example"))],
        )
    });
    let s = house.sf(S, &[("LastName", "Berg"), ("Email", "a@example.com")]);
    let h = house.hs(H, &[("lastname", "Berg"), ("email", "a@example.com")]);
    house.fine().await;
    house.settled().await;
    Office {
        house,
        accounts,
        companies,
        s,
        h,
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_contact_of_a_new_account_gets_its_company_in_the_same_run() {
    let house = House::empty(&firms()).await;
    let account = house.sf("Account", &[("Name", "Acme"), ("Website", "acme.example")]);
    house.sf(
        S,
        &[
            ("LastName", "Berg"),
            ("Email", "a@example.com"),
            ("AccountId", &account),
        ],
    );
    let company = house.hs("companies", &[("name", "Beta"), ("domain", "beta.example")]);
    let h = house.hs(H, &[("lastname", "Cole"), ("email", "c@example.com")]);
    tie(&house, &h, &company);
    house.fine().await;
    let made = house.hs_ids(H).into_iter().find(|id| *id != h).unwrap();
    let firm = house
        .hs_ids("companies")
        .into_iter()
        .find(|id| *id != company)
        .unwrap();
    assert_eq!(partners(&house, &made), [firm]);
    let back = house
        .sf_ids(S)
        .into_iter()
        .find(|id| house.sf_value(S, id, "LastName").as_deref() == Some("Cole"))
        .unwrap();
    let parent = house
        .sf_ids("Account")
        .into_iter()
        .find(|id| *id != account);
    assert_eq!(house.sf_value(S, &back, "AccountId"), parent);
    house.quiet().await;
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn an_association_changed_in_salesforce_is_moved_in_hubspot() {
    let Office {
        house,
        accounts,
        companies,
        s,
        h,
    } = office().await;
    house.sf_edit(S, &s, &[("AccountId", &accounts[0])]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(partners(&house, &h).first(), Some(&companies[0]));
    house.quiet().await;
    house.sf_edit(S, &s, &[("AccountId", &accounts[1])]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(
        partners(&house, &h).first(),
        Some(&companies[1]),
        "the primary one"
    );
    house.quiet().await;
    house.sf_edit(S, &s, &[("AccountId", "")]);
    house.wait(60).await;
    house.fine().await;
    assert!(!partners(&house, &h).contains(&companies[1]));
    house.quiet().await;
    assert_eq!(house.sf_value(S, &s, "AccountId"), None);
}

#[tokio::test(start_paused = true)]
async fn an_association_changed_in_hubspot_is_moved_in_salesforce() {
    let Office {
        house,
        accounts,
        companies,
        s,
        h,
    } = office().await;
    // HubSpot does not stamp a record whose association changed (14.5): an edit beside it makes the run look.
    tie(&house, &h, &companies[0]);
    house.hs_edit(H, &h, &[("city", "Oslo")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(
        house.sf_value(S, &s, "AccountId").as_ref(),
        Some(&accounts[0])
    );
    house.quiet().await;
    tie(&house, &h, &companies[1]);
    house.hs_edit(H, &h, &[("city", "Bergen")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(
        house.sf_value(S, &s, "AccountId").as_ref(),
        Some(&accounts[1])
    );
    house.quiet().await;
    untie(&house, &h, &companies[1]);
    untie(&house, &h, &companies[0]);
    house.hs_edit(H, &h, &[("city", "Voss")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.sf_value(S, &s, "AccountId"), None);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_of_an_account_in_review_is_synced_at_once_and_associated_once_the_account_is_linked()
 {
    let house = House::empty(&firms()).await;
    let account = house.sf("Account", &[("Name", "Acme"), ("Website", "acme.example")]);
    house.sf(
        "Account",
        &[("Name", "Acme Ltd"), ("Website", "www.acme.example")],
    );
    let company = house.hs("companies", &[("name", "Acme"), ("domain", "acme.example")]);
    let s = house.sf(
        S,
        &[
            ("LastName", "Berg"),
            ("Email", "a@example.com"),
            ("AccountId", &account),
        ],
    );
    let run = house.fine().await;
    assert_eq!(counts(&run, "accounts").review, 3);
    assert_eq!(counts(&run, "contacts").created.hubspot, 1);
    let h = house.hs_ids(H).pop().unwrap();
    assert!(partners(&house, &h).is_empty());
    assert_eq!(
        house.sf_value(S, &s, "AccountId").as_ref(),
        Some(&account),
        "an unlinked parent is never cleared"
    );
    house.quiet().await;
    let items = house.open_items().await;
    let item = items
        .iter()
        .find(|item| {
            item.sides
                .salesforce
                .id
                .as_ref()
                .is_some_and(|id| id.as_str() == account)
        })
        .unwrap();
    house
        .choose(item, Choice::Link(company.as_str().into()))
        .await;
    let run = house.send_stored().await;
    adds_up(counts(&run, "accounts"));
    assert_eq!(partners(&house, &h), [company]);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn review_items_are_resolved_by_link_create_or_ignore_and_stay_so() {
    let house = House::empty(&people("")).await;
    let twins = [0, 1].map(|_| house.sf(S, &[("LastName", "Twin"), ("Email", "twin@example.com")]));
    let lone = house.sf(
        S,
        &[
            ("LastName", "Pair"),
            ("FirstName", "A"),
            ("Email", "pair@example.com"),
        ],
    );
    let left = house.sf(
        S,
        &[
            ("LastName", "Pair"),
            ("FirstName", "B"),
            ("Email", "pair@example.com"),
        ],
    );
    let h = house.hs(
        H,
        &[
            ("lastname", "Twin"),
            ("email", "twin@example.com"),
            ("city", "Oslo"),
        ],
    );
    house.fine().await;
    let items = house.open_items().await;
    assert_eq!(items.len(), 5);
    let of = |id: &str| {
        items
            .iter()
            .find(|item| {
                item.sides
                    .salesforce
                    .id
                    .as_ref()
                    .is_some_and(|one| one.as_str() == id)
            })
            .unwrap()
    };
    house
        .choose(of(&twins[0]), Choice::Link(h.as_str().into()))
        .await;
    house.choose(of(&lone), Choice::Create).await;
    house.choose(of(&left), Choice::Ignore).await;
    let run = house.send_stored().await;
    let got = counts(&run, "contacts");
    adds_up(got);
    assert_eq!(got.created.hubspot, 1);
    assert_eq!(
        house.sf_value(S, &twins[0], "MailingCity").as_deref(),
        Some("Oslo")
    );
    assert_eq!(house.hs_ids(H).len(), 2);
    house.quiet().await;
    let open = house.open_items().await;
    assert!(
        open.iter().all(|item| item
            .sides
            .salesforce
            .id
            .as_ref()
            .is_some_and(|id| id.as_str() == twins[1])),
        "{open:#?}"
    );
    // The ignored one stays ignored, also when it is edited and when everything is read again.
    house.sf_edit(S, &left, &[("Title", "Boss")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.hs_ids(H).len(), 2);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_record_without_a_link_is_no_business_of_ours() {
    let house = House::empty(&people("")).await;
    let s = house.sf(S, &[("LastName", "Gone"), ("Email", "gone@example.com")]);
    let now = house.clock.now();
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .delete(now, &colleague(), S, &s)
        .unwrap();
    house.wait(60).await;
    house.fine().await;
    assert!(house.hs_ids(H).is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_copied_record_with_a_stolen_stamp_is_not_followed() {
    let Office { house, s, h, .. } = office().await;
    let stamp = house.hs_value(H, &h, "syncline_salesforce_id").unwrap();
    assert_eq!(stamp, s);
    // The clone button copies the external id only where it is not unique; an import can bring any.
    let now = house.clock.now();
    let copy = house
        .sandbox
        .lock()
        .unwrap()
        .org
        .insert(
            now,
            &colleague(),
            S,
            values(&[("LastName", "Copy"), ("Email", "copy@example.com")]),
        )
        .unwrap();
    house.wait(60).await;
    house.fine().await;
    let stamped = house.sf_value(S, &copy, "Syncline_HubSpot_Id__c").unwrap();
    assert_ne!(stamped, h);
    assert_eq!(house.hs_ids(H).len(), 2);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_create_that_a_person_chose_and_the_vendor_refuses_is_told() {
    let house = House::empty(&people("")).await;
    let twins = [0, 1].map(|_| house.sf(S, &[("LastName", "Twin"), ("Email", "twin@example.com")]));
    let h = house.hs(H, &[("lastname", "Twin"), ("email", "twin@example.com")]);
    house.fine().await;
    let items = house.open_items().await;
    let of = |id: &str| {
        items
            .iter()
            .find(|item| {
                item.sides
                    .salesforce
                    .id
                    .as_ref()
                    .is_some_and(|one| one.as_str() == id)
            })
            .unwrap()
    };
    house
        .choose(of(&twins[0]), Choice::Link(h.as_str().into()))
        .await;
    house.choose(of(&twins[1]), Choice::Create).await;
    let run = house.send_stored().await;
    adds_up(counts(&run, "contacts"));
    assert_eq!(house.hs_ids(H).len(), 1, "HubSpot holds an address once");
    let open = house.open_items().await;
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!(
        open[0].sides.salesforce.id.as_ref().unwrap().as_str(),
        twins[1]
    );
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_ignored_record_is_not_made_once_its_twin_is_gone() {
    let house = House::empty(&people("")).await;
    let twins = [0, 1].map(|_| house.sf(S, &[("LastName", "Twin"), ("Email", "twin@example.com")]));
    house.fine().await;
    for item in house.open_items().await {
        house.choose(&item, Choice::Ignore).await;
    }
    house.send_stored().await;
    assert!(house.open_items().await.is_empty());
    house.quiet().await;
    let now = house.clock.now();
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .delete(now, &colleague(), S, &twins[0])
        .unwrap();
    house.wait(60).await;
    house.fine().await;
    house.sf_edit(S, &twins[1], &[("Title", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(
        counts(&run, "contacts").excluded,
        2,
        "the deleted one, and the ignored one"
    );
    assert!(house.hs_ids(H).is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_twin_that_is_gone_frees_the_other_one() {
    let house = House::empty(&people("")).await;
    let twins = [0, 1].map(|_| house.sf(S, &[("LastName", "Twin"), ("Email", "twin@example.com")]));
    house.fine().await;
    assert_eq!(house.open_items().await.len(), 2);
    let now = house.clock.now();
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .delete(now, &colleague(), S, &twins[0])
        .unwrap();
    house.wait(60).await;
    house.fine().await;
    house.sf_edit(S, &twins[1], &[("Email", "own@example.com")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.hs_ids(H).len(), 1);
    let open = house.open_items().await;
    assert!(open.is_empty(), "{open:#?}");
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_for_its_parent_costs_no_read_while_nothing_new_is_known_of_it() {
    let house = House::empty(&firms()).await;
    for twin in ["Acme", "ACME"] {
        house.sf(
            "Account",
            &[("Name", twin), ("Website", "https://acme.example")],
        );
    }
    let company = house.hs("companies", &[("name", "Acme"), ("domain", "acme.example")]);
    let h = house.hs(H, &[("lastname", "Berg"), ("email", "a@example.com")]);
    tie(&house, &h, &company);
    house.wait(60).await;
    let first = house.fine().await;
    assert_eq!(counts(&first, "contacts").created.salesforce, 1);
    // Right behind it the search does not show the contact yet; Salesforce shows the one that was just made.
    let second = house.fine().await;
    assert_eq!(counts(&second, "contacts").read.salesforce, 1);
    assert_eq!(counts(&second, "contacts").read.hubspot, 0);
    assert_eq!(second.calls.purposes.get("complete"), None, "{second:?}");
    assert_eq!(second.calls.total, second.expected_calls);
}

#[tokio::test(start_paused = true)]
async fn a_reference_in_conflict_waits_for_no_parent_whichever_side_is_read() {
    let text = firms();
    let text = text.replace(
        "link = \"accounts\"",
        "link = \"accounts\", conflict = \"ask\"",
    );
    let office = office_by(&text).await;
    let (house, s, h) = (&office.house, &office.s, &office.h);
    house.sf_edit(S, s, &[("AccountId", &office.accounts[0])]);
    tie(house, h, &office.companies[1]);
    house.hs_edit(H, h, &[("city", "Oslo")]);
    house.wait(60).await;
    house.fine().await;
    house.the_item(ItemKind::Field).await;
    // What is not mapped makes a run look at one side: of the other it knows what the conflict shows.
    for _ in 0..2 {
        house.hs_edit(H, h, &[("hs_lead_status", "OPEN")]);
        house.wait(60).await;
        house.fine().await;
        house.sf_edit(S, s, &[("Department", "North")]);
        house.wait(60).await;
        house.fine().await;
        assert_eq!(house.errors().await, Vec::new());
        house.wait(8 * 86_400).await;
        house.fine().await;
    }
    house.the_item(ItemKind::Field).await;
}

#[tokio::test(start_paused = true)]
async fn a_reference_to_a_record_outside_the_scope_is_kept_or_cleared_as_the_pair_says() {
    for (more, cleared) in [("", false), (", on_unlinked = \"clear\"", true)] {
        let text = firms().replace(
            "object = \"Account\" }",
            "object = \"Account\", where = \"Industry = 'Banking'\" }",
        );
        let text = text.replace("link = \"accounts\"", &format!("link = \"accounts\"{more}"));
        let house = House::empty(&text).await;
        let firm = |name: &str, industry: &str| {
            let site = format!("{name}.example");
            let of = [("Name", name), ("Website", &site), ("Industry", industry)];
            house.sf("Account", &of)
        };
        let (inside, outside) = (firm("acme", "Banking"), firm("beta", "Energy"));
        let of = |name: &str, account: &str| {
            let mail = format!("{name}@example.com");
            house.sf(
                S,
                &[("LastName", name), ("Email", &mail), ("AccountId", account)],
            )
        };
        let (s, stray) = (of("Berg", &inside), of("Cole", &outside));
        // Of this one HubSpot has a twin with a company: that is nothing to fill Salesforce's reference with.
        let twin = house.hs(H, &[("lastname", "Cole"), ("email", "cole@example.com")]);
        let elsewhere = house.hs("companies", &[("name", "Gone"), ("domain", "gone.example")]);
        tie(&house, &twin, &elsewhere);
        house.fine().await;
        house.settled().await;
        let by_mail = |mail: &str| {
            let mut all = house.hs_ids(H).into_iter();
            all.find(|id| house.hs_value(H, id, "email").as_deref() == Some(mail))
                .unwrap()
        };
        let h = by_mail("berg@example.com");
        assert_eq!(partners(&house, &h).len(), 1);
        assert_eq!(partners(&house, &twin), std::slice::from_ref(&elsewhere));
        assert_eq!(
            house.sf_value(S, &stray, "AccountId").as_ref(),
            Some(&outside)
        );
        house.sf_edit(S, &s, &[("AccountId", &outside)]);
        house.wait(60).await;
        house.fine().await;
        assert_eq!(partners(&house, &h).is_empty(), cleared);
        assert_eq!(house.sf_value(S, &s, "AccountId").as_ref(), Some(&outside));
        house.quiet().await;
        // Once it is taken up, whoever names it is told.
        house.sf_edit("Account", &outside, &[("Industry", "Banking")]);
        house.wait(60).await;
        house.fine().await;
        let mut companies = house.hs_ids("companies").into_iter();
        let beta =
            companies.find(|id| house.hs_value("companies", id, "name").as_deref() == Some("beta"));
        assert_eq!(partners(&house, &h).first(), beta.as_ref());
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_record_that_a_person_is_asked_about_is_over() {
    let house = House::empty(&people("")).await;
    let h = house.hs(H, &[("email", "twin@example.com")]);
    house.fine().await;
    assert_eq!(
        house.errors().await.len(),
        1,
        "Salesforce requires a last name"
    );
    for name in ["One", "Two"] {
        let now = house.clock.now();
        let of = values(&[("LastName", name), ("Email", "twin@example.com")]);
        house
            .sandbox
            .lock()
            .unwrap()
            .org
            .insert(now, &colleague(), S, of)
            .unwrap();
    }
    house.hs_edit(H, &h, &[("city", "Oslo")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.errors().await, Vec::new());
    assert_eq!(house.open_items().await.len(), 3);
    house.quiet().await;
}
