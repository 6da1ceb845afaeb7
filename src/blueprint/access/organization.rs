//! The guardrails for a whole organisation: service control policies, which no account can get around, and a resource
//! control policy, which keeps strangers from what the accounts own.
//!
//! They know no project: what must be there is demanded, and what a project owns is known by the tag that says so. They
//! come beside the policies of the projects, not in their place, and are attached by whoever manages the organisation.
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>

use super::guardrails::{AUTO_ML, JOBS, MODEL, NOTEBOOK, SCHEDULES, TRANSFORM};
use super::settings::{Settings, local_disk_types};
use crate::api::Guardrails;
use crate::model::OWNER_TAG;
use crate::policy::sagemaker::{
    DIRECT_INTERNET_ACCESS, ENABLE_REMOTE_DEBUG, INSTANCE_TYPES, INTER_CONTAINER_TRAFFIC_ENCRYPTION,
    MINIMUM_IMDS_VERSION, NETWORK_ISOLATION, OUTPUT_KMS_KEY_ARN, ROOT_ACCESS, TAGGING_ACTION, VOLUME_KMS_KEY_ARN,
    VPC_SECURITY_GROUP_IDS, VPC_SUBNETS, WITHOUT_VPC_KEY, brief,
};
use crate::policy::{Document, Limit, Principal, Statement, global};

/// An organisation, and who may change what controllers own in its accounts.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Its id: `o-` and 10 to 32 letters and digits.
    pub id: String,
    /// The ARNs of the controllers' roles; `*` in the place of the account stands for each.
    pub controllers: Vec<String>,
    /// What is demanded of jobs, models and notebooks, whoever makes them.
    pub guardrails: Guardrails,
}

/// A policy of an organisation.
#[derive(Clone, Debug)]
pub struct OrganizationPolicy {
    /// Its name, which says what it is about.
    pub name: &'static str,
    /// Which limit of AWS's it has to keep.
    pub limit: Limit,
    /// The policy.
    pub document: Document,
}

/// The policies of `organization`.
pub fn policies(organization: &Organization) -> Vec<OrganizationPolicy> {
    let policy = |name, limit, statements: Vec<Statement>| OrganizationPolicy {
        name,
        limit,
        document: Document::new(statements),
    };
    let settings = Settings::new(&organization.guardrails);
    vec![
        policy("scp-guardrails", Limit::ServiceControl, guardrails(&settings)),
        policy("scp-ownership", Limit::ServiceControl, ownership(organization)),
        policy("rcp-perimeter", Limit::ResourceControl, perimeter(organization)),
    ]
}

