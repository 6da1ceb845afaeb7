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

/// A text that cannot be the name of an installation.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected at most 63 lower-case letters, digits and hyphens between them, such as prod-eu")]
pub struct InvalidInstallation;

/// `text` as the name of an installation. It becomes part of the tag that says whose a resource is, of the policies that are
/// bound to that tag, and of the lease's name, so it must be no more than a name to any of them.
///
/// # Errors
/// When it is not lower-case letters, digits and hyphens between them, at most 63.
pub fn installation(text: &str) -> Result<String, InvalidInstallation> {
    if is_label(text) {
        Ok(text.to_owned())
    } else {
        Err(InvalidInstallation)
    }
}

/// Whether `text` is a label as Kubernetes means it.
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_subdomain_part(text)
}

/// Whether `text` may stand between the dots of the name of a Kubernetes object.
pub(crate) fn is_subdomain_part(text: &str) -> bool {
    let sound = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    !text.is_empty() && text.bytes().all(sound) && !text.starts_with('-') && !text.ends_with('-')
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
