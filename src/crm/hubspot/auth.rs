//! Signing in to HubSpot and the vendor side of the HTTP layer (docs/vendor/hubspot.md 2, 9.3).

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::paths;
use super::refusal::refusal;
use crate::crm::HttpResponse;
use crate::crm::auth::Token;
use crate::crm::http::{Dialect, Notes, Refusal, SignIn};
use crate::crm::wire::{Malformed, from_json, optional_id};
use crate::domain::{Secret, Side};

/// How Syncline proves who it is.
#[derive(Clone, Debug)]
pub enum HubspotAuth {
    /// A service key or a private app's token (2.2); does not end, cannot be renewed.
    AccessToken(Secret),
    /// An OAuth app. The newest refresh token is in `HubspotClient::refresh_token` (2.7).
    RefreshToken {
        /// The app's client id.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
        /// The portal's refresh token.
        refresh_token: Secret,
    },
}

/// What a token answer tells.
#[derive(Clone, Debug)]
pub struct TokenAnswer {
    /// The bearer token.
    pub access_token: Secret,
    /// Its life in seconds.
    pub expires_in: Option<i64>,
    /// The newest refresh token.
    pub refresh_token: Option<Secret>,
    /// The portal.
    pub hub_id: Option<String>,
}

#[derive(Deserialize)]
struct WireToken {
    access_token: String,
    #[serde(default)]
    expires_in: Option<i64>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default, deserialize_with = "optional_id")]
    hub_id: Option<String>,
}

/// Reads a token answer (2.5).
///
/// # Errors
/// [`Malformed`] where it holds no token.
pub fn parse_token(body: &[u8]) -> Result<TokenAnswer, Malformed> {
    let wire: WireToken = from_json("sign in", body)?;
    if wire.access_token.is_empty() {
        return Err(Malformed::new("sign in", "the token is empty"));
    }
    Ok(TokenAnswer {
        access_token: Secret::new(wire.access_token),
        expires_in: wire.expires_in,
        refresh_token: wire.refresh_token.map(Secret::new),
        hub_id: wire.hub_id,
    })
}

/// HubSpot's side of the HTTP layer.
pub(super) struct HubspotDialect {
    pub(super) api_url: String,
    pub(super) auth: HubspotAuth,
}

impl Dialect for HubspotDialect {
    fn side(&self) -> Side {
        Side::HubSpot
    }

    fn refusal(&self, answer: &HttpResponse) -> Refusal {
        refusal(answer)
    }

    fn notes(&self, answer: &HttpResponse) -> Notes {
        let number = |name: &str| answer.header(name)?.trim().parse::<u64>().ok();
        let daily = number("x-hubspot-ratelimit-daily").and_then(|limit| {
            let remaining = number("x-hubspot-ratelimit-daily-remaining")?;
            Some((limit.saturating_sub(remaining), limit))
        });
        let ten_seconds = number("x-hubspot-ratelimit-interval-milliseconds") == Some(10_000);
        Notes {
            daily,
            rate: number("x-hubspot-ratelimit-max").filter(|_| ten_seconds),
        }
    }

    fn sign_in(&self, newest: Option<&Secret>) -> Option<SignIn> {
        let HubspotAuth::RefreshToken {
            client_id,
            client_secret,
            refresh_token,
        } = &self.auth
        else {
            return None;
        };
        Some(SignIn {
            url: format!("{}{}", self.api_url, paths::token()),
            headers: Vec::new(),
            form: vec![
                ("grant_type", Secret::from("refresh_token")),
                ("client_id", Secret::from(client_id.as_str())),
                ("client_secret", client_secret.clone()),
                ("refresh_token", newest.unwrap_or(refresh_token).clone()),
            ],
        })
    }

    fn signed_in(&self, body: &[u8], now: DateTime<Utc>) -> Result<Token, Malformed> {
        let answer = parse_token(body)?;
        // Renewed ahead, at 80 % of its life: a 401 in mid-run is no trigger to rely on (2.6).
        let life = answer
            .expires_in
            .map(|seconds| seconds.clamp(0, 10_000_000));
        Ok(Token {
            access: answer.access_token,
            base_url: self.api_url.clone(),
            renew_at: life.map(|seconds| now + chrono::Duration::seconds(seconds * 4 / 5)),
            identity: answer.hub_id.map(|portal| (portal, None)),
            refresh_token: answer.refresh_token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_at_four_fifths_of_its_life() {
        let dialect = HubspotDialect {
            api_url: "https://api.hubapi.com".into(),
            auth: HubspotAuth::AccessToken("x".into()),
        };
        let body = br#"{"token_type":"bearer","access_token":"a","refresh_token":"r2","expires_in":1800,"hub_id":123,"scopes":[]}"#;
        let now = DateTime::UNIX_EPOCH;
        let token = dialect.signed_in(body, now).unwrap();
        assert_eq!(token.renew_at, Some(now + chrono::Duration::seconds(1_440)));
        assert_eq!(token.identity, Some(("123".into(), None)));
        assert_eq!(token.refresh_token, Some("r2".into()));
        assert!(parse_token(b"{}").is_err());
    }

    #[test]
    fn the_days_use_is_read_from_the_headers() {
        let dialect = HubspotDialect {
            api_url: String::new(),
            auth: HubspotAuth::AccessToken("x".into()),
        };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let answer = HttpResponse {
            status: 200,
            headers: vec![
                header("x-hubspot-ratelimit-daily", "625000"),
                header("x-hubspot-ratelimit-daily-remaining", "624310"),
                header("x-hubspot-ratelimit-interval-milliseconds", "10000"),
                header("x-hubspot-ratelimit-max", "110"),
            ],
            body: Vec::new(),
        };
        let notes = dialect.notes(&answer);
        assert_eq!(notes.daily, Some((690, 625_000)));
        assert_eq!(notes.rate, Some(110));
    }
}
