//! Lists and tags of Amazon SageMaker, the same for several kinds.

use std::sync::Arc;

use aws_sdk_sagemaker::types::{NotebookInstanceLifecycleConfigSummary, NotebookInstanceSummary, Tag};

use crate::aws::{Aws, pages};
use crate::engine::{Failure, Reader, Sent};
use crate::model::Tags;

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident: $item:ty = $call:literal, $request:ident, $items:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) async fn $name(reader: &Reader<'_>) -> Result<Arc<Vec<$item>>, Failure> {
            let aws = reader.aws();
            let fetch = async {
                Ok(pages!(aws, $call, aws.sagemaker.$request().max_results(100), set_next_token, next_token, $items))
            };
            reader.list($call, fetch).await
        }
    )*};
}

lists! {
    /// Every notebook instance: name, status, times.
    notebooks: NotebookInstanceSummary = "sagemaker:ListNotebookInstances", list_notebook_instances, notebook_instances;
    /// Every lifecycle configuration of notebook instances: name, times.
    lifecycle_configs: NotebookInstanceLifecycleConfigSummary = "sagemaker:ListNotebookInstanceLifecycleConfigs", list_notebook_instance_lifecycle_configs, notebook_instance_lifecycle_configs;
}

/// `tags` in SageMaker's form.
pub(crate) fn to_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// Tags from SageMaker's form.
pub(crate) fn from_tags(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?, tag.value()?))).collect()
}

/// Puts `tags` on the resource `arn`.
pub(crate) async fn add_tags(aws: &Aws, arn: &str, tags: &Tags) -> Result<Sent, Failure> {
    let request = aws.sagemaker.add_tags().resource_arn(arn).set_tags(Some(to_tags(tags)));
    aws.call("sagemaker:AddTags", request.send()).await?;
    Ok(Sent::done())
}

/// For creates: AWS has no client token for them and answers the second as if the name were somebody else's.
pub(crate) fn never_twice() -> aws_sdk_sagemaker::config::Builder {
    aws_sdk_sagemaker::config::Builder::new().retry_config(aws_config::retry::RetryConfig::disabled())
}
