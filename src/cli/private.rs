//! Files that a verb writes and only their owner reads: they hold values of people's records, or say where secrets are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Opens a file that is not there yet, so that its permissions hold.
///
/// # Errors
/// Where it is there, or cannot be made.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A new file beside `path`, to be put in its place once it is whole.
///
/// # Errors
/// Where it cannot be made.
pub fn draft(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let beside = path.with_file_name(name);
    let _ = fs::remove_file(&beside);
    let file = create(&beside)?;
    Ok((beside, file))
}

/// Writes a whole file, or leaves what was there.
///
/// # Errors
/// Where it cannot be written.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let (beside, mut file) = draft(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
