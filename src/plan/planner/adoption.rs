//! What exists already and shall be taken into the project: what is claimed, whether it can be had, and what waits for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{PlanError, Planner, difference, kind_of, misfit, names, step, unread_reason};
use crate::blueprint::{Blueprint, Node};
use crate::kinds::managers::manager;
use crate::kinds::{AnyKind, Identity};
use crate::model::{ADOPTED_TAG, Claim, Claimed, NodeKey, references};
use crate::plan::{Action, Call, Candidate, Change, Effect, Object, Phase, Step, World};

impl Planner<'_> {
    /// The step for a node that nothing with its tags is there for, if it is claimed, or a part of what is.
    pub(super) fn claimed(&self, kind: &dyn AnyKind, node: &Node, desired: &Value) -> Result<Option<Step>, PlanError> {
        let found = self.world.claimed.get(&node.key).map_or(&[][..], Vec::as_slice);
        let taken = match self.blueprint.adoption.claims.get(&node.key) {
            Some(claim) => candidate(kind, claim, found),
            None if kind.taggable() || found.is_empty() => return Ok(None),
            None => self.part(node, found),
        };
        let current = match taken {
            Ok(current) => current,
            Err(why) => return Ok(Some(refuse(found, why))),
        };
        if let Phase::Busy(why) = &current.phase {
            let mut wait = step(Action::Wait, format!("will be adopted; {why}"));
            wait.based_on(current);
            return Ok(Some(wait));
        }
        let changes = difference::changes(kind, current, desired, &node.tags, true);
        let obstacle = self.obstacle(kind, current, &changes);
        if let Some(why) = obstacle.or_else(|| self.clash(kind, node, current)) {
            return Ok(Some(refuse(found, why)));
        }
        let (tags, fields): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(|change| change.field == difference::TAGS);
        let then = match fields.len() {
            0 => String::new(),
            _ => format!(", then corrected: {}", names(&fields)),
        };
        let mut propose = step(Action::Propose, format!("will be adopted{then}"));
        if !fields.is_empty() {
            let todo = kind
                .update(current, desired, &fields)
                .map_err(|source| misfit(&node.key, source))?;
            propose.then = todo.now.into_iter().chain(todo.then).collect();
        }
        propose.changes = tags.into_iter().chain(fields).collect();
        propose.based_on(current);
        Ok(Some(propose))
    }

    /// What has no tags of its own comes with what it is a part of.
    fn part<'a>(&self, node: &Node, found: &'a [Candidate]) -> Result<&'a Object, String> {
        let mut whole = references(&node.attributes).into_iter().map(|output| output.node);
        let refused = whole.find(|whole| self.is_refused(whole));
        match (refused, found) {
            (Some(whole), _) => Err(format!("{whole} is not adopted")),
            (None, [only]) => Ok(&only.object),
            (None, _) => Err("what it is a part of is claimed more than once".to_owned()),
        }
    }

    fn is_refused(&self, node: &NodeKey) -> bool {
        self.steps.get(node).is_some_and(|step| step.action == Action::Refuse)
    }

    /// Why `current` cannot become what is declared while it lives.
    fn obstacle(&self, kind: &dyn AnyKind, current: &Object, changes: &[Change]) -> Option<String> {
        if let Some(why) = unread_reason(current) {
            return Some(why);
        }
        let fixed: Vec<&Change> = changes
            .iter()
            .filter(|change| change.effect == Effect::Replace)
            .collect();
        let mut unknown = fixed.iter().flat_map(|change| references(&change.after));
        if let Some(first) = unknown.find(|output| self.is_refused(&output.node)) {
            return Some(format!("{} is not adopted, which it depends on", first.node));
        }
        let differ: Vec<String> = fixed
            .iter()
            .map(|change| format!("{} is {} and not {}", change.field, change.before, change.after))
            .collect();
        (!differ.is_empty()).then(|| {
            format!(
                "{}: AWS cannot change this on an existing {}, and adoption never recreates anything: set the spec to what \
                 it is, or let the project create its own",
                differ.join(", "),
                kind.name()
            )
        })
    }

    /// What `current` has as another resource of the project has it, though no two may.
    fn clash(&self, kind: &dyn AnyKind, node: &Node, current: &Object) -> Option<String> {
        let others = self.blueprint.nodes.values();
        let others = others.filter(|other| other.key.kind == node.key.kind && other.key != node.key);
        let mut pairs = others.flat_map(|other| kind.fields().iter().map(move |field| (other, field)));
        let (other, field) = pairs.find(|(other, field)| {
            let theirs = self.stands(&other.key).unwrap_or(&other.attributes);
            field.distinct && theirs.get(field.name) == current.attributes.get(field.name)
        })?;
        Some(format!(
            "{} is {}, which that of {} is as well; no two may have the same",
            field.name,
            current.attributes.get(field.name).unwrap_or(&Value::Null),
            other.key
        ))
    }

    /// What the resource is that is the node's, or is claimed for it.
    fn stands(&self, key: &NodeKey) -> Option<&Value> {
        let owned = self.world.owned.get(key).into_iter().flatten();
        let claimed = self.world.claimed.get(key).into_iter().flatten();
        let mut stands = owned.chain(claimed.map(|candidate| &candidate.object));
        stands.next().map(|object| &object.attributes)
    }

    /// Whether `object` was there before the project, as its tags or the spec say.
    pub(super) fn is_adopted(&self, key: &NodeKey, object: &Object) -> bool {
        object.tags.get(ADOPTED_TAG).is_some() || self.blueprint.adoption.claims.contains_key(key)
    }

    /// What the spec claims although the project has `current` for the node.
    pub(super) fn disputed(&self, kind: &dyn AnyKind, node: &Node, current: &Object) -> Option<String> {
        let misnamed = misnamed(kind, node, current);
        match self.blueprint.adoption.claims.get(&node.key).map(|claim| &claim.on) {
            Some(Claimed::Id(id)) if *id != current.id => Some(format!(
                "the project has {} already and cannot adopt {id} beside it; take the claim out of spec.adopt.resources",
                current.id
            )),
            None if misnamed => Some(format!(
                "it was adopted as {}, which others name in their policies, and the spec says so no longer; put it back: \
                 spec.adopt.resources: [{{resource: {}, id: {}}}]",
                current.id, node.key, current.id
            )),
            _ => None,
        }
    }
}

