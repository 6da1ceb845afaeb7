//! Permissions that several roles have.

use super::ground::Ground;
use crate::policy::{Statement, global};

/// What the project's jobs and the people behind them do with objects. Deleting an object is honest work: its
/// versions stay. Deleting a version is not.
pub(super) const OBJECTS: [&str; 7] = [
    "s3:Abort*",
    "s3:DeleteObject",
    "s3:GetBucket*",
    "s3:GetObject*",
    "s3:List*",
    "s3:PutObject",
    "s3:PutObjectTagging",
];

/// What reading and writing encrypted data takes.
pub(super) const CRYPTOGRAPHY: [&str; 4] = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"];

/// Pulling images, of AWS's registries too: SageMaker's own containers are there.
pub(super) const IMAGES: [&str; 4] = ["ecr:BatchCheck*", "ecr:BatchGet*", "ecr:GetAuth*", "ecr:GetDownload*"];

/// Reading packages.
pub(super) const PACKAGES: [&str; 3] = ["codeartifact:Get*", "codeartifact:List*", "codeartifact:Read*"];

/// The network interfaces of jobs, which SageMaker creates and deletes in the project's subnets with the role of the job,
/// looking at [`NETWORK`].
pub(super) const INTERFACES: [&str; 1] = ["ec2:*teNetworkInterface*"];

/// Looking at networks: options, interfaces, route tables, groups, subnets, VPCs and their endpoints. Of machines nothing
/// is told: their user data may hold secrets.
pub(super) const NETWORK: [&str; 6] = [
    "ec2:DescribeD*",
    "ec2:DescribeNet*",
    "ec2:DescribeRo*",
    "ec2:DescribeSe*",
    "ec2:DescribeSu*",
    "ec2:DescribeVpc*",
];

/// Work with the project's Git repository: its content, not the repository.
pub(super) const GIT: [&str; 9] = [
    "codecommit:BatchGet*",
    "codecommit:CreateBranch",
    "codecommit:CreateCommit",
    "codecommit:CreatePullRequest",
    "codecommit:Get*",
    "codecommit:Git*",
    "codecommit:List*",
    "codecommit:MergePullRequest*",
    "codecommit:PostComment*",
];

/// Reads whose actions know no resources.
pub(super) const LISTS: [&str; 5] = [
    "cloudwatch:GetMetric*",
    "cloudwatch:ListMetrics",
    "logs:DescribeLogGroups",
    "sagemaker:List*",
    "sagemaker:Search",
];

/// Reading logs.
pub(super) const LOG_READS: [&str; 3] = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"];

/// Writing and reading logs, in patterns.
pub(super) const LOGS: [&str; 5] = [
    "logs:CreateLog*",
    "logs:DescribeLogS*",
    "logs:Filter*",
    "logs:GetLogE*",
    "logs:PutLogE*",
];

/// What may be done in SageMaker with what bears the project's tags, in patterns that a boundary has room for. None
/// takes in what makes or changes notebooks, their scripts, schedules or domains.
pub(super) const OWN: [&str; 16] = [
    "sagemaker:*sociate*",
    "sagemaker:Add*",
    "sagemaker:Batch*",
    "sagemaker:Delete*JobDefinition",
    "sagemaker:DeleteA*",
    "sagemaker:DeleteE*",
    "sagemaker:DeleteM*",
    "sagemaker:DeleteP*",
    "sagemaker:DeleteT*",
    "sagemaker:Describe*",
    "sagemaker:InvokeEndpoint*",
    "sagemaker:St*",
    "sagemaker:UpdateE*",
    "sagemaker:UpdateModelP*",
    "sagemaker:UpdateP*",
    "sagemaker:UpdateTrial*",
];

/// Reads and writes of the two buckets.
pub(super) fn data(ground: &Ground<'_>) -> Statement {
    let objects = ground
        .buckets()
        .into_iter()
        .flat_map(|bucket| [format!("{bucket}/*"), bucket]);
    Statement::allow("Data").actions(OBJECTS).resources(objects)
}

/// Grants on the project's keys, through which AWS services use them for volumes.
pub(super) fn grants(ground: &Ground<'_>) -> Statement {
    let statement = Statement::allow("Grant").actions(["kms:CreateGrant"]);
    let statement = statement.resources(ground.keys());
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
        .actions(["ssm:GetParameter*"])
        .resources([ground.project.arn("ssm", "parameter/ds-*")])
        .given_all(ground.made())
}

/// The project's Git repository.
pub(super) fn git(ground: &Ground<'_>) -> Statement {
    let repository = ground.project.arn("codecommit", &ground.project.named("source"));
    Statement::allow("Git").actions(GIT).resources([repository])
}
