//! How a verb ends: the exit status of docs/design/product.md, and failures that carry one.

use crate::config::{ConfigErrors, NoHome};
use crate::service::ServiceGone;
use crate::service::messages::{Refusal, RefusalKind};

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: all is well.
    Well,
    /// 1: finished; some records are in error or conflict, or a check failed.
    Findings,
    /// 2: usage or configuration.
    Usage,
    /// 3: a vendor could not be reached or refused the credentials.
    Vendor,
    /// 4: a safety valve, or a question that nobody answered.
    Valve,
    /// 5: the store (or the disk) could not be used.
    Store,
    /// 128 + n: ended by signal n.
    Signal(u8),
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Well => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Vendor => 3,
            Exit::Valve => 4,
            Exit::Store => 5,
            Exit::Signal(number) => 128u8.saturating_add(number),
        }
    }
}

/// A verb could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The status.
    pub exit: Exit,
    /// What, why and what to do; one or more lines.
    pub message: String,
}

impl Failure {
    /// A failure of what was typed or configured.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure {
            exit: Exit::Usage,
            message: message.into(),
        }
    }

    /// A failure of store or disk.
    pub fn store(message: impl Into<String>) -> Self {
        Failure {
            exit: Exit::Store,
            message: message.into(),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let exit = match refusal.kind {
            RefusalKind::Usage | RefusalKind::ReadOnly | RefusalKind::Busy => Exit::Usage,
            RefusalKind::Vendor => Exit::Vendor,
            RefusalKind::Confirm => Exit::Valve,
            RefusalKind::Store => Exit::Store,
        };
        let mut message = refusal.message;
        for (item, why) in refusal.items {
            message.push_str(&format!("\n  {}  {why}", item.short()));
        }
        Failure { exit, message }
    }
}

impl From<ServiceGone> for Failure {
    fn from(gone: ServiceGone) -> Self {
        Failure::store(gone.to_string())
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Failure::usage(errors.to_string())
    }
}

impl From<NoHome> for Failure {
    fn from(error: NoHome) -> Self {
        Failure::usage(error.to_string())
    }
}

/// An answer of another kind than the question's: a fault of ours, said as one.
pub(super) fn unexpected(asked: &str) -> Failure {
    Failure::store(format!(
        "the engine answered \"{asked}\" with something else; please report this"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ItemId;

    #[test]
    fn refusals_end_with_the_status_of_their_kind_and_name_the_items() {
        for (kind, code) in [
            (RefusalKind::Usage, 2),
            (RefusalKind::Vendor, 3),
            (RefusalKind::Confirm, 4),
            (RefusalKind::Store, 5),
            (RefusalKind::ReadOnly, 2),
        ] {
            let failure = Failure::from(Refusal {
                kind,
                message: "no".into(),
                items: vec![(ItemId(0xab << 120), "has no base".into())],
            });
            assert_eq!(failure.exit.code(), code);
            assert_eq!(failure.message, "no\n  ab000000  has no base");
        }
        assert_eq!(Exit::Signal(15).code(), 143);
    }
}
