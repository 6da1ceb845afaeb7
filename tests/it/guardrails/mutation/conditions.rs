//! Changes of conditions: dropped, softened, with more values and with fewer.

use std::collections::BTreeSet;

use secureml::policy::{Effect, Statement};

use super::mutants::{Changed, Neighbours, Sort};

/// What each operator becomes.
const SOFTER: &[(&str, &[&str])] = &[
    ("BoolIfExists", &["Bool"]),
    ("Bool", &["BoolIfExists"]),
    ("StringEquals", &["StringEqualsIfExists", "StringEqualsIgnoreCase"]),
    (
        "StringEqualsIgnoreCase",
        &["StringEquals", "StringEqualsIgnoreCaseIfExists"],
    ),
    ("StringLike", &["StringLikeIfExists"]),
    ("StringEqualsIfExists", &["StringEquals"]),
    ("StringNotEquals", &["StringNotEqualsIgnoreCase", "StringEquals"]),
    ("StringNotEqualsIfExists", &["StringEqualsIfExists"]),
    ("StringNotLike", &["StringLike"]),
    ("ArnEquals", &["ArnEqualsIfExists"]),
    ("ArnLike", &["ArnLikeIfExists"]),
    ("ArnNotEquals", &["ArnEquals"]),
    ("ArnNotLike", &["ArnLike"]),
    ("NumericLessThan", &["NumericLessThanEquals"]),
    ("NumericLessThanEquals", &["NumericLessThanEqualsIfExists"]),
    ("ForAnyValue:StringNotEquals", &["ForAllValues:StringNotEquals"]),
    ("ForAnyValue:StringNotLike", &["ForAllValues:StringNotLike"]),
    ("ForAnyValue:StringEqualsIgnoreCase", &["ForAnyValue:StringEquals"]),
    ("ForAllValues:StringEquals", &["ForAnyValue:StringEquals"]),
    ("ForAllValues:StringLike", &["ForAnyValue:StringLike"]),
    ("ForAllValues:ArnEquals", &["ForAnyValue:ArnEquals"]),
];

/// Every change of a condition of `statement`.
pub fn changes(statement: &Statement, neighbours: &Neighbours) -> Vec<Changed> {
    let mut found = Vec::new();
    for (operator, keys) in &statement.conditions {
        for (key, values) in keys {
            let with = |put: Option<(&str, BTreeSet<String>)>| changed(statement, (operator, key), put);
            let dropped = Sort::of(true, statement.effect);
            found.push((format!("without {operator} {key}"), dropped, with(None)));
            let softer = SOFTER.iter().filter(|(from, _)| from == operator);
            for to in softer.flat_map(|(_, to)| *to) {
                let changed = with(Some((to, values.clone())));
                found.push((format!("{to} for {operator} {key}"), Sort::Other, changed));
            }
            // A deny is not made to hold of more: see `mutants`.
            let stricter = |more: &Option<bool>| statement.effect == Effect::Deny && *more == Some(true);
            let others = values_of(operator, values, neighbours).into_iter();
            for (what, more, values) in others.filter(|(_, more, _)| !stricter(more)) {
                let sort = more.map_or(Sort::Other, |more| Sort::of(more, statement.effect));
                let changed = with(Some((operator, values)));
                found.push((format!("{operator} {key} {what}"), sort, changed));
            }
        }
    }
    found
}

/// Other values in the place of `values`: what was done, and whether the condition then holds more often, where one can
/// tell.
fn values_of(
    operator: &str,
    values: &BTreeSet<String>,
    neighbours: &Neighbours,
) -> Vec<(String, Option<bool>, BTreeSet<String>)> {
    let only = |value: &str| BTreeSet::from([value.to_owned()]);
    if operator == "Null" || operator.starts_with("Bool") {
        let other = if values.contains("true") { "false" } else { "true" };
        return vec![(other.to_owned(), None, only(other))];
    }
    let mut found = Vec::new();
    let longer = !operator.contains("Not");
    for value in values {
        if operator.starts_with("Numeric") {
            let more = value.parse::<f64>().unwrap_or(1.0) * 10.0;
            found.push((
                more.to_string(),
                Some(operator.contains("Less")),
                only(&more.to_string()),
            ));
            continue;
        }
        if values.len() > 1 {
            let rest = values.iter().filter(|other| *other != value).cloned().collect();
            found.push((format!("without {value}"), Some(!longer), rest));
        }
        if let Some(theirs) = neighbours.of_name(value) {
            let more = values.iter().cloned().chain([theirs.to_owned()]).collect();
            found.push((format!("and {theirs}"), Some(longer), more));
        }
    }
    if operator.contains("Like") {
        found.push(("*".to_owned(), Some(longer), only("*")));
    }
    found
}

fn changed(statement: &Statement, (operator, key): (&str, &str), put: Option<(&str, BTreeSet<String>)>) -> Statement {
    let mut changed = statement.clone();
    if let Some(keys) = changed.conditions.get_mut(operator) {
        keys.remove(key);
    }
    changed.conditions.retain(|_, keys| !keys.is_empty());
    if let Some((operator, values)) = put {
        let keys = changed.conditions.entry(operator.to_owned()).or_default();
        keys.insert(key.to_owned(), values);
    }
    changed
}
