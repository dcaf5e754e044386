//! `phone_e164`: the number as E.164. The extension is not part of it and stays where it stands, unless it is kept.

use super::TransformError;
use crate::domain::canon;

/// The number in E.164, with `;ext=` where the extension is kept.
pub(super) fn view(text: &str, country: &str, keep: bool) -> Result<String, TransformError> {
    let number = canon::phone(text, country)?;
    Ok(if keep {
        number.with_extension()
    } else {
        number.e164
    })
}
