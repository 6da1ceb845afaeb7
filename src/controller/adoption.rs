//! What is told of an adoption: pure functions of the plan and the report.

use kube::runtime::events::{Event, EventType};

use super::events::{is_news, note};
use super::phrases::{shorten, told};
use crate::api::{AdoptionStatus, ClaimStatus, SecureMLProject};
use crate::engine::{Outcome, Report};
use crate::model::{NodeKey, redact};
use crate::plan::{Action, Plan, Step, render_difference};

/// The reason while an adoption waits to be confirmed.
const PLANNED: &str = "AdoptionPlanned";
/// The reason while something that is claimed cannot be adopted.
const REFUSED: &str = "AdoptionRefused";
/// How much of a difference the status holds, in characters: the plan shows all of it.
const SHOWN: usize = 2000;

/// What waits for somebody's decision.
pub(super) fn open(plan: &Plan) -> Option<AdoptionStatus> {
    let open = plan.steps.iter().filter(|(_, step)| is_open(step));
    let resources: Vec<ClaimStatus> = open.map(|(node, step)| claim(node, step)).collect();
    (!resources.is_empty()).then(|| AdoptionStatus {
        confirm: plan.adoption.clone(),
        resources,
    })
}

fn is_open(step: &Step) -> bool {
    matches!(step.action, Action::Propose | Action::Refuse)
}

fn claim(node: &NodeKey, step: &Step) -> ClaimStatus {
    let changes = step.changes.iter().map(render_difference);
    ClaimStatus {
        resource: node.to_string(),
        id: step.id.clone(),
        refused: (step.action == Action::Refuse).then(|| step.reason.clone()),
        changes: changes
            .map(|text| redact(&text).chars().take(SHOWN).collect())
            .collect(),
    }
}

/// The reason and message of a plan in which an adoption waits for a decision.
pub(super) fn verdict(plan: &Plan) -> Option<(&'static str, String)> {
    let refused = told(plan, |step| step.action == Action::Refuse);
    if !refused.is_empty() {
        return Some((REFUSED, shorten(&refused)));
    }
    let proposed = plan.steps.iter().filter(|(_, step)| step.action == Action::Propose);
    let proposed: Vec<String> = proposed
        .map(|(node, step)| format!("{node} ({}) {}", step.id.as_deref().unwrap_or_default(), step.reason))
        .collect();
    if proposed.is_empty() {
        return None;
    }
    let confirm = match &plan.adoption {
        Some(print) => {
            format!(
                "nothing is adopted until spec.adopt.confirm is {print}: check in status.adoption what that changes, then set it"
            )
        }
        None => "it can be confirmed once everything that is claimed could be read".to_owned(),
    };
    Some((PLANNED, format!("{confirm}: {}", shorten(&proposed))))
}

/// What is worth an event: an adoption that waits for a decision and did not before.
pub(super) fn event(project: &SecureMLProject, plan: &Plan) -> Option<Event> {
    let (reason, message) = verdict(plan)?;
    let news = is_news(project, reason, &message);
    let type_ = if reason == REFUSED {
        EventType::Warning
    } else {
        EventType::Normal
    };
    news.then(|| note(type_, reason, message))
}

/// What was adopted.
pub(super) fn done(plan: &Plan, report: &Report) -> Option<String> {
    let adopted = plan.steps.iter().filter(|(node, step)| {
        let entry = report.entries.get(*node);
        let sent = entry
            .is_some_and(|entry| entry.calls > 0 && matches!(entry.outcome, Outcome::Done | Outcome::Pending { .. }));
        step.action == Action::Adopt && sent
    });
    let adopted: Vec<String> = adopted
        .map(|(node, step)| format!("{node} ({})", step.id.as_deref().unwrap_or_default()))
        .collect();
    (!adopted.is_empty()).then(|| adopted.join(", "))
}
