//! The screens. Each folder has state and keys in `mod.rs`, drawing in files named by pane.

pub mod conflicts;
pub mod errors;
mod list_view;
pub mod live;
pub mod mappings;
mod rows;
pub mod runs;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::format;
use super::list::{ListPane, Load, Row};
use super::model::{Model, QUIET_WAIT_MS};
use super::theme::Role;
use super::widgets::{Text, draw_notice};
use crate::console::fetch::Fetch;

/// A screen. Its number never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScreenId {
    /// 1, home.
    Mappings,
    /// 2.
    Live,
    /// 3.
    Conflicts,
    /// 5.
    Errors,
    /// 6.
    Runs,
}

impl ScreenId {
    /// Those there are, in the order of line 2.
    pub const ALL: [ScreenId; 5] = [
        ScreenId::Mappings,
        ScreenId::Live,
        ScreenId::Conflicts,
        ScreenId::Errors,
        ScreenId::Runs,
    ];

    /// Its number and key.
    pub fn number(self) -> u8 {
        match self {
            ScreenId::Mappings => 1,
            ScreenId::Live => 2,
            ScreenId::Conflicts => 3,
            ScreenId::Errors => 5,
            ScreenId::Runs => 6,
        }
    }

    /// Its name, short and in full.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            ScreenId::Mappings => ("Map", "Mappings"),
            ScreenId::Live => ("Live", "Live sync"),
            ScreenId::Conflicts => ("Conf", "Conflicts"),
            ScreenId::Errors => ("Err", "Errors"),
            ScreenId::Runs => ("Runs", "Runs"),
        }
    }
}

/// What a pane shows in place of its rows, if it shows none: loading, failed, or empty with the reason.
pub(super) fn instead_of_rows<R: Row>(
    model: &Model,
    list: &ListPane<R>,
    what: &str,
    empty: &[&str],
) -> Option<Vec<Text>> {
    match &list.load {
        Load::Failed { why } => Some(failed(what, why)),
        Load::Loading { .. } if list.rows.is_empty() => Some(waiting(
            model,
            what,
            list.pending.as_ref().map(|pending| pending.since),
        )),
        _ if list.matched == 0 && !list.filter.is_empty() => {
            Some(nothing_matches(&list.filter, list.total))
        }
        _ if list.matched == 0 => Some(
            empty
                .iter()
                .map(|line| Text::of(line, Role::Muted))
                .collect(),
        ),
        _ => None,
    }
}

/// Nothing matches a filter.
pub(super) fn nothing_matches(filter: &str, total: usize) -> Vec<Text> {
    vec![Text::plain(format!(
        "Nothing matches `{filter}`. esc clears the filter. ({} hidden)",
        format::number(total as u64)
    ))]
}

/// What a failed pane says: what, why, and the key that tries again.
pub(super) fn failed(what: &str, why: &str) -> Vec<Text> {
    vec![
        Text::of(format!("✗ Could not read {what}: "), Role::Error).then(why),
        Text::new().and("r", Role::Key).then(" tries again."),
    ]
}

/// What a loading pane says: nothing for the first moments.
pub(super) fn waiting(
    model: &Model,
    what: &str,
    since: Option<chrono::DateTime<chrono::Utc>>,
) -> Vec<Text> {
    let Some(since) = since else {
        return Vec::new();
    };
    let waited = model.now - since;
    if waited.num_milliseconds() < QUIET_WAIT_MS {
        return Vec::new();
    }
    let seconds = waited.num_seconds();
    let text = if seconds == 0 {
        format!("Reading {what}…")
    } else {
        format!("Reading {what}… {seconds}s")
    };
    vec![Text::of(text, Role::Muted)]
}

/// True where what a list shows is old and being read again for longer than a moment: drawn dimmed.
pub(super) fn is_dimmed<R: Row>(model: &Model, list: &ListPane<R>) -> bool {
    list.pending
        .as_ref()
        .is_some_and(|pending| (model.now - pending.since).num_milliseconds() >= QUIET_WAIT_MS)
        && !list.rows.is_empty()
}

/// A list's title: its count only once there is one.
pub(super) fn counted_title<R: Row>(name: &str, list: &ListPane<R>) -> String {
    match list.load {
        Load::Ready { .. } => format!("{name} {}", format::number(list.total as u64)),
        _ => name.to_owned(),
    }
}

/// The right of a list's title: filter and order, and the age of old rows while they are read again.
pub(super) fn list_right<R: Row>(model: &Model, list: &ListPane<R>, otherwise: &str) -> String {
    let narrowing = list.narrowing();
    let mut words = if narrowing.is_empty() {
        otherwise.to_owned()
    } else {
        narrowing
    };
    if is_dimmed(model, list)
        && let Load::Ready { at } = list.load
    {
        let age = format::duration((model.now - at).num_seconds());
        words = format!("{words}  reading again, {age} old")
            .trim_start()
            .to_owned();
    }
    words
}

/// Draws a detail that is read for a key: its lines, or that it is waited for or failed.
pub(super) fn draw_fetch<K: PartialEq + Clone, T>(
    buf: &mut Buffer,
    area: Rect,
    model: &Model,
    fetch: &Fetch<K, T>,
    key: Option<&K>,
    what: &str,
    draw: impl FnOnce(&mut Buffer, Rect, &T),
) {
    let Some(key) = key else { return };
    if let Some(value) = fetch.get(key) {
        draw(buf, area, value);
    } else if let Some(why) = fetch.failure(key) {
        draw_notice(buf, area, &failed(what, why), model.theme);
    } else {
        draw_notice(
            buf,
            area,
            &waiting(model, what, fetch.waiting()),
            model.theme,
        );
    }
}

/// Two columns: a label and text wrapped beside it.
pub(super) fn labelled(label: &str, text: &str, role: Role, columns: u16) -> Vec<Text> {
    let lead = 8;
    let room = usize::from(columns).saturating_sub(lead + 1);
    format::wrap(&format::clean(text), room)
        .into_iter()
        .enumerate()
        .map(|(index, line)| {
            let label = if index == 0 { label } else { "" };
            Text::of(format!(" {label}"), Role::Muted)
                .pad_to(lead)
                .and(line, role)
        })
        .collect()
}