/// What is demanded of whatever runs in SageMaker, in any project and outside of all.
fn guardrails(settings: &Settings) -> Vec<Statement> {
    let jobs = || JOBS.iter().copied();
    let networked = || jobs().chain(AUTO_ML.iter().copied()).chain([MODEL, NOTEBOOK]);
    let described = |sid: &str| deny(sid, SCHEDULES.iter().copied()).given(INSTANCE_TYPES.present());
    let unkeyed = |sid: &str, actions: &mut dyn Iterator<Item = &'static str>| {
        let statement = deny(sid, actions).given(VOLUME_KMS_KEY_ARN.absent());
        statement.given(INSTANCE_TYPES.any_not_like(local_disk_types()))
    };
    let mut statements = vec![
        deny("NoSubnet", networked()).given(VPC_SUBNETS.absent()),
        deny("NoGroup", networked()).given(VPC_SECURITY_GROUP_IDS.absent()),
        described("ScheduleNoSubnet").given(VPC_SUBNETS.absent()),
        unkeyed("VolumeKey", &mut jobs().chain(SCHEDULES.iter().copied())),
        deny("NotebookKey", [NOTEBOOK]).given(VOLUME_KMS_KEY_ARN.absent()),
        deny("Internet", [NOTEBOOK]).given(DIRECT_INTERNET_ACCESS.is_not(["Disabled"])),
        deny("Root", [NOTEBOOK]).given(ROOT_ACCESS.is_not(["Disabled"])),
        deny("Metadata", [NOTEBOOK]).given(MINIMUM_IMDS_VERSION.is_not(["2"])),
        // A change that says nothing of it leaves it as it is.
        deny("RootLater", ["sagemaker:UpdateNotebookInstance"]).given(ROOT_ACCESS.is(["Enabled"])),
        deny("MetadataLater", ["sagemaker:UpdateNotebookInstance"]).given(MINIMUM_IMDS_VERSION.is(["1"])),
    ];
    if settings.output_key {
        let writing = jobs().chain(AUTO_ML.iter().copied()).chain([TRANSFORM]);
        statements.push(deny("OutputKey", writing).given(OUTPUT_KMS_KEY_ARN.absent()));
        statements.push(described("ScheduleOutputKey").given(OUTPUT_KMS_KEY_ARN.absent()));
    }
    if settings.encryption_between {
        let off = || INTER_CONTAINER_TRAFFIC_ENCRYPTION.is_not_true();
        statements.push(deny("Between", jobs().chain(AUTO_ML.iter().copied())).given(off()));
        statements.push(described("ScheduleBetween").given(off()));
    }
    if settings.isolation {
        statements.push(deny("Isolation", jobs().chain([MODEL])).given(NETWORK_ISOLATION.is_not_true()));
        statements.push(deny("NotIsolated", AUTO_ML.iter().copied()));
        statements.push(described("ScheduleIsolation").given(NETWORK_ISOLATION.is_not_true()));
    }
    if !settings.remote_debug {
        statements.push(deny("RemoteDebug", ["sagemaker:*"]).given(ENABLE_REMOTE_DEBUG.is_true()));
    }
    if !settings.without_vpc_key {
        statements.push(deny("WithoutVpcKey", WITHOUT_VPC_KEY.iter().copied()));
    }
    statements
}

/// What only controllers change of what bears their tag: each name with the actions. Keys are not among it, since
/// administrators of a project manage them, nor is making anything in SageMaker.
const OWNED: &[(&str, &[&str])] = &[
    (
        "Roles",
        &[
            "iam:AttachRolePolicy",
            "iam:CreatePolicyVersion",
            "iam:Delete*",
            "iam:Detach*",
            "iam:Put*",
            "iam:SetDefaultPolicyVersion",
            "iam:Tag*",
            "iam:Untag*",
            "iam:Update*",
        ],
    ),
    (
        "Network",
        &[
            "ec2:Accept*",
            "ec2:Associate*",
            "ec2:Attach*",
            "ec2:Authorize*",
            "ec2:CreateCarrierGateway",
            "ec2:CreateEgressOnlyInternetGateway",
            "ec2:CreateNatGateway",
            "ec2:CreateRoute*",
            "ec2:CreateTransitGatewayVpcAttachment",
            "ec2:CreateVpcPeeringConnection",
            "ec2:DeleteFlowLogs",
            "ec2:DeleteRoute*",
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteSubnet",
            "ec2:DeleteVpc*",
            "ec2:Disassociate*",
            "ec2:Modify*",
            "ec2:Replace*",
            "ec2:Revoke*",
            "ec2:RunInstances",
            "ec2:UpdateSecurityGroup*",
        ],
    ),
    (
        "Logs",
        &[
            "logs:DeleteLog*",
            "logs:DeleteRetentionPolicy",
            "logs:Disassociate*",
            "logs:PutRetentionPolicy",
            "logs:PutSubscriptionFilter",
        ],
    ),
    ("Parameters", &["ssm:DeleteParameter*", "ssm:PutParameter"]),
    (
        "Notebooks",
        &[
            "sagemaker:DeleteNotebookInstanceLifecycleConfig",
            "sagemaker:UpdateNotebookInstance*",
        ],
    ),
];

/// What changes how a bucket is kept.
const BUCKET: &[&str] = &[
    "s3:DeleteBucket*",
    "s3:PutAccelerateConfiguration",
    "s3:PutBucket*",
    "s3:PutEncryptionConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
];

