use aws_sdk_sagemaker::operation::describe_notebook_instance::DescribeNotebookInstanceOutput as Described;
use aws_sdk_sagemaker::operation::update_notebook_instance::builders::UpdateNotebookInstanceFluentBuilder as Request;
use aws_sdk_sagemaker::types::{
    DirectInternetAccess, InstanceMetadataServiceConfiguration, NotebookInstanceStatus as Status,
    NotebookInstanceSummary as Summary, RootAccess,
};

use super::{Attributes, Call, Notebook, RESTART_TAG, Setting};
use crate::aws::Aws;
use crate::engine::{Failure, Live, Observed, Reader, Sent, observe_each};
use crate::kinds::shared::sagemaker::{add_tags, from_tags, never_twice, notebooks, to_tags};
use crate::kinds::shared::tagged::tagged;
use crate::model::{Tags, Words};
use crate::plan::Phase;

/// Where SageMaker writes what a notebook's scripts and Jupyter say.
const LOG_GROUP: &str = "/aws/sagemaker/NotebookInstances";

impl Live for Notebook {
    async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
        let (listed, tags) = futures::try_join!(notebooks(reader), tagged(reader))?;
        let (mut ours, mut found) = (Vec::new(), Vec::new());
        for notebook in listed.iter() {
            let name = notebook.notebook_instance_name().unwrap_or_default();
            let arn = notebook.notebook_instance_arn().unwrap_or_default();
            let tags = reader.recognised(name, tags.get(arn).cloned().unwrap_or_default());
            if reader.is_ours(&tags) {
                ours.push((name.to_owned(), tags.clone(), look(reader, notebook, tags)));
            } else {
                found.push(Observed::foreign(name, tags));
            }
        }
        found.extend(observe_each(ours).await);
        Ok(found)
    }

    async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
        match call {
            Call::Create { name, attributes, tags } => create(aws, &name, *attributes, &tags).await,
            Call::Stop { name } => {
                let request = aws.sagemaker.stop_notebook_instance().notebook_instance_name(name);
                aws.call("sagemaker:StopNotebookInstance", request.send()).await?;
                Ok(Sent::done().pending("the notebook is being stopped"))
            }
            Call::Update { name, settings } => {
                let request = aws.sagemaker.update_notebook_instance().notebook_instance_name(name);
                let request = settings.into_iter().fold(request, set);
                aws.call("sagemaker:UpdateNotebookInstance", request.send()).await?;
                Ok(Sent::done().pending("the notebook is being updated"))
            }
            Call::Start { name } => {
                let request = aws.sagemaker.start_notebook_instance().notebook_instance_name(name);
                aws.call("sagemaker:StartNotebookInstance", request.send()).await?;
                Ok(Sent::done().pending("the notebook is starting"))
            }
            Call::Tag { name, tags } => add_tags(aws, &arn(aws, &name).await?, &tags).await,
            Call::Untag { name, key } => {
                let arn = arn(aws, &name).await?;
                let request = aws.sagemaker.delete_tags().resource_arn(arn).tag_keys(key);
                aws.call("sagemaker:DeleteTags", request.send()).await?;
                Ok(Sent::done())
            }
            Call::Delete { name } => {
                let request = aws.sagemaker.delete_notebook_instance().notebook_instance_name(name);
                aws.call("sagemaker:DeleteNotebookInstance", request.send()).await?;
                Ok(Sent::done().pending("the notebook is being deleted"))
            }
        }
    }
}

async fn create(aws: &Aws, name: &str, attributes: Attributes, tags: &Tags) -> Result<Sent, Failure> {
    let repositories = Some(attributes.additional_code_repositories).filter(|all| !all.is_empty());
    let request = aws
        .sagemaker
        .create_notebook_instance()
        .notebook_instance_name(name)
        .instance_type(attributes.instance_type.as_str().into())
        .set_subnet_id(attributes.subnet)
        .set_security_group_ids(Some(attributes.groups.into_iter().collect()))
        .role_arn(attributes.role_arn)
        .set_kms_key_id(attributes.kms_key)
        .set_tags(Some(to_tags(tags)))
        .set_lifecycle_config_name(attributes.lifecycle_config)
        .direct_internet_access(match attributes.direct_internet_access {
            true => DirectInternetAccess::Enabled,
            false => DirectInternetAccess::Disabled,
        })
        .volume_size_in_gb(attributes.volume_size_gib)
        .set_default_code_repository(attributes.default_code_repository)
        .set_additional_code_repositories(repositories.map(|all| all.into_iter().collect()))
        .root_access(root_access(attributes.root_access))
        .platform_identifier(attributes.platform)
        .instance_metadata_service_configuration(imds(attributes.minimum_imds))
        .customize()
        .config_override(never_twice());
    let answer = aws.call("sagemaker:CreateNotebookInstance", request.send()).await?;
    let arn = answer.notebook_instance_arn.unwrap_or_default();
    Ok(Sent::made(name).output("arn", arn).pending("the notebook is starting"))
}

