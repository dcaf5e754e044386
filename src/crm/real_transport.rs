//! The transport of the released program: reqwest over rustls with ring. One client, so connections are reused; no
//! redirects, because a token must not follow one; answers are unpacked and their size is bounded.

use std::error::Error;
use std::time::Duration;

use super::host::host_of;
use super::{HttpRequest, HttpResponse, Transport, TransportError};
use crate::clock::BoxFuture;

/// No answer of either vendor comes near this (a describe of 1,000 fields is under 2 MB).
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTPS client cannot be set up ({why}); check the machine's certificate store")]
pub struct TransportSetupError {
    /// The library's words.
    pub why: String,
}

/// Sends with reqwest. Cheap to clone: clones share the connections.
#[derive(Clone, Debug)]
pub struct RealTransport {
    client: reqwest::Client,
}

impl RealTransport {
    /// Makes the client; installs ring as the process's cryptography where none is installed yet.
    ///
    /// # Errors
    /// [`TransportSetupError`] where the TLS set-up fails.
    pub fn new() -> Result<Self, TransportSetupError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // A second thread may win the race; then one is installed, which is all that is wanted.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("syncline/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .pool_idle_timeout(Duration::from_secs(90))
            .gzip(true)
            .build()
            .map_err(|error| TransportSetupError {
                why: causes(&error),
            })?;
        Ok(RealTransport { client })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let host = host_of(&request.url);
        let method =
            reqwest::Method::from_bytes(request.method.as_bytes()).unwrap_or(reqwest::Method::GET);
        let mut builder = self
            .client
            .request(method, &request.url)
            .timeout(request.timeout)
            .body(request.body);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let mut response = builder.send().await.map_err(|error| {
            // A builder error (a header that cannot be sent) is like a failed connection: nothing left the machine.
            let unsent = error.is_connect() || error.is_builder();
            let (host, why) = (host.clone(), causes(&error.without_url()));
            if unsent {
                TransportError::Connect { host, why }
            } else {
                TransportError::NoAnswer { host, why }
            }
        })?;
        let mut answer = HttpResponse {
            status: response.status().as_u16(),
            headers: Vec::with_capacity(response.headers().len()),
            body: Vec::new(),
        };
        for (name, value) in response.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            answer.headers.push((name.as_str().to_owned(), value));
        }
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if answer.body.len() + chunk.len() > LARGEST_BODY => {
                    return Err(TransportError::NoAnswer {
                        host,
                        why: format!("the answer is larger than {LARGEST_BODY} bytes"),
                    });
                }
                Ok(Some(chunk)) => answer.body.extend_from_slice(&chunk),
                Ok(None) => return Ok(answer),
                Err(error) => {
                    return Err(TransportError::NoAnswer {
                        host,
                        why: causes(&error.without_url()),
                    });
                }
            }
        }
    }
}

impl Transport for RealTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

/// An error with its causes, in one line.
fn causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words.push_str(": ");
            words.push_str(&inner_words);
        }
        cause = inner.source();
    }
    super::excerpt::excerpt(&words)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one connection with the bytes, then closes it.
    async fn serve_once(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0u8; 4_096];
            let _ = stream.read(&mut buffer).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        });
        format!("http://{address}/x?q=1")
    }

    async fn fetch(url: String) -> Result<HttpResponse, TransportError> {
        let request = HttpRequest {
            method: "GET",
            url,
            headers: vec![("authorization".into(), "Bearer t".into())],
            body: Vec::new(),
            timeout: Duration::from_secs(5),
        };
        RealTransport::new().unwrap().send(request).await
    }

    #[tokio::test]
    async fn a_packed_answer_is_unpacked_and_a_redirect_is_not_followed() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"{\"a\":1}").unwrap();
        let packed = packer.finish().unwrap();
        let head = format!(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nX-Thing: Y\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            packed.len()
        );
        let answer = fetch(serve_once([head.as_bytes(), &packed].concat()).await)
            .await
            .unwrap();
        assert_eq!(answer.status, 302);
        assert_eq!(answer.header("x-thing"), Some("Y"));
        assert_eq!(answer.body, b"{\"a\":1}");
    }

    #[tokio::test]
    async fn a_cut_answer_is_no_answer_and_a_closed_port_was_never_reached() {
        let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_vec();
        let error = fetch(serve_once(cut).await).await.unwrap_err();
        assert!(matches!(error, TransportError::NoAnswer { .. }), "{error}");
        let error = fetch(serve_once(Vec::new()).await).await.unwrap_err();
        assert!(matches!(error, TransportError::NoAnswer { .. }), "{error}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = listener.local_addr().unwrap();
        drop(listener);
        let error = fetch(format!("http://{closed}/")).await.unwrap_err();
        assert!(matches!(error, TransportError::Connect { .. }), "{error}");
        assert!(!error.to_string().contains("Bearer"));
    }
}
