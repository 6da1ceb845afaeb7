//! What somebody may do to a resource behind the controller's back: one way for each field of each kind, and one
//! to make it disappear. A kind's file lists its ways; the tests that walk them do the rest.

mod bucket;
mod flow_log;
mod iam_policy;
mod iam_role;
pub mod identity;
mod kms_key;
mod lifecycle_config;
mod log_group;
pub mod network;
mod notebook;
mod parameter;
mod resource_group;
pub mod rounds;
mod route_table;
mod security_group;
mod security_group_rules;
mod subnet;
mod vpc;
mod vpc_endpoint;

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
    recognised().chain(identity::TAMPERS)
}

/// The ways after which the tags still tell whose the resource is, also to a process that never saw it before.
pub fn recognised() -> impl Iterator<Item = &'static Tamper> {
    let kinds = [
        bucket::TAMPERS,
        flow_log::TAMPERS,
        iam_policy::TAMPERS,
        iam_role::TAMPERS,
        kms_key::TAMPERS,
        lifecycle_config::TAMPERS,
        log_group::TAMPERS,
        notebook::TAMPERS,
        parameter::TAMPERS,
        resource_group::TAMPERS,
        route_table::TAMPERS,
        security_group::TAMPERS,
        security_group_rules::TAMPERS,
        subnet::TAMPERS,
        vpc::TAMPERS,
        vpc_endpoint::TAMPERS,
    ];
    kinds.into_iter().flatten()
}

/// Takes the project's tag from a resource of EC2.
async fn untag(target: &Target<'_>) -> Result<()> {
    let tag = aws_sdk_ec2::types::Tag::builder().key("ProjectName").build();
    target
        .aws
        .ec2
        .delete_tags()
        .resources(&target.object.id)
        .tags(tag)
        .send()
        .await?;
    Ok(())
}
