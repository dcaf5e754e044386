//! Tracing set-up and log files. Knows nothing of the rest: folder, level and target come in as values.
//!
//! Logs hold ids, field names and digests, never values of records and never secrets
//! (docs/design/sync-semantics.md 19.4); that is up to who logs, this file only decides where it goes.

use std::io;
use std::path::{Path, PathBuf};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Days of log files that are kept.
const KEPT_DAYS: usize = 14;

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Daily files in this folder; the screen belongs to someone else.
    Files(PathBuf),
    /// Standard error, for a process without a screen.
    Stderr,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The folder of the log files cannot be made or written.
    #[error("the log folder {} cannot be used: {source}; check its permissions or give another --data-dir", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The level is not one.
    #[error(
        "the log level \"{0}\" is not one; use error, warn, info, debug or trace, or a filter such as syncline=debug (SYNCLINE_LOG)"
    )]
    Level(String),
    /// Logging was set up before in this process.
    #[error("logging is set up already")]
    Twice,
}

/// Keeps the log writer alive. Drop it last, after the terminal is restored: dropping writes what is still queued.
#[derive(Debug)]
pub struct LogGuard {
    _worker: WorkerGuard,
    dropped: ErrorCounter,
}

impl LogGuard {
    /// Lines that were lost; the writer is not lossy, so this stays 0 unless the disk refuses.
    pub fn dropped_lines(&self) -> usize {
        self.dropped.dropped_lines()
    }
}

/// Starts logging for the whole process. `level` is what `SYNCLINE_LOG` holds (`info` where it is not set), `json` writes
/// one JSON object a line.
///
/// # Errors
/// Where the level is none, the folder cannot be used, or logging was set up before.
pub fn start(
    target: &LogTarget,
    level: Option<&str>,
    json: bool,
) -> Result<LogGuard, TelemetryError> {
    let filter = filter(level.unwrap_or("info"))?;
    let builder = NonBlockingBuilder::default()
        .lossy(false)
        .thread_name("syncline-log");
    let (writer, worker) = match target {
        LogTarget::Files(folder) => builder.finish(daily_files(folder)?),
        LogTarget::Stderr => builder.finish(io::stderr()),
    };
    let dropped = writer.error_counter();
    install(writer, filter, json)?;
    Ok(LogGuard {
        _worker: worker,
        dropped,
    })
}

fn install<W>(writer: W, filter: EnvFilter, json: bool) -> Result<(), TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false);
    let installed = if json {
        tracing::subscriber::set_global_default(lines.json().finish())
    } else {
        tracing::subscriber::set_global_default(lines.finish())
    };
    installed.map_err(|_| TelemetryError::Twice)
}

/// A level for our own lines (those of libraries stay at `warn`), or a whole filter.
fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let words = ["off", "error", "warn", "info", "debug", "trace"];
    let directives = if words.contains(&level.to_lowercase().as_str()) {
        format!("warn,syncline={}", level.to_lowercase())
    } else {
        level.to_owned()
    };
    let bare = !directives.contains(['=', ',']);
    EnvFilter::try_new(&directives)
        .ok()
        .filter(|_| !bare)
        .ok_or_else(|| TelemetryError::Level(level.escape_debug().to_string()))
}

/// The daily files, in a folder that only its owner may enter (new files of later days are guarded by the folder).
fn daily_files(folder: &Path) -> Result<RollingFileAppender, TelemetryError> {
    let failed = |source: io::Error| TelemetryError::Folder {
        folder: folder.to_owned(),
        source,
    };
    make_private(folder).map_err(failed)?;
    restrict(folder, 0o700).map_err(failed)?;
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("syncline")
        .filename_suffix("log")
        .max_log_files(KEPT_DAYS)
        .build(folder)
        .map_err(|error| failed(io::Error::other(error)))?;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() {
            restrict(&entry.path(), 0o600).map_err(failed)?;
        }
    }
    Ok(files)
}

/// Makes the folder and those above it that are missing (the data folder may be among them), for the owner only.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_level_is_refused_with_the_known_ones() {
        for level in ["info", "DEBUG", "syncline=trace,sled=warn"] {
            assert!(filter(level).is_ok(), "{level}");
        }
        for level in ["loud", "", "syncline=loud"] {
            let text = filter(level).err().unwrap().to_string();
            assert!(text.contains("SYNCLINE_LOG"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_log() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("data/logs");
        let target = LogTarget::Files(logs.clone());
        let guard = start(&target, Some("debug"), false).unwrap();
        tracing::info!(target: "syncline", run = 1, "started");
        assert_eq!(guard.dropped_lines(), 0);
        drop(guard);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&logs), 0o700);
        assert_eq!(mode(&folder.path().join("data")), 0o700);
        let files: Vec<_> = std::fs::read_dir(&logs)
            .unwrap()
            .map(|one| one.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1);
        assert_eq!(mode(&files[0]), 0o600);
        assert!(
            std::fs::read_to_string(&files[0])
                .unwrap()
                .contains("started")
        );
        assert!(matches!(
            start(&target, None, false),
            Err(TelemetryError::Twice)
        ));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let text = daily_files(&file.join("logs")).err().unwrap().to_string();
        assert!(text.contains("file/logs"), "{text}");
    }
}
