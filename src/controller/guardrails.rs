//! The condition `GuardrailsEnforced`: what the audit says of what AWS holds, before anything is put right.
//!
//! An audit is a function of the spec and of what AWS holds. So there is one only when either changed, and none of an
//! environment that is as declared and was found in order before: a fleet at rest is not audited again and again.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::runtime::events::{Event, EventType};
use tokio::task::JoinError;

use super::conditions::{self, ENFORCED, State, condition};
use super::events::note;
use crate::api::{OpeningStatus, SecureMLProject, SecureMLProjectStatus};
use crate::audit::{Report, Verdict, audit};
use crate::blueprint::{Blueprint, Project};
use crate::model::counted;
use crate::plan::{Action, Plan, World};

/// The reason while the environment is not complete.
const AWAITED: &str = "Progressing";
/// How many broken controls a message explains.
const EXPLAINED: usize = 3;

/// What is remembered of one project between passes.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// Tells what was audited last from anything else.
    audited: Option<u64>,
    /// When everything was last seen in order.
    in_order_at: Option<Timestamp>,
    /// When the last correction was complete.
    corrected_at: Option<Timestamp>,
    /// What was said last, and of which opening. The project's status may be read from a cache that does not show it yet,
    /// or it may never have been written: then it is said again.
    said: Option<(Condition, Option<OpeningStatus>)>,
}

/// What is to be audited: everything that the audit depends on.
pub(super) struct Case {
    pub(super) project: Project,
    pub(super) blueprint: Blueprint,
    pub(super) world: World,
}

/// Whether a pass has to audit, and what is said where it does not.
pub(super) enum Need {
    /// Nothing has changed since the last time.
    No,
    /// The environment is not complete yet.
    NotYet,
    /// It has to; the number is for [`Watch::heard`].
    Audit(u64),
}

impl Watch {
    /// Whether what was found by a look, and is to be changed by `plan`, has to be audited. `waits` says that what is to be
    /// changed will be, so that an environment that is not complete soon is.
    pub(super) fn need(
        &mut self,
        object: &SecureMLProject,
        plan: &Plan,
        waits: bool,
        world: &World,
        now: Timestamp,
    ) -> Need {
        let generation = object.metadata.generation;
        let said = self.said.as_ref().map(|(condition, _)| condition);
        // Of what was said before, "unknown" decides nothing: it may be of a spec that could not be built.
        let before =
            || condition(object.status.as_ref(), ENFORCED).filter(|known| known.status != State::Unknown.word());
        let known = said.or_else(before);
        let decided = known.filter(|known| known.observed_generation == generation && known.reason != AWAITED);
        // Only what this process audited itself is believed without an audit.
        let audited = self.in_order_at.is_some();
        if audited && plan.is_settled() && decided.is_some_and(|known| known.status == State::True.word()) {
            self.in_order_at = Some(now);
            return Need::No;
        }
        // What was just made or changed is known from AWS's answers only, until its lists show it.
        let told = !world.expected.is_empty() || !world.uncertain.is_empty();
        // Nor is there anything to audit before an adoption is confirmed that is to be the first thing done.
        let awaited = world.owned.is_empty() && plan.steps.values().any(|step| is_claimed(step.action));
        if decided.is_none() && (told || awaited || waits && world.unread.is_empty() && moves(plan)) {
            return Need::NotYet;
        }
        let fingerprint = fingerprint(generation, world);
        if decided.is_some() && self.audited == Some(fingerprint) {
            return Need::No;
        }
        Need::Audit(fingerprint)
    }

    /// Says again what was said last.
    pub(super) fn repeat(&self, object: &SecureMLProject, latest: &mut SecureMLProjectStatus) {
        let Some((said, opening)) = &self.said else {
            return;
        };
        if condition(Some(latest), ENFORCED) != Some(said) && said.observed_generation == object.metadata.generation {
            conditions::put(latest, said.clone());
            latest.last_opening.clone_from(opening);
        }
    }

