//! Where config and data live.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// The two places that Syncline uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The config file.
    pub config_file: PathBuf,
    /// The data folder: store, lock, backups, logs.
    pub data_dir: PathBuf,
}

/// There is no home folder to find the standard folders in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the home folder is not known, so the standard folders are not either; give --config FILE and --data-dir DIR"
)]
pub struct NoHome;

impl Folders {
    /// The platform's standard folders, or the ones given. No home folder is needed when both are.
    ///
    /// # Errors
    /// Where one is not given and there is no home folder.
    pub fn find(config: Option<&Path>, data: Option<&Path>) -> Result<Folders, NoHome> {
        let standard = || ProjectDirs::from("", "", "syncline").ok_or(NoHome);
        Ok(Folders {
            config_file: match config {
                Some(path) => path.to_owned(),
                None => standard()?.config_dir().join("config.toml"),
            },
            data_dir: match data {
                Some(path) => path.to_owned(),
                None => standard()?.data_dir().to_owned(),
            },
        })
    }

    /// The folder of the log files.
    pub fn logs(&self) -> PathBuf {
        self.data_dir.join("logs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_paths_are_taken_as_they_are() {
        let folders = Folders::find(Some(Path::new("a.toml")), Some(Path::new("b"))).unwrap();
        assert_eq!(folders.config_file, Path::new("a.toml"));
        assert_eq!(folders.logs(), Path::new("b/logs"));
    }
}
