//! Weakened and narrowed policies, one change at a time: would the suite notice?
//!
//! A change of one statement changes one layer of the cases that the statement is evaluated for. Which statements of
//! that layer apply is known from the evaluation of the whole; the simulator is asked only whether the changed one
//! applies. A mutant is noticed when a defence that a scenario names no longer holds, or when a layer stops
//! legitimate work.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::{Value, json};

use super::environment::{Environment, Policy, PolicyKind};
use super::scenario::{Case, LayerName};
use super::simulator::{Answers, Asked, Layer, Matched, Questions};
use super::suite::Evaluated;

/// A policy with one change.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub policy: String,
    pub kind: PolicyKind,
    pub sid: String,
    /// What was done.
    pub what: String,
    pub sort: Sort,
    change: Change,
    asked: Option<(Asked, Vec<usize>)>,
}

/// What a change does to the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// More is possible: attacks have to notice.
    Weaker,
    /// Less is possible: legitimate work has to notice.
    Narrower,
    /// It depends on the request: either has to notice.
    Other,
}

#[derive(Clone, Debug)]
enum Change {
    Removed,
    /// It no longer speaks of this action.
    Without(String),
    To(Value),
    /// The whole policy is gone, or lets everything through.
    PolicyRemoved,
}

/// Every mutant of `policies`.
pub fn mutants(policies: &[Policy], ours: &Environment, theirs: &Environment, cases: &[Case]) -> Vec<Mutant> {
    let neighbours = translation(ours, theirs);
    let tried: BTreeSet<&str> = cases.iter().map(|case| case.action.as_str()).collect();
    let mut found = Vec::new();
    for policy in policies.iter().filter(|policy| !policy.id.contains(':')) {
        let mut add = |sid: &str, what: String, sort: Sort, change: Change| {
            found.push(Mutant {
                policy: policy.id.clone(),
                kind: policy.kind,
                sid: sid.to_owned(),
                what,
                sort,
                change,
                asked: None,
            });
        };
        if matches!(policy.kind, PolicyKind::Boundary | PolicyKind::Endpoint) {
            add("", "opened".to_owned(), Sort::Weaker, Change::PolicyRemoved);
        }
        for statement in policy.document["Statement"].as_array().into_iter().flatten() {
            let sid = statement["Sid"].as_str().unwrap_or_default();
            let deny = statement["Effect"] == "Deny";
            let taken = if deny { Sort::Weaker } else { Sort::Narrower };
            add(sid, "removed".to_owned(), taken, Change::Removed);
            for action in spoken_of(statement, &tried) {
                add(sid, format!("without {action}"), taken, Change::Without(action));
            }
            for (what, sort, changed) in changes(statement, deny, &neighbours) {
                add(sid, what, sort, Change::To(changed));
            }
        }
    }
    found
}

/// For each name of ours, the neighbour's name of the same thing.
fn translation(ours: &Environment, theirs: &Environment) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for node in ours.nodes.values() {
        for output in ["id", "arn", "name"] {
            let other = theirs.nodes.get(&node.key);
            let pair = other.and_then(|other| Some((ours.output(node, output)?, theirs.output(other, output)?)));
            names.extend(pair);
        }
    }
    names
}

/// The actions that can be taken out of a statement: those it names, and those of its patterns that are tried.
fn spoken_of(statement: &Value, tried: &BTreeSet<&str>) -> BTreeSet<String> {
    let patterns: Vec<&str> = list(&statement["Action"]);
    let of = |pattern: &&str| -> Vec<String> {
        if pattern.contains('*') {
            let matching = tried.iter().filter(|action| matches(pattern, action));
            matching.map(|&action| action.to_owned()).collect()
        } else {
            vec![(*pattern).to_owned()]
        }
    };
    patterns.iter().flat_map(of).collect()
}

type Changed = (String, Sort, Value);

