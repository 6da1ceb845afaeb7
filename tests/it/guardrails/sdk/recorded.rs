//! Requests that were really made, as questions to the policies.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use secureml::policy::sagemaker::MULTI_VALUED;
use secureml_rig::proxy::{Call, Operation as Called, Protocol, iam_action};
use serde_json::{Map, Value};

use super::super::environment::Others;
use super::super::format::Patch;
use super::super::scenario::{Case, World};
use super::fields::Fields;
use super::operations::{Operation, Operations};

/// Whose requests these are: the role of the notebook `alice`.
const WHO: &str = "alice";

/// The operations of the steps of pipelines.
const STEPS: &[(&str, &str)] = &[
    ("Processing", "sagemaker:CreateProcessingJob"),
    ("Training", "sagemaker:CreateTrainingJob"),
    ("Tuning", "sagemaker:CreateHyperParameterTuningJob"),
    ("Transform", "sagemaker:CreateTransformJob"),
    ("Model", "sagemaker:CreateModel"),
    ("RegisterModel", "sagemaker:CreateModelPackage"),
];

/// Turns requests into cases, in the order in which they were made: what was made before has its tags.
pub struct Recorded<'a> {
    world: &'a World<'a>,
    operations: &'a Operations,
    /// The tags of what was made, by its ARN.
    made: BTreeMap<String, Map<String, Value>>,
    /// What has been asked already: an SDK asks many things many times.
    known: BTreeSet<String>,
    asked: Vec<Case>,
}

/// A request on its way.
struct Request<'a> {
    task: &'a str,
    /// `sagemaker:CreateModel`.
    name: &'a str,
    action: String,
    from: &'a str,
    fields: Fields,
}

impl<'a> Recorded<'a> {
    pub fn new(world: &'a World<'a>, operations: &'a Operations) -> Self {
        Self {
            world,
            operations,
            made: BTreeMap::new(),
            known: BTreeSet::new(),
            asked: Vec::new(),
        }
    }

    /// The cases of `call`, which `task` made; none if they are known.
    pub fn cases(&mut self, task: &str, call: &Call) -> Result<Vec<Case>> {
        let operation = self.operations.get(&call.name)?;
        let request = Request {
            task,
            name: &call.name,
            action: action(&call.name),
            from: "inside",
            fields: Fields::of(call, operation.uri.as_deref())?,
        };
        self.ask(&request, operation)
            .with_context(|| format!("{task}: {} {}", call.name, call.text()))?;
        Ok(std::mem::take(&mut self.asked))
    }

    /// Asks all that AWS asks of IAM for `request`, and remembers what it makes.
    fn ask(&mut self, request: &Request<'_>, operation: &Operation) -> Result<()> {
        let tags = tags(&request.fields);
        let with = context(request, operation)?;
        let resources = self.resources(request, operation.on.iter())?;
        ensure!(
            resources.len() == operation.on.len(),
            "it does not say what it is about"
        );
        for resource in &resources {
            let patch = Patch {
                on: Some(resource.clone()),
                with: with.clone(),
                tags: self.carried(resource),
                giving: Some(tags.clone().into()),
                ..Patch::default()
            };
            let none = Patch {
                tags: patch.tags.as_ref().map(|_| "none".into()),
                ..Patch::default()
            };
            self.add(request, &request.action, request.from, [&none, &patch])?;
        }
        for (action, on) in &operation.then {
            self.besides(request, action, on)?;
        }
        self.steps(request, operation)?;
        let Some(made) = resources.first().filter(|_| request.name.contains(":Create")) else {
            return Ok(());
        };
        if !tags.is_empty() {
            self.tag(request, made, &tags)?;
        }
        let like = self.resources(request, &operation.like)?.into_iter().next();
        let tags = match like.and_then(|like| self.made.get(&like)) {
            Some(tags) => tags.clone(),
            None => tags,
        };
        self.made.insert(made.clone(), tags);
        Ok(())
    }

    /// What AWS asks besides: passing a role, of the caller; using a key, of the service in the caller's name.
    fn besides(&mut self, request: &Request<'_>, action: &str, on: &String) -> Result<()> {
        let service = request.name.split(':').next().unwrap_or_default();
        let through = format!("through {service}");
        let from = if action.starts_with("kms:") {
            &through
        } else {
            request.from
        };
        let usual = self.world.request(action).cloned().unwrap_or_default();
        for resource in self.resources(request, [on])? {
            let patch = Patch {
                on: Some(resource),
                ..Patch::default()
            };
            self.add(request, action, from, [&usual, &patch])?;
        }
        Ok(())
    }

