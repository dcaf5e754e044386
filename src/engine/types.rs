//! The types of mapped fields, as the vendors' schemas tell them: what makes `5` and `5.0`, or a date in either form, the
//! same value, and gives `max` and `union` something to go by (docs/design/sync-semantics.md 3).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::{Engine, Rules};
use crate::domain::{ObjectSchema, PerSide, Side};

impl Engine {
    /// The same engine, whose mappings know the types of their fields.
    pub(super) fn typed(&self, schemas: &BTreeMap<(Side, String), ObjectSchema>) -> Engine {
        let mut rules = Rules::clone(&self.rules);
        for mapping in &mut rules.mappings {
            let objects =
                PerSide::from_fn(|side| schemas.get(&(side, mapping.object(side).to_owned())));
            for pair in &mut mapping.pairs {
                for side in Side::BOTH {
                    let field = objects
                        .get(side)
                        .and_then(|schema| schema.fields.get(pair.fields.get(side)));
                    if let Some(field) = field {
                        *pair.types.get_mut(side) = field.kind;
                    }
                }
            }
        }
        Engine {
            rules: Arc::new(rules),
            ..self.clone()
        }
    }
}
