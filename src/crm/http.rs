//! The shared HTTP layer: token, gate, retry, metering and health around a `Transport`. Sends a write again only when the
//! answer (or the failed connection) proves that nothing was applied (sync-semantics 17).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use super::auth::{Session, Token};
pub(crate) use super::call::{Call, Dialect, Family, Notes, Refusal, Setup, SignIn};
use super::excerpt::excerpt_of_bytes;
use super::gate::Gate;
use super::health::HealthBook;
use super::retry::{LONGEST_WAIT, MOST_RETRIES, jittered, retry_after};
use super::wire::Malformed;
use super::{
    CrmError, ErrorClass, HttpRequest, HttpResponse, Meter, Purpose, SideHealth, Transport,
    TransportError,
};
use crate::clock::{Clock, Entropy};
use crate::domain::Secret;

/// One side's connection.
pub(crate) struct Http<D> {
    pub(crate) dialect: D,
    pub(crate) meter: Meter,
    pub(crate) clock: Arc<dyn Clock>,
    transport: Arc<dyn Transport>,
    entropy: Arc<dyn Entropy>,
    health: HealthBook,
    session: Session,
    general: Gate,
    search: Gate,
    associations: Gate,
    in_flight: Semaphore,
    timeout: Duration,
}

impl<D: Dialect> Http<D> {
    pub(crate) fn new(
        dialect: D,
        setup: Setup,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Http {
            dialect,
            meter: Meter::default(),
            clock,
            transport,
            entropy,
            health: HealthBook::default(),
            session: Session::with(setup.token, setup.refresh_token),
            general: Gate::new(setup.general),
            search: Gate::new(setup.search),
            associations: Gate::new(setup.associations),
            in_flight: Semaphore::new(setup.in_flight.max(1)),
            timeout: setup.timeout,
        }
    }

    pub(crate) fn health(&self) -> SideHealth {
        self.health.read(self.clock.now())
    }

    pub(crate) fn server_now(&self) -> DateTime<Utc> {
        self.clock.now() + self.health.offset()
    }

    /// The newest refresh token, where the vendor rotates them.
    pub(crate) async fn refresh_token(&self) -> Option<Secret> {
        self.session.refresh_token().await
    }

    /// Signs in where needed.
    pub(crate) async fn token(&self) -> Result<Token, CrmError> {
        Ok(self.token_after(None).await?.0)
    }

    async fn token_after(&self, refused: Option<u64>) -> Result<(Token, u64), CrmError> {
        let can = self.dialect.sign_in(None).is_some();
        self.session
            .token(refused, self.clock.now(), can, |refresh| {
                self.sign_in(refresh)
            })
            .await
    }

    async fn sign_in(&self, refresh_token: Option<Secret>) -> Result<Token, CrmError> {
        let side = self.dialect.side();
        let Some(sign_in) = self.dialect.sign_in(refresh_token.as_ref()) else {
            return Err(CrmError::new(
                side,
                "sign in",
                ErrorClass::Auth,
                "there is no token and no way to fetch one; run `syncline connect` again",
            ));
        };
        let pairs = sign_in
            .form
            .iter()
            .map(|(name, value)| (*name, value.expose()));
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        let mut headers = sign_in.headers;
        headers.push(("accept".into(), "application/json".into()));
        headers.push((
            "content-type".into(),
            "application/x-www-form-urlencoded".into(),
        ));
        let request = HttpRequest {
            method: "POST",
            url: sign_in.url,
            headers,
            body: body.into_bytes(),
            timeout: self.timeout,
        };
        let call = Call {
            method: "POST",
            ..Call::get(Purpose::Auth, "sign in", "")
        };
        let mut tries = Tries::default();
        loop {
            let answer = match self.exchange(&call, request.clone(), &mut tries).await? {
                Some(answer) => answer,
                None => continue,
            };
            if (200..300).contains(&answer.status) {
                let token = self.dialect.signed_in(&answer.body, self.clock.now());
                return token.map_err(|why| {
                    CrmError::new(side, "sign in", ErrorClass::Auth, why.to_string())
                });
            }
            let refusal = self.dialect.refusal(&answer);
            let passing = matches!(
                refusal.class,
                ErrorClass::Transient | ErrorClass::Unknown | ErrorClass::Throttled
            );
            if !passing {
                let refusal = Refusal {
                    class: ErrorClass::Auth,
                    ..refusal
                };
                return Err(self.error(&call, refusal, None));
            }
            self.wait_or_fail(&call, &answer, refusal, &mut tries)
                .await?;
        }
    }