    /// The tags that something is given when it is made take a permission of their own.
    fn tag(&mut self, request: &Request<'_>, made: &str, tags: &Map<String, Value>) -> Result<()> {
        let service = request.name.split(':').next().unwrap_or_default();
        let (_, making) = request.name.split_once(':').unwrap_or_default();
        let with = BTreeMap::from([("sagemaker:TaggingAction".to_owned(), making.into())]);
        let patch = Patch {
            on: Some(made.to_owned()),
            tags: Some("none".into()),
            giving: Some(tags.clone().into()),
            with,
            ..Patch::default()
        };
        let action = format!("{service}:AddTags");
        self.add(request, &action, request.from, [&Patch::default(), &patch])
    }

    /// What SageMaker makes in the steps of a pipeline, with the role of the pipeline, which is the notebook's.
    fn steps(&mut self, request: &Request<'_>, operation: &Operation) -> Result<()> {
        let definition = operation
            .steps
            .iter()
            .flat_map(|field| request.fields.values(field))
            .next();
        let Some(definition) = definition else {
            return Ok(());
        };
        let definition: Value = serde_json::from_str(&definition).context("the definition of a pipeline")?;
        for step in definition["Steps"].as_array().into_iter().flatten() {
            let kind = step["Type"].as_str().unwrap_or_default();
            let of = STEPS.iter().find(|(known, _)| *known == kind);
            let (_, name) = of.with_context(|| format!("a step of the type {kind:?}"))?;
            let operation = self.operations.get(name)?;
            let mut fields = Fields::of_step(step)?;
            for field in operation.on.iter().filter_map(|on| on.split_once("{.")) {
                fields.set_default(field.1.trim_end_matches('}'), step["Name"].as_str().unwrap_or_default());
            }
            let request = Request {
                name,
                action: action(name),
                from: "platform",
                fields,
                ..*request
            };
            self.ask(&request, operation)
                .with_context(|| format!("the step {}", step["Name"]))?;
        }
        Ok(())
    }

    /// The tags of `resource`, if it is nothing that the project brought.
    fn carried(&self, resource: &str) -> Option<Value> {
        let brought = self.world.others.ours.owner_of(resource).is_some();
        let tags = self.made.get(resource).cloned().unwrap_or_default();
        (!brought).then(|| tags.into())
    }

    /// What `request` puts into `templates`.
    fn resources<'t>(
        &self,
        request: &Request<'_>,
        templates: impl IntoIterator<Item = &'t String>,
    ) -> Result<Vec<String>> {
        let Others { ours, .. } = self.world.others;
        let filled = templates.into_iter().flat_map(|template| request.fields.fill(template));
        filled.map(|text| ours.fill(&text, &self.world.others)).collect()
    }

    /// Asks one question, unless the task has asked it already.
    fn add(&mut self, request: &Request<'_>, action: &str, from: &str, patches: [&Patch; 2]) -> Result<()> {
        let name = format!("{} {action}", request.name);
        let [first, second] = patches;
        let case = self
            .world
            .case(&name, WHO, from, action, [first, second, &Patch::default()])?;
        let key = format!("{} {action} {} {:?}", request.task, case.resource, case.context);
        if self.known.insert(key) {
            self.asked.push(case);
        }
        Ok(())
    }
}

fn action(name: &str) -> String {
    let (service, operation) = name.split_once(':').unwrap_or_default();
    iam_action(&Called {
        service: service.to_owned(),
        name: operation.to_owned(),
        protocol: Protocol::Unknown,
    })
}

/// The context keys that `request` gives a value to.
fn context(request: &Request<'_>, operation: &Operation) -> Result<BTreeMap<String, Value>> {
    let mut context = BTreeMap::new();
    for (key, template) in &operation.with {
        let mut values = request.fields.fill(template);
        values.dedup();
        let value = match values.as_slice() {
            [] => continue,
            _ if MULTI_VALUED.contains(&key.as_str()) => values.into(),
            [one] => one.clone().into(),
            several => anyhow::bail!("{key} has one value and not {several:?}"),
        };
        context.insert(key.clone(), value);
    }
    Ok(context)
}

fn tags(fields: &Fields) -> Map<String, Value> {
    let tags = fields.get("Tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].clone())))
        .collect()
}
