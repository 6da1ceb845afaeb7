mod adoption;
mod duplicates;
mod preflight;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::graph::{self, Cycle};
use super::types::{Action, Call, Change, Effect, Plan, Step};
use super::world::{Expected, Object, Phase, World};
use super::{difference, edges};
use crate::blueprint::{Blueprint, Node, Stop};
use crate::kinds::{self, AnyKind, Identity, New, Terms};
use crate::model::{NodeKey, Output, references, resolve};

/// What a plan is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Everything the blueprint holds, and nothing else of the owner's.
    Present,
    /// Nothing, save what is to be retained.
    Absent,
}

/// A blueprint that cannot be planned: a mistake in this program, not in the spec.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// References run in a circle.
    #[error(transparent)]
    Cycle(#[from] Cycle),
    /// A node of a kind that is not registered.
    #[error("{0}: no such kind")]
    UnknownKind(NodeKey),
    /// Attributes that are not those of the node's kind.
    #[error("{node}: the attributes are not those of its kind: {source}")]
    Attributes {
        /// The node.
        node: NodeKey,
        /// What does not fit.
        source: serde_json::Error,
    },
}

/// What has to be done so that `world` becomes what `blueprint` says.
///
/// # Errors
/// When the blueprint itself is at fault.
pub fn plan(blueprint: &Blueprint, world: &World, goal: Goal) -> Result<Plan, PlanError> {
    let targets = edges::of_blueprint(blueprint);
    let mut planner = Planner {
        blueprint,
        world,
        steps: BTreeMap::new(),
    };
    // What is taken out of the spec is kept if it holds data; when the project goes, its deletion policies decide.
    let stays = |key: &NodeKey| -> Result<bool, PlanError> {
        let forsaken = goal == Goal::Absent && blueprint.forsaken.contains(&key.kind);
        Ok(kind_of(key)?.holds_data() && !forsaken)
    };
    for key in graph::order(&targets)? {
        if let Some(node) = blueprint.nodes.get(&key) {
            let step = match goal {
                Goal::Present => planner.present(node)?,
                Goal::Absent => planner.absent(&key, stays(&key)?)?,
            };
            planner.steps.extend(step.map(|step| (key, step)));
        }
    }
    let may_exist = world.expected.keys().chain(&world.uncertain);
    let undeclared: BTreeSet<&NodeKey> = world.owned.keys().chain(may_exist).collect();
    for key in undeclared.into_iter().filter(|key| !blueprint.nodes.contains_key(key)) {
        let step = planner.absent(key, stays(key)?)?;
        planner.steps.extend(step.map(|step| (key.clone(), step)));
    }
    if goal == Goal::Absent {
        planner.miss_nothing();
    }
    let mut steps = planner.steps;
    let adoption = adoption::settle(&mut steps, blueprint, world)?;
    preflight::check(&mut steps, world)?;
    edges::keep_needed(&mut steps, world);
    edges::connect(&mut steps, &targets, world);
    edges::delete_together(&mut steps)?;
    Ok(Plan {
        owner: blueprint.owner.clone(),
        steps,
        adoption,
    })
}

/// The name in the place of all resources of a kind.
const ALL: &str = "*";
const NOT_SHOWN_YET: &str = "just written; AWS's answers do not show it yet";

struct Planner<'a> {
    blueprint: &'a Blueprint,
    world: &'a World,
    steps: BTreeMap<NodeKey, Step>,
}

