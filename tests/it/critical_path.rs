//! Creation takes as long as what depends on each other takes, not as long as everything together.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secureml::model::NodeKey;
use secureml::plan::{Goal, Plan};
use secureml_rig::proxy::Calls;

use crate::environment::{Environment, FULL};

/// Added to every call: more than the emulator itself needs for one.
const LATENCY: Duration = Duration::from_millis(50);
/// How often it is tried, as the machine may be busy with something else.
const ATTEMPTS: usize = 3;
/// How many delays there may be for each that cannot be avoided: reading AWS comes before, and a busy machine between.
const ALLOWED: f64 = 2.5;

#[tokio::test]
async fn creation_takes_as_long_as_its_longest_chain() -> Result<()> {
    let mut ratios = Vec::new();
    for _ in 0..ATTEMPTS {
        let mut environment = Environment::new(FULL).await?;
        let chain = longest_chain(&environment.plan(Goal::Present).await?);
        environment.rig.proxy.set_latency(LATENCY);
        let mark = environment.rig.proxy.mark();
        let pass = environment.pass(Goal::Present).await.context("creation")?;
        let delays = one_after_another(&environment.rig.proxy.calls_since(mark));
        println!(
            "{} writes, longest chain {chain}, {delays} delays one after another",
            pass.writes.len()
        );
        let ratio = delays as f64 / chain as f64;
        if ratio <= ALLOWED {
            return Ok(());
        }
        ratios.push(ratio);
    }
    ensure!(
        ratios.is_empty(),
        "delays for each call of the longest chain: {ratios:?}; allowed {ALLOWED}"
    );
    Ok(())
}

/// The largest number of calls of which each has to wait for the one before.
fn longest_chain(plan: &Plan) -> usize {
    fn length(plan: &Plan, node: &NodeKey, known: &mut BTreeMap<NodeKey, usize>) -> usize {
        if let Some(length) = known.get(node) {
            return *length;
        }
        let Some(step) = plan.steps.get(node) else { return 0 };
        let before = step.after.iter().map(|first| length(plan, first, known)).max();
        let length = step.calls.len() + before.unwrap_or(0);
        known.insert(node.clone(), length);
        length
    }
    let mut known = BTreeMap::new();
    plan.steps
        .keys()
        .map(|node| length(plan, node, &mut known))
        .max()
        .unwrap_or(0)
}

/// The largest number of calls that went one after another: so many delays the whole took at least.
fn one_after_another(calls: &Calls) -> usize {
    let mut spans: Vec<_> = calls
        .iter()
        .map(|call| (call.started + call.took.unwrap_or_default(), call.started))
        .collect();
    spans.sort_unstable();
    let mut until = Duration::ZERO;
    let mut count = 0;
    for (end, start) in spans {
        if start >= until {
            until = end;
            count += 1;
        }
    }
    count
}
