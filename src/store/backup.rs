//! Backups: exports in the data folder's `backups/`, written beside, made durable and read back before they get a name that counts
//! (docs/design/sync-semantics.md 22 rule 8).

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::export::{ExportError, ExportSummary, export};
use super::import::{ImportError, check_export};
use super::{Store, folder};

/// The folder in the data folder.
const FOLDER: &str = "backups";
/// Daily ones that are kept; those before a migration stay.
const KEPT: usize = 7;
/// How old the newest may be before another is due.
const EVERY: TimeDelta = TimeDelta::days(1);
/// What a file is called while it is written.
const UNFINISHED: &str = "unfinished";

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store, or somebody wrote to it.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The file.
    #[error(
        "the backup {file} could not be written: {why}; free some space or check the folder's rights"
    )]
    Write {
        /// The file.
        file: String,
        /// The system's words.
        why: String,
    },
    /// A backup would take the room that the store needs.
    #[error(
        "no backup was made: it may need {needed} MB and {free} MB are free; free some space, the next run tries again"
    )]
    NoRoom {
        /// Megabytes.
        needed: u64,
        /// Megabytes.
        free: u64,
    },
    /// It does not read back as it was written.
    #[error(
        "the backup {file} does not read back as it was written: {why}; it was removed, check the disk"
    )]
    Unsound {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
}

/// What a backup is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupKind {
    /// One a day.
    Daily,
    /// The store as it was before it was brought to that version.
    Before(u64),
}

impl BackupKind {
    fn begin(self) -> String {
        match self {
            BackupKind::Daily => "state".to_owned(),
            BackupKind::Before(version) => format!("before-v{version}"),
        }
    }

    fn from_begin(text: &str) -> Option<Self> {
        match text {
            "state" => Some(BackupKind::Daily),
            other => Some(BackupKind::Before(
                other.strip_prefix("before-v")?.parse().ok()?,
            )),
        }
    }
}

/// A backup in a data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The file.
    pub path: PathBuf,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// What for.
    pub kind: BackupKind,
}

impl Backup {
    fn of(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
        let (begin, stamp) = name.rsplit_once('-')?;
        let at = NaiveDateTime::parse_from_str(stamp, folder::STAMP).ok()?;
        Some(Backup {
            at: at.and_utc(),
            kind: BackupKind::from_begin(begin)?,
            path,
        })
    }

    /// Reads it through.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn check(&self) -> Result<ExportSummary, String> {
        let mut reader = self.open().map_err(|error| error.to_string())?;
        check_export(&mut reader).map_err(|error| match error {
            ImportError::Line { line, why } => format!("line {line}: {why}"),
            other => other.to_string(),
        })
    }

    /// Opens it for reading.
    pub(super) fn open(&self) -> io::Result<BufReader<File>> {
        File::open(&self.path).map(BufReader::new)
    }
}

/// The backups of a data folder, newest first; none where there is no such folder.
pub fn backups(data_dir: &Path) -> Vec<Backup> {
    let Ok(entries) = fs::read_dir(data_dir.join(FOLDER)) else {
        return Vec::new();
    };
    let mut found: Vec<Backup> = entries
        .flatten()
        .filter_map(|entry| Backup::of(entry.path()))
        .collect();
    found.sort_by(|one, other| (other.at, &other.path).cmp(&(one.at, &one.path)));
    found
}

/// Copies of the store that were set aside and that nothing replaces by itself: damaged or replaced stores, and backups of before a
/// new version, in the order of their names.
pub fn kept_copies(data_dir: &Path) -> Vec<PathBuf> {
    let lasting = backups(data_dir)
        .into_iter()
        .filter(|backup| backup.kind != BackupKind::Daily)
        .map(|backup| backup.path);
    let mut kept: Vec<PathBuf> = folder::stores_beside(data_dir)
        .into_iter()
        .chain(lasting)
        .collect();
    kept.sort();
    kept
}