fn changes(statement: &Value, deny: bool, neighbours: &BTreeMap<String, String>) -> Vec<Changed> {
    let mut found = conditions(statement, deny, neighbours);
    found.extend(resources(statement, deny, neighbours));
    if !deny {
        let services: BTreeSet<&str> = list(&statement["Action"])
            .into_iter()
            .filter_map(|action| action.split_once(':').map(|(service, _)| service))
            .collect();
        for service in services {
            let all = format!("{service}:*");
            let mut changed = statement.clone();
            if let Some(actions) = changed["Action"].as_array_mut()
                && !actions.contains(&Value::from(all.as_str()))
            {
                actions.push(all.as_str().into());
                found.push((format!("every action of {service}"), Sort::Weaker, changed));
            }
        }
    }
    for service in ["s3:*", "kms:*", "sagemaker:*"] {
        let mut changed = statement.clone();
        if let Some(actions) = changed["NotAction"].as_array_mut() {
            actions.push(service.into());
            found.push((format!("not about {service}"), Sort::Weaker, changed));
        }
    }
    found
}

fn resources(statement: &Value, deny: bool, neighbours: &BTreeMap<String, String>) -> Vec<Changed> {
    let mut found = Vec::new();
    for (field, covers) in [("Resource", true), ("NotResource", false)] {
        let items = list(&statement[field]);
        // The more it covers, the weaker is an allow, and the stricter a deny.
        let more = |covers: bool| if covers == deny { Sort::Narrower } else { Sort::Weaker };
        for (i, &item) in items.iter().enumerate() {
            if item == "*" {
                continue;
            }
            let mut with = |what: String, sort: Sort, value: Option<String>| {
                let mut changed = statement.clone();
                let Some(list) = changed[field].as_array_mut() else {
                    return;
                };
                match value {
                    Some(value) => list[i] = value.into(),
                    None => drop(list.remove(i)),
                }
                if !list.is_empty() {
                    found.push((what, sort, changed));
                }
            };
            with(format!("{field} without {item}"), more(!covers), None);
            with(format!("{field} * for {item}"), more(covers), Some("*".to_owned()));
            if !item.ends_with('*') {
                with(format!("{field} {item}*"), more(covers), Some(format!("{item}*")));
            }
            if let Some((ours, theirs)) = neighbours.iter().find(|(ours, _)| item.contains(ours.as_str())) {
                let swapped = item.replace(ours.as_str(), theirs);
                with(format!("{field} {swapped} for {item}"), Sort::Other, Some(swapped));
            }
        }
    }
    found
}

/// Each operator and what it becomes, for denies and for allows.
const SOFTER: &[(&str, &str, Sort)] = &[
    ("BoolIfExists", "Bool", Sort::Other),
    ("Bool", "BoolIfExists", Sort::Other),
    ("StringEquals", "StringEqualsIfExists", Sort::Other),
    ("StringEquals", "StringEqualsIgnoreCase", Sort::Other),
    ("StringLike", "StringLikeIfExists", Sort::Other),
    ("StringEqualsIfExists", "StringEquals", Sort::Other),
    ("StringNotEquals", "StringNotEqualsIgnoreCase", Sort::Other),
    ("StringNotEquals", "StringEquals", Sort::Other),
    ("StringNotEqualsIfExists", "StringEqualsIfExists", Sort::Other),
    ("StringNotLike", "StringLike", Sort::Other),
    ("ArnEquals", "ArnEqualsIfExists", Sort::Other),
    ("ArnLike", "ArnLikeIfExists", Sort::Other),
    ("ArnNotEquals", "ArnEquals", Sort::Other),
    ("ArnNotLike", "ArnLike", Sort::Other),
    ("NumericLessThanEquals", "NumericLessThanEqualsIfExists", Sort::Other),
    (
        "ForAnyValue:StringNotEquals",
        "ForAllValues:StringNotEquals",
        Sort::Other,
    ),
    ("ForAnyValue:StringNotLike", "ForAllValues:StringNotLike", Sort::Other),
    (
        "ForAnyValue:StringEqualsIgnoreCase",
        "ForAnyValue:StringEquals",
        Sort::Other,
    ),
    ("ForAllValues:StringEquals", "ForAnyValue:StringEquals", Sort::Other),
    ("ForAllValues:StringLike", "ForAnyValue:StringLike", Sort::Other),
    ("ForAllValues:ArnEquals", "ForAnyValue:ArnEquals", Sort::Other),
];

