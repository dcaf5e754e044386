//! The store's one thread: takes requests from a channel, talks to the disk, answers. Commits that wait at the same time share one
//! sync (docs/design/sync-semantics.md 22 rules 2 and 4).

use std::sync::mpsc::{Receiver, TryRecvError};

use tokio::sync::oneshot;

use super::disk::Disk;
use super::{Batch, Entry, Key, Range, StoreError};

/// Where an answer goes. Nobody may be waiting any more; that is no error.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the thread is asked.
pub(super) enum Request {
    /// Values.
    Get(Vec<Key>, Reply<Vec<Option<Vec<u8>>>>),
    /// A range.
    Range(Range, Reply<Vec<Entry>>),
    /// A batch, not yet durable.
    Apply(Batch, Reply<()>),
    /// A batch, durable with everything before it.
    Commit(Batch, Reply<()>),
    /// The check of everything.
    Verify(Reply<()>),
    /// The end.
    Close(Reply<()>),
}

/// So many commits share one sync at most, which bounds how long the first of them waits.
const GROUP: usize = 32;

/// Serves until `Close` comes, or until nobody can ask any more; closes the disk in order either way.
pub(super) fn serve(mut disk: Disk, requests: &Receiver<Request>) {
    let asked_to_close = answer_all(&mut disk, requests);
    let closed = disk.close();
    drop(disk);
    match (asked_to_close, closed) {
        (Some(reply), closed) => {
            let _ = reply.send(closed);
        }
        (None, Err(error)) => tracing::error!(%error, "the store did not close in order"),
        (None, Ok(())) => {}
    }
}

/// Answers requests until the end; gives the one who asked for it.
fn answer_all(disk: &mut Disk, requests: &Receiver<Request>) -> Option<Reply<()>> {
    let mut waiting: Vec<Reply<()>> = Vec::new();
    loop {
        let request = match requests.try_recv() {
            Ok(request) => request,
            Err(_) if !waiting.is_empty() => {
                settle(disk, &mut waiting);
                continue;
            }
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => match requests.recv() {
                Ok(request) => request,
                Err(_) => return None,
            },
        };
        match request {
            Request::Get(keys, reply) => {
                let _ = reply.send(disk.get_many(&keys));
            }
            Request::Range(range, reply) => {
                let _ = reply.send(disk.range(&range));
            }
            Request::Apply(batch, reply) => {
                let _ = reply.send(disk.write(batch));
            }
            Request::Commit(batch, reply) => {
                let written = if batch.is_empty() {
                    Ok(())
                } else {
                    disk.write(batch)
                };
                match written {
                    Ok(()) => waiting.push(reply),
                    Err(error) => {
                        let _ = reply.send(Err(error));
                    }
                }
                if waiting.len() >= GROUP {
                    settle(disk, &mut waiting);
                }
            }
            Request::Verify(reply) => {
                let _ = reply.send(disk.verify());
            }
            Request::Close(reply) => {
                settle(disk, &mut waiting);
                return Some(reply);
            }
        }
    }
}

/// One sync for all that wait.
fn settle(disk: &mut Disk, waiting: &mut Vec<Reply<()>>) {
    if waiting.is_empty() {
        return;
    }
    let synced = disk.sync();
    for reply in waiting.drain(..) {
        let _ = reply.send(synced.clone());
    }
}
