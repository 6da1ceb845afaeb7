use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{NodeKey, Tags};

/// What a spec says about resources that exist and shall be taken into the project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    /// Which resource shall be which node.
    pub claims: BTreeMap<NodeKey, Claim>,
    /// The fingerprint of the adoption that was seen and shall be carried out.
    pub confirmed: Option<String>,
    /// Whether what was adopted goes with the project, unless it holds data that is to be retained.
    pub delete: bool,
}

/// One resource that exists and shall be taken into the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which one.
    pub on: Claimed,
    /// The mark of whatever managed it, which has let it go.
    pub from: Option<String>,
}

/// How a claim names its resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claimed {
    /// By its id, or by its name for kinds that are known by name.
    Id(String),
    /// By tags that it has, and no other of its kind.
    Tags(Tags),
}

impl Claimed {
    /// Whether the resource `id` that has `tags` is meant.
    pub fn is(&self, id: &str, tags: &Tags) -> bool {
        match self {
            Self::Id(named) => named == id,
            Self::Tags(wanted) => wanted.missing_from(tags).is_empty(),
        }
    }
}

impl std::fmt::Display for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Tags(tags) => {
                let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(f, "with the tags {}", tags.join(", "))
            }
        }
    }
}
