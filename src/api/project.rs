use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rules::{Rule, Rules, with_values};
use super::{Access, Adopt, DeletionPolicies, Drift, Encryption, Endpoints, Guardrails, Network, Notebook, Packages};

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
    doc = "One secure machine-learning environment on AWS: a private network without internet, keys, buckets, roles \
           with guardrails and notebooks, kept exactly as declared.",
    validation = OBJECT_NAME,
    validation = NAME_BY_DEFAULT,
    validation = NOTEBOOK_NAMES,
    validation = NAME_STAYS,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status","description":"Whether the environment is as declared."}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].reason","description":"Why it is, or is not."}"#,
    printcolumn = r#"{"name":"Guardrails","type":"string","jsonPath":".status.conditions[?(@.type=='GuardrailsEnforced')].status","description":"Whether the guardrails hold, as AWS has them."}"#,
    printcolumn = r#"{"name":"VPC","type":"string","jsonPath":".status.outputs.vpcId","description":"The id of its VPC."}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Environment","type":"string","jsonPath":".spec.environmentType","description":"The stage it serves.","priority":1}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].message","description":"What is the matter, or that nothing is.","priority":1}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = Rules(SPEC))]
pub struct SecureMLProjectSpec {
    /// The project's name in AWS names and tags; the name of this object when absent. Lower-case letters, digits and
    /// single hyphens between them, at most 31 characters. Cannot be changed.
    #[schemars(length(max = 63), transform = Rules(PROJECT_NAME))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_name: Option<String>,
    /// The stage this environment serves; part of every name. Cannot be changed.
    #[schemars(transform = with_values, transform = Rules(ENVIRONMENT_TYPE))]
    pub environment_type: EnvironmentType,
    /// Tags on every resource, beside those of the project itself (`ProjectName`, `EnvironmentType`, `Name`); at most
    /// 40. AWS compares the keys without regard to case.
    #[schemars(extend("maxProperties" = 40), transform = tag_values, transform = Rules(TAGS))]
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
    /// The SageMaker notebook instances, at most 50.
    #[schemars(length(max = 50))]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notebooks: Vec<Notebook>,
    /// When notebooks may be interrupted whose `updatePolicy` is `MaintenanceWindow`: every week, in UTC, such as
    /// `sat:02:00-sat:06:00`.
    #[schemars(length(max = 19), transform = Rules(MAINTENANCE_WINDOW))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance_window: Option<String>,
    /// What is done about differences that nobody declared.
    #[serde(default)]
    pub drift: Drift,
    /// What becomes of data when the project is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicies,
    /// Resources that exist and shall be taken into the project.
    #[serde(default)]
    pub adopt: Adopt,
}

const OBJECT_NAME: Rule = Rule::new(
    "size(self.metadata.name) <= 63",
    "metadata.name must have at most 63 characters: it becomes part of the tag secureml.dev/owner",
);

const NAME_BY_DEFAULT: Rule = Rule::new(
    "has(self.spec.projectName)
     || (size(self.metadata.name) <= 31 && self.metadata.name.matches('^[a-z0-9](-?[a-z0-9])*$'))",
    "must be set, since metadata.name cannot be the name of a project, which has at most 31 lower-case letters and \
     digits with single hyphens between them",
)
.at(".spec.projectName");

const NOTEBOOK_NAMES: Rule = Rule::new(
    "!has(self.spec.notebooks) || self.spec.notebooks.all(n, size(n.name) + size(self.spec.environmentType)
     + size(has(self.spec.projectName) ? self.spec.projectName : self.metadata.name) <= 45)",
    "must have shorter names, or the project must: IAM allows 64 characters for \
     ds-notebook-role-<project>-<environment>-<notebook>, so the three may have 45 together",
)
.at(".spec.notebooks");

const NAME_STAYS: Rule = Rule::change(
    "(has(self.spec.projectName) ? self.spec.projectName : self.metadata.name)
     == (has(oldSelf.spec.projectName) ? oldSelf.spec.projectName : oldSelf.metadata.name)",
    "cannot be changed: it is part of every name on AWS; declare a new project and move the work there",
)
.at(".spec.projectName");

