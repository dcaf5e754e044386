//! Error answers in the vendor's shapes (`docs/vendor/hubspot.md` 10).

use std::ops::{Deref, DerefMut};

use serde_json::{Map, Value, json};

use crate::sandbox::http::Response;

/// An error answer before it gets its correlation id; boxed, for it is the rare case of every result.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault(Box<Parts>);

impl Deref for Fault {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl DerefMut for Fault {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0
    }
}

/// The parts of an error answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub status: u16,
    pub message: String,
    pub category: Option<&'static str>,
    pub sub_category: Option<&'static str>,
    pub errors: Vec<Value>,
    pub context: Map<String, Value>,
    /// Further keys of the body (`links`, `policyName` …).
    pub extra: Map<String, Value>,
    pub headers: Vec<(String, String)>,
}

impl Fault {
    /// An error with a category.
    pub(super) fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        let mut fault = Fault::bare(status, message);
        fault.category = Some(category);
        fault
    }

    /// An error without one.
    pub(super) fn bare(status: u16, message: impl Into<String>) -> Self {
        let message = message.into();
        Fault(Box::new(Parts {
            status,
            message,
            ..Parts::default()
        }))
    }

    /// 400 VALIDATION_ERROR.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Fault::new(400, "VALIDATION_ERROR", message)
    }

    /// The 404 of an id that is not there (3.29).
    pub(super) fn not_found() -> Self {
        Fault::bare(404, "resource not found")
    }

    /// The same with one more context list.
    pub(super) fn with_context(mut self, key: &str, values: &[String]) -> Self {
        self.context.insert(key.into(), json!(values));
        self
    }

    /// The same with one more key in the body.
    pub(super) fn with(mut self, key: &str, value: Value) -> Self {
        self.extra.insert(key.into(), value);
        self
    }

    /// The same with a sub-category.
    pub(super) fn sub(mut self, sub_category: &'static str) -> Self {
        self.sub_category = Some(sub_category);
        self
    }

    /// The answer.
    pub(super) fn response(&self, correlation: &str) -> Response {
        let mut body = Map::new();
        body.insert("status".into(), json!("error"));
        body.insert("message".into(), json!(self.message));
        body.insert("correlationId".into(), json!(correlation));
        if !self.context.is_empty() {
            body.insert("context".into(), Value::Object(self.context.clone()));
        }
        if !self.errors.is_empty() {
            body.insert("errors".into(), json!(self.errors));
        }
        body.extend(self.extra.clone());
        if let Some(category) = self.category {
            body.insert("category".into(), json!(category));
        }
        if let Some(sub) = self.sub_category {
            body.insert("subCategory".into(), json!(sub));
        }
        let mut response = Response::json(self.status, &Value::Object(body));
        response.headers.extend(self.headers.clone());
        response
    }

    /// The entry of a batch answer's `errors` for one input.
    pub(super) fn entry(&self, trace: Option<&str>) -> Value {
        let mut body = Map::new();
        body.insert("status".into(), json!("error"));
        if let Some(category) = self.category {
            body.insert("category".into(), json!(category));
        }
        if let Some(sub) = self.sub_category {
            body.insert("subCategory".into(), json!(sub));
        }
        body.insert("message".into(), json!(self.message));
        if !self.errors.is_empty() {
            body.insert("errors".into(), json!(self.errors));
        }
        let mut context = self.context.clone();
        if let Some(trace) = trace {
            context.insert("objectWriteTraceId".into(), json!([trace]));
        }
        if !context.is_empty() {
            body.insert("context".into(), Value::Object(context));
        }
        Value::Object(body)
    }
}

/// What a handler gives.
pub(super) type Answer = Result<Response, Fault>;
