//! What the policies say to the requests of each task.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use secureml::api::Preset;

use super::super::evaluated::Evaluated;
use super::super::ground::Ground;
use super::super::remedy::remedies;
use super::super::scenario::Case;
use super::super::suite::Suite;
use super::driver::Done;
use super::operations::Operations;
use super::recorded::Recorded;

/// The verdicts of one preset, by task, in the order of the tasks.
#[derive(Default)]
pub struct Verdicts {
    pub tasks: Vec<Task>,
    /// What to do, by the name of the statement that says so.
    pub remedies: BTreeMap<String, String>,
}

/// The name of what stops requests that no endpoint lets out of the network, and what to do then.
const UNREACHABLE: &str = "Unreachable";
const NO_WAY: &str = "No endpoint leads to the service from inside the network. Version 3 asks IAM what a role may do: give \
                      it the role's ARN, and set `SAGEMAKER_VALIDATE_ROLE=false`, as notebooks of the project do at their start.";

/// What SDKs ask for and do without when they are refused, as they are here.
const DISPENSABLE: &str = "s3:ListBuckets";

/// Whether `case` would leave the network, and cannot. Passing a role is no request of its own.
fn unreachable(case: &Case) -> bool {
    let inside = case.context.contains_key("aws:SourceVpc");
    inside && case.endpoint_policy.is_none() && case.action != "iam:PassRole"
}

/// One task: the operations that are denied, with the statements that say what to do in their place. None, where nothing
/// ever allows the operation.
pub struct Task {
    pub name: String,
    pub denied: BTreeMap<String, BTreeSet<String>>,
    obstacles: Vec<String>,
}

impl Verdicts {
    /// What the preset `preset` says to each of `runs`.
    pub fn of(preset: Preset, runs: &[&[Done]]) -> Result<Vec<Self>> {
        let ground = Ground::under(preset)?;
        let world = ground.world()?;
        let operations = Operations::read()?;
        let mut cases = Vec::new();
        let mut counts = Vec::new();
        for run in runs {
            let mut recorded = Recorded::new(&world, &operations);
            for Done { task, calls } in *run {
                let before = cases.len();
                for call in calls.iter() {
                    cases.extend(recorded.cases(task, call)?);
                }
                counts.push(cases.len() - before);
            }
        }
        println!("{preset:?}: {} questions", cases.len());
        let evaluated = Suite::new(&ground.policies(), cases).evaluate()?;
        let (mut evaluated, mut counts) = (evaluated.as_slice(), counts.into_iter());
        let mut all = Vec::new();
        for run in runs {
            let mut verdicts = Self::default();
            for (Done { task, .. }, count) in run.iter().zip(&mut counts) {
                let (own, rest) = evaluated.split_at(count);
                verdicts.add(&ground, task, own)?;
                evaluated = rest;
            }
            all.push(verdicts);
        }
        Ok(all)
    }

    fn add(&mut self, ground: &Ground, name: &str, evaluated: &[Evaluated]) -> Result<()> {
        let mut task = Task {
            name: name.to_owned(),
            denied: BTreeMap::new(),
            obstacles: Vec::new(),
        };
        for one in evaluated {
            let (operation, _) = one.case.name.split_once(' ').unwrap_or_default();
            let (obstacle, remedies) = if unreachable(&one.case) {
                let remedy = (UNREACHABLE.to_owned(), NO_WAY.to_owned());
                ("no way leads there".to_owned(), BTreeMap::from([remedy]))
            } else if let Some(obstacle) = one.obstacle() {
                (obstacle, remedies(&ground.ours, one)?)
            } else {
                continue;
            };
            // It is refused to the SDK too, which goes on.
            if operation == DISPENSABLE {
                continue;
            }
            task.denied
                .entry(operation.to_owned())
                .or_default()
                .extend(remedies.keys().cloned());
            self.remedies.extend(remedies);
            task.obstacles
                .push(format!("{name}: {} {}: {obstacle}", one.case.name, one.case.resource));
        }
        ensure!(!evaluated.is_empty(), "{name} asked for nothing");
        self.tasks.push(task);
        Ok(())
    }

    /// What stops a task.
    pub fn obstacles(&self) -> impl Iterator<Item = &str> {
        self.tasks.iter().flat_map(|task| &task.obstacles).map(String::as_str)
    }

    /// The tasks that nothing stops.
    pub fn harmless(&self) -> Vec<&str> {
        let harmless = self.tasks.iter().filter(|task| task.denied.is_empty());
        harmless.map(|task| task.name.as_str()).collect()
    }
}
