use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Who declares a resource: `installation/namespace/name`, written on every resource as a tag.
///
/// The installation is a name the platform team gives a cluster in Git. The Kubernetes uid would not do: it is
/// lost with the cluster, and the project applied again to a new one must find its resources.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Owner {
    /// Which controller installation; two clusters that share an account must differ here.
    pub installation: String,
    /// The namespace of the `SecureMLProject`.
    pub namespace: String,
    /// The name of the `SecureMLProject`.
    pub name: String,
}

impl Owner {
    /// The owner that stands for the project `namespace/name` of `installation`.
    pub fn new(installation: &str, namespace: &str, name: &str) -> Self {
        Self {
            installation: installation.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.installation, self.namespace, self.name)
    }
}

/// A text that is not of the form `installation/namespace/name`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an owner of the form installation/namespace/name")]
pub struct InvalidOwner(String);

impl FromStr for Owner {
    type Err = InvalidOwner;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(i), Some(ns), Some(n), None) if !i.is_empty() && !ns.is_empty() && !n.is_empty() => {
                Ok(Self::new(i, ns, n))
            }
            _ => Err(InvalidOwner(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Owner {
    type Error = InvalidOwner;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.to_string()
    }
}
