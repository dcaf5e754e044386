//! A verb of the real binary at work, which may be killed at any moment.

use std::io::{BufRead, BufReader, Read};
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{Desk, Ended};

/// A child at work: when its preflight was over (what came before was opening and recovery), and what it printed.
pub struct Child {
    child: std::process::Child,
    pub started: Instant,
    ready: mpsc::Receiver<Duration>,
    out: JoinHandle<String>,
    err: JoinHandle<String>,
}

/// What became of a child.
pub struct Outcome {
    /// How it ended by itself; `None`: it was killed.
    pub ended: Option<Ended>,
    /// From its start to the end of its preflight, where it came so far.
    pub ready: Option<Duration>,
}

impl Outcome {
    /// The document of a run that ended by itself, which must have ended well, with findings, or with a question.
    pub fn run(&self) -> Option<Value> {
        let ended = self.ended.as_ref()?;
        let asks = || ended.code == Some(4) && ended.document()["confirm"].is_string();
        assert!(
            matches!(ended.code, Some(0 | 1)) || asks(),
            "a run must end 0 or 1, or ask for a confirm, not {:?}: {}{}",
            ended.code,
            ended.err,
            ended.out
        );
        Some(ended.document())
    }
}

impl Child {
    pub fn start(desk: &Desk, args: &[&str]) -> Child {
        let mut child = desk
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let (tell, ready) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let err = std::thread::spawn(move || {
            let mut all = String::new();
            for line in stderr.lines().map_while(Result::ok) {
                if line.starts_with("preflight") {
                    let _ = tell.send(started.elapsed());
                }
                all.push_str(&line);
                all.push('\n');
            }
            all
        });
        let mut stdout = child.stdout.take().unwrap();
        let out = std::thread::spawn(move || {
            let mut all = String::new();
            stdout.read_to_string(&mut all).unwrap();
            all
        });
        Child {
            child,
            started,
            ready,
            out,
            err,
        }
    }

    /// A whole sync, followed to its end.
    pub fn sync(desk: &Desk) -> Child {
        Child::start(desk, &["sync", "--yes", "--json"])
    }

    /// Kills it at that time.
    pub fn kill_at(self, moment: Duration) -> Outcome {
        self.kill_when(|elapsed| elapsed >= moment)
    }

    /// Lets it work until `due` says so, then kills it.
    pub fn kill_when(mut self, mut due: impl FnMut(Duration) -> bool) -> Outcome {
        let status: Option<ExitStatus> = loop {
            if due(self.started.elapsed()) {
                self.child.kill().unwrap();
                break None;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                break Some(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let _ = self.child.wait();
        let (out, err) = (self.out.join().unwrap(), self.err.join().unwrap());
        assert!(!err.contains("panicked"), "{err}");
        Outcome {
            ended: status.map(|status| Ended {
                code: status.code(),
                out,
                err,
            }),
            ready: self.ready.try_recv().ok(),
        }
    }

    /// Lets it end by itself.
    pub fn finish(self) -> Outcome {
        let outcome = self.kill_at(Duration::from_secs(120));
        assert!(outcome.ended.is_some(), "it took two minutes");
        outcome
    }
}
