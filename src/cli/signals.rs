//! Signals that ask to stop, as numbers for the exit status 128 + n.

use std::io;

/// Waits for SIGINT, SIGTERM and SIGHUP.
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
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            streams: [
                (2, signal(SignalKind::interrupt())?),
                (15, signal(SignalKind::terminate())?),
                (1, signal(SignalKind::hangup())?),
            ],
        })
    }

    /// Starts listening.
    ///
    /// # Errors
    /// Never here.
    #[cfg(not(unix))]
    pub fn listen() -> io::Result<Self> {
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
}
