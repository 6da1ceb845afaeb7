//! What the controller has to be allowed, from what the kinds declare: its IAM policy.
//!
//! An IAM action mostly has the name of the operation it allows. Where it has not, where AWS asks for a second action
//! beside the operation's own, and how narrowly each action can be bounded by tag or name, is in the tables here.
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use std::collections::{BTreeMap, BTreeSet};

use crate::model::OWNER_TAG;
use crate::policy::{Document, Statement};

/// Operations whose IAM action is called otherwise.
const RENAMED: &[(&str, &str)] = &[
    ("s3:DeleteBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3:DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
    ("s3:DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
    ("s3:DeleteBucketTagging", "s3:PutBucketTagging"),
    ("s3:DeleteObjects", "s3:DeleteObject"),
    ("s3:DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    ("s3:GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    ("s3:GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
    ("s3:GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("s3:HeadBucket", "s3:ListBucket"),
    ("s3:ListBuckets", "s3:ListAllMyBuckets"),
    ("s3:ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("s3:ListObjectVersions", "s3:ListBucketVersions"),
    ("s3:ListObjectsV2", "s3:ListBucket"),
    ("s3:PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3:PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
    ("s3:PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
];

/// Actions that AWS asks for beside an operation's own, as we call it: with tags, roles and keys.
const BESIDE: &[(&str, &str)] = &[
    ("ec2:CreateFlowLogs", "ec2:CreateTags"),
    ("ec2:CreateFlowLogs", "iam:PassRole"),
    ("ec2:CreateRouteTable", "ec2:CreateTags"),
    ("ec2:CreateSecurityGroup", "ec2:CreateTags"),
    ("ec2:CreateSubnet", "ec2:CreateTags"),
    ("ec2:CreateVpc", "ec2:CreateTags"),
    ("ec2:CreateVpcEndpoint", "ec2:CreateTags"),
    ("ec2:CreateVpcEndpoint", "route53:AssociateVPCWithHostedZone"),
    ("iam:CreatePolicy", "iam:TagPolicy"),
    ("iam:CreateRole", "iam:TagRole"),
    ("kms:CreateKey", "kms:TagResource"),
    ("logs:CreateLogGroup", "logs:TagResource"),
    ("resource-groups:CreateGroup", "resource-groups:Tag"),
    ("s3:CreateBucket", "s3:PutBucketOwnershipControls"),
    ("s3:CreateBucket", "s3:TagResource"),
    ("sagemaker:CreateNotebookInstance", "ec2:CreateNetworkInterface"),
    ("sagemaker:CreateNotebookInstance", "iam:PassRole"),
    ("sagemaker:CreateNotebookInstance", "kms:CreateGrant"),
    ("sagemaker:CreateNotebookInstance", "sagemaker:AddTags"),
    ("ssm:PutParameter", "ssm:AddTagsToResource"),
];

/// The IAM action that the operation `operation`, such as `s3:ListBuckets`, needs.
pub fn action(operation: &str) -> &str {
    let renamed = RENAMED.iter().find(|(from, _)| *from == operation);
    renamed.map_or(operation, |(_, to)| to)
}

/// The actions that AWS asks for beside that of `operation`, as we call it.
pub fn beside(operation: &str) -> impl Iterator<Item = &'static str> {
    let rows = BESIDE.iter().filter(move |(asking, _)| *asking == operation);
    rows.map(|(_, action)| *action)
}

/// What an action may be done to. The texts are ARNs without `arn:aws:`, in which `{installation}` stands for its name;
/// `*` is everything.
enum On {
    /// Anything: what only reads, and what AWS cannot bound.
    All(&'static [&'static str]),
    /// What is born with our owner tag.
    New(&'static [&'static str]),
    /// Tags that a create call gives, our owner tag among them.
    Birth(&'static [&'static str]),
    /// What carries our owner tag.
    Ours(&'static [&'static str]),
    /// With a condition of the service's own: operator, key, value.
    When(
        &'static [&'static str],
        (&'static str, &'static str, &'static [&'static str]),
    ),
}

use On::{All, Birth, New, Ours, When};

const ANY: &[&str] = &["*"];
const EC2: &[&str] = &["ec2:*:*:*/*"];
const VPC: &[&str] = &["ec2:*:*:vpc/*"];
const GROUP: &[&str] = &["ec2:*:*:security-group/*"];
const SUBNET: &[&str] = &["ec2:*:*:subnet/*"];
const ROUTE_TABLE: &[&str] = &["ec2:*:*:route-table/*"];
const ENDPOINT: &[&str] = &["ec2:*:*:vpc-endpoint/*"];
/// Where an endpoint stands.
const AROUND_ENDPOINT: &[&str] = &[
    "ec2:*:*:route-table/*",
    "ec2:*:*:security-group/*",
    "ec2:*:*:subnet/*",
    "ec2:*:*:vpc/*",
];
const ROLE: &[&str] = &["iam::*:role/ds-*", "iam::*:role/secureml/*/ds-*"];
const POLICY: &[&str] = &["iam::*:policy/secureml/ds-*"];
const KEY: &[&str] = &["kms:*:*:key/*"];
const BUCKET: &[&str] = &["s3:::ds-*"];
const NOTEBOOK: &[&str] = &["sagemaker:*:*:notebook-instance/ds-*"];
/// Those of projects, and the claims on the installation, with the path that they are listed by.
const PARAMETER: &[&str] = &[
    "ssm:*:*:parameter/ds-*",
    "ssm:*:*:parameter/secureml/installations/{installation}*",
];
const BOUNDARY: (&str, &str, &[&str]) = (
    "ArnLike",
    "iam:PermissionsBoundary",
    &["arn:aws:iam::*:policy/secureml/ds-*"],
);
const PASSED: (&str, &str, &[&str]) = (
    "StringEquals",
    "iam:PassedToService",
    &["sagemaker.amazonaws.com", "vpc-flow-logs.amazonaws.com"],
);
const LINKED: (&str, &str, &[&str]) = ("StringEquals", "iam:AWSServiceName", &["sagemaker.amazonaws.com"]);
const FOR_AWS: (&str, &str, &[&str]) = ("Bool", "kms:GrantIsForAWSResource", &["true"]);

/// How narrowly each action is allowed; the first pattern that fits counts. A foreign gateway or the default group of
/// our VPC carries no tag of ours, so what closes those is bounded by kind only.
const BOUNDS: &[(&str, &[On])] = &[
    ("ec2:Describe*", &[All(ANY)]),
    ("ec2:Get*", &[All(ANY)]),
    ("ec2:CreateVpc", &[New(VPC)]),
    ("ec2:CreateSubnet", &[New(SUBNET), Ours(VPC)]),
    ("ec2:CreateRouteTable", &[New(ROUTE_TABLE), Ours(VPC)]),
    ("ec2:CreateSecurityGroup", &[New(GROUP), Ours(VPC)]),
    ("ec2:CreateVpcEndpoint", &[New(ENDPOINT), Ours(AROUND_ENDPOINT)]),
    ("ec2:ModifyVpcEndpoint", &[Ours(ENDPOINT), All(AROUND_ENDPOINT)]),
    ("ec2:CreateFlowLogs", &[New(&["ec2:*:*:vpc-flow-log/*"]), Ours(VPC)]),
    ("ec2:CreateTags", &[Birth(EC2), Ours(EC2)]),
    (
        "ec2:DetachInternetGateway",
        &[All(&["ec2:*:*:internet-gateway/*"]), Ours(VPC)],
    ),
    ("ec2:DetachVpnGateway", &[All(&["ec2:*:*:vpn-gateway/*"]), Ours(VPC)]),
    (
        "ec2:DisableVgwRoutePropagation",
        &[All(&["ec2:*:*:vpn-gateway/*"]), Ours(ROUTE_TABLE)],
    ),
    (
        "ec2:DeleteEgressOnlyInternetGateway",
        &[All(&["ec2:*:*:egress-only-internet-gateway/*"])],
    ),
    ("ec2:DeleteNatGateway", &[All(&["ec2:*:*:natgateway/*"])]),
    (
        "ec2:DeleteVpcPeeringConnection",
        &[All(&["ec2:*:*:vpc-peering-connection/*"])],
    ),
    ("ec2:RevokeSecurityGroup*", &[All(GROUP)]),
    (
        "ec2:CreateNetworkInterface",
        &[
            All(&["ec2:*:*:network-interface/*"]),
            Ours(&["ec2:*:*:security-group/*", "ec2:*:*:subnet/*"]),
        ],
    ),
    ("ec2:AssociateRouteTable", &[Ours(ROUTE_TABLE), Ours(SUBNET)]),
    ("ec2:DisassociateRouteTable", &[All(ROUTE_TABLE), Ours(SUBNET)]),
    ("ec2:ReplaceRouteTableAssociation", &[All(ROUTE_TABLE), Ours(SUBNET)]),
    ("ec2:*", &[Ours(EC2)]),
    ("iam:Get*", &[All(ANY)]),
    ("iam:List*", &[All(ANY)]),
    ("iam:CreateRole", &[When(ROLE, BOUNDARY)]),
    ("iam:PutRolePermissionsBoundary", &[When(ROLE, BOUNDARY)]),
    ("iam:PassRole", &[When(ROLE, PASSED)]),
    ("iam:CreateServiceLinkedRole", &[When(ANY, LINKED)]),
    (
        "iam:RemoveRoleFromInstanceProfile",
        &[All(&["iam::*:instance-profile/*"])],
    ),
    ("iam:TagRole", &[All(ROLE)]),
    ("iam:CreatePolicy", &[New(POLICY)]),
    ("iam:TagPolicy", &[All(POLICY)]),
    ("iam:*PolicyVersion", &[Ours(POLICY)]),
    ("iam:DeletePolicy", &[Ours(POLICY)]),
    ("iam:*", &[Ours(ROLE)]),
    ("kms:Describe*", &[All(ANY)]),
    ("kms:Get*", &[All(ANY)]),
    ("kms:List*", &[All(ANY)]),
    ("kms:CreateKey", &[New(ANY)]),
    ("kms:TagResource", &[New(ANY), Ours(KEY)]),
    ("kms:*Alias", &[Ours(KEY), All(&["kms:*:*:alias/ds-*"])]),
    ("kms:CreateGrant", &[When(KEY, FOR_AWS)]),
    ("kms:*", &[Ours(KEY)]),
    ("logs:Describe*", &[All(ANY)]),
    ("logs:*", &[All(&["logs:*:*:log-group:ds-*"])]),
    ("resource-groups:List*", &[All(ANY)]),
    ("resource-groups:CreateGroup", &[New(ANY)]),
    ("resource-groups:*", &[All(&["resource-groups:*:*:group/ds-*"])]),
    ("route53:AssociateVPCWithHostedZone", &[All(ANY)]),
    ("s3:ListAllMyBuckets", &[All(ANY)]),
    ("s3:*", &[All(BUCKET)]),
    ("sagemaker:Describe*", &[All(ANY)]),
    ("sagemaker:List*", &[All(ANY)]),
    (
        "sagemaker:*LifecycleConfig",
        &[All(&["sagemaker:*:*:notebook-instance-lifecycle-config/ds-*"])],
    ),
    ("sagemaker:AddTags", &[All(&["sagemaker:*:*:notebook-instance*/ds-*"])]),
    ("sagemaker:CreateNotebookInstance", &[New(NOTEBOOK)]),
    ("sagemaker:*", &[Ours(NOTEBOOK)]),
    ("ssm:Describe*", &[All(ANY)]),
    ("ssm:*", &[All(PARAMETER)]),
    ("sts:GetCallerIdentity", &[All(ANY)]),
    ("tag:GetResources", &[All(ANY)]),
];

/// The actions that no row of the table bounds: a mistake in a kind or in the table.
pub fn unbounded<'a>(actions: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    actions.into_iter().filter(|action| bounds(action).is_none()).collect()
}

