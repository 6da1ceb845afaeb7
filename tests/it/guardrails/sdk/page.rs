//! The page `docs/sdk.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::Result;

use super::verdict::{Task, Verdicts};

/// One version of the SDK, and what each preset says to its tasks.
pub struct Version<'a> {
    pub name: &'static str,
    /// With the defaults that a notebook's start script writes.
    pub with: Vec<&'a Verdicts>,
    /// Without them.
    pub without: Vec<&'a Verdicts>,
}

const HEAD: &str = "\
# The SageMaker Python SDK under the guardrails
Guardrails that ordinary code cannot satisfy are switched off in the first week. Every notebook of a project therefore
gives the SDK defaults when it starts, and plain code keeps to the guardrails without one parameter.

A test shows it and writes this page. The real SDK does the tasks in [tests/sdk](../tests/sdk), written as a data scientist
writes them, against an emulator of AWS. Each request that it makes is put to all policies of a project: by the notebook's
role, from inside the network, with the parameters that the request has. So is what AWS asks besides: whether the role may
be passed, the tags be given, the key be used; and what SageMaker makes in each step of a pipeline.

## What a notebook gives the SDK
- `/etc/xdg/sagemaker/config.yaml`, the SDK's own defaults: for each API the network, the key, encryption between
  instances, isolation, the role and the project's tags, as far as the SDK has a place for them; the project's bucket in
  the place of one that the SDK would make; no telemetry, which would go to a bucket of somebody else's.
- `~/.ipython/profile_default/startup/00-secureml.py`, for the rest: version 3 heeds few of its defaults, boto3 none, and
  there are none for the tags of experiments, runs, groups of models and definitions of monitoring jobs. What a request to
  SageMaker leaves out, or a step of a pipeline, is filled in from the defaults. The key of volumes is taken out for
  instance types with local disks, which hardware encrypts and for which SageMaker takes none. And IAM, to which no way
  leads, is not waited for: version 3 would ask it what the role may do.

A program that is started in a terminal has only the first. It gives what is missing itself, and sets
`SAGEMAKER_VALIDATE_ROLE=false`.

## What code has to say all the same
- `Run.log_metric` sends metrics to an endpoint of its own: `sagemaker.metrics` in `spec.endpoints.additional`.
- `ModelBuilder` of version 3 asks IAM for the role, and resources of version 3 demand one: `get_execution_role()`.
- A processing job without outputs has no place for the key: `requireOutputKey` denies it, unless the SDK's processors start
  it.
- Steps in the branches of a `ConditionStep` are not filled in. Version 2 heeds its defaults there too.
- `Transformer` of version 3 (sagemaker-core 2.27) cannot read its default for the key of results: `TransformJob.create`.
- Under Strict, AutoML and functions that are run remotely cannot be isolated from the network, and are denied.
";

const WITHOUT: &str = "
## The same code without the defaults
Nothing works but asking for one's own role. What follows from a denial (what was not made cannot be described) is in
the table too.

| operation | Published | Standard | Strict |
|---|---|---|---|
";

/// The page.
pub fn text(versions: &[Version<'_>]) -> Result<String> {
    let mut text = HEAD.to_owned();
    let mut remedies: BTreeMap<&String, &String> = BTreeMap::new();
    for Version { name, with, .. } in versions {
        writeln!(text, "\n## Version {name} in a notebook of the project")?;
        tasks(&mut text, with)?;
    }
    text.push_str(WITHOUT);
    operations(&mut text, versions)?;
    for Version { with, without, .. } in versions {
        remedies.extend(with.iter().chain(without).flat_map(|verdicts| &verdicts.remedies));
    }
    text.push_str("\n## What to do where a call is denied\n");
    for (sid, remedy) in remedies {
        writeln!(text, "- `{sid}`: {remedy}")?;
    }
    Ok(text)
}

/// A line for each task.
fn tasks(text: &mut String, presets: &[&Verdicts]) -> Result<()> {
    text.push_str("| task | Published | Standard | Strict |\n|---|---|---|---|\n");
    for (i, task) in presets[0].tasks.iter().enumerate() {
        let cells: Vec<String> = presets.iter().map(|verdicts| told(&verdicts.tasks[i])).collect();
        writeln!(text, "| {} | {} |", task.name.replace('_', " "), cells.join(" | "))?;
    }
    Ok(())
}

/// A line for each operation that any task is denied, whatever the version.
fn operations(text: &mut String, versions: &[Version<'_>]) -> Result<()> {
    let mut lines: BTreeMap<&str, Vec<Option<BTreeSet<&str>>>> = BTreeMap::new();
    for Version { without, .. } in versions {
        for (i, verdicts) in without.iter().enumerate() {
            for (operation, sids) in verdicts.tasks.iter().flat_map(|task| &task.denied) {
                let line = lines.entry(operation).or_insert_with(|| vec![None; without.len()]);
                line[i].get_or_insert_default().extend(sids.iter().map(String::as_str));
            }
        }
    }
    for (operation, presets) in lines {
        let cells = presets.iter().map(|sids| match sids {
            None => "allowed".to_owned(),
            Some(sids) => by(sids.iter().copied()),
        });
        writeln!(text, "| `{operation}` | {} |", cells.collect::<Vec<_>>().join(" | "))?;
    }
    Ok(())
}

fn told(task: &Task) -> String {
    if task.denied.is_empty() {
        return "allowed".to_owned();
    }
    let denied = task.denied.iter().map(|(operation, sids)| {
        let sids = by(sids.iter().map(String::as_str));
        format!("`{operation}` by {sids}")
    });
    format!("denied: {}", denied.collect::<Vec<_>>().join("; "))
}

/// The names of what denies; nothing does where nothing ever allows.
fn by<'a>(sids: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = sids.map(|sid| format!("`{sid}`")).collect();
    if names.is_empty() {
        return "nobody may".to_owned();
    }
    names.join(", ")
}
