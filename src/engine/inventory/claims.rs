use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::lock;
use crate::model::{Claim, Claimed, NODE_TAG, NodeKey, OWNER_TAG, Owner, Tags};

/// What a reader adds to the tags of a claimed resource, so that its kind looks into it as if it were its claimant's.
/// Never written: whoever takes over what the kind found takes it off again, with the identity that it stands for.
const CLAIMED: &str = "secureml.dev/claimed";

/// One project's claim on a resource that is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimOf {
    pub(crate) owner: Owner,
    pub(crate) node: NodeKey,
    pub(crate) on: Claimed,
}

/// Claims by the kind of what is claimed.
pub(super) type ByKind = HashMap<String, Vec<ClaimOf>>;

/// What the specs of all projects claim.
#[derive(Default)]
pub(super) struct Claims(Mutex<Held>);

#[derive(Default)]
struct Held {
    by_owner: HashMap<Owner, Vec<ClaimOf>>,
    by_kind: Arc<ByKind>,
}

impl Claims {
    /// `owner` claims what `claims` says and nothing else. Answers whether that is something else than before.
    pub(super) fn replace<'a>(&self, owner: &Owner, claims: impl Iterator<Item = (&'a NodeKey, &'a Claim)>) -> bool {
        let new: Vec<ClaimOf> = claims
            .map(|(node, claim)| ClaimOf {
                owner: owner.clone(),
                node: node.clone(),
                on: claim.on.clone(),
            })
            .collect();
        let mut held = lock(&self.0);
        let old = held.by_owner.remove(owner).unwrap_or_default();
        let changed = old != new;
        if !new.is_empty() {
            held.by_owner.insert(owner.clone(), new);
        }
        if changed {
            let mut by_kind = ByKind::new();
            for claim in held.by_owner.values().flatten() {
                by_kind.entry(claim.node.kind.clone()).or_default().push(claim.clone());
            }
            held.by_kind = Arc::new(by_kind);
        }
        changed
    }

    /// What is claimed now.
    pub(super) fn all(&self) -> Arc<ByKind> {
        Arc::clone(&lock(&self.0).by_kind)
    }
}

/// Those of `claims` that mean the resource `id`, which has `tags`.
pub(super) fn on<'a>(claims: &'a [ClaimOf], id: &str, tags: &Tags) -> Vec<&'a ClaimOf> {
    claims.iter().filter(|claim| claim.on.is(id, tags)).collect()
}

/// `tags` of what is nobody's, as those of what `claim` makes of it.
pub(super) fn lend(tags: Tags, claim: &ClaimOf) -> Tags {
    tags.with(OWNER_TAG, claim.owner.to_string())
        .with(NODE_TAG, claim.node.to_string())
        .with(CLAIMED, "")
}

/// Whether `tags` are lent.
pub(super) fn is_lent(tags: &Tags) -> bool {
    tags.get(CLAIMED).is_some()
}

/// `tags` without what was lent to them.
pub(super) fn give_back(tags: &mut Tags) {
    for key in [OWNER_TAG, NODE_TAG, CLAIMED] {
        tags.0.remove(key);
    }
}
