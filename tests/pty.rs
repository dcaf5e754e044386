//! The console as a person sees it: the real binary in a pseudo terminal, its output read by a terminal's parser. Also what
//! it costs in bytes, and that the terminal is left as it was found.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![expect(
    clippy::disallowed_methods,
    reason = "a terminal is watched in real time"
)]

mod process;

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use process::{Desk, Vendors};

/// How long anything may take to appear; the machines of a build farm are slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the screen is looked at.
const POLL: Duration = Duration::from_millis(20);

/// A terminal with the binary in it.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    bytes: usize,
    raw: Vec<u8>,
    /// The line's settings before the binary started.
    modes: String,
}

impl Terminal {
    fn open(columns: u16, rows: u16, args: &[&str], env: &[(String, String)]) -> Terminal {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let modes = format!("{:?}", pair.master.get_termios());
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_syncline"));
        command.args(args);
        command.env_clear();
        for name in ["PATH", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        for (name, value) in env {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("HOME", "/nonexistent");
        command.cwd(std::env::temp_dir());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 16_384];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal {
            master: pair.master,
            keys,
            child,
            output,
            parser: vt100::Parser::new(
                std::num::NonZero::new(rows).unwrap(),
                std::num::NonZero::new(columns).unwrap(),
                0,
            ),
            bytes: 0,
            raw: Vec::new(),
            modes,
        }
    }

    /// Reads what is there within `patience`; how many bytes.
    fn read(&mut self, patience: Duration) -> usize {
        match self.output.recv_timeout(patience) {
            Ok(bytes) => {
                self.parser.process(&bytes);
                self.bytes += bytes.len();
                self.raw.extend_from_slice(&bytes);
                bytes.len()
            }
            Err(RecvTimeoutError::Timeout) => 0,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(POLL);
                0
            }
        }
    }

    fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.read(POLL);
            let text = self.text();
            if wanted(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "never {what}:\n{text}");
        }
    }

    #[track_caller]
    fn shows(&mut self, words: &str) -> String {
        self.until(words, |text| text.contains(words))
    }

    #[track_caller]
    fn hides(&mut self, words: &str) -> String {
        self.until(words, |text| !text.contains(words))
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let size_of = |number| std::num::NonZero::new(number).unwrap();
        self.parser
            .screen_mut()
            .set_size(size_of(rows), size_of(columns));
        self.master.resize(size).unwrap();
    }

    fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        let sent = std::process::Command::new("kill")
            .args([name, &pid])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the process to end; its status.
    #[track_caller]
    fn ends(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            self.read(POLL);
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "it does not end:\n{}",
                self.text()
            );
        };
        while self.read(Duration::from_millis(50)) > 0 {}
        status.exit_code()
    }

    /// The terminal is as it was found.
    #[track_caller]
    fn is_restored(&self) {
        let screen = self.parser.screen();
        assert_eq!(
            format!("{:?}", self.master.get_termios()),
            self.modes,
            "raw mode is off"
        );
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "bracketed paste is off");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(!String::from_utf8_lossy(&self.raw).contains("panicked"));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `demo` with an own data folder.
fn demo(columns: u16, rows: u16, contacts: &str) -> (Terminal, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let args = [
        "demo",
        "--contacts",
        contacts,
        "--data-dir",
        data.to_str().unwrap(),
    ];
    (Terminal::open(columns, rows, &args, &[]), folder)
}

const ESC: &str = "\u{1b}";

/// The first sync is over: the list of runs says so.
#[track_caller]
fn first_sync_over(terminal: &mut Terminal) {
    terminal.press("6");
    terminal.until("the first run over", |text| {
        text.contains("full") && (text.contains("records wait") || text.contains("done"))
    });
}

