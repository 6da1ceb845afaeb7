//! What holds data is neither made twice nor lost.

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use secureml::api::{DeletionPolicies, DeletionPolicy};
use secureml::model::NodeKey;
use secureml::plan::{Action, Goal};

use crate::environment::{Environment, parse};

/// How many passes a deletion may take to come to the buckets.
const PASSES: usize = 20;
const MINIMAL: &str = include_str!("../../examples/minimal.yaml");

#[tokio::test]
async fn a_key_whose_name_is_in_use_is_not_made() -> Result<()> {
    let mut environment = Environment::new(MINIMAL).await?;
    let kms = environment.aws.kms.clone();
    let theirs = kms.create_key().send().await?.key_metadata.context("no key")?;
    let alias = kms.create_alias().alias_name("alias/ds-kms-cmk-churn-dev");
    alias.target_key_id(&theirs.key_id).send().await?;

    let pass = environment.pass(Goal::Present).await?;
    let key = &pass.plan.steps[&NodeKey::new("KmsKey", "project")];
    ensure!(key.action == Action::Conflict, "{:?}: {}", key.action, key.reason);
    let keys = pass.writes.iter().filter(|call| call.starts_with("kms:"));
    ensure!(keys.count() == 0, "{:?}", pass.writes);
    Ok(())
}

#[tokio::test]
async fn a_key_that_lost_its_tags_is_not_replaced() -> Result<()> {
    let mut environment = Environment::new(MINIMAL).await?;
    environment.settle(Goal::Present).await?;
    let key = environment.observe().await?["KmsKey/project"].clone();
    let tags = key.tags.iter().map(|(name, _)| name.to_owned()).collect();
    let request = environment.aws.kms.untag_resource().key_id(&key.id);
    request.set_tag_keys(Some(tags)).send().await?;

    // A process that saw it with its tags puts them back; one that starts now cannot know whose it is.
    environment.restart();
    let pass = environment.pass(Goal::Present).await?;
    let step = &pass.plan.steps[&NodeKey::new("KmsKey", "project")];
    ensure!(step.action == Action::Conflict, "{:?}: {}", step.action, step.reason);
    ensure!(pass.writes.is_empty(), "{:?}", pass.writes);
    Ok(())
}

#[tokio::test]
async fn a_full_bucket_says_why_it_stays() -> Result<()> {
    let mut environment = Environment::new(MINIMAL).await?;
    environment.settle(Goal::Present).await?;
    let bucket = environment.observe().await?["Bucket/data"].id.clone();
    let request = environment.aws.s3.put_object().bucket(bucket).key("rows");
    request.body(ByteStream::from_static(b"1,2")).send().await?;
    let mut spec = parse(MINIMAL)?.spec;
    spec.deletion_policy = DeletionPolicies {
        buckets: DeletionPolicy::Delete,
        ..DeletionPolicies::default()
    };
    environment.declare(spec).await?;

    // What else goes may hold it up for a pass.
    for _ in 0..PASSES {
        let pass = environment.pass(Goal::Absent).await?;
        let said = pass
            .report
            .failures()
            .find(|(node, _)| node.to_string() == "Bucket/data");
        if let Some((_, failure)) = said {
            ensure!(failure.message.contains("still holds objects"), "{failure}");
            return Ok(());
        }
    }
    anyhow::bail!("nobody said why it stays")
}
