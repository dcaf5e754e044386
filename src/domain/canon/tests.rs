//! Tables of canonical forms (docs/design/sync-semantics.md 3).

use super::*;

fn options() -> CanonOptions {
    CanonOptions {
        country: "US".to_owned(),
        ..CanonOptions::default()
    }
}

fn form(kind: FieldType, raw: &str) -> Canon {
    canon(kind, &options(), &Value::text(raw))
}

fn number(text: &str) -> Canon {
    form(FieldType::Number, text)
}

#[test]
fn every_kind_of_blank_is_null() {
    for kind in [
        FieldType::Text,
        FieldType::Email,
        FieldType::Number,
        FieldType::Date,
        FieldType::MultiPicklist,
    ] {
        for raw in ["", " ", "\u{a0}\t", "\r\n"] {
            assert_eq!(form(kind, raw), Canon::Null, "{kind:?} {raw:?}");
        }
    }
    assert_eq!(form(FieldType::MultiPicklist, " ; ;"), Canon::Null);
}

#[test]
fn an_unknown_value_is_never_blank() {
    let seen = canon(FieldType::Text, &options(), &Value::Unknown);
    assert_eq!(seen, Canon::Unknown);
    assert_eq!(match_key(&seen), None);
}

#[test]
fn text_keeps_case_and_inner_space_and_loses_line_ends_and_outer_space() {
    assert_eq!(
        form(FieldType::Text, "  a  b \r\nc\t\r"),
        Canon::Text("a  b\nc".into())
    );
    assert_eq!(
        form(FieldType::Text, "Zoe\u{308}"),
        form(FieldType::Text, "Zo\u{eb}")
    );
    assert_ne!(form(FieldType::Text, "Ann"), form(FieldType::Text, "ANN"));
}

#[test]
fn an_email_loses_case_mailto_and_its_domain_becomes_ascii_and_nothing_is_corrected() {
    let rows = [
        (" Ann.Lee+x@Example.COM ", "ann.lee+x@example.com"),
        ("MAILTO:ann@example.com", "ann@example.com"),
        ("ann@B\u{fc}cher.example", "ann@xn--bcher-kva.example"),
        // What has no ASCII form that a domain may have stays as it is.
        ("ann@b\u{fc} cher.example", "ann@b\u{fc} cher.example"),
    ];
    for (raw, expected) in rows {
        assert_eq!(form(FieldType::Email, raw), Canon::Email(expected.into()));
    }
    assert!(form(FieldType::Email, "no address").parse_failed());
}

