//! The blueprint: the whole environment that a spec asks for, as typed resources that refer to each other.
//!
//! Pure. Names, CIDRs and policies are decided here; what AWS invents (ids) stands as a reference.

mod access;
mod adoption;
mod encryption;
mod endpoints;
mod fields;
mod names;
mod network;
mod notebooks;
mod parameters;
mod project;
mod start;
mod storage;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::DeletionPolicy;
use crate::kinds::{Bucket, Handle, Kind, KmsKey, LogGroup};
use crate::model::{Adoption, NODE_TAG, NodeKey, OWNER_TAG, Owner, Tags, Window};

pub use crate::api::Invalid;
pub use access::organization;
pub use access::settings::Settings as GuardrailSettings;
pub use fields::field_of;
pub use project::{Project, SubnetPlace};
#[cfg(test)]
pub(crate) use start::script;

/// One desired resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Which resource of the project it is.
    pub key: NodeKey,
    /// Its name in AWS: the `Name` tag, or the real name for kinds that are known by name.
    pub name: String,
    /// What it shall be, in its kind's form, with references to other nodes.
    pub attributes: Value,
    /// The tags it shall have.
    pub tags: Tags,
    /// Which interruptions the spec allows.
    #[serde(default)]
    pub consent: Consent,
}

/// Interruptions of a living resource that the spec allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// When it may be stopped to be changed.
    pub stop: Stop,
    /// It may be deleted and made anew, and what it holds is lost.
    pub replace: bool,
}

/// When a resource that somebody uses may be stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// Only whoever uses it stops it.
    #[default]
    Never,
    /// Every week at a time.
    Within(Window),
    /// At any time.
    AtOnce,
}

/// The environment that a spec asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blueprint {
    /// Whose environment it is.
    pub owner: Owner,
    /// Its resources.
    pub nodes: BTreeMap<NodeKey, Node>,
    /// What users of the environment need to know, by name, as texts with references.
    pub outputs: BTreeMap<String, String>,
    /// Which of its resources exist already.
    #[serde(default)]
    pub adoption: Adoption,
    /// Kinds that hold data and go with the project all the same, as the spec asks: also those of their resources that
    /// an earlier spec declared.
    #[serde(default)]
    pub forsaken: BTreeSet<String>,
}

impl Blueprint {
    /// An environment without any resource.
    pub fn empty(owner: Owner) -> Self {
        Self {
            owner,
            nodes: BTreeMap::new(),
            outputs: BTreeMap::new(),
            adoption: Adoption::default(),
            forsaken: BTreeSet::new(),
        }
    }
}

/// The environment that `project` asks for.
pub fn draw(project: &Project) -> Blueprint {
    let mut builder = Builder::new(project.owner.clone(), project.tags());
    network::draw(project, &mut builder);
    endpoints::draw(project, &mut builder);
    encryption::draw(project, &mut builder);
    storage::draw(project, &mut builder);
    access::draw(project, &mut builder);
    notebooks::draw(project, &mut builder);
    parameters::draw(project, &mut builder);
    let policies = &project.spec.deletion_policy;
    let kinds = [
        (Bucket::NAME, policies.buckets),
        (KmsKey::NAME, policies.keys),
        (LogGroup::NAME, policies.logs),
    ];
    let forsaken = kinds
        .into_iter()
        .filter(|(_, policy)| *policy == DeletionPolicy::Delete);
    let forsaken = forsaken.map(|(kind, _)| kind.to_owned()).collect();
    Blueprint {
        forsaken,
        adoption: adoption::of(project),
        ..builder.build()
    }
}

/// Collects the nodes of a blueprint and hands out the references between them.
#[derive(Debug)]
pub struct Builder {
    blueprint: Blueprint,
    tags: Tags,
}

impl Builder {
    /// A builder whose nodes all carry `tags` and the tags of their identity.
    pub fn new(owner: Owner, tags: Tags) -> Self {
        let tags = tags.with(OWNER_TAG, owner.to_string());
        Self {
            blueprint: Blueprint::empty(owner),
            tags,
        }
    }

    /// Adds the resource `key` of kind `K`, called `name` in AWS.
    pub fn add<K: Kind>(&mut self, key: &str, name: &str, attributes: &K::Attributes) -> Handle<K> {
        self.add_with::<K>(key, name, attributes, |_| {})
    }

    /// As [`Builder::add`], with a last say on the node: tags, consent.
    pub fn add_with<K: Kind>(
        &mut self,
        key: &str,
        name: &str,
        attributes: &K::Attributes,
        adjust: impl FnOnce(&mut Node),
    ) -> Handle<K> {
        let handle = Handle::new(key);
        let tags = self.tags.clone().with(NODE_TAG, handle.node().to_string());
        let mut node = Node {
            key: handle.node().clone(),
            name: name.to_owned(),
            attributes: serde_json::to_value(attributes).unwrap_or_default(),
            tags: tags.with("Name", name),
            consent: Consent::default(),
        };
        adjust(&mut node);
        self.blueprint.nodes.insert(node.key.clone(), node);
        handle
    }

    /// Tells users of the environment the value of `name`.
    pub fn output(&mut self, name: &str, value: impl Into<String>) {
        self.blueprint.outputs.insert(name.to_owned(), value.into());
    }

    /// The blueprint.
    pub fn build(self) -> Blueprint {
        self.blueprint
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::api::SecureMLProjectSpec;
    use crate::model::{Account, Zone};

    pub(super) fn owner() -> Owner {
        Owner::new("test", "default", "churn")
    }

    pub(crate) fn account() -> Account {
        let zone = |letter: char| Zone {
            id: format!("euc1-az-{letter}"),
            name: format!("eu-central-1{letter}"),
        };
        Account {
            partition: "aws".to_owned(),
            id: "111122223333".to_owned(),
            region: "eu-central-1".to_owned(),
            zones: ['a', 'b', 'c'].map(zone).to_vec(),
            s3_prefix_list: "pl-1".to_owned(),
            endpoint_services: BTreeMap::new(),
            caller: "arn:aws:iam::111122223333:role/secureml".to_owned(),
        }
    }

    /// The project that `spec` declares, whatever of it no code carries out yet.
    pub(crate) fn project(spec: SecureMLProjectSpec) -> Project {
        let plain = SecureMLProjectSpec {
            project_name: spec.project_name.clone(),
            environment_type: spec.environment_type,
            ..SecureMLProjectSpec::default()
        };
        let mut project = Project::new(owner(), plain, account()).expect("a sound spec");
        project.spec = spec;
        project
    }
}
