//! The role that delivers the VPC's flow logs to their log group.

use std::collections::BTreeMap;

use super::ground::Ground;
use super::{boundary, trust};
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
        Statement::allow("Deliver")
            .actions(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"])
            .resources([boundary::flow_logs(ground)]),
        Statement::allow("Groups")
            .actions(["logs:DescribeLogGroups"])
            .anywhere(),
    ];
    BTreeMap::from([("work".to_owned(), Document::new(work))])
}
