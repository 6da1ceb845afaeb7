use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
