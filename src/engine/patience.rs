//! How long a resource is left alone after a call about it failed.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::{Class, Executor, Failure, Outcome, Report, Sent, Turn};
use crate::model::NodeKey;
use crate::plan::{Call, Plan, Step};

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
        Class::Credentials => (30, 300),
        Class::Denied | Class::Quota => (60, 600),
        Class::Invalid | Class::Taken => (3600, 3600),
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

/// See the module. One owner's.
#[derive(Debug, Default)]
pub struct Patience {
    failed: BTreeMap<NodeKey, Failed>,
    seed: RandomState,
}

impl Patience {
    /// The nodes of `plan` that are left alone `now`, each with what failed.
    pub fn held(&self, plan: &Plan, now: Instant) -> BTreeMap<NodeKey, Failure> {
        let waits = |(node, step): (&NodeKey, &Step)| {
            let failed = self.failed.get(node)?;
            let held = now < failed.until && failed.calls == step.calls;
            held.then(|| (node.clone(), failed.failure.clone()))
        };
        plan.writes().filter_map(waits).collect()
    }

    /// Takes note of what became of `plan`, save of what was `held`.
    pub fn learn(&mut self, plan: &Plan, report: &Report, held: &BTreeMap<NodeKey, Failure>, now: Instant) {
        let still = |node: &NodeKey| plan.steps.get(node).is_some_and(|step| step.action.writes());
        self.failed.retain(|node, _| still(node));
        for (node, entry) in report.entries.iter().filter(|(node, _)| !held.contains_key(*node)) {
            match (&entry.outcome, plan.steps.get(node)) {
                (Outcome::Failed(failure), Some(step)) => self.fail(node, failure, step, now),
                _ => drop(self.failed.remove(node)),
            }
        }
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
        Class::Credentials,
        Class::Invalid,
        Class::InUse,
        Class::NotFound,
        Class::Taken,
        Class::Quota,
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
            message: "no".into(),
        };
        let entry = Entry {
            action: crate::plan::Action::Create,
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
}
