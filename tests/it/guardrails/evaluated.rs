//! A case and how it was decided, and what is wrong with that.

use std::collections::BTreeSet;

use secureml::policy::Document;
use secureml::policy::evaluate::{Policies, Request, evaluate};
use serde_json::Value;

use super::scenario::{Case, Defence, LayerName};
use super::simulator::{Decision, Layer};

/// One case and how it was decided.
pub struct Evaluated {
    pub case: Case,
    pub decision: Decision,
    pub administrator: Option<Decision>,
    /// The keys of its context that the action does not carry.
    pub ignored: BTreeSet<String>,
}

impl Evaluated {
    /// The request, as the product's own evaluator takes it.
    pub fn request(&self) -> Request {
        let Case {
            who,
            action,
            resource,
            account,
            context,
            ..
        } = &self.case;
        let carried = context.iter().filter(|(key, _)| !self.ignored.contains(*key));
        let request = Request::new(&who.principal, action, resource, account);
        carried.fold(request, |request, (key, value)| {
            let values: Vec<&str> = match value {
                Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
                other => other.as_str().into_iter().collect(),
            };
            request.with(key, values)
        })
    }

    /// The simulator asks no policy about what everybody may do; the endpoint's has a say in it.
    pub fn ask_the_endpoint(&mut self, endpoint: &Document) {
        let policies = Policies {
            identity: vec![endpoint],
            ..Policies::default()
        };
        let said = evaluate(&self.request(), &policies).identity;
        let named = |sids: BTreeSet<String>| {
            let id = self.case.endpoint_policy.clone().unwrap_or_default();
            sids.into_iter().map(|sid| (id.clone(), sid)).collect()
        };
        let layer = Layer {
            allow: named(said.allow),
            deny: named(said.deny),
        };
        let result = if layer.allows() { "Allowed" } else { "ImplicitlyDenied" };
        self.decision.result = result.to_owned();
        self.decision.layers.endpoint = Some(layer);
    }

    /// What is wrong with an attack.
    pub fn breach(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.case.by.is_empty() {
            found.push("no defence is named".to_owned());
        }
        if self.decision.allowed() {
            found.push("ALLOWED".to_owned());
        }
        if self.administrator.as_ref().is_some_and(Decision::allowed) {
            found.push("ALLOWED with AdministratorAccess".to_owned());
        }
        for defence in &self.case.by {
            if !self.layer(defence.layer).is_some_and(|layer| defence.holds(layer)) {
                found.push(format!("{defence:?} does not hold: {:?}", self.layer(defence.layer)));
            }
        }
        found
    }

    /// What is wrong with legitimate work: the layers that stop it.
    pub fn obstacle(&self) -> Option<String> {
        (!self.decision.allowed()).then(|| {
            let names = [
                LayerName::Role,
                LayerName::Boundary,
                LayerName::Resource,
                LayerName::Endpoint,
                LayerName::Organization,
            ];
            let stops = names.iter().filter_map(|&name| {
                let layer = self.layer(name)?;
                (!layer.allows()).then(|| format!("{name:?} denies by {:?}", layer.deny))
            });
            format!("{}: {}", self.decision.result, stops.collect::<Vec<_>>().join("; "))
        })
    }

    pub fn layer(&self, name: LayerName) -> Option<&Layer> {
        let layers = &self.decision.layers;
        match name {
            LayerName::Role => layers.role.as_ref(),
            LayerName::Boundary => layers.boundary.as_ref(),
            LayerName::Resource => layers.resource.as_ref(),
            LayerName::Endpoint => layers.endpoint.as_ref(),
            LayerName::Organization => layers.organization.as_ref(),
        }
    }

    /// The layers that have to let legitimate work through. A bucket's policy need not: within an account, the role's
    /// word is enough there.
    pub fn needs(&self, name: LayerName) -> bool {
        let action = &self.case.action;
        match name {
            LayerName::Resource => {
                action.starts_with("kms:") || action.starts_with("sts:") || self.case.who.identity.is_empty()
            }
            _ => true,
        }
    }
}

impl Defence {
    /// Whether `layer` alone denies in this way.
    pub fn holds(&self, layer: &Layer) -> bool {
        match &self.sid {
            Some(sid) => layer.denies(sid),
            None => layer.silent(),
        }
    }
}