    /// Sends a call until it is answered, refused for good, or may not be sent again.
    pub(crate) async fn send(&self, call: &Call) -> Result<HttpResponse, CrmError> {
        let mut tries = Tries::default();
        let mut refused_generation = None;
        loop {
            let (token, generation) = self.token_after(refused_generation).await?;
            let request = self.request(call, &token);
            let Some(answer) = self.exchange(call, request, &mut tries).await? else {
                continue;
            };
            if (200..300).contains(&answer.status) {
                return Ok(answer);
            }
            let refusal = self.dialect.refusal(&answer);
            self.health.failed(refusal.vendor.text.clone());
            let renew = answer.status == 401
                && refusal.renewable
                && refused_generation.is_none()
                && self.dialect.sign_in(None).is_some();
            if renew {
                refused_generation = Some(generation);
                continue;
            }
            let untouched = refusal.definite && !(call.makes && answer.status >= 500);
            match refusal.class {
                ErrorClass::Throttled => {}
                ErrorClass::Transient | ErrorClass::Unknown if call.repeatable || untouched => {}
                ErrorClass::Transient | ErrorClass::Unknown => {
                    let refusal = Refusal {
                        class: ErrorClass::Unknown,
                        next: "The outcome is not known: the record is looked up before it is written again.",
                        ..refusal
                    };
                    return Err(self.error(call, refusal, None));
                }
                _ => return Err(self.error(call, refusal, None)),
            }
            self.wait_or_fail(call, &answer, refusal, &mut tries)
                .await?;
        }
    }

    /// Sends a call and reads its answer. An unreadable answer to a write leaves its outcome unknown, which is for the
    /// caller to look up; a read is sent once more before its answer counts as unreadable.
    pub(crate) async fn fetch<T>(
        &self,
        call: &Call,
        parse: impl Fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, CrmError> {
        let answer = self.send(call).await?;
        match parse(&answer.body) {
            Err(_) if call.repeatable => {
                self.clock.sleep(jittered(0, self.entropy.unit())).await;
                let answer = self.send(call).await?;
                parse(&answer.body).map_err(|why| self.unreadable(call, &answer, &why))
            }
            parsed => parsed.map_err(|why| self.unreadable(call, &answer, &why)),
        }
    }

    /// The error of an answer that cannot be read.
    pub(crate) fn unreadable(
        &self,
        call: &Call,
        answer: &HttpResponse,
        why: &Malformed,
    ) -> CrmError {
        let json = answer
            .header("content-type")
            .is_none_or(|kind| kind.contains("json"));
        // JSON may hold a customer's data; an edge server's page does not.
        let words = if json {
            String::new()
        } else {
            format!(": \"{}\"", excerpt_of_bytes(&answer.body))
        };
        let message = format!("{why}{words}; report it with the log of this run");
        CrmError::new(self.dialect.side(), &call.what, ErrorClass::Bug, message)
    }

    fn request(&self, call: &Call, token: &Token) -> HttpRequest {
        let mut headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
            (
                "authorization".to_owned(),
                format!("Bearer {}", token.access.expose()),
            ),
        ];
        if !call.body.is_empty() {
            headers.push((
                "content-type".to_owned(),
                "application/json; charset=UTF-8".to_owned(),
            ));
        }
        headers.extend(call.headers.iter().cloned());
        HttpRequest {
            method: call.method,
            url: format!("{}{}", token.base_url, call.path),
            headers,
            body: call.body.clone(),
            timeout: self.timeout,
        }
    }

