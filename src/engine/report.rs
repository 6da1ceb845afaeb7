use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::model::{Holder, NodeKey, Owner};
use crate::plan::{Action, Severity, Step};

/// What a call that AWS accepted gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// What others may refer to from now on.
    pub outputs: BTreeMap<String, String>,
    /// What AWS is still at work on.
    pub pending: Option<&'static str>,
}

impl Sent {
    /// Done, nothing to tell.
    pub fn done() -> Self {
        Self::default()
    }

    /// Done, and the resource is called `id`.
    pub fn made(id: impl Into<String>) -> Self {
        Self::done().output("id", id)
    }

    /// With the output `name`.
    #[must_use]
    pub fn output(mut self, name: &str, value: impl Into<String>) -> Self {
        self.outputs.insert(name.to_owned(), value.into());
        self
    }

    /// AWS goes on with `why`.
    #[must_use]
    pub fn pending(mut self, why: &'static str) -> Self {
        self.pending = Some(why);
        self
    }
}

/// Who asks to send a call, and how urgently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whose resource it is.
    pub owner: Owner,
    /// Which resource.
    pub node: NodeKey,
    /// How urgent.
    pub priority: Priority,
}

/// What goes first when AWS's limits hold things up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// The boundary of a project is open.
    SecurityDrift,
    /// Something that is to go still stands.
    Removal,
    /// Something that is wanted is missing, or is not what was declared.
    Creation,
    /// Bookkeeping, such as a tag.
    Bookkeeping,
}

impl Priority {
    /// The priority of `step`.
    pub fn of(step: &Step) -> Self {
        let worst = step.changes.iter().map(|change| change.severity).max();
        match (step.action, worst) {
            (Action::Delete | Action::RemoveDuplicate, _) => Self::Removal,
            (_, Some(Severity::Critical)) => Self::SecurityDrift,
            (_, Some(Severity::Low)) => Self::Bookkeeping,
            _ => Self::Creation,
        }
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// AWS holds what the step was to bring about.
    Done,
    /// AWS is at work on it, or our turn has not come.
    Pending {
        /// On what.
        why: String,
        /// In how many seconds it is our turn; nothing when it is AWS that takes its time.
        turn_in: Option<u64>,
    },
    /// A call failed.
    Failed(Failure),
    /// Not tried, because of another step.
    Skipped(NodeKey),
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What the step was to do.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// How many calls were sent.
    pub calls: usize,
}

/// How many holders of one resource are told in words; the rest is counted.
const HOLDERS: usize = 5;

fn list(holders: &[Holder]) -> String {
    let mut told: Vec<String> = holders.iter().take(HOLDERS).map(ToString::to_string).collect();
    let more = holders.len().saturating_sub(HOLDERS);
    told.extend((more > 0).then(|| format!("{more} more")));
    told.join(", ")
}

/// What carrying out a plan did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The steps that were to write.
    pub entries: BTreeMap<NodeKey, Entry>,
    /// Every output known afterwards.
    pub outputs: BTreeMap<NodeKey, BTreeMap<String, String>>,
    /// What keeps the resources from going whose deletion AWS refused, or why that could not be listed.
    pub holders: BTreeMap<NodeKey, Result<Vec<Holder>, Failure>>,
    /// When what failed is tried again, where that takes a while.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub next_tries: BTreeMap<NodeKey, Timestamp>,
}

impl Report {
    /// The failures, by node. Steps skipped because of them are not listed.
    pub fn failures(&self) -> impl Iterator<Item = (&NodeKey, &Failure)> {
        self.entries.iter().filter_map(|(node, entry)| match &entry.outcome {
            Outcome::Failed(failure) => Some((node, failure)),
            _ => None,
        })
    }

    /// What failed, by node and in words, with what stands in its way and what to do about it.
    pub fn troubles(&self) -> impl Iterator<Item = (&NodeKey, String)> {
        let failed = self.entries.iter().filter_map(|(node, entry)| match &entry.outcome {
            Outcome::Failed(failure) => Some((node, entry.action, failure)),
            _ => None,
        });
        failed.map(|(node, action, failure)| {
            let held = match self.holders.get(node) {
                Some(Ok(holders)) if !holders.is_empty() => format!("; held by {}", list(holders)),
                Some(Err(unlisted)) => {
                    format!("; what holds it could not be listed: {unlisted}; {}", unlisted.remedy())
                }
                Some(Ok(_)) | None => return (node, failure.sentence_for(node, action)),
            };
            (node, format!("{failure}{held}; {}", failure.remedy_for(node, action)))
        })
    }

    /// Whether every step was carried out and AWS has finished with it.
    pub fn is_done(&self) -> bool {
        self.entries.values().all(|entry| entry.outcome == Outcome::Done)
    }

    /// The output `name` of `node`.
    pub fn output(&self, node: &NodeKey, name: &str) -> Option<&str> {
        self.outputs.get(node)?.get(name).map(String::as_str)
    }
}
