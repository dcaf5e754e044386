//! What a side must be able to do, and the two clients that do it. Knows nothing of engine, store or terminal.

mod auth;
mod call;
mod codes;
mod error;
mod excerpt;
mod gate;
mod health;
mod host;
mod http;
pub mod hubspot;
mod meter;
mod real_transport;
mod retry;
pub mod salesforce;
mod side;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
mod transport;
pub mod wire;

pub use codes::{CodeRow, class_of, next_step};
pub use error::{CrmError, ErrorClass};
pub use excerpt::excerpt;
pub use host::{HostError, check_host};
pub use hubspot::{HubspotAuth, HubspotClient, HubspotSettings};
pub use meter::{Meter, Purpose, SideHealth};
pub use real_transport::{RealTransport, TransportSetupError};
pub use salesforce::{SalesforceAuth, SalesforceClient, SalesforceSettings};
pub use side::{
    Allowance, Crm, FieldVersion, Found, Identity, Page, Person, SafeNow, Window, WriteItem,
    WriteKind, WriteRequest, WriteResult,
};
pub use transport::{HttpRequest, HttpResponse, Transport, TransportError};
