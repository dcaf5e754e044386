//! Why a transform refuses a value, in words.

use crate::domain::canon::{HostError, PhoneError};
use crate::domain::merge::Refusal;

/// A refusal. The caller adds record and field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// Nothing is known of the value.
    #[error("the value is not known")]
    Unknown,
    /// The config says to leave values that the table does not list alone.
    #[error("\"{0}\" is not listed; the field is left alone")]
    LeftAlone(String),
    /// The table does not list the value.
    #[error("\"{value}\" is not listed in the value mapping ({side}); add it or set `otherwise`")]
    Unlisted {
        /// The value.
        value: String,
        /// The side whose values were looked through.
        side: crate::domain::Side,
    },
    /// No phone number.
    #[error(transparent)]
    Phone(#[from] PhoneError),
    /// No host.
    #[error(transparent)]
    Host(#[from] HostError),
    /// No registrable domain.
    #[error("{0} has no registrable domain")]
    NotRegistrable(String),
    /// What would be written would not read back as the same value.
    #[error(
        "\"{value}\" has no counterpart on {side}: \"{written}\" there would read back as \"{back}\""
    )]
    NoWayBack {
        /// The value.
        value: String,
        /// The side that it was meant for.
        side: crate::domain::Side,
        /// What would be written.
        written: String,
        /// What that would stand for.
        back: String,
    },
}

impl From<TransformError> for Refusal {
    fn from(error: TransformError) -> Self {
        match error {
            TransformError::LeftAlone(_) => Refusal::LeaveAlone,
            other => Refusal::Because(other.to_string()),
        }
    }
}

/// A transform that the config asks for does not exist or has wrong options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No such transform.
    #[error("there is no transform \"{name}\"{}", hint(.nearest))]
    Name {
        /// The name given.
        name: String,
        /// The nearest known one.
        nearest: Option<&'static str>,
    },
    /// No such option.
    #[error("the transform {name} has no option \"{option}\"{}", hint(.nearest))]
    Option {
        /// The transform.
        name: &'static str,
        /// The option given.
        option: String,
        /// The nearest known one.
        nearest: Option<&'static str>,
    },
    /// An option's value cannot be used.
    #[error("the option {option} of {name} cannot be \"{value}\": {why}")]
    Value {
        /// The transform.
        name: &'static str,
        /// The option.
        option: &'static str,
        /// The value given.
        value: String,
        /// What is expected.
        why: String,
    },
    /// An option that must be there is missing.
    #[error("the transform {name} needs the option {option}")]
    Missing {
        /// The transform.
        name: &'static str,
        /// The option.
        option: &'static str,
    },
}

fn hint(nearest: &Option<&'static str>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean \"{nearest}\"?"),
        None => String::new(),
    }
}