impl Planner<'_> {
    fn present(&self, node: &Node) -> Result<Option<Step>, PlanError> {
        let kind = kind_of(&node.key)?;
        let mut desired = node.attributes.clone();
        resolve(&mut desired, &|output| self.known(output));
        let desired = kind.canonical(desired).map_err(|source| misfit(&node.key, source))?;
        if let Some(unread) = self.unread(&node.key) {
            return Ok(Some(unread));
        }
        let found = self.world.owned.get(&node.key).map_or(&[][..], Vec::as_slice);
        let step = match found {
            [] => self.missing(kind, node, desired)?,
            [current] => self.found(kind, node, current, &desired)?,
            several => self.several(kind, node, several, &desired)?,
        };
        Ok(Some(step))
    }

    /// What is known of an output before anything is carried out.
    fn known(&self, output: &Output) -> Option<String> {
        let step = self.steps.get(&output.node)?;
        match step.action {
            Action::Create | Action::Replace | Action::Delete | Action::Conflict | Action::Refuse => None,
            _ => step.outputs.get(&output.name).cloned(),
        }
    }

    fn missing(&self, kind: &dyn AnyKind, node: &Node, desired: Value) -> Result<Step, PlanError> {
        if let Some(Expected { outputs, done }) = self.world.expected.get(&node.key) {
            let action = if *done { Action::Keep } else { Action::Wait };
            let mut made = step(action, "just made; AWS's lists do not show it yet".to_owned());
            made.id = outputs.get("id").cloned();
            made.outputs.clone_from(outputs);
            return Ok(made);
        }
        if let Some(claimed) = self.claimed(kind, node, &desired)? {
            return Ok(claimed);
        }
        if self.world.uncertain.contains(&node.key) {
            let reason =
                "an earlier create call got no answer: waiting for AWS's lists to show whether it was carried out";
            return Ok(step(Action::Wait, reason.to_owned()));
        }
        let taken = self
            .world
            .taken
            .get(kind.name())
            .and_then(|names| names.get(&node.name));
        if let Some(owner) = taken {
            let whose = owner.as_ref().map_or_else(
                || "has no secureml owner tag".to_owned(),
                |owner| format!("belongs to {owner}"),
            );
            let mut reason = format!(
                "{} already exists and {whose}; it is left alone: remove it, or rename the project",
                node.name
            );
            if owner.is_none() {
                let id = match kind.identity() {
                    Identity::Name => node.name.as_str(),
                    Identity::Tags => "<its id>",
                };
                reason += &format!(
                    ", or adopt it: spec.adopt.resources: [{{resource: {}, id: {id}}}]",
                    node.key
                );
            }
            return Ok(step(Action::Conflict, reason));
        }
        let new = New {
            node: node.key.clone(),
            name: node.name.clone(),
            attributes: desired,
            tags: node.tags.clone(),
        };
        let mut create = step(Action::Create, "does not exist".to_owned());
        create.calls = kind.create(&new).map_err(|source| misfit(&node.key, source))?;
        Ok(create)
    }

    fn found(&self, kind: &dyn AnyKind, node: &Node, current: &Object, desired: &Value) -> Result<Step, PlanError> {
        let changes = match unread_reason(current) {
            None => {
                let adopted = self.is_adopted(&node.key, current);
                difference::changes(kind, current, desired, &node.tags, adopted)
            }
            Some(_) => Vec::new(),
        };
        let disputed = self.disputed(kind, node, current);
        let mut step = match &current.phase {
            Phase::Busy(why) => step(Action::Wait, why.clone()),
            Phase::Broken(why) if changes.is_empty() => step(Action::Blocked, why.clone()),
            _ if changes.is_empty() => step(Action::Keep, String::new()),
            _ if self.just_written(&node.key, current) => step(Action::Wait, NOT_SHOWN_YET.to_owned()),
            phase => {
                let mut step = self.differs(kind, node, current, desired, &changes)?;
                if let (Action::Blocked, Phase::Broken(why)) = (step.action, phase) {
                    step.reason = format!("{why}; {}", step.reason);
                }
                step
            }
        };
        // What the project has is kept as declared all the same, unless it is called otherwise than is declared.
        if let Some(why) = disputed.filter(|_| step.action == Action::Keep || adoption::misnamed(kind, node, current)) {
            step = self::step(Action::Refuse, why);
        }
        step.based_on(current);
        step.changes = changes;
        Ok(step)
    }

    fn differs(
        &self,
        kind: &dyn AnyKind,
        node: &Node,
        current: &Object,
        desired: &Value,
        changes: &[Change],
    ) -> Result<Step, PlanError> {
        let busy = kind
            .in_use(&current.state)
            .then(|| self.interruption(node.consent.stop))
            .flatten();
        let mut allowed = Vec::new();
        let mut held: BTreeMap<Hold, Vec<Change>> = BTreeMap::new();
        for change in changes {
            match hold(change, busy.as_ref(), node.consent.replace).or_else(|| self.waits_for(change)) {
                Some(hold) => held.entry(hold).or_default().push(change.clone()),
                None => allowed.push(change.clone()),
            }
        }
        if allowed.is_empty() {
            let action = if held.keys().any(|hold| self.passes(hold)) {
                Action::Wait
            } else if held.keys().any(|hold| matches!(hold, Hold::Window(_))) {
                Action::Defer
            } else {
                Action::Blocked
            };
            return Ok(step(action, explain(kind, &held)));
        }
        let todo = if allowed.iter().any(|change| change.effect == Effect::Replace) {
            replace(kind, node, current, desired, &allowed)
        } else {
            update(kind, node, current, desired, allowed)
        };
        let mut step = todo.map_err(|source| misfit(&node.key, source))?;
        if !held.is_empty() {
            step.reason = format!("{}; {}", step.reason, explain(kind, &held));
        }
        Ok(step)
    }

    /// What a change depends on, where that stands still: nobody knows whether there is a difference at all.
    fn waits_for(&self, change: &Change) -> Option<Hold> {
        let stands_still = |output: &Output| {
            let step = self.steps.get(&output.node);
            step.is_some_and(|step| {
                matches!(
                    step.action,
                    Action::Wait | Action::Defer | Action::Blocked | Action::Conflict
                )
            })
        };
        let output = references(&change.after).into_iter().find(stands_still)?;
        Some(Hold::Unknown(output.node))
    }

    /// Why what is in use is not stopped now, as the spec says; nothing if it may be.
    fn interruption(&self, stop: Stop) -> Option<Hold> {
        match (stop, self.world.at) {
            (Stop::AtOnce, _) => None,
            (Stop::Never, _) => Some(Hold::InUse),
            (Stop::Within(window), Some(at)) if window.contains(at) => None,
            (Stop::Within(window), at) => Some(Hold::Window(at.map_or_else(
                || format!("the maintenance window {window} (UTC)"),
                |at| format!("the maintenance window that begins at {:.0}", window.next(at)),
            ))),
        }
    }

    /// Whether what holds a change back passes by itself, soon.
    fn passes(&self, hold: &Hold) -> bool {
        match hold {
            Hold::Unknown(node) => self
                .steps
                .get(node)
                .is_some_and(|step| step.action == Action::Wait || step.action.writes()),
            Hold::NoReplacement | Hold::InUse | Hold::Window(_) => false,
        }
    }

    /// Whether AWS still answers what was true before our last write.
    fn just_written(&self, key: &NodeKey, current: &Object) -> bool {
        let before = self.world.before_write.get(key);
        before.is_some_and(|before| *before == current.fingerprint())
    }

    /// Nothing is decided about resources that could not be listed.
    fn unread(&self, key: &NodeKey) -> Option<Step> {
        let unread = self.world.unread.get(&key.kind)?;
        let action = if unread.passes { Action::Wait } else { Action::Blocked };
        Some(step(action, unread.why.clone()))
    }

    /// Nothing is gone of which it is not known whether there is any. A kind that cannot be listed and of which no resource is
    /// known has one step for all that there may be.
    fn miss_nothing(&mut self) {
        let unread = self.world.unread.keys();
        let unknown: Vec<NodeKey> = unread
            .filter(|kind| !self.steps.keys().any(|key| key.kind == **kind))
            .map(|kind| NodeKey::new(kind, ALL))
            .collect();
        for key in unknown {
            let step = self.unread(&key);
            self.steps.extend(step.map(|step| (key, step)));
        }
    }

    fn absent(&self, key: &NodeKey, retain: bool) -> Result<Option<Step>, PlanError> {
        if let Some(unread) = self.unread(key) {
            return Ok(Some(unread));
        }
        let found = self.world.owned.get(key).map_or(&[][..], Vec::as_slice);
        // Where there are several, they go one after the other.
        let standing = found.iter().find(|object| !matches!(object.phase, Phase::Leaving(_)));
        let Some(current) = standing.or(found.first()) else {
            // What may exist is not gone because a list does not show it yet.
            let may_exist = self.world.expected.contains_key(key) || self.world.uncertain.contains(key);
            return Ok(may_exist.then(|| step(Action::Wait, NOT_SHOWN_YET.to_owned())));
        };
        let mut step = if retain {
            step(Action::Retain, "holds data: kept, as the spec asks".to_owned())
        } else if !self.blueprint.adoption.delete && self.is_adopted(key, current) {
            step(Action::Retain, "was adopted: kept, as the spec asks".to_owned())
        } else if let Phase::Busy(why) = &current.phase {
            step(Action::Wait, why.clone())
        } else if let Phase::Leaving(why) = &current.phase {
            step(Action::Retain, why.clone())
        } else if self.just_written(key, current) {
            step(Action::Wait, NOT_SHOWN_YET.to_owned())
        } else if let Some(why) = unread_reason(current) {
            step(Action::Blocked, why)
        } else {
            let todo = kind_of(key)?.delete(current).map_err(|source| misfit(key, source))?;
            let mut delete = step(Action::Delete, "no longer declared".to_owned());
            delete.calls = todo.now;
            delete.then = todo.then;
            delete
        };
        step.based_on(current);
        Ok(Some(step))
    }
}

