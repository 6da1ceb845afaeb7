//! References to nodes that other parts of the blueprint draw.

use crate::model::{NodeKey, Ref};

/// The ARN of the KMS key `name`.
pub(super) fn key_arn(name: &str) -> String {
    output("KmsKey", name, "arn")
}

/// The name of the log group of the VPC's flow logs.
pub(super) fn flow_log_group() -> String {
    output("LogGroup", "vpc-flow-logs", "id")
}

/// The ARN of the role that delivers the VPC's flow logs.
pub(super) fn flow_logs_role_arn() -> String {
    output("IamRole", "flow-logs", "arn")
}

fn output(kind: &str, name: &str, output: &str) -> String {
    Ref::<()>::output(&NodeKey::new(kind, name), output).into()
}
