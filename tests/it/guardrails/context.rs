//! What requests say of the resource and of the tags that they give.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::Value;

use super::environment::{Environment, Others, STRANGERS};
use super::format::Patch;

/// Whose the resource is.
pub fn resource(resource: &str, account: &str) -> BTreeMap<String, Value> {
    if resource == "*" {
        return BTreeMap::new();
    }
    let organisation = if account == STRANGERS {
        "o-stranger00"
    } else {
        "o-ours000000"
    };
    BTreeMap::from([
        ("aws:ResourceAccount".to_owned(), account.into()),
        ("aws:ResourceOrgID".to_owned(), organisation.into()),
    ])
}

/// The tags that the request gives.
pub fn giving(patches: [&Patch; 3], others: &Others<'_>) -> Result<BTreeMap<String, Value>> {
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for change in patches.iter().filter_map(|patch| patch.giving.as_ref()) {
        let of = |environment: &Environment| {
            let tags = environment.tags();
            let pairs = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
            pairs.collect::<Vec<_>>()
        };
        match change {
            Value::String(text) if text == "ours" => tags.extend(of(others.ours)),
            Value::String(text) if text == "theirs" => tags.extend(of(others.theirs)),
            Value::String(text) if text == "none" => tags.clear(),
            Value::Object(changes) => {
                for (key, value) in changes {
                    match value.as_str() {
                        Some(value) => tags.insert(key.clone(), value.to_owned()),
                        None => tags.remove(key),
                    };
                }
            }
            other => bail!("giving {other}?"),
        }
    }
    if tags.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys: Vec<Value> = tags.keys().map(|key| key.clone().into()).collect();
    let key = |(tag, value): (String, String)| (format!("aws:RequestTag/{tag}"), value.into());
    let mut context: BTreeMap<String, Value> = tags.into_iter().map(key).collect();
    context.insert("aws:TagKeys".to_owned(), keys.into());
    Ok(context)
}