    /// Nothing is said of an environment that is not complete.
    pub(super) fn not_yet(&mut self, object: &SecureMLProject, latest: &mut SecureMLProjectStatus) {
        let message = "the guardrails are audited as soon as the environment is as declared".to_owned();
        self.say(latest, object, State::Unknown, AWAITED, message);
    }

    /// The audit itself is broken: that is no reason to leave the environment alone.
    pub(super) fn came_to_no_end(&mut self, object: &SecureMLProject, latest: &mut SecureMLProjectStatus) {
        let message = "the audit crashed, a bug in secureml: see the controller's log".to_owned();
        self.say(latest, object, State::Unknown, "CannotTell", message);
    }

    fn say(
        &mut self,
        latest: &mut SecureMLProjectStatus,
        object: &SecureMLProject,
        state: State,
        reason: &str,
        message: String,
    ) {
        conditions::set(latest, object, ENFORCED, state, reason, message);
        let said = condition(Some(latest), ENFORCED).cloned();
        self.said = said.map(|said| (said, latest.last_opening.clone()));
    }

    /// Takes note of a pass that did everything it wanted.
    pub(super) fn corrected(&mut self, now: Timestamp) {
        self.corrected_at = Some(now);
    }

    /// Writes what `report` says into `latest`, and tells what is worth an event.
    pub(super) fn heard(
        &mut self,
        fingerprint: u64,
        report: &Report,
        object: &SecureMLProject,
        latest: &mut SecureMLProjectStatus,
        now: Timestamp,
    ) -> Option<Event> {
        self.audited = Some(fingerprint);
        let was = condition(Some(latest), ENFORCED).map(|known| (known.status.clone(), known.reason.clone()));
        let (state, reason) = if report.holds() {
            (State::True, "ControlsPass")
        } else if report.count(Verdict::Fail) > 0 {
            (State::False, "ControlsFail")
        } else {
            (State::Unknown, "CannotTell")
        };
        let news = was != Some((state.word().to_owned(), reason.to_owned()));
        let event = match state {
            State::True => {
                let closed = self.close(latest, now);
                self.in_order_at = Some(now);
                closed.map(|said| note(EventType::Normal, "GuardrailsEnforced", said))
            }
            State::False => {
                self.open(report, latest, now);
                news.then(|| note(EventType::Warning, "GuardrailsNotEnforced", broken(report)))
            }
            State::Unknown => news.then(|| note(EventType::Warning, "GuardrailsUnknown", broken(report))),
        };
        let message = match state {
            State::True => in_order(report, latest),
            State::False | State::Unknown => broken(report),
        };
        self.say(latest, object, state, reason, message);
        event
    }

    /// Something was found open: the beginning of the time that it was stays, whatever else is found later.
    fn open(&self, report: &Report, latest: &mut SecureMLProjectStatus, now: Timestamp) {
        let controls = report.broken().flat_map(|check| {
            let found = check.wrong();
            found.map(|finding| format!("{} {}", check.control.id, finding.resource))
        });
        let controls = controls.collect();
        match latest
            .last_opening
            .as_mut()
            .filter(|opening| opening.closed_at.is_none())
        {
            Some(opening) => opening.controls = controls,
            None => {
                latest.last_opening = Some(OpeningStatus {
                    controls,
                    in_order_at: self.in_order_at.map(Time),
                    seen_at: Time(now),
                    closed_at: None,
                });
            }
        }
    }

    /// Everything is in order again: how long it was not.
    fn close(&self, latest: &mut SecureMLProjectStatus, now: Timestamp) -> Option<String> {
        let opening = latest
            .last_opening
            .as_mut()
            .filter(|opening| opening.closed_at.is_none())?;
        let seen = opening.seen_at.0;
        let closed = self.corrected_at.filter(|at| *at >= seen).unwrap_or(now);
        opening.closed_at = Some(Time(closed));
        Some(format!("enforced again: {}", tell(opening)))
    }
}

