//! The controller's own policy, as `secureml iam-policy` writes it, lets it do its work.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use secureml::kinds::find;
use secureml::policy::Document;
use secureml::policy::evaluate::{Outcome, Policies, Request, evaluate};

use super::environment::{Environment, OURS};
use crate::environment::FULL;

/// Actions that are not about the resource of the kind that needs them, or only about what has no name of ours.
const ABOUT_OTHERS: &[&str] = &[
    "ec2:CreateNetworkInterface",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "iam:RemoveRoleFromInstanceProfile",
    "kms:CreateGrant",
];

/// The policy bounds what has names by their patterns: they have to be those of the names that are given.
#[test]
fn the_names_that_are_given_are_within_the_controllers_policy() -> Result<()> {
    let policy = Document::parse(include_str!("../../../docs/controller-policy.json"))?;
    let environment = Environment::draw(FULL, OURS)?;
    let owner = ["test/default/churn"];
    let (mut asked, mut denied) = (0, BTreeSet::new());
    for node in environment.nodes.values() {
        // Keys have no names; they are bounded by their tags.
        let named = |arn: &String| arn.starts_with("arn:") && !arn.contains(":key/");
        let Some(arn) = environment.output(node, "arn").filter(named) else {
            continue;
        };
        let kind = find(&node.key.kind).context("a kind")?;
        let about = kind
            .permissions()
            .iter()
            .filter(|action| !ABOUT_OTHERS.contains(action));
        for action in about {
            let request = Request::new("arn:aws:iam::111122223333:role/secureml", action, &arn, OURS)
                .with("aws:RequestTag/secureml.dev/owner", owner)
                .with("aws:ResourceTag/secureml.dev/owner", owner)
                .with("iam:PermissionsBoundary", node.attributes["boundary"].as_str());
            let policies = Policies {
                identity: vec![&policy],
                ..Policies::default()
            };
            asked += 1;
            if evaluate(&request, &policies).outcome != Outcome::Allowed {
                denied.insert(format!("{action} on {arn}"));
            }
        }
    }
    ensure!(asked > 100, "only {asked} actions were tried");
    ensure!(denied.is_empty(), "the controller may not {denied:#?}");
    Ok(())
}
