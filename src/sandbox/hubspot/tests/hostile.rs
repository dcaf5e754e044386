//! Input that no client should send.

use serde_json::{Value, json};

use super::Desk;

#[test]
fn broken_bodies_answer_400_and_never_panic() {
    let mut desk = Desk::new();
    let id = desk.make("contacts", json!({"lastname": "L"}));
    let bodies: [&[u8]; 9] = [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b"{\"properties\": 7, \"inputs\": 7}",
        b"{\"inputs\": [7, null, {\"id\": {}}], \"properties\": {\"email\": []}}",
        b"{\"inputs\": [{\"id\": 18446744073709551616}], \"filterGroups\": [{\"filters\": [7]}]}",
        b"\xff\xfe\x00",
    ];
    let paths = [
        "",
        "/batch/read",
        "/batch/create",
        "/batch/update",
        "/batch/upsert",
        "/batch/archive",
        "/search",
        "/merge",
    ];
    for body in bodies {
        for path in paths {
            let got = desk.send(
                "POST",
                &format!("/crm/objects/2026-09/contacts{path}"),
                body.to_vec(),
            );
            assert!(got.status < 500, "{path} {}", got.status);
            desk.now += chrono::Duration::seconds(1);
        }
        for path in [
            "/crm/properties/2026-09/contacts",
            "/crm/pipelines/2026-09/deals",
            "/oauth/v1/token",
            "/crm/v4/associations/contacts/companies/batch/create",
            "/crm/v4/associations/contacts/companies/labels",
        ] {
            assert!(
                desk.send("POST", path, body.to_vec()).status < 500,
                "{path}"
            );
        }
        desk.send(
            "PATCH",
            &format!("/crm/objects/2026-09/contacts/{id}"),
            body.to_vec(),
        );
    }
    assert_eq!(desk.portal.ids("contacts").len(), 1);
}

#[test]
fn odd_paths_and_methods_have_answers() {
    let mut desk = Desk::new();
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/crm/objects/2026-09", 404),
        ("GET", "/crm/objects/2031-09/contacts", 404),
        ("PUT", "/crm/objects/2026-09/contacts", 405),
        ("GET", "/crm/objects/2026-09/contacts/batch/read", 404),
        (
            "GET",
            "/crm/objects/2026-09/contacts/99999999999999999999",
            404,
        ),
        ("POST", "/crm/objects/2026-09/contacts/batch/explode", 404),
        ("DELETE", "/crm/owners/2026-09/1", 405),
        (
            "GET",
            "/crm/pipelines/2026-09/deals/default/stages/none",
            404,
        ),
    ] {
        assert_eq!(
            desk.call(method, path, Value::Null).status,
            if path.ends_with("explode") {
                400
            } else {
                status
            },
            "{method} {path}"
        );
    }
}

#[test]
fn control_characters_and_huge_texts_come_back_as_they_went_in() {
    let mut desk = Desk::new();
    let odd = "a\u{0}b\u{1b}[31m\"\\';--\u{202e}\n\r\u{1F469}\u{200D}";
    let id = desk.make(
        "contacts",
        json!({"lastname": odd, "message": "x".repeat(65_536)}),
    );
    assert_eq!(desk.read("contacts", &id, "lastname"), odd);
    let body = json!({"properties": {"lastname": "x".repeat(65_537)}});
    assert_eq!(desk.post("/crm/objects/2026-09/contacts", body).status, 400);
}
