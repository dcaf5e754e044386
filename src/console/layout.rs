//! From the terminal's size to named areas: the breakpoints of docs/design/console.md 10. Pure.

use ratatui::layout::Rect;

/// Smallest size that is drawn.
pub const LEAST: (u16, u16) = (60, 15);

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Below 60x15: one line.
    TooSmall,
    /// From 60x15.
    Narrow,
    /// From 80x24.
    Normal,
    /// From 132x36.
    Wide,
    /// From 200x50.
    Huge,
}

/// The room of a size. Wide screens that are not high are still wide (the sketches go down to 28 rows).
pub fn room(area: Rect) -> Room {
    match (area.width, area.height) {
        (width, height) if width < LEAST.0 || height < LEAST.1 => Room::TooSmall,
        (width, height) if width < 80 || height < 24 => Room::Narrow,
        (width, height) if width >= 200 && height >= 40 => Room::Huge,
        (width, height) if width >= 132 && height >= 26 => Room::Wide,
        _ => Room::Normal,
    }
}

/// The parts that every screen has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// How much room there is.
    pub room: Room,
    /// Health, API use, mode, clock; with the tabs below from 80x24.
    pub header: Rect,
    /// The screen's own.
    pub body: Rect,
    /// The message line.
    pub message: Rect,
    /// Hints.
    pub hints: Rect,
}

/// Splits the whole screen.
pub fn frame(area: Rect) -> Frame {
    let room = room(area);
    let header = if room <= Room::Narrow { 1 } else { 2 };
    let hints = if room <= Room::Narrow { 1 } else { 2 };
    let header = header.min(area.height);
    let hints = hints.min(area.height - header);
    let message = 1.min(area.height - header - hints);
    let body = area.height - header - hints - message;
    let at = |y: u16, height: u16| Rect {
        x: area.x,
        y: area.y + y,
        width: area.width,
        height,
    };
    Frame {
        room,
        header: at(0, header),
        body: at(header, body),
        message: at(header + body, message),
        hints: at(header + body + message, hints),
    }
}

/// Cuts `height` rows off the bottom: what stays, and what was cut.
pub fn below(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (
        Rect {
            height: area.height - height,
            ..area
        },
        Rect {
            y: area.y + area.height - height,
            height,
            ..area
        },
    )
}

/// Cuts `width` columns off the right: what stays, and what was cut.
pub fn beside(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    (
        Rect {
            width: area.width - width,
            ..area
        },
        Rect {
            x: area.x + area.width - width,
            width,
            ..area
        },
    )
}

/// An area of at most this size in the middle of another.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// A part of a length.
pub fn part(length: u16, of: u16, whole: u16) -> u16 {
    (u32::from(length) * u32::from(of) / u32::from(whole.max(1))) as u16
}

/// Areas of the home screen. An area of no height or width is not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappingsAreas {
    /// The list.
    pub list: Rect,
    /// One mapping.
    pub detail: Rect,
    /// What waits for a person.
    pub needs: Rect,
    /// What happened lately.
    pub activity: Rect,
}

const NONE: Rect = Rect {
    x: 0,
    y: 0,
    width: 0,
    height: 0,
};

/// Areas of the home screen.
pub fn mappings(body: Rect, room: Room, opened: bool) -> MappingsAreas {
    let mut areas = MappingsAreas {
        list: body,
        detail: NONE,
        needs: NONE,
        activity: NONE,
    };
    match room {
        Room::TooSmall | Room::Narrow => {
            if opened {
                areas.detail = body;
                areas.list = NONE;
            }
        }
        Room::Normal => {
            if opened {
                areas.detail = body;
                areas.list = NONE;
            } else {
                (areas.list, areas.needs) = below(body, if body.height > 24 { 8 } else { 6 });
            }
        }
        Room::Wide | Room::Huge => {
            let (top, bottom) = below(body, if body.height > 32 { 10 } else { 7 });
            let right = part(body.width, 56, 132);
            (areas.list, areas.detail) = beside(top, right);
            (areas.needs, areas.activity) = beside(bottom, right);
        }
    }
    areas
}

