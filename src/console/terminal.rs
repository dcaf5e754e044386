//! Ownership of the terminal: entering, leaving (idempotent, also from a panic), painting only what changed, the clipboard.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::{Backend, ClearType, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::crossterm::clipboard::CopyToClipboard;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use ratatui::crossterm::terminal::{
    self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, SetTitle,
};
use ratatui::crossterm::{execute, queue, style};
use ratatui::layout::Rect;

/// Clipboard texts longer than this are cut off by some terminals.
const CLIPBOARD_LIMIT: usize = 70_000;

/// What the loop draws on; tests bring their own.
pub trait Surface {
    /// The size now.
    fn area(&self) -> io::Result<Rect>;
    /// Takes the terminal.
    fn enter(&mut self) -> io::Result<()>;
    /// Gives it back.
    fn leave(&mut self);
    /// Paints what differs from the last frame; nothing where nothing does.
    fn paint(&mut self, frame: &Buffer) -> io::Result<()>;
    /// The next frame is painted whole.
    fn forget(&mut self);
    /// Sends text to the terminal's clipboard.
    fn copy(&mut self, text: &str) -> io::Result<()>;
}

/// Paints frames onto a writer, as the difference to the last one.
pub struct Painter<W: Write> {
    backend: CrosstermBackend<W>,
    last: Option<Buffer>,
}

impl<W: Write> Painter<W> {
    /// A painter that knows nothing of the screen yet.
    pub fn new(writer: W) -> Self {
        Painter {
            backend: CrosstermBackend::new(writer),
            last: None,
        }
    }

    /// Paints a frame: one synchronised update, one flush. The whole screen is cleared by a sequence, never by asking the
    /// terminal (docs/style.md 15.2).
    pub fn paint(&mut self, frame: &Buffer) -> io::Result<()> {
        if self.last.as_ref() == Some(frame) {
            return Ok(());
        }
        queue!(self.backend, BeginSynchronizedUpdate)?;
        let last = match self.last.take() {
            Some(last) if last.area == frame.area => last,
            _ => {
                self.backend.clear_region(ClearType::All)?;
                Buffer::empty(frame.area)
            }
        };
        self.backend.draw(last.diff(frame).into_iter())?;
        queue!(self.backend, EndSynchronizedUpdate)?;
        Backend::flush(&mut self.backend)?;
        self.last = Some(frame.clone());
        Ok(())
    }

    /// The next frame is painted whole.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// OSC 52.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut end = text.len().min(CLIPBOARD_LIMIT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        execute!(
            self.backend,
            CopyToClipboard::to_clipboard_from(text.get(..end).unwrap_or_default())
        )
    }
}

/// True while the terminal is ours; shared with the panic hook.
static OURS: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back in the reverse order of taking it. Harmless where it is not ours; errors are ignored, since on a hang-up there
/// is no terminal any more.
pub fn restore() {
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(
        out,
        Show,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen
    );
    let _ = terminal::disable_raw_mode();
    let _ = out.flush();
}

/// The real terminal.
pub struct RealTerminal {
    painter: Painter<BufWriter<Stdout>>,
    mouse: bool,
    title: String,
}

impl RealTerminal {
    /// The terminal on standard output, not taken yet.
    pub fn new(mouse: bool) -> Self {
        // Without this, NO_COLOR makes crossterm write an empty colour sequence, which reads as a reset (docs/style.md 15.1). The theme
        // decides about colour.
        style::force_color_output(true);
        RealTerminal {
            painter: Painter::new(BufWriter::with_capacity(16 * 1024, io::stdout())),
            mouse,
            title: "Syncline".into(),
        }
    }
}

impl Surface for RealTerminal {
    fn area(&self) -> io::Result<Rect> {
        let (width, height) = terminal::size()?;
        Ok(Rect {
            x: 0,
            y: 0,
            width,
            height,
        })
    }

    fn enter(&mut self) -> io::Result<()> {
        OURS.store(true, Ordering::SeqCst);
        terminal::enable_raw_mode()?;
        let mut out = io::stdout();
        execute!(
            out,
            EnterAlternateScreen,
            EnableBracketedPaste,
            Hide,
            SetTitle(&self.title)
        )?;
        if self.mouse {
            execute!(out, EnableMouseCapture)?;
        }
        self.painter.forget();
        Ok(())
    }

    fn leave(&mut self) {
        restore();
    }

    fn paint(&mut self, frame: &Buffer) -> io::Result<()> {
        self.painter.paint(frame)
    }

    fn forget(&mut self) {
        self.painter.forget();
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.painter.copy(text)
    }
}

impl Drop for RealTerminal {
    fn drop(&mut self) {
        restore();
    }
}
