//! The two clients against the two simulated vendors, in process: no socket, paused time.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use syncline::clock::{BoxFuture, Clock, SeededEntropy, TokioClock};
use syncline::crm::{
    Crm, HttpRequest, HttpResponse, HubspotAuth, HubspotClient, HubspotSettings, Purpose,
    SalesforceAuth, SalesforceClient, SalesforceSettings, Transport, TransportError, Window,
    WriteItem, WriteKind, WriteRequest, WriteResult,
};
use syncline::domain::{Presence, RecordId, Value};
use syncline::sandbox::history::{Author, Values};
use syncline::sandbox::http::{Request, Vendor};
use syncline::sandbox::hubspot::{Portal, PortalSettings};
use syncline::sandbox::salesforce::{Org, OrgSettings};

/// Hands requests to a simulated vendor.
struct InProcess<V> {
    vendor: Arc<Mutex<V>>,
    clock: Arc<TokioClock>,
}

impl<V: Vendor> Transport for InProcess<V> {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let url = url::Url::parse(&request.url).expect("the client builds whole addresses");
        let asked = Request {
            method: request.method.to_owned(),
            path: url.path().to_owned(),
            query: url.query_pairs().into_owned().collect(),
            headers: request.headers,
            body: request.body,
        };
        let answer = self.vendor.lock().unwrap().handle(self.clock.now(), &asked);
        let headers = answer.headers.into_iter();
        let answer = HttpResponse {
            status: answer.status,
            headers: headers
                .map(|(name, value)| (name.to_lowercase(), value))
                .collect(),
            body: answer.body,
        };
        Box::pin(async move { Ok(answer) })
    }
}

fn clock() -> Arc<TokioClock> {
    let start: DateTime<Utc> = "2026-11-21T17:00:00.250Z".parse().unwrap();
    Arc::new(TokioClock::starting_at(start))
}

fn salesforce() -> (Arc<Mutex<Org>>, SalesforceClient, Arc<TokioClock>) {
    let settings = OrgSettings::default();
    let auth = SalesforceAuth::ClientCredentials {
        client_id: settings.client_id.clone(),
        client_secret: settings.client_secret.as_str().into(),
    };
    let settings_url = settings.host_url.clone();
    let (org, clock) = (Arc::new(Mutex::new(Org::new(settings))), clock());
    let transport = InProcess {
        vendor: org.clone(),
        clock: clock.clone(),
    };
    let settings = SalesforceSettings::new(settings_url, auth);
    let client = SalesforceClient::new(
        settings,
        Arc::new(transport),
        clock.clone(),
        Arc::new(SeededEntropy::new(1)),
    );
    (org, client.unwrap(), clock)
}

fn hubspot() -> (Arc<Mutex<Portal>>, HubspotClient, Arc<TokioClock>) {
    let settings = PortalSettings::default();
    let auth = HubspotAuth::AccessToken(settings.access_token.as_str().into());
    let (portal, clock) = (Arc::new(Mutex::new(Portal::new(settings))), clock());
    let transport = InProcess {
        vendor: portal.clone(),
        clock: clock.clone(),
    };
    let settings = HubspotSettings::new("http://127.0.0.1", auth);
    let client = HubspotClient::new(
        settings,
        Arc::new(transport),
        clock.clone(),
        Arc::new(SeededEntropy::new(1)),
    );
    (portal, client.unwrap(), clock)
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
        .collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn item(token: &str, key: &str, fields: &[(&str, &str)]) -> WriteItem {
    WriteItem {
        token: token.into(),
        id: None,
        key: Some(key.into()),
        to: None,
        fields: fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::text(*value)))
            .collect(),
    }
}

fn window(clock: &TokioClock) -> Window {
    let now = clock.now();
    Window {
        lo: now - chrono::Duration::days(1),
        hi: now + chrono::Duration::seconds(1),
    }
}

