//! A wire of the test's own between the engine and the vendors: something happens at a request, or it goes dead there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use syncline::clock::BoxFuture;
use syncline::crm::{HttpRequest, HttpResponse, Transport, TransportError};
use syncline::engine::Engine;

use super::{House, InProcess, clients_over};

/// A run whose requests are counted; the wish is uttered at the n-th.
pub struct Counting {
    inner: Arc<dyn Transport>,
    pub sent: AtomicU64,
    at: u64,
    what: Box<dyn Fn() + Send + Sync>,
    mute: bool,
}

impl Transport for Counting {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let number = self.sent.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.at {
            (self.what)();
        }
        if self.mute && number >= self.at {
            // Two of three requests that a crash cuts off arrive all the same.
            if number == self.at && !number.is_multiple_of(3) {
                return Box::pin(async move {
                    let _ = self.inner.send(request).await;
                    std::future::pending().await
                });
            }
            return Box::pin(std::future::pending());
        }
        Box::pin(async move {
            // What the wish has others do is done before the request goes out.
            tokio::task::yield_now().await;
            self.inner.send(request).await
        })
    }
}

/// The engine of a house over a wire that is counted; from the request on that dies it is dead where `mute` is set.
pub async fn wired(
    house: &House,
    at: u64,
    mute: bool,
    what: Box<dyn Fn() + Send + Sync>,
) -> (Engine, Arc<Counting>) {
    let inner = Arc::new(InProcess {
        sandbox: house.sandbox.clone(),
        clock: house.clock.clone(),
    });
    let wire = Arc::new(Counting {
        inner,
        sent: AtomicU64::new(0),
        at,
        what,
        mute,
    });
    let mut engine = house.engine().await;
    engine.crm = clients_over(&house.sandbox, &house.clock, wire.clone());
    (engine, wire)
}
