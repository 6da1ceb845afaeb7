//! Planning without access to AWS: against an account that holds nothing.

use anyhow::{Result, anyhow};

use super::Target;
use crate::blueprint::{self, Project};
use crate::model::{Account, NodeKey, Ref, Zone};
use crate::plan::{Goal, Plan, World, plan as difference};

pub(super) fn plan(target: &Target) -> Result<Plan> {
    let object = target.project()?;
    let owner = target.owner(&object);
    let project =
        Project::new(owner, object.spec, imagined()).map_err(|problems| anyhow!(super::passes::list(&problems)))?;
    Ok(difference(
        &blueprint::draw(&project),
        &World::default(),
        Goal::Present,
    )?)
}

/// An account of which only what any account has is known.
fn imagined() -> Account {
    let region = std::env::var("AWS_REGION").unwrap_or_else(|_| "us-east-1".to_owned());
    let zone = |letter: char| Zone {
        id: format!("{region}-zone-{letter}"),
        name: format!("{region}{letter}"),
    };
    Account {
        partition: "aws".to_owned(),
        id: "111122223333".to_owned(),
        zones: ['a', 'b', 'c'].map(zone).to_vec(),
        s3_prefix_list: Ref::<()>::output(&NodeKey::new("PrefixList", "s3"), "id").into(),
        endpoint_services: std::collections::BTreeMap::new(),
        caller: "arn:aws:iam::111122223333:role/secureml".to_owned(),
        region,
    }
}