/// Whether `current` is not called what others call it in their policies.
pub(super) fn misnamed(kind: &dyn AnyKind, node: &Node, current: &Object) -> bool {
    kind.identity() == Identity::Name && current.id != node.name
}

/// The one resource that `claim` means, if it can be had.
fn candidate<'a>(kind: &dyn AnyKind, claim: &Claim, found: &'a [Candidate]) -> Result<&'a Object, String> {
    let free: Vec<&Candidate> = found
        .iter()
        .filter(|candidate| candidate.object.tags.owner().is_none())
        .collect();
    let only = match free.as_slice() {
        [only] => only,
        [] => return Err(nobody(kind, claim, found)),
        several => {
            let ids: Vec<&str> = several.iter().map(|candidate| candidate.object.id.as_str()).collect();
            return Err(format!(
                "several have these tags: {}; claim one of them by its id",
                ids.join(", ")
            ));
        }
    };
    let object = &only.object;
    if let Some(rival) = only.rivals.first() {
        return Err(format!(
            "{rival} claims {} as well; only one can have it: remove it from the spec.adopt of the other",
            object.id
        ));
    }
    if let Phase::Leaving(why) = &object.phase {
        return Err(format!("{why}; call that off first"));
    }
    match manager(&object.tags) {
        Some(mark) if claim.from.as_ref() != Some(&mark.value) => Err(format!(
            "{} is managed by {} ({}={}), which would undo what is done here, or remove it; take it out of there, keeping the \
             resource, then set from: {} on the claim",
            object.id, mark.who, mark.key, mark.value, mark.value
        )),
        _ => Ok(object),
    }
}