/// Areas of the live screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveAreas {
    /// One line per phase.
    pub phases: Rect,
    /// Rate and budget.
    pub rate: Rect,
    /// Counts per mapping.
    pub mappings: Rect,
    /// Events.
    pub events: Rect,
    /// Totals.
    pub totals: Rect,
}

/// Areas of the live screen.
pub fn live(body: Rect, room: Room, phases: u16, mappings: u16) -> LiveAreas {
    let mut areas = LiveAreas {
        phases: body,
        rate: NONE,
        mappings: NONE,
        events: NONE,
        totals: NONE,
    };
    let rows = phases.max(1) + 2;
    if room <= Room::Narrow {
        let (top, totals) = below(body, 1);
        let (phases, events) = below(
            top,
            top.height
                .saturating_sub(rows.min(top.height.saturating_sub(3))),
        );
        return LiveAreas {
            phases,
            events,
            totals,
            ..areas
        };
    }
    let (rest, totals) = below(body, if body.height < 30 { 4 } else { 5 });
    areas.totals = totals;
    let rows = rows.max(if room >= Room::Wide { 10 } else { 0 });
    let (phases, mut events) = below(
        rest,
        rest.height
            .saturating_sub(rows.min(rest.height.saturating_sub(4))),
    );
    areas.phases = phases;
    if room >= Room::Wide {
        (areas.phases, areas.rate) = beside(phases, part(body.width, 52, 132));
        let height = (mappings + 3).min(events.height / 2);
        (areas.mappings, events) = below(events, events.height - height);
    }
    areas.events = events;
    areas
}

/// Areas of the conflict screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConflictAreas {
    /// The queue.
    pub queue: Rect,
    /// The first fields of the selected row, below the queue.
    pub peek: Rect,
    /// The three-way table, or the candidates.
    pub fields: Rect,
    /// The field under the cursor, in full.
    pub evidence: Rect,
    /// The past of the field under the cursor.
    pub history: Rect,
    /// What would be sent.
    pub outgoing: Rect,
}

/// Areas of the conflict screen.
pub fn conflicts(body: Rect, room: Room, opened: bool) -> ConflictAreas {
    let mut areas = ConflictAreas {
        queue: body,
        peek: NONE,
        fields: NONE,
        evidence: NONE,
        history: NONE,
        outgoing: NONE,
    };
    match (room, opened) {
        (Room::TooSmall | Room::Narrow, false) => {}
        (Room::TooSmall | Room::Narrow, true) => {
            areas.queue = NONE;
            (areas.fields, areas.evidence) = below(body, 4);
        }
        (Room::Normal, false) => {
            let (rest, line) = below(body, 1);
            areas.outgoing = line;
            (areas.queue, areas.peek) = below(rest, 4);
        }
        (Room::Normal, true) => {
            areas.queue = NONE;
            (areas.fields, areas.evidence) = below(body, 9.min(body.height / 2 + 1));
        }
        (Room::Wide | Room::Huge, _) => {
            let (top, bottom) = below(body, if body.height > 34 { 8 } else { 5 });
            areas.outgoing = bottom;
            let wide = body.width >= 150;
            let left = if wide {
                part(body.width, 38, 150)
            } else {
                part(body.width, 44, 132)
            };
            let (queue, rest) = beside(top, body.width - left);
            areas.queue = queue;
            if wide {
                let right;
                (areas.fields, right) = beside(rest, part(body.width, 40, 150));
                (areas.evidence, areas.history) = below(right, right.height / 2);
            } else {
                (areas.fields, areas.evidence) = below(rest, 9.min(rest.height / 2));
            }
        }
    }
    areas
}

/// Areas of Errors and Runs: a list, an explanation, and two further panes where there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListAreas {
    /// The list.
    pub list: Rect,
    /// What is selected, explained.
    pub about: Rect,
    /// What is behind it: records, journal.
    pub inner: Rect,
    /// One of those in full.
    pub deep: Rect,
}