/// Whether `latest` says that something is open, and the status that `stands` does not say the same.
pub(super) fn open_anew(stands: Option<&SecureMLProjectStatus>, latest: &SecureMLProjectStatus) -> bool {
    let said = condition(Some(latest), ENFORCED);
    said.is_some_and(|said| said.status == State::False.word()) && said != condition(stands, ENFORCED)
}

/// Whether nothing was said yet.
pub(super) fn is_awaited(latest: &SecureMLProjectStatus) -> bool {
    condition(Some(latest), ENFORCED).is_some_and(|known| known.reason == AWAITED)
}

/// The audit takes a while of computing: it is made where nothing else waits for it. None where it panicked.
///
/// # Errors
/// When the process ends.
pub(super) async fn audited(case: Case) -> Result<(Blueprint, Option<Report>), JoinError> {
    tokio::task::spawn_blocking(move || {
        let audit = || audit(&case.project, &case.blueprint, &case.world);
        let report = std::panic::catch_unwind(std::panic::AssertUnwindSafe(audit)).ok();
        (case.blueprint, report)
    })
    .await
}

fn is_claimed(action: Action) -> bool {
    matches!(action, Action::Propose | Action::Refuse)
}

/// Whether there is anything to do or to wait for; what needs somebody's decision may stay for long.
fn moves(plan: &Plan) -> bool {
    plan.writes().next().is_some() || plan.steps.values().any(|step| step.action == Action::Wait)
}

fn fingerprint(generation: Option<i64>, world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    generation.hash(&mut hasher);
    for (node, objects) in &world.owned {
        node.hash(&mut hasher);
        objects.iter().for_each(|object| object.fingerprint().hash(&mut hasher));
    }
    let unread: BTreeMap<&String, &String> = world.unread.iter().map(|(kind, unread)| (kind, &unread.why)).collect();
    unread.hash(&mut hasher);
    hasher.finish()
}

fn in_order(report: &Report, latest: &SecureMLProjectStatus) -> String {
    let pass = format!("{} controls pass", report.count(Verdict::Pass));
    let other = match report.count(Verdict::NotApplicable) {
        0 => String::new(),
        count => format!(", {count} are not applicable"),
    };
    let last = latest
        .last_opening
        .as_ref()
        .map(|opening| format!("; last open: {}", tell(opening)));
    format!("{pass}{other}{}", last.unwrap_or_default())
}

/// What was open, and for how long.
fn tell(opening: &OpeningStatus) -> String {
    let shown = opening
        .controls
        .iter()
        .take(EXPLAINED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let more = match opening.controls.len().saturating_sub(EXPLAINED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let closed = opening.closed_at.as_ref().map_or(opening.seen_at.0, |closed| closed.0);
    let seconds = |from: Timestamp| closed.duration_since(from).as_secs();
    let seen = seconds(opening.seen_at.0);
    let long = match &opening.in_order_at {
        Some(before) => format!("between {seen} and {} s", seconds(before.0)),
        None => format!("at least {seen} s"),
    };
    format!("{shown}{more}, for {long}, until {closed:.0}")
}

/// What is not kept, worst first: the message of the condition `GuardrailsEnforced` then.
pub fn broken(report: &Report) -> String {
    let mut broken: Vec<_> = report.broken().collect();
    broken.sort_by_key(|check| std::cmp::Reverse((check.verdict(), check.control.severity)));
    let told = broken.iter().take(EXPLAINED).map(|check| {
        let worst = check.findings().iter().max_by_key(|finding| finding.verdict);
        let found = worst.map_or_else(String::new, |finding| {
            format!("{}: {}", finding.resource, finding.evidence)
        });
        format!("{} ({}): {found}", check.control.id, check.control.title)
    });
    let told = told.collect::<Vec<_>>().join("; ");
    match broken.len().saturating_sub(EXPLAINED) {
        0 => told,
        more => format!("{told}; and {}", counted(more, "more control")),
    }
}
