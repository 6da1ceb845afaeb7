//! Amazon SageMaker notebook instance lifecycle configuration: the scripts that a notebook runs as root when it is
//! made and at every start.
//!
//! Known by its name. AWS has no tags in its list; they come from the list that all services share. The scripts are
//! read per object, when the time of the last change says so. A new script takes effect at a notebook's next start.
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-lifecycle-config.html>

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New};
use crate::model::Tags;
use crate::plan::Todo;

/// The most characters that a script may have in the form in which AWS takes it, base64.
pub const SCRIPT_LIMIT: usize = 16_384;

/// The kind.
pub struct LifecycleConfig;

/// What a lifecycle configuration is. The scripts stand as plain text, not as base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// What runs once, when a notebook is made.
    pub on_create: Option<String>,
    /// What runs at every start, and when a notebook is made.
    pub on_start: Option<String>,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args", rename_all_fields = "camelCase")]
pub enum Call {
    /// Makes it.
    #[serde(rename = "sagemaker:CreateNotebookInstanceLifecycleConfig")]
    Create {
        name: String,
        #[serde(flatten)]
        scripts: Attributes,
        tags: Tags,
    },
    /// Puts both scripts in the place of those it has.
    #[serde(rename = "sagemaker:UpdateNotebookInstanceLifecycleConfig")]
    Update {
        name: String,
        #[serde(flatten)]
        scripts: Attributes,
    },
    /// Restores tags.
    #[serde(rename = "sagemaker:AddTags")]
    Tag { name: String, tags: Tags },
    /// Removes it.
    #[serde(rename = "sagemaker:DeleteNotebookInstanceLifecycleConfig")]
    Delete { name: String },
}

impl Kind for LifecycleConfig {
    const NAME: &'static str = "LifecycleConfig";
    const FIELDS: &'static [Field] = &[
        Field::in_place("onCreate").critical(),
        Field::in_place("onStart").critical(),
    ];
    const IDENTITY: Identity = Identity::Name;
    const PERMISSIONS: &'static [&'static str] = &[
        "sagemaker:AddTags",
        "sagemaker:CreateNotebookInstanceLifecycleConfig",
        "sagemaker:DeleteNotebookInstanceLifecycleConfig",
        "sagemaker:DescribeNotebookInstanceLifecycleConfig",
        "sagemaker:ListNotebookInstanceLifecycleConfigs",
        "sagemaker:UpdateNotebookInstanceLifecycleConfig",
        "tag:GetResources",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        vec![Call::Create {
            name: new.name.clone(),
            scripts: new.attributes.clone(),
            tags: new.tags.clone(),
        }]
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, _changed: &Changed<'_>) -> Todo<Call> {
        Todo::now(vec![Call::Update {
            name: current.id.clone(),
            scripts: desired.clone(),
        }])
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            name: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        Todo::now(vec![Call::Delete {
            name: current.id.clone(),
        }])
    }
}

#[cfg(feature = "aws")]
mod live {
    use aws_sdk_sagemaker::types::{
        NotebookInstanceLifecycleConfigSummary as Summary, NotebookInstanceLifecycleHook as Hook,
    };
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    use super::{Attributes, Call, LifecycleConfig};
    use crate::aws::Aws;
    use crate::engine::{Failure, Live, Observed, Reader, Sent, observe_each};
    use crate::kinds::shared::sagemaker::{add_tags, lifecycle_configs, never_twice, to_tags};
    use crate::kinds::shared::tagged::tagged;
    use crate::model::Tags;

