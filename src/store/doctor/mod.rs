//! The offline check of the store (docs/design/sync-semantics.md 22 rule 11): every value decodes, and no row points to nothing (I-7, I-25).
//! Reads everything, changes nothing.

mod counts;
mod layout;
mod links;
mod pages;
mod work;

use serde::{Deserialize, Serialize};

use super::{Store, StoreError};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// All is well.
    Ok,
    /// Strange, harmless.
    Warn,
    /// Wrong.
    Fail,
}

/// One line of what the doctor found (docs/design/product.md, Machine-readable output: `doctor`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The check: `values`, `links`, `bases`, `open_ops`…
    pub check: String,
    /// What it is about: a key in hexadecimal, an id, a count's name; empty for the check as a whole.
    pub subject: String,
    /// How it ended.
    pub state: FindingState,
    /// What was found, in a sentence.
    pub message: String,
    /// What to do; empty where nothing is.
    pub next: String,
}

/// Findings of one check that are listed one by one; the rest is a number.
const LISTED: u64 = 20;

/// Collects the findings of one check.
struct Check {
    name: &'static str,
    next: &'static str,
    looked_at: u64,
    problems: u64,
    findings: Vec<Finding>,
}

impl Check {
    fn new(name: &'static str, next: &'static str) -> Self {
        Check {
            name,
            next,
            looked_at: 0,
            problems: 0,
            findings: Vec::new(),
        }
    }

    fn fail(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.problem(FindingState::Fail, subject.into(), message.into());
    }

    fn warn(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.problem(FindingState::Warn, subject.into(), message.into());
    }

    fn problem(&mut self, state: FindingState, subject: String, message: String) {
        self.problems += 1;
        if self.problems <= LISTED {
            self.findings.push(self.finding(state, subject, message));
        }
    }

    fn finding(&self, state: FindingState, subject: String, message: String) -> Finding {
        Finding {
            check: self.name.to_owned(),
            subject,
            state,
            message,
            next: self.next.to_owned(),
        }
    }

    /// The findings; one that says ok where there is no problem.
    fn finish(mut self) -> Vec<Finding> {
        if self.problems == 0 {
            let message = format!("{} looked at, all in order", self.looked_at);
            let ok = self.finding(FindingState::Ok, String::new(), message);
            return vec![Finding {
                next: String::new(),
                ..ok
            }];
        }
        if self.problems > LISTED {
            let message = format!("{} more like these", self.problems - LISTED);
            let state = self.findings.iter().map(|finding| finding.state).max();
            let more = self.finding(state.unwrap_or(FindingState::Fail), String::new(), message);
            self.findings.push(more);
        }
        self.findings
    }
}

/// Next step where the store itself is not to be trusted.
const RESTORE: &str =
    "`syncline import --newest-backup` goes back to the newest backup and keeps this store aside";
/// Next step where a full run puts it right.
const FULL_RUN: &str = "run `syncline sync --full`, which finds the records again";

/// Checks the whole store. At least one finding per check; damage that keeps a check from going on is a finding too, the last one.
///
/// # Errors
/// Only where the disk or the store itself refuses.
pub async fn doctor<S: Store + ?Sized>(store: &S) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    match all_checks(store, &mut findings).await {
        Ok(()) => Ok(findings),
        Err(
            error @ (StoreError::Damaged { .. }
            | StoreError::BadValue { .. }
            | StoreError::Stopped(_)),
        ) => {
            let mut whole = Check::new("whole", RESTORE);
            whole.fail("", format!("the checks could not go on: {error}"));
            findings.extend(whole.finish());
            Ok(findings)
        }
        Err(other) => Err(other),
    }
}

async fn all_checks<S: Store + ?Sized>(
    store: &S,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let mut whole = Check::new("whole", RESTORE);
    whole.looked_at = 1;
    match store.verify().await {
        Ok(()) => {}
        Err(error @ (StoreError::Damaged { .. } | StoreError::BadValue { .. })) => {
            whole.fail("", error.to_string());
        }
        Err(other) => return Err(other),
    }
    findings.extend(whole.finish());
    findings.extend(layout::check(store).await?);
    findings.extend(links::check(store).await?);
    findings.extend(work::check(store).await?);
    findings.extend(counts::check(store).await?);
    Ok(())
}
