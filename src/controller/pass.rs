//! One pass over one project: look, plan, and carry the plan out.

use std::time::Instant;

use crate::blueprint::Blueprint;
use crate::engine::{Memory, Report, apply};
use crate::model::NodeKey;
use crate::plan::{Action, Goal, Plan, PlanError, plan};

use super::context::Context;

/// What AWS holds less what is wanted.
///
/// `floor` is the oldest reading that will do; `creating` are nodes whose creation an earlier process began and
/// may have carried out.
pub(super) async fn look(
    context: &Context,
    blueprint: &Blueprint,
    goal: Goal,
    memory: &mut Memory,
    floor: Instant,
    creation_was_begun: bool,
) -> Result<Plan, PlanError> {
    let mut world = context
        .inventory
        .world(&blueprint.owner, |kind| memory.not_before(kind, floor))
        .await;
    if creation_was_begun {
        let nameless = |node: &&NodeKey| {
            crate::kinds::find(&node.kind).is_some_and(|kind| kind.identity() == crate::kinds::Identity::Tags)
        };
        world.uncertain.extend(blueprint.nodes.keys().filter(nameless).cloned());
    }
    memory.complete(&mut world, Instant::now());
    plan(blueprint, &world, goal)
}

/// Carries `plan` out and remembers what was written.
pub(super) async fn carry_out(context: &Context, plan: &Plan, memory: &mut Memory, incarnation: &str) -> Report {
    let report = apply(plan, &context.inventory, incarnation).await;
    memory.learn(plan, &report, Instant::now());
    for (node, step) in plan.writes() {
        if let Some(id) = &step.id {
            context.inventory.forget(node, id);
        }
    }
    report
}

/// Whether the plan makes anything.
pub(super) fn creates(plan: &Plan) -> bool {
    plan.steps.values().any(|step| step.action == Action::Create)
}
