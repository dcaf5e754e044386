//! Starts a run or a preview and follows it to its end: progress, stop by signal, the record that it leaves.

use tokio::sync::broadcast::error::RecvError;

use super::door::Door;
use super::exit::{Exit, Failure, unexpected};
use super::output::{Output, Role};
use super::progress::Shown;
use super::signals::Signals;
use crate::domain::{RunId, RunRecord, RunState, ValveHit};
use crate::service::messages::{Event, Refusal, Reply, Request, UndoForecast};

/// How a run was followed to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed {
    /// The run as it ended.
    pub run: RunRecord,
    /// The signal that asked it to stop, if one did.
    pub signal: Option<u8>,
}

/// Starts what `request` asks for and waits until that run is over or waits for a confirm.
///
/// # Errors
/// Where the service refuses or is gone.
pub async fn run(
    door: &dyn Door,
    request: Request,
    signals: &mut Signals,
    out: &mut Output,
) -> Result<Followed, Failure> {
    let followed = run_if_any(door, request, signals, out).await?;
    followed.ok_or_else(|| unexpected("start a run"))
}

/// The same where there may be nothing to run over: `None`.
///
/// # Errors
/// As `run`.
pub async fn run_if_any(
    door: &dyn Door,
    request: Request,
    signals: &mut Signals,
    out: &mut Output,
) -> Result<Option<Followed>, Failure> {
    let mut events = door.events();
    let run = match door.ask(request).await? {
        Reply::Started { run: Some(run) } | Reply::Retried { run: Some(run), .. } => run,
        Reply::Retried {
            count: 0,
            run: None,
        } => return Ok(None),
        Reply::Refused(refusal) => return Err(refusal.into()),
        _ => return Err(unexpected("start a run")),
    };
    let mut status = door.status();
    let mut shown = Shown::new(out);
    let mut signal = None;
    let ended = loop {
        tokio::select! {
            biased;
            number = signals.next() => {
                let again = signal.replace(number).is_some();
                stop(door, again, out).await?;
            }
            event = events.recv() => match event {
                Ok(Event::RunEnded { run: record }) if record.run == run => break *record,
                Ok(Event::Notice { text, .. }) => out.note(Role::Warn, &super::text::clean(&text)),
                Ok(_) => {}
                // Facts were lost, the run's end perhaps among them: the store knows.
                Err(RecvError::Lagged(_)) => {
                    if let Some(record) = ended(door, run).await? {
                        break record;
                    }
                }
                Err(RecvError::Closed) => match ended(door, run).await? {
                    Some(record) => break record,
                    None => return Err(Failure::store("the engine stopped in the middle of the run; the next run recovers it")),
                },
            },
            changed = status.changed() => {
                if changed.is_ok() {
                    let now = status.borrow_and_update().clone();
                    shown.update(&now, out);
                }
            }
        }
    };
    shown.update(&status.borrow().clone(), out);
    shown.finish();
    Ok(Some(Followed { run: ended, signal }))
}

/// Starts a preview and waits until it can be read.
///
/// # Errors
/// Where it could not be made, or a signal ended it.
pub async fn preview(
    door: &dyn Door,
    request: Request,
    signals: &mut Signals,
    out: &mut Output,
) -> Result<crate::service::messages::Preview, Failure> {
    ready(door, request, signals, out).await?;
    match door.ask(Request::Preview).await? {
        Reply::Preview(Some(preview)) => Ok(*preview),
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(unexpected("the preview")),
    }
}

/// Starts the forecast of an undo and waits until it can be read.
///
/// # Errors
/// As `preview`.
pub async fn undo_forecast(
    door: &dyn Door,
    run: RunId,
    signals: &mut Signals,
    out: &mut Output,
) -> Result<UndoForecast, Failure> {
    ready(door, Request::ForecastUndo { run }, signals, out).await?;
    match door.ask(Request::UndoForecast).await? {
        Reply::UndoForecast(Some(forecast)) => Ok(*forecast),
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(unexpected("the forecast")),
    }
}

/// Starts what is only computed and waits until it can be read.
async fn ready(
    door: &dyn Door,
    request: Request,
    signals: &mut Signals,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut events = door.events();
    match door.ask(request).await? {
        Reply::Started { .. } => {}
        Reply::Refused(refusal) => return Err(refusal.into()),
        _ => return Err(unexpected("start a preview")),
    }
    let mut status = door.status();
    let mut shown = Shown::new(out);
    let refused: Option<Refusal> = loop {
        tokio::select! {
            biased;
            number = signals.next() => {
                let _ = door.ask(Request::StopNow { run: None }).await?;
                shown.finish();
                return Err(Failure {
                    exit: Exit::Signal(number),
                    message: "stopped; a preview writes nothing".into(),
                });
            }
            event = events.recv() => match event {
                Ok(Event::PreviewReady) => break None,
                Ok(Event::PreviewFailed { refusal }) => break Some(refusal),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => {
                    if status.borrow().run.is_none() {
                        break None;
                    }
                }
                Err(RecvError::Closed) => return Err(crate::service::ServiceGone.into()),
            },
            changed = status.changed() => {
                if changed.is_ok() {
                    let now = status.borrow_and_update().clone();
                    shown.update(&now, out);
                }
            }
        }
    };
    shown.finish();
    match refused {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// The run, once it is over or waits for a confirm.
async fn ended(door: &dyn Door, run: RunId) -> Result<Option<RunRecord>, Failure> {
    match door.ask(Request::Run { run }).await? {
        Reply::Run(record) => {
            let ended = record.state.is_over() || record.state == RunState::AwaitingConfirm;
            Ok(ended.then_some(*record))
        }
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(unexpected("the run")),
    }
}

/// The first signal stops after the batch, the next at once.
async fn stop(door: &dyn Door, again: bool, out: &mut Output) -> Result<(), Failure> {
    if again {
        out.note(
            Role::Warn,
            "stopping now; what was under way is looked up by the next run",
        );
        door.ask(Request::StopNow { run: None }).await?;
    } else {
        out.note(Role::Warn, "stopping after this batch; once more stops now");
        door.ask(Request::Stop { run: None }).await?;
    }
    Ok(())
}

/// The exit status of a run that ended.
pub fn status(followed: &Followed) -> Exit {
    if let Some(number) = followed.signal {
        return Exit::Signal(number);
    }
    match followed.run.state {
        RunState::Done => Exit::Well,
        RunState::DoneWithErrors | RunState::Cancelled | RunState::Running => Exit::Findings,
        // A run that ends so while it is watched: the store failed under it.
        RunState::Crashed => Exit::Store,
        RunState::AwaitingConfirm => Exit::Valve,
        RunState::Halted if stopped_by(&followed.run, ValveHit::MAPPING_REFUSED) => Exit::Usage,
        RunState::Halted if stopped_by(&followed.run, ValveHit::DISK) => Exit::Store,
        // Without a valve it was a vendor or its budget.
        RunState::Halted if followed.run.valves.is_empty() => Exit::Vendor,
        RunState::Halted => Exit::Valve,
    }
}

/// True where a valve of that name is among those that stopped it.
fn stopped_by(run: &RunRecord, valve: &str) -> bool {
    run.valves.iter().any(|hit| hit.valve == valve)
}
