//! Golden scenarios: a contact's further accounts and companies, kept in step as a set (docs/design/sync-semantics.md 14.5).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::support::town::*;
use crate::support::{House, order};
use serde_json::json;
use syncline::domain::{OpKind, OpState, RunRecord, Side};
use syncline::engine::{Order, Planned, Scope, signature};
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;

const S: &str = "Contact";
const H: &str = "contacts";
const ROWS: &str = "AccountContactRelation";
const NAMES: [&str; 4] = ["acme", "beta", "core", "dune"];

/// Accounts, and contacts with their primary account and their further ones; `more` are keys of the set, `accounts` of the
/// mapping of the accounts.
fn clubs(more: &str, accounts: &str) -> String {
    let pair = "hubspot = \"company\", link = \"accounts\" },\n";
    let set = format!(
        "{pair}{{ salesforce = \"AccountContactRelation\", hubspot = \"companies\", link = \"accounts\", mode = \"set\"{more} }},\n"
    );
    let companies = "hubspot = { object = \"companies\" }\n";
    firms()
        .replace(pair, &set)
        .replace(companies, &format!("{companies}{accounts}\n"))
}

/// Four linked companies and one contact whose primary company is the first one.
struct Club {
    house: House,
    accounts: Vec<String>,
    companies: Vec<String>,
    s: String,
    h: String,
}

impl Club {
    /// As it is before the first sync.
    async fn unsynced(text: &str) -> Club {
        let house = House::empty(text).await;
        let now = house.clock.now();
        house.sandbox.lock().unwrap().org.relate_accounts(now);
        let site = |name: &str| format!("{name}.example");
        let accounts: Vec<String> = NAMES
            .iter()
            .map(|name| house.sf("Account", &[("Name", name), ("Website", &site(name))]))
            .collect();
        let companies = NAMES
            .iter()
            .map(|name| house.hs("companies", &[("name", name), ("domain", &site(name))]))
            .collect();
        let s = house.sf(
            S,
            &[
                ("LastName", "Berg"),
                ("Email", "a@example.com"),
                ("AccountId", &accounts[0]),
            ],
        );
        let h = house.hs(H, &[("lastname", "Berg"), ("email", "a@example.com")]);
        let club = Club {
            house,
            accounts,
            companies,
            s,
            h,
        };
        club.tie(0, true);
        club
    }

    /// Both sides have these, and are in step.
    async fn with(text: &str, members: &[usize]) -> Club {
        let club = Club::unsynced(text).await;
        for at in members {
            club.relate(*at);
            club.tie(*at, false);
        }
        club.house.fine().await;
        club.house.settled().await;
        club
    }

    /// A person adds a further account.
    fn relate(&self, at: usize) {
        let now = self.house.clock.now();
        let row = values(&[("ContactId", &self.s), ("AccountId", &self.accounts[at])]);
        let mut sandbox = self.house.sandbox.lock().unwrap();
        sandbox.org.insert(now, &colleague(), ROWS, row).unwrap();
    }

    /// A person takes one off.
    fn unrelate(&self, at: usize) {
        let is = |row: &String| {
            let value = |field: &str| self.house.sf_value(ROWS, row, field);
            value("ContactId").as_ref() == Some(&self.s)
                && value("AccountId").as_ref() == Some(&self.accounts[at])
        };
        let row = self.house.sf_ids(ROWS).into_iter().find(is).unwrap();
        self.house.sf_delete(ROWS, &row);
    }

    fn tie(&self, at: usize, primary: bool) {
        let now = self.house.clock.now();
        let (h, to) = (self.h.as_str(), self.companies[at].as_str());
        let mut sandbox = self.house.sandbox.lock().unwrap();
        let portal = &mut sandbox.portal;
        assert!(portal.associate(now, colleague(), H, h, "companies", to, primary));
    }

    fn untie(&self, at: usize) {
        let now = self.house.clock.now();
        let to = ("companies", self.companies[at].as_str());
        let mut sandbox = self.house.sandbox.lock().unwrap();
        let portal = &mut sandbox.portal;
        portal
            .dissociate(now, colleague(), (H, &self.h), to)
            .unwrap();
    }

