//! What holds data is neither made twice nor lost.

use anyhow::{Context, Result, ensure};
use aws_sdk_kms::types::KeyState;
use aws_sdk_s3::primitives::ByteStream;
use secureml::api::{DeletionPolicies, DeletionPolicy};
use secureml::model::{NodeKey, Owner};
use secureml::plan::{Action, Goal, Object};

use crate::environment::{Environment, INSTALLATION, clients, observe, parse};
use crate::world::{Watched, cluster, controller, file, kubectl};

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
    environment.untag_key().await?;

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
            let (_, told) = pass.report.troubles().next().context("no trouble")?;
            ensure!(told.contains("held by objects: 1;"), "{told}");
            return Ok(());
        }
    }
    anyhow::bail!("nobody said why it stays")
}

#[tokio::test]
async fn a_key_on_its_way_out_comes_back_with_its_project() -> Result<()> {
    const ALL_GOES: &str = "  deletionPolicy: {buckets: Delete, keys: Delete, logs: Delete}\n";
    let rig = cluster().await?;
    let kube = kubectl(&rig)?;
    let controller = controller(&rig)?;
    let manifest = file(&rig, &format!("{}\n{ALL_GOES}", MINIMAL.trim_end()))?;
    let name = parse(MINIMAL)?.metadata.name.context("no name")?;
    let seen = Watched::new(kube, &name).await?;
    let aws = clients(rig.emulator.url()).await;
    let owner = Owner::new(INSTALLATION, "default", &name);
    let (project, ready) = (format!("smlp/{name}"), "--for=condition=Ready");
    let applied = async || {
        kube.kubectl_text(&["apply", "-f", &manifest]).await?;
        kube.kubectl_text(&["wait", ready, &project, "--timeout=120s"]).await
    };
    applied().await.with_context(|| controller.tail())?;
    let key = observe(&aws, &owner).await?["KmsKey/project"].clone();

    kube.kubectl_text(&["delete", &project, "--timeout=120s"]).await?;
    let described = aws.kms.describe_key().key_id(&key.id).send().await?.key_metadata;
    let state = described.and_then(|key| key.key_state).context("no state")?;
    ensure!(state == KeyState::PendingDeletion, "{state:?}");
    ensure!(observe(&aws, &owner).await?.len() == 1, "nothing else is left");

    applied().await.with_context(|| controller.tail())?;
    let back = observe(&aws, &owner).await?["KmsKey/project"].clone();
    ensure!(back.id == key.id && back.state == "Enabled", "{back:?}");
    // Name, policy, rotation, grants, state: everything is what it was.
    ensure!(
        back.attributes == key.attributes,
        "{}\n{}",
        key.attributes,
        back.attributes
    );
    ensure!(back.tags == key.tags && back.outputs == key.outputs, "{back:?}");
    let keys = aws.kms.list_keys().send().await?;
    ensure!(keys.keys().len() == 1, "{:?}", keys.keys());
    let calls = rig.proxy.calls();
    for (call, times) in [("kms:CreateKey", 1), ("kms:CancelKeyDeletion", 1), ("kms:EnableKey", 1)] {
        ensure!(
            calls.named(call).len() == times,
            "{call}:\n{}",
            calls.named("kms:*").writes().table()
        );
    }
    seen.ready().await?.map_err(anyhow::Error::msg)
}

#[tokio::test]
async fn who_has_a_policy_that_is_to_go_is_told() -> Result<()> {
    let mut environment = Environment::new(MINIMAL).await?;
    environment.settle(Goal::Present).await?;
    let objects = environment.observe().await?;
    let is_policy = |(node, _): &(&String, &Object)| node.starts_with("IamPolicy/");
    let (node, policy) = objects.iter().find(is_policy).context("no policy")?;
    let iam = &environment.aws.iam;
    iam.create_user().user_name("guest").send().await?;
    let attach = iam.attach_user_policy().user_name("guest");
    attach.policy_arn(&policy.outputs["arn"]).send().await?;

    for _ in 0..PASSES {
        let pass = environment.pass(Goal::Absent).await?;
        let told = pass.report.troubles().find(|(failed, _)| failed.to_string() == *node);
        if let Some((_, told)) = told {
            ensure!(told.contains("held by user that it is attached to: guest"), "{told}");
            return Ok(());
        }
    }
    anyhow::bail!("nobody said who has it")
}
