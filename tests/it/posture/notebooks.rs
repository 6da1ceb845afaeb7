use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_sagemaker::operation::describe_notebook_instance::DescribeNotebookInstanceOutput as Notebook;
use aws_sdk_sagemaker::types::{DirectInternetAccess, InstanceType, NotebookInstanceStatus as Status, RootAccess};
use futures::FutureExt;
use secureml::aws::Aws;

use super::{Control, FOREIGN, Spoil, Verdict};

/// What the standard takes for a platform that is maintained.
const PLATFORM: &str = "notebook-al2023-v1";
const NOTEBOOK: &str = "Notebook/ana";

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "SageMaker.1",
        asks: "notebooks have no direct internet access",
        read: |aws| {
            each(aws, |one| {
                one.direct_internet_access() == Some(&DirectInternetAccess::Disabled)
            })
            .boxed()
        },
        spoil: Spoil::Beside(|aws| put(aws).boxed()),
    },
    Control {
        id: "SageMaker.2",
        asks: "notebooks are in a VPC of the customer's",
        read: |aws| each(aws, |one| one.subnet_id().is_some()).boxed(),
        spoil: Spoil::Beside(|aws| put(aws).boxed()),
    },
    Control {
        id: "SageMaker.3",
        asks: "users of notebooks are not root",
        read: |aws| each(aws, |one| one.root_access() == Some(&RootAccess::Disabled)).boxed(),
        spoil: Spoil::Field(NOTEBOOK, "rootAccess"),
    },
    Control {
        id: "SageMaker.8",
        asks: "notebooks run on a supported platform",
        read: |aws| each(aws, |one| one.platform_identifier() == Some(PLATFORM)).boxed(),
        spoil: Spoil::Field(NOTEBOOK, "platform"),
    },
    Control {
        id: "SageMaker.21",
        asks: "volumes of notebooks are encrypted with a key of the customer's",
        read: |aws| each(aws, |one| one.kms_key_id().is_some_and(|key| !key.is_empty())).boxed(),
        spoil: Spoil::Beside(|aws| put(aws).boxed()),
    },
];

async fn each(aws: &Aws, passes: fn(&Notebook) -> bool) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let list = aws.sagemaker.list_notebook_instances().send().await?;
    for summary in list.notebook_instances() {
        let name = summary.notebook_instance_name().unwrap_or_default();
        let notebook = aws
            .sagemaker
            .describe_notebook_instance()
            .notebook_instance_name(name)
            .send()
            .await?;
        verdict.note(name, passes(&notebook));
    }
    Ok(verdict)
}

/// A notebook as the console makes it when nobody thinks about it.
async fn put(aws: &Aws) -> Result<()> {
    let roles = aws.iam.list_roles().send().await?;
    let role = roles
        .roles()
        .iter()
        .find(|role| role.role_name().contains("notebook"))
        .context("no role")?;
    let request = aws.sagemaker.create_notebook_instance().notebook_instance_name(FOREIGN);
    let request = request.instance_type(InstanceType::MlT3Medium).role_arn(role.arn());
    request.send().await?;
    Ok(())
}

/// Removes that notebook.
pub(super) async fn clear(aws: &Aws) -> Result<()> {
    for _ in 0..100 {
        let found = aws
            .sagemaker
            .describe_notebook_instance()
            .notebook_instance_name(FOREIGN)
            .send()
            .await;
        let Ok(found) = found else { return Ok(()) };
        match found.notebook_instance_status() {
            Some(Status::InService) => {
                aws.sagemaker
                    .stop_notebook_instance()
                    .notebook_instance_name(FOREIGN)
                    .send()
                    .await?;
            }
            Some(Status::Stopped | Status::Failed) => {
                aws.sagemaker
                    .delete_notebook_instance()
                    .notebook_instance_name(FOREIGN)
                    .send()
                    .await?;
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("{FOREIGN} does not go")
}
