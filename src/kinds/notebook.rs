//! Amazon SageMaker notebook instance: a machine with Jupyter, in the project's network.
//!
//! Known by its name. It passes through states: what has to be changed while it is stopped is changed over several
//! passes, and each pass sees from AWS alone how far the last one came. A running notebook that we stop gets the tag
//! [`RESTART_TAG`] first; whoever finds a stopped notebook with the tag, nothing to change any more, starts it. One
//! that somebody else stopped has no such tag and is never started. Network, key and internet access never change on
//! a living notebook, and its volume only grows.
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateNotebookInstance.html>

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Changed, Current, Field, Identity, Kind, New, Terms};
use crate::model::Tags;
use crate::plan::{Effect, Todo};

/// Says on a notebook that we stopped it and have to start it again.
pub const RESTART_TAG: &str = "secureml.dev/restart";

/// The kind.
pub struct Notebook;

/// What a notebook is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// The instance type.
    pub instance_type: String,
    /// The subnet it stands in, by id; none is a network of SageMaker's.
    pub subnet: Option<String>,
    /// Its security groups, by id.
    pub groups: BTreeSet<String>,
    /// The ARN of its execution role.
    pub role_arn: String,
    /// The ARN of the key of its volume; none is a key of SageMaker's.
    pub kms_key: Option<String>,
    /// The name of its lifecycle configuration.
    pub lifecycle_config: Option<String>,
    /// The size of its volume in GiB.
    pub volume_size_gib: i32,
    /// Whether SageMaker gives it a way to the internet of its own.
    pub direct_internet_access: bool,
    /// Whether its user may become root.
    pub root_access: bool,
    /// Its operating system: `notebook-al2023-v1`.
    pub platform: String,
    /// The oldest version of the instance metadata service that answers: `1` or `2`.
    pub minimum_imds: String,
    /// The repository that Jupyter opens in.
    pub default_code_repository: Option<String>,
    /// More repositories in it.
    pub additional_code_repositories: BTreeSet<String>,
    /// Whether it carries [`RESTART_TAG`].
    #[serde(default)]
    pub restart_pending: bool,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes it; it is started at once.
    #[serde(rename = "sagemaker:CreateNotebookInstance")]
    Create {
        name: String,
        attributes: Box<Attributes>,
        tags: Tags,
    },
    /// Stops it. Its volume stays.
    #[serde(rename = "sagemaker:StopNotebookInstance")]
    Stop { name: String },
    /// Changes it while it is stopped.
    #[serde(rename = "sagemaker:UpdateNotebookInstance")]
    Update { name: String, settings: Vec<Setting> },
    /// Starts it.
    #[serde(rename = "sagemaker:StartNotebookInstance")]
    Start { name: String },
    /// Adds or restores tags.
    #[serde(rename = "sagemaker:AddTags")]
    Tag { name: String, tags: Tags },
    /// Removes a tag.
    #[serde(rename = "sagemaker:DeleteTags")]
    Untag { name: String, key: String },
    /// Removes it, with its volume.
    #[serde(rename = "sagemaker:DeleteNotebookInstance")]
    Delete { name: String },
}

/// One setting that can be changed while the notebook is stopped. What an update does not name stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Setting {
    /// See [`Attributes::instance_type`].
    InstanceType(String),
    /// See [`Attributes::role_arn`].
    RoleArn(String),
    /// See [`Attributes::lifecycle_config`].
    LifecycleConfig(Option<String>),
    /// See [`Attributes::volume_size_gib`].
    VolumeSizeGib(i32),
    /// See [`Attributes::root_access`].
    RootAccess(bool),
    /// See [`Attributes::platform`].
    Platform(String),
    /// See [`Attributes::minimum_imds`].
    MinimumImds(String),
    /// See [`Attributes::default_code_repository`].
    DefaultCodeRepository(Option<String>),
    /// See [`Attributes::additional_code_repositories`].
    AdditionalCodeRepositories(BTreeSet<String>),
}

