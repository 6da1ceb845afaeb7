//! What requests look like: those of `requests.yaml`, and those that patterns of actions stand for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use secureml::policy::matches;

use super::format::{Patch, Scenario};
use super::published::{Form, Published};

/// What requests look like when nothing is wrong with them, by action.
const REQUESTS: &str = include_str!("scenarios/requests.yaml");

/// What patterns of actions are asked about, by service and type of resource; what else there is is called `churn`.
const RESOURCES: &str = include_str!("scenarios/resources.yaml");

/// What is known of requests.
pub struct Requests {
    known: BTreeMap<String, Patch>,
    /// The project's own resource of a type, where it has one.
    resources: BTreeMap<String, String>,
}

impl Requests {
    pub fn read() -> Result<Self> {
        Ok(Self {
            known: serde_saphyr::from_str(REQUESTS).context("requests.yaml")?,
            resources: serde_saphyr::from_str(RESOURCES).context("resources.yaml")?,
        })
    }

    /// What a request of `action` is when nothing is wrong with it, where it is known.
    pub fn get(&self, action: &str) -> Option<&Patch> {
        self.known.get(action)
    }

    /// What `scenario` does, and what each of it looks like.
    pub fn of(&self, scenario: &Scenario) -> Result<Vec<(String, Patch)>> {
        let mut found = Vec::new();
        for action in &scenario.actions {
            if !action.contains('*') {
                let request = self.known.get(action);
                let request = request.with_context(|| format!("requests.yaml has no {action}"))?;
                found.push((action.clone(), request.clone()));
                continue;
            }
            let is = |name: &str| matches(action, name) && !scenario.but.iter().any(|but| matches(but, name));
            let mut stands_for = 0;
            for (name, published) in Published::all()?.matching(is) {
                let carrying = scenario.carrying.as_ref();
                let fits = |form: &&Form| {
                    let carries = carrying.is_none_or(|key| form.carries(key));
                    carries && (scenario.types.is_empty() || scenario.types.contains(&form.kind))
                };
                let mut forms = published.forms.iter().filter(fits).peekable();
                stands_for += usize::from(forms.peek().is_some());
                match self.known.get(name).filter(|_| scenario.types.is_empty()) {
                    Some(request) if forms.peek().is_some() => found.push((name.to_owned(), request.clone())),
                    _ => found.extend(forms.map(|form| self.request(name, form))),
                }
            }
            ensure!(stands_for > 0, "{action} stands for nothing");
        }
        // What two patterns stand for is done once.
        let mut seen = BTreeSet::new();
        found.retain(|(name, _)| seen.insert(name.clone()));
        Ok(found)
    }

    /// `action` on a resource of the type of `form`, with the tags that make it most likely to be allowed.
    fn request(&self, action: &str, form: &Form) -> (String, Patch) {
        let service = action.split(':').next().unwrap_or_default();
        let known = self.resources.get(&format!("{service} {}", form.kind));
        let patch = Patch {
            on: Some(known.cloned().unwrap_or_else(|| form.arn("{account}", "churn"))),
            giving: Some("ours".into()),
            ..Patch::default()
        };
        (format!("{action} on {}", form.kind), patch)
    }
}