/// The policy that allows `actions` to the controller of `installation`, which may have `*` in it.
pub fn policy<'a>(actions: impl IntoIterator<Item = &'a str>, installation: &str) -> Document {
    let mut grouped: BTreeMap<Bound, BTreeSet<String>> = BTreeMap::new();
    for action in actions {
        for on in bounds(action).unwrap_or_default() {
            let bound = Bound::new(on, installation);
            grouped.entry(bound).or_default().insert(action.to_owned());
        }
    }
    // Without names, which would take a tenth of the room that an inline policy has.
    let statements = grouped.into_iter().map(|(bound, actions)| {
        let statement = Statement::allow("");
        let statement = statement.actions(actions).resources(bound.resources);
        bound
            .conditions
            .into_iter()
            .fold(statement, |statement, (operator, key, values)| {
                statement.when(operator, &key, values)
            })
    });
    Document::new(statements)
}

/// What adopting takes beside, in the name of `installation`: the first tags on what bears no owner's; and what the
/// controller may do with its own buckets, those of `actions`, with the `buckets` that keep a name of their own.
pub fn adoption<'a>(actions: impl IntoIterator<Item = &'a str>, installation: &str, buckets: &[String]) -> Document {
    let owner = |side: &str| format!("aws:{side}/{OWNER_TAG}");
    let tag = Statement::allow("Adopt")
        .actions(ADOPTING.iter().map(|(action, _)| *action))
        .resources(ADOPTING.iter().map(|(_, arn)| format!("arn:aws:{arn}")))
        .when("StringLike", &owner("RequestTag"), [format!("{installation}/*")])
        .when("Null", &owner("ResourceTag"), ["true"]);
    let on_buckets = actions.into_iter().filter(|action| match bounds(action) {
        Some([All(arns)]) => *arns == BUCKET,
        _ => false,
    });
    let keep = Statement::allow("AdoptedBuckets")
        .actions(on_buckets)
        .resources(buckets.iter().map(|bucket| format!("arn:aws:s3:::{bucket}")));
    Document::new([Some(tag), (!buckets.is_empty()).then_some(keep)].into_iter().flatten())
}

