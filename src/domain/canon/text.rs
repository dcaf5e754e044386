//! Canonical text: composed, with one kind of line end and without white space at the ends of lines.

use unicode_normalization::UnicodeNormalization;

/// NFC; CR LF and CR become LF; trailing white space of each line and white space around the whole is removed. Inner white
/// space stays.
pub fn text(raw: &str) -> String {
    if raw.is_ascii() && !raw.contains(['\r', '\n']) {
        return raw.trim().to_owned();
    }
    let composed: String = raw.nfc().collect();
    let unix = composed.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = unix.split('\n').map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

/// The text without case, composed again.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.to_lowercase().nfc().collect()
}