#[test]
fn a_phone_is_e164_with_its_extension_and_what_is_none_keeps_its_digits() {
    let rows = [
        ("(415) 555-2671", "+14155552671"),
        ("415.555.2671 x12", "+14155552671;ext=12"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("0044 20 7946 0018", "+442079460018"),
        ("011 44 20 7946 0018", "+442079460018"),
        ("tel:+14155552671", "+14155552671"),
        ("４１５\u{a0}５５５\u{2011}２６７１", "+14155552671"),
        ("12-34-56", "123456"),
        ("1-23-45", "12345"),
    ];
    for (raw, expected) in rows {
        assert_eq!(
            form(FieldType::Phone, raw),
            Canon::Phone(expected.into()),
            "{raw}"
        );
    }
    assert_eq!(
        form(FieldType::Phone, "n/a 12"),
        Canon::Unparsed("n/a 12".into())
    );
}

#[test]
fn numbers_are_exact_and_have_one_form() {
    for same in ["1", "1.0", "+1.00", "01", "1e0", "100E-2"] {
        assert_eq!(number(same), number("1"), "{same}");
    }
    assert_eq!(number("-0.00"), number("0"));
    assert_eq!(number("-0").render(), "0");
    assert_eq!(number(".5").render(), "0.5");
    assert_eq!(
        number("123456789012345678.10").render(),
        "123456789012345678.1"
    );
    assert_eq!(number("1e30").render().len(), 31);
    assert_eq!(number("123.45e5").render(), "12345000");
    assert_eq!(number("0.00012e2").render(), "0.012");
    assert!(!number("1").parse_failed());
    for garbage in ["1e999", "1,5", "NaN", ".", "-", "1-2", "0x10"] {
        assert!(number(garbage).parse_failed(), "{garbage}");
    }
}

#[test]
fn numbers_round_half_even_to_the_smaller_scale() {
    let round = |raw: &str, scale: u32| {
        let options = CanonOptions {
            scale: Some(scale),
            ..options()
        };
        canon(FieldType::Money, &options, &Value::text(raw)).render()
    };
    let rows = [
        ("2.345", "2.34"),
        ("2.355", "2.36"),
        ("2.3451", "2.35"),
        ("-9.995", "-10"),
        ("0.005", "0"),
        ("0.015", "0.02"),
    ];
    for (raw, expected) in rows {
        assert_eq!(round(raw, 2), expected, "{raw}");
    }
    assert_eq!(round("0.5", 0), "0");
    assert_eq!(round("1.5", 0), "2");
    assert_eq!(round("999.9", 0), "1000");
}

#[test]
fn grouping_is_stripped_only_in_strict_groups() {
    let grouped = CanonOptions {
        grouping: Some(','),
        ..options()
    };
    let read = |raw: &str| canon(FieldType::Number, &grouped, &Value::text(raw));
    assert_eq!(read("1,234,567.50").render(), "1234567.5");
    for garbage in ["1,23", ",123", "1234,567", "12,,345"] {
        assert!(read(garbage).parse_failed(), "{garbage}");
    }
}

#[test]
fn numbers_order_by_size() {
    let sorted = ["-10", "-2.5", "-2.45", "0", "0.05", "0.5", "9", "10"];
    for pair in sorted.windows(2) {
        assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
    }
}

#[test]
fn a_date_is_a_day_however_it_is_written() {
    for same in [
        "2024-02-29",
        "1709164800000",
        "2024-02-29T00:00:00.000+0000",
    ] {
        assert_eq!(form(FieldType::Date, same).render(), "2024-02-29", "{same}");
    }
    for garbage in [
        "2023-02-29",
        "2024-2-9",
        "2024-02-9",
        "1709164800001",
        "2024-02-29T01:00:00Z",
        "tomorrow",
    ] {
        assert!(form(FieldType::Date, garbage).parse_failed(), "{garbage}");
    }
}

#[test]
fn a_moment_counts_in_the_seconds_that_salesforce_stores() {
    let seconds = CanonOptions {
        whole_seconds: true,
        ..options()
    };
    let read = |raw: &str| canon(FieldType::DateTime, &seconds, &Value::text(raw));
    for same in [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.999+0000",
        "2025-12-31T19:00:00-05:00",
        "1767225600000",
    ] {
        assert_eq!(read(same).render(), "2026-01-01T00:00:00Z", "{same}");
    }
    assert_eq!(
        form(FieldType::DateTime, "1767225600123").render(),
        "2026-01-01T00:00:00.123Z"
    );
}

#[test]
fn a_blank_beside_a_checkbox_is_false() {
    let checkbox = CanonOptions {
        blank_is_false: true,
        ..options()
    };
    let read = |value: &Value| canon(FieldType::Bool, &checkbox, value);
    assert_eq!(read(&Value::Null), read(&Value::text("FALSE")));
    assert_ne!(read(&Value::Null), read(&Value::text("true")));
    assert_eq!(form(FieldType::Bool, ""), Canon::Null);
    assert!(form(FieldType::Bool, "Yes").parse_failed());
}

#[test]
fn a_multi_picklist_is_a_set() {
    assert_eq!(
        form(FieldType::MultiPicklist, "b; a;b"),
        form(FieldType::MultiPicklist, ";a;b")
    );
    assert_ne!(
        form(FieldType::MultiPicklist, "a"),
        form(FieldType::MultiPicklist, "A")
    );
}

#[test]
fn a_url_ignores_the_case_of_its_host_only() {
    assert_eq!(
        form(FieldType::Url, "HTTP://Acme.COM/"),
        form(FieldType::Url, "http://acme.com")
    );
    assert_ne!(
        form(FieldType::Url, "acme.com/A"),
        form(FieldType::Url, "acme.com/a")
    );
}

#[test]
fn a_host_is_found_in_urls_addresses_and_bare_hosts() {
    let rows = [
        ("https://www.Acme.com/x?y#z", "acme.com"),
        ("http://user:pw@shop.acme.co.uk:8080/", "shop.acme.co.uk"),
        ("ann@acme.com", "acme.com"),
        ("mailto:ann@acme.com", "acme.com"),
        ("MailTo:acme.com", "acme.com"),
        ("ACME.com.", "acme.com"),
        ("//acme.com/a", "acme.com"),
        ("www.www.acme.com", "acme.com"),
        ("www.com", "www.com"),
        ("b\u{fc}cher.example", "xn--bcher-kva.example"),
    ];
    for (raw, expected) in rows {
        assert_eq!(host(raw).as_deref(), Ok(expected), "{raw}");
    }
    assert_eq!(registrable("shop.acme.co.uk"), Some("acme.co.uk"));
    assert_eq!(registrable("co.uk"), None);
}

#[test]
fn what_is_no_companys_host_is_refused_with_the_reason() {
    assert!(matches!(host("10.0.0.1"), Err(HostError::Address(_))));
    assert!(matches!(host("http://[::1]/"), Err(HostError::Address(_))));
    assert!(matches!(host("localhost"), Err(HostError::SingleLabel(_))));
    assert!(matches!(host("co.uk"), Err(HostError::PublicSuffix(_))));
    assert!(matches!(host("-acme.com"), Err(HostError::Malformed(_))));
    assert!(matches!(
        host("not a host.com"),
        Err(HostError::Malformed(_))
    ));
    assert!(matches!(host("https://"), Err(HostError::Missing)));
}

#[test]
fn a_match_key_drops_what_nobody_sees_and_case_and_a_free_mail_domain_is_none() {
    let key = |kind, raw: &str| match_key(&form(kind, raw));
    assert_eq!(
        key(FieldType::Text, "Ac\u{200b}me\u{a0}Inc"),
        key(FieldType::Text, "\u{feff}ACMEinc")
    );
    assert_eq!(key(FieldType::Text, "\u{200b}"), None);
    assert_eq!(key(FieldType::Email, "none"), None);
    assert_eq!(match_key(&Canon::Domain("gmail.com".into())), None);
    assert_eq!(
        match_key(&Canon::Domain("acme.com".into())),
        Some("acme.com".into())
    );
    assert_eq!(
        key(FieldType::Email, "Ann@gmail.com"),
        Some("ann@gmail.com".into())
    );
    let about = include_str!("../../../assets/free-mail.txt").lines().next();
    assert!(about.is_some_and(|line| line.starts_with('#') && !is_free_mail(line)));
}

#[test]
fn the_longest_label_host_and_exponent_are_accepted_and_one_more_is_not() {
    let label = |length: usize| "a".repeat(length);
    let malformed = |text: String| matches!(host(&text), Err(HostError::Malformed(_)));
    assert!(host(&format!("{}.com", label(63))).is_ok());
    assert!(malformed(format!("{}.com", label(64))));
    // Four labels of 60 with a dot after each, and a last one.
    let long = |last: usize| format!("{0}.{0}.{0}.{0}.{1}", label(60), label(last));
    assert_eq!(long(9).len(), 253);
    assert!(host(&long(9)).is_ok());
    assert!(malformed(long(10)));
    assert!(malformed("acme-.com".to_owned()));
    assert!(malformed("a..com".to_owned()));
    assert!(malformed("acme.com:x".to_owned()));
    assert_eq!(host("a_b.acme.com").as_deref(), Ok("a_b.acme.com"));
    assert_eq!(number("1e400").render().len(), 401);
    assert_eq!(number("1e-400").render().len(), 402);
    assert!(number("1e401").parse_failed());
    assert!(number("1e-401").parse_failed());
}

#[test]
fn a_text_as_long_as_a_phone_field_is_read_and_a_country_without_numbers_is_refused() {
    let padded = |length: usize| format!("415{}5552671", " ".repeat(length - 10));
    assert!(phone(&padded(250), "US").is_ok());
    assert!(phone(&padded(251), "US").is_err());
    for country in ["ZZ", "AQ", "USA", "?"] {
        let refused = phone("+14155552671", country);
        assert_eq!(refused, Err(PhoneError::Country(country.to_owned())));
    }
}

#[test]
fn a_text_in_a_message_is_cut_after_sixty_letters() {
    let text = |letters: usize| "ä".repeat(letters);
    assert_eq!(clip(&text(60)), text(60));
    assert_eq!(clip(&text(61)), format!("{}…", text(60)));
}