fn done(result: &WriteResult) -> (RecordId, bool) {
    match result {
        WriteResult::Done { id, created, .. } => (id.clone(), *created),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_salesforce_contact_is_made_found_changed_and_followed_through_a_merge() {
    let (org, client, clock) = salesforce();
    let identity = client.identity().await.unwrap();
    assert!(identity.account.starts_with("00D") && identity.user.unwrap().starts_with("005"));
    assert!(client.describe("Contact").await.unwrap().fields["LastName"].required);
    let key = "Syncline_HubSpot_Id__c";
    let fields = names(&["FirstName", "LastName", "Email", key]);
    let request = WriteRequest {
        object: "Contact".into(),
        kind: WriteKind::Upsert {
            key_field: key.into(),
        },
        items: vec![
            item(
                "a",
                "41",
                &[
                    ("LastName", "O'Neil \"x\" ~ é"),
                    ("FirstName", "Ann"),
                    ("Email", "ann@x.example"),
                ],
            ),
            item(
                "b",
                "42",
                &[("LastName", "Diaz"), ("Email", "not an address")],
            ),
            item(
                "c",
                "43",
                &[
                    ("LastName", "Lovelace"),
                    ("FirstName", "Zed"),
                    ("Email", "zed@y.example"),
                ],
            ),
        ],
    };
    let results = client.write(Purpose::Write, &request).await.unwrap();
    let (ann, created) = done(&results[0]);
    assert!(created);
    assert!(
        matches!(&results[1], WriteResult::Refused(error) if error.code == "INVALID_EMAIL_ADDRESS"),
        "{:?}",
        results[1]
    );
    let (zed, _) = done(&results[2]);
    let (again, created) = done(&client.write(Purpose::Write, &request).await.unwrap()[0]);
    assert_eq!((again, created), (ann.clone(), false));

    let found = client
        .look_up(
            Purpose::LookUp,
            "Contact",
            key,
            &names(&["41", "99"]),
            &fields,
        )
        .await
        .unwrap();
    assert_eq!(
        found[0].records[0].value("LastName"),
        &Value::text("O'Neil \"x\" ~ é")
    );
    assert!(found[1].records.is_empty());
    let by_name = client
        .search(
            Purpose::LookUp,
            "Contact",
            "LastName",
            &names(&["O'Neil \"x\" ~ é"]),
            &fields,
        )
        .await
        .unwrap();
    assert_eq!(by_name.len(), 1);

    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    org.lock()
        .unwrap()
        .merge(
            clock.now(),
            &Author::Colleague("dana".into()),
            "Contact",
            ann.as_str(),
            zed.as_str(),
        )
        .unwrap();
    let ghost = RecordId::from("003Wb00000zzzzzIAR");
    let found = client
        .read(
            Purpose::Complete,
            "Contact",
            &[zed.clone(), ann.clone(), ghost],
            &fields,
        )
        .await
        .unwrap();
    let presence: Vec<Presence> = found
        .iter()
        .map(|found| found.records[0].presence.clone())
        .collect();
    assert_eq!(
        presence,
        [
            Presence::MergedInto(ann.clone()),
            Presence::Live,
            Presence::Inaccessible
        ]
    );

    let changed = client
        .changed("Contact", &fields, window(&clock), None)
        .await
        .unwrap();
    let ids: Vec<&RecordId> = changed.records.iter().map(|record| &record.id).collect();
    assert!(ids.contains(&&ann) && ids.contains(&&zed), "{ids:?}");
    assert_eq!(
        client
            .list("Contact", &fields, None)
            .await
            .unwrap()
            .records
            .len(),
        1
    );
    let safe = client.safe_now("Contact").await.unwrap();
    assert!(safe.covered && safe.safe < safe.server_now);
    assert_eq!(client.people().await.unwrap().len(), 2);
    assert!(client.allowance().await.unwrap().used > 0);
}

#[tokio::test(start_paused = true)]
async fn a_salesforce_token_that_ends_in_mid_run_is_renewed() {
    let (org, client, _) = salesforce();
    client.list("Account", &[], None).await.unwrap();
    org.lock().unwrap().expire_tokens();
    client.list("Account", &[], None).await.unwrap();
    assert_eq!(client.meter().snapshot()[&Purpose::Auth], 2);
    assert_eq!(client.meter().snapshot()[&Purpose::Observe], 3);
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_large_object_are_whole_and_counted() {
    let (org, client, clock) = salesforce();
    for number in 0..4_100 {
        let at = clock.now() - chrono::Duration::hours(1);
        let name = format!("Company {number}");
        org.lock().unwrap().seed(
            "Account",
            vec![(at, Author::World, values(&[("Name", &name)]))],
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    for windowed in [false, true] {
        let before = client.meter().total();
        let mut resume: Option<String> = None;
        loop {
            let fields = names(&["Name"]);
            let page = if windowed {
                client
                    .changed("Account", &fields, window(&clock), resume.as_deref())
                    .await
                    .unwrap()
            } else {
                client
                    .list("Account", &fields, resume.as_deref())
                    .await
                    .unwrap()
            };
            seen.extend(page.records.into_iter().map(|record| (windowed, record.id)));
            resume = page.next;
            if resume.is_none() {
                break;
            }
        }
        let sign_in = u64::from(!windowed);
        assert_eq!(client.meter().total() - before, 3 + sign_in);
    }
    assert_eq!(seen.len(), 2 * 4_100);
}

#[tokio::test(start_paused = true)]
async fn a_hubspot_contact_is_made_found_changed_and_followed_through_a_merge() {
    let (portal, client, clock) = hubspot();
    assert!(!client.identity().await.unwrap().account.is_empty());
    let key = "syncline_salesforce_id";
    assert!(client.describe("contacts").await.unwrap().fields[key].unique);
    client.make_key_field("companies", key).await.unwrap();
    let fields = names(&["email", "firstname", "lastname", "phone", key]);
    let request = WriteRequest {
        object: "contacts".into(),
        kind: WriteKind::Upsert {
            key_field: key.into(),
        },
        items: vec![
            item(
                "a",
                "003Wb00000Ab1cDIAR",
                &[("email", "Ann@x.example"), ("lastname", "O'Neil \"x\" ~ é")],
            ),
            item("b", "003Wb00000Ab1cEIAR", &[("email", "no address")]),
            item("c", "003Wb00000Ab1cFIAR", &[("email", "zed@y.example")]),
        ],
    };
    let results = client.write(Purpose::Write, &request).await.unwrap();
    let (ann, created) = done(&results[0]);
    assert!(created);
    let WriteResult::Done {
        stored: Some(stored),
        ..
    } = &results[0]
    else {
        panic!()
    };
    assert_eq!(
        stored.value("email"),
        &Value::text("ann@x.example"),
        "what is stored, not what was sent"
    );
    assert!(
        matches!(&results[1], WriteResult::Refused(error) if error.code == "INVALID_EMAIL"),
        "{:?}",
        results[1]
    );
    let (zed, _) = done(&results[2]);
    let taken = WriteRequest {
        kind: WriteKind::Create,
        items: vec![item("d", "", &[("email", "ann@x.example")])],
        object: "contacts".into(),
    };
    match client
        .write(Purpose::Write, &taken)
        .await
        .unwrap()
        .remove(0)
    {
        WriteResult::Refused(error) => assert_eq!(error.holder, Some(ann.clone())),
        other => panic!("{other:?}"),
    }

    let found = client
        .look_up(
            Purpose::LookUp,
            "contacts",
            "email",
            &names(&["ANN@X.example", "no@x.example"]),
            &fields,
        )
        .await
        .unwrap();
    assert_eq!(found[0].records[0].id, ann);
    assert!(found[1].records.is_empty());
    let versions = client
        .field_times("contacts", std::slice::from_ref(&ann), &fields)
        .await
        .unwrap();
    assert!(versions[&ann]["lastname"][0].ours);

    tokio::time::sleep(std::time::Duration::from_secs(90)).await;
    let changed = client
        .changed("contacts", &fields, window(&clock), None)
        .await
        .unwrap();
    assert_eq!((changed.records.len(), changed.next), (2, None));
    assert_eq!(changed.records[0].value("phone"), &Value::Null);
    let searched = client
        .search(
            Purpose::LookUp,
            "contacts",
            "email",
            &names(&["ANN@x.example"]),
            &fields,
        )
        .await
        .unwrap();
    assert_eq!(searched.len(), 1);

    let survivor = portal
        .lock()
        .unwrap()
        .merge(
            clock.now(),
            Author::Colleague("1".into()),
            "contacts",
            ann.as_str(),
            zed.as_str(),
        )
        .unwrap();
    let asked = [zed.clone(), RecordId::from("999999"), ann.clone()];
    let read = client
        .read(Purpose::Complete, "contacts", &asked, &fields)
        .await
        .unwrap();
    let presence: Vec<Presence> = read
        .iter()
        .map(|found| found.records[0].presence.clone())
        .collect();
    let merged = Presence::MergedInto(survivor.clone().into());
    assert_eq!(presence, [merged.clone(), Presence::Inaccessible, merged]);
    portal
        .lock()
        .unwrap()
        .archive(
            clock.now(),
            Author::Colleague("1".into()),
            "contacts",
            &survivor,
        )
        .unwrap();
    let read = client
        .read(Purpose::Complete, "contacts", &[survivor.into()], &fields)
        .await
        .unwrap();
    assert_eq!(read[0].records[0].presence, Presence::Deleted);
    assert!(client.people().await.unwrap().is_empty());
    assert!(client.allowance().await.unwrap().used > 0);
}

#[tokio::test(start_paused = true)]
async fn hubspot_records_are_archived_by_id_and_again_without_harm() {
    let (portal, client, clock) = hubspot();
    let now = clock.now();
    let seed = |email: &str| {
        let values = values(&[("email", email)]);
        let mut portal = portal.lock().unwrap();
        RecordId(portal.seed("contacts", vec![(now, Author::World, values)]))
    };
    let ids = [seed("a@x.example"), seed("b@x.example")];
    let request = WriteRequest {
        object: "contacts".into(),
        kind: WriteKind::Delete,
        items: ids
            .iter()
            .map(|id| WriteItem {
                token: id.0.clone(),
                id: Some(id.clone()),
                key: None,
                to: None,
                fields: BTreeMap::new(),
            })
            .collect(),
    };
    for _ in 0..2 {
        for result in client.write(Purpose::Write, &request).await.unwrap() {
            done(&result);
        }
    }
    let read = client
        .read(Purpose::Complete, "contacts", &ids, &names(&["email"]))
        .await
        .unwrap();
    assert!(
        read.iter()
            .all(|one| one.records[0].presence == Presence::Deleted)
    );
}

#[tokio::test(start_paused = true)]
async fn a_hubspot_primary_company_is_set_read_and_removed() {
    let (portal, client, clock) = hubspot();
    let now = clock.now();
    let seed = |object: &str, pairs: &[(&str, &str)]| {
        RecordId(
            portal
                .lock()
                .unwrap()
                .seed(object, vec![(now, Author::World, values(pairs))]),
        )
    };
    let contact = seed("contacts", &[("email", "a@x.example")]);
    let lonely = seed("contacts", &[("email", "b@x.example")]);
    let company = seed("companies", &[("name", "Acme")]);
    let mut request = WriteRequest {
        object: "contacts".into(),
        kind: WriteKind::Associate {
            to_object: "companies".into(),
        },
        items: vec![WriteItem {
            token: "t".into(),
            id: Some(contact.clone()),
            key: None,
            to: Some(company.clone()),
            fields: BTreeMap::new(),
        }],
    };
    done(&client.write(Purpose::Associations, &request).await.unwrap()[0]);
    let ids = [contact.clone(), lonely.clone()];
    let found = client
        .primary_associations("contacts", &ids, "companies")
        .await
        .unwrap();
    assert_eq!(
        (found[&contact].clone(), found[&lonely].clone()),
        (Some(company), None)
    );
    request.kind = WriteKind::Dissociate {
        to_object: "companies".into(),
    };
    done(&client.write(Purpose::Associations, &request).await.unwrap()[0]);
    let found = client
        .primary_associations("contacts", &ids, "companies")
        .await
        .unwrap();
    assert_eq!(found[&contact], None);
}

#[tokio::test(start_paused = true)]
async fn the_gates_keep_a_busy_client_under_the_portals_limits() {
    let (portal, client, clock) = hubspot();
    let at = clock.now() - chrono::Duration::hours(1);
    for number in 0..1_001 {
        let email = format!("p{number}@x.example");
        portal.lock().unwrap().seed(
            "contacts",
            vec![(at, Author::World, values(&[("email", &email)]))],
        );
    }
    let (mut resume, mut read) = (None, 0);
    loop {
        let page = client
            .changed(
                "contacts",
                &names(&["email"]),
                window(&clock),
                resume.as_deref(),
            )
            .await
            .unwrap();
        read += page.records.len();
        resume = page.next;
        if resume.is_none() {
            break;
        }
    }
    assert_eq!((read, client.meter().total()), (1_001, 6));
    for _ in 0..400 {
        client.list("contacts", &[], None).await.unwrap();
    }
    assert_eq!(client.health().throttled, 0);
}
