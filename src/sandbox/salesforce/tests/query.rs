//! SOQL through the door: results, paging, refusals.

use super::*;

/// Five contacts, two accounts.
fn world() -> (Org, Vec<String>) {
    let mut org = org();
    let accounts = [("Acme", "Technology"), ("Börse", "Banking")].map(|(name, industry)| {
        let pairs = values(&[
            ("Name", name),
            ("Industry", industry),
            ("AnnualRevenue", "100"),
            ("BillingCity", "Ulm"),
        ]);
        org.seed("Account", vec![(now(), Author::World, pairs)])
    });
    let rows: [(&str, &str, &str, &str, i64); 5] = [
        ("Diaz", "ana@x.example", &accounts[0], "CTO", 0),
        ("diaz", "", &accounts[0], "50% off_season", 0),
        ("O'Hara", "ohara@x.example", &accounts[1], "", 1),
        ("Zeta", "ana@x.example", "", "cto", 2),
        ("Émile", "emile@y.example", "", "Back\\slash", 3),
    ];
    let ids = rows.map(|(name, email, account, title, at)| {
        contact(
            &mut org,
            at,
            &[
                ("LastName", name),
                ("Email", email),
                ("AccountId", account),
                ("Title", title),
            ],
        )
    });
    (org, ids.to_vec())
}

#[test]
fn filters_pick_the_rows_the_vendor_would() {
    let (mut org, ids) = world();
    for (filter, expected) in [
        ("LastName = 'DIAZ'", vec![0, 1]),
        ("LastName != 'diaz'", vec![2, 3, 4]),
        ("Email = null", vec![1]),
        ("Email = ''", vec![1]),
        ("Email != null AND Title != null", vec![0, 3, 4]),
        ("Email != 'ana@x.example'", vec![1, 2, 4]),
        ("NOT Email = 'ana@x.example'", vec![1, 2, 4]),
        ("(NOT (LastName = 'Diaz' OR Title = null))", vec![3, 4]),
        ("LastName IN ('zeta', 'O\\'Hara')", vec![2, 3]),
        ("LastName NOT IN ('zeta', 'O\\'Hara')", vec![0, 1, 4]),
        (
            "Email IN ('ANA@x.example', 'emile@y.example')",
            vec![0, 3, 4],
        ),
        ("Email IN (null, 'emile@y.example')", vec![1, 4]),
        ("LastName LIKE 'd_a%'", vec![0, 1]),
        ("Title LIKE '50\\% off\\_%'", vec![1]),
        ("Title LIKE '%c%'", vec![0, 3, 4]),
        ("Title = 'Back\\\\slash'", vec![4]),
        ("LastName = '\\u00c9mile'", vec![4]),
        ("Title LIKE '%%%%%%%%%%%%%%%%z'", vec![]),
        ("SystemModstamp > 2026-11-20T09:15:02Z", vec![2, 3, 4]),
        (
            "SystemModstamp >= 2026-11-20T10:15:04.000+01:00",
            vec![3, 4],
        ),
        ("SystemModstamp = 2026-11-20T09:15:02Z", vec![0, 1]),
        ("CreatedDate = TODAY", vec![0, 1, 2, 3, 4]),
        ("CreatedDate = YESTERDAY", vec![]),
        ("CreatedDate < LAST_N_DAYS:3", vec![]),
        ("CreatedDate = LAST_N_DAYS:3", vec![0, 1, 2, 3, 4]),
        ("DoNotCall = false", vec![0, 1, 2, 3, 4]),
        ("IsDeleted = true", vec![]),
        ("Account.Name = 'acme'", vec![0, 1]),
        (
            "Account.Industry IN ('Banking') OR Title = 'CTO'",
            vec![0, 2, 3],
        ),
        (
            "Owner.IsActive = true AND Owner.Type = 'User'",
            vec![0, 1, 2, 3, 4],
        ),
        ("Contact.Account.BillingCity = 'ULM'", vec![0, 1, 2]),
        ("Account.AnnualRevenue >= 99.5", vec![0, 1, 2]),
        (
            "AccountId IN (SELECT Id FROM Account WHERE Name LIKE 'b%')",
            vec![2],
        ),
        (
            "AccountId NOT IN (SELECT Id FROM Account WHERE Name LIKE 'b%')",
            vec![0, 1, 3, 4],
        ),
    ] {
        let text = format!("SELECT Id FROM Contact WHERE {filter}");
        let (status, answer) = soql(&mut org, &text);
        assert_eq!(status, 200, "{text}: {answer}");
        let expected: Vec<Value> = expected.iter().map(|n: &usize| json!(ids[*n])).collect();
        assert_eq!(column(&answer, "Id"), expected, "{text}");
    }
    let by_id = format!(
        "SELECT Id FROM Contact WHERE Id > '{}' AND Id != '{}'",
        &ids[1][..15],
        ids[4]
    );
    assert_eq!(
        column(&soql(&mut org, &by_id).1, "Id"),
        [json!(ids[2]), json!(ids[3])]
    );
    let by_list = format!(
        "SELECT Id FROM Contact WHERE Id IN ('{}','{}')",
        ids[4],
        &ids[0][..15]
    );
    assert_eq!(
        column(&soql(&mut org, &by_list).1, "Id"),
        [json!(ids[0]), json!(ids[4])]
    );
}

