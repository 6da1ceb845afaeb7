//! What is said while an environment goes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use secureml::api::{DeletionPolicies, DeletionPolicy, SecureMLProjectStatus};
use secureml::controller::removal;
use secureml::model::NodeKey;
use secureml::plan::{Goal, render};
use secureml_rig::proxy::RuleHandle;
use secureml_rig::{Fault, Rule};

use super::{Origin, PASSES, Told, object, only};
use crate::environment::{Environment, FULL, parse};

pub async fn while_it_goes(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let mut spec = parse(FULL)?.spec;
    spec.deletion_policy = DeletionPolicies {
        buckets: DeletionPolicy::Delete,
        keys: DeletionPolicy::Delete,
        logs: DeletionPolicy::Delete,
    };
    environment.declare(spec).await?;
    environment.settle(Goal::Present).await?;
    let object = object(FULL)?;
    let (world, _) = environment.look(Goal::Present).await?;
    let bucket = world.owned[&"Bucket/data".parse::<NodeKey>()?][0].id.clone();
    let put = environment.aws.s3.put_object().bucket(&bucket).key("x");
    let content = aws_sdk_s3::primitives::ByteStream::from_static(b"x");
    let version = put.body(content).send().await?.version_id;
    let cases = [
        ("a bucket is not empty", "Bucket/data", "", Fault::Throttle),
        (
            "a role may not be deleted",
            "IamRole/user",
            "iam:DeleteRole",
            Fault::AccessDenied,
        ),
        (
            "something of others is in the VPC",
            "Vpc/main",
            "ec2:DeleteVpc",
            Fault::error(
                400,
                "DependencyViolation",
                "The vpc 'vpc-0123456789abcdef0' has dependencies and cannot be deleted.",
            ),
        ),
    ];
    let mut rules: BTreeMap<&str, RuleHandle> = BTreeMap::new();
    for (situation, _, call, fault) in &cases {
        rules.insert(situation, environment.rig.proxy.add(Rule::on(call, fault.clone())));
    }
    let mut found: BTreeMap<&str, SecureMLProjectStatus> = BTreeMap::new();
    let mut last = String::new();
    for _ in 0..PASSES {
        environment.restart();
        let (_, plan, report) = environment.attempt(Goal::Absent).await?;
        last = render(&plan);
        for (situation, node, ..) in &cases {
            let node = node.parse()?;
            if report.failures().any(|(failed, _)| *failed == node) {
                let latest = SecureMLProjectStatus::default();
                let (status, _) = removal::removing(
                    &object,
                    latest,
                    &plan,
                    &only(&report, &node),
                    jiff::Timestamp::UNIX_EPOCH,
                );
                found.insert(situation, status);
                rules[situation].remove();
            }
        }
        if found.len() == cases.len() {
            break;
        }
        // What the bucket names is held as long as the bucket is.
        if found.contains_key(cases[0].0) {
            let delete = environment.aws.s3.delete_object().bucket(&bucket).key("x");
            delete.set_version_id(version.clone()).send().await.ok();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for (situation, ..) in cases {
        let status = found
            .get(situation)
            .with_context(|| format!("did not come about: {situation}:\n{last}"))?;
        told.conditions(Origin::Real, &format!("while it goes, {situation}"), status);
    }
    Ok(())
}
