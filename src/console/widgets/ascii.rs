//! The ASCII set: a pass over the finished frame, so that no screen has to know.

use ratatui::buffer::Buffer;

const GLYPHS: &[(&str, &str)] = &[
    ("✓", "v"),
    ("✗", "x"),
    ("‖", "="),
    ("·", "."),
    ("⚠", "!"),
    ("▌", ">"),
    ("●", "*"),
    ("▲", "^"),
    ("▼", "v"),
    ("▸", ">"),
    ("⇄", "="),
    ("→", ">"),
    ("←", "<"),
    ("↔", "="),
    ("↓", "v"),
    ("↑", "^"),
    ("─", "-"),
    ("│", "|"),
    ("┌", "+"),
    ("┐", "+"),
    ("└", "+"),
    ("┘", "+"),
    ("├", "+"),
    ("┤", "+"),
    ("█", "#"),
    ("▇", "#"),
    ("▆", "*"),
    ("▅", "+"),
    ("▄", "="),
    ("▃", "-"),
    ("▂", ":"),
    ("▁", "."),
    ("⠋", "|"),
    ("⠙", "/"),
    ("⠹", "-"),
    ("⠸", "\\"),
    ("⠼", "|"),
    ("⠴", "/"),
    ("⠦", "-"),
    ("⠧", "\\"),
    ("⠇", "|"),
    ("⠏", "/"),
    ("⠿", "*"),
    ("␊", "~"),
    ("␉", "~"),
    ("␍", "~"),
];

/// Replaces every symbol outside ASCII, column for column; an ellipsis becomes three dots where blanks or text make room for it.
pub fn to_ascii(buf: &mut Buffer) {
    let area = buf.area;
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let symbol = buf[(x, y)].symbol().to_owned();
            if symbol.is_empty() {
                // The second half of a wide character, whose first half is now a single `?`.
                buf[(x, y)].set_symbol("?");
            } else if symbol == "…" {
                let dots = if x + 3 < area.right()
                    && (1..=3).all(|step| buf[(x + step, y)].symbol() == " ")
                {
                    [x, x + 1, x + 2]
                } else {
                    [x.saturating_sub(2), x.saturating_sub(1), x]
                };
                for dot in dots {
                    buf[(dot, y)].set_symbol(".");
                }
            } else if !symbol.is_ascii() {
                let plain = GLYPHS
                    .iter()
                    .find(|(glyph, _)| *glyph == symbol)
                    .map_or("?", |(_, plain)| plain);
                buf[(x, y)].set_symbol(plain);
            }
        }
    }
}
