use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::with_values;

/// The keys of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Encryption {
    /// Every how many days KMS rotates the keys' material: 90 to 2560.
    #[schemars(range(min = 90, max = 2560))]
    pub rotation_period_days: i32,
    /// Which key encrypts the notebooks' volumes. Changing it makes every notebook anew, so that each must have
    /// `replacePolicy: LoseVolume`.
    #[schemars(transform = with_values)]
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
