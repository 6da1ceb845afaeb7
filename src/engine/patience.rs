//! How long a resource is left alone after a call about it failed, or succeeded again and again without effect.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::{Class, Executor, Failure, Outcome, Report, Sent, Turn};
use crate::model::NodeKey;
use crate::plan::{Action, Call, Change, Plan, Severity, Step};

/// The pauses after the failures of a class: the first, and the longest; each is twice the one before.
struct Pauses {
    first: Duration,
    longest: Duration,
}

/// A share of a pause, by which it is made longer or shorter: what failed together is not tried again together.
const JITTER: f64 = 0.25;

/// The pauses of a class, in seconds. What does not pass by itself is tried again all the same, now and then: somebody may
/// have granted the permission, raised the quota, or removed what had the name.
fn pauses(class: Class) -> Pauses {
    let (first, longest) = match class {
        Class::Throttled => (2, 60),
        Class::Queued { .. } => (0, 0),
        Class::Transient | Class::Unanswered | Class::Unknown => (1, 300),
        Class::InUse | Class::NotFound => (2, 30),
        Class::Denied | Class::Quota => (60, 600),
        Class::Invalid | Class::Taken => (3600, 3600),
        Class::Undone => (10, 600),
    };
    Pauses {
        first: Duration::from_secs(first),
        longest: Duration::from_secs(longest),
    }
}

/// What failed, and until when it is left alone.
#[derive(Clone, Debug)]
struct Failed {
    failure: Failure,
    times: u32,
    until: Instant,
    /// The calls that failed. Others are made at once.
    calls: Vec<Call>,
}

/// How often the same difference is put right without a pause: drift is corrected within seconds.
const AT_ONCE: u32 = 3;
/// The longest pause where the project's boundary is open. No longer than until the next sweep, as a rule: nobody gains
/// by undoing it again and again.
const WHILE_OPEN: Duration = Duration::from_secs(60);
/// For how long after its pause a difference that is there again is taken for the same.
const REMEMBERED: Duration = Duration::from_secs(600);

/// What was changed, and was the same before each time.
#[derive(Clone, Debug)]
struct Changed {
    changes: Vec<Change>,
    failure: Failure,
    times: u32,
    until: Instant,
}

/// See the module. One owner's.
#[derive(Debug, Default)]
pub struct Patience {
    failed: BTreeMap<NodeKey, Failed>,
    changed: BTreeMap<NodeKey, Changed>,
    seed: RandomState,
}

impl Patience {
    /// The nodes of `plan` that are left alone `now`, each with what failed.
    pub fn held(&self, plan: &Plan, now: Instant) -> BTreeMap<NodeKey, Failure> {
        let waits = |(node, step): (&NodeKey, &Step)| {
            let failed = self.failed.get(node);
            let failed = failed.filter(|failed| now < failed.until && failed.calls == step.calls);
            let changed = self.changed.get(node);
            let changed = changed.filter(|changed| now < changed.until && changed.changes == step.changes);
            let failed = failed.map(|failed| &failed.failure);
            let failure = failed.or(changed.map(|changed| &changed.failure))?;
            Some((node.clone(), failure.clone()))
        };
        plan.writes().filter_map(waits).collect()
    }

    /// Takes note of what became of `plan`, save of what was `held`.
    pub fn learn(&mut self, plan: &Plan, report: &Report, held: &BTreeMap<NodeKey, Failure>, now: Instant) {
        let still = |node: &NodeKey| plan.steps.get(node).is_some_and(|step| step.action.writes());
        self.failed.retain(|node, _| still(node));
        self.changed.retain(|_, changed| now < changed.until + REMEMBERED);
        for (node, entry) in report.entries.iter().filter(|(node, _)| !held.contains_key(*node)) {
            match (&entry.outcome, plan.steps.get(node)) {
                (Outcome::Failed(failure), Some(step)) => self.fail(node, failure, step, now),
                (outcome, step) => {
                    self.failed.remove(node);
                    let changed = step.filter(|step| *outcome == Outcome::Done && step.action == Action::Update);
                    if let Some(step) = changed {
                        self.change(node, step, now);
                    }
                }
            }
        }
    }

