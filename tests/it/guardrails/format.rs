//! What scenarios look like in their files.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// One scenario, or many of a kind.
#[derive(Clone, Debug, Deserialize)]
pub struct Scenario {
    /// What it is about, for people.
    pub name: String,
    /// Who asks: see [`Who`].
    pub who: Vec<String>,
    /// From where: see [`Path`].
    #[serde(default = "inside")]
    pub from: Vec<String>,
    /// Actions, each as `requests.yaml` has it. A pattern stands for every action that AWS publishes, on each type of
    /// resource that it is about.
    #[serde(rename = "do")]
    pub actions: Vec<String>,
    /// What patterns of actions do not stand for.
    #[serde(default)]
    pub but: Vec<String>,
    /// Patterns stand only for what is asked about these types of resource.
    #[serde(default)]
    pub types: Vec<String>,
    /// Patterns stand only for what carries this key.
    pub carrying: Option<String>,
    /// Patterns do not stand for what legitimate work does either, of anybody to whom the layers that are named apply.
    #[serde(rename = "beyond-work", default)]
    pub beyond_work: bool,
    /// What is different about all of them.
    #[serde(flatten)]
    pub patch: Patch,
    /// What is different about some of them.
    #[serde(default)]
    pub variants: BTreeMap<String, Patch>,
}

/// What a request is, or how it differs from another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// What it is about: an ARN, or `*` for actions that know no resources.
    pub on: Option<String>,
    /// Whose that is: `ours`, `theirs` (a neighbour project in our account), `strangers` (another account).
    pub of: Option<String>,
    /// Context keys; a null takes one out.
    #[serde(default)]
    pub with: BTreeMap<String, Value>,
    /// Tags of the resource: those of its owner, with these changes, or `none`.
    pub tags: Option<Value>,
    /// Tags that the request sets: `ours`, `theirs`, or a map.
    pub giving: Option<Value>,
    /// What denies it: `role` (nothing in the role's policies allows), `role:Sid` (a statement denies), likewise
    /// `boundary`, `endpoint`, `bucket`, `key`, `trust`, `organization`. Each of them alone.
    pub by: Option<Vec<String>>,
    /// Why it is no matter that the boundary and the policies of resources and endpoints let it through when
    /// `AdministratorAccess` takes the place of the role's own policies.
    #[serde(rename = "not-alone")]
    pub not_alone: Option<String>,
}

fn inside() -> Vec<String> {
    vec!["inside".to_owned()]
}

/// Fields that nobody reads; the reader of a flattened structure does not mind them.
pub fn check_fields(text: &str) -> Result<()> {
    const FIELDS: &[&str] = &[
        "name",
        "who",
        "from",
        "do",
        "but",
        "beyond-work",
        "types",
        "carrying",
        "on",
        "of",
        "with",
        "tags",
        "giving",
        "by",
        "not-alone",
        "variants",
    ];
    let scenarios: Vec<BTreeMap<String, Value>> = serde_saphyr::from_str(text)?;
    for scenario in scenarios {
        let strange: Vec<_> = scenario.keys().filter(|key| !FIELDS.contains(&key.as_str())).collect();
        ensure!(strange.is_empty(), "{:?} has the fields {strange:?}", scenario["name"]);
    }
    Ok(())
}
