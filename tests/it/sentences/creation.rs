//! What is said while something cannot be made, or cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use secureml::api::SecureMLProjectStatus;
use secureml::blueprint::Blueprint;
use secureml::engine::{Outcome, Report};
use secureml::model::NodeKey;
use secureml::plan::{Goal, Plan};
use secureml_rig::proxy::{Request, RuleHandle};
use secureml_rig::{Fault, Rule};

use super::refusals::{Refusal, refusals};
use super::{Origin, PASSES, Told, after, object, only};
use crate::environment::{Environment, FULL};

/// How long AWS's lists may take to show what was made.
const SHOWN: Duration = Duration::from_secs(2);

/// The call that makes the resource, which names it; the same call for others goes well.
fn rule(refusal: &Refusal, blueprint: &Blueprint) -> Result<Rule> {
    let node = blueprint
        .nodes
        .get(&refusal.node.parse()?)
        .with_context(|| format!("no {}", refusal.node))?;
    let (call, name) = (refusal.call, node.name.clone());
    let names = move |request: &Request| {
        request.name() == call && (request.text().contains(&name) || request.head.uri.path().contains(&name))
    };
    Ok(Rule::when(names, refusal.fault.clone()))
}

/// Each call fails once, one after the other of each resource.
pub async fn while_it_is_made(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let object = object(FULL)?;
    let mut found: BTreeMap<usize, SecureMLProjectStatus> = BTreeMap::new();
    let refusals = refusals();
    for _ in 0..PASSES {
        let mut busy = BTreeSet::new();
        let open = refusals
            .iter()
            .enumerate()
            .filter(|(number, _)| !found.contains_key(number));
        let due: Vec<(usize, &Refusal)> = open.filter(|(_, refusal)| busy.insert(refusal.node)).collect();
        if due.is_empty() {
            break;
        }
        let rules: Vec<_> = due
            .iter()
            .map(|(_, refusal)| rule(refusal, environment.blueprint()))
            .collect::<Result<_>>()?;
        let rules: Vec<_> = rules.into_iter().map(|rule| environment.rig.proxy.add(rule)).collect();
        environment.restart();
        environment.shows_within(SHOWN);
        let (_, plan, report) = environment.attempt(Goal::Present).await?;
        let say = |node: &NodeKey, plan: &Plan, report: &Report| {
            after(&object, environment.blueprint(), plan, Some(&only(report, node)))
        };
        let mut doubted = Vec::new();
        for (number, refusal) in due {
            let node: NodeKey = refusal.node.parse()?;
            match report.entries.get(&node).map(|entry| &entry.outcome) {
                Some(Outcome::Failed(_)) => {
                    found.insert(number, say(&node, &plan, &report));
                }
                Some(Outcome::Pending { why, .. }) if why.contains("exists") => {
                    let situation = format!("while it is made, at first, {}", refusal.situation);
                    let mut alone = plan.clone();
                    alone.steps.retain(|key, _| *key == node);
                    told.conditions(Origin::Real, &situation, &say(&node, &alone, &report));
                    doubted.push((number, node));
                }
                _ => {}
            }
        }
        // What has somebody else's name is told when it is certain that it is no lost call of our own.
        if !doubted.is_empty() {
            tokio::time::sleep(SHOWN + Duration::from_millis(200)).await;
            let (_, plan, report) = environment.attempt(Goal::Present).await?;
            for (number, node) in doubted {
                if report.failures().any(|(failed, _)| *failed == node) {
                    let status = after(&object, environment.blueprint(), &plan, Some(&only(&report, &node)));
                    found.insert(number, status);
                }
            }
        }
        rules.iter().for_each(RuleHandle::remove);
    }
    for (number, refusal) in refusals.iter().enumerate() {
        let status = found
            .get(&number)
            .with_context(|| format!("did not come about: {}", refusal.situation))?;
        told.conditions(
            Origin::Real,
            &format!("while it is made, {}", refusal.situation),
            status,
        );
    }
    Ok(())
}

pub async fn while_it_cannot_be_read(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let object = object(FULL)?;
    let cases = [
        ("VPCs may not be listed", "ec2:DescribeVpcs", Fault::AccessDenied),
        ("listing roles is throttled", "iam:ListRoles", Fault::Throttle),
        (
            "a key's policy may not be read",
            "kms:GetKeyPolicy",
            Fault::AccessDenied,
        ),
        (
            "a bucket's policy may not be read",
            "s3:GetBucketPolicy",
            Fault::AccessDenied,
        ),
        ("subnets come broken", "ec2:DescribeSubnets", Fault::Malformed),
        (
            "SageMaker has a fault",
            "sagemaker:ListNotebookInstances",
            Fault::error(
                500,
                "InternalFailure",
                "The request processing has failed because of an unknown error",
            ),
        ),
        ("nobody answers", "ssm:*", Fault::ResetBefore),
        (
            "the credentials have expired",
            "logs:DescribeLogGroups",
            Fault::ExpiredToken,
        ),
    ];
    for (situation, call, fault) in cases {
        let rule = environment.rig.proxy.add(Rule::on(call, fault));
        environment.restart();
        let (_, plan, report) = environment.attempt(Goal::Present).await?;
        rule.remove();
        told.conditions(
            Origin::Real,
            &format!("{situation} ({call})"),
            &after(&object, environment.blueprint(), &plan, Some(&report)),
        );
    }
    environment.restart();
    Ok(())
}
