use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{Rule, Rules, with_values};

/// One SageMaker notebook instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = Rules(NOTEBOOK))]
pub struct Notebook {
    /// What tells it from the project's other notebooks, usually its owner's user name: lower-case letters, digits and
    /// single hyphens between them. The whole name, `ds-notebook-role-<project>-<environment>-<name>`, may have 64
    /// characters. Another name is another notebook.
    #[schemars(length(max = 40), transform = Rules(NAME))]
    pub name: String,
    /// The e-mail address of its owner, for git and for the owner tag.
    #[schemars(length(max = 254), transform = Rules(OWNER_EMAIL))]
    pub owner_email: String,
    /// The instance type: `ml.<family>.<size>`. Changing it stops the notebook; see `updatePolicy`.
    #[schemars(length(max = 40), transform = Rules(INSTANCE_TYPE))]
    #[serde(default = "default_instance_type")]
    pub instance_type: String,
    /// The size of the volume in GiB: 5 to 16384. It can only grow, and growing stops the notebook; see `updatePolicy`.
    #[schemars(range(min = 5, max = 16384))]
    #[serde(default = "default_volume_size")]
    pub volume_size_gib: i32,
    /// The subnet it stands in, counted from 1. Changing it makes the notebook anew; see `replacePolicy`.
    #[schemars(range(min = 1, max = 3))]
    #[serde(default = "default_subnet")]
    pub subnet: i32,
    /// When changes that need a stop are carried out.
    #[schemars(transform = with_values)]
    #[serde(default)]
    pub update_policy: UpdatePolicy,
    /// Whether it may be deleted and made anew, which loses its volume.
    #[schemars(transform = with_values)]
    #[serde(default)]
    pub replace_policy: ReplacePolicy,
}

const NOTEBOOK: &[Rule] = &[
    Rule::change(
        "self.volumeSizeGib >= oldSelf.volumeSizeGib || self.replacePolicy == 'LoseVolume'",
        "cannot shrink: SageMaker volumes only grow; keep the size, or set replacePolicy: LoseVolume to have the \
         notebook made anew with an empty volume",
    )
    .at(".volumeSizeGib"),
    Rule::change(
        "self.subnet == oldSelf.subnet || self.replacePolicy == 'LoseVolume'",
        "cannot be changed: SageMaker cannot move a notebook; keep it, or set replacePolicy: LoseVolume to have the \
         notebook made anew with an empty volume",
    )
    .at(".subnet"),
];

const NAME: &[Rule] = &[Rule::new(
    "self.matches('^[a-z0-9](-?[a-z0-9])*$')",
    "must be lower-case letters and digits with single hyphens between them, such as ana-lopez",
)];

const OWNER_EMAIL: &[Rule] = &[Rule::new(
    "self.matches('^[A-Za-z0-9_+-]+([.][A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+$')",
    "must be an e-mail address such as ana.lopez@example.com; letters, digits and _ + - . before the @",
)];

const INSTANCE_TYPE: &[Rule] = &[Rule::new(
    "self.matches('^ml[.][a-z][a-z0-9-]*[.][a-z0-9]+$')",
    "must have the form ml.<family>.<size>, such as ml.t3.medium",
)];

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
    /// In the project's `maintenanceWindow`: the notebook is stopped, changed and started.
    MaintenanceWindow,
    /// At once: the notebook is stopped, changed and started.
    Immediate,
}

/// Whether a notebook may be deleted and made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReplacePolicy {
    /// Changes that need it are reported and not carried out.
    #[default]
    Never,
    /// Changes that need it are carried out, and what is on its volume is lost.
    LoseVolume,
}
