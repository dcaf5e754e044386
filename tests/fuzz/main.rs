//! T6 of docs/design/testing.md: what reads foreign bytes must not panic, hang or lose what it wrote itself. Every target is a
//! plain `fn(&[u8])`, so that another driver can be put before it; here each is given the lines of its file in `corpus`, those
//! lines with bytes changed, and bytes of all kinds. `FUZZ_CASES` says how many of the latter two (128), `FUZZ_SEED` draws others.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod drive;
mod stored;
mod texts;
mod values;
mod vendors;

macro_rules! targets {
    ($($module:ident :: $name:ident)*) => {
        $(
            #[test]
            fn $name() {
                drive::drive(stringify!($name), $module::$name, include_str!(concat!("corpus/", stringify!($name), ".txt")));
            }
        )*
    };
}

targets! {
    vendors::salesforce_answers
    vendors::hubspot_answers
    vendors::refusals
    vendors::limit_headers
    vendors::record_ids
    values::moments
    values::decimals
    values::phones
    values::hosts
    values::emails
    values::picklist_sets
    values::canonical_forms
    texts::config_file
    texts::conditions
    texts::queries
    texts::terminal
    stored::rows
    stored::row_keys
    stored::backups
    stored::plan_file
}
