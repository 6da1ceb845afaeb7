//! The status of a project after each kind of pass: pure functions of the plan and the report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::runtime::events::{Event, EventType};

use super::conditions::{ENFORCED, Standing, State, Verdict, set};
use super::drift::drift;
use super::events::{first_time, is_news, note};
use super::hold::Hold;
use super::phrases::{self, count, shorten, told};
use super::{adoption, pause};
use crate::api::{ResourceStatus, SecureMLProject, SecureMLProjectStatus};
use crate::blueprint::{Blueprint, Invalid};
use crate::engine::{Class, Entry, Outcome, Report};
use crate::model::{Account, NodeKey, counted, counted_are};
use crate::plan::{Action, Plan, PlanError, Step};

/// The reason when the program cannot make a plan.
const NO_PLAN: &str = "CannotBePlanned";
/// The reason where all that calls for somebody is that corrections do not stay.
const DOES_NOT_STAY: &str = "DoesNotStay";
/// How many names that are taken it holds: whoever renames something wants to know all of them.
const COLLISIONS: usize = 20;

/// How many resources an event names that stay behind.
const KEPT: usize = 8;

/// The spec cannot be built.
pub fn invalid(
    project: &SecureMLProject,
    mut latest: SecureMLProjectStatus,
    problems: &[Invalid],
) -> SecureMLProjectStatus {
    let messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let verdict = Verdict::new(Standing::Stalled, "InvalidSpec", shorten(&messages));
    let unseen = "AWS is not looked at while the spec cannot be built".to_owned();
    set(&mut latest, project, ENFORCED, State::Unknown, verdict.reason, unseen);
    verdict.written(project, latest)
}

/// The environment cannot be planned, though the spec is sound.
pub fn unplannable(
    project: &SecureMLProject,
    mut latest: SecureMLProjectStatus,
    error: &PlanError,
) -> SecureMLProjectStatus {
    let message = format!(
        "the environment cannot be planned, and AWS is left as it is: {error}; this is a bug in secureml, not in the spec: \
         report it, and go back to the previous version"
    );
    let unseen = "what stands is not audited while it cannot be planned".to_owned();
    set(&mut latest, project, ENFORCED, State::Unknown, NO_PLAN, unseen);
    Verdict::new(Standing::Stalled, NO_PLAN, message).written(project, latest)
}

/// The event of that, the first time.
pub(super) fn unplannable_event(project: &SecureMLProject, latest: &SecureMLProjectStatus) -> Option<Event> {
    first_time(project, latest, NO_PLAN)
}

/// Work is about to begin.
pub(super) fn working(project: &SecureMLProject, latest: SecureMLProjectStatus, plan: &Plan) -> SecureMLProjectStatus {
    let message = format!("creating {}", count(plan, Action::Create));
    Verdict::new(Standing::Reconciling, "Creating", message).written(project, latest)
}

/// The pass is over.
pub fn after_pass(
    project: &SecureMLProject,
    mut latest: SecureMLProjectStatus,
    blueprint: &Blueprint,
    plan: &Plan,
    report: Option<&Report>,
    hold: Option<&Hold>,
) -> SecureMLProjectStatus {
    let verdict = verdict(plan, report, hold);
    let ready = verdict.standing == Standing::Ready;
    if let Some(drift) = drift(project, plan, report, hold) {
        let same = latest
            .last_drift
            .as_ref()
            .is_some_and(|last| !drift.corrected && !last.corrected && last.differences == drift.differences);
        if !same {
            latest.last_drift = Some(drift);
        }
    }
    if let Some(last) = latest.last_drift.as_mut().filter(|_| ready) {
        last.corrected = true;
    }
    // What needs a decision does not keep the rest from being as declared.
    let moves = |step: &Step| step.action.writes() || step.action == Action::Wait;
    if ready || !plan.steps.values().any(moves) {
        latest.converged_generation = project.metadata.generation;
    }
    // A release is good until everything is done, and no longer.
    if ready {
        latest.brake = None;
    }
    latest.resources = resources(plan, report, &held_since(&latest), Timestamp::now());
    latest.adoption = adoption::open(plan);
    latest.outputs = outputs(blueprint, plan, report);
    verdict.written(project, latest)
}