/// The tags that nothing else allows the controller to give: other kinds are bounded by their names.
const ADOPTING: &[(&str, &str)] = &[("ec2:CreateTags", "ec2:*:*:*/*"), ("kms:TagResource", "kms:*:*:key/*")];

fn bounds(action: &str) -> Option<&'static [On]> {
    let fits = |pattern: &str| match pattern.split_once('*') {
        Some((start, end)) => action.len() + 1 >= pattern.len() && action.starts_with(start) && action.ends_with(end),
        None => action == pattern,
    };
    BOUNDS.iter().find(|(pattern, _)| fits(pattern)).map(|(_, on)| *on)
}

/// [`On`], written out: what is equal here shares a statement.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Bound {
    resources: Vec<String>,
    conditions: Vec<(&'static str, String, Vec<String>)>,
}

impl Bound {
    fn new(on: &On, installation: &str) -> Self {
        let owner = format!("{installation}/*");
        let owned = |side: &str| ("StringLike", format!("aws:{side}/{OWNER_TAG}"), vec![owner.clone()]);
        let (arns, conditions) = match on {
            All(arns) => (arns, Vec::new()),
            New(arns) => (arns, vec![owned("RequestTag")]),
            Birth(arns) => {
                let by = ("StringLike", "ec2:CreateAction".to_owned(), vec!["Create*".to_owned()]);
                (arns, vec![by, owned("RequestTag")])
            }
            Ours(arns) => (arns, vec![owned("ResourceTag")]),
            When(arns, (operator, key, values)) => {
                let values = values.iter().map(|value| (*value).to_owned()).collect();
                (arns, vec![(*operator, (*key).to_owned(), values)])
            }
        };
        let arn = |arn: &&str| {
            if *arn == "*" {
                (*arn).to_owned()
            } else {
                format!("arn:aws:{}", arn.replace("{installation}", installation))
            }
        };
        Self {
            resources: arns.iter().map(arn).collect(),
            conditions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_is_bounded_as_narrowly_as_aws_can() {
        let text = policy(["ec2:DescribeVpcs", "ec2:CreateSubnet", "ec2:DeleteVpc"], "prod").to_json();
        let policy: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let statement = |action: &str, resource: &str| {
            let statements = policy["Statement"].as_array().expect("statements");
            let about = |statement: &&serde_json::Value| {
                let holds = |key: &str, value: &str| {
                    statement[key]
                        .as_array()
                        .is_some_and(|all| all.iter().any(|one| one == value))
                };
                holds("Action", action) && holds("Resource", resource)
            };
            let found = statements.iter().find(about);
            found.unwrap_or_else(|| panic!("no {action} on {resource} in {text}"))["Condition"].to_string()
        };
        assert_eq!(statement("ec2:DescribeVpcs", "*"), "null");
        assert_eq!(
            statement("ec2:CreateSubnet", "arn:aws:ec2:*:*:subnet/*"),
            r#"{"StringLike":{"aws:RequestTag/secureml.dev/owner":["prod/*"]}}"#
        );
        assert_eq!(
            statement("ec2:CreateSubnet", "arn:aws:ec2:*:*:vpc/*"),
            r#"{"StringLike":{"aws:ResourceTag/secureml.dev/owner":["prod/*"]}}"#
        );
        assert_eq!(
            statement("ec2:DeleteVpc", "arn:aws:ec2:*:*:*/*"),
            r#"{"StringLike":{"aws:ResourceTag/secureml.dev/owner":["prod/*"]}}"#
        );
    }

    #[test]
    fn adopting_is_giving_tags_to_what_has_no_owner() {
        let buckets = ["theirs".to_owned()];
        let text = adoption(["s3:PutBucketPolicy", "s3:ListAllMyBuckets"], "prod", &buckets).to_json();
        let policy: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let condition = &policy["Statement"][0]["Condition"];
        assert_eq!(
            condition["Null"]["aws:ResourceTag/secureml.dev/owner"],
            serde_json::json!(["true"])
        );
        assert_eq!(
            condition["StringLike"]["aws:RequestTag/secureml.dev/owner"],
            serde_json::json!(["prod/*"])
        );
        let keep = &policy["Statement"][1];
        assert_eq!(keep["Action"], serde_json::json!(["s3:PutBucketPolicy"]));
        assert_eq!(keep["Resource"], serde_json::json!(["arn:aws:s3:::theirs"]));
    }

    #[test]
    fn every_declared_permission_is_an_action_with_bounds() {
        for kind in crate::kinds::KINDS {
            let unbounded = unbounded(kind.permissions().iter().copied());
            assert!(unbounded.is_empty(), "{}: {unbounded:?}", kind.name());
            let operations = kind.permissions().iter().filter(|name| action(name) != **name);
            assert_eq!(operations.collect::<Vec<_>>(), Vec::<&&str>::new(), "{}", kind.name());
        }
    }
}
