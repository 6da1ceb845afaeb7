//! Scenarios as data, and what becomes of them: one case for each combination of who, from where, what and variant.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::context;
use super::environment::{Environment, Others, STRANGERS};
use super::format::{Patch, Scenario, check_fields};
use super::path::Path;
use super::requests::Requests;
use super::who::Who;

/// What AWS lets everybody do, whatever their policies say; only an endpoint can stop it.
pub const FREE: &[&str] = &["sts:GetCallerIdentity"];

/// A layer that denies alone, by the statement or by allowing nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Defence {
    pub layer: LayerName,
    pub sid: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerName {
    Role,
    Boundary,
    Resource,
    Endpoint,
    Organization,
}

/// One request by one principal along one path.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub who: Who,
    pub action: String,
    pub resource: String,
    pub account: String,
    pub context: BTreeMap<String, Value>,
    /// The keys that the scenario speaks of: it is a mistake of the scenario when the action carries none of that name.
    pub named: BTreeSet<String>,
    /// The ids of the policies of the resource and of the endpoint.
    pub resource_policy: Option<String>,
    pub endpoint_policy: Option<String>,
    /// What denies it; none for what is legitimate.
    pub by: Vec<Defence>,
    /// It is denied without the role's own policies too.
    pub alone: bool,
}

impl Case {
    /// Whether one of the layers that deny `other` has a say in this one too.
    fn shares_a_layer_with(&self, other: &Self) -> bool {
        let shares = |defence: &Defence| match defence.layer {
            LayerName::Role => self.who.identity == other.who.identity,
            LayerName::Boundary => self.who.boundary == other.who.boundary,
            LayerName::Resource => self.resource_policy == other.resource_policy,
            LayerName::Endpoint => self.endpoint_policy == other.endpoint_policy,
            LayerName::Organization => false,
        };
        other.by.iter().any(shares)
    }
}

/// Everything that cases are made of.
pub struct World<'a> {
    pub others: Others<'a>,
    requests: Requests,
}

impl<'a> World<'a> {
    pub fn new(others: Others<'a>) -> Result<Self> {
        Ok(Self {
            others,
            requests: Requests::read()?,
        })
    }

    /// The cases of the scenarios in `text`. `work` is what is legitimate.
    pub fn cases(&self, file: &str, text: &str, work: &[Case]) -> Result<Vec<Case>> {
        check_fields(text).with_context(|| file.to_owned())?;
        let scenarios: Vec<Scenario> = serde_saphyr::from_str(text).with_context(|| file.to_owned())?;
        let mut honest: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
        for case in work {
            honest.entry(&case.action).or_default().push(case);
        }
        let mut cases = Vec::new();
        for scenario in &scenarios {
            let mut own = Vec::new();
            self.expand(scenario, &mut own)
                .with_context(|| format!("{file}: {}", scenario.name))?;
            if scenario.beyond_work {
                own.retain(|case| {
                    let same = honest.get(case.action.as_str());
                    !same.is_some_and(|same| same.iter().any(|honest| honest.shares_a_layer_with(case)))
                });
            }
            cases.extend(own);
        }
        Ok(cases)
    }

    fn expand(&self, scenario: &Scenario, cases: &mut Vec<Case>) -> Result<()> {
        let plain = BTreeMap::from([(String::new(), Patch::default())]);
        let variants = if scenario.variants.is_empty() {
            &plain
        } else {
            &scenario.variants
        };
        let requests = self.requests.of(scenario)?;
        for who in &scenario.who {
            for from in &scenario.from {
                for (action, request) in &requests {
                    for (variant, patch) in variants {
                        let name = format!("{} [{who}, {from}, {action}, {variant}]", scenario.name);
                        let patches = [request, &scenario.patch, patch];
                        let case = self.case(&name, who, from, action, patches);
                        cases.push(case.with_context(|| name.clone())?);
                    }
                }
            }
        }
        Ok(())
    }

    /// What a request of `action` is when nothing is wrong with it.
    pub fn request(&self, action: &str) -> Option<&Patch> {
        self.requests.get(action)
    }