/// Why a change is not made now.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    /// It needs a replacement, which the spec does not allow.
    NoReplacement,
    /// It needs a stop of what somebody uses.
    InUse,
    /// The same, which is done in the maintenance window that the text names.
    Window(String),
    /// What it is to be depends on this node: nobody is interrupted for a value that may turn out the same.
    Unknown(NodeKey),
}

/// `busy` says why what is in use is not stopped.
fn hold(change: &Change, busy: Option<&Hold>, may_replace: bool) -> Option<Hold> {
    if change.effect <= Effect::InPlace {
        return None;
    }
    if let Some(output) = references(&change.after).into_iter().next() {
        return Some(Hold::Unknown(output.node));
    }
    if change.effect == Effect::Replace && !may_replace {
        return Some(Hold::NoReplacement);
    }
    busy.cloned()
}

/// What is asked of somebody where the spec has no say.
const NO_SAY: Terms = Terms {
    stop: "stop it",
    replace: "set the spec back, or delete the resource and it will be recreated",
};

fn explain(kind: &dyn AnyKind, held: &BTreeMap<Hold, Vec<Change>>) -> String {
    let terms = kind.terms().unwrap_or(NO_SAY);
    let sentence = |(hold, changes): (&Hold, &Vec<Change>)| {
        let names = names(changes);
        match hold {
            Hold::NoReplacement => format!(
                "AWS cannot change {names} on an existing {}: {}",
                kind.name(),
                terms.replace
            ),
            Hold::InUse => format!("{names} can only be changed while it is stopped: {}", terms.stop),
            Hold::Window(window) => {
                format!("{names} can only be changed while it is stopped, which is done in {window}")
            }
            Hold::Unknown(node) => format!("{names} cannot be compared until {node} is known"),
        }
    };
    let sentences: Vec<String> = held.iter().map(sentence).collect();
    sentences.join("; ")
}

