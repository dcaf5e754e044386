//! Roles, and the style that each has in the chosen theme. Screens name roles, never colours.

use ratatui::style::{Color, Modifier, Style};

use super::options::{ColorChoice, ColorEnv, ConsoleOptions, ThemeName};
use crate::domain::Side;
use crate::service::messages::Tone;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Less important.
    Muted,
    /// Titles and what is named.
    Accent,
    /// Good.
    Ok,
    /// Look at it.
    Warn,
    /// Failed.
    Error,
    /// Salesforce, the left one.
    Left,
    /// HubSpot, the right one.
    Right,
    /// The base.
    Base,
    /// The selected row.
    Selection,
    /// A pane's border.
    Border,
    /// The border of the pane that has the keys.
    BorderFocus,
    /// A key in a hint.
    Key,
}

/// A theme: a style for each role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    palette: Palette,
    /// Draw with ASCII only.
    pub ascii: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Palette {
    Dark,
    Light,
    Mono,
}

/// Order of decision: the option, `NO_COLOR`, `TERM`, `COLORTERM` (docs/style.md 6).
fn wants_colour(choice: ColorChoice, env: &ColorEnv) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            if env
                .no_color
                .as_deref()
                .is_some_and(|value| !value.is_empty())
            {
                return false;
            }
            match env.term.as_deref() {
                Some("dumb") => false,
                Some("") | None => env.colorterm.is_some(),
                Some(_) => true,
            }
        }
    }
}

impl Theme {
    /// The theme that the options ask for.
    pub fn new(options: &ConsoleOptions) -> Theme {
        let palette = match (
            wants_colour(options.color, &options.color_env),
            options.theme,
        ) {
            (false, _) => Palette::Mono,
            (true, ThemeName::Dark) => Palette::Dark,
            (true, ThemeName::Light) => Palette::Light,
        };
        Theme {
            palette,
            ascii: options.ascii,
        }
    }

    /// The style of a role.
    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        let base = match role {
            Role::Text | Role::Border => plain,
            Role::Muted | Role::Base => plain.add_modifier(Modifier::DIM),
            Role::Accent | Role::Key | Role::BorderFocus | Role::Ok => plain,
            Role::Warn | Role::Error => plain.add_modifier(Modifier::BOLD),
            Role::Left | Role::Right => plain,
            Role::Selection => plain.add_modifier(Modifier::REVERSED | Modifier::BOLD),
        };
        match self.palette {
            // In monochrome no colour is ever set: with NO_COLOR an empty colour sequence would read as a reset (docs/style.md 15.1).
            Palette::Mono => match role {
                Role::Accent | Role::Key | Role::BorderFocus => base.add_modifier(Modifier::BOLD),
                Role::Error => base.add_modifier(Modifier::UNDERLINED),
                _ => base,
            },
            Palette::Dark | Palette::Light => {
                let light = self.palette == Palette::Light;
                match role {
                    Role::Ok => base.fg(Color::Green),
                    Role::Warn if light => base.fg(Color::Magenta),
                    Role::Warn => base.fg(Color::Yellow),
                    Role::Error => base.fg(Color::Red),
                    Role::Left if light => base.fg(Color::Blue),
                    Role::Left => base.fg(Color::Cyan),
                    Role::Right if light => base.fg(Color::Red),
                    Role::Right => base.fg(Color::LightMagenta),
                    Role::BorderFocus | Role::Accent => base.add_modifier(Modifier::BOLD),
                    Role::Key if light => base.fg(Color::Blue).add_modifier(Modifier::BOLD),
                    Role::Key => base.fg(Color::Cyan).add_modifier(Modifier::BOLD),
                    _ => base,
                }
            }
        }
    }
}

/// The role of a side.
pub fn side(side: Side) -> Role {
    match side {
        Side::Salesforce => Role::Left,
        Side::HubSpot => Role::Right,
    }
}

/// Glyph and role of a tone.
pub fn tone(tone: Tone) -> (&'static str, Role) {
    match tone {
        Tone::Ok => ("✓", Role::Ok),
        Tone::Info => ("·", Role::Text),
        Tone::Warn => ("!", Role::Warn),
        Tone::Error => ("✗", Role::Error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(no_color: &str, term: &str, colorterm: Option<&str>) -> ColorEnv {
        ColorEnv {
            no_color: Some(no_color.into()),
            term: Some(term.into()),
            colorterm: colorterm.map(Into::into),
        }
    }

    #[test]
    fn the_order_of_decision_holds() {
        let table = [
            (ColorChoice::Always, env("1", "dumb", None), true),
            (
                ColorChoice::Never,
                env("", "xterm", Some("truecolor")),
                false,
            ),
            (
                ColorChoice::Auto,
                env("1", "xterm", Some("truecolor")),
                false,
            ),
            (ColorChoice::Auto, env("", "dumb", Some("truecolor")), false),
            (ColorChoice::Auto, env("", "xterm", None), true),
            (ColorChoice::Auto, env("", "", None), false),
            (ColorChoice::Auto, env("", "", Some("1")), true),
        ];
        for (choice, env, expected) in table {
            assert_eq!(wants_colour(choice, &env), expected, "{choice:?} {env:?}");
        }
    }

    #[test]
    fn monochrome_sets_no_colour_at_all() {
        let theme = Theme::new(&ConsoleOptions {
            color: ColorChoice::Never,
            ..ConsoleOptions::default()
        });
        for role in [
            Role::Text,
            Role::Muted,
            Role::Accent,
            Role::Ok,
            Role::Warn,
            Role::Error,
            Role::Left,
            Role::Right,
            Role::Base,
            Role::Selection,
            Role::Border,
            Role::BorderFocus,
            Role::Key,
        ] {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }
}
