//! `extract_domain`: the host of a URL, an e-mail address or a bare host. On the way back a URL with the same host stays.

use super::TransformError;
use crate::domain::canon;

/// The host, or its registrable part.
pub(super) fn view(text: &str, registrable: bool) -> Result<String, TransformError> {
    let host = canon::host(text)?;
    if !registrable {
        return Ok(host);
    }
    match canon::registrable(&host) {
        Some(domain) => Ok(domain.to_owned()),
        None => Err(TransformError::NotRegistrable(host)),
    }
}
