//! The signals that concern a terminal program, as messages; and stopping for Ctrl-Z.

use std::io;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGSTOP, SIGTERM, SIGTSTP};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Leave; its number goes into the exit status.
    Leave(i32),
    /// Give the terminal back and stop.
    Suspend,
    /// We were stopped and go on: the terminal has to be taken again.
    Continued,
}

/// Listens until the token is cancelled.
pub fn listen(token: CancellationToken) -> io::Result<mpsc::Receiver<Signal>> {
    let mut hangup = signal(SignalKind::from_raw(SIGHUP))?;
    let mut terminate = signal(SignalKind::from_raw(SIGTERM))?;
    let mut quit = signal(SignalKind::from_raw(SIGQUIT))?;
    let mut interrupt = signal(SignalKind::from_raw(SIGINT))?;
    let mut stop = signal(SignalKind::from_raw(SIGTSTP))?;
    let mut go_on = signal(SignalKind::from_raw(SIGCONT))?;
    let (sender, receiver) = mpsc::channel(8);
    tokio::spawn(async move {
        loop {
            let heard = tokio::select! {
                () = token.cancelled() => break,
                heard = hangup.recv() => heard.map(|()| Signal::Leave(SIGHUP)),
                heard = terminate.recv() => heard.map(|()| Signal::Leave(SIGTERM)),
                heard = quit.recv() => heard.map(|()| Signal::Leave(SIGQUIT)),
                heard = interrupt.recv() => heard.map(|()| Signal::Leave(SIGINT)),
                heard = stop.recv() => heard.map(|()| Signal::Suspend),
                heard = go_on.recv() => heard.map(|()| Signal::Continued),
            };
            match heard {
                Some(heard) if sender.send(heard).await.is_ok() => {}
                _ => break,
            }
        }
    });
    Ok(receiver)
}

/// Stops this process until it is continued. The terminal must have been given back.
pub fn stop() {
    let _ = signal_hook::low_level::raise(SIGSTOP);
}