    /// A person gives the association with a company a label of the portal's own.
    fn label(&self, at: usize) {
        let between = "/crm/associations/2026-09/contacts/companies/labels";
        let label = json!({"name": "adviser", "label": "Adviser"});
        self.house.admin("POST", between, label);
        let pair = format!(
            "/crm/objects/2026-09/contacts/{}/associations/companies/{}",
            self.h, self.companies[at]
        );
        let types = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": 55}]);
        self.house.admin("PUT", &pair, types);
    }

    /// Neither side stamps a record whose associations changed (14.5): edits beside them, of fields in no mapping, make the run look.
    async fn look(&self) -> RunRecord {
        self.touch();
        self.house.wait(60).await;
        self.house.fine().await
    }

    fn touch(&self) {
        let number = self.house.clock.now().timestamp().to_string();
        self.house.hs_edit(H, &self.h, &[("phone", &number)]);
        self.house.sf_edit(S, &self.s, &[("Phone", &number)]);
    }

    /// The further accounts and the further companies, by their places.
    fn sets(&self) -> (Vec<usize>, Vec<usize>) {
        let sandbox = self.house.sandbox.lock().unwrap();
        let place = |all: &[String], id: &String| all.iter().position(|one| one == id).unwrap();
        let rows = sandbox.org.related_accounts(&self.s).into_iter();
        let mut s: Vec<usize> = rows
            .filter(|(_, direct)| !direct)
            .map(|(id, _)| place(&self.accounts, &id))
            .collect();
        let first = sandbox.portal.first_partner(H, &self.h, "companies");
        let all = sandbox.portal.partners(H, &self.h, "companies").into_iter();
        let mut h: Vec<usize> = all
            .filter(|id| Some(id) != first.as_ref())
            .map(|id| place(&self.companies, &id))
            .collect();
        s.sort_unstable();
        h.sort_unstable();
        (s, h)
    }

    /// Asserts both, and that nothing is left to do.
    async fn hold(&self, s: &[usize], h: &[usize]) {
        assert_eq!(self.sets(), (s.to_vec(), h.to_vec()));
        assert!(self.house.errors().await.is_empty());
        self.house.quiet().await;
        assert_eq!(self.sets(), (s.to_vec(), h.to_vec()));
    }

    /// The one that the contact names on either side.
    fn primary(&self) -> (Option<String>, Option<String>) {
        let account = self.house.sf_value(S, &self.s, "AccountId");
        let sandbox = self.house.sandbox.lock().unwrap();
        let company = sandbox.portal.first_partner(H, &self.h, "companies");
        (account, company)
    }
}

fn plain() -> String {
    clubs("", "")
}

