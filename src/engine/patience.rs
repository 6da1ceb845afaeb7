//! How long a resource is left alone after a call about it failed, or succeeded again and again without effect.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::{Class, Executor, Failure, Outcome, Report, Sent, Turn};
use crate::model::{NodeKey, Output, resolve};
use crate::plan::{Action, Call, Change, Effect, Plan, Severity, Step};

/// The pauses after the failures of a class: the first, and the longest; each is twice the one before.
#[derive(Clone, Copy)]
struct Pauses {
    first: Duration,
    longest: Duration,
}

impl Pauses {
    const fn seconds(first: u64, longest: u64) -> Self {
        Self {
            first: Duration::from_secs(first),
            longest: Duration::from_secs(longest),
        }
    }
}

/// A share of a pause, by which it is made longer or shorter: what failed together is not tried again together.
const JITTER: f64 = 0.25;

/// The pauses of a class. What does not pass by itself is tried again all the same, now and then: somebody may have
/// granted the permission, or raised the quota.
fn pauses(class: Class) -> Pauses {
    match class {
        Class::Throttled => Pauses::seconds(2, 60),
        Class::Queued { .. } => Pauses::seconds(0, 0),
        Class::Transient | Class::Unanswered | Class::Unknown | Class::Unsolved => Pauses::seconds(1, 300),
        Class::NotFound => Pauses::seconds(2, 30),
        // What AWS has not cleared away yet may take it an hour.
        Class::InUse => Pauses::seconds(2, 120),
        Class::Credentials => Pauses::seconds(30, 300),
        Class::Denied | Class::Quota => Pauses::seconds(60, 600),
        // Where it is tried again at all: see `is_final`.
        Class::Invalid | Class::Taken => Pauses::seconds(3600, 3600),
        Class::Undone => Pauses::seconds(10, 600),
    }
}

/// Whether the same would fail again for ever. What is deleted does not follow from the spec, so that no edit of it would
/// ever have the deletion tried again.
fn is_final(class: Class, action: Action) -> bool {
    let removes = matches!(action, Action::Delete | Action::RemoveDuplicate);
    class.is_terminal() && !removes
}

/// So often is tried what nobody knows before somebody is called.
const STRANGE: u32 = 5;
/// Of shorter pauses nobody is told when they end.
const WORTH_TELLING: Duration = Duration::from_secs(30);

/// What a step asks of AWS: its calls, with what they refer to, about the resource as it was. The same again would fail
/// again.
#[derive(Clone, Debug, PartialEq)]
struct Attempt {
    calls: Vec<Call>,
    before: Option<u64>,
}

impl Attempt {
    /// That of `step` for `node`; `known` knows the outputs of others.
    fn of(node: &NodeKey, step: &Step, known: impl Fn(&Output) -> Option<String>) -> Self {
        let mut calls = step.calls.clone();
        for call in &mut calls {
            resolve(&mut call.args, &|output| {
                (output.node != *node).then(|| known(output)).flatten()
            });
        }
        Self {
            calls,
            before: step.before,
        }
    }

    /// That of `step` for `node`, by what `plan` knows.
    fn planned(plan: &Plan, node: &NodeKey, step: &Step) -> Self {
        Self::of(node, step, |output| {
            plan.steps.get(&output.node)?.outputs.get(&output.name).cloned()
        })
    }
}

/// What failed, and until when it is left alone.
#[derive(Clone, Debug)]
struct Failed {
    failure: Failure,
    /// What AWS said it is, however often.
    class: Class,
    times: u32,
    /// Nothing, if it is not to be tried again as it is.
    until: Option<Instant>,
    /// That moment, where it is worth telling.
    next_try: Option<Timestamp>,
    /// What failed. Anything else is tried at once.
    attempt: Attempt,
}

/// How often the same difference is put right without a pause: drift is corrected within seconds.
const AT_ONCE: u32 = 3;
/// The longest pause where the project's boundary is open. No longer than until the next sweep, as a rule: nobody gains
/// by undoing it again and again.
const WHILE_OPEN: Duration = Duration::from_secs(60);
/// For how long after its pause a difference that is there again is taken for the same.
const REMEMBERED: Duration = Duration::from_secs(600);
/// The same, where putting it right interrupts whoever uses the resource, and takes AWS long.
const INTERRUPTION_REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// The pauses between such interruptions.
const INTERRUPTIONS: Pauses = Pauses::seconds(600, 6 * 3600);
/// How many differences of one resource are remembered.
const DIFFERENCES: usize = 8;

