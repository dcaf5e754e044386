//! Tokens: the OAuth endpoints, the identity URL and the check of every REST call (docs/vendor/salesforce.md 1).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::sandbox::http::{Request, Response};

use super::errors::Fault;
use super::{Org, OrgSettings};

/// Tokens that are out.
#[derive(Debug)]
pub struct Sessions {
    issued: BTreeMap<String, (DateTime<Utc>, DateTime<Utc>)>,
    refresh: String,
    count: u64,
}

impl Sessions {
    /// No token issued yet.
    pub fn new(settings: &OrgSettings) -> Self {
        Sessions {
            issued: BTreeMap::new(),
            refresh: settings.refresh_token.clone(),
            count: 0,
        }
    }

    /// Ends every issued token; the fixed one stays.
    pub fn expire(&mut self) {
        self.issued.clear();
    }
}

fn oauth_error(status: u16, error: &str, description: &str) -> Response {
    Response::json(
        status,
        &json!({"error": error, "error_description": description}),
    )
}

fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// The form fields of a body, or of the query where a client sends them there.
fn form(request: &Request) -> BTreeMap<String, String> {
    let mut fields: BTreeMap<String, String> = request.query.iter().cloned().collect();
    fields.extend(url::form_urlencoded::parse(&request.body).into_owned());
    fields
}

/// Key and secret of an HTTP Basic header.
fn basic(request: &Request) -> Option<(String, String)> {
    let coded = request.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (key, secret) = text.split_once(':')?;
    let plain = |part: &str| -> String {
        url::form_urlencoded::parse(format!("v={}", part.replace('+', "%2B")).as_bytes())
            .next()
            .map_or_else(String::new, |(_, value)| value.into_owned())
    };
    Some((plain(key), plain(secret)))
}

impl Org {
    /// Everything under `/services/oauth2`.
    pub(super) fn oauth(&mut self, now: DateTime<Utc>, request: &Request, what: &str) -> Response {
        match (what, request.method.as_str()) {
            ("token", "POST") => self.token(now, request),
            ("introspect", "POST") => self.introspect(now, request),
            ("revoke", "POST" | "GET") => {
                let token = form(request).remove("token").unwrap_or_default();
                self.sessions.issued.remove(&token);
                Response::empty(200)
            }
            ("userinfo", "GET" | "POST") => match self.check_token(now, request) {
                Ok(()) => Response::json(200, &self.userinfo()),
                Err(_) => Response::json(403, &json!("Bad_OAuth_Token")),
            },
            ("token" | "introspect" | "revoke" | "userinfo", _) => Response::empty(405),
            _ => oauth_error(404, "invalid_request", "no such OAuth endpoint in this org"),
        }
    }

    fn token(&mut self, now: DateTime<Utc>, request: &Request) -> Response {
        let mut fields = form(request);
        if let Some((key, secret)) = basic(request) {
            fields.insert("client_id".into(), key);
            fields.insert("client_secret".into(), secret);
        }
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let grant = field("grant_type");
        match grant {
            "client_credentials" | "refresh_token" => {}
            "password" => return oauth_error(400, "invalid_grant", "authentication failure"),
            "" => {
                return oauth_error(
                    400,
                    "invalid_request",
                    "missing required parameter: grant_type",
                );
            }
            _ => return oauth_error(400, "unsupported_grant_type", "grant type not supported"),
        }
        if field("client_id") != self.settings.client_id {
            return oauth_error(400, "invalid_client_id", "client identifier invalid");
        }
        if field("client_secret") != self.settings.client_secret {
            return oauth_error(400, "invalid_client", "invalid client credentials");
        }
        if grant == "refresh_token" && field("refresh_token") != self.sessions.refresh {
            return oauth_error(400, "invalid_grant", "expired access/refresh token");
        }
        let mut answer = self.issue(now);
        if grant == "refresh_token" && self.settings.rotate_refresh_token {
            let mark = format!("{}{}", self.sessions.refresh, self.sessions.count);
            let next = format!("5Aep861{}", hex(&digest(&mark)));
            answer["refresh_token"] = json!(next);
            self.sessions.refresh = next;
        }
        Response::json(200, &answer)
    }

