//! The loop: one task owns the terminal; signals, input, answers, status, facts and time become messages; after the first
//! one whatever else is ready is taken too, then one frame is drawn.

use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, poll};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{Event as Input, EventStream};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::effects::Runner;
use super::model::{Leaving, Model};
use super::msg::{Effect, Msg};
use super::options::{ConsoleError, ConsoleOptions, ExitSummary};
use super::signals::{self, Signal};
use super::terminal::{RealTerminal, Surface, restore};
use super::update::update;
use super::view::view;
use crate::clock::Clock;
use crate::service::Client;
use crate::service::messages::{Event, Status};

/// Messages taken before a frame is drawn all the same.
const DRAIN: usize = 2_000;

/// Runs the console on the real terminal until the operator leaves or a signal asks for it.
///
/// # Errors
/// The terminal cannot be used, or a background task of the console panicked.
pub async fn run(
    options: ConsoleOptions,
    client: Client,
    clock: Arc<dyn Clock>,
) -> Result<ExitSummary, ConsoleError> {
    let token = CancellationToken::new();
    let hook = PanicHook::install(token.clone());
    let signals = signals::listen(token.clone())?;
    let mut surface = RealTerminal::new(options.mouse);
    surface.enter()?;
    let result = drive(
        &mut surface,
        EventStream::new(),
        signals,
        options,
        client,
        clock,
        token.clone(),
    )
    .await;
    surface.leave();
    token.cancel();
    drop(hook);
    result
}

/// How long a failed paint waits for the signal that explains it.
const HANG_UP: Duration = Duration::from_millis(200);

type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send + 'static>;

/// While it lives, a panic anywhere gives the terminal back before anything is printed, and ends the loop.
struct PanicHook(Arc<Hook>);

impl PanicHook {
    fn install(token: CancellationToken) -> Self {
        let before: Arc<Hook> = Arc::new(std::panic::take_hook());
        let then = before.clone();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            token.cancel();
            then(info);
        }));
        PanicHook(before)
    }
}

impl Drop for PanicHook {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let before = self.0.clone();
            std::panic::set_hook(Box::new(move |info| before(info)));
        }
    }
}

/// Everything that the loop listens to.
struct Ears<I> {
    signals: mpsc::Receiver<Signal>,
    input: I,
    input_open: bool,
    answers: mpsc::UnboundedReceiver<Msg>,
    status: watch::Receiver<Status>,
    status_open: bool,
    events: broadcast::Receiver<Event>,
    events_open: bool,
}

/// What was heard.
enum Heard {
    Msg(Msg),
    Signal(Signal),
    Nothing,
}

/// The loop itself, over any surface, input and signals.
pub(super) async fn drive<S, I>(
    surface: &mut S,
    input: I,
    signals: mpsc::Receiver<Signal>,
    options: ConsoleOptions,
    client: Client,
    clock: Arc<dyn Clock>,
    token: CancellationToken,
) -> Result<ExitSummary, ConsoleError>
where
    S: Surface,
    I: Stream<Item = io::Result<Input>> + Unpin,
{
    let slow = options.slow_link;
    let frame_gap = chrono::Duration::milliseconds(if slow { 100 } else { 33 });
    let status_gap = chrono::Duration::milliseconds(if slow { 1_000 } else { 250 });
    let (sender, answers) = mpsc::unbounded_channel();
    let mut ears = Ears {
        signals,
        input,
        input_open: true,
        answers,
        status: client.status(),
        status_open: true,
        events: client.events(),
        events_open: true,
    };
    let mut runner = Runner {
        client,
        answers: sender,
        files_dir: options.files_dir.clone(),
        tasks: JoinSet::new(),
    };
    let mut model = Model::new(options, surface.area()?, clock.now());
    let mut status_at = clock.now();
    let first = Msg::Status(Box::new(ears.status.borrow_and_update().clone()));
    take(&mut model, &mut runner, surface, clock.now(), first).await?;
    let mut drawn_at = DateTime::<Utc>::MIN_UTC;
    let mut dirty = true;
    loop {
        let now = clock.now();
        // A clock that was set back must not keep the picture still until it has caught up.
        (drawn_at, status_at) = (drawn_at.min(now), status_at.min(now));
        if dirty && now - drawn_at >= frame_gap {
            if let Err(error) = draw(surface, &mut model) {
                // On a hang-up the terminal is gone before its signal was heard.
                let heard = tokio::time::timeout(HANG_UP, ears.signals.recv()).await;
                return match heard {
                    Ok(Some(Signal::Leave(signal))) => Ok(ExitSummary {
                        signal: Some(signal),
                        line: model.farewell.take(),
                    }),
                    _ => Err(error.into()),
                };
            }
            drawn_at = now;
            dirty = false;
        }
        if let Leaving::Now(signal) = model.leaving {
            return Ok(ExitSummary {
                signal,
                line: model.farewell.take(),
            });
        }
        let status_due = now - status_at >= status_gap;
        let mut wake = model.next_wake();
        if dirty {
            wake = wake.min(drawn_at + frame_gap);
        }
        if !status_due {
            wake = wake.min(status_at + status_gap);
        }
        let nap = (wake - now)
            .to_std()
            .unwrap_or(Duration::from_millis(1))
            .max(Duration::from_millis(1));
        let mut heard =
            listen(&mut ears, &mut runner, clock.sleep(nap), &token, status_due).await?;
        let now = clock.now();
        for _ in 0..DRAIN {
            match heard {
                Heard::Nothing => break,
                Heard::Signal(signal) => {
                    hear_signal(surface, &mut model, &mut runner, now, signal).await?
                }
                Heard::Msg(msg) => {
                    if matches!(msg, Msg::Status(_)) {
                        status_at = now;
                    }
                    take(&mut model, &mut runner, surface, now, msg).await?;
                }
            }
            dirty = true;
            heard = more(&mut ears).await;
        }
    }
}

