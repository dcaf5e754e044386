//! What the store knows, from an export.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use syncline::domain::{Base, Conflict, ErrorItem, ItemState, Link, LinkId, Op, RunRecord};

use crate::process::Desk;

#[derive(Default)]
pub struct Books {
    pub links: Vec<Link>,
    pub bases: BTreeMap<LinkId, Base>,
    pub items: Vec<Conflict>,
    pub errors: Vec<ErrorItem>,
    pub ops: Vec<Op>,
    pub runs: Vec<RunRecord>,
}

fn row<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

impl Books {
    pub fn read(desk: &Desk) -> Books {
        let mut books = Books::default();
        for line in desk.run(&["export"]).ends(0).lines() {
            let value = &line["value"];
            match line["family"].as_str() {
                Some("link") => books.links.push(row(value)),
                Some("base") => {
                    // The key ends with the link's id.
                    let key = line["key"].as_str().unwrap();
                    let link = key[key.len() - 32..].parse().unwrap();
                    books.bases.insert(link, row(value));
                }
                Some("conf" | "rev") => books.items.push(row(value)),
                Some("err") => books.errors.push(row(value)),
                Some("jrn") => books.ops.push(row(value)),
                Some("run") => books.runs.push(row(value)),
                _ => {}
            }
        }
        assert!(!books.links.is_empty() && !books.runs.is_empty());
        books
    }

    pub fn drafts(&self) -> usize {
        let draft = |item: &&Conflict| item.state == ItemState::Draft;
        self.items.iter().filter(draft).count()
    }
}
