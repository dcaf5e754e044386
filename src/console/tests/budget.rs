//! Bytes on the wire and time to a frame, and the loop as a whole.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::Stream;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::fake::{World, line, now, progress, serve};
use super::stage::{Stage, next_key, options};
use crate::clock::{Clock, TokioClock};
use crate::console::msg::Msg;
use crate::console::run::drive;
use crate::console::signals::Signal;
use crate::console::terminal::{Painter, Surface};
use crate::console::{ConsoleError, ConsoleOptions, ExitSummary};
use crate::service::messages::{Event, Status, Tone};

/// Counts what is written, and feeds it to a terminal emulator.
#[derive(Clone)]
struct Wire {
    bytes: Arc<AtomicUsize>,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Wire {
    fn new(width: u16, height: u16) -> Self {
        Wire {
            bytes: Arc::default(),
            screen: Arc::new(Mutex::new(vt100::Parser::new(
                height.try_into().unwrap(),
                width.try_into().unwrap(),
                0,
            ))),
        }
    }

    fn take(&self) -> usize {
        self.bytes.swap(0, Ordering::SeqCst)
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }
}

impl Write for Wire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.bytes.fetch_add(data.len(), Ordering::SeqCst);
        self.screen.lock().unwrap().process(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct TestSurface {
    painter: Painter<Wire>,
    area: Rect,
    entered: Arc<AtomicUsize>,
}

impl Surface for TestSurface {
    fn area(&self) -> io::Result<Rect> {
        Ok(self.area)
    }
    fn enter(&mut self) -> io::Result<()> {
        self.entered.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    fn leave(&mut self) {}
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

/// Input as the terminal's stream gives it: until an event comes it wakes whoever asked *first*, and nobody who asked later.
#[derive(Clone, Default)]
struct Keyboard(Arc<Mutex<(VecDeque<Input>, Option<Waker>)>>);

impl Keyboard {
    fn press(&self, input: Input) {
        let mut state = self.0.lock().unwrap();
        state.0.push_back(input);
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }
}

impl Stream for Keyboard {
    type Item = io::Result<Input>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.lock().unwrap();
        match state.0.pop_front() {
            Some(input) => Poll::Ready(Some(Ok(input))),
            None => {
                state.1.get_or_insert_with(|| context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The loop on a counted wire, under tokio's paused clock.
struct Session {
    wire: Wire,
    input: Keyboard,
    signals: mpsc::Sender<Signal>,
    status: tokio::sync::watch::Sender<Status>,
    events: tokio::sync::broadcast::Sender<Event>,
    end: tokio::task::JoinHandle<Result<ExitSummary, ConsoleError>>,
    token: CancellationToken,
    entered: Arc<AtomicUsize>,
}

impl Session {
    fn start(world: World, options: ConsoleOptions, width: u16, height: u16) -> Self {
        let (client, status, events) = serve(world);
        let wire = Wire::new(width, height);
        let input = Keyboard::default();
        let keys = input.clone();
        let (signals, heard) = mpsc::channel(4);
        let token = CancellationToken::new();
        let entered = Arc::new(AtomicUsize::new(0));
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(now()));
        let mut surface = TestSurface {
            painter: Painter::new(wire.clone()),
            area: Rect {
                x: 0,
                y: 0,
                width,
                height,
            },
            entered: entered.clone(),
        };
        let inner = token.clone();
        let end = tokio::spawn(async move {
            drive(&mut surface, keys, heard, options, client, clock, inner).await
        });
        Session {
            wire,
            input,
            signals,
            status,
            events,
            end,
            token,
            entered,
        }
    }

    async fn keys(&self, keys: &str) {
        let mut rest = keys;
        while !rest.is_empty() {
            let (event, tail) = next_key(rest);
            self.input.press(Input::Key(event));
            rest = tail;
        }
        self.pass(200).await;
    }

    async fn pass(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn at_rest_nothing_is_sent_but_one_small_frame_at_the_turn_of_the_minute() {
    for (key, width, height) in [
        ("1", 80, 24),
        ("3", 80, 24),
        ("5", 132, 36),
        ("6", 80, 24),
        ("2", 80, 24),
        ("1", 200, 50),
    ] {
        let session = Session::start(World::full(), options(), width, height);
        session.keys(key).await;
        session.pass(10_000).await;
        assert!(session.wire.take() > 1_000, "the first paint");
        session.pass(45_000).await;
        assert_eq!(
            session.wire.take(),
            0,
            "screen {key}: bytes between two turns of the minute"
        );
        session.pass(10_000).await;
        let turn = session.wire.take();
        assert!(
            turn > 0 && turn < 600,
            "screen {key} {width}x{height}: {turn} bytes at the turn"
        );
        session.pass(50_000).await;
        assert_eq!(session.wire.take(), 0);
        println!("screen {key} at {width}x{height}: {turn} bytes at the turn of the minute");
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_sync_stays_under_two_kilobytes_a_second() {
    for slow_link in [false, true] {
        let session = Session::start(
            World::full(),
            ConsoleOptions {
                slow_link,
                ..options()
            },
            80,
            24,
        );
        session.keys("2").await;
        session
            .status
            .send_modify(|status| status.run = Some(progress(0)));
        session.pass(2_000).await;
        session.wire.take();
        for step in 0..200u64 {
            session.status.send_modify(|status| {
                status.run = Some(progress(step / 2));
                status.version += 1;
            });
            for n in 0..4 {
                let second = (step / 10) as i64;
                let _ = session.events.send(line(
                    second,
                    Tone::Ok,
                    &format!("Contact 003..{step:03}"),
                    &format!("p{n}@ex.org"),
                    "phone ← HS",
                ));
            }
            session.pass(100).await;
        }
        let bytes = session.wire.take();
        println!(
            "live sync, slow link {slow_link}: {} bytes a second",
            bytes / 20
        );
        assert!(bytes < 2_000 * 20, "{} bytes a second", bytes / 20);
        assert!(session.wire.text().contains("Run 143"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_loop_answers_keys_and_ends_with_q() {
    let session = Session::start(World::full(), options(), 80, 24);
    session.keys("3").await;
    assert!(
        session.wire.text().contains("Northwind Ltd"),
        "{}",
        session.wire.text()
    );
    session.keys("<enter>").await;
    session.keys("l").await;
    assert!(
        session.wire.text().contains("1 undecided"),
        "{}",
        session.wire.text()
    );
    session.keys("qqq").await;
    let summary = session.end.await.unwrap().unwrap();
    assert_eq!(summary, ExitSummary::default());
}

#[tokio::test(start_paused = true)]
async fn a_key_after_a_key_is_seen_at_once_on_a_screen_at_rest() {
    let session = Session::start(World::full(), options(), 80, 24);
    session.keys("3").await;
    for _ in 0..3 {
        session.pass(10_000).await;
        session.wire.take();
        session.keys("j").await;
        assert!(session.wire.take() > 0, "nothing was drawn for the key");
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_the_loop_and_is_named() {
    let session = Session::start(World::full(), options(), 80, 24);
    session.pass(100).await;
    session.signals.send(Signal::Leave(15)).await.unwrap();
    assert_eq!(session.end.await.unwrap().unwrap().signal, Some(15));
}

#[tokio::test(start_paused = true)]
async fn after_being_continued_the_terminal_is_taken_again_and_painted_whole() {
    let session = Session::start(World::full(), options(), 80, 24);
    session.pass(1_000).await;
    session.wire.take();
    session.signals.send(Signal::Continued).await.unwrap();
    session.pass(1_000).await;
    assert_eq!(session.entered.load(Ordering::SeqCst), 1);
    assert!(session.wire.take() > 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_panic_elsewhere_ends_the_loop_with_an_error() {
    let session = Session::start(World::full(), options(), 80, 24);
    session.pass(100).await;
    session.token.cancel();
    assert!(matches!(
        session.end.await.unwrap(),
        Err(ConsoleError::Task(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_keys_is_drawn_once() {
    let session = Session::start(World::full(), options(), 80, 24);
    session.keys("3").await;
    session.pass(1_000).await;
    session.wire.take();
    session.keys("j").await;
    let one = session.wire.take();
    session.keys("jkjkjkjkjkjkjkjkjkj").await;
    let many = session.wire.take();
    assert!(many <= one * 2, "{one} {many}");
}

#[tokio::test]
async fn an_export_goes_into_a_new_private_file() {
    let folder = tempfile::tempdir().unwrap();
    let options = ConsoleOptions {
        files_dir: folder.path().to_owned(),
        ..options()
    };
    let session = Session::start(World::hostile(), options, 80, 24);
    for keys in ["5", "e<enter>", "e<enter>"] {
        session.keys(keys).await;
    }
    session.pass(1_000).await;
    let text = std::fs::read_to_string(folder.path().join("errors.csv")).unwrap();
    assert!(text.lines().count() >= 912);
    assert!(text.contains("'=cmd|'/c calc'!A1"), "a formula is disarmed");
    assert!(!text.contains(",=cmd"));
    assert!(
        folder.path().join("errors-2.csv").exists(),
        "nothing is written over"
    );
}

/// For the figure of a release build: `cargo test --release --lib a_frame_for_a_key -- --nocapture`.
#[test]
fn a_frame_for_a_key_with_100_000_conflicts_is_quick() {
    let mut stage = Stage::new(
        World {
            conflicts: 100_000,
            ..World::full()
        },
        200,
        50,
    );
    stage.keys("3G");
    stage.frame();
    let mut worst = Duration::ZERO;
    for _ in 0..20 {
        let start = Instant::now();
        stage.send(Msg::Key(KeyEvent::new(KeyCode::Up, KeyModifiers::NONE)));
        stage.frame();
        worst = worst.max(start.elapsed());
    }
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    println!("key to frame at 200x50 with 100 000 conflicts: {worst:?} at worst ({build} build)");
    assert!(worst < Duration::from_millis(250), "{worst:?}");
}

/// The console on this terminal, over the stand-in: `cargo test --lib console::tests::budget::look -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "needs a terminal and a person"]
async fn look() {
    let (client, status, events) = serve(World::full());
    tokio::spawn(async move {
        let mut done = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            done = (done + 3) % 380;
            let _ = events.send(line(
                done as i64,
                Tone::Ok,
                "Contact 003..8Qk",
                "jane@ex.org",
                "phone ← HS",
            ));
            status.send_modify(|status| status.run = (done > 40).then(|| progress(done)));
        }
    });
    let clock: Arc<dyn Clock> = Arc::new(crate::clock::SystemClock);
    let summary = crate::console::run(options(), client, clock).await.unwrap();
    println!("{summary:?}");
}