#[test]
fn a_text_with_any_character_cannot_leave_its_quotes() {
    let mut org = org();
    for hostile in [
        "x' OR LastName != '",
        "\\' OR Id != null --",
        "%'; DROP",
        "a\nb",
        "\"",
        "\\",
        "'",
        "_%",
        "日本\u{0}",
    ] {
        let name = format!("N{hostile}N");
        let id = contact(&mut org, 0, &[("LastName", &name)]);
        contact(&mut org, 0, &[("LastName", "Other")]);
        let quoted: String = name
            .chars()
            .map(|letter| match letter {
                '\\' | '\'' => format!("\\{letter}"),
                '\n' => "\\n".into(),
                other => other.to_string(),
            })
            .collect();
        let (status, answer) = soql(
            &mut org,
            &format!("SELECT Id FROM Contact WHERE LastName = '{quoted}'"),
        );
        assert_eq!(
            (status, column(&answer, "Id")),
            (200, vec![json!(id)]),
            "{hostile:?} {answer}"
        );
    }
}

#[test]
fn what_the_vendor_does_not_parse_is_refused_with_its_place() {
    let (mut org, _) = world();
    for (text, expected) in [
        ("", "MALFORMED_QUERY"),
        ("SELECT", "MALFORMED_QUERY"),
        ("SELECT FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        (
            "SELECT Id FROM Contact WHERE LastName = 'x",
            "MALFORMED_QUERY",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName = 'x\\q'",
            "MALFORMED_QUERY",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName = 'a' AND Title = 'b' OR Title = 'c'",
            "MALFORMED_QUERY",
        ),
        (
            "SELECT Id FROM Contact WHERE (LastName = 'a'",
            "MALFORMED_QUERY",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName == 'a'",
            "MALFORMED_QUERY",
        ),
        ("SELECT Id FROM Contact; DELETE", "MALFORMED_QUERY"),
        ("SELECT Id, Id FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact ORDER LastName", "MALFORMED_QUERY"),
        ("SELECT * FROM Contact", "MALFORMED_QUERY"),
        ("SELECT FIELDS(ALL) FROM Contact", "MALFORMED_QUERY"),
        ("SELECT LastName, COUNT(Id) FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD"),
        (
            "SELECT Id FROM Contact WHERE Description = 'x'",
            "INVALID_FIELD",
        ),
        (
            "SELECT Id FROM Contact WHERE SystemModstamp > '2026-11-20T09:15:02Z'",
            "INVALID_FIELD",
        ),
        ("SELECT Id FROM Contact WHERE LastName = 5", "INVALID_FIELD"),
        (
            "SELECT Id FROM Contact WHERE DoNotCall = 'true'",
            "INVALID_FIELD",
        ),
        (
            "SELECT Id FROM Contact WHERE Id = 'junk'",
            "INVALID_QUERY_FILTER_OPERATOR",
        ),
        ("SELECT Id FROM Accout", "INVALID_TYPE"),
        (
            "SELECT (SELECT Id FROM Nothings) FROM Account",
            "INVALID_TYPE",
        ),
        (
            "SELECT Id FROM Contact OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
        ),
    ] {
        assert_eq!(
            code(&soql(&mut org, text)),
            (400, expected.into()),
            "{text}"
        );
    }
    let deep = format!(
        "SELECT Id FROM Contact WHERE {}Id = null{}",
        "(".repeat(2000),
        ")".repeat(2000)
    );
    assert_eq!(
        code(&soql(&mut org, &deep)),
        (400, "MALFORMED_QUERY".into())
    );
    let (_, wrong) = soql(&mut org, "SELECT Id, Nope FROM Contact");
    let message = wrong[0]["message"].as_str().unwrap();
    assert!(
        message.contains("ERROR at Row:1:Column:12\nNo such column 'Nope' on entity 'Contact'"),
        "{message}"
    );
}