/// What was found on the way from the newest backup to one that reads back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewestSound {
    /// The newest one that does, and what is in it.
    pub sound: Option<(Backup, ExportSummary)>,
    /// Newer ones that do not, with the reason.
    pub unsound: Vec<(Backup, String)>,
}

/// Reads backups from the newest on, up to the first that reads back.
pub fn newest_sound(data_dir: &Path) -> NewestSound {
    let mut found = NewestSound::default();
    for backup in backups(data_dir) {
        match backup.check() {
            Ok(summary) => {
                found.sound = Some((backup, summary));
                break;
            }
            Err(why) => found.unsound.push((backup, why)),
        }
    }
    found
}

/// True where no backup of the last day is there.
pub fn backup_is_due(data_dir: &Path, now: DateTime<Utc>) -> bool {
    backups(data_dir)
        .first()
        .is_none_or(|newest| now - newest.at >= EVERY)
}

/// Writes a backup of a store at rest, reads it back, and removes daily ones beyond the newest seven. A batch that comes between
/// ends it: nothing is left behind, and it is tried again later.
///
/// # Errors
/// See [`BackupError`]; the backups that there were stay.
pub async fn back_up<S: Store + ?Sized>(
    store: &S,
    data_dir: &Path,
    kind: BackupKind,
    now: DateTime<Utc>,
) -> Result<Backup, BackupError> {
    if let Some(room) = store.room().filter(|room| room.free < room.used) {
        return Err(BackupError::NoRoom {
            needed: room.used.div_ceil(1_000_000),
            free: room.free / 1_000_000,
        });
    }
    let folder = data_dir.join(FOLDER);
    let name = format!("{}-{}.jsonl", kind.begin(), now.format(folder::STAMP));
    let path = folder.join(name);
    let failed = |error: io::Error| BackupError::Write {
        file: path.display().to_string(),
        why: error.to_string(),
    };
    folder::make_private(&folder).map_err(failed)?;
    remove_unfinished(&folder);
    let draft = Draft(path.with_extension(UNFINISHED));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(&draft.0).map_err(failed)?);
    let written = export(store, &mut file).await?;
    file.flush()
        .and_then(|()| file.get_ref().sync_all())
        .map_err(failed)?;
    drop(file);
    let backup = Backup {
        path,
        at: now,
        kind,
    };
    let unsound = |why: String| BackupError::Unsound {
        file: backup.path.display().to_string(),
        why,
    };
    let again = Backup {
        path: draft.0.clone(),
        ..backup.clone()
    };
    // Reading and hashing is work: not on a thread that others wait for.
    let read = tokio::task::spawn_blocking(move || again.check()).await;
    match read {
        Ok(Ok(read)) if read == written => {}
        Ok(Ok(_)) => return Err(unsound("it holds other entries".to_owned())),
        Ok(Err(why)) => return Err(unsound(why)),
        Err(error) => return Err(unsound(error.to_string())),
    }
    fs::rename(&draft.0, &backup.path)
        .and_then(|()| folder::sync_folder(&folder))
        .map_err(|error| BackupError::Write {
            file: backup.path.display().to_string(),
            why: error.to_string(),
        })?;
    remove_old(data_dir);
    Ok(backup)
}

/// A file that is being written; removed where it did not get its name.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // After the rename there is nothing of that name.
        let _ = fs::remove_file(&self.0);
    }
}

/// What a kill left behind.
fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|end| end == UNFINISHED) {
            let _ = fs::remove_file(path);
        }
    }
}

fn remove_old(data_dir: &Path) {
    let daily = backups(data_dir)
        .into_iter()
        .filter(|backup| backup.kind == BackupKind::Daily);
    for backup in daily.skip(KEPT) {
        if let Err(error) = fs::remove_file(&backup.path) {
            tracing::warn!(file = %backup.path.display(), %error, "an old backup could not be removed");
        }
    }
}
