//! Carries out a plan: a bounded parallel walk along the steps' edges. It makes no choices.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{FuturesUnordered, StreamExt};
use sha2::{Digest, Sha256};

use crate::engine::{Class, Entry, Failure, Outcome, Priority, Report, Sent, Turn};
use crate::kinds::TOKEN;
use crate::model::{NodeKey, Output, Owner, resolve};
use crate::plan::{Action, Call, Plan, Step};

/// How many steps are carried out at once. More would not help: AWS's own rate limits are below it.
const PARALLEL: usize = 16;

/// Sends one call.
pub trait Executor: Sync {
    /// Sends `call` for `turn`.
    fn execute(&self, turn: &Turn, call: Call) -> impl Future<Output = Result<Sent, Failure>> + Send;
}

/// Carries out the steps of `plan` that write. `incarnation` tells this attempt at creating things from
/// attempts at creating their dead predecessors; it goes into the client tokens.
pub async fn apply(plan: &Plan, executor: &impl Executor, incarnation: &str) -> Report {
    let mut walk = Walk {
        report: Report::default(),
        waiting: plan.writes().collect(),
        running: BTreeSet::new(),
    };
    walk.report.outputs = plan
        .steps
        .iter()
        .map(|(node, step)| (node.clone(), outputs(step)))
        .collect();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < PARALLEL {
            let Some((node, step)) = walk.next() else { break };
            if let Some(outcome) = walk.follows(node, step) {
                walk.settle(node, step, outcome, 0, BTreeMap::new());
                continue;
            }
            match walk.resolved(plan, node, step, incarnation) {
                Ok(calls) => running.push(run(executor, &plan.owner, node, step, calls)),
                Err(because) => walk.settle(node, step, Outcome::Skipped(because), 0, BTreeMap::new()),
            }
        }
        let Some((node, step, outcome, sent, outputs)) = running.next().await else {
            break;
        };
        walk.settle(node, step, outcome, sent, outputs);
    }
    walk.unreached();
    walk.report
}

/// Whether what is not there (any more) is as good as removed.
fn removes(step: &Step) -> bool {
    matches!(step.action, Action::Delete | Action::RemoveDuplicate)
}

fn outputs(step: &Step) -> BTreeMap<String, String> {
    match step.action {
        Action::Delete | Action::Replace => BTreeMap::new(),
        _ => step.outputs.clone(),
    }
}

struct Walk<'a> {
    report: Report,
    waiting: BTreeMap<&'a NodeKey, &'a Step>,
    running: BTreeSet<&'a NodeKey>,
}

impl<'a> Walk<'a> {
    /// A step whose predecessors are all settled.
    fn next(&mut self) -> Option<(&'a NodeKey, &'a Step)> {
        let settled = |node: &NodeKey| !self.waiting.contains_key(node) && !self.running.contains(node);
        let mut steps = self.waiting.iter();
        let (node, step) = steps
            .find(|(_, step)| step.after.iter().all(settled))
            .map(|(node, step)| (*node, *step))?;
        self.waiting.remove(node);
        self.running.insert(node);
        Some((node, step))
    }

    /// What never came to its turn waits for what it comes after.
    fn unreached(&mut self) {
        for (node, step) in std::mem::take(&mut self.waiting) {
            let open = step
                .after
                .iter()
                .find(|first| !self.report.entries.contains_key(*first));
            let because = open.unwrap_or(node).clone();
            self.settle(node, step, Outcome::Skipped(because), 0, BTreeMap::new());
        }
    }

    /// How a step ended whose call another step sent for it.
    fn follows(&self, node: &NodeKey, step: &Step) -> Option<Outcome> {
        let leads = step
            .after
            .iter()
            .filter(|_| step.calls.is_empty() && step.action == Action::Delete);
        let mut leads = leads.filter(|lead| lead.kind == node.kind);
        match &self.report.entries.get(leads.next()?)?.outcome {
            pending @ Outcome::Pending { .. } => Some(pending.clone()),
            _ => None,
        }
    }

    /// The step's calls with everything known put in, or the node that stands in its way.
    fn resolved(&self, plan: &Plan, node: &NodeKey, step: &Step, incarnation: &str) -> Result<Vec<Call>, NodeKey> {
        if matches!(step.action, Action::Delete | Action::Replace) {
            let in_the_way = step.after.iter().find(|first| match self.report.entries.get(first) {
                Some(entry) => entry.outcome != Outcome::Done,
                None => plan
                    .steps
                    .get(first)
                    .is_some_and(|step| !matches!(step.action, Action::Conflict | Action::Propose | Action::Refuse)),
            });
            if let Some(first) = in_the_way {
                return Err(first.clone());
            }
        }
        let mut calls = step.calls.clone();
        for call in &mut calls {
            let unknown = resolve(&mut call.args, &|output| {
                self.known(&plan.owner, node, output, incarnation)
            });
            if let Some(output) = unknown.iter().find(|output| output.node != *node) {
                return Err(output.node.clone());
            }
        }
        Ok(calls)
    }

    fn known(&self, owner: &Owner, node: &NodeKey, output: &Output, incarnation: &str) -> Option<String> {
        if output.node == *node && output.name == TOKEN {
            return Some(token(owner, node, incarnation));
        }
        self.report.output(&output.node, &output.name).map(str::to_owned)
    }

    fn settle(
        &mut self,
        node: &NodeKey,
        step: &Step,
        outcome: Outcome,
        calls: usize,
        outputs: BTreeMap<String, String>,
    ) {
        self.running.remove(node);
        self.report.outputs.entry(node.clone()).or_default().extend(outputs);
        let action = step.action;
        self.report
            .entries
            .insert(node.clone(), Entry { action, outcome, calls });
    }
}

async fn run<'a>(
    executor: &impl Executor,
    owner: &Owner,
    node: &'a NodeKey,
    step: &'a Step,
    calls: Vec<Call>,
) -> (&'a NodeKey, &'a Step, Outcome, usize, BTreeMap<String, String>) {
    let mut outputs = BTreeMap::new();
    let mut pending = (!step.then.is_empty()).then_some("the first half is done");
    let turn = Turn {
        owner: owner.clone(),
        node: node.clone(),
        priority: Priority::of(step),
    };
    let mut sent = 0;
    for mut call in calls {
        let own = |output: &Output| {
            (output.node == *node)
                .then(|| outputs.get(&output.name).cloned())
                .flatten()
        };
        let unknown: BTreeSet<Output> = resolve(&mut call.args, &own);
        debug_assert!(unknown.is_empty(), "{node}: {unknown:?} unknown in {}", call.call);
        match executor.execute(&turn, call).await {
            Ok(done) => {
                sent += 1;
                outputs.extend(done.outputs);
                pending = done.pending.or(pending);
            }
            Err(failure) if failure.class == Class::NotFound && removes(step) => sent += 1,
            Err(failure) => match failure.class {
                Class::Queued { turn_in } => {
                    let why = failure.message.into();
                    let turn_in = Some(turn_in);
                    return (node, step, Outcome::Pending { why, turn_in }, sent, outputs);
                }
                _ => return (node, step, Outcome::Failed(failure), sent + 1, outputs),
            },
        }
    }
    let outcome = pending.map_or(Outcome::Done, |why| Outcome::Pending {
        why: why.to_owned(),
        turn_in: None,
    });
    (node, step, outcome, sent, outputs)
}

/// AWS takes at most 64 characters.
fn token(owner: &Owner, node: &NodeKey, incarnation: &str) -> String {
    let digest = Sha256::digest(format!("{owner} {node} {incarnation}"));
    digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}
