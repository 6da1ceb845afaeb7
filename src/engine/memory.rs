use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::patience::Patience;
use super::{Class, Entry, Failure, Outcome, Readings, Report};
use crate::model::{Holder, NodeKey, Output, references};
use crate::plan::{Action, Expected, Plan, Step, World};

/// How long AWS may take until its lists show what a create call made, unless told otherwise.
pub const VISIBLE_WITHIN: Duration = Duration::from_secs(30);

/// How long AWS may go on answering what was true before a change that it has accepted.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);

/// How long a cache of the API server's may show an intent that was struck out, at the longest.
const CACHED_SECONDS: i64 = 600;

/// How soon AWS is asked again about what it is at work on.
const ASK_AT_FIRST: Duration = Duration::from_millis(50);
/// How often it is asked at least.
const ASK_AT_LEAST: Duration = Duration::from_secs(5);

/// What one owner's earlier passes wrote, so that the next never plans on anything older.
///
/// It is lost with the process; the intent in the status stands in for it.
#[derive(Debug)]
pub struct Memory {
    /// How long AWS may take until its lists show what a create call made.
    visible_within: Duration,
    written: HashMap<String, Instant>,
    /// When something of a kind was made and AWS said so: what is known from its answer is believed for a while.
    answered: HashMap<String, Instant>,
    made: BTreeMap<NodeKey, (Instant, Expected)>,
    unanswered: BTreeMap<NodeKey, Instant>,
    changed: BTreeMap<NodeKey, (Instant, u64)>,
    /// The second in which each intent was written that this process wrote.
    intents: BTreeSet<i64>,
    /// The same of the intents that other processes wrote.
    others: BTreeSet<i64>,
    /// Since when AWS is at work on something, pass after pass.
    waiting_since: Option<Instant>,
    /// When this process began to remove everything.
    removing_since: Option<Instant>,
    /// Until when lists may not show what a process before this one made.
    others_until: Option<Instant>,
    /// What was found to hold the resources whose deletion AWS refused last.
    pub(super) holders: BTreeMap<NodeKey, Result<Vec<Holder>, Failure>>,
    /// What failed, and how long it is left alone.
    pub(super) patience: Patience,
    /// What is left alone in the present pass, once that is decided.
    alone: Option<BTreeMap<NodeKey, Failure>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(VISIBLE_WITHIN)
    }
}

impl Memory {
    /// Of an owner for whom nothing was written yet, on an AWS whose lists show within `visible_within` what was made.
    pub fn new(visible_within: Duration) -> Self {
        Self {
            visible_within,
            written: HashMap::new(),
            answered: HashMap::new(),
            made: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            changed: BTreeMap::new(),
            intents: BTreeSet::new(),
            others: BTreeSet::new(),
            waiting_since: None,
            removing_since: None,
            others_until: None,
            holders: BTreeMap::new(),
            patience: Patience::default(),
            alone: None,
        }
    }

    /// The moment that a reading of `kind`, made `now`, must not be older than.
    pub fn not_before(&self, kind: &str, floor: Instant, now: Instant) -> Instant {
        let answered = self.answered.get(kind).filter(|at| **at + SETTLED_WITHIN <= now);
        let written = self.written.get(kind);
        // What others made may only then be missing because it does not exist.
        let shown = self.others_until.as_ref().filter(|until| **until <= now);
        written
            .into_iter()
            .chain(answered)
            .chain(shown)
            .fold(floor, |floor, at| floor.max(*at))
    }

    /// Something else is declared from now on: what was just made has to be looked at, and not only believed to be what
    /// it was made as.
    pub fn declared_anew(&mut self) {
        self.written.extend(self.answered.drain());
        self.patience.forget();
    }

    /// Since when everything is being removed, which is `now` when it was not before. Nothing read earlier tells whether
    /// it is gone.
    pub fn removing_since(&mut self, now: Instant) -> Instant {
        *self.removing_since.get_or_insert(now)
    }

    /// Takes note of an intent that this process writes down in the second `at`.
    pub fn intends(&mut self, at: i64) {
        self.intents.retain(|earlier| earlier + CACHED_SECONDS >= at);
        self.intents.insert(at);
    }

