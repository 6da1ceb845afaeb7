use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where notebooks and jobs get Python packages from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Packages {
    /// A package index of the platform's own, reached through an endpoint service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
}

/// A package index behind an endpoint service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mirror {
    /// The name of the endpoint service: `com.amazonaws.vpce.<region>.vpce-svc-…`.
    pub endpoint_service: String,
}