fn conditions(statement: &Value, deny: bool, neighbours: &BTreeMap<String, String>) -> Vec<Changed> {
    let mut found = Vec::new();
    let operators = statement["Condition"].as_object().into_iter().flatten();
    for (operator, keys) in operators {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let dropped = if deny { Sort::Narrower } else { Sort::Weaker };
            found.push((
                format!("without {operator} {key}"),
                dropped,
                with_condition(statement, (operator, key), None),
            ));
            for (from, to, sort) in SOFTER.iter().filter(|(from, ..)| from == operator) {
                let changed = with_condition(statement, (operator, key), Some((to, values.clone())));
                found.push((format!("{to} for {from} {key}"), *sort, changed));
            }
            for (what, sort, values) in values_of(operator, values, deny, neighbours) {
                let changed = with_condition(statement, (operator, key), Some((operator, values)));
                found.push((format!("{operator} {key} {what}"), sort, changed));
            }
        }
    }
    found
}

fn values_of(operator: &str, values: &Value, deny: bool, neighbours: &BTreeMap<String, String>) -> Vec<Changed> {
    let negative = operator.contains("Not");
    // A longer list makes a positive condition hold more often; where it holds, a deny is stricter.
    let longer = if negative == deny { Sort::Weaker } else { Sort::Narrower };
    let shorter = if negative == deny { Sort::Narrower } else { Sort::Weaker };
    let known = list(values);
    let mut found = Vec::new();
    if operator == "Null" {
        let other = if known == ["true"] { "false" } else { "true" };
        return vec![(other.to_string(), Sort::Other, json!([other]))];
    }
    if operator.contains("Bool") {
        return found;
    }
    for value in &known {
        if operator.starts_with("Numeric") {
            let more: f64 = value.parse::<f64>().unwrap_or(1.0) * 10.0;
            found.push((format!("{more}"), Sort::Weaker, json!([format!("{more}")])));
            continue;
        }
        if known.len() > 1 {
            let rest: Vec<&&str> = known.iter().filter(|other| *other != value).collect();
            found.push((format!("without {value}"), shorter, json!(rest)));
        }
        let theirs = neighbours.iter().find(|(ours, _)| value == ours);
        if let Some((_, theirs)) = theirs {
            let more: Vec<&str> = known.iter().copied().chain([theirs.as_str()]).collect();
            found.push((format!("and {theirs}"), longer, json!(more)));
        }
    }
    if operator.contains("Like") {
        found.push(("*".to_owned(), longer, json!(["*"])));
    }
    found
}

fn with_condition(statement: &Value, (operator, key): (&str, &str), put: Option<(&str, Value)>) -> Value {
    let mut changed = statement.clone();
    let Some(conditions) = changed["Condition"].as_object_mut() else {
        return changed;
    };
    if let Some(keys) = conditions.get_mut(operator).and_then(Value::as_object_mut) {
        keys.remove(key);
        if keys.is_empty() {
            conditions.remove(operator);
        }
    }
    if let Some((operator, values)) = put {
        let keys = conditions.entry(operator).or_insert_with(|| json!({}));
        keys[key] = values;
    }
    if conditions.is_empty()
        && let Some(fields) = changed.as_object_mut()
    {
        fields.remove("Condition");
    }
    changed
}

