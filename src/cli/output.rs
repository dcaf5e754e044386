//! Where a verb writes: results to stdout, diagnostics to stderr, colour only where it belongs. A reader that has left
//! (`| head`) is no error.

use std::io::{self, BufWriter, IsTerminal, Write};

use super::args::{Color, Global};
use super::exit::Failure;

/// Roles of text; colour never is the only carrier of a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// As it is.
    Plain,
    /// Heads of tables.
    Head,
    /// Of less weight.
    Dim,
    /// Good.
    Good,
    /// Look at it.
    Warn,
    /// Failed.
    Bad,
}

impl Role {
    /// The terminal's own sixteen colours only.
    fn code(self) -> &'static str {
        match self {
            Role::Plain => "",
            Role::Head => "1",
            Role::Dim => "2",
            Role::Good => "32",
            Role::Warn => "33",
            Role::Bad => "31",
        }
    }
}

/// What the process is connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ttys {
    /// stdin.
    pub stdin: bool,
    /// stdout.
    pub stdout: bool,
    /// stderr.
    pub stderr: bool,
}

impl Ttys {
    /// Looks.
    pub fn of_process() -> Self {
        Ttys {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        }
    }
}

/// The two streams.
pub struct Output {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// stdout wants JSON.
    pub json: bool,
    /// ASCII only.
    pub ascii: bool,
    /// What is a terminal.
    pub ttys: Ttys,
    color_out: bool,
    color_err: bool,
    columns: usize,
    closed: bool,
}

impl Output {
    /// The process's own streams.
    pub fn of_process(global: &Global, no_color: Option<&str>, term: Option<&str>) -> Self {
        let ttys = Ttys::of_process();
        let columns = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
        Output::new(
            Box::new(BufWriter::new(io::stdout())),
            Box::new(io::stderr()),
            global,
            ttys,
            columns.max(40),
            no_color.is_some_and(|value| !value.is_empty()) || term == Some("dumb"),
        )
    }

    /// Streams given by the caller; `plain` is the environment's wish for no colour.
    pub fn new(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        global: &Global,
        ttys: Ttys,
        columns: usize,
        plain: bool,
    ) -> Self {
        let colored = |is_tty: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_tty && !plain,
        };
        Output {
            out,
            err,
            json: global.json,
            ascii: global.ascii,
            ttys,
            color_out: colored(ttys.stdout),
            color_err: colored(ttys.stderr),
            columns,
            closed: false,
        }
    }

    /// Columns that tables may take; no limit where stdout is not a terminal.
    pub fn columns(&self) -> Option<usize> {
        self.ttys.stdout.then_some(self.columns)
    }

    /// The mark of cut text.
    pub fn cut(&self) -> &'static str {
        if self.ascii { "..." } else { "…" }
    }

    /// The arrow from a source to a target.
    pub fn arrow(&self) -> &'static str {
        if self.ascii { "->" } else { "→" }
    }

    /// True once nobody reads stdout any more: a long list may stop.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Paints text for stdout.
    pub fn paint(&self, role: Role, text: &str) -> String {
        painted(self.color_out, role, text)
    }

    /// A line to stdout.
    ///
    /// # Errors
    /// Where it cannot be written for another reason than that nobody reads.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let text = if self.ascii {
            ascii(text)
        } else {
            text.to_owned()
        };
        let done = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.write_all(b"\n"));
        self.settle(done)
    }

    /// One JSON document on one line of stdout.
    ///
    /// # Errors
    /// As `line`.
    pub fn document(&mut self, document: &serde_json::Value) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let done = serde_json::to_writer(&mut self.out, document)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"));
        self.settle(done)
    }

    /// Bytes to stdout as they are (an export).
    pub fn raw(&mut self) -> &mut (dyn Write + Send) {
        &mut *self.out
    }

    /// Sends what is buffered.
    ///
    /// # Errors
    /// As `line`.
    pub fn flush(&mut self) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let done = self.out.flush();
        self.settle(done)
    }

    fn settle(&mut self, done: io::Result<()>) -> Result<(), Failure> {
        match done {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => {
                self.closed = true;
                Err(Failure::store(format!(
                    "stdout cannot be written: {error}; free space or choose another place"
                )))
            }
        }
    }

    /// A line to stderr. Nobody is left to tell when that fails.
    pub fn note(&mut self, role: Role, text: &str) {
        let text = if self.ascii {
            ascii(text)
        } else {
            text.to_owned()
        };
        let _ = writeln!(self.err, "{}", painted(self.color_err, role, &text));
    }

    /// A failure to stderr, with its label.
    pub fn failure(&mut self, failure: &Failure) {
        let label = painted(self.color_err, Role::Bad, "error:");
        let message = if self.ascii {
            ascii(&failure.message)
        } else {
            failure.message.clone()
        };
        let _ = writeln!(self.err, "{label} {message}");
    }

    /// Text to stderr without a line end, for a question.
    pub fn ask(&mut self, text: &str) {
        let _ = write!(self.err, "{text}");
        let _ = self.err.flush();
    }
}

