//! Permissions that several roles have.

use super::ground::Ground;
use crate::policy::{Statement, global};

/// What the project's jobs and the people behind them do with objects. Deleting an object is honest work: its
/// versions stay. Deleting a version is not.
pub(super) const OBJECTS: [&str; 11] = [
    "s3:Abort*",
    "s3:DeleteObject",
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:GetObjectAttributes",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:ListBucket*",
    "s3:ListMultipart*",
    "s3:PutObject",
    "s3:PutObjectTagging",
];

/// What reading and writing encrypted data takes.
pub(super) const CRYPTOGRAPHY: [&str; 5] = [
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyW*",
    "kms:ReEncrypt*",
];

/// Pulling images, of AWS's registries too: SageMaker's own containers are there.
pub(super) const IMAGES: [&str; 4] = ["ecr:BatchCheck*", "ecr:BatchGetI*", "ecr:GetAuth*", "ecr:GetDownload*"];

/// Reading packages.
pub(super) const PACKAGES: [&str; 5] = [
    "codeartifact:GetAuth*",
    "codeartifact:GetPackage*",
    "codeartifact:GetRepositoryE*",
    "codeartifact:ListPackage*",
    "codeartifact:Read*",
];

/// The network interfaces of jobs, which SageMaker creates and deletes in the project's subnets with the role of the job,
/// looking at [`NETWORK`].
pub(super) const INTERFACES: [&str; 1] = ["ec2:*teNetworkInterface*"];

/// Looking at networks: options, interfaces, route tables, groups, subnets, VPCs and their endpoints. Of machines nothing
/// is told: their user data may hold secrets.
pub(super) const NETWORK: [&str; 7] = [
    "ec2:DescribeDh*",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteT*",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubn*",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
];

/// What the Git client needs, and looking at what is there. Of the actions that begin so, all read but pulling and pushing.
pub(super) const GIT: [&str; 3] = ["codecommit:BatchG*", "codecommit:G*", "codecommit:List*"];

/// What people do beside that with the content of the project's repository, in the console; not with the repository.
const REVIEW: [&str; 5] = [
    "codecommit:CreateBranch",
    "codecommit:CreateCommit",
    "codecommit:CreatePullRequest",
    "codecommit:MergePullRequest*",
    "codecommit:PostComment*",
];

/// Reads whose actions know no resources.
pub(super) const LISTS: [&str; 6] = [
    "cloudwatch:GetMetricD*",
    "cloudwatch:GetMetricStati*",
    "cloudwatch:ListMetrics",
    "logs:DescribeLogGroups",
    "sagemaker:List*",
    "sagemaker:Search",
];

/// Reading logs.
pub(super) const LOG_READS: [&str; 3] = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"];

/// Writing and reading logs, in patterns.
pub(super) const LOGS: [&str; 6] = [
    "logs:CreateLogG*",
    "logs:CreateLogS*",
    "logs:DescribeLogS*",
    "logs:Filter*",
    "logs:GetLogE*",
    "logs:PutLogE*",
];

/// What may be done in SageMaker with what bears the project's tags. No pattern takes in what makes or changes notebooks,
/// their scripts, schedules or domains.
pub(super) const OWN: [&str; 26] = [
    "sagemaker:*sociate*",
    "sagemaker:Add*",
    "sagemaker:Batch*Metrics",
    "sagemaker:BatchDes*",
    "sagemaker:Delete*JobDefinition",
    "sagemaker:DeleteA*ct*",
    "sagemaker:DeleteAss*",
    "sagemaker:DeleteContext",
    "sagemaker:DeleteEn*",
    "sagemaker:DeleteEx*",
    "sagemaker:DeleteModel",
    "sagemaker:DeleteModelPackage",
    "sagemaker:DeleteModelPackageGroup",
    "sagemaker:DeleteMon*",
    "sagemaker:DeletePi*",
    "sagemaker:DeleteT*",
    "sagemaker:Describe*",
    "sagemaker:Invoke*",
    "sagemaker:StartMo*",
    "sagemaker:StartNo*",
    "sagemaker:StartPi*",
    "sagemaker:Stop*",
    "sagemaker:UpdateE*",
    "sagemaker:UpdateModelP*",
    "sagemaker:UpdatePi*",
    "sagemaker:UpdateTri*",
];

/// Reading parameters by their names.
pub(super) const PARAMETERS: [&str; 2] = ["ssm:GetParameter", "ssm:GetParameters"];

/// `actions` on the two buckets and what they hold.
pub(super) fn data<'a>(ground: &Ground<'_>, actions: impl IntoIterator<Item = &'a str>) -> Statement {
    let objects = ground
        .buckets()
        .into_iter()
        .flat_map(|bucket| [format!("{bucket}/*"), bucket]);
    Statement::allow("Data").actions(actions).resources(objects)
}

/// Grants on the project's keys, through which AWS services use them for volumes.
pub(super) fn grants(ground: &Ground<'_>) -> Statement {
    ground.on_keys(grant())
}

/// A grant, for an AWS service and nobody else.
pub(super) fn grant() -> Statement {
    let statement = Statement::allow("Grant").actions(["kms:CreateGrant"]);
    statement.given(global::GRANT_IS_FOR_AWS.is_true())
}

/// The project's things in SageMaker.
pub(super) fn own(ground: &Ground<'_>) -> Statement {
    Statement::allow("Own")
        .actions(OWN)
        .anywhere()
        .given_all(ground.tagged())
}

/// The parameters that the project publishes. Their names would not do: `ds-*-P-E-id` is a neighbour's too.
pub(super) fn parameters(ground: &Ground<'_>) -> Statement {
    Statement::allow("Parameters")
        .actions(PARAMETERS)
        .resources([ground.project.arn("ssm", "parameter/ds-*")])
        .given_all(ground.made())
}

/// The project's Git repository, for people.
pub(super) fn git(ground: &Ground<'_>) -> Statement {
    client(ground).actions(REVIEW)
}

/// The project's Git repository, for code.
pub(super) fn client(ground: &Ground<'_>) -> Statement {
    let repository = ground.project.arn("codecommit", &ground.project.named("source"));
    Statement::allow("Git").actions(GIT).resources([repository])
}