    /// One request through its gate. `None`: no answer came and it may be sent again (the wait is over).
    async fn exchange(
        &self,
        call: &Call,
        request: HttpRequest,
        tries: &mut Tries,
    ) -> Result<Option<HttpResponse>, CrmError> {
        let gate = self.gate(call);
        let permit = loop {
            let permit = self.in_flight.acquire().await;
            match gate.take(self.clock.now()) {
                Ok(()) => break permit,
                Err(wait) => {
                    drop(permit);
                    self.clock.sleep(wait).await;
                }
            }
        };
        let sent = self.clock.now();
        let mut counted = Counted {
            meter: &self.meter,
            purpose: Some(call.purpose),
        };
        let result = self.transport.send(request).await;
        if matches!(result, Err(TransportError::Connect { .. })) {
            counted.purpose = None;
        }
        drop(counted);
        drop(permit);
        let now = self.clock.now();
        let error = match result {
            Ok(answer) => {
                self.health.answered(sent, now, answer.header("date"));
                let notes = self.dialect.notes(&answer);
                if let Some((used, limit)) = notes.daily {
                    self.health.daily(used, limit);
                }
                if let Some(count) = notes.rate {
                    gate.vendor_allows(count);
                }
                return Ok(Some(answer));
            }
            Err(error) => error,
        };
        self.health.silent(now, error.to_string());
        let sent_out = matches!(error, TransportError::NoAnswer { .. });
        let side = self.dialect.side();
        if sent_out && !call.repeatable {
            let message = format!(
                "{error}; the outcome is not known, the records are looked up before they are written again"
            );
            return Err(CrmError::new(
                side,
                &call.what,
                ErrorClass::Unknown,
                message,
            ));
        }
        if tries.count >= MOST_RETRIES {
            let message = format!("{error}; check the network, the next run goes on from here");
            return Err(CrmError::new(
                side,
                &call.what,
                ErrorClass::Transient,
                message,
            ));
        }
        let wait = jittered(tries.count, self.entropy.unit());
        tries.count += 1;
        self.clock.sleep(wait).await;
        Ok(None)
    }

    /// Waits before a request is sent again, or gives the error where it was sent often enough.
    async fn wait_or_fail(
        &self,
        call: &Call,
        answer: &HttpResponse,
        refusal: Refusal,
        tries: &mut Tries,
    ) -> Result<(), CrmError> {
        let asked = retry_after(answer.header("retry-after"));
        let jitter = jittered(tries.count, self.entropy.unit());
        let throttled = refusal.class == ErrorClass::Throttled;
        let wait = match (asked, refusal.wait) {
            (Some(asked), _) => asked.max(Duration::from_millis(100)),
            (None, Some(least)) => least + jitter.min(least),
            (None, None) => jitter,
        };
        let now = self.clock.now();
        if throttled || asked.is_some() {
            let until = now + chrono::Duration::from_std(wait).unwrap_or_default();
            if throttled {
                self.health.throttled(until);
                self.gate(call).throttled(now);
            }
            if wait <= LONGEST_WAIT {
                self.gate(call).shut(until);
            }
        }
        if tries.count >= MOST_RETRIES || wait > LONGEST_WAIT {
            let class = match refusal.class {
                ErrorClass::Unknown => ErrorClass::Transient,
                class => class,
            };
            return Err(self.error(call, Refusal { class, ..refusal }, Some(wait)));
        }
        tries.count += 1;
        self.clock.sleep(wait).await;
        Ok(())
    }

    fn gate(&self, call: &Call) -> &Gate {
        match call.family {
            Family::General => &self.general,
            Family::Search => &self.search,
            Family::Associations => &self.associations,
        }
    }

    fn error(&self, call: &Call, refusal: Refusal, retry_after: Option<Duration>) -> CrmError {
        let code = &refusal.vendor.code;
        let status = refusal.vendor.status;
        let named = match (code.is_empty(), refusal.vendor.text.is_empty()) {
            (true, true) => format!("status {status}"),
            (true, false) => format!("{} (status {status})", refusal.vendor.text),
            (false, true) => format!("{code} (status {status})"),
            (false, false) => format!("{code}: {} (status {status})", refusal.vendor.text),
        };
        CrmError {
            side: self.dialect.side(),
            what: call.what.clone(),
            class: refusal.class,
            message: format!("{named}. {}", refusal.next),
            vendor: Some(refusal.vendor),
            retry_after,
        }
    }
}

/// How often one call was sent again.
#[derive(Debug, Default)]
struct Tries {
    count: u32,
}

/// Counts a request when it is over, a cancelled one included; not where nothing was sent.
struct Counted<'a> {
    meter: &'a Meter,
    purpose: Option<Purpose>,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if let Some(purpose) = self.purpose {
            self.meter.count(purpose);
        }
    }
}
