//! Whatever somebody changes behind the product's back is seen, put right, and then left alone.
//!
//! The first test walks every way to tamper with the engine within the test, where each plan can be compared with
//! the calls it made. The second does it to the controller as it runs in a cluster.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secureml::kinds::KINDS;
use secureml::plan::{Action, Goal, render};

use crate::environment::{Environment, FULL, Objects, parse};
use crate::permissions;
use crate::tamper::rounds::{self, Done, Rounds};

#[tokio::test]
async fn every_change_is_planned_and_put_right() -> Result<()> {
    let mut environment = Environment::new(FULL).await?;
    environment.settle(Goal::Present).await.context("creation")?;
    let before = environment.observe().await?;

    let mut rounds = Rounds::new(&before)?;
    while !rounds.is_over() {
        let done = rounds.next(&environment.aws, &environment.owner, &before).await?;
        let plan = environment.plan(Goal::Present).await?;
        for Done { node, tamper } in &done {
            let step = &plan.steps[&node.parse()?];
            let fields: Vec<&str> = step.changes.iter().map(|change| change.field.as_str()).collect();
            ensure!(
                fields.contains(&tamper.field),
                "{node}: {} is not planned:\n{}",
                tamper.field,
                render(&plan)
            );
        }
        environment.settle(Goal::Present).await.context("correction")?;
        assert_same(&before, &environment.observe().await?);
    }

    for kind in KINDS {
        let before = environment.observe().await?;
        let removed = rounds::remove(kind.name(), &environment.aws, &before).await?;
        if let Some(node) = removed {
            returns(&mut environment, &node, &before)
                .await
                .with_context(|| format!("{node} disappeared"))?;
        }
    }

    let mut spec = parse(FULL)?.spec;
    spec.tags.insert("CostCentre".to_owned(), "4711".to_owned());
    environment.declare(spec).await?;
    let passes = environment
        .settle(Goal::Present)
        .await
        .context("a change of the spec")?;
    ensure!(passes.len() == 1, "a tag takes one pass, not {}", passes.len());

    environment.settle(Goal::Absent).await.context("deletion")?;
    let left = environment.observe().await?;
    let kept = |kind: &str| secureml::kinds::find(kind).is_some_and(secureml::kinds::AnyKind::holds_data);
    let orphans: Vec<_> = left.iter().filter(|(_, object)| !kept(&object.kind)).collect();
    ensure!(orphans.is_empty(), "left behind: {orphans:#?}");
    permissions::used_and_declared(&environment.rig.proxy.calls())
}

/// The resource `node`, just removed by hand, is made anew, and in the same pass everything follows that names it.
async fn returns(environment: &mut Environment, node: &str, before: &Objects) -> Result<()> {
    let passes = environment.settle(Goal::Present).await?;
    let first = passes.first().context("nothing was done")?;
    let unfinished = |node| {
        first
            .report
            .entries
            .get(node)
            .is_some_and(|entry| entry.outcome != secureml::engine::Outcome::Done)
    };
    for later in &passes[1..] {
        let followed = later.plan.writes().find(|(node, _)| !unfinished(node));
        ensure!(
            followed.is_none(),
            "followed only in a later pass:\n{}",
            render(&later.plan)
        );
    }
    let made = &first.plan.steps[&node.parse()?];
    ensure!(
        made.action == Action::Create,
        "{node} was not made anew: {:?}",
        made.action
    );
    let after = environment.observe().await?;
    ensure!(
        after.keys().eq(before.keys()),
        "the resources are not the same as before"
    );
    Ok(())
}

fn assert_same(before: &Objects, after: &Objects) {
    for (node, object) in before {
        let now = after.get(node).unwrap_or_else(|| panic!("{node} is gone"));
        assert_eq!(
            (&object.attributes, &object.tags),
            (&now.attributes, &now.tags),
            "{node}"
        );
    }
    assert_eq!(before.len(), after.len());
}
