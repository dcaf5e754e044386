//! Signals that ask to stop, as numbers for the exit status 128 + n.

use super::exit::{Exit, Failure};

/// Waits for SIGINT, SIGTERM and SIGHUP. Only verbs that have something to bring to an end listen; for the others the
/// system's own ending is right.
pub struct Signals {
    #[cfg(unix)]
    streams: [(u8, tokio::signal::unix::Signal); 3],
}

impl Signals {
    /// Starts listening. Must be called inside the runtime.
    ///
    /// # Errors
    /// Where the system refuses.
    #[cfg(unix)]
    pub fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{Signal, SignalKind, signal};
        let stream = |kind: SignalKind| -> Result<Signal, Failure> {
            signal(kind)
                .map_err(|error| Failure::store(format!("signals cannot be heard: {error}")))
        };
        Ok(Signals {
            streams: [
                (2, stream(SignalKind::interrupt())?),
                (15, stream(SignalKind::terminate())?),
                (1, stream(SignalKind::hangup())?),
            ],
        })
    }

    /// Starts listening.
    ///
    /// # Errors
    /// Never here.
    #[cfg(not(unix))]
    pub fn listen() -> Result<Self, Failure> {
        Ok(Signals {})
    }

    /// The next signal's number.
    pub async fn next(&mut self) -> u8 {
        #[cfg(unix)]
        {
            let [(first, one), (second, two), (third, three)] = &mut self.streams;
            tokio::select! {
                Some(()) = one.recv() => *first,
                Some(()) = two.recv() => *second,
                Some(()) = three.recv() => *third,
                else => std::future::pending().await,
            }
        }
        #[cfg(not(unix))]
        match tokio::signal::ctrl_c().await {
            Ok(()) => 2,
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits for `work`, or for a signal, which ends it.
    ///
    /// # Errors
    /// The work's own, or the signal.
    pub async fn or<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            done = work => done,
            number = self.next() => Err(Failure {
                exit: Exit::Signal(number),
                message: "stopped".to_owned(),
            }),
        }
    }
}