    fn issue(&mut self, now: DateTime<Utc>) -> Value {
        self.sessions.count += 1;
        let seed = format!("{}/{}", self.settings.client_secret, self.sessions.count);
        let organization = self.organization.get(..15).unwrap_or_default();
        let token = format!("{organization}!AQ0AQ{}", hex(&digest(&seed)));
        let until = now + Duration::seconds(self.settings.session_seconds);
        self.sessions.issued.retain(|_, (_, until)| *until > now);
        self.sessions.issued.insert(token.clone(), (now, until));
        json!({
            "access_token": token,
            "signature": STANDARD.encode(digest(&token)),
            "scope": "api id",
            "instance_url": self.settings.host_url,
            "id": self.identity_url(),
            "token_type": "Bearer",
            "issued_at": now.timestamp_millis().to_string(),
        })
    }

    /// Whether the request's token is good now.
    pub(super) fn check_token(&self, now: DateTime<Utc>, request: &Request) -> Result<(), Fault> {
        let header = request.header("authorization").unwrap_or_default();
        let token = header
            .strip_prefix("Bearer ")
            .or_else(|| header.strip_prefix("OAuth "))
            .unwrap_or_default()
            .trim();
        let token = if token.is_empty() {
            request.param("oauth_token").unwrap_or_default()
        } else {
            token
        };
        let issued = self
            .sessions
            .issued
            .get(token)
            .is_some_and(|(_, until)| now < *until);
        if issued || (!token.is_empty() && token == self.settings.access_token) {
            return Ok(());
        }
        Err(Fault::new(
            "INVALID_SESSION_ID",
            "Session expired or invalid",
        ))
    }

    fn introspect(&self, now: DateTime<Utc>, request: &Request) -> Response {
        let fields = form(request);
        let token = fields.get("token").map_or("", String::as_str);
        let Some((from, until)) = self
            .sessions
            .issued
            .get(token)
            .filter(|(_, until)| now < *until)
        else {
            return Response::json(200, &json!({"active": false}));
        };
        Response::json(
            200,
            &json!({
                "active": true, "scope": "api id", "client_id": self.settings.client_id, "username": "sync@acme.example",
                "sub": self.identity_url(), "token_type": "access_token",
                "exp": until.timestamp(), "iat": from.timestamp(), "nbf": from.timestamp(),
            }),
        )
    }

    /// The identity URL that token answers name.
    pub(super) fn identity_url(&self) -> String {
        format!(
            "{}/id/{}/{}",
            self.settings.host_url, self.organization, self.integration
        )
    }

    /// `GET /id/<org>/<user>`
    pub(super) fn identity(&self, now: DateTime<Utc>, request: &Request) -> Response {
        if self.check_token(now, request).is_err() {
            return Response::json(403, &json!("Bad_OAuth_Token"));
        }
        let segments = request.segments();
        if segments.get(1) != Some(&self.organization.as_str()) {
            return Response::json(403, &json!("Wrong_Org"));
        }
        if segments.get(2) != Some(&self.integration.as_str()) {
            return Response::json(404, &json!("User_Not_Found"));
        }
        let mut answer = self.userinfo();
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("id".into(), json!(self.identity_url()));
            answer.insert("asserted_user".into(), json!(true));
            answer.insert("username".into(), json!("sync@acme.example"));
            answer.insert("display_name".into(), json!("Syncline Integration"));
            answer.insert("first_name".into(), json!("Syncline"));
            answer.insert("last_name".into(), json!("Integration"));
        }
        Response::json(200, &answer)
    }

    fn userinfo(&self) -> Value {
        let host = &self.settings.host_url;
        json!({
            "sub": self.identity_url(), "user_id": self.integration, "organization_id": self.organization,
            "preferred_username": "sync@acme.example", "nickname": "sync", "name": "Syncline Integration",
            "email": "sync@acme.example", "email_verified": true, "given_name": "Syncline",
            "family_name": "Integration", "zoneinfo": "America/Los_Angeles", "user_type": "STANDARD",
            "language": "en_US", "locale": "en_US", "utcOffset": -28_800_000, "updated_at": "2024-03-01T09:00:00Z",
            "active": true, "is_salesforce_integration_user": true,
            "urls": {
                "rest": format!("{host}/services/data/v{{version}}/"),
                "sobjects": format!("{host}/services/data/v{{version}}/sobjects/"),
                "query": format!("{host}/services/data/v{{version}}/query/"),
                "recent": format!("{host}/services/data/v{{version}}/recent/"),
                "profile": format!("{host}/{}", self.integration),
            },
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
