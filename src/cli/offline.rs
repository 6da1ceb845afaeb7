//! What can be told without access to AWS: the plan against an account that holds nothing, and the handbook.

use anyhow::{Result, anyhow, ensure};

use super::subject::Subject;
use crate::blueprint::{self, Blueprint, Project};
use crate::handbook;
use crate::model::{Account, NodeKey, Ref, Zone};
use crate::plan::{Goal, Plan, World, plan as difference};

pub(super) async fn plan(subject: &Subject) -> Result<Plan> {
    Ok(difference(&draw(subject).await?, &World::default(), Goal::Present)?)
}

/// The project's handbook, or the page `wanted` of it.
pub(super) async fn handbook(subject: &Subject, wanted: Option<&str>) -> Result<String> {
    let mut pages = handbook::pages(&draw(subject).await?);
    if let Some(wanted) = wanted {
        let known: Vec<String> = pages.iter().map(|page| page.name.clone()).collect();
        pages.retain(|page| page.name == wanted);
        ensure!(
            !pages.is_empty(),
            "the handbook has no page {wanted}: it has {}",
            known.join(", ")
        );
    }
    let texts: Vec<String> = pages.into_iter().map(|page| page.text).collect();
    Ok(texts.join("\n"))
}

async fn draw(subject: &Subject) -> Result<Blueprint> {
    let object = subject.project().await?;
    let owner = subject.common.owner(&object);
    let project =
        Project::new(owner, object.spec, imagined()).map_err(|problems| anyhow!(super::passes::list(&problems)))?;
    Ok(blueprint::draw(&project))
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
