//! The canary (docs/design/sync-semantics.md 18): a record that a person named is read before anything else. Where it is not
//! there, or holds something else, the credentials open another world than they should, and nothing is read from it.

use super::context::{Engine, EngineError, Halt};
use crate::crm::Purpose;
use crate::domain::{Canary, Mapping, Presence, RecordId, Side, Value, ValveHit};

/// Halts the run where a canary is not as the config says.
pub(super) async fn check(engine: &Engine, mappings: &[&Mapping]) -> Result<(), EngineError> {
    for side in Side::BOTH {
        let Some(canary) = engine.rules.settings.canary.get(side) else {
            continue;
        };
        let Some(trouble) = trouble(engine, side, canary).await? else {
            continue;
        };
        let message = format!(
            "the canary {side} {} {} {trouble}; nothing was read: check which account the credentials open and what they may see, or correct safety.canary",
            canary.object, canary.id
        );
        let hits = mappings.iter().map(|mapping| ValveHit {
            valve: "canary".to_owned(),
            mapping: mapping.id.clone(),
            found: 1,
            limit: 0,
            message: message.clone(),
            confirmable: false,
        });
        return Err(EngineError::Halted(Box::new(Halt {
            valves: hits.collect(),
            ..Halt::because(message.clone())
        })));
    }
    Ok(())
}

/// What is wrong with a canary, if anything is. Its value is never repeated.
async fn trouble(
    engine: &Engine,
    side: Side,
    canary: &Canary,
) -> Result<Option<String>, EngineError> {
    let id = RecordId(canary.id.clone());
    let fields = std::slice::from_ref(&canary.field);
    let found = engine
        .side(side)
        .read(Purpose::Check, &canary.object, &[id], fields)
        .await?;
    let seen = found.into_iter().flat_map(|found| found.records).next();
    let Some(seen) = seen.filter(|seen| seen.presence == Presence::Live) else {
        return Ok(Some("cannot be read".to_owned()));
    };
    Ok(match seen.value(&canary.field) {
        Value::Unknown => Some(format!("does not tell its {}", canary.field)),
        held if held.as_text().unwrap_or_default() == canary.value => None,
        _ => Some(format!("holds something else in {}", canary.field)),
    })
}