#[tokio::test(start_paused = true)]
async fn the_first_sync_joins_both_sets_and_an_idle_run_costs_what_it_cost_without_one() {
    let club = Club::unsynced(&plain()).await;
    club.relate(1);
    club.relate(2);
    club.tie(2, false);
    club.tie(3, false);
    let run = club.house.whole().await;
    assert_eq!(counts(&run, "contacts").linked, 1);
    club.hold(&[1, 2, 3], &[1, 2, 3]).await;
    assert_eq!(
        club.primary(),
        (
            Some(club.accounts[0].clone()),
            Some(club.companies[0].clone())
        )
    );
    club.house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn an_element_added_or_taken_off_on_a_side_is_so_on_the_other_one_by_one() {
    let club = Club::with(&plain(), &[1]).await;
    club.relate(2);
    club.look().await;
    club.hold(&[1, 2], &[1, 2]).await;
    club.tie(3, false);
    club.look().await;
    club.hold(&[1, 2, 3], &[1, 2, 3]).await;
    club.unrelate(1);
    club.look().await;
    club.hold(&[2, 3], &[2, 3]).await;
    club.untie(2);
    let run = club.look().await;
    club.hold(&[3], &[3]).await;
    let ops = club.house.journal(run.run).await;
    let off: Vec<_> = ops
        .iter()
        .filter(|op| op.kind == OpKind::Dissociate)
        .collect();
    assert_eq!(off.len(), 1);
    assert_eq!(
        (off[0].side, off[0].state),
        (Side::Salesforce, OpState::Confirmed)
    );
    // Both at once, and each for itself.
    club.unrelate(3);
    club.tie(1, false);
    club.look().await;
    club.hold(&[1], &[1]).await;
}

#[tokio::test(start_paused = true)]
async fn a_contact_made_on_either_side_gets_its_further_companies_in_the_same_run() {
    let club = Club::unsynced(&plain()).await;
    let other = club.house.sf(
        S,
        &[
            ("LastName", "Cole"),
            ("Email", "c@example.com"),
            ("AccountId", &club.accounts[1]),
        ],
    );
    let guest = club
        .house
        .hs(H, &[("lastname", "Dahl"), ("email", "d@example.com")]);
    let [made_from_s, made_from_h] = [(&other, &club.h), (&club.s, &guest)].map(|(s, h)| Club {
        house: House {
            sandbox: club.house.sandbox.clone(),
            clock: club.house.clock.clone(),
            store: club.house.store.clone(),
            rules: club.house.rules.clone(),
            crm: club.house.crm.clone(),
            owners: club.house.owners.clone(),
        },
        accounts: club.accounts.clone(),
        companies: club.companies.clone(),
        s: s.clone(),
        h: h.clone(),
    });
    made_from_s.relate(2);
    made_from_h.tie(1, true);
    made_from_h.tie(3, false);
    club.house.fine().await;
    let new = |all: Vec<String>, known: &[&String]| {
        all.into_iter().find(|id| !known.contains(&id)).unwrap()
    };
    let h = new(club.house.hs_ids(H), &[&club.h, &guest]);
    let s = new(club.house.sf_ids(S), &[&club.s, &other]);
    assert_eq!(Club { h, ..made_from_s }.sets(), (vec![2], vec![2]));
    assert_eq!(Club { s, ..made_from_h }.sets(), (vec![3], vec![3]));
    club.house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn of_an_addition_and_a_removal_of_the_same_element_the_addition_wins() {
    let club = Club::with(&plain(), &[]).await;
    club.relate(1);
    let run = club.look().await;
    club.hold(&[1], &[1]).await;
    club.house.undone(run.run).await;
    // The undo took it off HubSpot and left it in Salesforce; that stands until somebody changes it.
    club.look().await;
    club.hold(&[1], &[]).await;
    club.unrelate(1);
    club.tie(1, false);
    club.look().await;
    club.hold(&[1], &[1]).await;
}

#[tokio::test(start_paused = true)]
async fn an_element_whose_company_is_not_linked_yet_waits_and_keeps_no_other_from_going() {
    let club = Club::with(&clubs("", "creates = \"none\""), &[]).await;
    let lone = {
        let (now, mut sandbox) = (club.house.clock.now(), club.house.sandbox.lock().unwrap());
        let fields = values(&[("Name", "echo"), ("Website", "echo.example")]);
        sandbox
            .org
            .insert(now, &colleague(), "Account", fields)
            .unwrap()
    };
    let mut club = club;
    club.accounts.push(lone);
    club.relate(4);
    club.relate(1);
    club.look().await;
    club.hold(&[1, 4], &[1]).await;
    let now = club.house.clock.now();
    let fields = values(&[("name", "echo"), ("domain", "echo.example")]);
    let company = {
        let mut sandbox = club.house.sandbox.lock().unwrap();
        sandbox
            .portal
            .insert(now, colleague(), "companies", fields)
            .unwrap()
    };
    club.companies.push(company);
    club.house.wait(60).await;
    club.house.fine().await;
    assert_eq!(club.house.links().await.len(), 6);
    club.hold(&[1, 4], &[1, 4]).await;
}

#[tokio::test(start_paused = true)]
async fn an_element_outside_the_scope_stays_as_it_is_on_either_side() {
    for rule in ["unlink", "freeze"] {
        let scope = format!("leaves_scope = \"{rule}\"");
        let text = clubs("", &scope).replace(
            "salesforce = { object = \"Account\" }",
            "salesforce = { object = \"Account\", where = \"Type != 'Other'\" }",
        );
        let club = Club::with(&text, &[1, 2]).await;
        let account = &club.accounts[1];
        club.house.sf_edit("Account", account, &[("Type", "Other")]);
        club.house.wait(60).await;
        club.house.fine().await;
        club.look().await;
        club.hold(&[1, 2], &[1, 2]).await;
        club.unrelate(1);
        club.unrelate(2);
        club.look().await;
        club.hold(&[], &[1]).await;
        if rule == "freeze" {
            // Its base stayed too: once the account is back, what was taken off meanwhile is.
            club.house.sf_edit("Account", account, &[("Type", "")]);
            club.house.wait(60).await;
            club.house.fine().await;
            club.look().await;
            club.hold(&[], &[]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_element_whose_record_is_deleted_is_no_removal() {
    let club = Club::with(&plain(), &[1, 2]).await;
    club.house.sf_delete("Account", &club.accounts[1]);
    club.house.wait(60).await;
    club.house.fine().await;
    club.look().await;
    club.hold(&[2], &[1, 2]).await;
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_comes_back_gets_its_further_accounts_from_hubspot() {
    let club = Club::with(&plain(), &[1, 2]).await;
    club.house.sf_delete(S, &club.s);
    club.house.wait(60).await;
    club.house.fine().await;
    // Salesforce deletes the rows with the contact, and does not bring them back with it.
    club.house.sf_restore(S, &club.s);
    club.house.wait(60).await;
    club.house.fine().await;
    club.hold(&[1, 2], &[1, 2]).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_an_addition_or_a_removal_is_looked_up_on_either_side() {
    let ties = "/crm/associations/2026-09/contacts/companies/batch";
    for fault in [
        Fault::Cut { committed: true },
        Fault::Cut { committed: false },
    ] {
        let rows = [
            (
                Party::HubSpot,
                "POST",
                format!("{ties}/associate/default"),
                true,
            ),
            (Party::HubSpot, "POST", format!("{ties}/archive"), false),
            (
                Party::Salesforce,
                "POST",
                "/composite/sobjects".to_owned(),
                true,
            ),
            (
                Party::Salesforce,
                "DELETE",
                "/composite/sobjects".to_owned(),
                false,
            ),
        ];
        for (party, method, door, adds) in rows {
            let club = Club::with(&plain(), &[1]).await;
            match (party, adds) {
                (Party::HubSpot, true) => club.relate(2),
                (Party::HubSpot, false) => club.unrelate(1),
                (_, true) => club.tie(2, false),
                (_, false) => club.untie(1),
            }
            let door = match party {
                Party::HubSpot => door,
                _ => format!("/services/data/v68.0{door}"),
            };
            club.touch();
            club.house.wait(60).await;
            club.house.script(party, Some(method), &door, fault, 1);
            club.house.sync().await;
            assert_eq!(club.house.errors().await.len(), 1, "{fault:?} {door}");
            for _ in 0..3 {
                club.house.wait(130).await;
                club.house.fine().await;
            }
            let want: &[usize] = if adds { &[1, 2] } else { &[] };
            club.hold(want, want).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_known_by_now_ends_no_error_of_another_element() {
    let ties = "/crm/associations/2026-09/contacts/companies/batch";
    for adds in [true, false] {
        let club = Club::with(&plain(), &[1]).await;
        club.relate(2);
        club.unrelate(1);
        club.touch();
        club.house.wait(60).await;
        for (door, committed) in [("associate/default", adds), ("archive", !adds)] {
            let (cut, door) = (Fault::Cut { committed }, format!("{ties}/{door}"));
            club.house
                .script(Party::HubSpot, Some("POST"), &door, cut, 1);
        }
        club.house.sync().await;
        assert_eq!(club.house.errors().await.len(), 1);
        // One has arrived; of the other it is too early to tell.
        club.house.wait(20).await;
        club.house.fine().await;
        assert_eq!(club.house.errors().await.len(), 1);
        for _ in 0..2 {
            club.house.wait(130).await;
            club.house.fine().await;
        }
        assert_eq!(club.house.errors().await, Vec::new());
        club.hold(&[2], &[2]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_takes_back_each_element_that_stands_as_it_was_left() {
    let club = Club::with(&plain(), &[1]).await;
    club.relate(2);
    club.unrelate(1);
    club.tie(3, false);
    let run = club.look().await;
    club.hold(&[2, 3], &[2, 3]).await;
    // The world moves on for one of them: what the run added in Salesforce somebody took off and added again is the same to us,
    // what is gone already is left.
    club.unrelate(3);
    let engine = club.house.engine().await;
    let forecast = engine.forecast_undo(run.run).await.unwrap();
    let planned: Vec<_> = forecast
        .ops
        .iter()
        .filter(|op| op.state == OpState::Planned)
        .collect();
    let undo = club.house.undone(run.run).await;
    let done = club.house.journal(undo.run).await;
    let kinds = |kind: OpKind| {
        done.iter()
            .filter(|op| op.kind == kind && op.state == OpState::Confirmed)
            .count()
    };
    assert_eq!(
        (kinds(OpKind::Associate), kinds(OpKind::Dissociate)),
        (1, 1)
    );
    assert_eq!(
        planned
            .iter()
            .map(|op| (op.kind, op.side))
            .collect::<Vec<_>>(),
        done.iter().map(|op| (op.kind, op.side)).collect::<Vec<_>>()
    );
    assert_eq!(club.sets(), (vec![2], vec![1, 3]));
    // What was taken back does not come again; what somebody did since is a change like any other.
    club.look().await;
    club.hold(&[2], &[1]).await;
    club.house.undone(undo.run).await;
    assert_eq!(club.sets(), (vec![2], vec![2]));
}

#[tokio::test(start_paused = true)]
async fn elements_that_an_undo_took_back_together_without_an_answer_do_not_travel_back() {
    let club = Club::with(&plain(), &[]).await;
    club.relate(1);
    club.relate(2);
    let run = club.look().await;
    assert_eq!(club.sets(), (vec![1, 2], vec![1, 2]));
    let door = "/crm/associations/2026-09/contacts/companies/batch/archive";
    let lost = Fault::Cut { committed: true };
    club.house
        .script(Party::HubSpot, Some("POST"), door, lost, 1);
    club.house.undone(run.run).await;
    assert_eq!(club.sets(), (vec![1, 2], vec![]));
    for _ in 0..3 {
        club.house.wait(130).await;
        club.house.fine().await;
    }
    club.look().await;
    club.hold(&[1, 2], &[]).await;
}

#[tokio::test(start_paused = true)]
async fn an_undo_leaves_an_element_that_moved_on_and_says_why() {
    let club = Club::with(&plain(), &[]).await;
    club.relate(1);
    club.relate(2);
    let run = club.look().await;
    club.hold(&[1, 2], &[1, 2]).await;
    club.tie(2, true);
    let undo = club.house.undone(run.run).await;
    let left: Vec<_> = club
        .house
        .journal(undo.run)
        .await
        .into_iter()
        .filter(|op| op.state == OpState::Skipped)
        .collect();
    assert_eq!(left.len(), 1, "{left:#?}");
    assert!(left[0].outcome.why.as_deref().unwrap().contains("primary"));
    assert_eq!(club.primary().1.as_ref(), Some(&club.companies[2]));
    assert_eq!(
        club.sets().1,
        vec![0],
        "the old primary one is a further one now"
    );
}

#[tokio::test(start_paused = true)]
async fn a_preview_shows_each_element_as_a_row_and_is_carried_out_as_it_was_shown() {
    let club = Club::with(&plain(), &[1]).await;
    club.relate(2);
    club.unrelate(1);
    club.tie(3, false);
    club.touch();
    club.house.wait(60).await;
    let plan = club.house.engine().await.preview(&order()).await.unwrap();
    let mut rows: Vec<(Side, OpKind)> = plan
        .ops
        .iter()
        .filter(|op| matches!(op.kind, OpKind::Associate | OpKind::Dissociate))
        .map(|op| (op.side, op.kind))
        .collect();
    rows.sort_unstable();
    let want = [
        (Side::Salesforce, OpKind::Associate),
        (Side::HubSpot, OpKind::Associate),
        (Side::HubSpot, OpKind::Dissociate),
    ];
    assert_eq!(rows, want);
    assert_eq!(plan.ops.len(), 3);
    let shown: BTreeSet<u128> = plan.ops.iter().map(signature).collect();
    let planned = Planned {
        full: false,
        ops: plan
            .ops
            .iter()
            .map(|op| (signature(op), op.clone()))
            .collect(),
    };
    let end = club
        .house
        .run(&Order {
            scope: Scope::Plan(Arc::new(planned)),
            yes: true,
            ..order()
        })
        .await;
    assert!(end.error.is_none(), "{:?}", end.error);
    let done: BTreeSet<u128> = club
        .house
        .journal(end.record.run)
        .await
        .iter()
        .map(signature)
        .collect();
    assert_eq!(done, shown);
    club.hold(&[2, 3], &[2, 3]).await;
}

#[tokio::test(start_paused = true)]
async fn a_primary_company_that_changes_is_none_of_the_sets_and_the_old_one_becomes_a_further_one()
{
    let club = Club::with(&plain(), &[1, 2]).await;
    // In Salesforce, to one that was a further one.
    club.house
        .sf_edit(S, &club.s, &[("AccountId", &club.accounts[1])]);
    club.house.wait(60).await;
    let run = club.house.fine().await;
    assert_eq!(club.primary().1.as_ref(), Some(&club.companies[1]));
    let of_sets = |op: &&syncline::domain::Op| op.fields.keys().any(|field| field.contains('/'));
    let ops = club.house.journal(run.run).await;
    assert_eq!(ops.iter().filter(of_sets).count(), 0, "{ops:#?}");
    assert_eq!(club.sets(), (vec![2], vec![0, 2]));
    // HubSpot keeps the old one associated: the next look takes it for what it is.
    club.look().await;
    club.hold(&[0, 2], &[0, 2]).await;
    // In HubSpot.
    club.tie(2, true);
    club.look().await;
    assert_eq!(club.primary().0.as_ref(), Some(&club.accounts[2]));
    club.look().await;
    club.hold(&[0, 1], &[0, 1]).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_beside_a_contact_without_a_primary_company() {
    let club = Club::with(&plain(), &[]).await;
    club.house.sf_edit(S, &club.s, &[("AccountId", "")]);
    club.house.wait(60).await;
    club.house.fine().await;
    assert_eq!(club.primary(), (None, None));
    club.relate(1);
    club.look().await;
    // HubSpot would make it the primary one.
    assert_eq!(club.primary(), (None, None));
    club.hold(&[1], &[]).await;
    club.house
        .sf_edit(S, &club.s, &[("AccountId", &club.accounts[2])]);
    club.house.wait(60).await;
    club.house.fine().await;
    assert_eq!(club.primary().1.as_ref(), Some(&club.companies[2]));
    club.hold(&[1], &[1]).await;
    // Nor beside one that the same run takes off.
    club.relate(3);
    club.house.sf_edit(S, &club.s, &[("AccountId", "")]);
    club.house.wait(60).await;
    club.house.fine().await;
    assert_eq!(club.primary(), (None, None));
    club.hold(&[1, 3], &[1]).await;
}

#[tokio::test(start_paused = true)]
async fn elements_never_flow_against_the_direction_and_are_taken_back_where_the_rule_says_so() {
    let rows = [
        ("", vec![1, 2], vec![2, 3]),
        (", foreign_edit = \"revert\"", vec![1, 2], vec![1, 2]),
    ];
    for (rule, s, h) in rows {
        let more = format!(", direction = \"to_hubspot\"{rule}");
        let club = Club::with(&clubs(&more, ""), &[1]).await;
        club.relate(2);
        club.tie(3, false);
        club.untie(1);
        club.look().await;
        club.hold(&s, &h).await;
        club.look().await;
        club.hold(&s, &h).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_association_under_a_label_is_never_taken_off() {
    let club = Club::with(&plain(), &[1, 2]).await;
    club.label(1);
    club.unrelate(1);
    club.unrelate(2);
    club.look().await;
    club.hold(&[], &[1]).await;
}

#[tokio::test(start_paused = true)]
async fn an_org_without_the_object_is_told_before_anything_is_read() {
    let house = House::empty(&plain()).await;
    let end = house.run(&order()).await;
    let told = format!("{:?} {:?}", end.error, end.record);
    assert!(
        told.contains("Salesforce has no object AccountContactRelation"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_sweep_finds_elements_that_changed_without_an_edit_beside_them() {
    let club = Club::with(&plain(), &[1]).await;
    club.relate(2);
    club.untie(1);
    club.house.whole().await;
    club.hold(&[2], &[2]).await;
}

#[tokio::test(start_paused = true)]
async fn an_account_that_a_run_made_stays_where_somebody_relates_a_contact_to_it_since() {
    let club = Club::with(&plain(), &[]).await;
    let now = club.house.clock.now();
    let [kept, gone] = ["echo", "fern"].map(|name| {
        let site = format!("{name}.example");
        let fields = values(&[("name", name), ("domain", &site)]);
        let mut sandbox = club.house.sandbox.lock().unwrap();
        sandbox
            .portal
            .insert(now, colleague(), "companies", fields)
            .unwrap()
    });
    let mut club = club;
    club.companies.extend([kept, gone]);
    // The second one's row is the run's own, which the undo takes off before.
    club.tie(5, false);
    let run = club.look().await;
    for name in ["echo", "fern"] {
        let is = |id: &String| club.house.sf_value("Account", id, "Name").as_deref() == Some(name);
        let made = club.house.sf_ids("Account").into_iter().find(is).unwrap();
        club.accounts.push(made);
    }
    club.relate(4);
    let forecast = club
        .house
        .engine()
        .await
        .forecast_undo(run.run)
        .await
        .unwrap();
    let undo = club.house.undone(run.run).await;
    let left = |ops: Vec<syncline::domain::Op>| {
        let skipped = ops.into_iter().filter(|op| op.state == OpState::Skipped);
        let told = skipped.map(|op| (op.target.unwrap().0, op.outcome.why.unwrap()));
        told.collect::<Vec<_>>()
    };
    let found = left(club.house.journal(undo.run).await);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].0, club.accounts[4]);
    assert!(found[0].1.contains("is related to it"), "{found:#?}");
    assert_eq!(left(forecast.ops), found);
    assert!(!club.house.sf_ids("Account").contains(&club.accounts[5]));
}

#[tokio::test(start_paused = true)]
async fn an_element_whose_own_record_vanished_unnoticed_is_not_taken_off_the_other_side() {
    let club = Club::with(&plain(), &[1, 2]).await;
    // Its associations go with it, and no look for changes tells of it.
    club.house.hs_delete("companies", &club.companies[1]);
    let run = club.look().await;
    assert_eq!(club.sets(), (vec![1, 2], vec![2]));
    assert_eq!(run.calls.total, run.expected_calls, "{:?}", run.calls);
    // Not while it is unnoticed, nor once a sweep has told.
    club.look().await;
    club.house.whole().await;
    club.look().await;
    assert_eq!(club.sets(), (vec![1, 2], vec![2]));
    // One that is alive is taken off as ever.
    club.untie(2);
    club.look().await;
    assert_eq!(club.sets(), (vec![1], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_behind_an_element_knows_it_for_its_own_write() {
    let club = Club::with(&plain(), &[]).await;
    club.relate(2);
    club.tie(3, false);
    club.touch();
    club.house.wait(60).await;
    let door = "/crm/associations/2026-09/contacts/companies/batch/associate/default";
    let full = Fault::DailyLimit;
    club.house
        .script(Party::HubSpot, Some("POST"), door, full, 1);
    let end = club.house.run(&order()).await;
    assert!(end.error.is_some());
    assert_eq!(club.sets(), (vec![2, 3], vec![3]), "stopped in between");
    club.house.wait(26 * 3600).await;
    club.house.send_stored().await;
    assert_eq!(club.sets(), (vec![2, 3], vec![2, 3]));
    club.look().await;
    club.hold(&[2, 3], &[2, 3]).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_run_that_was_cut_off_saw_of_a_set_is_looked_at_again() {
    for side in Side::BOTH {
        let club = Club::with(&plain(), &[1]).await;
        let number = [("phone", "1"), ("Phone", "1")];
        let (party, door) = match side {
            Side::Salesforce => {
                club.unrelate(1);
                club.house.sf_edit(S, &club.s, &number[1..]);
                (Party::HubSpot, "/crm/objects/2026-09/contacts/search")
            }
            Side::HubSpot => {
                club.untie(1);
                club.house.hs_edit(H, &club.h, &number[..1]);
                let read = "/services/data/v68.0/composite/sobjects/Contact";
                (Party::Salesforce, read)
            }
        };
        // Beyond the overlap of the next window.
        club.house.wait(3600).await;
        let silence = Fault::Silence { committed: false };
        club.house.script(party, Some("POST"), door, silence, 1);
        let order = order();
        let cut = tokio::time::timeout(Duration::from_secs(20), club.house.run(&order));
        assert!(cut.await.is_err(), "{side}");
        match side {
            Side::Salesforce => club.relate(1),
            Side::HubSpot => club.tie(1, false),
        }
        club.house.wait(60).await;
        club.house.fine().await;
        assert_eq!(club.sets(), (vec![1], vec![1]), "{side}");
        club.hold(&[1], &[1]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_merge_of_contacts_takes_no_element_off() {
    let mut club = Club::with(&plain(), &[1, 2]).await;
    let other = club.house.sf(
        S,
        &[
            ("LastName", "Berg"),
            ("Email", "b@example.com"),
            ("AccountId", &club.accounts[0]),
        ],
    );
    club.unrelate(1);
    club.house.sf_merge(S, &other, &club.s);
    club.s = other;
    club.house.wait(60).await;
    club.house.fine().await;
    club.look().await;
    club.hold(&[1, 2], &[1, 2]).await;
}

#[tokio::test(start_paused = true)]
async fn a_merge_of_companies_that_loses_their_associations_takes_none_off_and_gives_them_back() {
    let mut club = Club::with(&plain(), &[1, 2]).await;
    let twin = [("name", "twin"), ("domain", "twin.example")];
    let twin = club.house.hs("companies", &twin);
    let merged = club.house.hs_merge("companies", &club.companies[1], &twin);
    {
        let now = club.house.clock.now();
        let mut sandbox = club.house.sandbox.lock().unwrap();
        let tie = ("companies", merged.as_str());
        let _ = sandbox
            .portal
            .dissociate(now, colleague(), (H, &club.h), tie);
    }
    club.companies[1] = merged;
    club.house.wait(60).await;
    club.house.fine().await;
    club.look().await;
    club.hold(&[1, 2], &[1, 2]).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_off_on_both_sides_around_a_merge_of_companies_stays_off() {
    let mut club = Club::with(&plain(), &[1, 2]).await;
    let twin = [("name", "twin"), ("domain", "twin.example")];
    let twin = club.house.hs("companies", &twin);
    club.unrelate(1);
    club.companies[1] = club.house.hs_merge("companies", &club.companies[1], &twin);
    club.untie(1);
    // HubSpot alone tells of it.
    club.house.hs_edit(H, &club.h, &[("city", "Oslo")]);
    club.house.wait(60).await;
    club.house.fine().await;
    club.house.fine().await;
    club.look().await;
    club.hold(&[2], &[2]).await;
}

#[tokio::test(start_paused = true)]
async fn an_undo_puts_no_element_beside_a_contact_without_a_primary_company() {
    let club = Club::with(&plain(), &[1]).await;
    club.unrelate(1);
    let run = club.look().await;
    club.hold(&[], &[]).await;
    club.untie(0);
    let forecast = club
        .house
        .engine()
        .await
        .forecast_undo(run.run)
        .await
        .unwrap();
    let undo = club.house.undone(run.run).await;
    assert_eq!(
        club.primary().1,
        None,
        "HubSpot would make it the primary one"
    );
    for ops in [forecast.ops, club.house.journal(undo.run).await] {
        let [left] = ops.as_slice() else {
            panic!("{ops:#?}");
        };
        assert_eq!(left.state, OpState::Skipped);
        assert!(left.outcome.why.as_deref().unwrap().contains("primary"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_off_beside_an_account_that_comes_back_from_the_dead_stays_off() {
    let club = Club::with(&plain(), &[1, 2]).await;
    club.house.sf_delete("Account", &club.accounts[1]);
    club.house.wait(60).await;
    club.house.fine().await;
    club.house.sf_restore("Account", &club.accounts[1]);
    club.untie(1);
    club.house.wait(60).await;
    club.house.fine().await;
    // Salesforce alone tells of it.
    club.house.sf_edit(S, &club.s, &[("MailingCity", "Oslo")]);
    club.house.wait(60).await;
    club.house.fine().await;
    assert_eq!(club.sets(), (vec![2], vec![2]));
    club.look().await;
    club.hold(&[2], &[2]).await;
}

#[tokio::test(start_paused = true)]
async fn an_account_that_comes_back_from_the_dead_without_its_rows_was_taken_off_by_nobody() {
    let club = Club::with(&plain(), &[1, 2]).await;
    club.house.sf_delete("Account", &club.accounts[1]);
    club.house.wait(60).await;
    club.house.fine().await;
    club.house.sf_restore("Account", &club.accounts[1]);
    club.house.wait(60).await;
    club.house.fine().await;
    club.look().await;
    club.hold(&[1, 2], &[1, 2]).await;
    // From then on it is one like any other.
    club.unrelate(1);
    club.look().await;
    club.hold(&[2], &[2]).await;
}