/// What was changed, and was the same before each time.
#[derive(Clone, Debug)]
struct Changed {
    changes: Vec<Change>,
    failure: Failure,
    times: u32,
    until: Instant,
    next_try: Option<Timestamp>,
    forgotten: Instant,
}

/// See the module. One owner's.
#[derive(Debug, Default)]
pub struct Patience {
    failed: BTreeMap<NodeKey, Failed>,
    changed: BTreeMap<NodeKey, Vec<Changed>>,
    /// When the first of what the last pass left alone is to be tried again.
    due: Option<Instant>,
    seed: RandomState,
}

impl Patience {
    /// The nodes of `plan` that are left alone `now`, each with what failed.
    pub fn held(&self, plan: &Plan, now: Instant) -> BTreeMap<NodeKey, Failure> {
        let waits = |(node, step): (&NodeKey, &Step)| {
            let failed = self.failed(node, || Attempt::planned(plan, node, step));
            let failed = failed.filter(|failed| failed.until.is_none_or(|until| now < until));
            let changed = self.changed(node, step).filter(|changed| now < changed.until);
            let failed = failed.map(|failed| &failed.failure);
            let failure = failed.or(changed.map(|changed| &changed.failure))?;
            Some((node.clone(), failure.clone()))
        };
        plan.writes().filter_map(waits).collect()
    }

    /// What is known of `attempt` at `node`.
    fn failed(&self, node: &NodeKey, attempt: impl FnOnce() -> Attempt) -> Option<&Failed> {
        let failed = self.failed.get(node)?;
        (failed.attempt == attempt()).then_some(failed)
    }

    /// What is known of the changes that `step` makes to `node`.
    fn changed(&self, node: &NodeKey, step: &Step) -> Option<&Changed> {
        let mut changed = self.changed.get(node)?.iter();
        changed.find(|changed| is_correction(step) && changed.changes == step.changes)
    }

    /// Takes note of what became of `plan`, save of what was `held`.
    pub fn learn(&mut self, plan: &Plan, report: &Report, held: &BTreeMap<NodeKey, Failure>, now: Instant) {
        // What AWS is at work on, or may be, is not over yet.
        let still = |node: &NodeKey| {
            let step = plan.steps.get(node);
            step.is_some_and(|step| step.action.writes() || step.action == Action::Wait)
        };
        self.failed.retain(|node, _| still(node));
        for changed in self.changed.values_mut() {
            changed.retain(|changed| now < changed.forgotten);
        }
        self.changed.retain(|_, changed| !changed.is_empty());
        let mut again: Vec<Option<Instant>> = Vec::new();
        for (node, entry) in report.entries.iter().filter(|(node, _)| !held.contains_key(*node)) {
            match (&entry.outcome, plan.steps.get(node)) {
                (Outcome::Failed(failure), Some(step)) => {
                    let known = |output: &Output| report.output(&output.node, &output.name).map(str::to_owned);
                    again.push(self.fail(node, failure, step, Attempt::of(node, step, known), now));
                }
                (outcome, step) => {
                    self.failed.remove(node);
                    let accepted = matches!(outcome, Outcome::Done | Outcome::Pending { turn_in: None, .. });
                    if let Some(step) = step.filter(|step| accepted && is_correction(step)) {
                        self.change(node, step, now);
                    }
                }
            }
        }
        for (node, step) in plan.writes().filter(|(node, _)| held.contains_key(*node)) {
            let changed = self.changed(node, step).map(|changed| changed.until);
            again.push(match self.failed(node, || Attempt::planned(plan, node, step)) {
                Some(failed) => failed
                    .until
                    .map(|until| changed.map_or(until, |other| until.max(other))),
                None => changed,
            });
        }
        self.due = again.into_iter().flatten().min();
    }

    /// Takes note of a change that AWS has accepted. What is the same again soon did not stay.
    fn change(&mut self, node: &NodeKey, step: &Step, now: Instant) {
        let times = self.changed(node, step).map_or(0, |earlier| earlier.times) + 1;
        let interrupts = step.action != Action::Update;
        let (at_once, pauses, remembered) = if interrupts {
            (2, INTERRUPTIONS, INTERRUPTION_REMEMBERED)
        } else {
            (AT_ONCE, pauses(Class::Undone), REMEMBERED)
        };
        let open = step.changes.iter().any(|change| change.severity == Severity::Critical);
        let pause = match times.checked_sub(at_once) {
            None => Duration::ZERO,
            Some(more) => self.pause(node, pauses, more + 1),
        };
        let pause = if open { pause.min(WHILE_OPEN) } else { pause };
        let call = step.calls.first().map_or("", |call| call.call.as_str());
        let changed = Changed {
            changes: step.changes.clone(),
            failure: Failure::undone(call, times, &step.reason),
            times,
            until: now + pause,
            next_try: told(pause),
            forgotten: now + pause + remembered,
        };
        let known = self.changed.entry(node.clone()).or_default();
        known.retain(|earlier| earlier.changes != changed.changes);
        known.push(changed);
        if known.len() > DIFFERENCES {
            known.remove(0);
        }
    }

