//! Contract tests of the portal, in process.
