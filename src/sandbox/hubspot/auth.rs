//! Tokens: the static one, OAuth access tokens and the token endpoint (`docs/vendor/hubspot.md` 2).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::history::Author;
use crate::sandbox::http::{Request, Response};

use super::Portal;
use super::fault::{Answer, Fault};
use super::text::{instant, uuid};

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub token: String,
    /// By an OAuth token (other limits, no daily headers).
    pub oauth: bool,
    pub app_id: String,
}

impl Caller {
    /// How the histories name it.
    pub(super) fn author(&self) -> Author {
        Author::Api(self.app_id.clone())
    }
}

/// The OAuth tokens given out.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Token, and when it ends.
    tokens: BTreeMap<String, DateTime<Utc>>,
    given: u64,
    /// The refresh token was revoked or the app uninstalled.
    pub refused: bool,
    /// The static token no longer counts.
    pub static_refused: bool,
}

impl Sessions {
    /// Ends every OAuth access token at `now`.
    pub(super) fn expire(&mut self, now: DateTime<Utc>) {
        for until in self.tokens.values_mut() {
            *until = (*until).min(now);
        }
    }
}

fn no_credentials() -> Fault {
    let mut fault = Fault::new(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details \
         at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    );
    fault
        .headers
        .push(("x-hubspot-auth-failure".into(), "401 Unauthorized".into()));
    fault
}

/// The bearer token of a request.
pub(super) fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

impl Portal {
    /// The caller of a request, or 401.
    pub(super) fn authenticate(
        &self,
        now: DateTime<Utc>,
        request: &Request,
    ) -> Result<Caller, Fault> {
        let token = bearer(request).ok_or_else(no_credentials)?;
        let caller = |oauth| Caller {
            token: token.to_owned(),
            oauth,
            app_id: self.settings.app_id.clone(),
        };
        if token == self.settings.access_token && !self.sessions.static_refused {
            return Ok(caller(false));
        }
        let until = *self.sessions.tokens.get(token).ok_or_else(no_credentials)?;
        if until > now {
            return Ok(caller(true));
        }
        let ago = (now - until).num_seconds();
        Err(Fault::new(
            401,
            "EXPIRED_AUTHENTICATION",
            format!("The OAuth token used to make this call expired {ago} second(s) ago."),
        )
        .with_context("expire time", &[instant(until)]))
    }

    /// Refuses with the vendor's 403 unless one of the scopes named is granted.
    pub(super) fn scope(&self, needed: &str) -> Result<(), Fault> {
        let Some(granted) = &self.settings.scopes else {
            return Ok(());
        };
        if granted.contains(needed) {
            return Ok(());
        }
        let mut fault = Fault::new(
            403,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: \
             https://developers.hubspot.com/scopes.",
        )
        .with("links", json!({"scopes": "https://developers.hubspot.com/scopes"}));
        fault.errors.push(
            json!({"message": "One or more of the following scopes are required.",
                                 "context": {"requiredGranularScopes": [needed]}}),
        );
        Err(fault)
    }

    /// `POST /oauth/{v}/token` and what hangs below it.
    pub(super) fn oauth_call(
        &mut self,
        now: DateTime<Utc>,
        request: &Request,
        rest: &[&str],
    ) -> Answer {
        let form = Form::of(request);
        match (request.method.as_str(), rest) {
            ("POST", ["token"]) => self.give_token(now, &form),
            ("POST", ["token", "introspect"]) => {
                let token = form.get("token");
                let until = self
                    .sessions
                    .tokens
                    .get(token)
                    .copied()
                    .filter(|until| *until > now);
                Ok(Response::json(200, &self.token_facts(now, until)))
            }
            ("POST", ["token", "revoke"]) => {
                self.sessions.refused |= form.get("token") == self.settings.refresh_token;
                Ok(Response::empty(200))
            }
            ("GET", ["access-tokens", token]) => match self.sessions.tokens.get(*token) {
                Some(until) if *until > now => {
                    Ok(Response::json(200, &self.token_facts(now, Some(*until))))
                }
                _ => Err(Fault::bare(404, "access token is invalid or expired")),
            },
            ("GET", ["refresh-tokens", token])
                if *token == self.settings.refresh_token && !self.sessions.refused =>
            {
                let body = json!({"token": token, "client_id": self.settings.client_id, "hub_id": self.settings.portal_id,
                                  "token_type": "refresh", "scopes": self.scope_list()});
                Ok(Response::json(200, &body))
            }
            ("DELETE", ["refresh-tokens", token]) => {
                self.sessions.refused |= *token == self.settings.refresh_token;
                Ok(Response::empty(204))
            }
            _ => Err(Fault::bare(404, "resource not found")),
        }
    }

