//! The policies for an organisation, with those of the projects: all work goes on, and what only they can stop is stopped.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use secureml::api::Guardrails;
use secureml::blueprint::organization::{Organization as Spec, policies};
use secureml::policy::Limit;
use serde_json::Value;

use super::first;
use super::ground::Ground;
use super::scenario::Case;
use super::suite::{Organization, Suite, everything};

const ATTACKS: &str = include_str!("scenarios/organization.yaml");
/// How our organisation is called: see `who.rs`.
const ID: &str = "o-ours000000";

#[test]
fn an_organisation_is_protected_and_its_projects_work() -> Result<()> {
    let ground = Ground::draw()?;
    let attacks = ground.world()?.cases("organization.yaml", ATTACKS, &[])?;
    let (_, work) = ground.cases()?;
    let counts = (attacks.len(), work.len());
    let mut cases: Vec<Case> = attacks.into_iter().chain(work).collect();
    cases.iter_mut().for_each(name_the_organisation);
    let evaluated = Suite::within(&ground.policies(), cases, &organization()?).evaluate()?;
    let (attacks, work) = evaluated.split_at(counts.0);
    let tried: BTreeSet<&str> = attacks
        .iter()
        .flat_map(|one| &one.case.by)
        .filter_map(|by| by.sid.as_deref())
        .collect();
    let idle: Vec<String> = sids().into_iter().filter(|sid| !tried.contains(sid.as_str())).collect();
    ensure!(idle.is_empty(), "no attack tries {idle:?}");
    let breaches = attacks.iter().filter_map(|one| {
        let found = one.breach();
        (!found.is_empty()).then(|| format!("{}\n    {}", one.case.name, found.join("\n    ")))
    });
    let obstacles = work
        .iter()
        .filter_map(|one| Some(format!("{}\n    {}", one.case.name, one.obstacle()?)));
    let findings: Vec<String> = breaches.chain(obstacles).collect();
    println!(
        "{} attacks, {} legitimate actions: {} findings",
        counts.0,
        counts.1,
        findings.len()
    );
    ensure!(findings.is_empty(), "{}", first(&findings));
    Ok(())
}

fn spec() -> Spec {
    Spec {
        id: ID.to_owned(),
        controllers: vec!["arn:aws:iam::*:role/secureml".to_owned()],
        guardrails: Guardrails::default(),
    }
}

/// The names of all statements.
fn sids() -> Vec<String> {
    let statements = policies(&spec())
        .into_iter()
        .flat_map(|policy| policy.document.statements);
    statements.map(|statement| statement.sid).collect()
}

fn organization() -> Result<Organization> {
    let mut organization = Organization {
        // AWS attaches it to every organisation, and it is for the organisation to leave it there.
        scp: vec![("FullAWSAccess".to_owned(), everything(false))],
        rcp: Vec::new(),
    };
    for policy in policies(&spec()) {
        let document = serde_json::to_value(&policy.document)?;
        match policy.limit {
            Limit::ResourceControl => organization.rcp.push((policy.name.to_owned(), document)),
            _ => organization.scp.push((policy.name.to_owned(), document)),
        }
    }
    Ok(organization)
}

/// AWS says to which organisation the account belongs that a service works for.
fn name_the_organisation(case: &mut Case) {
    let source = case.context.get("aws:SourceAccount").and_then(Value::as_str);
    let id = match source {
        Some(super::environment::OURS) => ID,
        Some(_) => "o-stranger00",
        None => return,
    };
    case.context.insert("aws:SourceOrgID".to_owned(), id.into());
}
