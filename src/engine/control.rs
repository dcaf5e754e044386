//! Hold, go on, stop after the batch, stop now: asked for by a person, heeded at batch borders (15.4).

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::context::EngineError;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wish {
    #[default]
    Go,
    Hold,
    Stop,
}

/// The engine's end.
#[derive(Clone)]
pub struct Control {
    wish: watch::Receiver<Wish>,
    held: Arc<watch::Sender<bool>>,
    now: CancellationToken,
    _keep: Arc<watch::Sender<Wish>>,
}

/// The person's end.
#[derive(Clone)]
pub struct ControlHandle {
    wish: Arc<watch::Sender<Wish>>,
    held: watch::Receiver<bool>,
    now: CancellationToken,
}

impl Control {
    /// A fresh pair for one run.
    pub fn new() -> (Control, ControlHandle) {
        let (sender, receiver) = watch::channel(Wish::Go);
        let (held_sender, held) = watch::channel(false);
        let sender = Arc::new(sender);
        let now = CancellationToken::new();
        let control = Control {
            wish: receiver,
            held: Arc::new(held_sender),
            now: now.clone(),
            _keep: sender.clone(),
        };
        (
            control,
            ControlHandle {
                wish: sender,
                held,
                now,
            },
        )
    }

    /// Between two batches: waits while held, fails when a stop was asked for.
    pub async fn border(&self) -> Result<(), EngineError> {
        let mut wish = self.wish.clone();
        loop {
            let current = *wish.borrow_and_update();
            match current {
                Wish::Go => {
                    self.held.send_replace(false);
                    return Ok(());
                }
                Wish::Stop => return Err(EngineError::Stopped),
                Wish::Hold => {
                    self.held.send_replace(true);
                    if wish.changed().await.is_err() {
                        return Err(EngineError::Stopped);
                    }
                }
            }
        }
    }

    /// Resolves when a person wants the run to end now, in-flight requests or not.
    pub async fn stopped_now(&self) {
        self.now.cancelled().await;
    }
}

impl ControlHandle {
    /// Finish the batch, then wait.
    pub fn hold(&self) {
        self.wish.send_if_modified(|wish| {
            let change = *wish == Wish::Go;
            if change {
                *wish = Wish::Hold;
            }
            change
        });
    }

    /// Go on.
    pub fn go_on(&self) {
        self.wish.send_if_modified(|wish| {
            let change = *wish == Wish::Hold;
            if change {
                *wish = Wish::Go;
            }
            change
        });
    }

    /// Stop after the batch.
    pub fn stop(&self) {
        self.wish.send_replace(Wish::Stop);
    }

    /// Stop now.
    pub fn stop_now(&self) {
        self.stop();
        self.now.cancel();
    }

    /// (hold or stop asked for, really held).
    pub fn state(&self) -> (bool, bool, bool) {
        let wish = *self.wish.borrow();
        (wish == Wish::Hold, *self.held.borrow(), wish == Wish::Stop)
    }
}
