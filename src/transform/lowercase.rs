//! `lowercase`: lower case on both sides. The way back writes the lower-case form.

/// The text in lower case, composed.
pub(super) fn view(text: &str) -> String {
    crate::domain::canon::fold(text)
}
