//! What differs on AWS though nobody declared it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::{READY, State, condition};
use super::hold::{HELD, Hold};
use crate::api::{DriftStatus, ResourceStatus, SecureMLProject, SecureMLProjectStatus};
use crate::engine::{Outcome, Report};
use crate::model::NodeKey;
use crate::plan::{Action, Plan, Severity, Step};

/// Differences on resources that had been as declared at this generation: nobody asked for them.
pub(super) fn drift(
    project: &SecureMLProject,
    plan: &Plan,
    report: Option<&Report>,
    hold: Option<&Hold>,
) -> Option<DriftStatus> {
    let status = project.status.as_ref()?;
    if status.observed_generation != project.metadata.generation {
        return None;
    }
    // What is, or was, held back is the matter with its resource already.
    let converged = had_converged(status, project);
    let ready = condition(Some(status), READY);
    let was_held = ready.is_some_and(|ready| HELD.contains(&ready.reason.as_str()));
    let known_already = match hold {
        Some(Hold::Observed) => true,
        Some(Hold::Withheld(_) | Hold::Paused(_) | Hold::Braked(..)) => converged,
        None => converged && was_held,
    };
    let known: BTreeMap<&str, &ResourceStatus> = status
        .resources
        .iter()
        .map(|resource| (resource.node.as_str(), resource))
        .collect();
    let nobodys_wish = |(node, step): &(&NodeKey, &Step)| match known.get(node.to_string().as_str()) {
        _ if step.action == Action::Adopt => false,
        Some(resource) => resource.id.is_some() && (known_already || resource.problem.is_none()),
        None => step.action == Action::Delete,
    };
    let mut steps: Vec<(&NodeKey, &Step)> = plan.writes().filter(nobodys_wish).collect();
    let is_done = |node: &NodeKey| {
        let entry = report.and_then(|report| report.entries.get(node));
        entry.is_some_and(|entry| entry.outcome == Outcome::Done)
    };
    let corrected = steps.iter().all(|(node, _)| is_done(node));
    steps.sort_by_key(|(_, step)| std::cmp::Reverse(worst(step)));
    let differences: Vec<String> = steps
        .into_iter()
        .map(|(node, step)| match step.action {
            Action::Create => format!("{node} is gone"),
            Action::Delete => format!("{node} is not declared"),
            _ => format!("{node}: {}", step.reason),
        })
        .collect();
    (!differences.is_empty()).then(|| DriftStatus {
        seen_at: Time(Timestamp::now()),
        corrected,
        differences,
    })
}

/// Whether AWS held all that `project` declares at some time, so that nobody declared what differs since. A status of
/// before that was written down says so by its condition.
pub(super) fn had_converged(status: &SecureMLProjectStatus, project: &SecureMLProject) -> bool {
    let generation = project.metadata.generation;
    let ready = || {
        let ready = condition(Some(status), READY).filter(|ready| ready.status == State::True.word());
        ready.is_some_and(|ready| ready.observed_generation == generation)
    };
    status.converged_generation == generation || status.converged_generation.is_none() && ready()
}

fn worst(step: &Step) -> Severity {
    let of_changes = step.changes.iter().map(|change| change.severity).max();
    of_changes.unwrap_or(Severity::High)
}
