use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{NodeKey, Owner};

/// The tag that says which declaration owns a resource.
pub const OWNER_TAG: &str = "secureml.dev/owner";
/// The tag that says which node of its project a resource is.
pub const NODE_TAG: &str = "secureml.dev/node";

/// The tag that says whose a resource is that belongs to no project but to an installation.
pub const INSTALLATION_TAG: &str = "secureml.dev/installation";

/// The tag on what was adopted: the fingerprint of the adoption, as it was confirmed.
pub const ADOPTED_TAG: &str = "secureml.dev/adopted";

/// The tag in which AWS's console looks for a name.
pub const NAME_TAG: &str = "Name";
/// The tags by which a resource is recognised.
pub const IDENTITY_TAGS: [&str; 3] = [OWNER_TAG, NODE_TAG, NAME_TAG];

/// AWS resource tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(pub BTreeMap<String, String>);

impl Tags {
    /// The value of the tag `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// These tags with `key` set to `value`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// The owner these tags name, if they name one.
    pub fn owner(&self) -> Option<Owner> {
        self.get(OWNER_TAG)?.parse().ok()
    }

    /// The node these tags name, if they name one.
    pub fn node(&self) -> Option<NodeKey> {
        self.get(NODE_TAG)?.parse().ok()
    }

    /// The tags of `self` that `observed` lacks or holds with another value. Tags that only `observed` has
    /// belong to somebody else and are left alone.
    pub fn missing_from(&self, observed: &Self) -> Self {
        let missing = self.0.iter().filter(|(key, value)| observed.0.get(*key) != Some(value));
        Self(missing.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}
