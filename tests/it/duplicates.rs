//! A call of a dead process that reaches AWS late makes something a second time. It is found, what nothing uses is
//! removed, and it is told.

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use secureml::plan::{Action, Goal, Object};

use crate::environment::Environment;

const MINIMAL: &str = include_str!("../../examples/minimal.yaml");

#[tokio::test]
async fn what_was_made_twice_is_there_once_again() -> Result<()> {
    let mut environment = Environment::new(MINIMAL).await?;
    environment.settle(Goal::Present).await?;
    let before = environment.observe().await?;
    let (vpc, subnet, table, key) = (
        &before["Vpc/main"],
        &before["Subnet/a"],
        &before["RouteTable/private"],
        &before["KmsKey/project"],
    );
    let (ec2, kms) = (environment.aws.ec2.clone(), environment.aws.kms.clone());

    ec2.create_vpc()
        .cidr_block("10.2.0.0/16")
        .tag_specifications(tags(ResourceType::Vpc, vpc))
        .send()
        .await?;
    ec2.create_subnet()
        .vpc_id(&vpc.id)
        .cidr_block("10.2.200.0/24")
        .tag_specifications(tags(ResourceType::Subnet, subnet))
        .send()
        .await?;
    ec2.create_route_table()
        .vpc_id(&vpc.id)
        .tag_specifications(tags(ResourceType::RouteTable, table))
        .send()
        .await?;
    let tag = |(key, value): (&str, &str)| aws_sdk_kms::types::Tag::builder().tag_key(key).tag_value(value).build();
    let key_tags = key.tags.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
    let second = kms.create_key().set_tags(Some(key_tags)).send().await?;
    let second = second.key_metadata.context("a key")?.key_id;

    environment.restart();
    let plan = environment.plan(Goal::Present).await?;
    for (node, kept) in [
        ("Vpc/main", vpc),
        ("Subnet/a", subnet),
        ("RouteTable/private", table),
        ("KmsKey/project", key),
    ] {
        let step = &plan.steps[&node.parse()?];
        ensure!(
            step.action == Action::RemoveDuplicate,
            "{node}: {:?}: {}",
            step.action,
            step.reason
        );
        ensure!(
            step.id.as_ref() == Some(&kept.id),
            "{node}: {:?} stays in place of {}",
            step.id,
            kept.id
        );
        ensure!(
            step.duplicates.len() == 1 && step.reason.contains("that nothing uses"),
            "{}",
            step.reason
        );
    }
    environment.settle(Goal::Present).await?;
    let after = environment.observe_standing().await?;
    for (node, object) in &before {
        ensure!(
            after.get(node).map(|now| &now.id) == Some(&object.id),
            "{node} was replaced"
        );
    }
    let state = kms
        .describe_key()
        .key_id(&second)
        .send()
        .await?
        .key_metadata
        .and_then(|key| key.key_state);
    ensure!(
        state == Some(aws_sdk_kms::types::KeyState::PendingDeletion),
        "the second key is {state:?}"
    );
    Ok(())
}

fn tags(of: ResourceType, original: &Object) -> TagSpecification {
    let tags = original
        .tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    TagSpecification::builder()
        .resource_type(of)
        .set_tags(Some(tags.collect()))
        .build()
}
