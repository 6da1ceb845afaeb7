//! The product's own evaluation of policies says what the simulator says, of every scenario and every layer.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use secureml::policy::Document;
use secureml::policy::evaluate::{self, Outcome, Policies};

use super::evaluated::Evaluated;
use super::first;
use super::ground::Whole;
use super::scenario::{FREE, LayerName, PERMISSIVE};
use super::simulator::Decision;
use super::suite::everything;
use super::who::ADMINISTRATOR;

#[test]
fn the_products_own_evaluation_agrees_with_the_simulator() -> Result<()> {
    let Whole { ground, evaluated, .. } = Whole::get()?;
    let mut documents: BTreeMap<String, Document> = BTreeMap::new();
    for policy in &ground.policies() {
        documents.insert(policy.id.clone(), serde_json::from_value(policy.document.clone())?);
    }
    documents.insert(ADMINISTRATOR.to_owned(), serde_json::from_value(everything(false))?);
    documents.insert(PERMISSIVE.to_owned(), serde_json::from_value(everything(true))?);

    let mut differences = Vec::new();
    let mut compared = 0;
    // About what everybody may do the simulator asks no policy.
    for one in evaluated.iter().filter(|one| !FREE.contains(&one.case.action.as_str())) {
        let own = |identity: &[String]| ours(&documents, one, identity);
        differences.extend(difference(&one.decision, &own(&one.case.who.identity)?, &one.case.name));
        compared += 1;
        if let Some(administrator) = &one.administrator {
            let name = format!("{} with AdministratorAccess", one.case.name);
            differences.extend(difference(administrator, &own(&[ADMINISTRATOR.to_owned()])?, &name));
            compared += 1;
        }
    }
    println!("{compared} evaluations compared, {} differ", differences.len());
    ensure!(differences.is_empty(), "{}", first(&differences));
    Ok(())
}

fn ours(documents: &BTreeMap<String, Document>, one: &Evaluated, identity: &[String]) -> Result<evaluate::Decision> {
    let case = &one.case;
    let document = |id: &String| documents.get(id).with_context(|| format!("no policy {id}"));
    let optional = |id: Option<&String>| id.map(document).transpose();
    let policies = Policies {
        identity: identity.iter().map(document).collect::<Result<_>>()?,
        boundary: optional(case.who.boundary.as_ref())?,
        resource: optional(case.resource_policy.as_ref())?,
        endpoint: optional(case.endpoint_policy.as_ref())?,
    };
    Ok(evaluate::evaluate(&one.request(), &policies))
}

fn difference(simulator: &Decision, ours: &evaluate::Decision, name: &str) -> Option<String> {
    let mut found = Vec::new();
    if simulator.allowed() != (ours.outcome == Outcome::Allowed) || ours.outcome == Outcome::Unknown {
        found.push(format!(
            "{} and {:?} {:?}",
            simulator.result,
            ours.outcome,
            ours.unknown().collect::<Vec<_>>()
        ));
    }
    let layers = &simulator.layers;
    let pairs = [
        (LayerName::Role, &layers.role, Some(&ours.identity)),
        (LayerName::Boundary, &layers.boundary, ours.boundary.as_ref()),
        (LayerName::Resource, &layers.resource, ours.resource.as_ref()),
        (LayerName::Endpoint, &layers.endpoint, ours.endpoint.as_ref()),
    ];
    for (layer, theirs, ours) in pairs {
        let theirs = theirs.clone().unwrap_or_default();
        let ours = ours.cloned().unwrap_or_default();
        let sids =
            |pairs: &BTreeSet<(String, String)>| pairs.iter().map(|(_, sid)| sid.clone()).collect::<BTreeSet<_>>();
        if (sids(&theirs.allow), sids(&theirs.deny)) != (ours.allow.clone(), ours.deny.clone()) {
            found.push(format!("{layer:?}: {theirs:?} and {ours:?}"));
        }
    }
    (!found.is_empty()).then(|| format!("{name}\n    {}", found.join("\n    ")))
}
