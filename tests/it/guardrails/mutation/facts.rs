//! What is known of the policies of an environment beside their text.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use secureml::policy::{Document, Effect, Statement};

use super::mutants::{Neighbours, speaks};
use crate::guardrails::environment::{Environment, Policy, PolicyKind};
use crate::guardrails::published::Published;

/// See the module. Policies are known by their ids.
pub struct Facts {
    pub published: &'static Published,
    pub neighbours: Neighbours,
    /// The ARNs of the roles that a policy of a role, or a boundary, is for: nobody else is ever asked about there.
    pub callers: BTreeMap<String, BTreeSet<String>>,
    /// The ARN of what the policy of a resource is for: nothing else is ever asked about there.
    pub resources: BTreeMap<String, String>,
    /// What the roles under a boundary are allowed by policies of their own.
    permissions: BTreeMap<String, Vec<Statement>>,
    /// What each policy allows.
    allows: BTreeMap<String, Vec<Statement>>,
}

impl Facts {
    pub fn of(ours: &Environment, theirs: &Environment) -> Result<Self> {
        let mut facts = Self {
            published: Published::all()?,
            neighbours: Neighbours::of(ours, theirs),
            callers: BTreeMap::new(),
            resources: BTreeMap::new(),
            permissions: BTreeMap::new(),
            allows: BTreeMap::new(),
        };
        for node in ours.nodes.values() {
            for policy in ours.policies(node) {
                facts.allows.insert(policy.id.clone(), allows(&policy)?);
                let own = matches!(policy.kind, PolicyKind::Resource | PolicyKind::Trust);
                let arn = ours.output(node, "arn").filter(|_| own);
                facts.resources.extend(arn.map(|arn| (policy.id.clone(), arn)));
            }
        }
        for node in ours.nodes.values().filter(|node| node.key.kind == "IamRole") {
            let arn = ours.output(node, "arn").context("a role has an ARN")?;
            let boundary = node.attributes["boundary"].as_str();
            let boundary = boundary
                .and_then(|arn| ours.owner_of(arn))
                .context("a role has a boundary")?;
            let boundary = ours.id(&boundary.key);
            for policy in ours.policies(node) {
                if policy.kind == PolicyKind::Identity {
                    let known = facts.permissions.entry(boundary.clone()).or_default();
                    known.extend(allows(&policy)?);
                }
                facts.callers.entry(policy.id).or_default().insert(arn.clone());
            }
            facts.callers.entry(boundary).or_default().insert(arn);
        }
        Ok(facts)
    }

    /// What the policy `id` allows by other statements than `changed`, where that allows too.
    pub fn others(&self, id: &str, changed: &Statement) -> Document {
        let all = self.allows.get(id).filter(|_| changed.effect == Effect::Allow);
        let others = all
            .into_iter()
            .flatten()
            .filter(|statement| statement.sid != changed.sid);
        Document::new(others.cloned())
    }

    /// Whether taking `action` out of the policy `id` can take it from anybody: not where that is a boundary, and no role
    /// under it has it.
    pub fn is_somebodys(&self, id: &str, action: &str) -> bool {
        let roles = self.permissions.get(id);
        roles.is_none_or(|allows| allows.iter().any(|statement| speaks(statement, action)))
    }
}

fn allows(policy: &Policy) -> Result<Vec<Statement>> {
    let document: Document = serde_json::from_value(policy.document.clone())?;
    let statements = document.statements.into_iter();
    Ok(statements
        .filter(|statement| statement.effect == Effect::Allow)
        .collect())
}
