use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The annotation that releases what the fleet brake holds. It says the id of the braking, [`BrakeStatus::id`], and so
/// releases nothing that is held another time.
pub const RELEASE: &str = "secureml.dev/release-brake";

/// Changes that nobody declared, held because too many projects were to be changed at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrakeStatus {
    /// Which braking it is; all projects that are held by the same have the same.
    pub id: String,
    /// Whether somebody has released them. They are on their way then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
}