    fn scope_list(&self) -> Vec<String> {
        match &self.settings.scopes {
            Some(scopes) => scopes.iter().cloned().collect(),
            None => [
                "oauth",
                "crm.objects.contacts.read",
                "crm.objects.contacts.write",
                "crm.objects.companies.read",
                "crm.objects.companies.write",
            ]
            .map(String::from)
            .to_vec(),
        }
    }

    fn token_facts(&self, now: DateTime<Utc>, until: Option<DateTime<Utc>>) -> Value {
        let Some(until) = until else {
            return json!({"active": false});
        };
        json!({"active": true, "hub_id": self.settings.portal_id, "user_id": 1, "app_id": self.settings.app_id,
               "scopes": self.scope_list(), "expires_in": (until - now).num_seconds(), "token_type": "access"})
    }

    fn give_token(&mut self, now: DateTime<Utc>, form: &Form) -> Answer {
        if form.get("client_id") != self.settings.client_id {
            return Ok(refused(
                "invalid_client",
                "BAD_CLIENT_ID",
                "missing or invalid client id",
            ));
        }
        if form.get("client_secret") != self.settings.client_secret {
            return Ok(refused(
                "invalid_client",
                "BAD_CLIENT_SECRET",
                "missing or invalid client secret",
            ));
        }
        match form.get("grant_type") {
            "refresh_token"
                if form.get("refresh_token") == self.settings.refresh_token
                    && !self.sessions.refused => {}
            "refresh_token" => {
                let why = "refresh token is invalid, expired or revoked";
                return Ok(refused("invalid_grant", "BAD_REFRESH_TOKEN", why));
            }
            "client_credentials" => {}
            "authorization_code" => {
                return Ok(refused(
                    "invalid_grant",
                    "BAD_AUTH_CODE",
                    "missing or unknown auth code",
                ));
            }
            _ => {
                return Ok(refused(
                    "unsupported_grant_type",
                    "BAD_GRANT_TYPE",
                    "missing or invalid grant type",
                ));
            }
        }
        self.sessions.given += 1;
        let token = format!("CN-{}", uuid(self.sessions.given ^ 0x0a17));
        self.sessions
            .tokens
            .insert(token.clone(), now + self.settings.token_life);
        let mut body = Map::new();
        body.insert("token_type".into(), json!("bearer"));
        body.insert("access_token".into(), json!(token));
        if form.get("grant_type") == "refresh_token" {
            body.insert("refresh_token".into(), json!(self.settings.refresh_token));
        }
        body.insert(
            "expires_in".into(),
            json!(self.settings.token_life.num_seconds()),
        );
        body.insert("hub_id".into(), json!(self.settings.portal_id));
        body.insert("scopes".into(), json!(self.scope_list()));
        Ok(Response::json(200, &Value::Object(body)))
    }
}

/// A failure of the token endpoint, in its own shape (2.9).
fn refused(error: &str, status: &str, message: &str) -> Response {
    let body =
        json!({"error": error, "error_description": message, "status": status, "message": message});
    Response::json(400, &body)
}

/// A form body; v1 also took query parameters.
struct Form(BTreeMap<String, String>);

impl Form {
    fn of(request: &Request) -> Self {
        let body = url::form_urlencoded::parse(&request.body).into_owned();
        Form(request.query.iter().cloned().chain(body).collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}