    /// Takes note of a failure; when the same is tried again, if ever.
    fn fail(
        &mut self,
        node: &NodeKey,
        failure: &Failure,
        step: &Step,
        attempt: Attempt,
        now: Instant,
    ) -> Option<Instant> {
        let class = failure.class;
        let earlier = self.failed.get(node).filter(|earlier| earlier.class == class);
        let times = earlier.map_or(0, |earlier| earlier.times) + 1;
        let mut failure = failure.clone();
        if class == Class::Unknown && times >= STRANGE {
            failure.class = Class::Unsolved;
        }
        let pause = (!is_final(class, step.action)).then(|| self.pause(node, pauses(class), times));
        let until = pause.map(|pause| now + pause);
        let failed = Failed {
            failure,
            class,
            times,
            until,
            next_try: pause.and_then(told),
            attempt,
        };
        self.failed.insert(node.clone(), failed);
        until
    }

    fn pause(&self, node: &NodeKey, pauses: Pauses, times: u32) -> Duration {
        let Pauses { first, longest } = pauses;
        let pause = first.saturating_mul(2_u32.saturating_pow(times - 1)).min(longest);
        let share = self.seed.hash_one((node, times)) as f64 / u64::MAX as f64;
        pause.mul_f64(1.0 - JITTER + 2.0 * JITTER * share)
    }

    /// When the next of what the last pass left alone is to be tried again.
    pub fn next(&self, now: Instant) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(now))
    }

    /// What is known by now of the failures in `report`, and when each is tried again.
    pub(super) fn judge(&self, plan: &Plan, report: &mut Report) {
        for (node, entry) in &mut report.entries {
            let Outcome::Failed(failure) = &mut entry.outcome else {
                continue;
            };
            let changed = plan.steps.get(node).and_then(|step| self.changed(node, step));
            let next_try = match self.failed.get(node) {
                Some(failed) if [failed.class, failed.failure.class].contains(&failure.class) => {
                    failure.class = failed.failure.class;
                    failed.next_try
                }
                _ => changed.and_then(|changed| changed.next_try),
            };
            report.next_tries.extend(next_try.map(|at| (node.clone(), at)));
        }
    }

    /// Whether `node` has failed for the first time.
    pub(super) fn is_first_failure(&self, node: &NodeKey) -> bool {
        self.failed.get(node).is_some_and(|failed| failed.times == 1)
    }

    /// Tries everything again at once: something else is declared.
    pub fn forget(&mut self) {
        self.failed.clear();
        self.changed.clear();
        self.due = None;
    }
}

/// Whether `step` puts a difference right, and does not end what an earlier pass began: that is never put off.
fn is_correction(step: &Step) -> bool {
    let corrects = matches!(step.action, Action::Update | Action::StopUpdateStart | Action::Replace);
    corrects && step.changes.iter().all(|change| change.effect != Effect::Finish)
}

/// When a pause that begins now ends, if that is worth telling.
fn told(pause: Duration) -> Option<Timestamp> {
    let long = pause >= WORTH_TELLING;
    let end = Timestamp::now()
        .checked_add(SignedDuration::try_from(pause).ok()?)
        .ok()?;
    long.then(|| Timestamp::from_second(end.as_second()).unwrap_or(end))
}

/// Sends nothing for the nodes that are left alone: what failed, failed again.
pub(super) struct Patient<'a, E> {
    pub(super) executor: &'a E,
    pub(super) held: &'a BTreeMap<NodeKey, Failure>,
}

impl<E: Executor> Executor for Patient<'_, E> {
    async fn execute(&self, turn: &Turn, call: Call) -> Result<Sent, Failure> {
        match self.held.get(&turn.node) {
            Some(failure) => Err(failure.clone()),
            None => self.executor.execute(turn, call).await,
        }
    }
}

#[cfg(test)]
mod tests;
