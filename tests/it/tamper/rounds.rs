//! Walks the ways to tamper: many at once, no two at the same resource.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, ensure};
use secureml::aws::Aws;
use secureml::kinds::KINDS;
use secureml::model::Owner;
use secureml::plan::{Effect, Object};

use super::{GONE, Tamper, Target, all, recognised};
use crate::environment::{Objects, observe};

/// The field that stands for a resource's tags.
const TAGS: &str = "tags";

/// Fields that nobody can change behind the controller's back, and why.
const WITHOUT_A_WAY: &[(&str, &str, &str)] = &[(
    "SecurityGroupRules",
    GONE,
    "a group has rules as long as it is there, if only none",
)];

/// A way, done to a resource.
pub struct Done {
    /// Which resource.
    pub node: String,
    /// What was done to it.
    pub tamper: &'static Tamper,
}

/// The ways that are still to be walked.
pub struct Rounds {
    /// With the nodes that it has not been tried on.
    open: Vec<(&'static Tamper, Vec<String>)>,
}

impl Rounds {
    /// Every way to change a field of the resources in `objects`.
    ///
    /// Fails when a kind has no resource there, or a field has no way.
    pub fn new(objects: &Objects) -> Result<Self> {
        Self::of(objects, all)
    }

    /// As [`Rounds::new`], of the ways that are seen also by a controller that starts afterwards.
    pub fn recognised(objects: &Objects) -> Result<Self> {
        Self::of(objects, recognised)
    }

    fn of<W: Iterator<Item = &'static Tamper>>(objects: &Objects, ways: impl Fn() -> W) -> Result<Self> {
        covered()?;
        let mut open = Vec::new();
        for kind in KINDS {
            let mut nodes = of_kind(objects, kind.name());
            ensure!(!nodes.is_empty(), "the environment has no {}", kind.name());
            let ways = ways().filter(|tamper| tamper.kind == kind.name() && tamper.field != GONE);
            for tamper in ways {
                open.push((tamper, nodes.clone()));
                nodes.rotate_left(1);
            }
        }
        Ok(Self { open })
    }

    /// One way for each kind.
    pub fn one_each(objects: &Objects) -> Result<Self> {
        let mut rounds = Self::new(objects)?;
        let mut seen = BTreeSet::new();
        rounds.open.retain(|(tamper, _)| seen.insert(tamper.kind));
        Ok(rounds)
    }

    /// Whether all ways were walked.
    pub fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// Tampers with as many resources as there are ways for, one way each. A way that does not change what it is
    /// about on one resource (not every endpoint has route tables) is tried on the next of its kind.
    pub async fn next(&mut self, aws: &Arc<Aws>, owner: &Owner, before: &Objects) -> Result<Vec<Done>> {
        let mut touched = BTreeSet::new();
        let mut tried = Vec::new();
        let mut later = Vec::new();
        for (tamper, nodes) in std::mem::take(&mut self.open) {
            let free = nodes.iter().position(|node| !touched.contains(node));
            match free {
                Some(index) => {
                    let mut nodes = nodes;
                    let node = nodes.remove(index);
                    touched.insert(node.clone());
                    let result = act(tamper, aws, &node, before).await;
                    tried.push((tamper, node, nodes, result));
                }
                None => later.push((tamper, nodes)),
            }
        }
        let after = observe(aws, owner).await?;
        let mut done = Vec::new();
        for (tamper, node, rest, result) in tried {
            if differs(tamper.field, before.get(&node), after.get(&node)) {
                done.push(Done { node, tamper });
                continue;
            }
            let why = result.map_or_else(|error| format!("{error:#}"), |()| "it changes nothing".to_owned());
            ensure!(
                !rest.is_empty(),
                "{} of {node} cannot be tampered with: {why}",
                tamper.field
            );
            later.push((tamper, rest));
        }
        self.open = later;
        Ok(done)
    }
}

/// Makes one resource of `kind` disappear, whichever can; its name.
pub async fn remove(kind: &str, aws: &Arc<Aws>, objects: &Objects) -> Result<Option<String>> {
    let Some(tamper) = all().find(|tamper| tamper.kind == kind && tamper.field == GONE) else {
        return Ok(None);
    };
    let mut errors = Vec::new();
    for node in of_kind(objects, kind) {
        match act(tamper, aws, &node, objects).await {
            Ok(()) => return Ok(Some(node)),
            Err(error) => errors.push(format!("{node}: {error:#}")),
        }
    }
    anyhow::bail!("no {kind} can be removed: {}", errors.join("; "))
}

/// Tampers with `node`, one of `objects`.
pub async fn act(tamper: &'static Tamper, aws: &Arc<Aws>, node: &str, objects: &Objects) -> Result<()> {
    let object = &objects[node];
    let target = Target {
        aws,
        object,
        others: objects,
    };
    (tamper.act)(&target).await
}

fn of_kind(objects: &Objects, kind: &str) -> Vec<String> {
    let nodes = objects.iter().filter(|(_, object)| object.kind == kind);
    nodes.map(|(node, _)| node.clone()).collect()
}

fn differs(field: &str, before: Option<&Object>, after: Option<&Object>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return true;
    };
    if field == TAGS {
        return before.tags != after.tags;
    }
    before.attributes.get(field) != after.attributes.get(field)
}

/// Every field of every kind has a way, or a reason why not. What AWS never changes on a living resource, and what is
/// not compared, needs none.
fn covered() -> Result<()> {
    let mut wanted: BTreeMap<(&str, &str), ()> = BTreeMap::new();
    for kind in KINDS {
        let fields = kind.fields().iter();
        let changeable = fields.filter(|field| matches!(field.effect, Effect::InPlace | Effect::StopFirst));
        let mut names: Vec<&str> = changeable.map(|field| field.name).collect();
        names.push(GONE);
        names.extend(kind.taggable().then_some(TAGS));
        wanted.extend(names.into_iter().map(|name| ((kind.name(), name), ())));
    }
    let has_way = |kind: &str, field: &str| all().any(|tamper| tamper.kind == kind && tamper.field == field);
    for (kind, field, why) in WITHOUT_A_WAY {
        ensure!(
            !has_way(kind, field),
            "{kind} has a way to change {field:?}; strike it from the table: {why}"
        );
        wanted.remove(&(*kind, *field));
    }
    let open: Vec<_> = wanted.keys().filter(|(kind, field)| !has_way(kind, field)).collect();
    ensure!(open.is_empty(), "no way to tamper with {open:?}");
    Ok(())
}
