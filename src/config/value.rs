//! Small values of the config: percentages, durations, addresses. Pure.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::canon::{PhoneError, phone};

/// A percentage, kept exactly in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(pub u32);

impl Percent {
    /// This share of `whole`, rounded down.
    pub fn of(self, whole: u64) -> u64 {
        let share = u128::from(whole) * u128::from(self.0) / 10_000;
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// True where `part` is more than this share of `whole`.
    pub fn is_exceeded(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 10_000 > u128::from(whole) * u128::from(self.0)
    }
}

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match (rest / 10, rest % 10) {
            (0, 0) => write!(f, "{whole}%"),
            (tenths, 0) => write!(f, "{whole}.{tenths}%"),
            _ => write!(f, "{whole}.{rest:02}%"),
        }
    }
}

/// Reads `"1%"`, `"0.5%"`, `"12.25 %"`: at most two decimals.
pub(super) fn percent(text: &str) -> Option<Percent> {
    let number = text.trim().strip_suffix('%')?.trim();
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 5 || rest.len() > 2 || !digits(whole) || !digits(rest) {
        return None;
    }
    let hundredths: u32 = format!("{rest:0<2}").parse().ok()?;
    Some(Percent(whole.parse::<u32>().ok()? * 100 + hundredths))
}

/// Reads `"15m"`, `"1h 30m"`, `"90d"`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text.trim()).ok()
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UrlProblem {
    /// Not `https://host`.
    NotAnAddress,
    /// Plain http to somewhere else.
    PlainHttp,
    /// Has more than scheme, host and port.
    TooMuch,
}

/// Reads `https://host[:port]`, or `http://` on a loopback address; gives it without a trailing slash.
pub(super) fn address(text: &str) -> Result<String, UrlProblem> {
    let parsed = url::Url::parse(text).map_err(|_| UrlProblem::NotAnAddress)?;
    let Some(host) = parsed.host_str() else {
        return Err(UrlProblem::NotAnAddress);
    };
    match parsed.scheme() {
        "https" => {}
        "http" if is_loopback(host) => {}
        "http" => return Err(UrlProblem::PlainHttp),
        _ => return Err(UrlProblem::NotAnAddress),
    }
    let bare = parsed.username().is_empty() && parsed.password().is_none();
    if !bare
        || !matches!(parsed.path(), "" | "/")
        || parsed.query().is_some()
        || parsed.fragment().is_some()
    {
        return Err(UrlProblem::TooMuch);
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

/// True for an address of this machine: `localhost`, 127.0.0.0/8, `::1`.
pub fn is_loopback_url(address: &str) -> bool {
    url::Url::parse(address)
        .ok()
        .is_some_and(|url| url.host_str().is_some_and(is_loopback))
}

/// True for a two-letter country whose telephone numbers are known, in capitals.
pub(super) fn is_country(text: &str) -> bool {
    let shape = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    shape && !matches!(phone("", text), Err(PhoneError::Country { .. }))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_exact() {
        for (text, expected) in [
            ("1%", Some(100)),
            ("0.5%", Some(50)),
            (" 12.25 % ", Some(1225)),
            ("100%", Some(10_000)),
            ("1", None),
            ("-1%", None),
            ("1.005%", None),
            (".5%", None),
            ("x%", None),
            ("99999999999%", None),
        ] {
            assert_eq!(percent(text).map(|found| found.0), expected, "{text}");
        }
        assert_eq!(Percent(1225).to_string(), "12.25%");
        assert_eq!(Percent(50).to_string(), "0.5%");
        assert_eq!(Percent(100).of(4_199), 41);
        assert!(Percent(100).is_exceeded(42, 4_199) && !Percent(100).is_exceeded(42, 4_200));
    }

    #[test]
    fn plain_http_is_only_for_this_machine() {
        assert_eq!(
            address("https://a.my.salesforce.com/"),
            Ok("https://a.my.salesforce.com".into())
        );
        assert_eq!(
            address("http://127.0.0.1:40001"),
            Ok("http://127.0.0.1:40001".into())
        );
        assert_eq!(address("http://[::1]:4"), Ok("http://[::1]:4".into()));
        assert_eq!(
            address("http://localhost:4"),
            Ok("http://localhost:4".into())
        );
        assert_eq!(
            address("http://127.0.0.1.evil.com"),
            Err(UrlProblem::PlainHttp)
        );
        assert_eq!(address("http://a.com"), Err(UrlProblem::PlainHttp));
        assert_eq!(address("ftp://a.com"), Err(UrlProblem::NotAnAddress));
        assert_eq!(address("a.com"), Err(UrlProblem::NotAnAddress));
        assert_eq!(address("https://u:p@a.com"), Err(UrlProblem::TooMuch));
        assert_eq!(address("https://a.com/services"), Err(UrlProblem::TooMuch));
    }
}
