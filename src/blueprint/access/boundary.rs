//! The permissions boundaries: what a role of the project can do at most, even with `AdministratorAccess` attached.
//!
//! A boundary allows what some role under it may do, each thing within the guardrails, and nothing else: an action that
//! AWS invents tomorrow is not among it. It has 6,144 characters, so there are four of them, and each says in one
//! pattern what the roles' own policies say in full.

use super::common::{self, INTERFACES, LISTS, LOG_READS, NETWORK, PARAMETERS};
use super::ground::Ground;
use super::{admin, flow_logs, guardrails, launch};
use crate::blueprint::Project;
use crate::policy::{Document, Statement, global};

/// One of the boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boundary {
    /// Of the execution roles: of whatever code runs in the project.
    Execution,
    /// Of the people who administer the project.
    Admin,
    /// Of the role that launches notebooks, and hands their roles on.
    Launch,
    /// Of everybody else.
    Access,
}

impl Boundary {
    pub(super) const ALL: [Self; 4] = [Self::Execution, Self::Admin, Self::Launch, Self::Access];

    /// The node.
    pub(super) fn node(self) -> &'static str {
        match self {
            Self::Execution => "boundary",
            Self::Admin => "boundary-admin",
            Self::Launch => "boundary-launch",
            Self::Access => "boundary-access",
        }
    }

    /// The name of the policy.
    pub(super) fn policy(self, project: &Project) -> String {
        match self {
            Self::Execution => project.boundary(),
            Self::Admin => project.admin_boundary(),
            Self::Launch => project.launch_boundary(),
            Self::Access => project.access_boundary(),
        }
    }

    /// The policy.
    pub(super) fn document(self, ground: &Ground<'_>) -> Document {
        let mut statements = match self {
            Self::Execution => execution(ground),
            Self::Admin => admin(ground),
            Self::Launch => launch(ground),
            Self::Access => access(ground),
        };
        statements.push(elsewhere(ground));
        Document::new(statements)
    }
}

/// What code may look at and read of what knows no resources, or none of the project's own. Of machines nothing is
/// told: their user data may hold secrets.
const READS: [&str; 19] = [
    "cloudwatch:GetMetric*",
    "cloudwatch:ListMetrics",
    "codeartifact:Get*",
    "codeartifact:List*",
    "codeartifact:Read*",
    "ec2:DescribeD*",
    "ec2:DescribeNet*",
    "ec2:DescribeRo*",
    "ec2:DescribeSe*",
    "ec2:DescribeSu*",
    "ec2:DescribeVpc*",
    "ecr:BatchC*",
    "ecr:BatchG*",
    "ecr:GetAu*",
    "ecr:GetD*",
    "kms:DescribeKey",
    "logs:DescribeLogGroups",
    "sagemaker:List*",
    "sagemaker:Search",
];
/// What code may do with objects.
const OBJECTS: [&str; 7] = [
    "s3:Abort*",
    "s3:DeleteObject",
    "s3:GetBucketLoc*",
    "s3:GetObject*",
    "s3:List*",
    "s3:PutObject",
    "s3:PutObjectTagging",
];
/// What code may do with what bears the project's tags. None takes in what makes or changes notebooks, their scripts,
/// or domains.
const OWN: [&str; 21] = [
    "codecommit:BatchG*",
    "codecommit:G*",
    "codecommit:L*",
    "sagemaker:*sociate*",
    "sagemaker:Add*",
    "sagemaker:Batch*",
    "sagemaker:DeleteA*",
    "sagemaker:DeleteC*t",
    "sagemaker:DeleteDa*",
    "sagemaker:DeleteE*",
    "sagemaker:DeleteM*",
    "sagemaker:DeleteP*",
    "sagemaker:DeleteT*",
    "sagemaker:Describe*",
    "sagemaker:Invoke*",
    "sagemaker:St*",
    "sagemaker:UpdateE*",
    "sagemaker:UpdateModelP*",
    "sagemaker:UpdateP*",
    "sagemaker:UpdateTri*",
    "ssm:GetParameter*",
];
/// What code may do with the keys.
const KEY: [&str; 4] = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"];
/// What code may do with logs.
const LOGS: [&str; 5] = [
    "logs:CreateLog*",
    "logs:DescribeLogS*",
    "logs:Filter*",
    "logs:GetLogE*",
    "logs:PutLogE*",
];

