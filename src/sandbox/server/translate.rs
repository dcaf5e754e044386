//! Between axum's requests and the sandbox's plain ones: percent-decoding, gzip both ways.

use std::io::{Read, Write};

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, request::Parts};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::sandbox::http::{Request, Response};

/// The largest body that is read, sent or unpacked: what Salesforce takes for a bulk upload
/// (docs/vendor/salesforce.md 5: 150 MB).
pub(super) const MAX_BODY: usize = 150 * 1024 * 1024;
/// Answers below this size are not worth compressing.
const MIN_GZIP: usize = 512;

/// The plain request. The error is an answer for the client.
pub(super) fn request(parts: &Parts, body: Vec<u8>) -> Result<Request, Response> {
    let mut headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_ascii_lowercase(), value)
        })
        .collect();
    let gzipped = headers
        .iter()
        .any(|(name, value)| name == "content-encoding" && value.eq_ignore_ascii_case("gzip"));
    let body = match gzipped {
        true => gunzip(&body).ok_or_else(|| Response::empty(400))?,
        false => body,
    };
    if gzipped {
        headers.retain(|(name, _)| name != "content-encoding");
    }
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    Ok(Request {
        method: parts.method.as_str().to_ascii_uppercase(),
        path: parts
            .uri
            .path()
            .split('/')
            .map(decode)
            .collect::<Vec<_>>()
            .join("/"),
        query: url::form_urlencoded::parse(query).into_owned().collect(),
        headers,
        body,
    })
}

/// Whether the client takes gzip.
pub(super) fn takes_gzip(request: &Request) -> bool {
    request
        .header("accept-encoding")
        .is_some_and(|accepted| accepted.to_ascii_lowercase().contains("gzip"))
}

/// axum's response with that body; `None` where the vendor's answer cannot be put on the wire.
pub(super) fn head(response: &Response, body: Body) -> Option<axum::response::Response> {
    let mut answer = axum::response::Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(response.status).ok()?;
    for (name, value) in &response.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_str(value).ok()?;
        answer.headers_mut().append(name, value);
    }
    Some(answer)
}

/// The whole answer, compressed where the client takes that.
pub(super) fn response(mut response: Response, gzip: bool) -> Option<axum::response::Response> {
    if gzip && response.body.len() >= MIN_GZIP {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = encoder
            .write_all(&response.body)
            .and_then(|()| encoder.finish());
        if let Ok(packed) = packed {
            response.body = packed;
            response = response
                .with_header("Content-Encoding", "gzip")
                .with_header("Vary", "Accept-Encoding");
        }
    }
    let body = Body::from(std::mem::take(&mut response.body));
    head(&response, body)
}

fn gunzip(packed: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut reader = MultiGzDecoder::new(packed).take(MAX_BODY as u64 + 1);
    reader.read_to_end(&mut plain).ok()?;
    (plain.len() <= MAX_BODY).then_some(plain)
}

/// Percent-decodes one path segment; what is no UTF-8 becomes replacement characters.
fn decode(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| segment.get(at + 1..at + 3))
            .flatten()
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match escaped {
            Some(byte) => plain.push(byte),
            None => plain.push(bytes[at]),
        }
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_segments_are_decoded_and_odd_ones_kept() {
        assert_eq!(decode("a%40b.com"), "a@b.com");
        assert_eq!(decode("J%C3%BCrgen+1"), "Jürgen+1");
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%4"), "%zz%4");
        assert_eq!(decode("%é"), "%é");
    }

    #[test]
    fn what_is_no_gzip_is_refused_and_a_bomb_too() {
        assert_eq!(gunzip(b"plain"), None);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&vec![0; MAX_BODY + 1]).unwrap();
        assert_eq!(gunzip(&encoder.finish().unwrap()), None);
    }
}