/// Asks to which cases each changed statement applies.
pub fn ask(mutants: &mut [Mutant], cases: &[Case], questions: &mut Questions) {
    let mut of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, case) in cases.iter().enumerate() {
        for policy in policies_of(case) {
            of.entry(policy).or_default().push(i);
        }
    }
    for mutant in mutants {
        let Change::To(statement) = &mutant.change else {
            continue;
        };
        let patterns = list(&statement["Action"]);
        let about =
            |i: &&usize| patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, &cases[**i].action));
        let affected = of.get(mutant.policy.as_str()).into_iter().flatten();
        let affected: Vec<usize> = affected.filter(about).copied().collect();
        let asked = questions.ask(&json!({
            "op": "match", "kind": mutant.kind.word(), "statement": statement, "requests": affected,
        }));
        mutant.asked = Some((asked, affected));
    }
}

fn policies_of(case: &Case) -> impl Iterator<Item = &str> {
    let who = case.who.identity.iter().chain(&case.who.boundary);
    who.chain(&case.resource_policy)
        .chain(&case.endpoint_policy)
        .map(String::as_str)
}

impl Mutant {
    /// The name of the case that notices it, if any.
    pub fn noticed<'a>(&self, evaluated: &'a [Evaluated], answers: &Answers) -> Result<Option<&'a str>> {
        let matched = match &self.asked {
            Some((asked, _)) => answers.get::<Matched>(*asked)?.matched,
            None => BTreeSet::new(),
        };
        let mut all = evaluated.iter().enumerate();
        let by = all.find(|(i, one)| self.is_noticed_by(*i, one, &matched));
        Ok(by.map(|(_, one)| one.case.name.as_str()))
    }

    fn is_noticed_by(&self, i: usize, one: &Evaluated, matched: &BTreeSet<usize>) -> bool {
        let name = match self.kind {
            PolicyKind::Identity => LayerName::Role,
            PolicyKind::Boundary => LayerName::Boundary,
            PolicyKind::Trust | PolicyKind::Resource => LayerName::Resource,
            PolicyKind::Endpoint => LayerName::Endpoint,
        };
        if !policies_of(&one.case).any(|policy| policy == self.policy) {
            return false;
        }
        let Some(layer) = one.layer(name) else {
            return false;
        };
        if let Change::PolicyRemoved = self.change {
            return one.case.by.iter().any(|defence| defence.layer == name);
        }
        let changed = self.changed(layer, &one.case, matched.contains(&i));
        if one.case.by.is_empty() {
            return layer.allows() && !changed.allows() && (one.needs(name) || !changed.deny.is_empty());
        }
        let mut defences = one.case.by.iter().filter(|defence| defence.layer == name);
        defences.any(|defence| defence.holds(layer) && !defence.holds(&changed))
    }

    fn changed(&self, layer: &Layer, case: &Case, matches: bool) -> Layer {
        let id = (self.policy.clone(), self.sid.clone());
        let mut changed = layer.clone();
        let (allowed, denied) = (changed.allow.remove(&id), changed.deny.remove(&id));
        match &self.change {
            Change::Removed | Change::PolicyRemoved => {}
            Change::Without(action) if *action == case.action => {}
            Change::Without(_) => {
                changed.allow.extend(allowed.then(|| id.clone()));
                changed.deny.extend(denied.then_some(id));
            }
            Change::To(statement) if matches => {
                let set = if statement["Effect"] == "Deny" {
                    &mut changed.deny
                } else {
                    &mut changed.allow
                };
                set.insert(id);
            }
            Change::To(_) => {}
        }
        changed
    }
}

fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether `text` is of the form `pattern`, as IAM compares actions.
pub fn matches(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => go(&pattern[1..], text) || (!text.is_empty() && go(pattern, &text[1..])),
            (Some(b'?'), Some(_)) => go(&pattern[1..], &text[1..]),
            (Some(p), Some(t)) => p.eq_ignore_ascii_case(t) && go(&pattern[1..], &text[1..]),
            _ => false,
        }
    }
    go(pattern.as_bytes(), text.as_bytes())
}
