//! What the life of the kill test changes: every field that a spec can have, or there is a reason why not.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use kube::CustomResourceExt;
use secureml::api::SecureMLProject;
use serde_json::{Value, json};

use super::life::MANIFESTS;
use crate::environment::parse;

/// Fields that no life changes, and why.
const UNCHANGED: &[(&str, &str)] = &[
    ("projectName", "part of every name: refused"),
    ("environmentType", "part of every name: refused"),
    ("network.vpcCidr", "AWS cannot renumber a VPC: refused"),
    ("network.subnetCidrs", "AWS cannot move a subnet: refused"),
    (
        "notebooks[].name",
        "another name is another notebook: one goes and one comes",
    ),
    (
        "notebooks[].updatePolicy",
        "without leave the other changes would not be carried out",
    ),
    (
        "notebooks[].replacePolicy",
        "without leave the other changes would not be carried out",
    ),
    ("drift.mode", "nothing is written while it only observes"),
    (
        "adopt.resources[].resource",
        "taking up what exists is no life of its own; see adopt.rs",
    ),
    ("adopt.resources[].id", "see above"),
    ("adopt.resources[].tags", "see above"),
    ("adopt.resources[].from", "see above"),
    ("adopt.confirm", "see above"),
    ("adopt.deletionPolicy", "see above"),
];

#[test]
fn a_life_changes_every_field_that_can_change() -> Result<()> {
    let crd = serde_json::to_value(SecureMLProject::crd())?;
    let schema = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
    let mut fields = BTreeSet::new();
    leaves(schema.context("a schema")?, String::new(), &mut fields);
    let specs: Vec<Value> = MANIFESTS
        .iter()
        .map(|manifest| Ok(json!(parse(manifest)?.spec)))
        .collect::<Result<_>>()?;
    let changes = |field: &str| {
        let path: Vec<&str> = field.split('.').collect();
        specs.windows(2).any(|pair| differs(&pair[0], &pair[1], &path))
    };
    let (changed, unchanged): (BTreeSet<_>, BTreeSet<_>) = fields.into_iter().partition(|field| changes(field));
    let reasons: BTreeSet<String> = UNCHANGED.iter().map(|(field, _)| (*field).to_owned()).collect();
    let open: Vec<_> = unchanged.difference(&reasons).collect();
    ensure!(open.is_empty(), "no life changes {open:?}");
    let idle: Vec<_> = reasons.difference(&unchanged).collect();
    ensure!(idle.is_empty(), "strike from the table: {idle:?}");
    ensure!(changed.len() > 20, "the schema was not walked: {changed:?}");
    Ok(())
}

/// Every field of a schema that holds a value of its own: lists of objects go on as `notebooks[].name`.
fn leaves(schema: &Value, path: String, found: &mut BTreeSet<String>) {
    let items = &schema["items"];
    if let Some(properties) = schema["properties"].as_object() {
        for (name, field) in properties {
            let dot = if path.is_empty() { "" } else { "." };
            leaves(field, format!("{path}{dot}{name}"), found);
        }
    } else if items["properties"].is_object() {
        leaves(items, format!("{path}[]"), found);
    } else {
        found.insert(path);
    }
}

/// Whether a field has another value in one spec than in the other: of a list, in something that is in both.
fn differs(one: &Value, other: &Value, path: &[&str]) -> bool {
    let Some((field, rest)) = path.split_first() else {
        return one != other;
    };
    let Some(list) = field.strip_suffix("[]") else {
        return differs(&one[*field], &other[*field], rest);
    };
    let (one, other) = (by_name(&one[list]), by_name(&other[list]));
    one.iter()
        .any(|(name, item)| other.get(name).is_some_and(|other| differs(item, other, rest)))
}

fn by_name(list: &Value) -> BTreeMap<&str, &Value> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| Some((item["name"].as_str()?, item))).collect()
}