    /// Takes note of a change that AWS has accepted. What is the same again soon did not stay.
    fn change(&mut self, node: &NodeKey, step: &Step, now: Instant) {
        let earlier = self.changed.get(node).filter(|earlier| earlier.changes == step.changes);
        let times = earlier.map_or(0, |earlier| earlier.times) + 1;
        let open = step.changes.iter().any(|change| change.severity == Severity::Critical);
        let pause = match times.checked_sub(AT_ONCE) {
            None => Duration::ZERO,
            Some(more) => self.pause(node, Class::Undone, more + 1),
        };
        let pause = if open { pause.min(WHILE_OPEN) } else { pause };
        let call = step.calls.first().map_or("", |call| call.call.as_str());
        let changed = Changed {
            changes: step.changes.clone(),
            failure: Failure::undone(call, times, &step.reason),
            times,
            until: now + pause,
        };
        self.changed.insert(node.clone(), changed);
    }

    fn fail(&mut self, node: &NodeKey, failure: &Failure, step: &Step, now: Instant) {
        let earlier = self
            .failed
            .get(node)
            .filter(|earlier| earlier.failure.class == failure.class);
        let times = earlier.map_or(0, |earlier| earlier.times) + 1;
        let failed = Failed {
            failure: failure.clone(),
            times,
            until: now + self.pause(node, failure.class, times),
            calls: step.calls.clone(),
        };
        self.failed.insert(node.clone(), failed);
    }

    fn pause(&self, node: &NodeKey, class: Class, times: u32) -> Duration {
        let Pauses { first, longest } = pauses(class);
        let pause = first.saturating_mul(2_u32.saturating_pow(times - 1)).min(longest);
        let share = self.seed.hash_one((node, times)) as f64 / u64::MAX as f64;
        pause.mul_f64(1.0 - JITTER + 2.0 * JITTER * share)
    }

    /// When the next of what failed and passes by itself is to be tried again.
    pub fn next(&self, now: Instant) -> Option<Duration> {
        let passing = self.failed.values().filter(|failed| failed.failure.class.passes());
        passing.map(|failed| failed.until.saturating_duration_since(now)).min()
    }

    /// Tries everything again at once: something else is declared.
    pub fn forget(&mut self) {
        self.failed.clear();
        self.changed.clear();
    }
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
mod tests {
    use super::*;
    use crate::engine::Entry;
    use crate::model::Owner;
    use crate::plan::{Goal, World, plan};

    const CLASSES: [Class; 10] = [
        Class::Throttled,
        Class::Transient,
        Class::Unanswered,
        Class::Denied,
        Class::Invalid,
        Class::InUse,
        Class::NotFound,
        Class::Taken,
        Class::Quota,
        Class::Undone,
    ];

    fn node() -> NodeKey {
        NodeKey::new("Vpc", "main")
    }

    /// A plan that makes a VPC, or one with other addresses.
    fn creation(spec: serde_json::Value) -> Plan {
        let spec = serde_json::from_value(spec).expect("a spec");
        let project = crate::blueprint::tests::project(spec);
        let mut blueprint = crate::blueprint::draw(&project);
        blueprint.owner = Owner::new("test", "default", "churn");
        blueprint.nodes.retain(|key, _| *key == node());
        plan(&blueprint, &World::default(), Goal::Present).expect("a plan")
    }

    fn failed(class: Class) -> Report {
        let failure = Failure {
            call: "ec2:CreateVpc".to_owned(),
            class,
            code: "Some".to_owned(),
            message: "no".to_owned(),
        };
        let entry = Entry {
            action: Action::Create,
            outcome: Outcome::Failed(failure),
            calls: 1,
        };
        Report {
            entries: BTreeMap::from([(node(), entry)]),
            ..Report::default()
        }
    }

    #[test]
    fn pauses_grow_to_the_longest_and_are_never_the_same_for_all() {
        let patience = Patience::default();
        for class in CLASSES {
            let Pauses { first, longest } = pauses(class);
            let mut before = Duration::ZERO;
            for times in 1..20 {
                let pause = patience.pause(&node(), class, times);
                assert!(
                    pause >= first.mul_f64(1.0 - JITTER) && pause <= longest.mul_f64(1.0 + JITTER),
                    "{class:?}"
                );
                let plain = first.saturating_mul(2_u32.saturating_pow(times - 1)).min(longest);
                assert!(plain >= before, "{class:?}");
                before = plain;
            }
            assert_eq!(before, longest, "{class:?}");
        }
        let of = |name: &str| patience.pause(&NodeKey::new("Subnet", name), Class::Transient, 5);
        assert!(of("a") != of("b") || of("b") != of("c"));
    }

