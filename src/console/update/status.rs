//! The engine's status and facts.

use crate::console::model::{Leaving, Model};
use crate::console::msg::Effect;
use crate::console::overlays::{preview, undo};
use crate::console::screens::runs;
use crate::domain::RunState;
use crate::service::messages::{Event, Progress, Status, Tone};

/// Takes the newest status.
pub fn status(model: &mut Model, status: Status) -> Vec<Effect> {
    if status.version != model.status.version || !model.connected {
        stale(model);
    }
    if status.stopped.is_some() && model.status.stopped != status.stopped {
        let why = status.stopped.clone().unwrap_or_default();
        model.say(Tone::Error, why);
    }
    connection_messages(model, &status);
    model.live.sample(&status, model.now);
    let over = model.status.run.take().filter(|run| is_over(run, &status));
    model.connected = true;
    model.status = status;
    if let Some(run) = over {
        ended(model, &run);
    }
    Vec::new()
}

/// True where the run that was shown is not the one under way any more.
fn is_over(shown: &Progress, status: &Status) -> bool {
    status.run.as_ref().is_none_or(|run| {
        run.started_at != shown.started_at || (shown.run.is_some() && run.run != shown.run)
    })
}

/// The run that was shown is over: dialogs about it go, lest they act on the next, and who waits for its end leaves.
fn ended(model: &mut Model, run: &Progress) {
    if matches!(model.leaving, Leaving::AfterBatch(_)) {
        model.leaving = Leaving::Now(None);
    }
    let open = model.overlays.len();
    model.overlays.retain(|overlay| !overlay.is_about_the_run());
    if model.overlays.len() < open {
        let name = run
            .run
            .map_or("What was under way".to_owned(), |run| format!("Run {run}"));
        model.say(
            Tone::Warn,
            format!("{name} is over, so there is nothing to stop any more."),
        );
    }
}

/// Says when a connection is lost, when it is back, and when a vendor asked us to wait.
fn connection_messages(model: &mut Model, status: &Status) {
    use crate::console::format;
    use crate::domain::Side;
    for side in Side::BOTH {
        let old = model.status.connections.get(side).clone();
        let new = status.connections.get(side);
        match (old.unreachable_since, new.unreachable_since) {
            (None, Some(since)) => {
                let next = new.next_try_at.map_or(String::new(), |at| {
                    format!(
                        ", next try in {}",
                        format::duration((at - model.now).num_seconds())
                    )
                });
                let at = since.format("%H:%M");
                model.say(
                    Tone::Warn,
                    format!("{side} unreachable since {at}{next}, r now. Lists stay readable."),
                );
            }
            (Some(since), None) if new.connected => {
                let away = format::duration((model.now - since).num_seconds());
                model.say(Tone::Info, format!("{side} is back after {away}."));
            }
            _ => {}
        }
        if let Some(until) = new.throttled_until
            && old.throttled_until != Some(until)
            && until > model.now
        {
            let wait = format::duration((until - model.now).num_seconds().max(1));
            model.say(
                Tone::Warn,
                format!("⚠ {side} asked us to wait {wait} (429)."),
            );
        }
    }
}

/// Everything that was read may have changed.
pub fn stale(model: &mut Model) {
    model.mappings.list.stale = true;
    model.mappings.detail.stale();
    model.mappings.activity.stale = true;
    model.conflicts.queue.stale = true;
    model.conflicts.detail.stale();
    model.conflicts.history.stale();
    model.conflicts.outgoing.stale();
    model.errors.causes.stale = true;
    model.errors.records.stale = true;
    model.errors.detail.stale();
    model.runs.runs.stale = true;
    model.runs.journal.stale = true;
}

/// Something was counted: a preview or the forecast of an undo, whichever is waited for.
pub fn counted(model: &mut Model) -> Vec<Effect> {
    let mut effects = preview::ready(model);
    effects.extend(undo::ready(model));
    effects
}

/// Takes a fact.
pub fn event(model: &mut Model, event: Event) -> Vec<Effect> {
    if model.live.hear(&event, model.now) {
        return Vec::new();
    }
    match event {
        Event::RunStarted { run } => {
            model.say(Tone::Info, format!("Run {run} has started. 2 shows it."))
        }
        Event::RunEnded { run } => {
            let summary = runs::summary(&run);
            let tone = match run.state {
                RunState::Halted | RunState::Crashed => Tone::Error,
                RunState::AwaitingConfirm => Tone::Warn,
                _ => Tone::Info,
            };
            model.farewell = Some(summary.clone());
            model.say(tone, summary);
        }
        Event::PreviewReady => return counted(model),
        Event::PreviewFailed { refusal } => {
            undo::failed(model, refusal.message.clone());
            preview::failed(model, refusal.message);
        }
        Event::Notice { tone, text } => model.say(tone, text),
        Event::Line { .. } | Event::LinesDropped { .. } => {}
    }
    Vec::new()
}
