use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BrakeStatus, PauseStatus};
use crate::model::Holder;

/// What the controller found and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SecureMLProjectStatus {
    /// The generation of the spec that the rest of the status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The generation of the spec that AWS held completely at some time. What differs from it since, nobody declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converged_generation: Option<i64>,
    /// Ready, Reconciling, Stalled and GuardrailsEnforced; Paused, once somebody has asked for a pause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What users of the environment need to know: ids, names, ARNs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// Every resource of the environment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceStatus>,
    /// What `spec.adopt` would do, while it waits for your decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adoption: Option<AdoptionStatus>,
    /// The last difference that nobody declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drift: Option<DriftStatus>,
    /// The last time that guardrails were found open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_opening: Option<OpeningStatus>,
    /// Creation that was begun: written before AWS is called, removed once AWS's lists show what was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// The last pause of correction that somebody asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseStatus>,
    /// The fleet brake, while it holds changes of this project, or has held those that are under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brake: Option<BrakeStatus>,
}

impl SecureMLProjectStatus {
    /// The pause that nothing is written in, if there is one.
    pub fn active_pause(&self) -> Option<&PauseStatus> {
        self.pause.as_ref().filter(|pause| pause.is_active())
    }
}

/// One resource of the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// Kind and name within the project.
    pub node: String,
    /// Its id in AWS, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What is the matter with it; absent when it is as declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Why it is kept though it is not declared any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retained: Option<String>,
    /// What keeps it from being deleted, as AWS said when its deletion was refused last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<Holder>,
    /// Since when its deletion is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Time>,
    /// When what failed is tried again, where that takes a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<Time>,
}

/// An adoption that waits for your decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdoptionStatus {
    /// What `spec.adopt.confirm` has to be so that it is carried out; absent while something cannot be adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// What is claimed.
    pub resources: Vec<ClaimStatus>,
}

/// A resource that is claimed and not adopted yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimStatus {
    /// What it shall be.
    pub resource: String,
    /// Its id, where it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why it cannot be adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What is changed on it, its tags first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
}

/// A difference that nobody declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// When it was seen.
    pub seen_at: Time,
    /// Whether it was put right.
    pub corrected: bool,
    /// What differed.
    pub differences: Vec<String>,
}

/// A time in which guardrails were open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpeningStatus {
    /// Which controls were not kept by which resource, as `secureml audit` calls them: `S2 Bucket/data`.
    pub controls: Vec<String>,
    /// When everything was last seen in order before, if that is known: it was not open for longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_order_at: Option<Time>,
    /// When it was seen.
    pub seen_at: Time,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Time>,
}

/// Creation that was begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// Goes into the client tokens of everything that is created.
    pub id: String,
    /// When it was written last.
    pub at: Time,
}
