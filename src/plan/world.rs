use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{NodeKey, Owner, Tags};

/// One resource as AWS holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Its kind.
    pub kind: String,
    /// Its id, or its name for kinds that are known by name.
    pub id: String,
    /// What others may refer to.
    pub outputs: BTreeMap<String, String>,
    /// What it is, in the canonical form of its kind; null where it is not ours and was not looked into.
    pub attributes: Value,
    /// The tags it has.
    pub tags: Tags,
    /// What AWS calls its state; empty for kinds that have none.
    pub state: String,
    /// What that state means for us.
    pub phase: Phase,
}

impl Object {
    /// The node the object's tags say it is.
    pub fn node(&self) -> Option<NodeKey> {
        self.tags.node().filter(|node| node.kind == self.kind)
    }

    /// Tells this state of the resource from another, within one process.
    pub fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (&self.id, &self.state, self.attributes.to_string()).hash(&mut hasher);
        self.tags.0.hash(&mut hasher);
        hasher.finish()
    }
}

/// What the state of a resource allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It can be used and changed.
    Ready,
    /// AWS is at work on it; the text says on what.
    Busy(String),
    /// It will not become usable by itself; the text says why.
    Broken(String),
    /// Its deletion is scheduled and can still be called off, as that of a KMS key.
    Leaving(String),
}

/// What AWS holds that matters to one owner.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// When it was looked at, if a clock was at hand. No maintenance window is open without.
    pub at: Option<Timestamp>,
    /// The owner's resources. More than one for a node is a duplicate.
    pub owned: BTreeMap<NodeKey, Vec<Object>>,
    /// Names that are in use, by whomever: by kind and name, with the owner whose tag is on what is called so.
    pub taken: BTreeMap<String, Arc<BTreeMap<String, Option<Owner>>>>,
    /// What the spec claims and is not the owner's, by the node that it shall be.
    pub claimed: BTreeMap<NodeKey, Vec<Candidate>>,
    /// Kinds whose resources could not be listed, and why.
    pub unread: BTreeMap<String, Unread>,
    /// What was written a moment ago: the fingerprint of what it was before. While AWS still answers so, nothing is
    /// written again.
    pub before_write: BTreeMap<NodeKey, u64>,
    /// Nodes that exist though the lists do not show them yet: just made, with what the reply said.
    pub expected: BTreeMap<NodeKey, Expected>,
    /// Nodes whose creation may have happened without an answer reaching us; nothing is created in their place
    /// until AWS's lists have had time to show them.
    pub uncertain: BTreeSet<NodeKey>,
}

/// A resource that a spec claims.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The resource, with the tags that it has. One that has an owner was not looked into.
    pub object: Object,
    /// Who else claims it.
    pub rivals: Vec<Owner>,
}

/// Why a kind could not be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// In words, with what to do about it.
    pub why: String,
    /// Whether it passes by itself.
    pub passes: bool,
}

/// What is known of a resource that was just made, from AWS's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What others may refer to.
    pub outputs: BTreeMap<String, String>,
    /// Whether AWS has finished with it.
    pub done: bool,
}
