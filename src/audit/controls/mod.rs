//! The controls, by what they are about: data. One named like `S3.5` is AWS Security Hub's of that name; the others are
//! this program's own, and `docs/audit.md` tells where each comes from.
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html>

mod access;
mod data;
mod jobs;
mod keys;
mod network;
mod notebooks;
mod work;

use super::probe::{STRANGERS, Who};
use super::report::Control;
use super::scene::Scene;
use crate::kinds::IamRole;

const GROUPS: &[&[Control]] = &[
    network::CONTROLS,
    access::CONTROLS,
    jobs::CONTROLS,
    notebooks::CONTROLS,
    data::CONTROLS,
    keys::CONTROLS,
    work::CONTROLS,
];

/// A key that is not the project's, in whatever account.
const FOREIGN_KEY: &str = "key/0badc0ff-ee0b-adc0-ffee-0badc0ffee00";

/// What is found where an attribute has no form that this program knows.
const UNREADABLE: &str = "what was declared cannot be read";

/// Every control, in the order of the report.
pub fn controls() -> impl Iterator<Item = &'static Control> {
    GROUPS.iter().copied().flatten()
}

/// Every role of the project.
fn everybody(scene: &Scene<'_>) -> Vec<Who> {
    let nodes = scene.nodes::<IamRole>();
    nodes.map(|node| Who::Role(node.key.name.clone())).collect()
}

/// The execution roles: those of notebooks, and of the jobs started in them.
fn code(scene: &Scene<'_>) -> Vec<Who> {
    let starts = |who: &Who| matches!(who, Who::Role(node) if node.starts_with("notebook-"));
    everybody(scene).into_iter().filter(starts).collect()
}

/// Everybody else.
fn others(scene: &Scene<'_>) -> Vec<Who> {
    let code = code(scene);
    everybody(scene).into_iter().filter(|who| !code.contains(who)).collect()
}

/// The role `node`.
fn role(node: &str) -> Who {
    Who::Role(node.to_owned())
}

/// An ARN in the account of strangers.
fn strange(scene: &Scene<'_>, service: &str, resource: &str) -> String {
    let account = &scene.project.account;
    format!(
        "arn:{}:{service}:{}:{STRANGERS}:{resource}",
        account.partition, account.region
    )
}

/// What `action` would make, by the name `audit`: `sagemaker:CreateTrainingJob` makes a `training-job`.
fn made_by(scene: &Scene<'_>, action: &str) -> String {
    let operation = action.rsplit(':').next().unwrap_or_default();
    let noun = operation.trim_start_matches(|letter: char| !letter.is_ascii_uppercase());
    let noun = ["Create", "Update", "Delete", "Describe", "Start", "Stop", "Invoke"]
        .iter()
        .find_map(|verb| noun.strip_prefix(verb))
        .unwrap_or(noun);
    let noun = noun.strip_suffix("V2").unwrap_or(noun).replace("AutoML", "Automl");
    let mut kind = String::new();
    for letter in noun.chars() {
        if letter.is_ascii_uppercase() && !kind.is_empty() {
            kind.push('-');
        }
        kind.push(letter.to_ascii_lowercase());
    }
    scene.project.arn("sagemaker", &format!("{kind}/audit"))
}
