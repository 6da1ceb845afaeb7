use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::with_values;

/// What is done about differences that nobody declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Drift {
    /// Whether they are corrected or only reported.
    #[schemars(transform = with_values)]
    pub mode: DriftMode,
    /// Every how many seconds AWS is looked at: 10 to 3600.
    #[schemars(with = "i32", range(min = 10, max = 3600))]
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
    /// AWS is made to hold what is declared again.
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
    #[schemars(transform = with_values)]
    pub buckets: DeletionPolicy,
    /// The KMS keys. Deletion is scheduled with a waiting period of 30 days.
    #[schemars(transform = with_values)]
    pub keys: DeletionPolicy,
    /// The log group of the VPC flow logs.
    #[schemars(transform = with_values)]
    pub logs: DeletionPolicy,
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
