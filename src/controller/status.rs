//! Status, conditions and events: pure functions of the plan and the report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::runtime::events::{Event, EventType};

use super::adoption;
use super::guardrails::ENFORCED;
use super::hold::{HELD, Hold};
use super::pause::{self, PAUSED};
use crate::api::{DriftStatus, ResourceStatus, SecureMLProject, SecureMLProjectStatus};
use crate::blueprint::{Blueprint, Invalid};
use crate::engine::{Class, Entry, Outcome, Report};
use crate::model::{NodeKey, redact, references};
use crate::plan::{Action, Plan, PlanError, Severity, Step};

/// The condition that says whether AWS holds what is declared.
const READY: &str = "Ready";
/// The reason when the program cannot make a plan.
const NO_PLAN: &str = "CannotBePlanned";
/// How much of a list a message holds.
const SHOWN: usize = 3;
/// How many names that are taken it holds: whoever renames something wants to know all of them.
const COLLISIONS: usize = 20;

/// The state of the whole, from which the conditions follow.
pub(super) struct Verdict {
    ready: bool,
    working: bool,
    stalled: bool,
    reason: &'static str,
    message: String,
}

/// The spec cannot be built.
pub fn invalid(
    project: &SecureMLProject,
    mut latest: SecureMLProjectStatus,
    problems: &[Invalid],
) -> SecureMLProjectStatus {
    let messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let verdict = Verdict {
        ready: false,
        working: false,
        stalled: true,
        reason: "InvalidSpec",
        message: shorten(&messages),
    };
    let unseen = "AWS is not looked at while the spec cannot be built".to_owned();
    set(&mut latest, project, ENFORCED, State::Unknown, verdict.reason, unseen);
    with_conditions(project, latest, &verdict)
}

/// The environment cannot be planned, though the spec is sound.
pub(super) fn unplannable(
    project: &SecureMLProject,
    mut latest: SecureMLProjectStatus,
    error: &PlanError,
) -> SecureMLProjectStatus {
    let message = format!(
        "the environment cannot be planned, and AWS is left as it is: {error}; this is a mistake in this program, not in \
         the spec: report it, and go back to the version before"
    );
    let unseen = "what stands is not audited while it cannot be planned".to_owned();
    set(&mut latest, project, ENFORCED, State::Unknown, NO_PLAN, unseen);
    with_conditions(project, latest, &unready(NO_PLAN, message, false, true))
}

/// The event of that, the first time.
pub(super) fn unplannable_event(project: &SecureMLProject, latest: &SecureMLProjectStatus) -> Option<Event> {
    first_time(project, latest, NO_PLAN)
}

/// Whether the condition Ready of `project` does not say `message` for `reason` yet.
pub(super) fn is_news(project: &SecureMLProject, reason: &str, message: &str) -> bool {
    let said = condition(project.status.as_ref(), READY);
    said.is_none_or(|said| said.reason != reason || said.message != message)
}

/// What the condition Ready says for `reason`, if it did not before.
pub(super) fn first_time(
    project: &SecureMLProject,
    latest: &SecureMLProjectStatus,
    reason: &'static str,
) -> Option<Event> {
    let said = |status| condition(status, READY).filter(|ready| ready.reason == reason);
    let message = said(Some(latest))?.message.clone();
    let news = said(project.status.as_ref()).is_none();
    news.then(|| note(EventType::Warning, reason, message))
}

/// Work is about to begin.
pub(super) fn working(project: &SecureMLProject, latest: SecureMLProjectStatus, plan: &Plan) -> SecureMLProjectStatus {
    let verdict = Verdict {
        ready: false,
        working: true,
        stalled: false,
        reason: "Creating",
        message: format!("creating {}", count(plan, Action::Create)),
    };
    with_conditions(project, latest, &verdict)
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
    if let Some(drift) = drift(project, plan, report, hold) {
        let same = latest
            .last_drift
            .as_ref()
            .is_some_and(|last| !drift.corrected && !last.corrected && last.differences == drift.differences);
        if !same {
            latest.last_drift = Some(drift);
        }
    }
    if let Some(last) = latest.last_drift.as_mut().filter(|_| verdict.ready) {
        last.corrected = true;
    }
    // What needs a decision does not keep the rest from being as declared.
    let moves = |step: &Step| step.action.writes() || step.action == Action::Wait;
    if verdict.ready || !plan.steps.values().any(moves) {
        latest.converged_generation = project.metadata.generation;
    }
    // A release is good until everything is done, and no longer.
    if verdict.ready {
        latest.brake = None;
    }
    latest.resources = resources(plan, report, &held_since(&latest), Timestamp::now());
    latest.adoption = adoption::open(plan);
    latest.outputs = outputs(blueprint, plan, report);
    with_conditions(project, latest, &verdict)
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
    let failures = troubles(report);
    if !failures.is_empty() {
        return Some(note(EventType::Warning, failed(report), shorten(&failures)));
    }
    if let Some(adopted) = adoption::done(plan, report) {
        return Some(note(EventType::Normal, "Adopted", adopted));
    }
    let made = report
        .entries
        .values()
        .filter(|entry| entry.action == Action::Create && entry.calls > 0)
        .count();
    (made > 0).then(|| note(EventType::Normal, "Created", format!("{made} resources were created")))
}