    /// The case `name`: `who` makes the request `request` on the way `from`; each of `patches` has the last word over
    /// those before it.
    pub fn case(&self, name: &str, who: &str, from: &str, request: &str, patches: [&Patch; 3]) -> Result<Case> {
        let action = request.split(' ').next().unwrap_or_default().to_owned();
        let mut who = Who::find(who, &self.others)?;
        if FREE.contains(&action.as_str()) {
            who = who.with_every_right();
        }
        let path = Path::parse(from)?;
        let last = |pick: fn(&Patch) -> Option<&String>| patches.iter().rev().find_map(|patch| pick(patch));
        let of = self.owner(last(|patch| patch.of.as_ref()).map_or("ours", String::as_str))?;
        let on = last(|patch| patch.on.as_ref()).context("on what?")?;
        let resource = of.fill(on, &self.others)?;
        let account = self.account_of(&resource, of);

        let mut context = who.context();
        context.extend(path.context(&action, &self.others)?);
        context.extend(context::resource(&resource, &account));
        context.extend(self.tags(&resource, of, patches)?);
        context.extend(context::giving(patches, &self.others)?);
        if action.starts_with("kms:") {
            context.insert("kms:CallerAccount".to_owned(), who.account().into());
        }
        let mut named = BTreeSet::new();
        for (key, value) in patches.iter().flat_map(|patch| &patch.with) {
            named.insert(key.clone());
            if value.is_null() {
                context.remove(key);
            } else {
                context.insert(key.clone(), self.value(value)?);
            }
        }
        let by = patches.iter().rev().find_map(|patch| patch.by.as_ref());
        let by = by.into_iter().flatten().map(|text| Defence::parse(text));
        Ok(Case {
            name: name.to_owned(),
            resource_policy: self.resource_policy(&action, &resource, &account, of),
            endpoint_policy: path.endpoint(&action, &self.others)?,
            by: by.collect::<Result<_>>()?,
            alone: patches.iter().all(|patch| patch.not_alone.is_none()),
            who,
            action,
            resource,
            account,
            context,
            named,
        })
    }

    fn owner(&self, of: &str) -> Result<&'a Environment> {
        Ok(match of {
            "ours" => self.others.ours,
            "theirs" => self.others.theirs,
            "strangers" => self.others.strangers,
            _ => bail!("{of:?} is nobody"),
        })
    }

    fn account_of(&self, resource: &str, of: &Environment) -> String {
        let named = resource.split(':').nth(4).filter(|account| account.len() == 12);
        named.map_or_else(|| of.account.clone(), str::to_owned)
    }

    /// A value with its facts, which are always ours unless they say whose.
    fn value(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect::<Result<_>>()?),
            Value::String(text) => self.others.ours.fill(text, &self.others)?.into(),
            other => other.to_string().into(),
        })
    }

    fn tags(&self, resource: &str, of: &Environment, patches: [&Patch; 3]) -> Result<BTreeMap<String, Value>> {
        if resource == "*" {
            return Ok(BTreeMap::new());
        }
        let own = of
            .owner_of(resource)
            .map_or_else(|| of.tags(), |node| node.tags.clone());
        let mut tags: BTreeMap<String, Value> = own.iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        for change in patches.iter().filter_map(|patch| patch.tags.as_ref()) {
            match change {
                Value::Object(changes) => {
                    for (key, value) in changes {
                        tags.insert(key.clone(), self.value(value)?);
                    }
                    tags.retain(|_, value| value != "null");
                }
                _ => tags.clear(),
            }
        }
        let key = |(tag, value)| (format!("aws:ResourceTag/{tag}"), value);
        Ok(tags.into_iter().map(key).collect())
    }

    fn resource_policy(&self, action: &str, resource: &str, account: &str, of: &Environment) -> Option<String> {
        if account == STRANGERS {
            return Some(PERMISSIVE.to_owned());
        }
        let node = of.owner_of(resource)?;
        let id = of.id(&node.key);
        match node.key.kind.as_str() {
            "Bucket" | "KmsKey" => Some(id),
            "IamRole" if action.starts_with("sts:") => Some(format!("{id} trust")),
            _ => None,
        }
    }
}

/// The policy of whatever strangers lay out: it lets everybody in.
pub const PERMISSIVE: &str = "a stranger's policy";

impl Defence {
    fn parse(text: &str) -> Result<Self> {
        let (layer, sid) = match text.split_once(':') {
            Some((layer, sid)) => (layer, Some(sid.to_owned())),
            None => (text, None),
        };
        let layer = match layer {
            "role" => LayerName::Role,
            "boundary" => LayerName::Boundary,
            "bucket" | "key" | "trust" => LayerName::Resource,
            "endpoint" => LayerName::Endpoint,
            "organization" => LayerName::Organization,
            _ => bail!("{layer:?} is not a layer"),
        };
        ensure!(
            sid.as_ref().is_none_or(|sid| !sid.is_empty()),
            "{text:?} has no statement"
        );
        Ok(Self { layer, sid })
    }
}
