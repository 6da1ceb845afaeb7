//! AWS's posture controls, as far as they are about what the product makes: each passes in a finished environment, and
//! each fails once somebody spoils what it is about.
//!
//! Every reading here asks AWS itself and shares no code with the product: what the product believes of itself is no
//! witness. The account's default VPC is AWS's doing, and is left out.
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html>

mod identity;
mod keys;
mod network;
mod notebooks;
mod storage;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use futures::future::BoxFuture;
use secureml::aws::Aws;
use secureml::plan::Goal;
use serde_json::Value;

use crate::environment::{Environment, FULL};
use crate::tamper;
use crate::tamper::rounds::act;

/// A control.
struct Control {
    /// As Security Hub calls it.
    id: &'static str,
    /// What it asks for.
    asks: &'static str,
    /// Looks at everything that it is about.
    read: for<'a> fn(&'a Aws) -> BoxFuture<'a, Result<Verdict>>,
    /// How it is made to fail.
    spoil: Spoil,
}

/// How a control is made to fail.
enum Spoil {
    /// By changing a field of one of the project's resources.
    Field(&'static str, &'static str),
    /// By something that no field is about; what it puts beside the resources is called [`FOREIGN`].
    Beside(for<'a> fn(&'a Aws) -> BoxFuture<'a, Result<()>>),
}

/// What somebody puts into the account.
const FOREIGN: &str = "posture-foreign";

/// What a reading says.
#[derive(Debug, Default)]
struct Verdict {
    /// How many things were looked at.
    looked_at: usize,
    /// Those that do not pass.
    failing: BTreeSet<String>,
}

impl Verdict {
    /// Takes note of `name`, which passes or does not.
    fn note(&mut self, name: &str, passes: bool) {
        self.looked_at += 1;
        if !passes {
            self.failing.insert(name.to_owned());
        }
    }
}

fn controls() -> impl Iterator<Item = &'static Control> {
    let all = [
        notebooks::CONTROLS,
        storage::CONTROLS,
        keys::CONTROLS,
        network::CONTROLS,
        identity::CONTROLS,
    ];
    all.into_iter().flatten()
}

#[tokio::test]
async fn a_finished_environment_passes_every_control_and_a_spoiled_one_does_not() -> Result<()> {
    let mut environment = Environment::new(FULL).await?;
    environment.settle(Goal::Present).await.context("creation")?;
    for control in controls() {
        let Control { id, asks, read, spoil } = control;
        let before = read(&environment.aws).await.context(*id)?;
        ensure!(
            before.looked_at > 0 && before.failing.is_empty(),
            "{id} ({asks}) does not pass: {before:?}"
        );
        match spoil {
            Spoil::Field(node, field) => tamper_with(&environment, node, field).await,
            Spoil::Beside(put) => put(&environment.aws).await,
        }
        .with_context(|| format!("spoiling {id}"))?;
        let after = read(&environment.aws).await.context(*id)?;
        ensure!(!after.failing.is_empty(), "{id} ({asks}) still passes: {after:?}");
        clear(&environment.aws).await?;
        environment.restart();
        environment
            .settle(Goal::Present)
            .await
            .with_context(|| format!("after {id}"))?;
    }
    Ok(())
}

async fn tamper_with(environment: &Environment, node: &str, field: &str) -> Result<()> {
    let objects = environment.observe().await?;
    let object = objects.get(node).with_context(|| format!("no {node}"))?;
    let mut ways = tamper::all().filter(|way| way.kind == object.kind && way.field == field);
    let way = ways
        .next()
        .with_context(|| format!("no way to change {field:?} of {node}"))?;
    act(way, &environment.aws, node, &objects).await
}

/// Removes what was put beside the project's resources.
async fn clear(aws: &Aws) -> Result<()> {
    notebooks::clear(aws).await?;
    identity::clear(aws).await
}

/// The statements of the policy `text`.
fn statements(text: &str) -> Result<Vec<Value>> {
    let mut policy: Value = serde_json::from_str(text).with_context(|| format!("not a policy: {text}"))?;
    Ok(match policy["Statement"].take() {
        Value::Array(statements) => statements,
        only => vec![only],
    })
}

/// What stands under `name`, alone or in a list.
fn listed(statement: &Value, name: &str) -> Vec<String> {
    let texts = match &statement[name] {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(only) => vec![only.as_str()],
        _ => Vec::new(),
    };
    texts.into_iter().map(str::to_owned).collect()
}

fn allows(statement: &Value) -> bool {
    statement["Effect"] == "Allow"
}
