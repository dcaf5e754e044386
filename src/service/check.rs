//! Preflight on demand: credentials, quota, clock, fields, key fields; and the first greeting of both connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::host::{House, refusal, store_refusal};
use super::messages::{CheckLine, CheckState, Event, Refusal, RefusalKind, Reply, Tone};
use super::upkeep::room_line;
use crate::crm::CrmError;
use crate::domain::{ObjectSchema, PerSide, Side};
use crate::engine::{paused_pairs, unmet_requirements};

/// A clock that is further off than this is worth a warning (docs/design/sync-semantics.md 5.1).
const SKEW_MS: i64 = 300_000;

fn line(
    check: &str,
    subject: impl Into<String>,
    state: CheckState,
    message: String,
    next: &str,
) -> CheckLine {
    CheckLine {
        check: check.into(),
        subject: subject.into(),
        state,
        message,
        next: next.into(),
    }
}

/// Asks both sides who we are, so that the header tells the truth from the start.
pub(super) async fn greet(house: Arc<House>) {
    for side in Side::BOTH {
        let Ok(crm) = house.side(side) else { return };
        let said = crm.identity().await;
        house.status.send_modify(|status| {
            let connection = status.connections.get_mut(side);
            match &said {
                Ok(identity) => {
                    connection.connected = true;
                    connection.failure = None;
                    connection.label.clone_from(&identity.label);
                }
                Err(error) => connection.failure = Some(error.message.clone()),
            }
        });
        if let Err(error) = said {
            let _ = house.events.send(Event::Notice {
                tone: Tone::Error,
                text: error.to_string(),
            });
        }
    }
    house.publish().await;
}

impl House {
    /// Every check, in order.
    pub(super) async fn check(self: &Arc<Self>, fix: bool) -> Result<Reply, Refusal> {
        if fix {
            self.may_write()?;
        }
        self.sides()?;
        let mut checks = Vec::new();
        let mut reached = PerSide {
            salesforce: false,
            hubspot: false,
        };
        for side in Side::BOTH {
            *reached.get_mut(side) = self.check_side(side, &mut checks).await?;
        }
        if !(reached.salesforce && reached.hubspot) {
            let failed = checks.iter().find(|check| check.state == CheckState::Fail);
            if !(reached.salesforce || reached.hubspot) {
                let why = failed.map_or("", |check| check.message.as_str());
                return Err(refusal(
                    RefusalKind::Vendor,
                    format!("neither side can be checked: {why}"),
                ));
            }
            return Ok(Reply::Check { checks });
        }
        let schemas = self.check_objects(&mut checks).await?;
        self.check_keys(&schemas, fix, &mut checks).await?;
        checks.extend(self.db.store().room().map(room_line));
        Ok(Reply::Check { checks })
    }

    async fn check_side(&self, side: Side, checks: &mut Vec<CheckLine>) -> Result<bool, Refusal> {
        let crm = self.side(side)?;
        match crm.identity().await {
            Ok(identity) => {
                let user = identity
                    .user
                    .map_or_else(String::new, |user| format!(", as {user}"));
                let message = format!("signed in to {}{user}", identity.account);
                checks.push(line(
                    "credentials",
                    side.name(),
                    CheckState::Ok,
                    message,
                    "",
                ));
            }
            Err(error) => {
                checks.push(failed("credentials", side.name(), &error));
                return Ok(false);
            }
        }
        match crm.allowance().await {
            Ok(quota) => {
                let left = quota.limit.saturating_sub(quota.used);
                let low = left < quota.limit / 10;
                let state = if low {
                    CheckState::Warn
                } else {
                    CheckState::Ok
                };
                let next = if low {
                    "writes stop while less than a tenth of the day's calls is left"
                } else {
                    ""
                };
                let message = format!("{left} of {} calls left today", quota.limit);
                checks.push(line("quota", side.name(), state, message, next));
            }
            Err(error) => checks.push(failed("quota", side.name(), &error)),
        }
        let offset = crm.health().clock_offset_ms;
        let far = offset.abs() > SKEW_MS;
        let state = if far {
            CheckState::Warn
        } else {
            CheckState::Ok
        };
        let next = if far {
            "set this machine's clock; syncing goes by the vendor's clock meanwhile"
        } else {
            ""
        };
        #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
        let message = format!("{:.1} s off", offset as f64 / 1000.0);
        checks.push(line("clock", side.name(), state, message, next));
        Ok(true)
    }

