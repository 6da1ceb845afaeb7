//! Proof that the guardrails hold and let work through: every policy of an environment, evaluated by a simulator over
//! scenarios that are written as data in `scenarios/`.

mod context;
mod controller;
mod environment;
mod evaluated;
mod evaluator;
mod format;
mod ground;
mod keys;
mod labs;
mod lint;
mod mutation;
mod organization;
mod path;
mod published;
mod remedy;
mod requests;
mod scenario;
mod sdk;
mod simulator;
mod suite;
mod who;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use environment::PolicyKind;
use evaluated::Evaluated;
use ground::{Ground, Whole};

/// How many attacks and legitimate actions there are at least.
const ATTACKS: usize = 25_000;
const WORK: usize = 2000;

/// How many findings a failed test prints.
const SHOWN: usize = 60;

#[test]
fn every_attack_is_denied_and_all_work_is_allowed() -> Result<()> {
    let whole = Whole::get()?;
    unique(&whole.evaluated)?;
    let (attacks, work) = whole.evaluated.split_at(whole.attacks);
    let counts = (attacks.len(), work.len());

    let breaches = attacks.iter().flat_map(|one| {
        let found = one.breach();
        (!found.is_empty()).then(|| format!("{}\n    {}", one.case.name, found.join("\n    ")))
    });
    let breaches: Vec<String> = breaches.collect();
    let obstacles: Vec<String> = work
        .iter()
        .filter_map(|one| Some(format!("{}\n    {}", one.case.name, one.obstacle()?)))
        .collect();
    println!(
        "{} attacks, {} of them also with AdministratorAccess: {} not denied as written",
        counts.0,
        attacks.iter().filter(|one| one.administrator.is_some()).count(),
        breaches.len()
    );
    println!("{} legitimate actions: {} not allowed", counts.1, obstacles.len());
    let findings: Vec<String> = breaches.into_iter().chain(obstacles).collect();
    ensure!(findings.is_empty(), "{}", first(&findings));
    ensure!(counts.0 >= ATTACKS, "only {} attacks", counts.0);
    ensure!(counts.1 >= WORK, "only {} legitimate actions", counts.1);
    Ok(())
}

#[test]
fn policies_are_of_a_form_that_the_simulator_understands() -> Result<()> {
    let ground = Ground::draw()?;
    let policies = ground.policies();
    let nameless = suite::nameless(&policies);
    ensure!(
        nameless.is_empty(),
        "statements without a name of their own: {nameless:?}"
    );
    // The simulator takes everybody for the principal of an endpoint policy.
    let endpoints = policies.iter().filter(|policy| policy.kind == PolicyKind::Endpoint);
    for policy in endpoints {
        for statement in policy.document["Statement"].as_array().into_iter().flatten() {
            let principal = statement["Principal"].as_str();
            ensure!(principal == Some("*"), "{}: {statement}", policy.id);
        }
    }
    let roles = ground.ours.nodes.keys().filter(|key| key.kind == "IamRole");
    for role in roles {
        who::is_known_role(&role.name)?;
    }
    Ok(())
}

/// Two cases of one name could not be told apart in what is printed.
fn unique(evaluated: &[Evaluated]) -> Result<()> {
    let mut seen = BTreeSet::new();
    let twice: Vec<&str> = evaluated
        .iter()
        .map(|one| one.case.name.as_str())
        .filter(|name| !seen.insert(*name))
        .collect();
    ensure!(twice.is_empty(), "written twice: {twice:?}");
    Ok(())
}

fn first(findings: &[String]) -> String {
    let shown = findings.len().min(limit());
    format!("{}\n… {} of {}", findings[..shown].join("\n"), shown, findings.len())
}

/// `GUARDRAILS_SHOW=all` prints every finding.
fn limit() -> usize {
    if std::env::var_os("GUARDRAILS_SHOW").is_some() {
        usize::MAX
    } else {
        SHOWN
    }
}
