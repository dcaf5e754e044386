//! The wire of a history: it takes its time, may be where the process dies, and may find that the operator stops the run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use syncline::clock::BoxFuture;
use syncline::crm::{HttpRequest, HttpResponse, Transport, TransportError};
use syncline::engine::ControlHandle;

use crate::support::InProcess;
use crate::support::mortal::Doom;
use crate::weak::{self, Weakness};

/// Stops the run at a request.
#[derive(Default)]
pub struct Stop(Mutex<Option<(u32, ControlHandle)>>);

impl Stop {
    pub fn arm(&self, at: Option<(u32, ControlHandle)>) {
        *self.0.lock().unwrap() = at;
    }

    fn count(&self) {
        if let Some((left, handle)) = self.0.lock().unwrap().as_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                handle.stop();
            }
        }
    }
}

/// The wire.
pub struct Wire {
    pub below: InProcess,
    pub doom: Arc<Doom>,
    pub stop: Arc<Stop>,
    pub weakness: Option<Weakness>,
}

/// How long a request takes, and its answer. Nothing reaches the other end at once.
const WAY: Duration = Duration::from_millis(30);

impl Transport for Wire {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            self.doom.cross().await;
            self.stop.count();
            tokio::time::sleep(WAY).await;
            if self.weakness == Some(Weakness::SwallowedWrites)
                && let Some(answer) = weak::swallowed(&request)
            {
                return Ok(answer);
            }
            let mut answer = self.below.send(request).await;
            if let Ok(answer) = &mut answer {
                if self.weakness == Some(Weakness::UntoldMerges) {
                    weak::untold(answer);
                }
                // As every real server does; the engine knows the vendor's time by it.
                let date = self.below.clock.now().to_rfc2822();
                answer.headers.push(("date".to_owned(), date));
            }
            tokio::time::sleep(WAY).await;
            self.doom.cross().await;
            answer
        })
    }
}
