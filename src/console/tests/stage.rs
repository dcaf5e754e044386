//! A model on a stage: keys go in, requests are answered at once by the stand-in, frames come out as text with their styles.

use chrono::{DateTime, Duration, Utc};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::fake::{World, now};
use crate::console::model::Model;
use crate::console::msg::{Effect, Msg};
use crate::console::options::ConsoleOptions;
use crate::console::update::update;
use crate::console::view::view;
use crate::service::messages::{Event, Request, Status};

pub struct Stage {
    pub model: Model,
    pub world: World,
    pub now: DateTime<Utc>,
    /// Effects other than requests.
    pub done: Vec<Effect>,
    /// Requests are left unanswered until `answer`.
    pub silent: bool,
    unanswered: Vec<Effect>,
}

pub fn options() -> ConsoleOptions {
    ConsoleOptions {
        user: "you".into(),
        color: crate::console::ColorChoice::Always,
        ..ConsoleOptions::default()
    }
}

impl Stage {
    pub fn new(world: World, width: u16, height: u16) -> Self {
        Stage::with(world, width, height, options())
    }

    pub fn with(world: World, width: u16, height: u16, options: ConsoleOptions) -> Self {
        let mut stage = Stage::unstarted(world, width, height, options);
        let status = stage.world.status.clone();
        stage.send(Msg::Status(Box::new(status)));
        stage
    }

    pub fn unstarted(world: World, width: u16, height: u16, options: ConsoleOptions) -> Self {
        let area = Rect {
            x: 0,
            y: 0,
            width,
            height,
        };
        Stage {
            model: Model::new(options, area, now()),
            world,
            now: now(),
            done: Vec::new(),
            silent: false,
            unanswered: Vec::new(),
        }
    }

    pub fn send(&mut self, msg: Msg) {
        let effects = update(&mut self.model, self.now, msg);
        self.carry_out(effects);
    }

    /// Answers what was left unanswered.
    pub fn answer(&mut self) {
        let effects = std::mem::take(&mut self.unanswered);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, mut effects: Vec<Effect>) {
        let mut rounds = 0;
        while !effects.is_empty() {
            rounds += 1;
            assert!(rounds < 100, "requests without end: {effects:?}");
            let mut next = Vec::new();
            for effect in effects {
                match effect {
                    Effect::Ask { .. } if self.silent => self.unanswered.push(effect),
                    Effect::Ask { id, request } => {
                        let preview = matches!(
                            request,
                            Request::StartPreview { .. } | Request::ForecastUndo { .. }
                        );
                        let reply = self.world.answer(request);
                        next.extend(update(
                            &mut self.model,
                            self.now,
                            Msg::Reply {
                                id,
                                reply: Ok(reply),
                            },
                        ));
                        if preview {
                            next.extend(update(
                                &mut self.model,
                                self.now,
                                Msg::Event(Event::PreviewReady),
                            ));
                        }
                    }
                    other => self.done.push(other),
                }
            }
            effects = next;
        }
    }

    /// Keys as one types them, looking at each dialog that they open; `<enter>` and the like for the named ones.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        self.typed(keys, true)
    }

    /// Keys that come all at once, before anything can be drawn.
    pub fn burst(&mut self, keys: &str) -> &mut Self {
        self.typed(keys, false)
    }

    fn typed(&mut self, keys: &str, seen: bool) -> &mut Self {
        let mut rest = keys;
        while !rest.is_empty() {
            let (event, tail) = next_key(rest);
            self.send(Msg::Key(event));
            if seen && !self.model.overlays.is_empty() {
                self.frame();
            }
            rest = tail;
        }
        self
    }

    pub fn status(&mut self, change: impl FnOnce(&mut Status)) -> &mut Self {
        let mut status = self.model.status.clone();
        change(&mut status);
        self.send(Msg::Status(Box::new(status)));
        self
    }

    pub fn after(&mut self, milliseconds: i64) -> &mut Self {
        self.now += Duration::milliseconds(milliseconds);
        self.send(Msg::Tick);
        self
    }

    pub fn frame(&mut self) -> Buffer {
        let mut buffer = Buffer::empty(self.model.area);
        let hits = view(&self.model, &mut buffer);
        self.model.drawn(hits);
        buffer
    }

    /// The frame as text.
    pub fn text(&mut self) -> String {
        text(&self.frame())
    }

    /// The frame as text, then its runs of style.
    pub fn shot(&mut self) -> String {
        let frame = self.frame();
        format!("{}\n{}", text(&frame), styles(&frame))
    }

    pub fn message(&self) -> &str {
        self.model
            .shown_message()
            .map_or("", |message| &message.text)
    }
}

pub fn next_key(keys: &str) -> (KeyEvent, &str) {
    if let Some(rest) = keys.strip_prefix('<')
        && let Some((name, tail)) = rest.split_once('>')
    {
        let code = match name {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "shift-tab" => KeyCode::BackTab,
            "space" => KeyCode::Char(' '),
            "up" | "↑" => KeyCode::Up,
            "down" | "↓" => KeyCode::Down,
            "left" | "←" => KeyCode::Left,
            "right" | "→" => KeyCode::Right,
            "pgdn" => KeyCode::PageDown,
            "pgup" => KeyCode::PageUp,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "back" => KeyCode::Backspace,
            control => {
                let c = control
                    .strip_prefix('^')
                    .and_then(|c| c.chars().next())
                    .expect(control);
                return (KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL), tail);
            }
        };
        return (KeyEvent::new(code, KeyModifiers::NONE), tail);
    }
    let c = keys.chars().next().unwrap();
    (
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE),
        &keys[c.len_utf8()..],
    )
}

pub fn text(frame: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..frame.area.height {
        let row: String = (0..frame.area.width)
            .map(|x| frame[(x, y)].symbol())
            .collect();
        out += row.trim_end();
        out.push('\n');
    }
    out
}

/// Runs of style, a line per row that has any: `3: 1-9 cyan bold`.
fn styles(frame: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..frame.area.height {
        let mut runs: Vec<(u16, u16, String)> = Vec::new();
        for x in 0..frame.area.width {
            let cell = &frame[(x, y)];
            let mut words = Vec::new();
            if cell.fg != Color::Reset {
                words.push(format!("{:?}", cell.fg).to_lowercase());
            }
            for (modifier, word) in [
                (Modifier::BOLD, "bold"),
                (Modifier::DIM, "dim"),
                (Modifier::REVERSED, "reverse"),
                (Modifier::UNDERLINED, "underline"),
            ] {
                if cell.modifier.contains(modifier) {
                    words.push(word.to_owned());
                }
            }
            let words = words.join(" ");
            match runs.last_mut() {
                Some((_, end, last)) if *last == words && *end + 1 == x => *end = x,
                _ => runs.push((x, x, words)),
            }
        }
        let runs: Vec<String> = runs
            .into_iter()
            .filter(|(_, _, words)| !words.is_empty())
            .map(|(from, to, words)| format!("{from}-{to} {words}"))
            .collect();
        if !runs.is_empty() {
            out += &format!("{y}: {}\n", runs.join(", "));
        }
    }
    out
}
