//! One pass over one project: look, plan, and carry the plan out. The controller makes one when something changed
//! and at each sweep, the command line until there is nothing left to do.

use std::time::Instant;

use jiff::Timestamp;

use super::patience::Patient;
use super::{Class, Details, Failure, Inventory, Memory, Report, apply};
use crate::blueprint::Blueprint;
use crate::kinds::{self, Identity};
use crate::model::NodeKey;
use crate::plan::{Action, Goal, Plan, PlanError, Step, World, plan};

/// What AWS holds, and what is wanted less that.
///
/// `floor` is the oldest reading that will do. `creation_was_begun` says that a process before this one may have
/// created things without having been told so.
///
/// # Errors
/// When the blueprint itself is at fault.
pub async fn look(
    inventory: &Inventory,
    blueprint: &Blueprint,
    goal: Goal,
    memory: &mut Memory,
    floor: Instant,
    creation_was_begun: bool,
) -> Result<(World, Plan), PlanError> {
    memory.begin();
    let not_before = |kind: &str| memory.not_before(kind, floor, Instant::now());
    let details = match goal {
        Goal::Present => Details::Paced,
        Goal::Absent => Details::Known,
    };
    let claims = match goal {
        Goal::Present => blueprint.adoption.claims.iter(),
        Goal::Absent => Default::default(),
    };
    inventory.claim(&blueprint.owner, claims).await;
    let (mut world, readings) = inventory.world(&blueprint.owner, details, not_before).await;
    world.at = Some(Timestamp::now());
    if creation_was_begun {
        let nodes = blueprint.nodes.keys();
        let nameless =
            nodes.filter(|node| kinds::find(&node.kind).is_some_and(|kind| kind.identity() == Identity::Tags));
        world.uncertain.extend(nameless.cloned());
    }
    memory.complete(&mut world, &readings, Instant::now());
    let plan = plan(blueprint, &world, goal)?;
    memory.wait(&plan, Instant::now());
    Ok((world, plan))
}

/// Carries `plan` out and remembers what was written. `incarnation`: see [`apply`].
pub async fn carry_out(inventory: &Inventory, plan: &Plan, memory: &mut Memory, incarnation: &str) -> Report {
    // Only what holds data is there for some time after its deletion was asked for.
    let holds_data = |node: &NodeKey| kinds::find(&node.kind).is_some_and(|kind| kind.holds_data());
    let goes = |node: &NodeKey, step: &Step| step.action == Action::Delete && !holds_data(node);
    for (node, step) in plan.writes().filter(|(node, step)| goes(node, step)) {
        inventory.gives_up(node, step.id.as_deref().unwrap_or_default());
    }
    for (node, step) in plan.writes() {
        for id in &step.duplicates {
            inventory.gives_up(node, id);
        }
    }
    let held = memory.alone(plan, Instant::now());
    let patient = Patient {
        executor: inventory,
        held: &held,
    };
    let mut report = apply(plan, &patient, incarnation).await;
    for (node, entry) in &mut report.entries {
        if held.contains_key(node) {
            entry.calls = 0;
        }
    }
    look_into_refusals(inventory, plan, memory, &mut report).await;
    memory.learn(plan, &report, Instant::now());
    memory.patience.learn(plan, &report, &held, Instant::now());
    memory.patience.judge(plan, &mut report);
    memory.doubt(&mut report, Instant::now());
    for (node, step) in plan.writes() {
        let took = || {
            report
                .entries
                .get(node)
                .is_some_and(|entry| entry.calls == step.calls.len())
        };
        let ours = step.action == Action::Create || step.action == Action::Adopt && took();
        if let Some(id) = report.output(node, "id").filter(|_| ours) {
            inventory.made(&plan.owner, node, id);
        }
        // Lists that others use may go on showing what was deleted: it is not to be looked into again.
        if let Some(id) = step.id.as_ref().filter(|_| !goes(node, step)) {
            inventory.forget(node, id);
        }
    }
    report
}

/// Asks what holds the resources whose deletion AWS has just refused. What was left alone since it failed is held by what
/// held it then.
async fn look_into_refusals(inventory: &Inventory, plan: &Plan, memory: &mut Memory, report: &mut Report) {
    let in_use = |(node, failure): (&NodeKey, &Failure)| {
        let step = plan.steps.get(node).filter(|_| failure.class == Class::InUse)?;
        let id = match step.action {
            Action::Delete | Action::Replace => step.id.as_ref(),
            Action::RemoveDuplicate => step.duplicates.first(),
            _ => None,
        };
        Some((node.clone(), id?.clone()))
    };
    let refused: Vec<(NodeKey, String)> = report.failures().filter_map(in_use).collect();
    memory
        .holders
        .retain(|node, _| refused.iter().any(|(refused, _)| refused == node));
    for (node, id) in refused {
        let asked = report.entries.get(&node).is_some_and(|entry| entry.calls > 0);
        if asked || !memory.holders.contains_key(&node) {
            let mut holders = inventory.holders(&plan.owner, &node, &id).await;
            if let Ok(holders) = &mut holders {
                // What is told does not change with the order in which AWS answers.
                holders.sort_by(|one, other| (&one.what, &one.id).cmp(&(&other.what, &other.id)));
            }
            memory.holders.insert(node, holders);
        }
    }
    report.holders.clone_from(&memory.holders);
}