/// The fields that an update sets, and how.
type Settable = (&'static str, fn(&Attributes) -> Setting);

const SETTABLE: &[Settable] = &[
    ("instanceType", |a| Setting::InstanceType(a.instance_type.clone())),
    ("roleArn", |a| Setting::RoleArn(a.role_arn.clone())),
    ("lifecycleConfig", |a| Setting::LifecycleConfig(a.lifecycle_config.clone())),
    ("volumeSizeGib", |a| Setting::VolumeSizeGib(a.volume_size_gib)),
    ("rootAccess", |a| Setting::RootAccess(a.root_access)),
    ("platform", |a| Setting::Platform(a.platform.clone())),
    ("minimumImds", |a| Setting::MinimumImds(a.minimum_imds.clone())),
    ("defaultCodeRepository", |a| {
        Setting::DefaultCodeRepository(a.default_code_repository.clone())
    }),
    ("additionalCodeRepositories", |a| {
        Setting::AdditionalCodeRepositories(a.additional_code_repositories.clone())
    }),
];

impl Kind for Notebook {
    const NAME: &'static str = "Notebook";
    const TERMS: Option<Terms> = Some(Terms {
        stop: "stop the notebook, or set its updatePolicy: Immediate",
        replace: "set the spec back, or set the notebook's replacePolicy: LoseVolume, which loses what is on its volume",
    });
    const FIELDS: &'static [Field] = &[
        Field::stop_first("instanceType"),
        Field::replace("subnet").critical(),
        Field::replace("groups").critical(),
        Field::stop_first("roleArn").critical(),
        Field::replace("kmsKey").critical(),
        Field::stop_first("lifecycleConfig").critical(),
        // It can grow: see `effect`.
        Field::replace("volumeSizeGib"),
        Field::replace("directInternetAccess").critical(),
        Field::stop_first("rootAccess").critical(),
        Field::stop_first("platform"),
        Field::stop_first("minimumImds").critical(),
        Field::stop_first("defaultCodeRepository"),
        Field::stop_first("additionalCodeRepositories"),
        Field::finish("restartPending"),
    ];
    const IDENTITY: Identity = Identity::Name;
    const PERMISSIONS: &'static [&'static str] = &[
        "ec2:CreateNetworkInterface",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "iam:PassRole",
        "kms:CreateGrant",
        "kms:DescribeKey",
        "sagemaker:AddTags",
        "sagemaker:CreateNotebookInstance",
        "sagemaker:DeleteNotebookInstance",
        "sagemaker:DeleteTags",
        "sagemaker:DescribeNotebookInstance",
        "sagemaker:ListNotebookInstances",
        "sagemaker:ListTags",
        "sagemaker:StartNotebookInstance",
        "sagemaker:StopNotebookInstance",
        "sagemaker:UpdateNotebookInstance",
        "tag:GetResources",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        vec![Call::Create {
            name: new.name.clone(),
            attributes: Box::new(new.attributes.clone()),
            tags: new.tags.clone(),
        }]
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let name = || current.id.clone();
        let settable = SETTABLE.iter().filter(|(field, _)| changed.has(field));
        let settings: Vec<Setting> = settable.map(|(_, setting)| setting(desired)).collect();
        let pending = current.attributes.restart_pending;
        let running = Self::in_use(&current.state);
        let unmark = Call::Untag {
            name: name(),
            key: RESTART_TAG.to_owned(),
        };
        let start = [Call::Start { name: name() }, unmark];
        if settings.is_empty() {
            let [start, unmark] = start;
            return Todo::now(if running { vec![unmark] } else { vec![start, unmark] });
        }
        // Whoever made a notebook that failed wanted it to run.
        let to_restart = running || pending || current.state == FAILED;
        let mark = (to_restart && !pending).then(|| Call::Tag {
            name: name(),
            tags: Tags::default().with(RESTART_TAG, "true"),
        });
        let update = Call::Update { name: name(), settings };
        let mut now: Vec<Call> = mark.into_iter().collect();
        let mut then = Vec::new();
        if running {
            now.push(Call::Stop { name: name() });
            then.push(update);
        } else {
            now.push(update);
        }
        if to_restart {
            then.extend(start);
        }
        Todo::then(now, then)
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            name: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        let name = current.id.clone();
        let delete = Call::Delete { name: name.clone() };
        if Self::in_use(&current.state) {
            Todo::then(vec![Call::Stop { name }], vec![delete])
        } else {
            Todo::now(vec![delete])
        }
    }

    fn effect(field: &Field, before: &Value, after: &Value) -> Effect {
        if field.name == "volumeSizeGib" && after.as_i64() > before.as_i64() {
            return Effect::StopFirst;
        }
        field.effect
    }

    fn in_use(state: &str) -> bool {
        state == "InService"
    }
}

const FAILED: &str = "Failed";

#[cfg(feature = "aws")]
mod live;
