use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What the blueprint has to know of the AWS account and region it is drawn for: facts that AWS tells, that no
/// project owns and that hardly ever change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The twelve digits.
    pub id: String,
    /// For example `eu-central-1`.
    pub region: String,
    /// The availability zones open to the account, in the order of their ids.
    pub zones: Vec<Zone>,
    /// The region's managed prefix list of Amazon S3.
    pub s3_prefix_list: String,
    /// The VPC endpoint services that the region offers, by name.
    pub endpoint_services: BTreeMap<String, EndpointService>,
    /// The ARN of the identity that the controller acts as.
    pub caller: String,
}

/// An availability zone. Letters differ between accounts, ids do not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Zone {
    /// For example `use1-az1`.
    pub id: String,
    /// For example `us-east-1a`.
    pub name: String,
}

/// One service that can be reached through a VPC endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointService {
    /// The names of the zones it is offered in.
    pub zones: BTreeSet<String>,
    /// Whether an endpoint of it takes a policy.
    pub takes_policy: bool,
}