/// What is worth an event when nothing may be changed on AWS and somebody has to do something about it, the first time.
pub(super) fn withheld_event(project: &SecureMLProject, latest: &SecureMLProjectStatus, hold: &Hold) -> Option<Event> {
    match hold {
        Hold::Withheld(withheld) if withheld.stalls => first_time(project, latest, withheld.reason),
        _ => None,
    }
}

/// What is worth an event.
pub(super) fn event(
    project: &SecureMLProject,
    plan: &Plan,
    report: Option<&Report>,
    hold: Option<&Hold>,
) -> Option<Event> {
    // What comes back each time is told as that, and not as drift that is found once more.
    let undone = report.filter(|report| failed(report) == DOES_NOT_STAY);
    if let Some(event) = undone.and_then(|report| failure_event(project, report)) {
        return Some(event);
    }
    if let Some(drift) = drift(project, plan, report, hold) {
        let known = project.status.as_ref().and_then(|status| status.last_drift.as_ref());
        let told =
            known.is_some_and(|last| !last.corrected && !drift.corrected && last.differences == drift.differences);
        let under_way = report.is_some_and(|report| report.failures().next().is_none());
        let done = match (drift.corrected, under_way) {
            (true, _) => "corrected",
            (false, true) => "being corrected",
            (false, false) => "found, not corrected",
        };
        return (!told).then(|| {
            note(
                EventType::Warning,
                "Drift",
                format!("{done}: {}", shorten(&drift.differences)),
            )
        });
    }
    if let Some(event) = adoption::event(project, plan) {
        return Some(event);
    }
    let report = report?;
    if report.troubles().next().is_some() {
        return failure_event(project, report);
    }
    if let Some(adopted) = adoption::done(plan, report) {
        return Some(note(EventType::Normal, "Adopted", adopted));
    }
    let made = report
        .entries
        .values()
        .filter(|entry| entry.action == Action::Create && entry.calls > 0)
        .count();
    (made > 0).then(|| {
        note(
            EventType::Normal,
            "Created",
            format!("created {}", counted(made, "resource")),
        )
    })
}

/// What failed, if that was not told before.
fn failure_event(project: &SecureMLProject, report: &Report) -> Option<Event> {
    let (reason, message) = (failed(report), shorten(&troubles(report)));
    is_news(project, reason, &message).then(|| note(EventType::Warning, reason, message))
}

/// What stays behind when the project goes.
pub(super) fn retained(plan: &Plan, account: &Account) -> Option<Event> {
    let kept = plan.steps.iter().filter(|(_, step)| step.action == Action::Retain);
    let kept: Vec<String> = kept
        .map(|(node, step)| format!("{node} ({})", step.id.as_deref().unwrap_or_default()))
        .collect();
    (!kept.is_empty()).then(|| {
        note(
            EventType::Normal,
            "Retained",
            format!(
                "kept, as the spec asks: {}; to list all: {}",
                phrases::limited(&kept, KEPT),
                phrases::listing(&plan.owner, account)
            ),
        )
    })
}

