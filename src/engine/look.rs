//! Reading both sides: each object once, as a whole or what changed (docs/design/sync-semantics.md 5), and the halt where a
//! side is suddenly empty (18).

use super::absent::after_list;
use super::backfill;
use super::context::{Engine, EngineError, Halt, Order, Scope};
use super::observe::{Pass, observe};
use super::report::Phase;
use super::run_ctx::RunCtx;
use super::whole::whole;
use crate::domain::{Mapping, MappingId, Side, ValveHit};

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
        let pass = if whole { Pass::Full } else { Pass::Changes };
        for side in Side::BOTH {
            self.report.begin(Phase::Observe(side));
            let mut objects: Vec<&str> = Vec::new();
            for mapping in mappings {
                if !objects.contains(&mapping.object(side)) {
                    objects.push(mapping.object(side));
                }
            }
            for object in objects {
                let over: Vec<&Mapping> = mappings
                    .iter()
                    .copied()
                    .filter(|mapping| mapping.object(side) == object)
                    .collect();
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
                if let Some(first) = over.first() {
                    let cost = ctx.cost(&first.id);
                    match pass {
                        Pass::Full => *cost.listed.get_mut(side) = Some(seen.records),
                        Pass::Changes => *cost.changed.get_mut(side) = Some(seen.records),
                    }
                    cost.associations_read += seen.associations;
                    if pass == Pass::Full {
                        self.empty_source(side, object, seen.records + seen.earlier, &over)
                            .await?;
                        for mapping in &over {
                            after_list(ctx, mapping, side).await?;
                        }
                    }
                }
            }
            self.report.end(Phase::Observe(side));
        }
        backfill::remember(self, mappings).await?;
        Ok(whole)
    }

    /// A side that is suddenly (half) empty stops the run before anything is planned (18).
    async fn empty_source(
        &self,
        side: Side,
        object: &str,
        count: u64,
        over: &[&Mapping],
    ) -> Result<(), EngineError> {
        let name = format!("live/{}/{object}", side.word());
        let before = self.db.number(&name).await?;
        if before > 20 && count * 2 < before {
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
            let reason = format!("{message}; check the credentials' rights, then run --full again");
            return Err(EngineError::Halted(Box::new(Halt {
                valves: vec![hit],
                ..Halt::because(reason)
            })));
        }
        let mut tx = self.db.begin();
        tx.put_meta(&name, &count)?;
        Ok(tx.apply().await?)
    }
}