    async fn check_objects(
        &self,
        checks: &mut Vec<CheckLine>,
    ) -> Result<BTreeMap<(Side, String), ObjectSchema>, Refusal> {
        let mut schemas = BTreeMap::new();
        for mapping in &self.rules.mappings {
            for side in Side::BOTH {
                let object = mapping.object(side);
                if schemas.contains_key(&(side, object.to_owned())) {
                    continue;
                }
                match self.side(side)?.describe(object).await {
                    Ok(schema) => {
                        schemas.insert((side, object.to_owned()), schema);
                    }
                    Err(error) => checks.push(failed("objects", object, &error)),
                }
            }
            let problems = unmet_requirements(mapping, &schemas);
            if problems.is_empty() {
                let message = format!(
                    "{} field pairs: every field is there and writable where it has to be",
                    mapping.pairs.len()
                );
                checks.push(line(
                    "fields",
                    mapping.id.as_str(),
                    CheckState::Ok,
                    message,
                    "",
                ));
            }
            let paused = paused_pairs(&self.db, mapping).await;
            for (pair, why) in paused.map_err(|error| store_refusal(&error))? {
                let next = "set the field right again, change the pair, or resume the mapping to accept it";
                let subject = format!("{}.{pair}", mapping.id);
                checks.push(line("paused", subject, CheckState::Warn, why, next));
            }
            for problem in problems {
                let next = "correct the mapping in the config, or give the integration user the right on the field";
                checks.push(line(
                    "fields",
                    mapping.id.as_str(),
                    CheckState::Fail,
                    problem,
                    next,
                ));
            }
        }
        Ok(schemas)
    }

    async fn check_keys(
        &self,
        schemas: &BTreeMap<(Side, String), ObjectSchema>,
        fix: bool,
        checks: &mut Vec<CheckLine>,
    ) -> Result<(), Refusal> {
        for mapping in &self.rules.mappings {
            for side in Side::BOTH {
                let (object, key) = (mapping.object(side), mapping.key_field(side));
                let subject = format!("{object}.{key}");
                let Some(schema) = schemas.get(&(side, object.to_owned())) else {
                    continue;
                };
                match schema.fields.get(key) {
                    Some(field) if field.unique && field.updateable => {
                        checks.push(line(
                            "key field",
                            subject,
                            CheckState::Ok,
                            "there, unique and writable".into(),
                            "",
                        ));
                    }
                    Some(_) => {
                        let message = "there, but not unique or not writable: creates are at-most-once only at best effort";
                        let next = "make it a unique, writable text field";
                        checks.push(line(
                            "key field",
                            subject,
                            CheckState::Warn,
                            message.into(),
                            next,
                        ));
                    }
                    None if fix => match self.side(side)?.make_key_field(object, key).await {
                        Ok(()) => checks.push(line(
                            "key field",
                            subject,
                            CheckState::Ok,
                            "made".into(),
                            "",
                        )),
                        Err(error) => checks.push(failed("key field", &subject, &error)),
                    },
                    None => {
                        let message = format!(
                            "missing: a create whose answer is lost is looked up by {} instead of its key, and links cannot be rebuilt from stamps",
                            super::words::match_on(mapping)
                        );
                        let next = match side {
                            Side::HubSpot => "`syncline check --fix` makes it",
                            Side::Salesforce => {
                                "an admin adds it: Text(255), External ID, Unique (case-insensitive)"
                            }
                        };
                        checks.push(line("key field", subject, CheckState::Warn, message, next));
                    }
                }
            }
        }
        Ok(())
    }
}

fn failed(check: &str, subject: &str, error: &CrmError) -> CheckLine {
    line(
        check,
        subject,
        CheckState::Fail,
        error.message.clone(),
        "see the vendor's words above; then run the check again",
    )
}
