use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{NodeKey, Owner};

/// One mutating AWS call, before it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Service and operation, as IAM names the action where it has the operation's name: `ec2:CreateVpc`.
    pub call: String,
    /// The arguments that matter, with references where a value is not known yet.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub args: Value,
}

/// The calls to make now, and those that follow once AWS has carried the first out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Todo<C> {
    /// What to call in this pass.
    pub now: Vec<C>,
    /// What a later pass will call, when AWS is done with `now`.
    pub then: Vec<C>,
}

impl<C> Todo<C> {
    /// Everything can be done in this pass.
    pub fn now(calls: Vec<C>) -> Self {
        Self {
            now: calls,
            then: Vec::new(),
        }
    }

    /// `calls` in this pass, `then` in a later one.
    pub fn then(calls: Vec<C>, then: Vec<C>) -> Self {
        Self { now: calls, then }
    }

    pub(crate) fn try_map<D, E>(self, f: impl Fn(Vec<C>) -> Result<Vec<D>, E>) -> Result<Todo<D>, E> {
        Ok(Todo {
            now: f(self.now)?,
            then: f(self.then)?,
        })
    }
}

/// What changing a field does to the living resource, from the mildest to the hardest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Effect {
    /// Not compared after creation.
    Ignore,
    /// Ends what an earlier pass began, such as the start of what it stopped.
    Finish,
    /// Changed without interruption.
    InPlace,
    /// Changed only while stopped.
    StopFirst,
    /// Never changed: the resource has to be deleted and made anew.
    Replace,
}

/// How much a difference matters when nobody asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Bookkeeping, such as a tag.
    Low,
    /// The resource is not what was declared.
    High,
    /// The project's boundary is open.
    Critical,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The field of the kind's attributes, or `tags`.
    pub field: String,
    /// What AWS holds.
    pub before: Value,
    /// What is declared.
    pub after: Value,
    /// What changing it does.
    pub effect: Effect,
    /// How much it matters as drift.
    pub severity: Severity,
}

/// What a step does to its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Action {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Stop it, change it, start it.
    StopUpdateStart,
    /// Delete it and make it anew.
    Replace,
    /// Delete it.
    Delete,
    /// Delete what was made beside it and nothing uses.
    RemoveDuplicate,
    /// Put the project's tags on what exists: it was confirmed.
    Adopt,
    /// It exists and can be adopted, which nobody has confirmed yet.
    Propose,
    /// What is claimed cannot be adopted: nothing is done.
    Refuse,
    /// Keep it although its project goes: it holds data.
    Retain,
    /// AWS is still at work on it: ask again.
    Wait,
    /// It differs, and changing it waits for the maintenance window.
    Defer,
    /// It differs, and changing it needs consent that the spec does not give.
    Blocked,
    /// It belongs to somebody else, or there are two of it: nothing is done.
    Conflict,
    /// It is as declared.
    Keep,
}

impl Action {
    /// Whether somebody has to decide before anything is done.
    pub fn needs_decision(self) -> bool {
        matches!(self, Self::Propose | Self::Refuse | Self::Blocked | Self::Conflict)
    }

    /// Whether carrying it out changes AWS.
    pub fn writes(self) -> bool {
        match self {
            Self::Create
            | Self::Update
            | Self::StopUpdateStart
            | Self::Replace
            | Self::Delete
            | Self::RemoveDuplicate
            | Self::Adopt => true,
            Self::Propose
            | Self::Refuse
            | Self::Retain
            | Self::Wait
            | Self::Defer
            | Self::Blocked
            | Self::Conflict
            | Self::Keep => false,
        }
    }
}

/// What is to be done with one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// Why, in words.
    pub reason: String,
    /// The id of the resource, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The ids of the duplicates that go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<String>,
    /// What differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The calls of this pass, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// The calls of later passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Call>,
    /// The steps that have to be settled first.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub after: BTreeSet<NodeKey>,
    /// The fingerprint of what a writing step is based on.
    #[serde(skip)]
    pub before: Option<u64>,
    /// What is known of the node's outputs before the step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
}

/// What has to be done so that AWS holds what is declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Whose plan it is.
    pub owner: Owner,
    /// A step for every node that is declared or found.
    pub steps: BTreeMap<NodeKey, Step>,
    /// The fingerprint of the adoption that is proposed, or carried out: what confirms it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<String>,
}

impl Plan {
    /// The steps that change AWS.
    pub fn writes(&self) -> impl Iterator<Item = (&NodeKey, &Step)> {
        self.steps.iter().filter(|(_, step)| step.action.writes())
    }

    /// The same plan, of which only the `wanted` steps are carried out.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&Step) -> bool) -> Self {
        let mut plan = self.clone();
        let unwanted = plan
            .steps
            .values_mut()
            .filter(|step| step.action.writes() && !wanted(step));
        for step in unwanted {
            step.action = Action::Blocked;
            step.calls.clear();
            step.then.clear();
        }
        plan
    }

    /// Whether the plan makes anything.
    pub fn creates(&self) -> bool {
        self.steps
            .values()
            .any(|step| matches!(step.action, Action::Create | Action::Replace))
    }

    /// Whether AWS holds what is declared and nothing is under way.
    pub fn is_settled(&self) -> bool {
        self.steps
            .values()
            .all(|step| matches!(step.action, Action::Keep | Action::Retain))
    }

    /// A fingerprint of the plan: equal plans, equal text.
    pub fn hash(&self) -> String {
        use sha2::{Digest, Sha256};
        let json = serde_json::to_vec(self).unwrap_or_default();
        let digest = Sha256::digest(&json);
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}