/// Waits for the first thing that happens.
async fn listen<I>(
    ears: &mut Ears<I>,
    runner: &mut Runner,
    nap: impl Future<Output = ()>,
    token: &CancellationToken,
    status_due: bool,
) -> Result<Heard, ConsoleError>
where
    I: Stream<Item = io::Result<Input>> + Unpin,
{
    Ok(tokio::select! {
        biased;
        () = token.cancelled() => return Err(panicked(runner).await),
        Some(signal) = ears.signals.recv() => Heard::Signal(signal),
        input = ears.input.next(), if ears.input_open => match input {
            Some(Ok(input)) => read(input),
            // The terminal is gone: nothing can be typed any more.
            Some(Err(_)) | None => {
                ears.input_open = false;
                Heard::Msg(Msg::Signal(signal_hook::consts::SIGHUP))
            }
        },
        Some(msg) = ears.answers.recv() => Heard::Msg(msg),
        Some(done) = runner.tasks.join_next() => match done {
            Err(error) if error.is_panic() => return Err(ConsoleError::Task(error.to_string())),
            _ => Heard::Nothing,
        },
        changed = ears.status.changed(), if ears.status_open && status_due => match changed {
            Ok(()) => Heard::Msg(Msg::Status(Box::new(ears.status.borrow_and_update().clone()))),
            Err(_) => {
                ears.status_open = false;
                let gone = crate::service::ServiceGone.to_string();
                Heard::Msg(Msg::Event(Event::Notice { tone: crate::service::messages::Tone::Error, text: gone }))
            }
        },
        event = ears.events.recv(), if ears.events_open => match event {
            Ok(event) => Heard::Msg(Msg::Event(event)),
            Err(broadcast::error::RecvError::Lagged(count)) => Heard::Msg(Msg::Missed(count)),
            Err(broadcast::error::RecvError::Closed) => {
                ears.events_open = false;
                Heard::Nothing
            }
        },
        () = nap => Heard::Msg(Msg::Tick),
    })
}

/// The words of the panic that cancelled the token, if a task of ours had it.
async fn panicked(runner: &mut Runner) -> ConsoleError {
    while let Some(done) = runner.tasks.try_join_next() {
        if let Err(error) = done
            && error.is_panic()
        {
            return ConsoleError::Task(error.to_string());
        }
    }
    ConsoleError::Task("a background task panicked".into())
}

/// Takes whatever else is ready, without waiting. Input is asked as this task, never with `now_or_never`: the terminal's stream
/// wakes only whoever found it empty first, so that a look from outside would leave the next key unheard until something else
/// happens.
async fn more<I>(ears: &mut Ears<I>) -> Heard
where
    I: Stream<Item = io::Result<Input>> + Unpin,
{
    if let Ok(signal) = ears.signals.try_recv() {
        return Heard::Signal(signal);
    }
    if ears.input_open
        && let Poll::Ready(Some(Ok(input))) = poll!(ears.input.next())
    {
        return read(input);
    }
    if let Ok(msg) = ears.answers.try_recv() {
        return Heard::Msg(msg);
    }
    match ears.events.try_recv() {
        Ok(event) => Heard::Msg(Msg::Event(event)),
        Err(broadcast::error::TryRecvError::Lagged(count)) => Heard::Msg(Msg::Missed(count)),
        Err(_) => Heard::Nothing,
    }
}

fn read(input: Input) -> Heard {
    Heard::Msg(match input {
        Input::Key(key) => Msg::Key(key),
        Input::Mouse(mouse) => Msg::Mouse(mouse),
        Input::Paste(text) => Msg::Paste(text),
        Input::Resize(width, height) => Msg::Resize(width, height),
        Input::FocusGained | Input::FocusLost => return Heard::Msg(Msg::Tick),
    })
}

async fn hear_signal<S: Surface>(
    surface: &mut S,
    model: &mut Model,
    runner: &mut Runner,
    now: DateTime<Utc>,
    signal: Signal,
) -> Result<(), ConsoleError> {
    match signal {
        Signal::Leave(signal) => take(model, runner, surface, now, Msg::Signal(signal)).await,
        Signal::Suspend => {
            suspend(surface, model)?;
            Ok(())
        }
        Signal::Continued => come_back(surface, model),
    }
}

/// Gives the terminal back and stops; on the way back takes it again.
fn suspend<S: Surface>(surface: &mut S, model: &mut Model) -> Result<(), ConsoleError> {
    surface.leave();
    signals::stop();
    come_back(surface, model)
}

fn come_back<S: Surface>(surface: &mut S, model: &mut Model) -> Result<(), ConsoleError> {
    surface.enter()?;
    surface.forget();
    model.area = surface.area()?;
    Ok(())
}

/// Updates the model and carries the effects out.
async fn take<S: Surface>(
    model: &mut Model,
    runner: &mut Runner,
    surface: &mut S,
    now: DateTime<Utc>,
    msg: Msg,
) -> Result<(), ConsoleError> {
    for effect in update(model, now, msg) {
        match effect {
            Effect::Ask { id, request } => runner.ask(id, request).await,
            Effect::Copy(text) => surface.copy(&text)?,
            Effect::WriteFile { name, text } => runner.write(name, text),
            Effect::Export { query, name } => runner.export(query, name),
            Effect::Suspend => suspend(surface, model)?,
        }
    }
    Ok(())
}

fn draw<S: Surface>(surface: &mut S, model: &mut Model) -> io::Result<()> {
    let mut frame = Buffer::empty(model.area);
    let hits = view(model, &mut frame);
    model.drawn(hits);
    surface.paint(&frame)
}
