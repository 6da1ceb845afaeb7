//! Whether a case notices a change.
//!
//! A change of one statement changes one layer of the cases that the statement is asked about. Which statements of that
//! layer apply is known from the evaluation of the whole, which the simulator did; whether the changed one applies is
//! evaluated here, by the product's own evaluator, which another test compares with the simulator.

use std::collections::BTreeMap;

use secureml::policy::evaluate::{Policies, Request, evaluate};
use secureml::policy::{Document, Effect, Statement};

use super::mutants::{Change, Mutant, speaks};
use crate::guardrails::environment::PolicyKind;
use crate::guardrails::evaluated::Evaluated;
use crate::guardrails::scenario::{Case, LayerName};
use crate::guardrails::simulator::Layer;

/// Every case, found by a policy that has a say in it and by its action.
pub struct Cases<'a> {
    of: BTreeMap<&'a str, ByAction<'a>>,
}

type ByAction<'a> = BTreeMap<&'a str, Vec<(&'a Evaluated, Request)>>;

impl<'a> Cases<'a> {
    pub fn new(evaluated: &'a [Evaluated]) -> Self {
        let mut of: BTreeMap<&str, ByAction<'a>> = BTreeMap::new();
        for one in evaluated {
            for policy in policies_of(&one.case) {
                let actions = of.entry(policy).or_default();
                actions.entry(&one.case.action).or_default().push((one, one.request()));
            }
        }
        Self { of }
    }

    /// The name of the first case that notices `mutant`.
    pub fn notice(&self, mutant: &Mutant) -> Option<&'a str> {
        let actions = self.of.get(mutant.policy.as_str())?.iter();
        let mut cases = actions
            .filter(|(action, _)| concerns(mutant, action))
            .flat_map(|(_, cases)| cases);
        let by = cases.find(|(one, request)| is_noticed(mutant, one, request));
        by.map(|(one, _)| one.case.name.as_str())
    }
}

/// Whether the change is about the action `name`.
fn concerns(mutant: &Mutant, name: &str) -> bool {
    let before = mutant.before.as_ref();
    match &mutant.change {
        Change::Opened => true,
        Change::Without(action) => action.eq_ignore_ascii_case(name),
        Change::Removed => before.is_some_and(|before| speaks(before, name)),
        Change::To(after) => speaks(after, name) || before.is_some_and(|before| speaks(before, name)),
    }
}

fn policies_of(case: &Case) -> impl Iterator<Item = &str> {
    let who = case.who.identity.iter().chain(&case.who.boundary);
    who.chain(&case.resource_policy)
        .chain(&case.endpoint_policy)
        .map(String::as_str)
}

/// The layer that policies of the kind are.
fn layer(kind: PolicyKind) -> LayerName {
    match kind {
        PolicyKind::Identity => LayerName::Role,
        PolicyKind::Boundary => LayerName::Boundary,
        PolicyKind::Trust | PolicyKind::Resource => LayerName::Resource,
        PolicyKind::Endpoint => LayerName::Endpoint,
    }
}

/// Whether a defence that the case names no longer holds, or the layer stops legitimate work.
fn is_noticed(mutant: &Mutant, one: &Evaluated, request: &Request) -> bool {
    let name = layer(mutant.kind);
    let Some(layer) = one.layer(name) else {
        return false;
    };
    let Some(before) = &mutant.before else {
        return one.case.by.iter().any(|defence| defence.layer == name);
    };
    let mut defences = one.case.by.iter().filter(|defence| defence.layer == name).peekable();
    if !one.case.by.is_empty() && defences.peek().is_none() {
        return false;
    }
    let changed = changed(layer, mutant, before, request);
    if one.case.by.is_empty() {
        let stops = |layer: &Layer| {
            if one.needs(name) {
                !layer.allows()
            } else {
                !layer.deny.is_empty()
            }
        };
        return !stops(layer) && stops(&changed);
    }
    defences.any(|defence| defence.holds(layer) && !defence.holds(&changed))
}

fn changed(layer: &Layer, mutant: &Mutant, before: &Statement, request: &Request) -> Layer {
    let id = (mutant.policy.clone(), before.sid.clone());
    let mut changed = layer.clone();
    let applied = changed.allow.remove(&id) || changed.deny.remove(&id);
    let applies = match &mutant.change {
        Change::Removed | Change::Opened => false,
        Change::Without(action) => applied && !action.eq_ignore_ascii_case(&request.action),
        Change::To(statement) => {
            speaks(statement, &request.action) && applies(&Document::new([statement.clone()]), request)
        }
    };
    let set = match before.effect {
        Effect::Allow => &mut changed.allow,
        Effect::Deny => &mut changed.deny,
    };
    set.extend(applies.then_some(id));
    changed
}

/// Whether `document` says anything to `request`.
pub fn applies(document: &Document, request: &Request) -> bool {
    let policies = Policies {
        identity: vec![document],
        ..Policies::default()
    };
    let layer = evaluate(request, &policies).identity;
    !layer.allow.is_empty() || !layer.deny.is_empty()
}
