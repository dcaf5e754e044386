//! Signing in to Salesforce: three flows, the token answer, and the vendor side of the HTTP layer
//! (docs/vendor/salesforce.md 1).

use base64::Engine;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::ids::widen;
use super::refusal::{limit_info, refusal};
use crate::crm::HttpResponse;
use crate::crm::auth::Token;
use crate::crm::host::check_host;
use crate::crm::http::{Dialect, Notes, Refusal, SignIn};
use crate::crm::wire::{Malformed, from_json};
use crate::domain::{Secret, Side};

/// How Syncline proves who it is.
#[derive(Clone, Debug)]
pub enum SalesforceAuth {
    /// The recommended flow: runs as the user that the app's policy names.
    ClientCredentials {
        /// Consumer key.
        client_id: String,
        /// Consumer secret.
        client_secret: Secret,
    },
    /// A token from elsewhere; cannot be renewed.
    AccessToken {
        /// The token.
        token: Secret,
        /// The organisation's address.
        instance_url: String,
    },
    /// A refresh token of the web flow. With rotation on, the newest is in `SalesforceClient::refresh_token`.
    RefreshToken {
        /// Consumer key.
        client_id: String,
        /// Consumer secret; empty where the app needs none.
        client_secret: Secret,
        /// The refresh token.
        refresh_token: Secret,
    },
}

/// What a token answer tells.
#[derive(Clone, Debug)]
pub struct TokenAnswer {
    /// The bearer token.
    pub access_token: Secret,
    /// Where to call.
    pub instance_url: String,
    /// Organisation and user id, from the last two segments of `id`.
    pub identity: Option<(String, String)>,
    /// A new refresh token, with rotation on.
    pub refresh_token: Option<Secret>,
}

#[derive(Deserialize)]
struct WireToken {
    access_token: String,
    instance_url: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
}

/// Reads a token answer (1.2); no `expires_in` is told, ever.
///
/// # Errors
/// [`Malformed`] where token or instance address is missing or the address may not be spoken to.
pub fn parse_token(body: &[u8]) -> Result<TokenAnswer, Malformed> {
    const WHAT: &str = "sign in";
    let wire: WireToken = from_json(WHAT, body)?;
    let instance_url =
        check_host(&wire.instance_url).map_err(|error| Malformed::new(WHAT, error.to_string()))?;
    if wire.access_token.is_empty() {
        return Err(Malformed::new(WHAT, "the token is empty"));
    }
    Ok(TokenAnswer {
        access_token: Secret::new(wire.access_token),
        instance_url,
        identity: wire.id.as_deref().and_then(identity_of),
        refresh_token: wire.refresh_token.map(Secret::new),
    })
}

/// Organisation and user of `https://login.salesforce.com/id/{org}/{user}`.
fn identity_of(url: &str) -> Option<(String, String)> {
    let mut parts = url.trim_end_matches('/').rsplit('/');
    let user = widen(parts.next()?)?;
    let org = widen(parts.next()?)?;
    Some((org, user))
}

/// Salesforce's side of the HTTP layer.
pub(super) struct SalesforceDialect {
    pub(super) login_url: String,
    pub(super) auth: SalesforceAuth,
}

impl Dialect for SalesforceDialect {
    fn side(&self) -> Side {
        Side::Salesforce
    }

    fn refusal(&self, answer: &HttpResponse) -> Refusal {
        refusal(answer)
    }

    fn notes(&self, answer: &HttpResponse) -> Notes {
        Notes {
            daily: answer.header("sforce-limit-info").and_then(limit_info),
            rate: None,
        }
    }

    fn sign_in(&self, newest: Option<&Secret>) -> Option<SignIn> {
        let url = format!("{}/services/oauth2/token", self.login_url);
        let (headers, form) = match &self.auth {
            SalesforceAuth::AccessToken { .. } => return None,
            SalesforceAuth::ClientCredentials {
                client_id,
                client_secret,
            } => {
                let pair = format!("{client_id}:{}", client_secret.expose());
                let basic = base64::engine::general_purpose::STANDARD.encode(pair);
                let headers = vec![("authorization".to_owned(), format!("Basic {basic}"))];
                (
                    headers,
                    vec![("grant_type", Secret::from("client_credentials"))],
                )
            }
            SalesforceAuth::RefreshToken {
                client_id,
                client_secret,
                refresh_token,
            } => {
                let mut form = vec![
                    ("grant_type", Secret::from("refresh_token")),
                    ("refresh_token", newest.unwrap_or(refresh_token).clone()),
                    ("client_id", Secret::from(client_id.as_str())),
                ];
                if !client_secret.is_empty() {
                    form.push(("client_secret", client_secret.clone()));
                }
                (Vec::new(), form)
            }
        };
        Some(SignIn { url, headers, form })
    }

    fn signed_in(&self, body: &[u8], _now: DateTime<Utc>) -> Result<Token, Malformed> {
        let answer = parse_token(body)?;
        Ok(Token {
            access: answer.access_token,
            base_url: answer.instance_url,
            renew_at: None,
            identity: answer.identity.map(|(org, user)| (org, Some(user))),
            refresh_token: answer.refresh_token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_answer_names_organisation_and_user() {
        let body = br#"{"access_token":"00D!x","instance_url":"https://acme.my.salesforce.com",
            "id":"https://login.salesforce.com/id/00DWb00000Kl8mN/005Wb00000Gh7iJ","issued_at":"1795300000000","extra":{}}"#;
        let answer = parse_token(body).unwrap();
        assert_eq!(answer.instance_url, "https://acme.my.salesforce.com");
        assert_eq!(
            answer.identity,
            Some(("00DWb00000Kl8mNMAR".into(), "005Wb00000Gh7iJIAR".into()))
        );
        assert!(!format!("{answer:?}").contains("00D!x"));
    }

    #[test]
    fn a_token_for_a_plain_http_host_is_refused() {
        let body = br#"{"access_token":"x","instance_url":"http://evil.example"}"#;
        assert!(parse_token(body).is_err());
        assert!(parse_token(b"<html>").is_err());
        assert!(parse_token(br#"{"access_token":"","instance_url":"https://a.example"}"#).is_err());
    }
}
