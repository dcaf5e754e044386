//! Fault profiles: which kinds of trouble the sandbox makes of its own accord, and how often.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One named bundle of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// Calls are refused because of their rate.
    Throttle,
    /// Server errors, cut connections, garbled answers.
    Errors,
    /// Answers that come late or never.
    Timeouts,
    /// Tokens that expire in the middle of things.
    Auth,
    /// A HubSpot search index that lags far behind.
    Lag,
}

const NAMES: [(&str, Trouble); 5] = [
    ("throttle", Trouble::Throttle),
    ("errors", Trouble::Errors),
    ("timeouts", Trouble::Timeouts),
    ("auth", Trouble::Auth),
    ("lag", Trouble::Lag),
];

/// A set of troubles: `none`, `all`, or names joined by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile(BTreeSet<Trouble>);

/// A name that is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "fault profile `{name}` is not known; take one or more of throttle, errors, timeouts, auth, lag, joined by commas, \
     or all, or none"
)]
pub struct UnknownProfile {
    /// What was asked for.
    pub name: String,
}

impl Profile {
    /// Whether the trouble is in the set.
    pub fn has(&self, trouble: Trouble) -> bool {
        self.0.contains(&trouble)
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let mut set = BTreeSet::new();
        for name in text.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            match NAMES.iter().find(|(known, _)| *known == name) {
                Some((_, trouble)) => {
                    set.insert(*trouble);
                }
                None if name == "all" => set.extend(NAMES.map(|(_, trouble)| trouble)),
                None if name == "none" => {}
                None => return Err(UnknownProfile { name: name.into() }),
            }
        }
        Ok(Profile(set))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = NAMES
            .iter()
            .filter(|(_, trouble)| self.has(*trouble))
            .map(|(name, _)| *name)
            .collect();
        match names.len() {
            0 => f.write_str("none"),
            n if n == NAMES.len() => f.write_str("all"),
            _ => f.write_str(&names.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_names_joined_by_commas() {
        let profile: Profile = "errors, throttle".parse().unwrap();
        assert!(profile.has(Trouble::Errors) && profile.has(Trouble::Throttle));
        assert!(!profile.has(Trouble::Lag));
        assert_eq!(profile.to_string(), "throttle,errors");
        assert_eq!("none".parse::<Profile>().unwrap(), Profile::default());
        assert_eq!("".parse::<Profile>().unwrap().to_string(), "none");
        assert_eq!("all".parse::<Profile>().unwrap().to_string(), "all");
    }

    #[test]
    fn an_unknown_profile_is_an_error_that_names_the_known_ones() {
        let error = "errors,gremlins"
            .parse::<Profile>()
            .unwrap_err()
            .to_string();
        assert!(error.contains("`gremlins`"), "{error}");
        for (name, _) in NAMES {
            assert!(error.contains(name), "{error}");
        }
    }
}