    impl Live for LifecycleConfig {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let (configs, tags) = futures::try_join!(lifecycle_configs(reader), tagged(reader))?;
            let (mut ours, mut found) = (Vec::new(), Vec::new());
            for config in configs.iter() {
                let name = config.notebook_instance_lifecycle_config_name().unwrap_or_default();
                let arn = config.notebook_instance_lifecycle_config_arn().unwrap_or_default();
                let tags = reader.recognised(name, tags.get(arn).cloned().unwrap_or_default());
                if !reader.is_ours(&tags) {
                    found.push(Observed::foreign(name, tags));
                    continue;
                }
                ours.push((name.to_owned(), tags.clone(), look(reader, config, tags)));
            }
            found.extend(observe_each(ours).await);
            Ok(found)
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            match call {
                Call::Create { name, scripts, tags } => {
                    let request = aws.sagemaker.create_notebook_instance_lifecycle_config();
                    let request = request.notebook_instance_lifecycle_config_name(&name);
                    let request = request.set_on_create(hooks(scripts.on_create));
                    let request = request.set_on_start(hooks(scripts.on_start)).set_tags(Some(to_tags(&tags)));
                    let request = request.customize().config_override(never_twice());
                    let answer = aws.call("sagemaker:CreateNotebookInstanceLifecycleConfig", request.send()).await?;
                    let arn = answer.notebook_instance_lifecycle_config_arn.unwrap_or_default();
                    Ok(Sent::made(name).output("arn", arn))
                }
                Call::Update { name, scripts } => {
                    let request = aws.sagemaker.update_notebook_instance_lifecycle_config();
                    let request = request.notebook_instance_lifecycle_config_name(name);
                    let request = request.set_on_create(hooks(scripts.on_create));
                    let request = request.set_on_start(hooks(scripts.on_start));
                    aws.call("sagemaker:UpdateNotebookInstanceLifecycleConfig", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::Tag { name, tags } => {
                    let request = aws.sagemaker.describe_notebook_instance_lifecycle_config();
                    let request = request.notebook_instance_lifecycle_config_name(name);
                    let found = aws.call("sagemaker:DescribeNotebookInstanceLifecycleConfig", request.send()).await?;
                    add_tags(aws, found.notebook_instance_lifecycle_config_arn().unwrap_or_default(), &tags).await
                }
                Call::Delete { name } => {
                    let request = aws.sagemaker.delete_notebook_instance_lifecycle_config();
                    let request = request.notebook_instance_lifecycle_config_name(name);
                    aws.call("sagemaker:DeleteNotebookInstanceLifecycleConfig", request.send()).await?;
                    Ok(Sent::done())
                }
            }
        }
    }

    async fn look(reader: &Reader<'_>, listed: &Summary, tags: Tags) -> Result<Observed<Attributes>, Failure> {
        let aws = reader.aws();
        let name = listed.notebook_instance_lifecycle_config_name().unwrap_or_default();
        let mark = listed.last_modified_time().map(ToString::to_string).unwrap_or_default();
        let fetch = async {
            let request = aws.sagemaker.describe_notebook_instance_lifecycle_config();
            let request = request.notebook_instance_lifecycle_config_name(name);
            let found = aws.call("sagemaker:DescribeNotebookInstanceLifecycleConfig", request.send()).await?;
            Ok(Attributes {
                on_create: text(found.on_create()),
                on_start: text(found.on_start()),
            })
        };
        let scripts = reader.detail(name, "scripts", &mark, fetch).await?;
        let arn = listed.notebook_instance_lifecycle_config_arn().unwrap_or_default();
        Ok(Observed::new(name, tags, scripts.as_ref().clone()).output("arn", arn))
    }

    /// The script as text. What is not base64 or not text is none of ours: any form of it differs from ours.
    fn text(hooks: &[Hook]) -> Option<String> {
        let content = hooks.first()?.content()?;
        let bytes = BASE64_STANDARD.decode(content).unwrap_or_default();
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// An empty list takes the script away that is there.
    fn hooks(script: Option<String>) -> Option<Vec<Hook>> {
        let hook = |script| Hook::builder().content(BASE64_STANDARD.encode(script)).build();
        Some(script.into_iter().map(hook).collect())
    }
}