/// What stays behind when the project goes.
pub(super) fn retained(plan: &Plan) -> Option<Event> {
    let kept = plan.steps.iter().filter(|(_, step)| step.action == Action::Retain);
    let kept: Vec<String> = kept
        .map(|(node, step)| format!("{node} ({})", step.id.as_deref().unwrap_or_default()))
        .collect();
    (!kept.is_empty()).then(|| {
        note(
            EventType::Normal,
            "Retained",
            format!("kept, as the spec asks: {}", kept.join(", ")),
        )
    })
}

/// How many bytes the API server takes as an event's note.
const NOTE_LIMIT: usize = 1024;

/// An event.
pub(super) fn note(type_: EventType, reason: &str, note: String) -> Event {
    let mut note = redact(&note).into_owned();
    note.truncate(note.floor_char_boundary(NOTE_LIMIT));
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
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
    if let Some(Hold::Withheld(withheld)) = hold.filter(|hold| open > 0 || hold.needs_somebody()) {
        let (reason, message) = (withheld.reason, withheld.message.clone());
        return unready(reason, message, !withheld.stalls, withheld.stalls);
    }
    let is_skipped = |entry: &&Entry| matches!(entry.outcome, Outcome::Skipped(_));
    let skipped = report_or_none.entries.values().filter(is_skipped).count();
    if !failures.is_empty() {
        let terminal = report_or_none.failures().all(|(_, failure)| !failure.class.passes());
        return unready(failed(report_or_none), shorten(&failures), !terminal, terminal);
    }
    if let Some((reason, message)) = adoption::verdict(plan) {
        return unready(reason, message, open > 0 && report.is_some(), true);
    }
    if let Some((reason, message)) = adoption::verdict(plan) {
        return unready(reason, message, open > 0 && report.is_some(), true);
    }
    if let Some(hold) = hold.filter(|_| open > 0) {
        return unready(hold.reason(), hold.tell(wanted(plan)), false, hold.needs_somebody());
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
        let mut messages = [waiting, grouped(pending), stuck()].concat();
        if messages.is_empty() {
            messages.extend(told(plan, |step| step.action.writes()));
        }
        return unready("Progressing", shorten(&messages), true, false);
    }
    if !collisions.is_empty() {
        return unready("NeedsDecision", limited(&collisions, COLLISIONS), false, true);
    }
    if !blocked.is_empty() {
        return unready("NeedsDecision", shorten(&blocked), false, true);
    }
    let mut verdict = Verdict {
        ready: true,
        working: false,
        stalled: false,
        reason: "AsDeclared",
        message: format!("{} resources are as declared", plan.steps.len()),
    };
    // Whoever lists projects has to see which are not kept so.
    if let Some(Hold::Paused(pause)) = hold {
        verdict.reason = "Paused";
        verdict.message += &format!("; {}", pause::tell(pause));
    }
    verdict
}

/// The reason of what failed.
fn failed(report: &Report) -> &'static str {
    let undone = report.failures().all(|(_, failure)| failure.class == Class::Undone);
    if undone { "DoesNotStay" } else { "AwsCallFailed" }
}

fn troubles(report: &Report) -> Vec<String> {
    let troubles: Vec<(&NodeKey, String)> = report.troubles().collect();
    grouped(troubles.iter().map(|(node, told)| (*node, told.as_str())))
}

pub(super) fn unready(reason: &'static str, message: String, working: bool, stalled: bool) -> Verdict {
    Verdict {
        ready: false,
        working,
        stalled,
        reason,
        message,
    }
}

pub(super) fn told(plan: &Plan, which: impl Fn(&Step) -> bool) -> Vec<String> {
    let mut steps: Vec<_> = plan.steps.iter().filter(|(_, step)| which(step)).collect();
    // What only follows from another is told after it.
    let follows = |step: &Step| step.changes.iter().any(|change| !references(&change.after).is_empty());
    steps.sort_by_key(|(_, step)| follows(step));
    grouped(steps.into_iter().map(|(node, step)| (node, step.reason.as_str())))
}

