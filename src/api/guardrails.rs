use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{EachItem, Rule, with_values};

/// What nobody in the project may do, whatever else they are allowed.
///
/// Always denied: work outside the project's subnets and security groups, other keys than the project's on volumes
/// of notebooks and jobs, root and internet access of notebooks, passing roles of others, opening notebooks of
/// others or from outside the network, changing the project's tags. The settings below are for the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Guardrails {
    /// What every setting below is unless it is set.
    #[schemars(transform = with_values)]
    pub preset: Preset,
    /// Instance types that notebooks may have; `*` stands for any characters, an empty list for any type. Others are
    /// denied. Five common types in every preset.
    #[schemars(length(max = 20), inner(length(max = 40)))]
    #[schemars(extend("x-kubernetes-list-type" = "set"), transform = EachItem(TYPE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notebook_instance_types: Option<Vec<String>>,
    /// Instance types of training, tuning, processing and transform jobs. Others are denied. Any in every preset.
    #[schemars(length(max = 20), inner(length(max = 40)))]
    #[schemars(extend("x-kubernetes-list-type" = "set"), transform = EachItem(TYPE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_instance_types: Option<Vec<String>>,
    /// Instance types of hosted models. Others are denied. Any in every preset.
    #[schemars(length(max = 20), inner(length(max = 40)))]
    #[schemars(extend("x-kubernetes-list-type" = "set"), transform = EachItem(TYPE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosting_instance_types: Option<Vec<String>>,
    /// The longest time a job may ask for, in seconds; 0 for any. Longer ones are denied. Any in Published and
    /// Standard, 5 days in Strict.
    #[schemars(with = "Option<i32>", range(min = 0, max = 2_419_200))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_runtime_seconds: Option<u32>,
    /// Denies jobs that write to S3 without the project's key. On in Standard and Strict; in Published the bucket
    /// alone sees to encryption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_output_key: Option<bool>,
    /// Denies transform and AutoML jobs and hosted models whose volumes have another key than the project's. On in
    /// Standard and Strict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_volume_key_everywhere: Option<bool>,
    /// Denies jobs that do not encrypt traffic between their instances. On in Standard and Strict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_encryption_between_instances: Option<bool>,
    /// Denies making anything in SageMaker without the project's tags, which also keep projects apart: without it,
    /// jobs that carry no tags can be seen and stopped from neighbour projects. On in Standard and Strict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_project_tags: Option<bool>,
    /// Denies models and jobs whose containers have a network. On in Strict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_network_isolation: Option<bool>,
    /// Whether a shell into a running training container may be opened. Off in Strict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_remote_debug: Option<bool>,
    /// Whether actions are allowed whose network IAM cannot see: compilation, optimization, labeling, inference
    /// recommendation and benchmark jobs. They can run outside the VPC. Off in every preset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_actions_without_vpc_key: Option<bool>,
}

const TYPE: &[Rule] = &[Rule::new(
    "self.matches('^ml[.][a-z0-9.*-]+$')",
    "must be an instance type of SageMaker, such as ml.m5.xlarge, or a pattern of them, such as ml.m5.*",
)];

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
