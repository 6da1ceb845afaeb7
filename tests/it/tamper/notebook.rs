//! Whoever changes a notebook has to stop it, and here leaves it so: it is put right without a stop of ours.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_sagemaker::operation::update_notebook_instance::builders::UpdateNotebookInstanceFluentBuilder as Request;
use aws_sdk_sagemaker::types::{
    InstanceMetadataServiceConfiguration, InstanceType, NotebookInstanceStatus as Status, RootAccess, Tag,
};
use futures::FutureExt;
use secureml::kinds::notebook::RESTART_TAG;

use super::{GONE, Tamper, Target};

macro_rules! ways {
    ($($field:expr => $act:expr;)*) => {
        pub const TAMPERS: &[Tamper] = &[$(Tamper {
            kind: "Notebook",
            field: $field,
            act: |target| $act(target).boxed(),
        }),*];
    };
}

ways! {
    "instanceType" => |target| update(target, |request| request.instance_type(InstanceType::MlT3Xlarge));
    "roleArn" => role;
    "lifecycleConfig" => |target| update(target, |request| request.disassociate_lifecycle_config(true));
    "rootAccess" => |target| update(target, |request| request.root_access(RootAccess::Enabled));
    "platform" => |target| update(target, |request| request.platform_identifier("notebook-al2-v3"));
    "minimumImds" => |target| update(target, |request| request.instance_metadata_service_configuration(old_imds()));
    "defaultCodeRepository" => |target| update(target, |request| request.default_code_repository(REPOSITORY));
    "additionalCodeRepositories" =>
        |target| update(target, |request| request.additional_code_repositories(REPOSITORY));
    "restartPending" => restart;
    "tags" => tags;
    GONE => gone;
}

const REPOSITORY: &str = "https://github.com/somebody/something.git";

fn old_imds() -> InstanceMetadataServiceConfiguration {
    InstanceMetadataServiceConfiguration::builder()
        .minimum_instance_metadata_service_version("1")
        .build()
}

async fn update(target: &Target<'_>, change: fn(Request) -> Request) -> Result<()> {
    stop(target).await?;
    let request = target.aws.sagemaker.update_notebook_instance();
    let request = request.notebook_instance_name(&target.object.id);
    change(request).send().await?;
    until(target, &Status::Stopped).await
}

async fn role(target: &Target<'_>) -> Result<()> {
    stop(target).await?;
    let trust = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}]}"#;
    let request = target.aws.iam.create_role().role_name("somebody");
    let made = request.assume_role_policy_document(trust).send().await?;
    let arn = made.role.context("a role")?.arn;
    let request = target.aws.sagemaker.update_notebook_instance();
    let request = request.notebook_instance_name(&target.object.id);
    request.role_arn(arn).send().await?;
    until(target, &Status::Stopped).await
}

async fn restart(target: &Target<'_>) -> Result<()> {
    let tag = Tag::builder().key(RESTART_TAG).value("true").build();
    let arn = target.object.outputs["arn"].as_str();
    target
        .aws
        .sagemaker
        .add_tags()
        .resource_arn(arn)
        .tags(tag)
        .send()
        .await?;
    Ok(())
}

async fn tags(target: &Target<'_>) -> Result<()> {
    let arn = target.object.outputs["arn"].as_str();
    let request = target.aws.sagemaker.delete_tags().resource_arn(arn);
    request.tag_keys("NotebookOwnerEmail").send().await?;
    Ok(())
}

/// Stops the notebook, deletes it and waits until it is gone.
pub async fn gone(target: &Target<'_>) -> Result<()> {
    stop(target).await?;
    let request = target.aws.sagemaker.delete_notebook_instance();
    request.notebook_instance_name(&target.object.id).send().await?;
    for _ in 0..100 {
        if status(target).await.is_err() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("{} does not go", target.object.id)
}

async fn stop(target: &Target<'_>) -> Result<()> {
    if status(target).await? == Status::InService {
        let request = target.aws.sagemaker.stop_notebook_instance();
        request.notebook_instance_name(&target.object.id).send().await?;
    }
    until(target, &Status::Stopped).await
}

async fn until(target: &Target<'_>, wanted: &Status) -> Result<()> {
    for _ in 0..100 {
        if status(target).await? == *wanted {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("{} is not {wanted} in time", target.object.id)
}

async fn status(target: &Target<'_>) -> Result<Status> {
    let request = target.aws.sagemaker.describe_notebook_instance();
    let found = request.notebook_instance_name(&target.object.id).send().await?;
    found.notebook_instance_status.context("a status")
}
