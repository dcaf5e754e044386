//! Golden scenarios of a pass over everything that was cut off (docs/design/sync-semantics.md 5.4): where it goes on, and for
//! whom; and how far a mapping has seen that had no part in a look.

use std::sync::Arc;

use crate::support::leads::only;
use crate::support::town::*;
use crate::support::wire::wired;
use crate::support::{self, House, order};
use syncline::domain::{RunKind, RunState, Side};
use syncline::engine::{Control, Order, Scope};

const S: &str = "Contact";
const H: &str = "contacts";
const L: &str = "Lead";
const FIRMS: &str = "companies";

fn mail(at: usize) -> String {
    format!("p{at}@example.com")
}

impl House {
    /// HubSpot contacts for one page of a list and a half; gives their ids in the order of the list.
    fn page_and_a_half(&self) -> Vec<String> {
        let make = |at| self.hs(H, &[("lastname", "Vik"), ("email", &mail(at))]);
        (0..150).map(make).collect()
    }

    /// A run that is stopped once the first page of a HubSpot object is noted.
    async fn cut_off(&self, order: &Order, object: &str) {
        self.cut_off_in(order, Side::HubSpot, object).await;
    }

    /// A run that is stopped once the first page of an object is noted.
    async fn cut_off_in(&self, order: &Order, side: Side, object: &str) {
        for at in 1.. {
            let (control, handle) = Control::new();
            let (mut engine, _) = wired(self, at, false, Box::new(move || handle.stop())).await;
            engine.control = control;
            let record = engine.begin(order).await.unwrap();
            let end = engine.execute(record, order).await.unwrap();
            assert_eq!(end.record.state, RunState::Cancelled, "request {at}");
            let cursor = self.db().await.cursor(side, object).await.unwrap();
            if cursor.resume.is_some() {
                return;
            }
        }
    }

    /// The config is another one from now on.
    fn reconfigured(&mut self, text: &str) {
        self.rules = Arc::new(support::rules(&support::config(text)));
    }
}

/// Everything is asked for, of these mappings.
fn everything(mappings: &[&str]) -> Order {
    Order {
        mappings: mappings.iter().map(|name| (*name).into()).collect(),
        scope: Scope::Full,
        ..order()
    }
}

/// Contacts and leads over the same HubSpot contacts, without their companies; nothing is made.
fn flock() -> String {
    let none = "creates = \"none\"";
    let company = "{ salesforce = \"AccountId\", hubspot = \"company\", link = \"accounts\" },\n";
    crowd(none, none).replacen(company, "", 1)
}

