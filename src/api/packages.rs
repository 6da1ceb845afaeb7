use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{EachItem, Rule, Rules};

/// Where notebooks and jobs get Python packages from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = Rules(PACKAGES))]
pub struct Packages {
    /// A package index of the platform's own, reached through an endpoint service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
    /// Python packages that every notebook's kernel gets from the mirror when it starts, as pip takes them:
    /// `pandas==2.2.3`; at most 12.
    #[schemars(length(max = 12), inner(length(max = 60)))]
    #[schemars(extend("x-kubernetes-list-type" = "set"), transform = EachItem(REQUIREMENT))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub install: Vec<String>,
}

const PACKAGES: &[Rule] = &[Rule::new(
    "!has(self.install) || size(self.install) == 0 || has(self.mirror)",
    "need a mirror to come from: no other package index can be reached from the network; set packages.mirror",
)
.at(".install")];

const REQUIREMENT: &[Rule] = &[Rule::new(
    "self.matches('^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\\\\[[A-Za-z0-9,._-]+\\\\])?((==|>=|~=)[0-9][A-Za-z0-9.+!]*)?$')",
    "must be the name of a Python package, with a version if need be, such as pandas==2.2.3",
)];

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