fn execution(ground: &Ground<'_>) -> Vec<Statement> {
    let writes = ["cloudwatch:PutMetricData", "sts:GetServiceBearerToken"];
    let any = READS.into_iter().chain(INTERFACES).chain(writes);
    // Its own role, by the tag that the role bears.
    let itself = ground.project.role_arn_anywhere("${aws:PrincipalTag/Name}");
    let mut statements = vec![
        common::data(ground, OBJECTS),
        Statement::allow("Key").actions(KEY).resources([&ground.key]),
        common::grant().resources([&ground.key]),
        Statement::allow("Any").actions(any).anywhere(),
        Statement::allow("Logs")
            .actions(LOGS)
            .resources([ground.sagemaker_logs()]),
        Statement::allow("Own")
            .actions(OWN)
            .anywhere()
            .given_all(ground.tagged()),
        Ground::pass([itself]),
    ];
    statements.extend(guardrails::bounds(ground));
    statements
}

/// Administrators start no jobs: a job needs a role, and roles are those of notebooks.
fn admin(ground: &Ground<'_>) -> Vec<Statement> {
    let reads = LISTS.into_iter().chain(NETWORK);
    let mut statements = vec![
        admin::buckets(ground),
        admin::keys(ground),
        common::grants(ground),
        Statement::allow("Any").actions(reads).anywhere(),
        Statement::allow("Logs")
            .actions(LOG_READS)
            .resources([ground.sagemaker_logs(), flow_logs::streams(ground)]),
        common::own(ground).actions(PARAMETERS),
        common::git(ground),
        guardrails::make(ground),
        guardrails::version(ground),
    ];
    statements.extend(guardrails::hosting(ground));
    statements
}

fn launch(ground: &Ground<'_>) -> Vec<Statement> {
    let reads = NETWORK.into_iter().chain(["kms:DescribeKey", "sagemaker:List*"]);
    let mut statements = vec![
        common::grants(ground),
        Statement::allow("Any").actions(reads).anywhere(),
        Statement::allow("Own")
            .actions(launch::NOTEBOOKS.into_iter().chain(PARAMETERS))
            .anywhere()
            .given_all(ground.tagged()),
        guardrails::notebook(ground),
        guardrails::tag(ground),
    ];
    statements.push(Ground::pass([ground.project.notebook_role_arns()]));
    statements
}

fn access(ground: &Ground<'_>) -> Vec<Statement> {
    let tagged = [
        "sagemaker:Describe*",
        "sagemaker:StartNotebookInstance",
        "sagemaker:StopNotebookInstance",
    ];
    vec![
        common::grants(ground),
        Statement::allow("Any")
            .actions(LISTS.into_iter().chain(["kms:DescribeKey"]))
            .anywhere(),
        Statement::allow("Logs")
            .actions(LOG_READS)
            .resources([ground.sagemaker_logs()]),
        flow_logs::deliver(ground),
        common::git(ground),
        Statement::allow("Own")
            .actions(tagged.into_iter().chain(PARAMETERS))
            .anywhere()
            .given_all(ground.tagged()),
        open(ground),
    ]
}

/// A notebook is opened by its owner alone, and from inside: the owner's name is that of the caller's session, which
/// the trust of the user role pins to the person. Each request of the opened notebook is checked again, and comes
/// through the other endpoint.
pub(super) fn open(ground: &Ground<'_>) -> Statement {
    Statement::allow("Open")
        .actions(["sagemaker:CreatePresignedNotebookInstanceUrl"])
        .anywhere()
        .given_all(ground.tagged())
        .given(global::USER_ID.like([OWNER]))
        .given(global::SOURCE_VPCE.is(&ground.notebook_endpoints))
}

/// The pattern of the user id of the owner of a notebook.
pub(super) const OWNER: &str = "*:${aws:ResourceTag/NotebookOwnerUsername}";

/// Nothing of another account, whatever its owner allows: neither buckets nor keys nor models. Images and packages
/// come from AWS's accounts.
pub(super) fn elsewhere(ground: &Ground<'_>) -> Statement {
    Statement::deny("Elsewhere")
        .not_actions(["codeartifact:*", "ecr:*"])
        .anywhere()
        .given(global::RESOURCE_ACCOUNT.present())
        .given(global::RESOURCE_ACCOUNT.is_not([&ground.account().id]))
}
