//! What somebody may do to a resource behind the controller's back: one way for each field of each kind, and one
//! to make it disappear. A kind's file lists its ways; the tests that walk them do the rest.

pub mod rounds;
mod vpc;

use std::collections::BTreeMap;

use anyhow::Result;
use futures::future::BoxFuture;
use secureml::aws::Aws;
use secureml::plan::Object;

/// The resource that is tampered with, and what stands around it.
pub struct Target<'a> {
    /// Clients that the proxy does not see.
    pub aws: &'a Aws,
    /// The resource, as the inventory sees it.
    pub object: &'a Object,
    /// Every resource of the project, by `Kind/name`.
    pub others: &'a BTreeMap<String, Object>,
}

/// One way to tamper with a resource.
pub struct Tamper {
    /// The kind of resource.
    pub kind: &'static str,
    /// The field of its attributes that is different afterwards, or [`GONE`].
    pub field: &'static str,
    /// Does it.
    pub act: for<'a> fn(&'a Target<'a>) -> BoxFuture<'a, Result<()>>,
}

/// The resource is not there afterwards.
pub const GONE: &str = "";

/// Every way. A field of a kind that is not here fails a test.
pub fn all() -> impl Iterator<Item = &'static Tamper> {
    [vpc::TAMPERS].into_iter().flatten()
}
