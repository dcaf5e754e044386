//! Words of the scenarios with Leads: their rules, how they stand, and what a conversion comes to.

use syncline::domain::{Link, LinkState, RunRecord};
use syncline::engine::Order;

use super::town::*;
use super::{House, order};

pub const L: &str = "Lead";
pub const S: &str = "Contact";
pub const H: &str = "contacts";

/// A lead with everything that a contact has too.
pub const ANN: &[(&str, &str)] = &[
    ("LastName", "Ann"),
    ("Email", "ann@example.com"),
    ("Title", "Clerk"),
    ("City", "Oslo"),
    ("Company", "Acme"),
    ("Status", "Working - Contacted"),
];

/// Contacts with their accounts, and leads whose deletions are carried over.
pub fn rules() -> String {
    crowd("", "creates = \"to_hubspot\"\ndeletes = \"archive\"")
}

/// A lead with its counterpart, which we made; everything quiet.
pub async fn ann() -> (House, String, String) {
    ann_by(&rules()).await
}

/// The same under other rules.
pub async fn ann_by(text: &str) -> (House, String, String) {
    let house = House::empty(text).await;
    let lead = house.sf(L, ANN);
    house.fine().await;
    house.wait(3600).await;
    house.fine().await;
    let h = house.hs_ids(H);
    assert_eq!(h.len(), 1);
    (house, lead, h[0].clone())
}

/// A run of these mappings only; it costs what the formula says.
pub async fn only(house: &House, names: &[&str]) -> RunRecord {
    let order = Order {
        mappings: names.iter().map(|name| (*name).into()).collect(),
        ..order()
    };
    let end = house.run(&order).await;
    assert!(end.error.is_none(), "{:?}", end.error);
    for row in &end.record.mappings {
        adds_up(&row.counts);
    }
    assert_eq!(
        end.record.calls.total, end.record.expected_calls,
        "{:?}",
        end.record.calls
    );
    end.record
}

/// The links of a mapping.
pub async fn of(house: &House, mapping: &str) -> Vec<Link> {
    let mut links = house.links().await;
    links.retain(|link| link.mapping.as_str() == mapping);
    links
}

/// True where a link holds these two.
pub fn holds(link: &Link, s: &str, h: &str) -> bool {
    let is = |id: &Option<syncline::domain::RecordId>, want: &str| {
        id.as_ref().is_some_and(|id| id.as_str() == want)
    };
    is(&link.ids.salesforce, s) && is(&link.ids.hubspot, h)
}

/// The HubSpot contact with that address.
pub fn by_mail(house: &House, mail: &str) -> String {
    let all = house.hs_ids(H).into_iter();
    let mut found = all.filter(|id| house.hs_value(H, id, "email").as_deref() == Some(mail));
    found.next().unwrap()
}

/// The Lead's link is the Contact's, with its stamps; nothing waits, and nothing is sent any more.
pub async fn gone_over(house: &House, lead: &str, contact: &str, h: &str) {
    let leads = of(house, "leads").await;
    let old = leads.iter().find(|link| holds(link, lead, h)).unwrap();
    let LinkState::Superseded(by) = &old.state else {
        panic!("{old:#?}");
    };
    let links = of(house, "contacts").await;
    let new = links.iter().find(|link| holds(link, contact, h)).unwrap();
    assert_eq!(new.state, LinkState::Active);
    assert_eq!((by.link, by.record.as_str()), (new.id, contact));
    house.both(
        (contact, h),
        ("Syncline_HubSpot_Id__c", "syncline_salesforce_id"),
        (h, contact),
    );
    assert_eq!(house.errors().await, Vec::new());
    assert_eq!(house.open_items().await, Vec::new());
    house.quiet().await;
}

/// Edits travel between the Contact and HubSpot from now on, and none to the Lead.
pub async fn goes_on(house: &House, lead: &str, contact: &str, h: &str) {
    house.sf_edit(S, contact, &[("MailingCity", "Rome")]);
    house.wait(60).await;
    house.fine().await;
    house.both((contact, h), ("MailingCity", "city"), ("Rome", "Rome"));
    house.hs_edit(H, h, &[("jobtitle", "Queen")]);
    house.wait(60).await;
    house.fine().await;
    house.both((contact, h), ("Title", "jobtitle"), ("Queen", "Queen"));
    assert_ne!(house.sf_value(L, lead, "Title").as_deref(), Some("Queen"));
    house.quiet().await;
    assert_eq!(writes(&house.whole().await), 0);
    house.sound().await;
}