#[test]
fn the_demo_is_watched_resolved_and_left_at_80x24() {
    let started = Instant::now();
    let (mut terminal, _folder) = demo(80, 24, "400");
    terminal.shows("Map");
    println!("first frame after {:.2?}", started.elapsed());
    let screen = terminal.parser.screen();
    assert!(screen.alternate_screen() && screen.hide_cursor());

    // Live progress of the sync that started by itself.
    terminal.press("2");
    terminal.until("live progress", |text| {
        text.contains("observe") || text.contains("apply")
    });
    first_sync_over(&mut terminal);

    // Errors.
    terminal.press("5");
    let errors = terminal.shows("Errors");
    println!("{errors}");

    // A conflict of a field, decided with the keys.
    terminal.press("3");
    terminal.shows("Conflicts");
    terminal.press("/");
    terminal.press("phone");
    terminal.press("\r");
    let phone = |line: &&str| line.contains("│▌") && line.contains("Phone");
    let queue = terminal.until("a filtered queue", |text| {
        text.lines().any(|line| phone(&line))
    });
    let row = queue.lines().find(phone).unwrap();
    let mut columns = row
        .split("  ")
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let record = columns.nth(3).unwrap().to_owned();
    println!("{queue}");
    // Why it did not sync, and back to the queue.
    terminal.press("w");
    let page = terminal.shows("NEXT RUN");
    assert!(page.contains("waits for a person in Conflicts"), "{page}");
    terminal.press(ESC);
    terminal.hides("NEXT RUN");
    terminal.press("\r");
    terminal.shows("TAKE");
    terminal.press("l");
    // The choice is kept before it can be applied; a `W` that is too early is refused with the reason.
    terminal.shows("W or the next run");
    let dialog = loop {
        terminal.press("W");
        for _ in 0..25 {
            terminal.read(POLL);
        }
        if terminal.text().contains("Cancel") {
            break terminal.text();
        }
        assert!(
            started.elapsed() < PATIENCE,
            "no dialog: {}",
            terminal.text()
        );
    };
    println!("{dialog}");
    // The run is watched where it starts; the answer may take its time.
    terminal.press("y");
    terminal.shows("[2 Live");
    terminal.press("3");
    terminal.until("conflicts", |text| {
        text.contains("TAKE") || text.contains("SUGGEST")
    });
    if terminal.text().contains("TAKE") {
        terminal.press(ESC);
    }
    terminal.until("gone from the queue", |text| {
        let waits = |line: &str| line.contains(&record) && line.contains("Phone");
        text.contains("SUGGEST") && !text.contains(" draft ") && !text.lines().any(waits)
    });

    // Help, palette, filter.
    terminal.press("?");
    terminal.shows("Help");
    terminal.press(ESC);
    terminal.hides("Help");
    terminal.press(":");
    terminal.shows("Palette");
    terminal.press("settings zzz");
    terminal.press(ESC);
    terminal.hides("Palette");

    // Too small, and back.
    terminal.resize(20, 5);
    terminal.shows("needs");
    terminal.resize(80, 24);
    terminal.shows("Conf");
    terminal.resize(132, 36);
    terminal.shows("Conflicts");

    leave(&mut terminal);
}

/// `q` from wherever it is; a run that is under way asks.
#[track_caller]
fn leave(terminal: &mut Terminal) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        terminal.press("q");
        for _ in 0..15 {
            terminal.read(POLL);
        }
        if terminal.child.try_wait().unwrap().is_some() {
            break;
        }
        if terminal.text().contains("Leave while") {
            terminal.press("x");
            break;
        }
        assert!(
            Instant::now() < deadline,
            "q does not leave:\n{}",
            terminal.text()
        );
    }
    assert_eq!(terminal.ends(), 0);
    terminal.is_restored();
}

