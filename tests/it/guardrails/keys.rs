//! The product's table of SageMaker's condition keys, against AWS's published service-authorization data.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use secureml::policy::sagemaker;

use super::published::{Action, Published};

/// Actions that AWS documents and that the published data does not have yet.
const AHEAD: &[&str] = &["sagemaker:CreateTrainingSession"];

/// Keys that are on nearly every action, or that the table has no use for: their successors are in it.
fn is_of_the_table(key: &str) -> bool {
    let general = ["sagemaker:ResourceTag/"].iter().any(|prefix| key.starts_with(prefix));
    let deprecated = sagemaker::DEPRECATED.iter().any(|(old, _)| *old == key);
    key.starts_with("sagemaker:") && !general && !deprecated
}

#[test]
fn the_table_of_condition_keys_is_the_published_one() -> Result<()> {
    let published: BTreeMap<&str, &Action> = Published::all()?
        .matching(|name| name.starts_with("sagemaker:"))
        .collect();
    let mut differences = Vec::new();
    let mut compared = 0;
    for action in sagemaker::matching("sagemaker:*") {
        let ours: BTreeSet<&str> = sagemaker::keys(action).collect();
        let Some(theirs) = published.get(action) else {
            if !AHEAD.contains(&action) {
                differences.push(format!("{action} is not published"));
            }
            continue;
        };
        let theirs: BTreeSet<&str> = theirs
            .keys
            .iter()
            .map(String::as_str)
            .filter(|key| is_of_the_table(key))
            .collect();
        compared += 1;
        let missing: Vec<_> = theirs.difference(&ours).collect();
        let extra: Vec<_> = ours.difference(&theirs).collect();
        if !missing.is_empty() || !extra.is_empty() {
            differences.push(format!("{action}: lacks {missing:?}, has not in truth {extra:?}"));
        }
    }
    let known: BTreeSet<&str> = sagemaker::matching("sagemaker:*").collect();
    for (action, Action { keys, .. }) in &published {
        let keys: Vec<_> = keys.iter().filter(|key| is_of_the_table(key)).collect();
        if !keys.is_empty() && !known.contains(action) {
            differences.push(format!("{action} is not in the table: {keys:?}"));
        }
    }
    println!("{compared} actions compared, {} differences", differences.len());
    ensure!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}
