//! The wall clock was set back: every moment that was noted moves with it, or nothing would be old enough again before the
//! clock has caught up.

use chrono::{DateTime, Duration, Utc};

use super::model::{Leaving, Model};
use super::overlays::Overlay;

/// A step back of less is waited out.
const NOTICED_MS: i64 = 1_000;

/// A moment as the clock has it now.
pub fn earlier(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    at.checked_sub_signed(by)
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// Moves a moment, if there is one.
pub fn set_back(at: Option<&mut DateTime<Utc>>, by: Duration) {
    if let Some(at) = at {
        *at = earlier(*at, by);
    }
}

/// Takes the time that came with a message. It does not go back by itself; where the clock was set back, all goes with it.
pub fn take(model: &mut Model, now: DateTime<Utc>) {
    let by = model.now - now;
    if by > Duration::milliseconds(NOTICED_MS) {
        all(model, by);
        model.now = now;
    }
    model.now = now.max(model.now);
}

fn all(model: &mut Model, by: Duration) {
    for message in [&mut model.message, &mut model.unseen_error] {
        set_back(message.as_mut().map(|message| &mut message.since), by);
    }
    if let Leaving::AfterBatch(since) = &mut model.leaving {
        set_back(Some(since), by);
    }
    model.held.set_back(by);
    model.live.set_back(by);
    model.mappings.list.set_back(by);
    model.mappings.detail.set_back(by);
    model.mappings.activity.set_back(by);
    model.conflicts.queue.set_back(by);
    model.conflicts.detail.set_back(by);
    model.conflicts.history.set_back(by);
    model.conflicts.outgoing.set_back(by);
    model.errors.causes.set_back(by);
    model.errors.records.set_back(by);
    model.errors.detail.set_back(by);
    model.runs.runs.set_back(by);
    model.runs.journal.set_back(by);
    for overlay in &mut model.overlays {
        set_back(Overlay::since(overlay), by);
    }
}
