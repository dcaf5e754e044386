//! Which pane of screen 3 goes where.

use ratatui::buffer::Buffer;

use super::{evidence, history, queue, resolver, review};
use crate::console::hit::HitMap;
use crate::console::keymap::Context;
use crate::console::layout::{self, Frame, Room};
use crate::console::model::Model;

/// Draws the screen.
pub fn draw(model: &Model, frame: Frame, buf: &mut Buffer, hits: &mut HitMap) {
    let this = &model.conflicts;
    let areas = layout::conflicts(frame.body, frame.room, this.opened);
    if areas.queue.height > 0 {
        queue::draw(model, areas.queue, buf, hits);
    }
    if areas.peek.height > 0 {
        queue::draw_peek(model, areas.peek, buf);
    }
    let is_review = this
        .queue
        .current()
        .is_some_and(|row| !row.kind.is_of_field());
    if areas.fields.height > 0 {
        if is_review {
            review::draw(model, areas.fields, buf);
        } else {
            resolver::draw(model, areas.fields, buf, hits);
        }
    }
    if areas.evidence.height > 0 {
        if is_review {
            review::draw_why(model, areas.evidence, buf);
        } else {
            evidence::draw(model, areas.evidence, buf);
        }
    }
    if areas.history.height > 0 {
        history::draw(model, areas.history, buf);
    }
    if areas.outgoing.height > 0 {
        if frame.room >= Room::Wide {
            evidence::draw_outgoing(model, areas.outgoing, buf);
        } else if this.context() == Context::Queue {
            queue::draw_summary(model, areas.outgoing, buf);
        }
    }
}
