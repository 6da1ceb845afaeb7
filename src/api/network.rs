use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{EachItem, Rule, Rules, with_values};

/// The private network of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = Rules(NETWORK))]
pub struct Network {
    /// The addresses of the VPC: a private IPv4 range, /16 to /24. Cannot be changed.
    #[schemars(with = "String", length(max = 18), transform = Rules(VPC_CIDR))]
    pub vpc_cidr: Ipv4Net,
    /// The addresses of the private subnets, one for each availability zone: two or three, /16 to /27, inside the
    /// VPC's. When absent, as many are cut from the VPC's as there are zones, at most three: `10.2.1.0/24`,
    /// `10.2.2.0/24` and `10.2.3.0/24` of `10.2.0.0/16`. Cannot be changed.
    #[schemars(with = "Vec<String>", length(max = 3), inner(length(max = 18)))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"), transform = Rules(SUBNET_CIDRS), transform = EachItem(SUBNET_CIDR))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnet_cidrs: Vec<Ipv4Net>,
    /// How many days the VPC flow logs are kept: one of the periods that CloudWatch Logs knows.
    #[schemars(extend("enum" = RETENTION_DAYS))]
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

/// How many days CloudWatch Logs can keep events.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
const RETENTION_DAYS: [i32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const NETWORK: &[Rule] = &[
    Rule::new(
        "!has(self.subnetCidrs) || !isCIDR(self.vpcCidr)
         || self.subnetCidrs.all(s, !isCIDR(s) || cidr(self.vpcCidr).containsCIDR(s))",
        "must each lie inside network.vpcCidr",
    )
    .at(".subnetCidrs"),
    Rule::change(
        "(has(self.subnetCidrs) ? self.subnetCidrs : []) == (has(oldSelf.subnetCidrs) ? oldSelf.subnetCidrs : [])",
        "cannot be changed: AWS cannot move a subnet; declare a new project and move the work there",
    )
    .at(".subnetCidrs"),
];

const VPC_CIDR: &[Rule] = &[
    IPV4_RANGE,
    Rule::new(
        "!isCIDR(self) || (cidr(self).prefixLength() >= 16 && cidr(self).prefixLength() <= 24)",
        "must be /16 to /24, such as 10.2.0.0/16",
    ),
    Rule::new(
        "!isCIDR(self) || cidr(self).ip().family() != 4
         || ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].exists(private, cidr(private).containsCIDR(self))",
        "must be private: part of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10",
    ),
    // https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
    Rule::new(
        "!isCIDR(self) || !cidr('172.17.0.0/16').containsCIDR(self)",
        "must not be part of 172.17.0.0/16, which SageMaker notebooks use inside for Docker; take another range",
    ),
    Rule::change(
        "self == oldSelf",
        "cannot be changed: AWS cannot renumber a VPC; declare a new project and move the work there",
    ),
];

const SUBNET_CIDRS: &[Rule] = &[
    Rule::new(
        "size(self) == 0 || size(self) >= 2",
        "must be two or three ranges, one for each availability zone; or leave the field out and they are cut from \
         vpcCidr",
    ),
    Rule::new(
        "!self.all(s, isCIDR(s))
         || self.all(s, self.exists_one(t, cidr(s).containsCIDR(t) || cidr(t).containsCIDR(s)))",
        "must not overlap each other",
    ),
];

const SUBNET_CIDR: &[Rule] = &[
    IPV4_RANGE,
    Rule::new(
        "!isCIDR(self) || (cidr(self).prefixLength() >= 16 && cidr(self).prefixLength() <= 27)",
        "must be /16 to /27: a smaller subnet has no room for the VPC endpoints",
    ),
];

const IPV4_RANGE: Rule = Rule::new(
    "isCIDR(self) && cidr(self).ip().family() == 4 && cidr(self) == cidr(self).masked()",
    "must be an IPv4 range in CIDR form whose address is the first of the range, such as 10.2.0.0/16",
);

/// The VPC endpoints of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = Rules(ENDPOINTS))]
pub struct Endpoints {
    /// Which endpoints there are.
    #[schemars(transform = with_values)]
    pub set: EndpointSet,
    /// More AWS services that can be reached, by the last part of their names: `secretsmanager`, `bedrock-runtime`; at
    /// most 30. Each costs an hourly price for every availability zone.
    #[schemars(length(max = 30), inner(length(max = 60)))]
    #[schemars(extend("x-kubernetes-list-type" = "set"), transform = EachItem(SERVICE))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional: Vec<String>,
}

const ENDPOINTS: &[Rule] = &[
    Rule::new(
        "!has(self.additional) || !self.additional.exists(s,
         s in ['s3', 'sagemaker.api', 'sagemaker.runtime', 'notebook', 'sts', 'logs', 'monitoring', 'kms', 'ssm'])",
        "must not name what every set has: s3, sagemaker.api, sagemaker.runtime, notebook, sts, logs, monitoring, kms, \
         ssm; remove it",
    )
    .at(".additional"),
    Rule::new(
        "!has(self.additional) || self.set != 'Standard' || !self.additional.exists(s,
         s in ['ecr.api', 'ecr.dkr', 'ec2', 'codecommit', 'git-codecommit', 'codeartifact.api',
         'codeartifact.repositories'])",
        "must not name what the set Standard has: ecr.api, ecr.dkr, ec2, codecommit, git-codecommit, \
         codeartifact.api, codeartifact.repositories; remove it",
    )
    .at(".additional"),
];

const SERVICE: &[Rule] = &[Rule::new(
    "self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$')",
    "must be the last part of a service's name: secretsmanager for com.amazonaws.us-east-1.secretsmanager",
)];

/// A set of VPC endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EndpointSet {
    /// S3, SageMaker (API, runtime, notebook), STS, CloudWatch (logs, metrics), KMS and SSM.
    Minimal,
    /// Those, and ECR, EC2, CodeCommit and CodeArtifact, where the region offers them.
    #[default]
    Standard,
}