#[tokio::test(start_paused = true)]
async fn a_first_sync_that_was_cut_off_begins_anew_under_other_match_rules() {
    let accounts = |name: &str, site: &str| {
        format!(
            "{}[[mapping]]\nname = \"accounts\"\nsalesforce = {{ object = \"Account\" }}\nhubspot = {{ object = \"companies\" }}\nfields = [\n\
             {{ salesforce = \"Name\", hubspot = \"name\"{name} }},\n\
             {{ salesforce = \"Website\", hubspot = \"domain\", transform = \"extract_domain\"{site} }},\n]\n",
            head()
        )
    };
    let rule = ", match = true";
    let mut house = House::empty(&accounts(rule, "")).await;
    for at in 0..150 {
        let (name, site) = (format!("Firm {at}"), format!("firm{at}.example"));
        house.hs(FIRMS, &[("name", &name), ("domain", &site)]);
    }
    for at in 0..3 {
        let (name, site) = (format!("Company {at}"), format!("firm{at}.example"));
        house.sf("Account", &[("Name", &name), ("Website", &site)]);
    }
    house.cut_off(&order(), FIRMS).await;
    house.reconfigured(&accounts("", rule));
    house.wait(60).await;
    house.fine().await;
    let records = (house.sf_ids("Account").len(), house.hs_ids(FIRMS).len());
    assert_eq!(records, (150, 150));
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_was_cut_off_begins_anew_with_a_mapping_that_had_no_part_in_it() {
    for names in [vec!["leads"], vec![]] {
        let house = House::empty(&flock()).await;
        let h = house.page_and_a_half().remove(0);
        let lead = [
            ("LastName", "Vik"),
            ("Email", &mail(0)),
            ("Company", "Acme"),
            ("Title", "Clerk"),
        ];
        let lead = house.sf(L, &lead);
        house.fine().await;
        house.settled().await;
        house.hs_edit(H, &h, &[("jobtitle", "Pilot")]);
        house.wait(60).await;
        house.cut_off(&everything(&["contacts"]), H).await;
        house.wait(60).await;
        let run = only(&house, &names).await;
        assert_eq!(run.kind, RunKind::Full);
        assert_eq!(house.sf_value(L, &lead, "Title"), Some("Pilot".into()));
        house.settled().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_was_cut_off_begins_anew_for_a_field_pair_that_was_added() {
    let none = "creates = \"none\"";
    let mut house = House::empty(&people(none)).await;
    let h = house.page_and_a_half().remove(0);
    let s = house.sf(S, &[("LastName", "Vik"), ("Email", &mail(0))]);
    house.fine().await;
    house.settled().await;
    house.hs_edit(H, &h, &[("phone", "+47 22 00 00 00")]);
    house.settled().await;
    house.cut_off(&everything(&[]), H).await;
    let phone = "{ salesforce = \"Phone\", hubspot = \"phone\" },";
    house.reconfigured(&people_with(none, phone));
    house.wait(60).await;
    let halted = house.sync().await;
    assert_eq!(halted.state, RunState::Halted, "{:?}", halted.reason);
    house
        .run(&Order {
            confirm: halted.plan_hash,
            ..order()
        })
        .await;
    house.both(
        (&s, &h),
        ("Phone", "phone"),
        ("+47 22 00 00 00", "+47 22 00 00 00"),
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_is_linked_with_what_was_archived_while_the_pass_was_cut_off() {
    let house = House::empty(&people("deletes = \"archive\"")).await;
    let ids = house.page_and_a_half();
    let s = house.sf(S, &[("LastName", "Vik"), ("Email", &mail(0))]);
    house.cut_off(&order(), H).await;
    house.wait(24 * 3600).await;
    // One that would match, and one that would be made over there.
    house.hs_delete(H, &ids[0]);
    house.hs_delete(H, &ids[1]);
    house.wait(24 * 3600).await;
    house.fine().await;
    assert!(house.sf_ids(S).contains(&s));
    assert_eq!((house.sf_ids(S).len(), house.hs_ids(H).len()), (149, 149));
    house.settled().await;
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_goes_on_counts_all_that_was_read_not_only_what_was_marked() {
    let house = House::empty(&flock()).await;
    house.page_and_a_half();
    for at in 0..100 {
        let lead = [("LastName", "Vik"), ("Email", &mail(at)), ("Company", "A")];
        house.sf(L, &lead);
    }
    house.fine().await;
    house.settled().await;
    // The first page is the leads', so it marks nothing for the contacts.
    let contacts = everything(&["contacts"]);
    house.cut_off(&contacts, H).await;
    house.wait(60).await;
    let run = only(&house, &["contacts"]).await;
    assert_eq!((run.kind, run.state), (RunKind::Full, RunState::Done));
    let cursor = house.db().await.cursor(Side::HubSpot, H).await.unwrap();
    assert_eq!(cursor.sweep.read, 150);
    house.fine().await;
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_is_put_back_sees_what_changed_while_it_was_taken_out() {
    let both = flock();
    let (contacts_only, _) = both.rsplit_once("[[mapping]]").unwrap();
    let mut house = House::empty(&both).await;
    let h = house.hs(H, &[("lastname", "Vik"), ("email", &mail(0))]);
    let lead = [("LastName", "Vik"), ("Email", &mail(0)), ("Company", "A")];
    let lead = house.sf(L, &lead);
    house.fine().await;
    house.settled().await;
    house.reconfigured(contacts_only);
    house.hs_edit(H, &h, &[("jobtitle", "Pilot")]);
    house.settled().await;
    assert_eq!(house.sf_value(L, &lead, "Title"), None);
    house.reconfigured(&both);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.sf_value(L, &lead, "Title"), Some("Pilot".into()));
    house.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_goes_on_asks_for_the_leads_that_it_has_not_read_itself() {
    let house = House::empty(&crowd("", "creates = \"none\"")).await;
    let h = house.hs(H, &[("lastname", "Vik"), ("email", &mail(0))]);
    // The first page of Leads begins with it.
    let vik = [("LastName", "Vik"), ("Email", &mail(0)), ("Company", "A")];
    let lead = house.sf(L, &vik);
    for at in 1..2_100 {
        house.sf(L, &[("LastName", "X"), ("Company", &format!("F{at}"))]);
    }
    house.fine().await;
    house.settled().await;
    let salesforce = Side::Salesforce;
    house.cut_off_in(&everything(&[]), salesforce, L).await;
    let contact = house.sf_convert(&lead, None);
    house.sf_edit(S, &contact, &[("Email", "new@work.example")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.hs_ids(H), [h]);
}
