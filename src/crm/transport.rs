//! The seam below serialisation: bytes out, bytes in. Tests put the sandbox behind it, the program reqwest.

use std::time::Duration;

use crate::clock::BoxFuture;

/// One request, ready to send. Header values that carry credentials are never logged.
#[derive(Clone)]
pub struct HttpRequest {
    /// Upper-case method.
    pub method: &'static str,
    /// Absolute URL.
    pub url: String,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Give up after this long.
    pub timeout: Duration,
}

impl std::fmt::Debug for HttpRequest {
    /// Headers and body stay out: they hold credentials and personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &path)
            .finish_non_exhaustive()
    }
}

/// One whole response.
#[derive(Clone, Debug, Default)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// No whole response came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The connection could not be made: nothing was sent.
    #[error("could not connect to {host}: {why}")]
    Connect {
        /// Host and port.
        host: String,
        /// The system's words.
        why: String,
    },
    /// The request may have been received: time-out, reset, cut body.
    #[error("no answer from {host}: {why}")]
    NoAnswer {
        /// Host and port.
        host: String,
        /// The system's words.
        why: String,
    },
}

/// Sends one request and waits for the whole response. Does not retry and does not follow redirects.
pub trait Transport: Send + Sync {
    /// Sends.
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>>;
}
