//! Connections that can be cut from the inside: the listener hands out lines, and a handler that holds a line's
//! [`Cut`] ends it without an answer.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Ends one connection.
#[derive(Clone, Debug)]
pub(super) struct Cut(CancellationToken);

impl Cut {
    /// The connection is closed at once; nothing more is read or written.
    pub(super) fn now(&self) {
        self.0.cancel();
    }
}

/// Accepts lines until `all` is cancelled.
pub(super) struct Exchangeboard {
    pub(super) listener: TcpListener,
    /// Cancelling it cuts every line.
    pub(super) all: CancellationToken,
}

impl Listener for Exchangeboard {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Small answers on a keep-alive connection must not wait for the peer's acknowledgement.
                    let _ = stream.set_nodelay(true);
                    let token = self.all.child_token();
                    let ended = Box::pin(token.clone().cancelled_owned());
                    let line = Line {
                        stream,
                        token,
                        ended,
                    };
                    return (line, address);
                }
                // Out of file descriptors, say: the next attempt may succeed.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
pub(super) struct Line {
    stream: TcpStream,
    token: CancellationToken,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Connected<IncomingStream<'_, Exchangeboard>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Exchangeboard>) -> Self {
        Cut(stream.io().token.clone())
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut by the sandbox")
}

impl Line {
    /// Whether the line is cut; wakes the task when that happens.
    fn cut(&mut self, context: &mut Context<'_>) -> bool {
        self.token.is_cancelled() || self.ended.as_mut().poll(context).is_ready()
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut(context) {
            return Poll::Ready(Err(gone()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.token.is_cancelled() {
            return Poll::Ready(Err(gone()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
