//! The caller's end: send a request, get its reply; watch progress; hear events. Cheap to clone.

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::messages::{Event, Reply, Request, Status};

/// The service has ended; nothing answers any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine has stopped; start Syncline again")]
pub struct ServiceGone;

/// A request with the place its reply goes to.
pub(crate) struct Envelope {
    pub(crate) request: Request,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// The caller's end.
#[derive(Clone)]
pub struct Client {
    requests: mpsc::Sender<Envelope>,
    status: watch::Receiver<Status>,
    events: broadcast::Sender<Event>,
}

impl Client {
    /// A client over the channels of a service (also how tests stand in for one).
    pub(crate) fn new(
        requests: mpsc::Sender<Envelope>,
        status: watch::Receiver<Status>,
        events: broadcast::Sender<Event>,
    ) -> Self {
        Client {
            requests,
            status,
            events,
        }
    }

    /// Sends a request and waits for its reply. Long work (a run) is started by the request and goes on behind it;
    /// its progress is in the status.
    pub async fn ask(&self, request: Request) -> Result<Reply, ServiceGone> {
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(Envelope { request, reply })
            .await
            .map_err(|_| ServiceGone)?;
        answer.await.map_err(|_| ServiceGone)
    }

    /// The newest status; changes at most a few times a second.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Discrete facts from now on. A slow listener loses the oldest and is told how many.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}
