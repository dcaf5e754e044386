//! What the org refuses with: one fault, rendered as the REST array, as a row of a collection, or as a choice of
//! several records (docs/vendor/salesforce.md 4).

use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

use crate::sandbox::http::Response;

/// A refusal with the vendor's own code and words. Boxed, because it travels in every `Result` of the org.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault(Box<Detail>);

/// What a fault says.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// The HTTP status of the same refusal on a single-record call.
    pub status: u16,
    /// The vendor's `errorCode` (`statusCode` in collections).
    pub code: &'static str,
    /// The vendor's message.
    pub message: String,
    /// The fields at fault; `None` leaves the key out of single-record answers.
    pub fields: Option<Vec<String>>,
    /// The `duplicateResut` object of a duplicate rule (the vendor's own misspelling).
    pub duplicate: Option<Value>,
    /// The records of an ambiguous external id, as URIs: the answer is then 300.
    pub choices: Vec<String>,
}

/// Codes whose single-record status is not 400.
const STATUSES: &[(&str, u16)] = &[
    ("INVALID_SESSION_ID", 401),
    ("INVALID_AUTH_HEADER", 401),
    ("REQUEST_LIMIT_EXCEEDED", 403),
    ("NOT_FOUND", 404),
    ("METHOD_NOT_ALLOWED", 405),
    ("UNSUPPORTED_API_VERSION", 410),
    ("PRECONDITION_FAILED", 412),
    ("URI_TOO_LONG", 414),
    ("UNSUPPORTED_MEDIA_TYPE", 415),
];

impl Deref for Fault {
    type Target = Detail;

    fn deref(&self) -> &Detail {
        &self.0
    }
}

impl DerefMut for Fault {
    fn deref_mut(&mut self) -> &mut Detail {
        &mut self.0
    }
}

impl Fault {
    /// A fault with the usual status of its code.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let status = STATUSES
            .iter()
            .find(|(known, _)| *known == code)
            .map_or(400, |(_, status)| *status);
        Fault(Box::new(Detail {
            status,
            code,
            message: message.into(),
            fields: None,
            duplicate: None,
            choices: Vec::new(),
        }))
    }

    /// The same fault with another status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same fault naming fields.
    pub fn fields<I: IntoIterator<Item = S>, S: Into<String>>(mut self, fields: I) -> Self {
        self.fields = Some(fields.into_iter().map(Into::into).collect());
        self
    }

    /// The resource or the record is not there (or not visible).
    pub fn not_found() -> Self {
        Fault::new("NOT_FOUND", "The requested resource does not exist")
    }

    /// The record is in the recycle bin: 404 where the path names it.
    pub fn deleted() -> Self {
        Fault::new("ENTITY_IS_DELETED", "entity is deleted")
            .status(404)
            .fields(Vec::<String>::new())
    }

    /// A body that is not what the resource wants.
    pub fn parse(message: impl Into<String>) -> Self {
        Fault::new("JSON_PARSER_ERROR", message)
    }

    /// The element of a REST error array.
    pub fn element(&self) -> Value {
        let mut element = json!({});
        if let Some(object) = element.as_object_mut() {
            if let Some(duplicate) = &self.duplicate {
                object.insert("duplicateResut".into(), duplicate.clone());
            }
            object.insert("message".into(), json!(self.message));
            object.insert("errorCode".into(), json!(self.code));
            if let Some(fields) = &self.fields {
                object.insert("fields".into(), json!(fields));
            }
        }
        element
    }

    /// The element of `errors` in one row of a collection.
    pub fn row_element(&self) -> Value {
        json!({
            "statusCode": self.code,
            "message": self.message,
            "fields": self.fields.clone().unwrap_or_default(),
        })
    }

    /// The whole HTTP answer.
    pub fn response(&self) -> Response {
        if !self.choices.is_empty() {
            return Response::json(300, &json!(self.choices));
        }
        Response::json(self.status, &json!([self.element()]))
    }
}