    /// Takes note of an intent found written down, in the second `at`, and answers whether a process before this one may
    /// have created things that AWS's lists do not show yet. When that process sent its last call nobody knows: it may
    /// have worked for long under its intent, and died a moment ago. What this process made it knows itself; a cache may
    /// go on showing its intents for a while after they were struck out.
    pub fn heeds(&mut self, at: Option<i64>, now: Instant) -> bool {
        if let Some(at) = at
            && !self.intents.contains(&at)
            && self.others.insert(at)
        {
            self.others_until = self.others_until.max(Some(now + self.visible_within));
        }
        self.others_until.is_some_and(|until| now < until)
    }

    /// Takes note of what a pass did, which ended `now`.
    pub fn learn(&mut self, plan: &Plan, report: &Report, now: Instant) {
        // A step that needed no call of its own changes with those of others: rules go with their group.
        let touched = |entry: &Entry| entry.calls > 0 || entry.outcome == Outcome::Done;
        for (node, entry) in report.entries.iter().filter(|(_, entry)| touched(entry)) {
            let creates = plan.steps.get(node).is_some_and(|step| step.action == Action::Create);
            let done = entry.outcome == Outcome::Done;
            let when = if creates && done {
                &mut self.answered
            } else {
                &mut self.written
            };
            when.insert(node.kind.clone(), now);
            if !creates {
                let before = plan.steps.get(node).and_then(|step| step.before);
                // What is adopted has its tags, though corrections follow.
                let accepted = match entry.outcome {
                    Outcome::Pending { turn_in, .. } => turn_in.is_none() || entry.action == Action::Adopt,
                    _ => done,
                };
                if let Some(before) = before.filter(|_| accepted && entry.calls > 0) {
                    self.changed.insert(node.clone(), (now, before));
                }
                self.made.remove(node);
                continue;
            }
            let outputs = report.outputs.get(node).filter(|outputs| outputs.contains_key("id"));
            if let Some(outputs) = outputs {
                let outputs = outputs.clone();
                self.made.insert(node.clone(), (now, Expected { outputs, done }));
            } else if matches!(&entry.outcome, Outcome::Failed(failure) if failure.class == Class::Unanswered) {
                self.unanswered.insert(node.clone(), now);
            }
        }
    }

    /// A name that is taken may be taken by a call of ours: the SDK repeated it after its answer was lost, or a process
    /// before this one died. Once, before anybody is called, AWS's lists get the time to show whose it is.
    pub(super) fn doubt(&mut self, report: &mut Report, now: Instant) {
        for (node, entry) in &mut report.entries {
            let taken = matches!(&entry.outcome, Outcome::Failed(failure) if failure.class == Class::Taken);
            let first = entry.calls > 0 && self.patience.is_first_failure(node);
            if taken && first && entry.action == Action::Create {
                self.unanswered.insert(node.clone(), now);
                let why = "AWS says that it exists: waiting for AWS's lists to show whether this project made it";
                entry.outcome = Outcome::Pending {
                    why: why.to_owned(),
                    turn_in: None,
                };
            }
        }
    }

    /// Tells `world` of what its lists do not show yet. What was read of a resource before it was made altogether is
    /// put out of it: somebody else's reading may have come upon it half made.
    pub fn complete(&mut self, world: &mut World, readings: &Readings, now: Instant) {
        // Only a list that was read when it should show what was made tells that it does not exist.
        let visible_within = self.visible_within;
        let since = |node: &NodeKey, then: Instant| readings.get(&*node.kind).is_some_and(|read_at| *read_at >= then);
        self.made.retain(|node, (made, _)| {
            if !since(node, *made) {
                world.owned.remove(node);
            }
            !world.owned.contains_key(node) && !since(node, *made + visible_within)
        });
        self.unanswered
            .retain(|node, sent| !world.owned.contains_key(node) && !since(node, *sent + visible_within));
        world.expected = self
            .made
            .iter()
            .map(|(node, (_, expected))| (node.clone(), expected.clone()))
            .collect();
        world.uncertain.extend(self.unanswered.keys().cloned());
        self.changed.retain(|_, (written, _)| *written + SETTLED_WITHIN > now);
        let changed = self.changed.iter();
        world.before_write = changed.map(|(node, (_, before))| (node.clone(), *before)).collect();
    }

