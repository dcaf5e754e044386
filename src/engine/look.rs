//! Reading both sides: each object once, as a whole or what changed (docs/design/sync-semantics.md 5), and the halt where a
//! side is suddenly empty (18).

use super::backfill;
use super::context::{Engine, EngineError, Halt, Order, Scope};
use super::db::Tx;
use super::drift;
use super::observe::{Pass, observe};
use super::report::Phase;
use super::run_ctx::{Mode, RunCtx};
use super::scope;
use super::shadows::see_freed;
use super::sweep::{conclude, slice};
use super::whole::whole;
use crate::domain::{Mapping, MappingId, Side, ValveHit};
use crate::store::{TypedStore, keys};

/// The objects of one side, each once, with the mappings over it.
fn grounds<'m>(mappings: &[&'m Mapping], side: Side) -> Vec<(&'m str, Vec<&'m Mapping>)> {
    let mut all: Vec<(&str, Vec<&Mapping>)> = Vec::new();
    for mapping in mappings {
        let object = mapping.object(side);
        match all.iter_mut().find(|(known, _)| *known == object) {
            Some((_, over)) => over.push(mapping),
            None => all.push((object, vec![mapping])),
        }
    }
    // Leads after Contacts: of a Contact that was read, the conversion behind it is seen in the same run (13).
    all.sort_by_key(|(_, over)| over.iter().all(|mapping| mapping.is_of_leads()));
    all
}

impl Engine {
    /// Reads every object of the mappings, each once; says whether as a whole.
    pub(super) async fn look(
        &self,
        ctx: &mut RunCtx<'_>,
        order: &Order,
        mappings: &[&Mapping],
    ) -> Result<bool, EngineError> {
        backfill::prepare(self, mappings).await?;
        if order.scope == Scope::Stored {
            return Ok(false);
        }
        let whole = whole(self, order, mappings).await?.is_some();
        ctx.whole = whole;
        let pass = if whole { Pass::Full } else { Pass::Changes };
        let asked = order.scope == Scope::Full;
        // Slices of sweeps ride in ordinary runs: neither a preview nor the carrying out of a plan walks on.
        let rides =
            order.scope == Scope::Changed && order.confirm.is_none() && ctx.mode == Mode::Write;
        for side in Side::BOTH {
            self.report.begin(Phase::Observe(side));
            for (object, over) in grounds(mappings, side) {
                let seen = observe(
                    self,
                    &ctx.known,
                    side,
                    object,
                    pass,
                    &over,
                    &mut ctx.tallies,
                )
                .await?;
                let leads = over.iter().all(|mapping| mapping.is_of_leads());
                ctx.leads_read |= leads && !seen.resumed;
                if let Some(first) = over.first() {
                    let cost = ctx.cost(&first.id);
                    match pass {
                        Pass::Full => *cost.listed.get_mut(side) = Some(seen.records),
                        Pass::Changes => *cost.changed.get_mut(side) = Some(seen.records),
                    }
                    cost.associations_read += seen.associations;
                    for side in Side::BOTH {
                        *cost.sets_read.get_mut(side) += seen.sets.get(side);
                    }
                }
                if rides && pass == Pass::Changes {
                    slice(ctx, side, object, &over).await?;
                }
            }
            self.report.end(Phase::Observe(side));
        }
        // What a walk over everything did not meet counts only once both sides were read.
        for side in Side::BOTH {
            for (object, over) in grounds(mappings, side) {
                if rides || pass == Pass::Full {
                    conclude(ctx, side, object, &over, asked).await?;
                }
            }
        }
        see_freed(ctx, mappings).await?;
        backfill::remember(self, mappings).await?;
        scope::remember(self, mappings).await?;
        if whole {
            drift::caught_up(self, mappings).await?;
        }
        Ok(whole)
    }

    /// How many records an object had when it was counted last, without those that we deleted since.
    pub(super) async fn live(&self, side: Side, object: &str) -> Result<u64, EngineError> {
        Ok(self.db.number(&live_name(side, object)).await?)
    }

    /// Notes that we deleted so many records: that there are fewer is no surprise then, and no emptied side.
    pub(super) async fn took_away(
        &self,
        side: Side,
        object: &str,
        many: u64,
        tx: &mut Tx<'_>,
    ) -> Result<(), EngineError> {
        if many > 0 {
            let left = self.live(side, object).await?.saturating_sub(many);
            tx.put_meta(&live_name(side, object), &left)?;
        }
        Ok(())
    }

    /// A side that is suddenly (half) empty stops the run before anything is planned (18). A person who looked and `asked`
    /// for everything once more accepts the number that the first look found.
    pub(super) async fn empty_source(
        &self,
        side: Side,
        object: &str,
        count: u64,
        over: &[&Mapping],
        asked: bool,
    ) -> Result<(), EngineError> {
        let of = |what: &str| format!("{what}/{}/{object}", side.word());
        let mut tx = self.db.begin();
        let told: Option<u64> = self.db.store().row(keys::meta(&of("emptied"))).await?;
        let before = self.live(side, object).await?;
        let emptied = before > 20 && count * 2 < before;
        if !emptied || (asked && told.is_some_and(|told| count >= told / 2)) {
            tx.put_meta(&live_name(side, object), &count)?;
            if told.is_some() {
                tx.drop_meta(&of("emptied"));
            }
            return Ok(tx.apply().await?);
        }
        tx.put_meta(&of("emptied"), &count)?;
        tx.commit().await?;
        let message = format!(
            "{side} {object} has {count} records where it had {before}; nothing is planned from that"
        );
        let mapping = over
            .first()
            .map(|mapping| mapping.id.clone())
            .unwrap_or(MappingId(String::new()));
        let hit = ValveHit {
            valve: "empty_source".into(),
            mapping,
            found: count,
            limit: before / 2,
            message: message.clone(),
            confirmable: false,
        };
        let reason = format!(
            "{message}; check the credentials' rights, and run --full once more if it is right"
        );
        Err(EngineError::Halted(Box::new(Halt {
            valves: vec![hit],
            ..Halt::because(reason)
        })))
    }
}

fn live_name(side: Side, object: &str) -> String {
    format!("live/{}/{object}", side.word())
}
