//! What roles and boundary need to know of the rest of the environment: ids that AWS invents, by reference.

use crate::blueprint::Project;
use crate::model::{NodeKey, Output, Ref};

/// The output `output` of the node `kind/name`.
fn output(kind: &str, name: &str, output: &str) -> String {
    Ref::<()>::output(&NodeKey::new(kind, name), output).into()
}

/// The ids of the private subnets.
pub(super) fn subnets(project: &Project) -> Vec<String> {
    let letters = project.subnets.iter().map(|place| place.letter.to_string());
    letters.map(|letter| output("Subnet", &letter, "id")).collect()
}

/// The id of the security group of notebooks and jobs.
pub(super) fn group() -> String {
    output("SecurityGroup", "sagemaker", "id")
}

/// The ARN of the project's key.
pub(super) fn key() -> String {
    output("KmsKey", "project", "arn")
}

/// The ids of the endpoints that the calls which open a notebook come through.
pub(super) fn notebook_endpoints() -> [String; 2] {
    ["sagemaker-api", "notebook"].map(|name| output("VpcEndpoint", name, "id"))
}

/// How long the text that will stand in the place of `output` can be.
pub(super) fn longest(project: &Project, output: &Output) -> usize {
    match (output.node.kind.as_str(), output.name.as_str()) {
        ("KmsKey", "arn") => project.arn("kms", "key/").len() + 36,
        ("IamPolicy", "arn") => 200,
        // A prefix, a hyphen and 17 digits.
        ("SecurityGroup", _) => 20,
        ("VpcEndpoint", _) => 22,
        _ => 24,
    }
}
