//! The access token of one side: fetched once however many calls wait for it, renewed ahead of its end or after a 401.

use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use super::CrmError;
use crate::domain::Secret;

/// A refused sign-in is not tried again by every waiting call: they share the answer this long.
const REFUSAL_HOLDS: chrono::Duration = chrono::Duration::seconds(30);

/// What a sign-in gave.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// The bearer token.
    pub(crate) access: Secret,
    /// Where calls go: the token answer's `instance_url` (Salesforce 1.1), or the configured address.
    pub(crate) base_url: String,
    /// When to renew it ahead (80 % of its life), where the answer tells the life.
    pub(crate) renew_at: Option<DateTime<Utc>>,
    /// Account and user, where the answer tells them.
    pub(crate) identity: Option<(String, Option<String>)>,
    /// A new refresh token: the old one may be dead from now on.
    pub(crate) refresh_token: Option<Secret>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    generation: u64,
    refresh_token: Option<Secret>,
    refused: Option<(DateTime<Utc>, CrmError)>,
}

/// Holds the token. `generation` counts sign-ins, so that of many calls refused with one old token only the first renews.
#[derive(Debug, Default)]
pub(crate) struct Session {
    state: Mutex<State>,
}

impl Session {
    /// A session with a token that was given rather than fetched.
    pub(crate) fn with(token: Option<Token>, refresh_token: Option<Secret>) -> Self {
        Session {
            state: Mutex::new(State {
                token,
                refresh_token,
                ..State::default()
            }),
        }
    }

    /// The present token; signs in where there is none, it is about to end, or its generation is the refused one.
    pub(crate) async fn token<F, Fut>(
        &self,
        refused_generation: Option<u64>,
        now: DateTime<Utc>,
        can_sign_in: bool,
        sign_in: F,
    ) -> Result<(Token, u64), CrmError>
    where
        F: FnOnce(Option<Secret>) -> Fut,
        Fut: Future<Output = Result<Token, CrmError>>,
    {
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token {
            let stale = refused_generation == Some(state.generation)
                || token.renew_at.is_some_and(|at| now >= at);
            if !stale || !can_sign_in {
                return Ok((token.clone(), state.generation));
            }
        }
        if let Some((at, error)) = &state.refused
            && now - *at < REFUSAL_HOLDS
        {
            return Err(error.clone());
        }
        match sign_in(state.refresh_token.clone()).await {
            Ok(token) => {
                state.generation += 1;
                if let Some(rotated) = &token.refresh_token {
                    state.refresh_token = Some(rotated.clone());
                }
                state.refused = None;
                state.token = Some(token.clone());
                Ok((token, state.generation))
            }
            Err(error) => {
                if error.class == super::ErrorClass::Auth {
                    state.refused = Some((now, error.clone()));
                }
                Err(error)
            }
        }
    }

    /// The newest refresh token (a vendor may hand out a new one with each access token; the caller stores it).
    pub(crate) async fn refresh_token(&self) -> Option<Secret> {
        self.state.lock().await.refresh_token.clone()
    }
}
