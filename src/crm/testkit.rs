//! A scripted transport for the tests of this module: answers in order, keeps what was sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::{HttpRequest, HttpResponse, Transport, TransportError};
use crate::clock::BoxFuture;

type Answer = Box<dyn FnMut(&HttpRequest) -> Result<HttpResponse, TransportError> + Send>;

/// Answers from a script; panics (the test fails) where it is asked more often than the script is long.
#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    pub(crate) sent: Arc<Mutex<Vec<HttpRequest>>>,
}

impl Script {
    pub(crate) fn json(self, status: u16, body: &str) -> Self {
        self.with(status, &[], body)
    }

    pub(crate) fn with(self, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let answer = HttpResponse {
            status,
            headers: headers
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
        };
        self.then(move |_| Ok(answer.clone()))
    }

    pub(crate) fn silence(self) -> Self {
        self.then(|_| {
            Err(TransportError::NoAnswer {
                host: "h".into(),
                why: "reset".into(),
            })
        })
    }

    pub(crate) fn unreachable(self) -> Self {
        self.then(|_| {
            Err(TransportError::Connect {
                host: "h".into(),
                why: "refused".into(),
            })
        })
    }

    pub(crate) fn then(
        self,
        answer: impl FnMut(&HttpRequest) -> Result<HttpResponse, TransportError> + Send + 'static,
    ) -> Self {
        self.answers.lock().unwrap().push_back(Box::new(answer));
        self
    }

    /// `METHOD path?query` of everything sent.
    pub(crate) fn paths(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        sent.iter()
            .map(|request| {
                let path = request.url.splitn(4, '/').nth(3).unwrap_or_default();
                format!("{} /{path}", request.method)
            })
            .collect()
    }

    pub(crate) fn body(&self, place: usize) -> String {
        String::from_utf8(self.sent.lock().unwrap()[place].body.clone()).unwrap()
    }

    pub(crate) fn left(&self) -> usize {
        self.answers.lock().unwrap().len()
    }
}

impl Transport for Script {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            // A real exchange takes time and lets others run.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            self.sent.lock().unwrap().push(request.clone());
            let mut answer = self
                .answers
                .lock()
                .unwrap()
                .pop_front()
                .expect("more calls than answers");
            answer(&request)
        })
    }
}
