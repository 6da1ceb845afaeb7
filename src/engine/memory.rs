use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::{Class, Entry, Outcome, Report};
use crate::model::NodeKey;
use crate::plan::{Action, Plan, World};

/// How long AWS may take until its lists show what a create call made.
pub const VISIBLE_WITHIN: Duration = Duration::from_secs(30);

/// How long AWS may go on answering what was true before a change that it has accepted.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);

/// What one owner's earlier passes wrote, so that the next never plans on anything older.
///
/// It is lost with the process; the intent in the status stands in for it.
#[derive(Debug, Default)]
pub struct Memory {
    written: HashMap<String, Instant>,
    made: BTreeMap<NodeKey, (Instant, BTreeMap<String, String>)>,
    unanswered: BTreeMap<NodeKey, Instant>,
    changed: BTreeMap<NodeKey, (Instant, u64)>,
}

impl Memory {
    /// The moment that a reading of `kind` must not be older than.
    pub fn not_before(&self, kind: &str, floor: Instant) -> Instant {
        self.written.get(kind).map_or(floor, |written| floor.max(*written))
    }

    /// Takes note of what a pass did, which ended `now`.
    pub fn learn(&mut self, plan: &Plan, report: &Report, now: Instant) {
        // A step that needed no call of its own changes with those of others: rules go with their group.
        let touched = |entry: &Entry| entry.calls > 0 || entry.outcome == Outcome::Done;
        for (node, entry) in report.entries.iter().filter(|(_, entry)| touched(entry)) {
            self.written.insert(node.kind.clone(), now);
            let creates = plan.steps.get(node).is_some_and(|step| step.action == Action::Create);
            if !creates {
                let before = plan.steps.get(node).and_then(|step| step.before);
                if let Some(before) = before.filter(|_| entry.outcome == Outcome::Done) {
                    self.changed.insert(node.clone(), (now, before));
                }
                continue;
            }
            let outputs = report.outputs.get(node).filter(|outputs| outputs.contains_key("id"));
            if let Some(outputs) = outputs {
                self.made.insert(node.clone(), (now, outputs.clone()));
            } else if matches!(&entry.outcome, Outcome::Failed(failure) if failure.class == Class::Unanswered) {
                self.unanswered.insert(node.clone(), now);
            }
        }
    }

    /// Tells `world` of what its lists do not show yet.
    pub fn complete(&mut self, world: &mut World, now: Instant) {
        self.made
            .retain(|node, (made, _)| !world.owned.contains_key(node) && *made + VISIBLE_WITHIN > now);
        self.unanswered
            .retain(|node, sent| !world.owned.contains_key(node) && *sent + VISIBLE_WITHIN > now);
        world.expected = self
            .made
            .iter()
            .map(|(node, (_, outputs))| (node.clone(), outputs.clone()))
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

    /// Whether some create call is without an answer.
    pub fn awaits_answers(&self) -> bool {
        !self.unanswered.is_empty()
    }
}
