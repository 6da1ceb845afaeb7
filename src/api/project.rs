use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The declaration of one secure machine-learning environment on AWS.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secureml.dev",
    version = "v1alpha1",
    kind = "SecureMLProject",
    plural = "securemlprojects",
    shortname = "smlp",
    category = "secureml",
    namespaced,
    status = "crate::api::SecureMLProjectStatus",
    derive = "PartialEq",
    derive = "Default",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].reason"}"#,
    printcolumn = r#"{"name":"VPC","type":"string","jsonPath":".status.outputs.vpcId"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].message","priority":1}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecureMLProjectSpec {
    /// The project's name in AWS names and tags; the name of this object unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_name: Option<String>,
    /// The stage this environment serves.
    pub environment_type: EnvironmentType,
    /// Tags on every resource, beside those of the project itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The private network.
    #[serde(default)]
    pub network: Network,
    /// The VPC endpoints, the only ways out of the network.
    #[serde(default)]
    pub endpoints: Endpoints,
    /// The keys.
    #[serde(default)]
    pub encryption: Encryption,
    /// Who may use the environment.
    #[serde(default)]
    pub access: Access,
    /// The SageMaker notebook instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notebooks: Vec<Notebook>,
    /// What is done about differences that nobody declared.
    #[serde(default)]
    pub drift: Drift,
    /// What becomes of data when the project is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicies,
}

/// A stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentType {
    /// Development.
    #[default]
    Dev,
    /// Test.
    Test,
    /// Production.
    Prod,
}

impl EnvironmentType {
    /// As it stands in names and tags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Prod => "prod",
        }
    }
}

/// The private network of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Network {
    /// The addresses of the VPC: /16 to /24. Cannot be changed.
    #[schemars(with = "String")]
    pub vpc_cidr: Ipv4Net,
    /// The addresses of the private subnets, one for each availability zone; two or three, inside the VPC's. When
    /// absent, three are cut from the VPC's.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnet_cidrs: Vec<Ipv4Net>,
    /// How many days the VPC flow logs are kept.
    pub flow_log_retention_days: i32,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            vpc_cidr: Ipv4Net::new_assert([10, 2, 0, 0].into(), 16),
            subnet_cidrs: Vec::new(),
            flow_log_retention_days: 365,
        }
    }
}

/// The VPC endpoints of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Endpoints {
    /// Which endpoints there are.
    pub set: EndpointSet,
}

/// A set of VPC endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EndpointSet {
    /// S3, SageMaker (API, runtime, notebook), STS, CloudWatch (logs, metrics), KMS and SSM.
    Minimal,
    /// Those, and ECR and EC2.
    #[default]
    Standard,
}

/// The keys of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Encryption {
    /// Every how many days KMS rotates the keys' material: 90 to 2560.
    pub rotation_period_days: i32,
    /// Which key encrypts the notebooks' volumes.
    pub notebook_volume_key: VolumeKey,
}

impl Default for Encryption {
    fn default() -> Self {
        Self {
            rotation_period_days: 365,
            notebook_volume_key: VolumeKey::default(),
        }
    }
}

/// Which key encrypts the notebooks' volumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum VolumeKey {
    /// The project's key.
    #[default]
    Shared,
    /// A key for each notebook.
    PerNotebook,
}

/// Who may use the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Access {
    /// ARNs of the IAM principals that may take the project's administrator role; every principal of the account
    /// that IAM allows to, when empty.
    pub admin_principals: Vec<String>,
    /// ARNs of the IAM principals that may take the project's user role; every principal of the account that IAM
    /// allows to, when empty.
    pub user_principals: Vec<String>,
}

/// One SageMaker notebook instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notebook {
    /// What tells it from the project's other notebooks, usually its owner's user name.
    pub name: String,
    /// The e-mail address of its owner, for git and for the owner tag.
    pub owner_email: String,
    /// The instance type.
    #[serde(default = "default_instance_type")]
    pub instance_type: String,
    /// The size of the volume in GiB: 5 to 16384. It can only grow.
    #[serde(default = "default_volume_size")]
    pub volume_size_gib: i32,
    /// The subnet it stands in, counted from 1.
    #[serde(default = "default_subnet")]
    pub subnet: i32,
    /// When changes that need a stop are carried out.
    #[serde(default)]
    pub update_policy: UpdatePolicy,
    /// Whether it may be deleted and made anew, which loses its volume.
    #[serde(default)]
    pub replace_policy: ReplacePolicy,
}

fn default_instance_type() -> String {
    "ml.t3.medium".to_owned()
}

fn default_volume_size() -> i32 {
    10
}

fn default_subnet() -> i32 {
    1
}

/// When changes that need a stop are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UpdatePolicy {
    /// When somebody has stopped the notebook.
    #[default]
    WhenStopped,
    /// At once: the notebook is stopped, changed and started.
    Immediate,
}

/// Whether a notebook may be deleted and made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReplacePolicy {
    /// Never: changes that need it are reported and not carried out.
    #[default]
    Never,
    /// Yes, and what is on its volume is lost.
    LoseVolume,
}

/// What is done about differences that nobody declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Drift {
    /// Whether they are corrected or only reported.
    pub mode: DriftMode,
    /// Every how many seconds AWS is looked at: 10 to 3600.
    pub interval_seconds: u32,
}

impl Default for Drift {
    fn default() -> Self {
        Self {
            mode: DriftMode::default(),
            interval_seconds: 60,
        }
    }
}

/// Whether differences are corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DriftMode {
    /// They are corrected.
    #[default]
    Enforce,
    /// They are reported; AWS is not changed in any way, not even to create what is missing.
    Observe,
}

/// What becomes of data when the project is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DeletionPolicies {
    /// The S3 buckets. Only empty buckets can be deleted.
    pub buckets: DeletionPolicy,
    /// The KMS keys. Deletion is scheduled with a waiting period of 30 days.
    pub keys: DeletionPolicy,
}

/// What becomes of a resource that holds data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It stays, with its tags, and the same project applied again takes it up.
    #[default]
    Retain,
    /// It is deleted.
    Delete,
}
