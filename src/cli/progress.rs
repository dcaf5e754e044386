//! Progress of a run on stderr: a bar on a terminal, otherwise one plain line when a phase ends.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{Output, Role};
use super::text::{clean, number};
use crate::service::messages::{Control, PhaseLine, PhaseState, Progress, Status};

/// Shows a run's progress as its status changes.
pub struct Shown {
    bar: Option<ProgressBar>,
    told: Vec<(String, PhaseState)>,
    unreachable: [bool; 2],
}

impl Shown {
    /// Nothing shown yet.
    pub fn new(out: &Output) -> Self {
        let bar = out.ttys.stderr.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
            bar.set_style(style(false, out.ascii));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Shown {
            bar,
            told: Vec::new(),
            unreachable: [false; 2],
        }
    }

    /// Takes a new status.
    pub fn update(&mut self, status: &Status, out: &mut Output) {
        self.connections(status, out);
        let Some(progress) = &status.run else {
            return;
        };
        match &self.bar {
            Some(bar) => draw(bar, progress, out.ascii),
            None => self.tell(progress, out),
        }
    }

    /// Removes the bar.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// One line when a side stops or starts answering.
    fn connections(&mut self, status: &Status, out: &mut Output) {
        let sides = [
            ("Salesforce", &status.connections.salesforce),
            ("HubSpot", &status.connections.hubspot),
        ];
        for ((name, connection), known) in sides.into_iter().zip(&mut self.unreachable) {
            let gone = connection.unreachable_since.is_some();
            if gone == *known {
                continue;
            }
            *known = gone;
            let text = match (gone, &connection.failure) {
                (true, Some(why)) => {
                    format!("{name} does not answer: {}; trying again", clean(why))
                }
                (true, None) => format!("{name} does not answer; trying again"),
                (false, _) => format!("{name} answers again"),
            };
            match &self.bar {
                Some(bar) => bar.suspend(|| out.note(Role::Warn, &text)),
                None => out.note(Role::Warn, &text),
            }
        }
    }

    /// A plain line per phase that ended.
    fn tell(&mut self, progress: &Progress, out: &mut Output) {
        for phase in &progress.phases {
            let over = matches!(phase.state, PhaseState::Done | PhaseState::Failed);
            let key = (phase.word.clone(), phase.state);
            if over && !self.told.contains(&key) {
                self.told.push(key);
                let role = if phase.state == PhaseState::Failed {
                    Role::Bad
                } else {
                    Role::Plain
                };
                out.note(role, &phase_text(phase));
            }
        }
    }
}

fn phase_text(phase: &PhaseLine) -> String {
    let word = match phase.state {
        PhaseState::Failed => "failed",
        _ => "done",
    };
    if phase.detail.is_empty() {
        format!("{}: {word}", phase.word)
    } else {
        format!("{}: {}", phase.word, clean(&phase.detail))
    }
}

fn style(counted: bool, ascii: bool) -> ProgressStyle {
    let template = if counted {
        "{spinner} {msg} [{bar:24}] {human_pos} of {human_len}"
    } else {
        "{spinner} {msg}"
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    if ascii {
        style.progress_chars("#>-").tick_chars("|/-\\ ")
    } else {
        style.progress_chars("━╸─")
    }
}

fn draw(bar: &ProgressBar, progress: &Progress, ascii: bool) {
    // Between two phases the one that ended last says most.
    let begun = |phase: &&PhaseLine| phase.state != PhaseState::Waiting;
    let going = progress
        .phases
        .iter()
        .rfind(|phase| phase.state == PhaseState::Going)
        .or_else(|| progress.phases.iter().rfind(begun));
    let calls = progress.calls.total;
    let mut text = match going {
        Some(phase) if phase.detail.is_empty() => phase.word.clone(),
        Some(phase) => format!("{}: {}", phase.word, clean(&phase.detail)),
        None => "starting".to_owned(),
    };
    match progress.control {
        Control::Going => {}
        Control::Holding | Control::Held => text.push_str(" (held)"),
        Control::Stopping => text.push_str(" (stopping after this batch)"),
    }
    text.push_str(&format!(
        ", calls {} + {}",
        number(calls.salesforce),
        number(calls.hubspot)
    ));
    let counted = going.filter(|phase| phase.of > 0);
    bar.set_style(style(counted.is_some(), ascii));
    if let Some(phase) = counted {
        bar.set_length(phase.of);
        bar.set_position(phase.done.min(phase.of));
    }
    bar.set_message(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::tests::kept;
    use crate::cli::tests::progress;
    use crate::service::messages::Connection;

    #[test]
    fn without_a_terminal_each_phase_is_told_once_when_it_ends() {
        let (mut out, stdout, stderr) = kept(false);
        let mut shown = Shown::new(&out);
        let mut status = Status {
            run: Some(progress(&[("observe SF", PhaseState::Going, "")])),
            ..Status::default()
        };
        shown.update(&status, &mut out);
        assert_eq!(stderr.text(), "");
        status.run = Some(progress(&[
            ("observe SF", PhaseState::Done, "41 000 read"),
            ("plan", PhaseState::Done, ""),
        ]));
        shown.update(&status, &mut out);
        shown.update(&status, &mut out);
        assert_eq!(stderr.text(), "observe SF: 41 000 read\nplan: done\n");
        assert_eq!(stdout.text(), "");
    }

    #[test]
    fn a_side_that_stops_answering_is_told_once() {
        let (mut out, _, stderr) = kept(false);
        let mut shown = Shown::new(&out);
        let mut status = Status::default();
        status.connections.hubspot = Connection {
            unreachable_since: Some(chrono::DateTime::UNIX_EPOCH),
            failure: Some("connection\nrefused".into()),
            ..Connection::default()
        };
        shown.update(&status, &mut out);
        shown.update(&status, &mut out);
        assert_eq!(
            stderr.text(),
            "HubSpot does not answer: connection refused; trying again\n"
        );
    }
}