#[test]
fn a_run_under_way_is_asked_about_before_leaving_at_132x36() {
    let (mut terminal, folder) = demo(132, 36, "2000");
    terminal.shows("Mappings");
    terminal.press("2");
    terminal.until("progress", |text| text.contains("observe"));
    // Back to the first screen, from where `q` leaves.
    terminal.press("q");
    terminal.shows("[1 Mappings]");
    terminal.press("q");
    terminal.shows("Leave while a run is under way?");
    terminal.press(ESC);
    terminal.hides("Leave while");
    terminal.press("q");
    terminal.shows("Leave while");
    terminal.press("x");
    assert_eq!(terminal.ends(), 0);
    terminal.is_restored();
    // One line on the normal screen, and a store that is whole.
    let mut doctor = process::bare();
    doctor
        .arg("doctor")
        .arg("--data-dir")
        .arg(folder.path().join("data"));
    process::Ended::of(doctor.output().unwrap()).ends(0);
}

#[test]
fn signals_restore_the_terminal_and_end_with_their_status() {
    for (name, code) in [("-TERM", 143), ("-HUP", 129)] {
        let (mut terminal, _folder) = demo(80, 24, "40");
        terminal.shows("Map");
        terminal.signal(name);
        assert_eq!(terminal.ends(), code, "{name}");
        if name == "-TERM" {
            terminal.is_restored();
        }
        assert!(!String::from_utf8_lossy(&terminal.raw).contains("panicked"));
    }
}

/// Seconds into the present minute.
fn second() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
        % 60.0
}

/// `PTY_MINUTE=1` waits for the turn of a minute too; without it that is proved in virtual time alone.
#[test]
fn an_idle_console_writes_nothing_until_the_minute_turns() {
    let vendors = Vendors::new(40, 1);
    let desk = Desk::at(&vendors, "settle_delay = \"2s\"\nrequest_timeout = \"1s\"");
    let text = std::fs::read_to_string(desk.config()).unwrap();
    std::fs::write(
        desk.config(),
        text.replace("country = \"US\"", "country = \"US\"\nschedule = \"12h\""),
    )
    .unwrap();
    let _ = desk.run(&["sync", "--yes"]);
    let (config, data) = (desk.config(), desk.data());
    let args = [
        "--config",
        config.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
    ];
    let mut terminal = Terminal::open(80, 24, &args, &desk.env);
    terminal.shows("contacts");
    let first = terminal.bytes;
    // Idle from here: messages of the start leave after six seconds.
    let calm = Instant::now();
    while calm.elapsed() < Duration::from_secs(8) || second() > 52.0 || second() < 3.0 {
        terminal.read(POLL);
    }
    let before = terminal.bytes;
    let from = Instant::now();
    while from.elapsed() < Duration::from_secs(5) {
        terminal.read(POLL);
    }
    let between = terminal.bytes - before;
    println!("first paint {first} B; idle {between} B");
    assert_eq!(between, 0, "{}", terminal.text());
    if std::env::var_os("PTY_MINUTE").is_some() {
        let before = terminal.bytes;
        while second() >= 3.0 {
            terminal.read(POLL);
        }
        while second() < 5.0 {
            terminal.read(POLL);
        }
        let turned = terminal.bytes - before;
        println!("at the turn of the minute {turned} B");
        assert!(
            turned > 0 && turned < 600,
            "{turned} bytes at the turn of a minute"
        );
    }
    leave(&mut terminal);
}

#[test]
fn watching_a_sync_costs_less_than_two_kilobytes_a_second() {
    let (mut terminal, _folder) = demo(80, 24, "2000");
    terminal.shows("Map");
    terminal.press("2");
    terminal.until("progress", |text| text.contains("observe"));
    let (from, bytes) = (Instant::now(), terminal.bytes);
    while from.elapsed() < Duration::from_secs(5) {
        terminal.read(POLL);
    }
    let seconds = from.elapsed().as_secs_f64();
    let mean = (terminal.bytes - bytes) as f64 / seconds;
    println!(
        "live sync at 80x24: {mean:.0} B/s over {seconds:.1} s\n{}",
        terminal.text()
    );
    assert!(mean < 2_000.0, "{mean:.0} B/s");
    leave(&mut terminal);
}
