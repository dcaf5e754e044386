//! What keeps the store well between runs: a backup a day, and what is said of backups and of the disk's room
//! (docs/design/sync-semantics.md 21, 22 rules 8 and 12).

use std::path::Path;

use chrono::{DateTime, Utc};

use super::host::House;
use super::messages::{CheckLine, CheckState, Event, Tone};
use crate::store::{self, BackupError, BackupKind, ExportError, Room};

impl House {
    /// Writes a backup where none of the last day is there. Called after a run, with `backing_up` held: it is off everybody's way,
    /// and gives way to whoever writes to the store or closes it. What gave way is tried again after the next run.
    pub(super) async fn back_up_if_due(&self) {
        let Some(data_dir) = &self.backups_in else {
            return;
        };
        let now = self.clock.now();
        if !store::backup_is_due(data_dir, now) {
            return;
        }
        let made = tokio::select! {
            made = store::back_up(&**self.db.store(), data_dir, BackupKind::Daily, now) => made,
            () = self.stop.cancelled() => return,
        };
        match made {
            Ok(backup) => tracing::info!(file = %backup.path.display(), "backup written"),
            Err(BackupError::Export(ExportError::Changed)) => {
                tracing::info!("the store was written to; the backup follows after the next run");
            }
            Err(error) => {
                tracing::warn!(%error, "no backup was made");
                // Nobody may be listening.
                let _ = self.events.send(Event::Notice {
                    tone: Tone::Warn,
                    text: error.to_string(),
                });
            }
        }
    }
}

/// The newest backup that can be read, for `doctor`.
pub(super) fn backup_line(data_dir: &Path, now: DateTime<Utc>) -> CheckLine {
    let store::NewestSound { sound, unsound } = store::newest_sound(data_dir);
    let line = |state, message: String, next: &str| CheckLine {
        check: "backups".into(),
        subject: String::new(),
        state,
        message,
        next: next.into(),
    };
    let all = store::backups(data_dir).len();
    match (sound, unsound.first()) {
        (_, Some((backup, why))) => CheckLine {
            subject: backup.path.display().to_string(),
            ..line(
                CheckState::Warn,
                format!("the backup cannot be read: {why}"),
                "check the disk; the next run after a day writes another",
            )
        },
        (Some((backup, summary)), None) => {
            let old = (now - backup.at).num_days();
            let state = if old > 2 {
                CheckState::Warn
            } else {
                CheckState::Ok
            };
            let next = match state {
                CheckState::Ok => "",
                _ => "run `syncline sync`; a run writes one where the newest is older than a day",
            };
            CheckLine {
                subject: backup.path.display().to_string(),
                ..line(
                    state,
                    format!(
                        "the newest of {all}, of {}, reads well: {} entries",
                        backup.at.format("%Y-%m-%d %H:%M UTC"),
                        summary.entries
                    ),
                    next,
                )
            }
        }
        (None, None) => line(
            CheckState::Ok,
            "there is none yet; the next run writes one".into(),
            "",
        ),
    }
}

/// The disk's room, for `doctor` and `check`.
pub(super) fn room_line(room: Room) -> CheckLine {
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    CheckLine {
        check: "disk".into(),
        subject: String::new(),
        state: if room.is_scarce() {
            CheckState::Warn
        } else {
            CheckState::Ok
        },
        message: format!(
            "the store takes {} MB, {} MB are free",
            megabytes(room.used),
            megabytes(room.free)
        ),
        next: if room.is_scarce() {
            "free some space on that disk; `syncline compact` needs as much room as the store takes"
                .into()
        } else {
            String::new()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_takes_three_quarters_of_its_room_is_warned_of() {
        for (used, free, state) in [
            (0, 0, CheckState::Warn),
            (74, 26, CheckState::Ok),
            (75, 25, CheckState::Warn),
            (99, 1, CheckState::Warn),
        ] {
            let line = room_line(Room { used, free });
            assert_eq!(line.state, state, "{used} of {}", used + free);
            assert_eq!(line.next.is_empty(), state == CheckState::Ok);
        }
    }
}