/// Why there is nothing that `claim` could mean.
fn nobody(kind: &dyn AnyKind, claim: &Claim, found: &[Candidate]) -> String {
    let theirs = found
        .iter()
        .find_map(|candidate| Some((&candidate.object, candidate.object.tags.owner()?)));
    match theirs {
        Some((object, owner)) => {
            let node = object.tags.node().map(|node| format!(" as {node}")).unwrap_or_default();
            format!(
                "{} belongs to {owner}{node}; only that project can give it up",
                object.id
            )
        }
        None => format!("this account has no {} {} in this region", kind.name(), claim.on),
    }
}

fn refuse(found: &[Candidate], why: String) -> Step {
    let mut refuse = step(Action::Refuse, format!("cannot be adopted: {why}"));
    if let [only] = found {
        refuse.id = Some(only.object.id.clone());
    }
    refuse
}

/// Turns what is proposed into what is done, where it was confirmed, and holds back what depends on it. Answers with the
/// fingerprint that confirms the proposals, where nothing is refused.
pub(super) fn settle(
    steps: &mut BTreeMap<NodeKey, Step>,
    blueprint: &Blueprint,
    world: &World,
) -> Result<Option<String>, PlanError> {
    let open = open(steps, blueprint, world);
    if open.is_empty() {
        return Ok(None);
    }
    // All claims are confirmed at once, or none is.
    let decided = steps.values().all(|step| step.action != Action::Refuse);
    let seen = open.iter().all(|open| open.proposed);
    let fingerprint = (decided && seen).then(|| Fingerprint::of(steps, blueprint));
    let confirmed = fingerprint.as_ref().and_then(|print| print.confirmed(blueprint, world));
    let print = fingerprint.map(|print| print.to_string());
    let mark = confirmed.clone().or_else(|| print.clone()).unwrap_or_default();
    for (key, step) in steps.iter_mut().filter(|(_, step)| step.action == Action::Propose) {
        let tags = tag(key, step, blueprint, world, &mark)?;
        match (&confirmed, tags.is_empty()) {
            (Some(_), false) => {
                step.action = Action::Adopt;
                step.calls = tags;
                step.before = object(world, key, step).map(Object::fingerprint);
            }
            (Some(_), true) => step.action = Action::Wait,
            (None, _) => drop(step.then.splice(..0, tags)),
        }
    }
    hold(steps, blueprint, &open, world.owned.is_empty(), confirmed.is_some());
    Ok(print)
}

/// The candidate that `step` is about.
fn object<'a>(world: &'a World, key: &NodeKey, step: &Step) -> Option<&'a Object> {
    let found = world.claimed.get(key).into_iter().flatten();
    let mut objects = found.map(|candidate| &candidate.object);
    objects.find(|object| Some(&object.id) == step.id.as_ref())
}

/// The calls that put the project's tags on what `step` is about, with `mark`; none where it has no tags of its own.
fn tag(key: &NodeKey, step: &Step, blueprint: &Blueprint, world: &World, mark: &str) -> Result<Vec<Call>, PlanError> {
    let kind = kind_of(key)?;
    let (Some(node), Some(object)) = (blueprint.nodes.get(key), object(world, key, step)) else {
        return Ok(Vec::new());
    };
    if !kind.taggable() {
        return Ok(Vec::new());
    }
    let tags = node.tags.clone().with(ADOPTED_TAG, mark);
    let missing = tags.missing_from(&object.tags);
    kind.tag(object, &missing).map_err(|source| misfit(key, source))
}

/// What cannot be counted on yet: a node, and what others may call it in their policies.
struct Open {
    node: NodeKey,
    proposed: bool,
    names: Vec<String>,
}