fn painted(color: bool, role: Role, text: &str) -> String {
    if color && role != Role::Plain && !text.is_empty() {
        format!("\u{1b}[{}m{text}\u{1b}[0m", role.code())
    } else {
        text.to_owned()
    }
}

/// Drawing characters as ASCII; letters of other scripts in values stay as they are.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '…' => out.push_str("..."),
            '→' => out.push_str("->"),
            '←' => out.push_str("<-"),
            '↔' => out.push_str("<->"),
            '·' => out.push('-'),
            '✓' => out.push('+'),
            '✗' => out.push('x'),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A stream that keeps what is written.
    #[derive(Clone, Default)]
    pub(in crate::cli) struct Kept(pub(in crate::cli) Arc<Mutex<Vec<u8>>>);

    impl Kept {
        pub(in crate::cli) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A stream that fails.
    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    pub(in crate::cli) fn global() -> Global {
        Global {
            config: None,
            data_dir: None,
            read_only: false,
            color: Color::Auto,
            ascii: false,
            json: false,
        }
    }

    /// An output whose two streams are kept.
    pub(in crate::cli) fn kept(json: bool) -> (Output, Kept, Kept) {
        let (out, err) = (Kept::default(), Kept::default());
        let global = Global { json, ..global() };
        let output = Output::new(
            Box::new(out.clone()),
            Box::new(err.clone()),
            &global,
            Ttys::default(),
            80,
            false,
        );
        (output, out, err)
    }

    #[test]
    fn a_reader_that_left_is_no_error_and_a_full_disk_is() {
        for (kind, good) in [
            (io::ErrorKind::BrokenPipe, true),
            (io::ErrorKind::StorageFull, false),
        ] {
            let err = Kept::default();
            let mut output = Output::new(
                Box::new(Failing(kind)),
                Box::new(err),
                &global(),
                Ttys::default(),
                80,
                false,
            );
            assert_eq!(output.line("x").is_ok(), good);
            assert!(output.is_closed());
            assert!(output.line("y").is_ok() && output.flush().is_ok());
        }
    }

    #[test]
    fn colour_is_for_terminals_and_no_color_wins_over_auto() {
        let tty = Ttys {
            stdin: true,
            stdout: true,
            stderr: true,
        };
        for (color, ttys, plain, colored) in [
            (Color::Auto, tty, false, true),
            (Color::Auto, tty, true, false),
            (Color::Auto, Ttys::default(), false, false),
            (Color::Always, Ttys::default(), true, true),
            (Color::Never, tty, false, false),
        ] {
            let global = Global { color, ..global() };
            let output = Output::new(
                Box::new(io::sink()),
                Box::new(io::sink()),
                &global,
                ttys,
                80,
                plain,
            );
            assert_eq!(output.paint(Role::Bad, "x") != "x", colored);
        }
    }

    #[test]
    fn ascii_leaves_no_drawing_character() {
        let kept = Kept::default();
        let global = Global {
            ascii: true,
            ..global()
        };
        let mut output = Output::new(
            Box::new(kept.clone()),
            Box::new(io::sink()),
            &global,
            Ttys::default(),
            80,
            false,
        );
        output.line("a → b · c…").unwrap();
        assert_eq!(kept.text(), "a -> b - c...\n");
    }
}