    #[test]
    fn what_failed_is_left_alone_for_its_pause_and_then_tried_again() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        let plan = creation(serde_json::json!({"environmentType": "dev"}));
        let nothing = BTreeMap::new();
        patience.learn(&plan, &failed(Class::Denied), &nothing, now);
        assert!(patience.held(&plan, now).contains_key(&node()));
        assert!(patience.held(&plan, now + Duration::from_secs(76)).is_empty());
        assert_eq!(patience.next(now), None, "a permission does not come by itself");

        patience.learn(&plan, &failed(Class::Transient), &nothing, now);
        assert!(
            patience
                .next(now)
                .is_some_and(|pause| pause <= Duration::from_millis(1250))
        );
    }

    #[test]
    fn another_declaration_is_tried_at_once() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        let plan = creation(serde_json::json!({"environmentType": "dev"}));
        patience.learn(&plan, &failed(Class::Invalid), &BTreeMap::new(), now);
        let edited = creation(serde_json::json!({"environmentType": "dev", "network": {"vpcCidr": "10.9.0.0/16"}}));
        assert!(patience.held(&plan, now).contains_key(&node()));
        assert!(patience.held(&edited, now).is_empty(), "other calls");
        patience.forget();
        assert!(patience.held(&plan, now).is_empty());
    }

    #[test]
    fn what_is_held_does_not_fail_once_more() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        let plan = creation(serde_json::json!({"environmentType": "dev"}));
        patience.learn(&plan, &failed(Class::Transient), &BTreeMap::new(), now);
        let held = patience.held(&plan, now);
        patience.learn(&plan, &failed(Class::Transient), &held, now);
        assert_eq!(patience.failed[&node()].times, 1);
    }

    /// A plan that changes the VPC, which differs in `field`.
    fn change(field: &str, severity: Severity) -> Plan {
        let mut plan = creation(serde_json::json!({"environmentType": "dev"}));
        let step = plan.steps.get_mut(&node()).expect("a step");
        step.action = Action::Update;
        step.changes = vec![Change {
            field: field.to_owned(),
            before: false.into(),
            after: true.into(),
            effect: crate::plan::Effect::InPlace,
            severity,
        }];
        plan
    }

    fn done() -> Report {
        let entry = Entry {
            action: Action::Update,
            outcome: Outcome::Done,
            calls: 1,
        };
        Report {
            entries: BTreeMap::from([(node(), entry)]),
            ..Report::default()
        }
    }

    /// How long `plan` is held each time that it was carried out and is there again.
    fn pauses_of(patience: &mut Patience, plan: &Plan, times: usize) -> Vec<u64> {
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..times {
            patience.learn(plan, &done(), &BTreeMap::new(), now);
            let begun = now;
            while !patience.held(plan, now).is_empty() {
                now += Duration::from_millis(500);
            }
            pauses.push(now.duration_since(begun).as_secs());
            now += Duration::from_secs(6);
        }
        pauses
    }

    #[test]
    fn what_does_not_stay_is_changed_ever_less_often() {
        let mut patience = Patience::default();
        let plan = change("dnsSupport", Severity::High);
        let pauses = pauses_of(&mut patience, &plan, 12);
        assert_eq!(pauses[..2], [0, 0], "drift that comes again is corrected at once");
        assert!((7..=13).contains(&pauses[2]) && pauses[3] > pauses[2], "{pauses:?}");
        assert!((450..=751).contains(&pauses[11]), "{pauses:?}");

        let now = Instant::now();
        patience.learn(&plan, &done(), &BTreeMap::new(), now);
        let held = patience.held(&plan, now);
        let failure = &held[&node()];
        assert!(
            failure.to_string().contains("changed 13 times, and it does not stay: "),
            "{failure}"
        );
        assert!(!failure.class.passes() && failure.remedy().contains("CloudTrail"));
        assert!(
            patience.held(&change("dnsHostnames", Severity::High), now).is_empty(),
            "another difference"
        );
    }

    #[test]
    fn an_open_boundary_is_not_left_open_for_longer_than_a_sweep() {
        let pauses = pauses_of(&mut Patience::default(), &change("gateways", Severity::Critical), 12);
        assert!(pauses.iter().all(|pause| *pause <= 61), "{pauses:?}");
    }

    #[test]
    fn what_stayed_for_long_and_differs_again_is_new() {
        let mut patience = Patience::default();
        let plan = change("dnsSupport", Severity::High);
        let mut now = Instant::now();
        for _ in 0..9 {
            patience.learn(&plan, &done(), &BTreeMap::new(), now);
            assert!(patience.held(&plan, now).is_empty());
            now += REMEMBERED;
        }
    }
}