/// What controllers own is theirs to change, whoever else has the right to.
fn ownership(organization: &Organization) -> Vec<Statement> {
    let others = |statement: Statement| statement.given(global::PRINCIPAL_ARN.not_like(&organization.controllers));
    let owned = OWNED.iter().map(|(sid, actions)| {
        let statement = deny(sid, actions.iter().copied());
        others(statement.given(global::resource_tag(OWNER_TAG).present()))
    });
    // Buckets carry no tags that a condition could ask for: they are known by the names of the design.
    let names = ["ds-data-bucket-*", "ds-model-bucket-*"].map(|name| format!("arn:*:s3:::{name}"));
    let buckets = Statement::deny("Buckets")
        .actions(BUCKET.iter().copied())
        .resources(names);
    // Who could give or take the tag would own what is another's.
    let identity = || global::TAG_KEYS.any_like(["secureml.dev/*"]);
    let tagging = ["ec2:*Tags", "iam:*Tag*", "kms:*Tag*", "logs:*Tag*", "ssm:*Tags*"];
    let tags = deny("Tags", tagging).given(identity());
    let later = deny("TagsLater", ["sagemaker:AddTags", "sagemaker:DeleteTags"]).given(identity());
    let later = later.given(TAGGING_ACTION.absent());
    owned.chain([buckets, tags, later].map(others)).collect()
}

/// The services of projects that resource control policies hold for.
const PERIMETER: [&str; 8] = [
    "codeartifact:*",
    "codecommit:*",
    "ecr:*",
    "kms:*",
    "logs:*",
    "s3:*",
    "secretsmanager:*",
    "sqs:*",
];

/// Nobody from outside the organisation, and no AWS service in the name of an account outside.
fn perimeter(organization: &Organization) -> Vec<Statement> {
    let anyone = |sid: &str| {
        let statement = Statement::deny(sid).principal(Principal::Anyone).anywhere();
        statement.actions(PERIMETER.into_iter().chain(["sts:AssumeRole"]))
    };
    let own = || [organization.id.clone()];
    vec![
        anyone("Strangers")
            .given(global::PRINCIPAL_ORG_ID.is_not(own()))
            .given(global::PRINCIPAL_IS_AWS_SERVICE.is_not_true()),
        // Services that say for whom they work; those that do not work for the account itself.
        anyone("ServicesOfStrangers")
            .given(global::PRINCIPAL_IS_AWS_SERVICE.is_true())
            .given(global::SOURCE_ACCOUNT.present())
            .given(global::SOURCE_ORG_ID.is_not(own())),
        Statement::deny("OnlyEncryptedConnections")
            .principal(Principal::Anyone)
            .anywhere()
            .actions(["s3:*", "sqs:*"])
            .given(global::SECURE_TRANSPORT.is_not_true()),
    ]
}

fn deny<'a>(sid: &str, actions: impl IntoIterator<Item = &'a str>) -> Statement {
    Statement::deny(sid).actions(brief(actions)).anywhere()
}

#[cfg(test)]
mod tests {
    use super::{Organization, policies};
    use crate::api::{Guardrails, Preset};
    use crate::policy::lint;

    #[test]
    fn the_policies_fit_and_are_sound() {
        for preset in [Preset::Published, Preset::Standard, Preset::Strict] {
            let organization = Organization {
                id: "o-exampleorgid".to_owned(),
                controllers: vec!["arn:aws:iam::*:role/secureml".to_owned()],
                guardrails: Guardrails {
                    preset,
                    ..Guardrails::default()
                },
            };
            for policy in policies(&organization) {
                let length = policy.document.to_brief_json().len();
                assert_eq!(policy.limit.excess(&policy.document), 0, "{}: {length}", policy.name);
                let found = lint(&policy.document);
                assert!(found.is_empty(), "{}: {found:?}", policy.name);
            }
        }
    }
}
