//! Plain tables: columns as wide as they need, the last ones cut where a terminal is narrower.

use super::exit::Failure;
use super::output::{Output, Role};
use super::text::{fit, width};

/// Widest column where no terminal sets a limit.
const WIDEST: usize = 120;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Left.
    Left,
    /// Right: numbers.
    Right,
}

/// A table that is being filled.
#[derive(Clone, Debug)]
pub struct Table {
    heads: Vec<(&'static str, Align)>,
    rows: Vec<(Role, Vec<String>)>,
}

impl Table {
    /// A table with these columns.
    pub fn new(heads: &[(&'static str, Align)]) -> Self {
        Table {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push((Role::Plain, cells));
    }

    /// Adds a row in a role.
    pub fn row_in(&mut self, role: Role, cells: Vec<String>) {
        self.rows.push((role, cells));
    }

    /// Writes it to stdout.
    ///
    /// # Errors
    /// As `Output::line`.
    pub fn print(&self, out: &mut Output) -> Result<(), Failure> {
        let heads: Vec<String> = self
            .heads
            .iter()
            .map(|(head, _)| (*head).to_owned())
            .collect();
        let mut widths: Vec<usize> = heads.iter().map(|head| width(head)).collect();
        for (_, cells) in &self.rows {
            for (slot, cell) in widths.iter_mut().zip(cells) {
                *slot = (*slot).max(width(cell));
            }
        }
        match out.columns() {
            Some(columns) => narrow(&mut widths, columns),
            // No terminal sets a limit, a field of 100 000 characters should not either; --json has all of it.
            None => widths.iter_mut().for_each(|one| *one = (*one).min(WIDEST)),
        }
        let head = self.render(&heads, &widths, out.cut());
        out.line(&out.paint(Role::Head, &head))?;
        for (role, cells) in &self.rows {
            if out.is_closed() {
                break;
            }
            let line = self.render(cells, &widths, out.cut());
            out.line(&out.paint(*role, &line))?;
        }
        Ok(())
    }

    fn render(&self, cells: &[String], widths: &[usize], cut: &str) -> String {
        let mut line = String::new();
        for ((cell, columns), (_, align)) in cells.iter().zip(widths).zip(&self.heads) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let cell = fit(cell, *columns, cut);
            let gap = " ".repeat(columns.saturating_sub(width(&cell)));
            match align {
                Align::Left => {
                    line.push_str(&cell);
                    line.push_str(&gap);
                }
                Align::Right => {
                    line.push_str(&gap);
                    line.push_str(&cell);
                }
            }
        }
        line.trim_end().to_owned()
    }
}

/// Takes from the widest column until the line fits; no column gets narrower than eight.
fn narrow(widths: &mut [usize], columns: usize) {
    const LEAST: usize = 8;
    loop {
        let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        if total <= columns {
            return;
        }
        match widths.iter_mut().max() {
            Some(widest) if *widest > LEAST => {
                *widest = widest.saturating_sub(total - columns).max(LEAST);
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::tests::kept;

    #[test]
    fn columns_line_up_by_width() {
        let (mut out, text, _) = kept(false);
        let mut table = Table::new(&[("name", Align::Left), ("n", Align::Right)]);
        table.row(vec!["日本".into(), "7".into()]);
        table.row(vec!["a".into(), "1 204".into()]);
        table.print(&mut out).unwrap();
        assert_eq!(text.text(), "name      n\n日本      7\na     1 204\n");
    }

    #[test]
    fn the_widest_column_gives_way_on_a_narrow_terminal() {
        let mut widths = vec![10, 100, 5];
        narrow(&mut widths, 60);
        assert_eq!(widths, [10, 41, 5]);
        let mut hopeless = vec![8, 8, 8];
        narrow(&mut hopeless, 10);
        assert_eq!(hopeless, [8, 8, 8]);
    }
}
