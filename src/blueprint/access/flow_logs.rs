//! The role that delivers the VPC's flow logs to their log group.

use std::collections::BTreeMap;

use super::ground::Ground;
use super::trust;
use crate::policy::{Document, Statement, global};

/// Who takes it: the flow logs of this account and region.
pub(super) fn trust(ground: &Ground<'_>) -> Document {
    let logs = ground.project.arn("ec2", "vpc-flow-log/*");
    let statement = trust::service(ground, "vpc-flow-logs.amazonaws.com");
    Document::new([statement.given(global::SOURCE_ARN.like([logs]))])
}

/// The policies of the role.
pub(super) fn policies(ground: &Ground<'_>) -> BTreeMap<String, Document> {
    let work = [
        deliver(ground),
        Statement::allow("Groups")
            .actions(["logs:DescribeLogGroups"])
            .anywhere(),
    ];
    BTreeMap::from([("work".to_owned(), Document::new(work))])
}

/// Writing the flow logs.
pub(super) fn deliver(ground: &Ground<'_>) -> Statement {
    Statement::allow("Deliver")
        .actions(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"])
        .resources([streams(ground)])
}

/// The streams of the flow logs' group. The colon ends the name: a neighbour's may begin like ours.
pub(super) fn streams(ground: &Ground<'_>) -> String {
    let group = ground.project.flow_log_group();
    ground.project.arn("logs", &format!("log-group:{group}:*"))
}
