//! Scenarios as data, and what becomes of them: one case for each combination of who, from where, what and variant.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use secureml::policy::matches;
use serde::Deserialize;
use serde_json::Value;

use super::environment::{Environment, Others, STRANGERS};
use super::path::Path;
use super::published::{Form, Published};
use super::who::Who;

/// What requests look like when nothing is wrong with them, by action.
const REQUESTS: &str = include_str!("scenarios/requests.yaml");

/// What AWS lets everybody do, whatever their policies say; only an endpoint can stop it.
pub const FREE: &[&str] = &["sts:GetCallerIdentity"];

/// What patterns of actions are asked about, by service and type of resource; what else there is is called `churn`.
const RESOURCES: &str = include_str!("scenarios/resources.yaml");

/// One scenario, or many of a kind.
#[derive(Clone, Debug, Deserialize)]
pub struct Scenario {
    /// What it is about, for people.
    pub name: String,
    /// Who asks: see [`Who`].
    pub who: Vec<String>,
    /// From where: see [`Path`].
    #[serde(default = "inside")]
    pub from: Vec<String>,
    /// Actions, each as `requests.yaml` has it. A pattern stands for every action that AWS publishes, on each type of
    /// resource that it is about.
    #[serde(rename = "do")]
    pub actions: Vec<String>,
    /// What patterns of actions do not stand for.
    #[serde(default)]
    pub but: Vec<String>,
    /// Patterns stand only for what is asked about these types of resource.
    #[serde(default)]
    pub types: Vec<String>,
    /// Patterns stand only for what carries this key.
    pub carrying: Option<String>,
    /// Patterns do not stand for what legitimate work does either, of anybody to whom the layers that are named apply.
    #[serde(rename = "beyond-work", default)]
    pub beyond_work: bool,
    /// What is different about all of them.
    #[serde(flatten)]
    pub patch: Patch,
    /// What is different about some of them.
    #[serde(default)]
    pub variants: BTreeMap<String, Patch>,
}

/// What a request is, or how it differs from another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// What it is about: an ARN, or `*` for actions that know no resources.
    pub on: Option<String>,
    /// Whose that is: `ours`, `theirs` (a neighbour project in our account), `strangers` (another account).
    pub of: Option<String>,
    /// Context keys; a null takes one out.
    #[serde(default)]
    pub with: BTreeMap<String, Value>,
    /// Tags of the resource: those of its owner, with these changes, or `none`.
    pub tags: Option<Value>,
    /// Tags that the request sets: `ours`, `theirs`, or a map.
    pub giving: Option<Value>,
    /// What denies it: `role` (nothing in the role's policies allows), `role:Sid` (a statement denies), likewise
    /// `boundary`, `endpoint`, `bucket`, `key`, `trust`, `organization`. Each of them alone.
    pub by: Option<Vec<String>>,
    /// Why it is no matter that the boundary and the policies of resources and endpoints let it through when
    /// `AdministratorAccess` takes the place of the role's own policies.
    #[serde(rename = "not-alone")]
    pub not_alone: Option<String>,
}

fn inside() -> Vec<String> {
    vec!["inside".to_owned()]
}

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
    requests: BTreeMap<String, Patch>,
    /// The project's own resource of a type, where it has one.
    resources: BTreeMap<String, String>,
}

impl<'a> World<'a> {
    pub fn new(others: Others<'a>) -> Result<Self> {
        Ok(Self {
            others,
            requests: serde_saphyr::from_str(REQUESTS).context("requests.yaml")?,
            resources: serde_saphyr::from_str(RESOURCES).context("resources.yaml")?,
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
        let requests = self.requests(scenario)?;
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

    /// What `scenario` does, and what each of it looks like.
    fn requests(&self, scenario: &Scenario) -> Result<Vec<(String, Patch)>> {
        let mut found = Vec::new();
        for action in &scenario.actions {
            if !action.contains('*') {
                let request = self.requests.get(action);
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
                match self.requests.get(name).filter(|_| scenario.types.is_empty()) {
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

    fn case(&self, name: &str, who: &str, from: &str, request: &str, patches: [&Patch; 3]) -> Result<Case> {
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
        context.extend(resource_context(&resource, &account));
        context.extend(self.tags(&resource, of, patches)?);
        context.extend(giving(patches, &self.others)?);
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

/// Fields that nobody reads; the reader of a flattened structure does not mind them.
fn check_fields(text: &str) -> Result<()> {
    const FIELDS: &[&str] = &[
        "name",
        "who",
        "from",
        "do",
        "but",
        "beyond-work",
        "types",
        "carrying",
        "on",
        "of",
        "with",
        "tags",
        "giving",
        "by",
        "not-alone",
        "variants",
    ];
    let scenarios: Vec<BTreeMap<String, Value>> = serde_saphyr::from_str(text)?;
    for scenario in scenarios {
        let strange: Vec<_> = scenario.keys().filter(|key| !FIELDS.contains(&key.as_str())).collect();
        ensure!(strange.is_empty(), "{:?} has the fields {strange:?}", scenario["name"]);
    }
    Ok(())
}

/// The policy of whatever strangers lay out: it lets everybody in.
pub const PERMISSIVE: &str = "a stranger's policy";

fn resource_context(resource: &str, account: &str) -> BTreeMap<String, Value> {
    if resource == "*" {
        return BTreeMap::new();
    }
    let organisation = if account == STRANGERS {
        "o-stranger00"
    } else {
        "o-ours000000"
    };
    BTreeMap::from([
        ("aws:ResourceAccount".to_owned(), account.into()),
        ("aws:ResourceOrgID".to_owned(), organisation.into()),
    ])
}

fn giving(patches: [&Patch; 3], others: &Others<'_>) -> Result<BTreeMap<String, Value>> {
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for change in patches.iter().filter_map(|patch| patch.giving.as_ref()) {
        let of = |environment: &Environment| {
            let tags = environment.tags();
            let pairs = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
            pairs.collect::<Vec<_>>()
        };
        match change {
            Value::String(text) if text == "ours" => tags.extend(of(others.ours)),
            Value::String(text) if text == "theirs" => tags.extend(of(others.theirs)),
            Value::String(text) if text == "none" => tags.clear(),
            Value::Object(changes) => {
                for (key, value) in changes {
                    match value.as_str() {
                        Some(value) => tags.insert(key.clone(), value.to_owned()),
                        None => tags.remove(key),
                    };
                }
            }
            other => bail!("giving {other}?"),
        }
    }
    if tags.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys: Vec<Value> = tags.keys().map(|key| key.clone().into()).collect();
    let key = |(tag, value): (String, String)| (format!("aws:RequestTag/{tag}"), value.into());
    let mut context: BTreeMap<String, Value> = tags.into_iter().map(key).collect();
    context.insert("aws:TagKeys".to_owned(), keys.into());
    Ok(context)
}

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
