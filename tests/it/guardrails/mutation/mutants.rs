//! Policies with one change: every statement and every action of it taken out, every condition dropped or softened, every
//! resource and value widened, narrowed or exchanged for the neighbour's.
//!
//! Two kinds of change are left out, neither of which makes anything possible. A deny is not made to speak of more
//! resources or of a neighbour's names as well: what it would then stop is none of the project's work. And from a
//! boundary nothing is taken that no role under it has: it says in patterns what the roles say in full.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use secureml::policy::{Document, Effect, Principal, Statement, matches};

use super::conditions;
use super::facts::Facts;
use crate::guardrails::environment::{Environment, Policy, PolicyKind};
use crate::guardrails::published::Published;

/// A policy with one change.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub policy: String,
    pub kind: PolicyKind,
    /// The statement; none when it is the whole policy that changes.
    pub before: Option<Statement>,
    /// What was done.
    pub what: String,
    pub sort: Sort,
    pub change: Change,
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

/// What becomes of a statement.
#[derive(Clone, Debug)]
pub enum Change {
    Removed,
    /// It no longer speaks of this action.
    Without(String),
    To(Statement),
    /// The whole policy lets everything through.
    Opened,
}

/// What was done, to which effect, and what came of it.
pub type Changed = (String, Sort, Statement);

impl Sort {
    /// Of a change by which a statement applies more often, or less.
    pub fn of(applies_more: bool, effect: Effect) -> Self {
        if applies_more == (effect == Effect::Allow) {
            Self::Weaker
        } else {
            Self::Narrower
        }
    }
}

/// For each name of ours, the neighbour's name of the same thing.
pub struct Neighbours(BTreeMap<String, String>);

impl Neighbours {
    pub fn of(ours: &Environment, theirs: &Environment) -> Self {
        let mut names = BTreeMap::new();
        for node in ours.nodes.values() {
            for output in ["id", "arn", "name"] {
                let other = theirs.nodes.get(&node.key);
                let pair = other.and_then(|other| Some((ours.output(node, output)?, theirs.output(other, output)?)));
                names.extend(pair);
            }
        }
        Self(names)
    }

