//! The engine as the package of `run` has it: the files that only decide, and of what they look at no more than they use.

pub mod guard;
pub mod matching;

mod advice;
mod circuit;
mod echo;
mod fields;
mod gone_rules;
mod links;
mod oscillation;
mod recover_rules;
#[cfg(test)]
mod testkit;
mod undo_read;

mod context {
    use std::collections::BTreeSet;

    use crate::domain::{MappingId, Side};

    #[derive(Default)]
    pub struct Known {
        pub keyed: BTreeSet<(MappingId, Side)>,
    }
}
