use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{Rule, Rules};

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
    /// The name of the endpoint service: `com.amazonaws.vpce.<region>.vpce-svc-<id>`.
    #[schemars(length(max = 100), transform = Rules(ENDPOINT_SERVICE))]
    pub endpoint_service: String,
}

const ENDPOINT_SERVICE: &[Rule] = &[Rule::new(
    "self.matches('^com[.]amazonaws[.]vpce[.][a-z0-9-]+[.]vpce-svc-[0-9a-f]{8,17}$')",
    "must be the name of an endpoint service, such as com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
)];
