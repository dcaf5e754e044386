//! What a side must be able to do, and the two clients that do it. Knows nothing of engine, store or terminal.

mod error;
mod meter;
mod side;
mod transport;

pub use error::{CrmError, ErrorClass};
pub use meter::{Meter, Purpose, SideHealth};
pub use side::{
    Allowance, Crm, FieldVersion, Found, Identity, Page, Person, SafeNow, Window, WriteItem,
    WriteKind, WriteRequest, WriteResult,
};
pub use transport::{HttpRequest, HttpResponse, Transport, TransportError};
