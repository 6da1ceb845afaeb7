use anyhow::Result;
use aws_sdk_sagemaker::types::NotebookInstanceLifecycleHook as Hook;
use futures::FutureExt;

use super::{GONE, Tamper, Target};

pub const TAMPERS: &[Tamper] = &[
    Tamper {
        kind: "LifecycleConfig",
        field: "onCreate",
        act: |target| on_create(target).boxed(),
    },
    Tamper {
        kind: "LifecycleConfig",
        field: "onStart",
        act: |target| on_start(target).boxed(),
    },
    Tamper {
        kind: "LifecycleConfig",
        field: "tags",
        act: |target| tags(target).boxed(),
    },
    Tamper {
        kind: "LifecycleConfig",
        field: GONE,
        act: |target| gone(target).boxed(),
    },
];

/// `echo mine`
const MINE: &str = "ZWNobyBtaW5l";

async fn on_create(target: &Target<'_>) -> Result<()> {
    let request = target.aws.sagemaker.update_notebook_instance_lifecycle_config();
    let request = request.notebook_instance_lifecycle_config_name(&target.object.id);
    request.on_create(Hook::builder().content(MINE).build()).send().await?;
    Ok(())
}

async fn on_start(target: &Target<'_>) -> Result<()> {
    let request = target.aws.sagemaker.update_notebook_instance_lifecycle_config();
    let request = request.notebook_instance_lifecycle_config_name(&target.object.id);
    request.on_start(Hook::builder().content(MINE).build()).send().await?;
    Ok(())
}

async fn tags(target: &Target<'_>) -> Result<()> {
    let arn = target.object.outputs["arn"].as_str();
    let request = target.aws.sagemaker.delete_tags().resource_arn(arn);
    request.tag_keys("ProjectName").send().await?;
    Ok(())
}

async fn gone(target: &Target<'_>) -> Result<()> {
    let request = target.aws.sagemaker.delete_notebook_instance_lifecycle_config();
    let request = request.notebook_instance_lifecycle_config_name(&target.object.id);
    request.send().await?;
    Ok(())
}
