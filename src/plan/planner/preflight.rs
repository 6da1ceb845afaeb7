//! Before the first of a project is made: half an environment is no use to anybody, so nothing is begun that cannot be
//! finished because a name is taken. Once a project stands, a collision is the trouble of one resource.

use std::collections::{BTreeMap, BTreeSet};

use super::{PlanError, kind_of, step};
use crate::model::NodeKey;
use crate::plan::{Action, Step, World};

/// Holds every creation of `steps` back if the project does not stand yet and something would be in its way.
pub(super) fn check(steps: &mut BTreeMap<NodeKey, Step>, world: &World) -> Result<(), PlanError> {
    if stands(world)? {
        return Ok(());
    }
    let taken = steps.iter().filter(|(_, step)| step.action == Action::Conflict);
    let taken: BTreeSet<NodeKey> = taken.map(|(node, _)| node.clone()).collect();
    let unread = steps.keys().find_map(|node| world.unread.get(&node.kind));
    let (action, reason, after) = match (taken.len(), unread) {
        (0, None) => return Ok(()),
        (0, Some(unread)) => {
            let action = if unread.passes { Action::Wait } else { Action::Blocked };
            let reason = "nothing is created until every name is known to be free, and some cannot be checked";
            (action, reason.to_owned(), BTreeSet::new())
        }
        (count, _) => {
            let names = if count == 1 {
                "a name of it is"
            } else {
                "names of it are"
            };
            let reason = format!(
                "nothing of the project is created while {names} taken: see {}",
                list(&taken)
            );
            (Action::Blocked, reason, taken)
        }
    };
    for held in steps.values_mut().filter(|step| step.action == Action::Create) {
        *held = Step {
            after: after.clone(),
            ..step(action, reason.clone())
        };
    }
    Ok(())
}

/// Whether anything of the project was made. What holds data may have been kept from an earlier life of it.
fn stands(world: &World) -> Result<bool, PlanError> {
    if !world.expected.is_empty() || !world.uncertain.is_empty() {
        return Ok(true);
    }
    for node in world.owned.keys() {
        if !kind_of(node)?.holds_data() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn list(nodes: &BTreeSet<NodeKey>) -> String {
    let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    names.join(", ")
}