/// The request with one more setting. What is to be taken away is named by a flag: a field left out stays.
fn set(request: Request, setting: Setting) -> Request {
    match setting {
        Setting::InstanceType(value) => request.instance_type(value.as_str().into()),
        Setting::RoleArn(value) => request.role_arn(value),
        Setting::LifecycleConfig(Some(value)) => request.lifecycle_config_name(value),
        Setting::LifecycleConfig(None) => request.disassociate_lifecycle_config(true),
        Setting::VolumeSizeGib(value) => request.volume_size_in_gb(value),
        Setting::RootAccess(value) => request.root_access(root_access(value)),
        Setting::Platform(value) => request.platform_identifier(value),
        Setting::MinimumImds(value) => request.instance_metadata_service_configuration(imds(value)),
        Setting::DefaultCodeRepository(Some(value)) => request.default_code_repository(value),
        Setting::DefaultCodeRepository(None) => request.disassociate_default_code_repository(true),
        Setting::AdditionalCodeRepositories(all) if all.is_empty() => {
            request.disassociate_additional_code_repositories(true)
        }
        Setting::AdditionalCodeRepositories(all) => {
            request.set_additional_code_repositories(Some(all.into_iter().collect()))
        }
    }
}

fn root_access(enabled: bool) -> RootAccess {
    if enabled { RootAccess::Enabled } else { RootAccess::Disabled }
}

fn imds(minimum: String) -> InstanceMetadataServiceConfiguration {
    InstanceMetadataServiceConfiguration::builder()
        .minimum_instance_metadata_service_version(minimum)
        .build()
}

async fn arn(aws: &Aws, name: &str) -> Result<String, Failure> {
    let request = aws.sagemaker.describe_notebook_instance().notebook_instance_name(name);
    let found = aws.call("sagemaker:DescribeNotebookInstance", request.send()).await?;
    Ok(found.notebook_instance_arn.unwrap_or_default())
}

async fn look(reader: &Reader<'_>, listed: &Summary, tags: Tags) -> Result<Observed<Attributes>, Failure> {
    let name = listed.notebook_instance_name().unwrap_or_default();
    let arn = listed.notebook_instance_arn().unwrap_or_default();
    let state = listed.notebook_instance_status().map_or("", Status::as_str);
    let changed = listed.last_modified_time().map(ToString::to_string).unwrap_or_default();
    let mark = format!("{state} {changed}");
    let fetch = async {
        let aws = reader.aws();
        let request = aws.sagemaker.describe_notebook_instance().notebook_instance_name(name);
        aws.call("sagemaker:DescribeNotebookInstance", request.send()).await
    };
    let found = reader.detail(name, "instance", &mark, fetch).await?;
    let tags = match state {
        "Stopped" | "Failed" => own_tags(reader, name, arn, &format!("{mark} {:?}", tags.0)).await?,
        _ => tags,
    };
    let attributes = attributes(&found, tags.get(RESTART_TAG).is_some());
    let observed = Observed::new(name, tags, attributes)
        .output("arn", arn)
        .state(state, phase(name, state, found.failure_reason()));
    Ok(match found.url().filter(|url| !url.is_empty()) {
        Some(url) => observed.output("url", url),
        None => observed,
    })
}

/// The tags as SageMaker has them. The list of all services' tags lags behind, and whether a stopped notebook is to
/// be started again hangs on one of them.
async fn own_tags(reader: &Reader<'_>, name: &str, arn: &str, mark: &str) -> Result<Tags, Failure> {
    let fetch = async {
        let aws = reader.aws();
        let mut tags = Vec::new();
        let mut token = None;
        loop {
            let request = aws.sagemaker.list_tags().resource_arn(arn).set_next_token(token);
            let page = aws.call("sagemaker:ListTags", request.send()).await?;
            tags.extend(page.tags.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(from_tags(&tags));
            }
        }
    };
    Ok(reader.detail(name, "tags", mark, fetch).await?.as_ref().clone())
}

/// What is absent from the answer is AWS's default.
fn attributes(found: &Described, restart_pending: bool) -> Attributes {
    let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let imds = found.instance_metadata_service_configuration();
    let imds = imds.map(InstanceMetadataServiceConfiguration::minimum_instance_metadata_service_version);
    Attributes {
        instance_type: found.instance_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        subnet: owned(found.subnet_id()),
        groups: found.security_groups().iter().cloned().collect(),
        role_arn: owned(found.role_arn()).unwrap_or_default(),
        kms_key: owned(found.kms_key_id()),
        lifecycle_config: owned(found.notebook_instance_lifecycle_config_name()),
        volume_size_gib: found.volume_size_in_gb().unwrap_or(5),
        direct_internet_access: found.direct_internet_access() != Some(&DirectInternetAccess::Disabled),
        root_access: found.root_access() != Some(&RootAccess::Disabled),
        platform: owned(found.platform_identifier()).unwrap_or_else(|| "notebook-al2023-v1".to_owned()),
        minimum_imds: imds.flatten().unwrap_or("1").to_owned(),
        default_code_repository: owned(found.default_code_repository()),
        additional_code_repositories: found.additional_code_repositories().iter().cloned().collect(),
        restart_pending,
    }
}

/// A state that is not known, AWS's own maintenance among them, is waited for.
fn phase(name: &str, state: &str, failure: Option<&str>) -> Phase {
    match state {
        "InService" | "Stopped" => Phase::Ready,
        "Failed" => Phase::Broken(format!(
            "it failed: {}; the log of its start is in {LOG_GROUP}, stream {name}/LifecycleConfigOnStart",
            Words::from(failure.unwrap_or("AWS gives no reason"))
        )),
        _ => Phase::Busy(format!("AWS is at work on it: {state}")),
    }
}