fn verdict(plan: &Plan, report: Option<&Report>, hold: Option<&Hold>) -> Verdict {
    let none = Report::default();
    let report_or_none = report.unwrap_or(&none);
    let failures = troubles(report_or_none);
    // What is in the way of others is said first.
    let collisions = told(plan, |step| step.action == Action::Conflict);
    let blocked = told(plan, |step| step.action == Action::Blocked);
    let waiting = told(plan, |step| step.action == Action::Wait);
    let open = plan.writes().filter(|(node, _)| {
        report_or_none
            .entries
            .get(*node)
            .is_none_or(|entry| entry.outcome != Outcome::Done)
    });
    let open = open.count();
    // Who else may be at work has to be found out whether or not something differs.
    if let Some(hold @ Hold::Withheld(withheld)) = hold
        && (open > 0 || withheld.stalls)
    {
        return Verdict::new(hold.standing(), hold.reason(), withheld.message.clone());
    }
    let is_skipped = |entry: &&Entry| matches!(entry.outcome, Outcome::Skipped(_));
    let skipped = report_or_none.entries.values().filter(is_skipped).count();
    if !failures.is_empty() {
        // What calls for somebody does so though something else passes, and is tried again, beside it.
        let passes = report_or_none.failures().all(|(_, failure)| failure.class.passes());
        let standing = if passes {
            Standing::Reconciling
        } else {
            Standing::Stalled
        };
        return Verdict::new(standing, failed(report_or_none), shorten(&failures));
    }
    if let Some((reason, message)) = adoption::verdict(plan) {
        let rest_goes_on = open > 0 && report.is_some();
        let standing = if rest_goes_on {
            Standing::Reconciling
        } else {
            Standing::Stalled
        };
        return Verdict::new(standing, reason, message);
    }
    if let Some(hold) = hold.filter(|_| open > 0) {
        return Verdict::new(hold.standing(), hold.reason(), hold.tell(phrases::wanted(plan)));
    }
    let stuck = || [collisions.clone(), blocked.clone()].concat();
    // What only waits for a decision does not move.
    let moves = open > skipped || !waiting.is_empty();
    if moves || (open > 0 && collisions.is_empty() && blocked.is_empty()) {
        let pending = report_or_none
            .entries
            .iter()
            .filter_map(|(node, entry)| match &entry.outcome {
                Outcome::Pending { why, .. } => Some((node, why.as_str())),
                _ => None,
            });
        let mut messages = [waiting, phrases::grouped(pending), stuck()].concat();
        if messages.is_empty() {
            messages.extend(told(plan, |step| step.action.writes()));
        }
        return Verdict::new(Standing::Reconciling, "Progressing", shorten(&messages));
    }
    if !collisions.is_empty() {
        let message = phrases::limited(&collisions, COLLISIONS);
        return Verdict::new(Standing::Stalled, "NeedsDecision", message);
    }
    if !blocked.is_empty() {
        return Verdict::new(Standing::Stalled, "NeedsDecision", shorten(&blocked));
    }
    let deferred = told(plan, |step| step.action == Action::Defer);
    if !deferred.is_empty() {
        return Verdict::new(Standing::Reconciling, "AwaitsWindow", shorten(&deferred));
    }
    let kept = plan.steps.values().filter(|step| step.action == Action::Retain).count();
    let mut message = format!("{} as declared", counted_are(plan.steps.len() - kept, "resource"));
    if kept > 0 {
        message += &format!(
            "; {} kept that the spec does not declare, see retained in status.resources",
            counted_are(kept, "other")
        );
    }
    let mut verdict = Verdict::new(Standing::Ready, "AsDeclared", message);
    // Whoever lists projects has to see which are not kept so.
    if let Some(Hold::Paused(pause)) = hold {
        verdict.reason = "Paused";
        verdict.message += &format!("; {}", pause::tell(pause));
    }
    verdict
}

/// The reason of what failed.
fn failed(report: &Report) -> &'static str {
    let mut stuck = report
        .failures()
        .filter(|(_, failure)| !failure.class.passes())
        .peekable();
    let undone = stuck.peek().is_some() && stuck.all(|(_, failure)| failure.class == Class::Undone);
    if undone { DOES_NOT_STAY } else { "AwsCallFailed" }
}

/// What failed; what calls for somebody comes first.
fn troubles(report: &Report) -> Vec<String> {
    let mut troubles: Vec<(&NodeKey, String)> = report.troubles().collect();
    let passes = |node: &NodeKey| {
        report
            .failures()
            .any(|(failed, failure)| failed == node && failure.class.passes())
    };
    troubles.sort_by_key(|(node, _)| passes(node));
    phrases::grouped(troubles.iter().map(|(node, told)| (*node, told.as_str())))
}

/// Since when AWS refuses to delete resources, by node.
pub(super) fn held_since(status: &SecureMLProjectStatus) -> BTreeMap<String, Time> {
    let held = status.resources.iter();
    held.filter_map(|resource| Some((resource.node.clone(), resource.held_since.clone()?)))
        .collect()
}

