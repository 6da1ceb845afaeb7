//! What comes before what: from references between nodes, and, for what the blueprint no longer has, from the ids
//! that AWS holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::planner::{PlanError, misfit};
use super::types::{Action, Call, Step};
use super::world::{Object, World};
use crate::blueprint::{Blueprint, Node};
use crate::kinds::{self, AnyKind};
use crate::model::{ADOPTED_TAG, NodeKey, references};

/// Which nodes each node of `blueprint` refers to.
pub(super) fn of_blueprint(blueprint: &Blueprint) -> BTreeMap<NodeKey, BTreeSet<NodeKey>> {
    let targets = |node: &Node| {
        let named = references(&node.attributes).into_iter().map(|output| output.node);
        named.filter(|target| *target != node.key).collect()
    };
    blueprint
        .nodes
        .values()
        .map(|node| (node.key.clone(), targets(node)))
        .collect()
}

/// Draws the edges between steps: what is made or changed comes after what it refers to, what is deleted after
/// everything that refers to it.
pub(super) fn connect(
    steps: &mut BTreeMap<NodeKey, Step>,
    edges: &BTreeMap<NodeKey, BTreeSet<NodeKey>>,
    world: &World,
) {
    let mut after: Vec<(NodeKey, NodeKey)> = Vec::new();
    let idle = |step: &Step| matches!(step.action, Action::Keep | Action::Retain);
    for (from, to) in pairs(steps, edges, world) {
        let (Some(user), Some(used)) = (steps.get(&from), steps.get(&to)) else {
            continue;
        };
        if used.action == Action::Delete || used.action == Action::Replace {
            if !idle(user) {
                after.push((to.clone(), from.clone()));
            }
        } else if user.action != Action::Delete && !idle(used) && !idle(user) {
            after.push((from, to));
        }
    }
    for (node, first) in after {
        if let Some(step) = steps.get_mut(&node) {
            step.after.insert(first);
        }
    }
}

/// Where AWS removes several resources of a kind with one call, the first of the steps sends it for all of them, once
/// nothing stands in the way of any, and the others follow it.
pub(super) fn delete_together(steps: &mut BTreeMap<NodeKey, Step>) -> Result<(), PlanError> {
    let alone = |step: &Step| step.action == Action::Delete && step.calls.len() == 1 && step.then.is_empty();
    for kind in kinds::KINDS.iter().filter(|kind| kind.deletes_at_once() > 1) {
        let of_kind = steps
            .iter()
            .filter(|(node, step)| node.kind == kind.name() && alone(step));
        let nodes: Vec<NodeKey> = of_kind.map(|(node, _)| node.clone()).collect();
        for together in nodes.chunks(kind.deletes_at_once()) {
            join(steps, *kind, together)?;
        }
    }
    Ok(())
}

fn join(steps: &mut BTreeMap<NodeKey, Step>, kind: &dyn AnyKind, nodes: &[NodeKey]) -> Result<(), PlanError> {
    let [lead, followers @ ..] = nodes else {
        return Ok(());
    };
    if followers.is_empty() {
        return Ok(());
    }
    let calls: Vec<Call> = nodes.iter().flat_map(|node| steps[node].calls.clone()).collect();
    let together = kind.delete_together(&calls).map_err(|source| misfit(lead, source))?;
    let Some(call) = together else { return Ok(()) };
    let before: BTreeSet<NodeKey> = nodes.iter().flat_map(|node| steps[node].after.clone()).collect();
    for node in followers {
        if let Some(step) = steps.get_mut(node) {
            step.calls.clear();
            step.after = BTreeSet::from([lead.clone()]);
        }
    }
    if let Some(step) = steps.get_mut(lead) {
        step.calls = vec![call];
        step.after = before.into_iter().filter(|node| !nodes.contains(node)).collect();
    }
    Ok(())
}

