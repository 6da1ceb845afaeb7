use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What nobody in the project may do, whatever else they are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Guardrails {
    /// What every setting below is unless it is set.
    pub preset: Preset,
}

/// A set of defaults for the guardrails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Preset {
    /// What the labs of the published design need.
    Published,
    /// Everything that ordinary SDK code can satisfy.
    #[default]
    Standard,
    /// Those, and network isolation of jobs, and no exceptions.
    Strict,
}
