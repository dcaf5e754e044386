//! Pieces that screens are drawn from. They know roles and text, nothing of the model.

mod ascii;
mod field;
mod panel;
mod table;
mod text;

pub use ascii::to_ascii;
pub use field::draw_field;
pub use panel::{Panel, clear};
pub use table::{Align, Col, Table, TableRow, draw_table};
pub use text::{Text, draw_lines, draw_notice, gauge, sparkline};