#[test]
fn relationships_nest_and_missing_parents_and_children_are_null() {
    let (mut org, ids) = world();
    let (_, answer) = soql(
        &mut org,
        "SELECT Id, Account.Name, Account.Owner.Name, Owner.Type FROM Contact ORDER BY Id",
    );
    let first = &answer["records"][0];
    assert_eq!(first["Account"]["attributes"]["type"], "Account");
    assert_eq!(first["Account"]["Owner"]["Name"], "Dana Whitfield");
    assert_eq!(first["Owner"]["Type"], "User");
    assert_eq!(answer["records"][3]["Account"], Value::Null);
    let text = "SELECT Name, (SELECT Id, LastName FROM Contacts WHERE Email != null ORDER BY LastName LIMIT 5) FROM Account ORDER BY Name";
    let (_, answer) = soql(&mut org, text);
    let children = &answer["records"][0]["Contacts"];
    assert_eq!(
        (&children["totalSize"], &children["done"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(children["records"][0]["Id"], json!(ids[0]));
    let (_, answer) = soql(
        &mut org,
        "SELECT Id, (SELECT Id FROM ChildAccounts) FROM Account",
    );
    assert_eq!(column(&answer, "ChildAccounts"), [Value::Null, Value::Null]);
    let (_, address) = soql(&mut org, "SELECT BillingAddress FROM Account LIMIT 1");
    assert_eq!(address["records"][0]["BillingAddress"]["city"], "Ulm");
}

#[test]
fn order_limit_and_offset_cut_as_told() {
    let (mut org, _) = world();
    for (tail, expected) in [
        (
            "ORDER BY LastName, Id DESC",
            ["diaz", "Diaz", "O'Hara", "Zeta", "Émile"].as_slice(),
        ),
        (
            "ORDER BY Account.Name DESC NULLS LAST, LastName DESC, Id LIMIT 3",
            &["O'Hara", "Diaz", "diaz"],
        ),
        ("ORDER BY Email NULLS FIRST LIMIT 1", &["diaz"]),
        (
            "ORDER BY SystemModstamp DESC, Id LIMIT 2 OFFSET 1",
            &["Zeta", "O'Hara"],
        ),
        ("LIMIT 0", &[]),
    ] {
        let (_, answer) = soql(&mut org, &format!("SELECT LastName FROM Contact {tail}"));
        assert_eq!(column(&answer, "LastName"), expected, "{tail}");
    }
}

#[test]
fn counts_and_groups_add_up() {
    let (mut org, _) = world();
    let (_, count) = soql(&mut org, "select count() from Contact where Email != null");
    assert_eq!(count, json!({"totalSize": 4, "done": true, "records": []}));
    let (_, answer) = soql(&mut org, "SELECT COUNT(Id) FROM Contact");
    assert_eq!(
        answer["records"],
        json!([{"attributes": {"type": "AggregateResult"}, "expr0": 5}])
    );
    let text = "SELECT Email, COUNT(Id) n, MAX(SystemModstamp) FROM Contact GROUP BY Email HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC";
    let (_, answer) = soql(&mut org, text);
    assert_eq!(
        answer["records"],
        json!([{"attributes": {"type": "AggregateResult"}, "Email": "ana@x.example", "n": 2,
        "expr0": "2026-11-20T09:15:04.000+0000"}])
    );
    let (_, answer) = soql(
        &mut org,
        "SELECT Account.Industry, COUNT(Email) FROM Contact GROUP BY Account.Industry ORDER BY Account.Industry",
    );
    assert_eq!(
        column(&answer, "Industry"),
        [Value::Null, json!("Banking"), json!("Technology")]
    );
    assert_eq!(column(&answer, "expr0"), [json!(2), json!(1), json!(1)]);
    let (_, answer) = soql(
        &mut org,
        "SELECT SUM(AnnualRevenue), AVG(AnnualRevenue), COUNT_DISTINCT(Industry), MIN(Name) FROM Account",
    );
    let sums = &answer["records"][0];
    assert_eq!(
        [
            &sums["expr0"],
            &sums["expr1"],
            &sums["expr2"],
            &sums["expr3"]
        ],
        [&json!(200), &json!(100), &json!(2), &json!("Acme")]
    );
}

fn pages(org: &mut Org, first: (u16, Value)) -> Vec<Value> {
    let mut answer = first.1;
    let mut all = column(&answer, "Id");
    while let Some(next) = answer["nextRecordsUrl"].as_str().map(str::to_owned) {
        assert_eq!(answer["done"], json!(false));
        answer = get(org, next.strip_prefix("/services/data/v68.0").unwrap()).1;
        all.extend(column(&answer, "Id"));
    }
    assert_eq!(answer["done"], json!(true));
    all
}

#[test]
fn pages_of_many_equal_stamps_hold_every_row_once() {
    let mut org = org();
    let ids: Vec<Value> = (0..4_500)
        .map(|n| json!(contact(&mut org, n / 3000, &[("LastName", "Tie")])))
        .collect();
    let text = "SELECT Id, SystemModstamp FROM Contact ORDER BY SystemModstamp, Id";
    let first = soql(&mut org, text);
    assert_eq!(
        (
            &first.1["totalSize"],
            first.1["records"].as_array().unwrap().len()
        ),
        (&json!(4500), 2000)
    );
    assert_eq!(pages(&mut org, first), ids);
    let mut hinted = request(
        "GET",
        "/services/data/v68.0/query?q=SELECT+Id+FROM+Contact",
        None,
    );
    hinted
        .headers
        .push(("sforce-query-options".into(), "batchSize=50".into()));
    let first = org.handle(now(), &hinted);
    assert_eq!(json_of(&first)["records"].as_array().unwrap().len(), 200);
    assert_eq!(pages(&mut org, (200, json_of(&first))).len(), 4500);
    // Keyset paging over ties, as the engine does it.
    let mut seen = Vec::new();
    let mut filter = String::new();
    loop {
        let text = format!(
            "SELECT Id, SystemModstamp FROM Contact {filter} ORDER BY SystemModstamp ASC, Id ASC LIMIT 1999"
        );
        let (_, answer) = soql(&mut org, &text);
        let rows = answer["records"].as_array().unwrap().clone();
        let Some(last) = rows.last() else { break };
        let stamp = last["SystemModstamp"]
            .as_str()
            .unwrap()
            .replace(".000+0000", "Z");
        let id = last["Id"].as_str().unwrap();
        filter =
            format!("WHERE (SystemModstamp = {stamp} AND Id > '{id}') OR SystemModstamp > {stamp}");
        seen.extend(rows.iter().map(|row| row["Id"].clone()));
    }
    assert_eq!(seen, ids);
}

#[test]
fn a_locator_lives_two_days_and_shows_values_of_the_moment() {
    let mut org = org();
    let ids: Vec<String> = (0..2_001)
        .map(|_| contact(&mut org, 0, &[("LastName", "Old")]))
        .collect();
    let (_, first) = soql(&mut org, "SELECT Id, LastName FROM Contact ORDER BY Id");
    let next = first["nextRecordsUrl"]
        .as_str()
        .unwrap()
        .strip_prefix("/services/data/v68.0")
        .unwrap()
        .to_owned();
    assert!(next.starts_with("/query/0r8") && next.ends_with("-2000"));
    org.edit(
        later(1),
        &Author::World,
        "Contact",
        &ids[2000],
        values(&[("LastName", "New")]),
    )
    .unwrap();
    let (_, page) = call_at(&mut org, later(2), "GET", &next, None);
    assert_eq!(column(&page, "LastName"), [json!("New")]);
    let dead = call_at(&mut org, now() + Duration::days(2), "GET", &next, None);
    assert_eq!(code(&dead), (400, "INVALID_QUERY_LOCATOR".into()));
    for junk in ["junk", "junk-1", "-", "0r8-99999999999999999999"] {
        let answer = get(&mut org, &format!("/query/{junk}"));
        assert_eq!(
            code(&answer),
            (400, "INVALID_QUERY_LOCATOR".into()),
            "{junk}"
        );
    }
}

#[test]
fn ten_thousand_contacts_are_queried_fast() {
    let mut org = org();
    for n in 0..10_000 {
        let email = format!("c{n}@x.example");
        contact(&mut org, n, &[("LastName", "Diaz"), ("Email", &email)]);
    }
    let started = std::time::Instant::now();
    for n in 0..50 {
        let text = format!(
            "SELECT Id, LastName FROM Contact WHERE Email IN ('c{n}@x.example', 'C{}@x.example')",
            n + 100
        );
        assert_eq!(soql(&mut org, &text).1["totalSize"], 2);
    }
    let indexed = started.elapsed();
    let started = std::time::Instant::now();
    let (_, page) = soql(
        &mut org,
        "SELECT FIELDS(STANDARD) FROM Contact WHERE SystemModstamp > 2026-11-20T09:15:00Z ORDER BY SystemModstamp, Id LIMIT 2000",
    );
    assert_eq!(page["totalSize"], 2000);
    // Generous: this is an unoptimised build on a shared machine.
    assert!(
        indexed.as_millis() < 1_000 && started.elapsed().as_millis() < 3_000,
        "{indexed:?} {:?}",
        started.elapsed()
    );
}
