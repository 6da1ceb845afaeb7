//! Which of a project's resources exist already: what the spec claims.

use super::{Blueprint, Invalid, Project};
use crate::api::{AdoptedResource, DeletionPolicy};
use crate::kinds::{self, Bucket, Identity, Kind};
use crate::model::{Adoption, Claim, Claimed, NodeKey, with_article};

impl Project {
    /// The name of what is adopted as `resource`, if the spec says it.
    pub(super) fn adopted_name(&self, resource: &str) -> Option<String> {
        let mut adopted = self.spec.adopt.resources.iter();
        adopted.find(|adopted| adopted.resource == resource)?.id.clone()
    }
}

/// What the spec of `project` claims.
pub(super) fn of(project: &Project) -> Adoption {
    let adopt = &project.spec.adopt;
    let claim = |adopted: &AdoptedResource| Some((adopted.resource.parse::<NodeKey>().ok()?, claim(adopted)));
    Adoption {
        claims: adopt.resources.iter().filter_map(claim).collect(),
        confirmed: adopt.confirm.clone(),
        delete: adopt.deletion_policy == DeletionPolicy::Delete,
    }
}

fn claim(adopted: &AdoptedResource) -> Claim {
    let tags = || {
        adopted
            .tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    };
    Claim {
        on: adopted.id.clone().map_or_else(|| Claimed::Tags(tags()), Claimed::Id),
        from: adopted.from.clone(),
    }
}

/// Claims on what the project has no use for, and on what would have to be renamed.
pub(super) fn check(project: &Project) -> Vec<Invalid> {
    if project.spec.adopt.resources.is_empty() {
        return Vec::new();
    }
    let blueprint = super::draw(project);
    let adopted = project.spec.adopt.resources.iter().enumerate();
    let problem = |(i, adopted): (usize, &AdoptedResource)| {
        let at = |field: &str| format!("spec.adopt.resources[{i}].{field}");
        let node = adopted
            .resource
            .parse()
            .ok()
            .and_then(|key: NodeKey| blueprint.nodes.get(&key));
        let Some(node) = node else {
            let problem = format!(
                "{} is not a resource of this project, which has {}",
                adopted.resource,
                adoptable(&blueprint)
            );
            return Some(Invalid::new(at("resource"), problem));
        };
        let named = kinds::find(&node.key.kind).is_some_and(|kind| kind.identity() == Identity::Name);
        let renamed = named && node.key.kind != Bucket::NAME && adopted.id.as_ref() != Some(&node.name);
        renamed.then(|| {
            let problem = format!(
                "must be {}: AWS cannot rename {}, and policies of others name it; only buckets keep a name of their own",
                node.name,
                with_article(&node.key.kind)
            );
            Invalid::new(at("id"), problem)
        })
    };
    adopted.filter_map(problem).collect()
}

/// What can be adopted as some resource of the project.
fn adoptable(blueprint: &Blueprint) -> String {
    let taggable = |key: &&NodeKey| kinds::find(&key.kind).is_some_and(|kind| kind.taggable());
    let names: Vec<String> = blueprint
        .nodes
        .keys()
        .filter(taggable)
        .map(ToString::to_string)
        .collect();
    names.join(", ")
}
