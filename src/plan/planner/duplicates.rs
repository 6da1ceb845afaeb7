//! What is there more than once: which of it is kept, and what becomes of the rest.
//!
//! Creation is careful, but a call of a dead process can reach AWS late. What nothing uses goes; whatever may be in use is
//! left to somebody's decision.

use serde_json::Value;

use super::{NOT_SHOWN_YET, PlanError, Planner, difference, misfit, step};
use crate::blueprint::Node;
use crate::kinds::AnyKind;
use crate::plan::{Action, Object, Phase, Step};

impl Planner<'_> {
    /// The step for a node of which `found` are there.
    pub(super) fn several(
        &self,
        kind: &dyn AnyKind,
        node: &Node,
        found: &[Object],
        desired: &Value,
    ) -> Result<Step, PlanError> {
        if !self.world.unread.is_empty() || found.iter().any(|object| object.attributes.is_null()) {
            return Ok(step(
                Action::Wait,
                "there are several of it, and what uses them cannot all be read".to_owned(),
            ));
        }
        // What holds the project's data is called back, whatever was made in its place.
        let used: Vec<&Object> = found.iter().filter(|object| self.is_used(object)).collect();
        if let [only] = used.as_slice()
            && kind.holds_data()
            && matches!(only.phase, Phase::Leaving(_))
        {
            return self.found(kind, node, only, desired);
        }
        // What is on its way out is not one of them any more.
        let leaves = |object: &&Object| matches!(object.phase, Phase::Leaving(_));
        let standing: Vec<&Object> = found.iter().filter(|object| !leaves(object)).collect();
        if let [only] = standing.as_slice() {
            return self.found(kind, node, only, desired);
        }
        if !kind.taggable() {
            return Ok(step(
                Action::Wait,
                "what it is a part of is there more than once".to_owned(),
            ));
        }
        let used: Vec<&Object> = used.into_iter().filter(|object| !leaves(object)).collect();
        let differences = |object: &Object| {
            let adopted = self.is_adopted(&node.key, object);
            difference::changes(kind, object, desired, &node.tags, adopted).len()
        };
        let keeper = match used.as_slice() {
            [] => standing
                .iter()
                .copied()
                .min_by_key(|object| (differences(object), &object.id)),
            [only] => Some(*only),
            _ => None,
        };
        let Some(keeper) = keeper else {
            return Ok(step(Action::Conflict, undecided(found)));
        };
        let surplus: Vec<&Object> = standing.into_iter().filter(|object| object.id != keeper.id).collect();
        if surplus.iter().any(|object| !kind.is_idle(&object.attributes)) {
            return Ok(step(Action::Conflict, undecided(found)));
        }
        self.remove(kind, node, keeper, &surplus)
    }

    /// `surplus` goes, `keeper` stays.
    fn remove(&self, kind: &dyn AnyKind, node: &Node, keeper: &Object, surplus: &[&Object]) -> Result<Step, PlanError> {
        let busy = surplus.iter().find_map(|object| match &object.phase {
            Phase::Busy(why) => Some(why.as_str()),
            _ => self.just_written(&node.key, object).then_some(NOT_SHOWN_YET),
        });
        let ids: Vec<String> = surplus.iter().map(|object| object.id.clone()).collect();
        let reason = format!("{} is a duplicate of {} that nothing uses", ids.join(", "), keeper.id);
        let mut step = match busy {
            Some(why) => step(Action::Wait, format!("{reason}; {why}")),
            None => {
                let mut remove = step(Action::RemoveDuplicate, reason);
                for object in surplus {
                    let todo = kind.delete(object).map_err(|source| misfit(&node.key, source))?;
                    remove.calls.extend(todo.now);
                }
                remove.before = surplus.first().map(|object| object.fingerprint());
                remove.duplicates = ids;
                remove
            }
        };
        step.id = Some(keeper.id.clone());
        step.outputs.clone_from(&keeper.outputs);
        Ok(step)
    }

    /// Whether a resource of the project mentions `object`, whichever way.
    fn is_used(&self, object: &Object) -> bool {
        let names = || std::iter::once(&object.id).chain(object.outputs.values());
        let others = self
            .world
            .owned
            .values()
            .flatten()
            .filter(|other| other.id != object.id);
        let mut texts = others.map(|other| other.attributes.to_string());
        texts.any(|text| names().any(|name| text.contains(name.as_str())))
    }
}

fn undecided(objects: &[Object]) -> String {
    let ids: Vec<&str> = objects.iter().map(|object| object.id.as_str()).collect();
    format!(
        "several resources carry this node's tags, and more than one of them may be in use: {}; remove the secureml.dev \
         tags from all but the right one",
        ids.join(", ")
    )
}