/// Keeps what is to go and what adopted resources that stay cannot do without: a key of a bucket, a boundary of a role; and
/// the parts of what is kept.
pub(super) fn keep_needed(steps: &mut BTreeMap<NodeKey, Step>, world: &World) {
    let by_id = nodes_by_id(world);
    let objects = |key: &NodeKey| world.owned.get(key).into_iter().flatten();
    let adopted = |key: &NodeKey| objects(key).any(|object| object.tags.get(ADOPTED_TAG).is_some());
    let stay = steps
        .iter()
        .filter(|(key, step)| step.action == Action::Retain && adopted(key));
    let mut open: Vec<NodeKey> = stay.map(|(key, _)| key.clone()).collect();
    let is_part = |key: &NodeKey| kinds::find(&key.kind).is_some_and(|kind| !kind.taggable());
    let parts: Vec<NodeKey> = steps.keys().filter(|key| is_part(key)).cloned().collect();
    while let Some(key) = open.pop() {
        let needed = objects(&key).flat_map(|object| needs(object, &by_id));
        let of_it = parts.iter().filter(|part| {
            let mut wholes = objects(part).flat_map(|object| needs(object, &by_id));
            wholes.any(|whole| *whole == key)
        });
        for other in needed.chain(of_it) {
            let step = steps.get_mut(other).filter(|step| step.action == Action::Delete);
            if let Some(step) = step {
                step.action = Action::Retain;
                step.reason =
                    format!("belongs to {key}, which was adopted, or is needed by what was: kept, as the spec asks");
                step.calls.clear();
                step.then.clear();
                step.before = None;
                open.push(other.clone());
            }
        }
    }
}

/// The nodes of what AWS holds, by ids and other outputs.
fn nodes_by_id(world: &World) -> BTreeMap<&str, &NodeKey> {
    let objects = world
        .owned
        .iter()
        .flat_map(|(key, objects)| objects.iter().map(move |object| (key, object)));
    objects
        .flat_map(|(key, object)| object.outputs.values().map(move |id| (id.as_str(), key)))
        .collect()
}

/// Who refers to whom: the blueprint's references, and for what the blueprint no longer has, the ids that AWS
/// holds.
fn pairs(
    steps: &BTreeMap<NodeKey, Step>,
    edges: &BTreeMap<NodeKey, BTreeSet<NodeKey>>,
    world: &World,
) -> BTreeSet<(NodeKey, NodeKey)> {
    let mut pairs: BTreeSet<(NodeKey, NodeKey)> = BTreeSet::new();
    for (from, targets) in edges {
        pairs.extend(targets.iter().map(|to| (from.clone(), to.clone())));
    }
    let by_id = nodes_by_id(world);
    for (key, objects) in &world.owned {
        if edges.contains_key(key) && steps.get(key).is_none_or(|step| step.action != Action::Delete) {
            // A living node of the blueprint: only what it holds of resources that are to go matters.
            let gone = |to: &&&NodeKey| !edges.contains_key(**to);
            let held = objects.iter().flat_map(|object| ids(&object.attributes, &by_id));
            pairs.extend(held.filter(|to| gone(&to)).map(|to| (key.clone(), (*to).clone())));
        } else if !edges.contains_key(key) {
            let held = objects.iter().flat_map(|object| needs(object, &by_id));
            pairs.extend(held.filter(|to| *to != key).map(|to| (key.clone(), (*to).clone())));
        }
    }
    pairs
}

/// What `object` cannot do without for as long as it stands.
fn needs<'a>(object: &Object, by_id: &BTreeMap<&str, &'a NodeKey>) -> Vec<&'a NodeKey> {
    let mentions = kinds::find(&object.kind)
        .map(|kind| kind.mentions())
        .unwrap_or_default();
    let fields = object.attributes.as_object().into_iter().flatten();
    fields
        .filter(|(name, _)| !mentions.contains(&name.as_str()))
        .flat_map(|(_, value)| ids(value, by_id))
        .collect()
}

fn ids<'a>(value: &Value, by_id: &BTreeMap<&str, &'a NodeKey>) -> Vec<&'a NodeKey> {
    match value {
        Value::String(text) => by_id.get(text.as_str()).copied().into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(|item| ids(item, by_id)).collect(),
        Value::Object(fields) => fields.values().flat_map(|item| ids(item, by_id)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
