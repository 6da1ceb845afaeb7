use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of one resource within its project: `Subnet/a`.
///
/// It is the identity that the plan, the report and the status speak of, and it is written on the AWS
/// resource as a tag, so it must never change for a resource that lives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeKey {
    /// The kind of resource, as registered in [`crate::kinds`].
    pub kind: String,
    /// What tells this resource from the project's others of the same kind.
    pub name: String,
}

impl NodeKey {
    /// The key of the resource `name` of kind `kind`.
    pub fn new(kind: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// A text that is not of the form `Kind/name`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a node key of the form Kind/name")]
pub struct InvalidNodeKey(String);

impl FromStr for NodeKey {
    type Err = InvalidNodeKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() => Ok(Self::new(kind, name)),
            _ => Err(InvalidNodeKey(text.to_owned())),
        }
    }
}

impl TryFrom<String> for NodeKey {
    type Error = InvalidNodeKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NodeKey> for String {
    fn from(key: NodeKey) -> Self {
        key.to_string()
    }
}
