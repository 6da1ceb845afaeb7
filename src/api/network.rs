use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The private network of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Network {
    /// The addresses of the VPC: /16 to /24. Cannot be changed.
    #[schemars(with = "String")]
    pub vpc_cidr: Ipv4Net,
    /// The addresses of the private subnets, one for each availability zone; two or three, inside the VPC's. When
    /// absent, three are cut from the VPC's.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnet_cidrs: Vec<Ipv4Net>,
    /// How many days the VPC flow logs are kept.
    pub flow_log_retention_days: i32,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            vpc_cidr: Ipv4Net::new_assert([10, 2, 0, 0].into(), 16),
            subnet_cidrs: Vec::new(),
            flow_log_retention_days: 365,
        }
    }
}

/// The VPC endpoints of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Endpoints {
    /// Which endpoints there are.
    pub set: EndpointSet,
    /// More services that can be reached, by the last part of their names: `secretsmanager`, `bedrock-runtime`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional: Vec<String>,
}

/// A set of VPC endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EndpointSet {
    /// S3, SageMaker (API, runtime, notebook), STS, CloudWatch (logs, metrics), KMS and SSM.
    Minimal,
    /// Those, and ECR and EC2.
    #[default]
    Standard,
}
