//! The real binary against the sandbox served in the test process: a world, a folder for config and data, and commands.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value;
use syncline::clock::{Clock, SystemClock};
use syncline::sandbox::{Options, Running, serve};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// What both secrets are called in the environment of the binary.
pub const SALESFORCE_SECRET: &str = "E2E_SALESFORCE_SECRET";
pub const HUBSPOT_TOKEN: &str = "E2E_HUBSPOT_TOKEN";

/// The two simulated vendors on loopback, served by threads of the test.
pub struct Vendors {
    pub running: Running,
    pub clock: Arc<dyn Clock>,
    _runtime: Runtime,
}

impl Vendors {
    pub fn new(contacts: usize, seed: u64) -> Self {
        Self::with(Options {
            contacts,
            seed,
            ..Options::default()
        })
    }

    pub fn with(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let running = runtime.block_on(serve(options, clock.clone())).unwrap();
        Vendors {
            running,
            clock,
            _runtime: runtime,
        }
    }

    /// The config of these vendors, its secrets in variables, `engine` under `[engine]`.
    pub fn config(&self, engine: &str) -> String {
        let echo = |secret: &str| format!("{{ command = [\"echo\", \"{secret}\"] }}");
        let env = |name: &str| format!("{{ env = \"{name}\" }}");
        let text = self
            .running
            .config_toml()
            .replace(
                &echo(&self.running.salesforce.client_secret),
                &env(SALESFORCE_SECRET),
            )
            .replace(
                &echo(&self.running.hubspot.access_token),
                &env(HUBSPOT_TOKEN),
            );
        assert!(text.contains(SALESFORCE_SECRET) && text.contains(HUBSPOT_TOKEN));
        text.replacen(
            "[[mapping]]",
            &format!("[engine]\n{engine}\n\n[[mapping]]"),
            1,
        )
    }

    /// What was truly done on one side, as `GET /__sandbox/stats` tells it.
    pub fn stats(&self, side: syncline::sandbox::Side) -> Value {
        self.running.sandbox().stats(side).json()
    }
}

/// A folder with a config and a data folder, and the binary that works on them.
pub struct Desk {
    pub dir: TempDir,
    pub env: Vec<(String, String)>,
}

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    pub fn of(output: Output) -> Self {
        Ended {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The exit status must be `code`.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout: {}\nstderr: {}",
            self.out,
            self.err
        );
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// stdout as one JSON document and nothing else.
    #[track_caller]
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {:?}\n{}", self.out, self.err))
    }

    /// stdout as JSON Lines.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line:?}")))
            .collect()
    }
}

impl Desk {
    pub fn new(config: &str) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("syncline.toml"), config).unwrap();
        Desk {
            dir,
            env: Vec::new(),
        }
    }

    /// A desk that is connected to `vendors`.
    pub fn at(vendors: &Vendors, engine: &str) -> Self {
        let mut desk = Desk::new(&vendors.config(engine));
        let running = &vendors.running;
        desk.env = vec![
            (
                SALESFORCE_SECRET.into(),
                running.salesforce.client_secret.clone(),
            ),
            (HUBSPOT_TOKEN.into(), running.hubspot.access_token.clone()),
        ];
        desk
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("syncline.toml")
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The binary with this desk's folders and variables and no others of ours, without stdin.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = bare();
        command
            .args(args)
            .arg("--config")
            .arg(self.config())
            .arg("--data-dir")
            .arg(self.data())
            .envs(self.env.iter().cloned());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().unwrap())
    }

    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ended {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading; that is its right.
        let _ = child.stdin.take().unwrap().write_all(input);
        Ended::of(child.wait_with_output().unwrap())
    }
}

/// The binary, with stdin at its end and nothing of the developer's environment that would change what it does;
/// `SYNCLINE_BINARY` names another build of it.
pub fn bare() -> Command {
    let built = || env!("CARGO_BIN_EXE_syncline").into();
    let mut command = Command::new(std::env::var_os("SYNCLINE_BINARY").unwrap_or_else(built));
    command.stdin(Stdio::null()).env_clear();
    for name in ["PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("HOME", "/nonexistent")
        .env("TERM", "xterm-256color");
    command
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// The sums that product.md promises of a mapping's counts; `full`: those of a full run too.
#[track_caller]
pub fn adds_up(mapping: &Value, full: bool) {
    let of = |path: &str| {
        mapping
            .pointer(path)
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("no {path} in {mapping}"))
    };
    let both = |name: &str| of(&format!("/{name}/salesforce")) + of(&format!("/{name}/hubspot"));
    assert_eq!(
        of("/linked"),
        of("/updated_links") + of("/unchanged") + of("/conflicts") + of("/errors")
            - of("/unlinked_errors")
            + of("/held"),
        "{mapping}"
    );
    if full {
        assert_eq!(
            both("read"),
            2 * of("/linked")
                + both("created")
                + of("/review")
                + of("/excluded")
                + of("/unlinked_errors"),
            "{mapping}"
        );
    }
}

/// How many records a run wrote.
pub fn written(run: &Value) -> u64 {
    let mappings = run["mappings"].as_array().unwrap();
    mappings
        .iter()
        .flat_map(|mapping| {
            ["created", "updated", "archived", "merged"].map(|name| {
                mapping[name]["salesforce"].as_u64().unwrap()
                    + mapping[name]["hubspot"].as_u64().unwrap()
            })
        })
        .sum()
}

/// Numbers from a seed, for the moments and records that a test draws.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}