/// What is said of every resource; `held` tells since when the deletion of some was refused before.
pub(super) fn resources(
    plan: &Plan,
    report: Option<&Report>,
    held: &BTreeMap<String, Time>,
    now: Timestamp,
) -> Vec<ResourceStatus> {
    let resource = |(node, step): (&NodeKey, &Step)| {
        let entry = report.and_then(|report| report.entries.get(node));
        let id = report
            .and_then(|report| report.output(node, "id"))
            .map(str::to_owned)
            .or_else(|| step.id.clone());
        let problem = match entry.map(|entry| &entry.outcome) {
            Some(Outcome::Done) => None,
            Some(Outcome::Pending { why, .. }) => Some(why.clone()),
            Some(Outcome::Failed(failure)) => Some(failure.sentence_for(node, step.action)),
            Some(Outcome::Skipped(because)) => Some(format!("waits for {because}")),
            None if matches!(step.action, Action::Keep | Action::Retain) => None,
            None => Some(step.reason.clone()),
        };
        let holders = report.and_then(|report| report.holders.get(node));
        let held_by = holders.and_then(|holders| holders.as_ref().ok());
        let since = || held.get(&node.to_string()).cloned().unwrap_or(Time(now));
        ResourceStatus {
            node: node.to_string(),
            id,
            problem,
            retained: (step.action == Action::Retain).then(|| step.reason.clone()),
            held_by: held_by.cloned().unwrap_or_default(),
            held_since: holders.map(|_| since()),
            next_try_at: report.and_then(|report| report.next_tries.get(node)).copied().map(Time),
        }
    };
    let gone = |node: &NodeKey, step: &Step| {
        let done = report
            .and_then(|report| report.entries.get(node))
            .is_some_and(|entry| entry.outcome == Outcome::Done);
        step.action == Action::Delete && done
    };
    plan.steps
        .iter()
        .filter(|(node, step)| !gone(node, step))
        .map(resource)
        .collect()
}

/// Outputs by name: what the blueprint says users need, as far as it is known.
fn outputs(blueprint: &Blueprint, plan: &Plan, report: Option<&Report>) -> BTreeMap<String, String> {
    let known = |output: &crate::model::Output| {
        let from_report = report.and_then(|report| report.output(&output.node, &output.name));
        let from_plan = || {
            // What is not adopted yet is not the project's.
            let step = plan.steps.get(&output.node);
            step.filter(|step| step.action != Action::Propose)?
                .outputs
                .get(&output.name)
                .map(String::as_str)
        };
        from_report.or_else(from_plan).map(str::to_owned)
    };
    let mut values = serde_json::to_value(&blueprint.outputs).unwrap_or_default();
    let unknown = crate::model::resolve(&mut values, &known);
    let texts: BTreeMap<String, String> = serde_json::from_value(values).unwrap_or_default();
    let brackets: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    texts
        .into_iter()
        .filter(|(_, text)| !brackets.iter().any(|open| text.contains(open)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::conditions::condition;
    use super::*;

    #[test]
    fn what_cannot_be_planned_is_said_once() {
        let mut project = SecureMLProject::default();
        project.metadata.generation = Some(3);
        let error = PlanError::UnknownKind(NodeKey::new("Castle", "main"));
        let latest = unplannable(&project, SecureMLProjectStatus::default(), &error);
        let state = |type_| condition(Some(&latest), type_).map(|found| (found.status.as_str(), found.reason.as_str()));
        assert_eq!(state("Ready"), Some(("False", "CannotBePlanned")));
        assert_eq!(state("Stalled"), Some(("True", "CannotBePlanned")));
        assert_eq!(state("Reconciling"), Some(("False", "CannotBePlanned")));
        assert_eq!(state(ENFORCED), Some(("Unknown", "CannotBePlanned")));
        assert_eq!(latest.observed_generation, Some(3));
        let event = unplannable_event(&project, &latest).and_then(|event| event.note);
        assert!(event.is_some_and(|note| note.contains("Castle/main: no such kind")));
        project.status = Some(latest.clone());
        assert!(unplannable_event(&project, &latest).is_none(), "once");
    }
}