    /// The neighbour's name of what is called `name` here.
    pub fn of_name(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `text` with the neighbour's name in the place of ours, the longest of ours that is in it.
    pub fn translate(&self, text: &str) -> Option<String> {
        let ours = self.0.keys().filter(|ours| text.contains(ours.as_str()));
        let ours = ours.max_by_key(|ours| ours.len())?;
        Some(text.replace(ours.as_str(), &self.0[ours]))
    }
}

/// Every mutant of `policies`.
pub fn mutants(policies: &[&Policy], facts: &Facts) -> Result<Vec<Mutant>> {
    let mut found = Vec::new();
    for policy in policies {
        let mutant = |before: Option<&Statement>, what: String, sort: Sort, change: Change| Mutant {
            policy: policy.id.clone(),
            kind: policy.kind,
            before: before.cloned(),
            what,
            sort,
            change,
        };
        if matches!(policy.kind, PolicyKind::Boundary | PolicyKind::Endpoint) {
            found.push(mutant(None, "opened".to_owned(), Sort::Weaker, Change::Opened));
        }
        let document: Document = serde_json::from_value(policy.document.clone())?;
        for statement in &document.statements {
            let taken = Sort::of(false, statement.effect);
            let add = |what: String, sort: Sort, change: Change| mutant(Some(statement), what, sort, change);
            found.push(add("removed".to_owned(), taken, Change::Removed));
            let narrows = taken == Sort::Narrower;
            let actions = spoken_of(statement, facts.published).into_iter();
            let actions = actions.filter(|action| !narrows || facts.is_somebodys(&policy.id, action));
            found.extend(actions.map(|action| add(format!("without {action}"), taken, Change::Without(action))));
            let changed = changes(statement, &facts.neighbours).into_iter();
            found.extend(changed.map(|(what, sort, changed)| add(what, sort, Change::To(changed))));
        }
    }
    Ok(found)
}

/// The actions that can be taken out of a statement: those it names, and those of its patterns that are published.
fn spoken_of(statement: &Statement, published: &Published) -> BTreeSet<String> {
    let of = |pattern: &String| -> Vec<String> {
        if pattern.contains('*') {
            let matching = published.matching(|action| is_like(pattern, action));
            matching.map(|(action, _)| action.to_owned()).collect()
        } else {
            vec![pattern.clone()]
        }
    };
    statement.actions.iter().flat_map(of).collect()
}

/// Whether `statement` is about the action `name`.
pub fn speaks(statement: &Statement, name: &str) -> bool {
    let among = |patterns: &BTreeSet<String>| patterns.iter().any(|pattern| is_like(pattern, name));
    among(&statement.actions) || (!statement.not_actions.is_empty() && !among(&statement.not_actions))
}

/// Whether the pattern `pattern` stands for the action `name`; most patterns are of another service, which is quickly seen.
fn is_like(pattern: &str, name: &str) -> bool {
    let service = |text| -> &str { str::split(text, ':').next().unwrap_or_default() };
    let of_another = service(pattern) != service(name) && !service(pattern).contains('*');
    !of_another && matches(pattern, name)
}

fn changes(statement: &Statement, neighbours: &Neighbours) -> Vec<Changed> {
    let mut found = conditions::changes(statement, neighbours);
    found.extend(resources(statement, neighbours));
    if statement.effect == Effect::Allow {
        let services: BTreeSet<&str> = statement
            .actions
            .iter()
            .filter_map(|action| action.split_once(':').map(|(service, _)| service))
            .collect();
        for service in services {
            let mut changed = statement.clone();
            if changed.actions.insert(format!("{service}:*")) {
                found.push((format!("every action of {service}"), Sort::Weaker, changed));
            }
        }
        if !statement.principals.is_empty() && !statement.principals.contains(&Principal::Anyone) {
            let mut changed = statement.clone();
            changed.principals = BTreeSet::from([Principal::Anyone]);
            found.push(("for anyone".to_owned(), Sort::Weaker, changed));
        }
    }
    if !statement.not_actions.is_empty() {
        for service in ["s3:*", "kms:*", "sagemaker:*"] {
            let mut changed = statement.clone();
            changed.not_actions.insert(service.to_owned());
            let sort = Sort::of(false, statement.effect);
            found.push((format!("not about {service}"), sort, changed));
        }
    }
    found
}

fn resources(statement: &Statement, neighbours: &Neighbours) -> Vec<Changed> {
    type Field = fn(&mut Statement) -> &mut BTreeSet<String>;
    let fields: [(&str, Field, bool); 2] = [
        ("Resource", |statement| &mut statement.resources, true),
        ("NotResource", |statement| &mut statement.not_resources, false),
    ];
    let deny = statement.effect == Effect::Deny;
    let mut found = Vec::new();
    for (name, field, covers) in fields {
        let mut copy = statement.clone();
        let items = std::mem::take(field(&mut copy));
        for item in items.iter().filter(|item| *item != "*") {
            let mut with = |what: String, sort: Sort, put: Option<String>| {
                let mut changed = statement.clone();
                let items = field(&mut changed);
                items.remove(item);
                items.extend(put);
                if !items.is_empty() {
                    found.push((what, sort, changed));
                }
            };
            let more = |covers: bool| Sort::of(covers, statement.effect);
            if !deny || covers {
                with(format!("{name} without {item}"), more(!covers), None);
            }
            if !(deny && covers) {
                with(format!("{name} * for {item}"), more(covers), Some("*".to_owned()));
                if !item.ends_with('*') {
                    with(format!("{name} {item}*"), more(covers), Some(format!("{item}*")));
                }
            }
            if let Some(theirs) = neighbours.translate(item) {
                with(format!("{name} {theirs} for {item}"), Sort::Other, Some(theirs));
            }
        }
    }
    found
}