const SPEC: &[Rule] = &[
    Rule::new(
        "!has(self.notebooks) || !has(self.network.subnetCidrs) || size(self.network.subnetCidrs) == 0
         || self.notebooks.all(n, n.subnet <= size(self.network.subnetCidrs))",
        "must each stand in a subnet that is declared: with two network.subnetCidrs, subnet is 1 or 2",
    )
    .at(".notebooks"),
    Rule::new(
        "!has(self.notebooks) || has(self.maintenanceWindow)
         || self.notebooks.all(n, n.updatePolicy != 'MaintenanceWindow')",
        "must be set, since a notebook has updatePolicy: MaintenanceWindow; such as sat:02:00-sat:06:00, in UTC",
    )
    .at(".maintenanceWindow"),
    Rule::change(
        "self.encryption.notebookVolumeKey == oldSelf.encryption.notebookVolumeKey
         || !has(self.notebooks) || !has(oldSelf.notebooks)
         || self.notebooks.all(n, n.replacePolicy == 'LoseVolume' || !oldSelf.notebooks.exists(o, o.name == n.name))",
        "cannot be changed while there are notebooks whose volumes are to be kept: SageMaker cannot encrypt a volume \
         anew; keep it, or set replacePolicy: LoseVolume on every notebook",
    )
    .at(".encryption.notebookVolumeKey"),
];

/// As RDS has it.
const MAINTENANCE_WINDOW: &[Rule] = &[
    Rule::new(
        "self.matches('^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]\
         -(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]$')",
        "must be a weekly time in UTC such as sat:02:00-sat:06:00: days are mon to sun, hours 00 to 23",
    ),
    Rule::new(
        "size(self) != 19 || self.substring(0, 9) != self.substring(10)",
        "must end at another time than it begins",
    ),
];

const PROJECT_NAME: &[Rule] = &[
    Rule::new(
        "self.matches('^[a-z0-9](-?[a-z0-9])*$')",
        "must be lower-case letters and digits with single hyphens between them, such as churn-2: it becomes part of \
         the names of S3 buckets and SageMaker notebooks",
    ),
    Rule::new(
        "size(self) <= 31",
        "must have at most 31 characters: the bucket ds-model-bucket-<project>-<environment>-<hash> may have 63",
    ),
];

const ENVIRONMENT_TYPE: &[Rule] = &[Rule::change(
    "self == oldSelf",
    "cannot be changed: it is part of every name on AWS; declare a new project and move the work there",
)];

/// What every AWS service allows in tags.
/// <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
///
/// Plain letters are tried first: the large pattern takes long to compile, and is compiled for each tag.
const TAGS: &[Rule] = &[
    Rule::new(
        "self.all(k, size(k) <= 128 && (k.matches('^[A-Za-z0-9 _.:/=+@-]+$')
         || k.matches(r'^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]+$')))",
        "must have keys of 1 to 128 letters, digits, spaces and _ . : / = + - @",
    ),
    Rule::new(
        "self.all(k, self[k].matches('^[A-Za-z0-9 _.:/=+@-]*$')
         || self[k].matches(r'^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$'))",
        "must have values of letters, digits, spaces and _ . : / = + - @",
    ),
    Rule::new(
        "!self.exists(k, k.lowerAscii().startsWith('aws:') || k.lowerAscii().startsWith('secureml.dev/')
         || k.lowerAscii().startsWith('notebookowner') || k.lowerAscii() in ['projectname', 'environmenttype', 'name'])",
        "must not have keys that AWS or this controller sets: aws:…, secureml.dev/…, ProjectName, EnvironmentType, \
         Name, NotebookOwner…; remove it",
    ),
    Rule::new(
        "self.all(k, self.exists_one(l, l.lowerAscii() == k.lowerAscii()))",
        "must not have keys that differ in case only, since IAM takes them for one; remove one of them",
    ),
];

/// Bounds the values of tags as AWS does.
pub(super) fn tag_values(schema: &mut Schema) {
    if let Some(values) = schema.get_mut("additionalProperties").and_then(Value::as_object_mut) {
        values.insert("maxLength".to_owned(), 256.into());
    }
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