/// What of a replacement can be done now is the first half of the deletion. Whoever plans next sees how far it came.
fn replace(
    kind: &dyn AnyKind,
    node: &Node,
    current: &Object,
    desired: &Value,
    changes: &[Change],
) -> Result<Step, serde_json::Error> {
    let gone = kind.delete(current)?;
    let new = New {
        node: node.key.clone(),
        name: node.name.clone(),
        attributes: desired.clone(),
        tags: node.tags.clone(),
    };
    let hardest = changes.iter().filter(|change| change.effect == Effect::Replace);
    let hardest: Vec<Change> = hardest.cloned().collect();
    let reason = format!(
        "differs from the spec in: {}, which AWS cannot change in place",
        names(&hardest)
    );
    let mut replace = step(Action::Replace, reason);
    replace.calls = gone.now;
    replace.then = gone.then;
    replace.then.extend(kind.create(&new)?);
    Ok(replace)
}

fn update(
    kind: &dyn AnyKind,
    node: &Node,
    current: &Object,
    desired: &Value,
    changes: Vec<Change>,
) -> Result<Step, serde_json::Error> {
    let mut update = step(Action::Update, format!("differs from the spec in: {}", names(&changes)));
    let (tags, fields): (Vec<Change>, Vec<Change>) =
        changes.into_iter().partition(|change| change.field == difference::TAGS);
    if !fields.is_empty() {
        let todo = kind.update(current, desired, &fields)?;
        let stops = fields.iter().any(|change| change.effect == Effect::StopFirst);
        if stops && kind.in_use(&current.state) {
            update.action = Action::StopUpdateStart;
        }
        update.calls = todo.now;
        update.then = todo.then;
    }
    if !tags.is_empty() {
        let missing = node.tags.missing_from(&current.tags);
        update.calls.extend(kind.tag(current, &missing)?);
    }
    Ok(update)
}

pub(super) fn kind_of(key: &NodeKey) -> Result<&'static dyn AnyKind, PlanError> {
    kinds::find(&key.kind).ok_or_else(|| PlanError::UnknownKind(key.clone()))
}

pub(super) fn misfit(node: &NodeKey, source: serde_json::Error) -> PlanError {
    PlanError::Attributes {
        node: node.clone(),
        source,
    }
}

fn step(action: Action, reason: String) -> Step {
    Step {
        action,
        reason,
        id: None,
        duplicates: Vec::new(),
        changes: Vec::new(),
        calls: Vec::<Call>::new(),
        then: Vec::new(),
        after: BTreeSet::new(),
        before: None,
        outputs: BTreeMap::new(),
    }
}

impl Step {
    /// Takes over what is known of the resource.
    fn based_on(&mut self, current: &Object) {
        self.id = Some(current.id.clone());
        self.outputs.clone_from(&current.outputs);
        self.before = self.action.writes().then(|| current.fingerprint());
    }
}

/// Why `current` could not be looked into, if so.
fn unread_reason(current: &Object) -> Option<String> {
    match &current.phase {
        Phase::Broken(why) if current.attributes.is_null() => Some(why.clone()),
        _ => None,
    }
}

fn names(changes: &[Change]) -> String {
    let names: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
