//! Where things were drawn, for the mouse.

use ratatui::layout::{Position, Rect};

use super::command::Command;
use super::screens::ScreenId;

/// What a place on the screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A tab of line 2.
    Tab(ScreenId),
    /// A hint of the footer.
    Hint(Command),
    /// The rows of the pane that has the keys; its first row is the list's `top`.
    Rows,
}

/// The areas used by the last frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HitMap(Vec<(Rect, Hit)>);

impl HitMap {
    /// Notes an area.
    pub fn add(&mut self, area: Rect, hit: Hit) {
        self.0.push((area, hit));
    }

    /// What is at a place, and the row within it.
    pub fn at(&self, column: u16, row: u16) -> Option<(Hit, usize)> {
        self.0
            .iter()
            .rev()
            .find(|(area, _)| area.contains(Position::new(column, row)))
            .map(|(area, hit)| (*hit, usize::from(row - area.y)))
    }

    /// All areas.
    #[cfg(test)]
    pub fn areas(&self) -> impl Iterator<Item = Rect> {
        self.0.iter().map(|(area, _)| *area)
    }
}
