//! What to do in the place of a call that is denied.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use secureml::handbook::{conditions, meanings};
use secureml::policy::{Document, Effect, Statement, matches};

use super::environment::Environment;
use super::evaluated::Evaluated;
use super::scenario::LayerName;

/// What to do in the place of `one`, by the names of statements: what its denials say, or what the statements demand that
/// would allow it. Empty where nothing ever allows it.
pub fn remedies(ours: &Environment, one: &Evaluated) -> Result<BTreeMap<String, String>> {
    let role = one.layer(LayerName::Role).context("a role is asked")?;
    let denials = role.deny.iter().filter_map(|(_, sid)| meanings::denial(sid));
    let mut found: BTreeMap<String, String> = denials
        .map(|denial| (denial.sid.to_owned(), denial.remedy.to_owned()))
        .collect();
    if role.silent() {
        let demands = statements(ours, &one.case.who.identity)?.into_iter();
        let demands = demands.filter(|statement| statement.actions.iter().any(|like| matches(like, &one.case.action)));
        found.extend(demands.map(|statement| (statement.sid.clone(), demand(&statement))));
    }
    Ok(found)
}

fn demand(statement: &Statement) -> String {
    let mut demands = conditions(statement);
    if !statement.resources.contains("*") {
        let resources: Vec<&str> = statement.resources.iter().map(String::as_str).collect();
        demands.insert(0, format!("it is about `{}`", resources.join("`, `")));
    }
    format!("It is allowed if {}.", demands.join("; "))
}

/// What the policies `ids` allow.
fn statements(ours: &Environment, ids: &[String]) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    for policy in ours.nodes.values().flat_map(|node| ours.policies(node)) {
        if ids.contains(&policy.id) {
            let document: Document = serde_json::from_value(policy.document)?;
            statements.extend(document.statements);
        }
    }
    statements.retain(|statement| statement.effect == Effect::Allow);
    Ok(statements)
}