    /// Takes note of what `plan` waits for: the pass after it, which comes `now` at the earliest, has to look again.
    pub fn wait(&mut self, plan: &Plan, now: Instant) {
        let waiting = plan.steps.iter().filter(|(_, step)| step.action == Action::Wait);
        self.written.extend(waiting.map(|(node, _)| (node.kind.clone(), now)));
    }

    /// When to ask again, `now` that a pass has ended, about what AWS is at work on, if it is: soon at first, and ever
    /// less often the longer it takes.
    pub fn ask_again(&mut self, waiting: bool, now: Instant) -> Option<Duration> {
        if !waiting {
            self.waiting_since = None;
            return None;
        }
        let waited = now.duration_since(*self.waiting_since.get_or_insert(now));
        Some((waited / 2).clamp(ASK_AT_FIRST, ASK_AT_LEAST))
    }

    /// When the next of what failed and passes by itself is to be tried again.
    pub fn try_again(&self, now: Instant) -> Option<Duration> {
        self.patience.next(now)
    }

    /// Whether AWS's lists may not show yet what was made: a process after this one would not know of it.
    pub fn awaits_lists(&self) -> bool {
        !self.made.is_empty() || self.awaits_answers()
    }

    /// What is left alone `now` because it failed for a reason that does not pass by itself.
    pub fn is_stuck(&self, plan: &Plan, now: Instant) -> bool {
        let held = self.patience.held(plan, now);
        held.values().any(|failure| !failure.class.passes())
    }

    /// Whether the present pass makes anything of `plan`, which is decided `now`: what is left alone is not made, nor is
    /// what refers to it.
    pub fn creates(&mut self, plan: &Plan, now: Instant) -> bool {
        let held = self.patience.held(plan, now);
        let mut idle: BTreeSet<NodeKey> = held.keys().cloned().collect();
        self.alone = Some(held);
        loop {
            let is_unknown = |output: &Output| {
                let known = |first: &Step| first.outputs.contains_key(&output.name);
                idle.contains(&output.node) && !plan.steps.get(&output.node).is_some_and(known)
            };
            let waits = |step: &Step| {
                let mut outputs = step.calls.iter().flat_map(|call| references(&call.args));
                outputs.any(|output| is_unknown(&output))
            };
            let waiting = plan
                .writes()
                .filter(|(node, step)| !idle.contains(*node) && waits(step));
            let waiting: Vec<NodeKey> = waiting.map(|(node, _)| node.clone()).collect();
            if waiting.is_empty() {
                break;
            }
            idle.extend(waiting);
        }
        let makes = |step: &Step| matches!(step.action, Action::Create | Action::Replace);
        plan.writes().any(|(node, step)| makes(step) && !idle.contains(node))
    }

    /// What of `plan` is left alone in the present pass.
    pub(super) fn alone(&mut self, plan: &Plan, now: Instant) -> BTreeMap<NodeKey, Failure> {
        self.alone.take().unwrap_or_else(|| self.patience.held(plan, now))
    }

    /// Another pass begins.
    pub(super) fn begin(&mut self) {
        self.alone = None;
    }