fn open(steps: &BTreeMap<NodeKey, Step>, blueprint: &Blueprint, world: &World) -> Vec<Open> {
    let named = |key: &NodeKey| kind_of(key).is_ok_and(|kind| kind.identity() == Identity::Name);
    let is_open = |key: &NodeKey, step: &Step| match step.action {
        Action::Propose => true,
        // What the project has is kept, though the spec claims another in its place.
        Action::Refuse => named(key) || !world.owned.contains_key(key),
        Action::Wait | Action::Blocked => blueprint.adoption.claims.contains_key(key) && !world.owned.contains_key(key),
        _ => false,
    };
    let open = steps.iter().filter(|(key, step)| is_open(key, step));
    open.map(|(key, step)| {
        let name = blueprint
            .nodes
            .get(key)
            .filter(|_| named(key))
            .map(|node| node.name.clone());
        Open {
            node: key.clone(),
            proposed: step.action == Action::Propose,
            names: step.id.iter().cloned().chain(name).collect(),
        }
    })
    .collect()
}

/// Holds back what depends on what is `open`. A project that owns nothing yet does nothing before its adoption: a
/// resource made now may be one that was forgotten among the claims.
fn hold(steps: &mut BTreeMap<NodeKey, Step>, blueprint: &Blueprint, open: &[Open], all: bool, confirmed: bool) {
    let makes = |action| {
        matches!(
            action,
            Action::Create | Action::Update | Action::StopUpdateStart | Action::Replace
        )
    };
    for (key, step) in steps.iter_mut().filter(|(_, step)| makes(step.action)) {
        let Some(node) = blueprint.nodes.get(key) else { continue };
        let targets: BTreeSet<NodeKey> = references(&node.attributes)
            .into_iter()
            .map(|output| output.node)
            .collect();
        let text = node.attributes.to_string();
        let depends =
            |open: &&Open| targets.contains(&open.node) || open.names.iter().any(|name| text.contains(name.as_str()));
        let Some(first) = open.iter().find(depends).or(open.first().filter(|_| all)) else {
            continue;
        };
        // The next pass comes soon where it was confirmed; else somebody has to decide.
        step.action = if confirmed { Action::Wait } else { Action::Blocked };
        step.reason = format!("{}; waits for the adoption of {}", step.reason, first.node);
        let calls = std::mem::take(&mut step.calls);
        step.then.splice(..0, calls);
    }
}

/// Which resources are claimed as what, and what is to be changed on those that are not adopted yet.
struct Fingerprint {
    claims: String,
    changes: String,
}

impl Fingerprint {
    fn of(steps: &BTreeMap<NodeKey, Step>, blueprint: &Blueprint) -> Self {
        let claims = blueprint.adoption.claims.keys();
        let claims: Vec<(&NodeKey, Option<&String>)> = claims
            .map(|key| (key, steps.get(key).and_then(|step| step.id.as_ref())))
            .collect();
        // What is declared is taken with its references: what becomes known of other resources meanwhile changes nothing.
        let declared =
            |key: &NodeKey, field: &str| blueprint.nodes.get(key).and_then(|node| node.attributes.get(field));
        let proposed = steps.iter().filter(|(_, step)| step.action == Action::Propose);
        let changes: Vec<(&NodeKey, &String, &Value, Option<&Value>)> = proposed
            .flat_map(|(key, step)| step.changes.iter().map(move |change| (key, change)))
            .map(|(key, change)| (key, &change.field, &change.before, declared(key, &change.field)))
            .collect();
        Self {
            claims: digest(&claims),
            changes: digest(&changes),
        }
    }

    /// The fingerprint under which what is proposed was confirmed, if it was: this one, or, when a part of it is done
    /// already, the one that this part bears.
    fn confirmed(&self, blueprint: &Blueprint, world: &World) -> Option<String> {
        let confirmed = blueprint.adoption.confirmed.as_ref()?;
        let mut claimed = blueprint
            .adoption
            .claims
            .keys()
            .filter_map(|key| world.owned.get(key))
            .flatten();
        let same = *confirmed == self.to_string();
        let mut begun = || {
            confirmed.starts_with(&format!("{}-", self.claims))
                && claimed.any(|object| object.tags.get(ADOPTED_TAG) == Some(confirmed))
        };
        (same || begun()).then(|| confirmed.clone())
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.claims, self.changes)
    }
}

/// Eight digits of what `value` is.
fn digest(value: &impl Serialize) -> String {
    let digest = Sha256::digest(serde_json::to_vec(value).unwrap_or_default());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