/// What is said of each node; of those of which the same is said, once.
fn grouped<'a>(said: impl IntoIterator<Item = (&'a NodeKey, &'a str)>) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for (node, sentence) in said {
        match groups.iter_mut().find(|(known, _)| *known == sentence) {
            Some((_, nodes)) => nodes.push(node.to_string()),
            None => groups.push((sentence, vec![node.to_string()])),
        }
    }
    let tell = |(sentence, nodes): (&str, Vec<String>)| {
        let shown = nodes.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        match nodes.len().saturating_sub(SHOWN) {
            0 => format!("{shown}: {sentence}"),
            more => format!("{shown} and {more} more: {sentence}"),
        }
    };
    groups.into_iter().map(tell).collect()
}

pub(super) fn shorten(messages: &[String]) -> String {
    limited(messages, SHOWN)
}

fn limited(messages: &[String], most: usize) -> String {
    let shown = messages.iter().take(most).cloned().collect::<Vec<_>>().join("; ");
    match messages.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

pub(super) fn count(plan: &Plan, action: Action) -> String {
    let count = plan.steps.values().filter(|step| step.action == action).count();
    format!("{count} resource{}", if count == 1 { "" } else { "s" })
}

/// Differences on resources that had been as declared at this generation: nobody asked for them.
fn drift(project: &SecureMLProject, plan: &Plan, report: Option<&Report>, hold: Option<&Hold>) -> Option<DriftStatus> {
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

/// What `plan` is to change, in words.
pub(super) fn wanted(plan: &Plan) -> String {
    shorten(&told(plan, |step| step.action.writes()))
}

fn worst(step: &Step) -> Severity {
    let of_changes = step.changes.iter().map(|change| change.severity).max();
    of_changes.unwrap_or(Severity::High)
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
            Some(Outcome::Failed(failure)) => Some(failure.sentence()),
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
            held_by: held_by.cloned().unwrap_or_default(),
            held_since: holders.map(|_| since()),
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

pub(super) fn with_conditions(
    project: &SecureMLProject,
    mut latest: SecureMLProjectStatus,
    verdict: &Verdict,
) -> SecureMLProjectStatus {
    latest.observed_generation = project.metadata.generation;
    let conditions = [
        (READY, verdict.ready),
        ("Reconciling", verdict.working),
        ("Stalled", verdict.stalled),
    ];
    for (type_, holds) in conditions {
        let state = if holds { State::True } else { State::False };
        set(
            &mut latest,
            project,
            type_,
            state,
            verdict.reason,
            verdict.message.clone(),
        );
    }
    // What people look for first stands first.
    latest
        .conditions
        .sort_by_key(|condition| match condition.type_.as_str() {
            PAUSED => 2,
            ENFORCED => 1,
            _ => 0,
        });
    latest
}

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    True,
    False,
    Unknown,
}

impl State {
    /// Kubernetes's word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// The condition `type_` of `status`.
pub(super) fn condition<'a>(status: Option<&'a SecureMLProjectStatus>, type_: &str) -> Option<&'a Condition> {
    status?.conditions.iter().find(|condition| condition.type_ == type_)
}

/// Sets the condition `type_`; since when it holds is kept while it does.
pub(super) fn set(
    latest: &mut SecureMLProjectStatus,
    project: &SecureMLProject,
    type_: &str,
    state: State,
    reason: &str,
    message: String,
) {
    let known = condition(Some(latest), type_).filter(|known| known.status == state.word());
    let since = known.map_or_else(|| Time(Timestamp::now()), |known| known.last_transition_time.clone());
    let new = Condition {
        type_: type_.to_owned(),
        status: state.word().to_owned(),
        reason: reason.to_owned(),
        message: redact(&message).into_owned(),
        observed_generation: project.metadata.generation,
        last_transition_time: since,
    };
    put(latest, new);
}

/// Puts `new` in the place of the condition of its type.
pub(super) fn put(latest: &mut SecureMLProjectStatus, new: Condition) {
    match latest
        .conditions
        .iter_mut()
        .find(|condition| condition.type_ == new.type_)
    {
        Some(condition) => *condition = new,
        None => latest.conditions.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_planned_is_said_once() {
        let mut project = SecureMLProject::default();
        project.metadata.generation = Some(3);
        let error = PlanError::UnknownKind(NodeKey::new("Castle", "main"));
        let latest = unplannable(&project, SecureMLProjectStatus::default(), &error);
        let state = |type_| condition(Some(&latest), type_).map(|found| (found.status.as_str(), found.reason.as_str()));
        assert_eq!(state(READY), Some(("False", "CannotBePlanned")));
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