    /// Whether some create call is without an answer.
    pub fn awaits_answers(&self) -> bool {
        !self.unanswered.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_while_it_was_made_is_not_what_it_is() {
        let node = NodeKey::new("KmsKey", "project");
        let half_made = || World {
            owned: BTreeMap::from([(node.clone(), Vec::new())]),
            ..World::default()
        };
        let expected = Expected {
            outputs: BTreeMap::from([("id".to_owned(), "k-1".to_owned())]),
            done: true,
        };
        let made = Instant::now();
        let mut memory = Memory::default();
        memory.made.insert(node.clone(), (made, expected));
        let mut world = half_made();
        let before = made.checked_sub(Duration::from_millis(1)).expect("a moment");
        memory.complete(&mut world, &Readings::from([("KmsKey", before)]), made);
        assert!(world.owned.is_empty() && world.expected.contains_key(&node));

        let mut world = half_made();
        memory.complete(&mut world, &Readings::from([("KmsKey", made)]), made);
        assert!(world.owned.contains_key(&node) && world.expected.is_empty());
    }

    #[test]
    fn only_a_list_read_late_enough_tells_that_something_does_not_exist() {
        let node = NodeKey::new("KmsKey", "project");
        let sent = Instant::now();
        let mut memory = Memory::default();
        memory.unanswered.insert(node.clone(), sent);
        let outputs = BTreeMap::from([("id".to_owned(), "k-1".to_owned())]);
        let expected = Expected { outputs, done: true };
        memory.made.insert(NodeKey::new("Vpc", "main"), (sent, expected));
        let mut looked = |read_after: Duration, now_after: Duration| {
            let read_at = sent + read_after;
            let mut world = World::default();
            let readings = Readings::from([("KmsKey", read_at), ("Vpc", read_at)]);
            memory.complete(&mut world, &readings, sent + now_after);
            (world.uncertain.contains(&node), !world.expected.is_empty())
        };
        let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3600));
        assert_eq!(looked(second, second), (true, true));
        assert_eq!(looked(second, hour), (true, true), "however long ago it was read");
        assert_eq!(looked(VISIBLE_WITHIN, VISIBLE_WITHIN), (false, false));
    }

    #[test]
    fn what_others_made_is_looked_for_when_it_has_to_be_shown() {
        let now = Instant::now();
        let mut memory = Memory::default();
        assert!(memory.heeds(Some(40), now));
        let over = now + VISIBLE_WITHIN;
        assert_eq!(memory.not_before("Vpc", now, now), now);
        assert_eq!(memory.not_before("Vpc", now, over), over);
    }

    #[test]
    fn what_was_just_made_is_read_when_something_else_is_declared() {
        let mut memory = Memory::default();
        let made = Instant::now();
        memory.answered.insert("Vpc".to_owned(), made);
        let floor = made.checked_sub(Duration::from_secs(1)).expect("a moment");
        assert_eq!(memory.not_before("Vpc", floor, made), floor, "the answer is believed");
        memory.declared_anew();
        assert_eq!(memory.not_before("Vpc", floor, made), made);
    }

    #[test]
    fn only_the_intents_of_others_are_heeded() {
        let mut memory = Memory::default();
        let now = Instant::now();
        memory.intends(100);
        assert!(!memory.heeds(Some(100), now), "our own");
        assert!(
            memory.heeds(Some(40), now),
            "somebody else's, however old: it may have died just now"
        );
        let later = now + VISIBLE_WITHIN.checked_sub(Duration::from_secs(1)).expect("a moment");
        assert!(memory.heeds(None, later), "though it was struck out");
        let over = now + VISIBLE_WITHIN;
        assert!(!memory.heeds(Some(40), over), "seen again, it is no other");
        assert!(!memory.heeds(None, over), "not for ever");
    }

    #[test]
    fn nothing_is_made_of_what_is_left_alone_nor_of_what_refers_to_it() {
        use crate::plan::{Goal, plan};
        let spec = serde_json::from_value(serde_json::json!({"environmentType": "dev"})).expect("a spec");
        let mut blueprint = crate::blueprint::draw(&crate::blueprint::tests::project(spec));
        blueprint
            .nodes
            .retain(|node, _| node.kind == "Vpc" || node.kind == "Subnet");
        let plan = plan(&blueprint, &World::default(), Goal::Present).expect("a plan");
        let (mut memory, now) = (Memory::default(), Instant::now());
        assert!(memory.creates(&plan, now));
        assert!(memory.alone(&plan, now).is_empty());
        let failure = Failure {
            call: "ec2:CreateVpc".to_owned(),
            class: Class::Denied,
            code: "UnauthorizedOperation".to_owned(),
            message: "no".into(),
        };
        let vpc = NodeKey::new("Vpc", "main");
        let entry = Entry {
            action: Action::Create,
            outcome: Outcome::Failed(failure),
            calls: 1,
        };
        let report = Report {
            entries: BTreeMap::from([(vpc.clone(), entry)]),
            ..Report::default()
        };
        memory.patience.learn(&plan, &report, &BTreeMap::new(), now);
        assert!(!memory.creates(&plan, now), "the subnets wait for the VPC");
        // What was decided stands, though the pause is over by then: nothing is made that was not written down.
        let later = now + Duration::from_secs(3600);
        assert!(memory.alone(&plan, later).contains_key(&vpc));
        assert!(memory.creates(&plan, later));
        memory.begin();
        assert!(memory.alone(&plan, now).contains_key(&vpc));
    }
}