/// Areas of the Errors screen.
pub fn errors(body: Rect, room: Room, opened: bool) -> ListAreas {
    let mut areas = ListAreas {
        list: body,
        about: NONE,
        inner: NONE,
        deep: NONE,
    };
    match (room, opened) {
        (Room::TooSmall | Room::Narrow, false) => {}
        (Room::TooSmall | Room::Narrow, true) => {
            areas.list = NONE;
            areas.inner = body;
        }
        (Room::Normal, false) => (areas.list, areas.about) = below(body, 10),
        (Room::Normal, true) => {
            areas.list = NONE;
            (areas.inner, areas.deep) = below(body, 11);
        }
        (Room::Wide, _) => {
            let (top, bottom) = below(body, body.height.saturating_sub(8.max(body.height / 3)));
            areas.list = top;
            let right;
            (areas.inner, right) = beside(bottom, part(body.width, 70, 132));
            // The cause is explained until its records have the keys; then one record's request and answer take the place.
            if opened {
                areas.deep = right;
            } else {
                areas.about = right;
            }
        }
        (Room::Huge, _) => {
            let (top, bottom) = below(body, body.height.saturating_sub(body.height / 3));
            (areas.list, areas.about) = beside(top, part(body.width, 80, 200));
            (areas.inner, areas.deep) = beside(bottom, part(body.width, 100, 200));
        }
    }
    areas
}

/// Areas of the Runs screen.
pub fn runs(body: Rect, room: Room, opened: bool) -> ListAreas {
    let mut areas = ListAreas {
        list: body,
        about: NONE,
        inner: NONE,
        deep: NONE,
    };
    match (room, opened) {
        (Room::TooSmall | Room::Narrow, false) => {}
        (Room::TooSmall | Room::Narrow, true) => {
            areas.list = NONE;
            areas.inner = body;
        }
        (Room::Normal, false) => (areas.list, areas.about) = below(body, 9),
        (Room::Normal, true) => {
            areas.list = NONE;
            (areas.inner, areas.deep) = below(body, 6);
        }
        (Room::Wide | Room::Huge, _) => {
            let (left, right) = beside(body, part(body.width, 72, 132));
            (areas.list, areas.about) = below(left, 12.min(left.height / 2));
            (areas.inner, areas.deep) = below(right, if room == Room::Huge { 10 } else { 6 });
        }
    }
    areas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_breakpoints_are_those_of_the_design() {
        let at = |width, height| {
            room(Rect {
                x: 0,
                y: 0,
                width,
                height,
            })
        };
        assert_eq!(at(59, 50), Room::TooSmall);
        assert_eq!(at(200, 14), Room::TooSmall);
        assert_eq!(at(60, 15), Room::Narrow);
        assert_eq!(at(80, 24), Room::Normal);
        assert_eq!(at(131, 60), Room::Normal);
        assert_eq!(at(132, 36), Room::Wide);
        assert_eq!(at(200, 50), Room::Huge);
    }

    #[test]
    fn every_area_of_every_size_lies_inside() {
        for width in (1..=250).step_by(7) {
            for height in 1..=80 {
                let whole = Rect {
                    x: 0,
                    y: 0,
                    width,
                    height,
                };
                let frame = frame(whole);
                let inside = |area: Rect| {
                    assert!(
                        area.right() <= width && area.bottom() <= height,
                        "{area:?} in {width}x{height}"
                    );
                };
                for opened in [false, true] {
                    let m = mappings(frame.body, frame.room, opened);
                    [m.list, m.detail, m.needs, m.activity]
                        .into_iter()
                        .for_each(inside);
                    let c = conflicts(frame.body, frame.room, opened);
                    [c.queue, c.peek, c.fields, c.evidence, c.history, c.outgoing]
                        .into_iter()
                        .for_each(inside);
                    for areas in [
                        errors(frame.body, frame.room, opened),
                        runs(frame.body, frame.room, opened),
                    ] {
                        [areas.list, areas.about, areas.inner, areas.deep]
                            .into_iter()
                            .for_each(inside);
                    }
                }
                if frame.room > Room::TooSmall {
                    let l = live(frame.body, frame.room, 11, 3);
                    [l.phases, l.rate, l.mappings, l.events, l.totals]
                        .into_iter()
                        .for_each(inside);
                }
                [frame.header, frame.message, frame.hints]
                    .into_iter()
                    .for_each(inside);
            }
        }
    }
}
