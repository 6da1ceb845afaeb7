use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, DeletionPolicies, Drift, Encryption, Endpoints, Guardrails, Network, Notebook, Packages};

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
    /// Where Python packages come from.
    #[serde(default)]
    pub packages: Packages,
    /// Who may use the environment.
    #[serde(default)]
    pub access: Access,
    /// What nobody in the project may do.
    #[serde(default)]
    pub guardrails: Guardrails,
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
