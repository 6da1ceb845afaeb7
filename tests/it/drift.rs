//! Whatever somebody changes behind the product's back is seen, put right, and then left alone.
//!
//! The first test walks every way to tamper with the engine within the test, where each plan can be compared with
//! the calls it made. The second does it to the controller as it runs in a cluster.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secureml::api::{DeletionPolicies, DeletionPolicy, DriftStatus};
use secureml::audit::Report;
use secureml::kinds::{AnyKind, KINDS, Rule, Rules, find};
use secureml::model::Owner;
use secureml::plan::{Change, Goal, Object, Phase, Severity, render};
use secureml_rig::{Process, Rig};

use crate::environment::{Environment, FULL, INSTALLATION, Objects, clients, observe, parse};
use crate::permissions;
use crate::tamper::rounds::{self, Done, Rounds};
use crate::world::{Watched, cluster, controller, eventually, file, kubectl};

/// After so long without a call, a sweep is over.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a sweep, and what it puts right, may take.
const SWEEP: Duration = Duration::from_secs(60);

#[tokio::test]
async fn every_change_is_planned_and_put_right() -> Result<()> {
    let mut environment = Environment::new(FULL).await?;
    environment.settle(Goal::Present).await.context("creation")?;
    every_field_is_put_right(&mut environment).await?;
    every_kind_returns(&mut environment).await?;
    the_spec_is_followed_in_one_pass(&mut environment).await?;
    what_is_no_longer_declared_goes(&mut environment).await?;
    data_stays_and_is_taken_up_again(&mut environment).await?;
    everything_goes_if_asked(&mut environment).await?;
    permissions::used_and_declared(&environment.rig.proxy.calls())
}

async fn every_field_is_put_right(environment: &mut Environment) -> Result<()> {
    let before = environment.observe().await?;
    let (_, report) = environment.look_anew(&before).await?;
    ensure!(report.holds(), "not kept though as declared:\n{:#?}", broken(&report));
    let mut rounds = Rounds::new(&before)?;
    while !rounds.is_over() {
        let done = rounds.next(&environment.aws, &environment.owner, &before).await?;
        let (plan, report) = environment.look_anew(&before).await?;
        for Done { node, tamper } in &done {
            let step = &plan.steps[&node.parse()?];
            let fields: Vec<&str> = step.changes.iter().map(|change| change.field.as_str()).collect();
            ensure!(
                fields.contains(&tamper.field),
                "{node}: {} is not planned:\n{}",
                tamper.field,
                render(&plan)
            );
            // Whatever opens the environment breaks a promise of the audit.
            let opens = step
                .changes
                .iter()
                .any(|change| change.field == tamper.field && opens(change));
            let broken = broken(&report);
            ensure!(
                !opens || broken.iter().any(|(_, resource)| resource == node),
                "{node}: no control is about {}; broken is {broken:?}",
                tamper.field
            );
        }
        environment.settle(Goal::Present).await.context("correction")?;
        assert_same(&before, &environment.observe().await?);
    }
    Ok(())
}

async fn every_kind_returns(environment: &mut Environment) -> Result<()> {
    for kind in KINDS {
        let before = environment.observe().await?;
        environment.restart();
        let removed = rounds::remove(kind.name(), &environment.aws, &before).await?;
        if let Some(node) = removed {
            returns(environment, &node, &before)
                .await
                .with_context(|| format!("{node} disappeared"))?;
        }
    }
    Ok(())
}

async fn the_spec_is_followed_in_one_pass(environment: &mut Environment) -> Result<()> {
    let mut spec = parse(FULL)?.spec;
    spec.tags.insert("CostCentre".to_owned(), "4711".to_owned());
    environment.declare(spec).await?;
    let passes = environment
        .settle(Goal::Present)
        .await
        .context("a change of the spec")?;
    ensure!(passes.len() == 1, "a tag takes one pass, not {}", passes.len());
    Ok(())
}

async fn what_is_no_longer_declared_goes(environment: &mut Environment) -> Result<()> {
    let mut spec = parse(FULL)?.spec;
    let gone = spec.notebooks.pop().context("no notebook")?.name;
    environment.declare(spec).await?;
    environment.settle(Goal::Present).await.context("a notebook less")?;
    let left = environment.observe().await?;
    let of_it = |(node, object): &(&String, &Object)| node.ends_with(&gone) && !holds_data(&object.kind);
    let left: Vec<_> = left.iter().filter(of_it).map(|(node, _)| node).collect();
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

async fn data_stays_and_is_taken_up_again(environment: &mut Environment) -> Result<()> {
    let everything = environment.observe().await?;
    environment.settle(Goal::Absent).await.context("deletion")?;
    let kept = environment.observe().await?;
    let strange: Vec<_> = kept.values().filter(|object| !holds_data(&object.kind)).collect();
    ensure!(strange.is_empty(), "left behind: {strange:#?}");
    let data = everything.values().filter(|object| holds_data(&object.kind));
    ensure!(data.count() == kept.len(), "only {:?} are kept", kept.keys());

    environment.settle(Goal::Present).await.context("applied again")?;
    let again = environment.observe().await?;
    for (node, object) in &kept {
        ensure!(
            again[node].id == object.id,
            "{node} was not taken up again, but made anew"
        );
    }
    Ok(())
}

async fn everything_goes_if_asked(environment: &mut Environment) -> Result<()> {
    let mut spec = parse(FULL)?.spec;
    let delete = DeletionPolicy::Delete;
    spec.deletion_policy = DeletionPolicies {
        buckets: delete,
        keys: delete,
        logs: delete,
    };
    environment.declare(spec).await?;
    environment
        .settle(Goal::Absent)
        .await
        .context("deletion with the data")?;
    let left = environment.observe().await?;
    let going = |object: &Object| matches!(object.phase, Phase::Leaving(_));
    ensure!(left.values().all(going), "left behind: {:?}", left.keys());
    Ok(())
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
    ensure!(made.action.writes(), "{node} did not return: {:?}", made.action);
    let after = environment.observe().await?;
    ensure!(
        after.keys().eq(before.keys()),
        "the resources are not the same as before"
    );
    Ok(())
}

#[tokio::test]
async fn the_controller_puts_every_change_right() -> Result<()> {
    let mut stage = Stage::new().await?;
    let before = stage.observe().await?;
    let mut rounds = Rounds::new(&before)?;
    stage.quiet_sweep().await?;
    while !rounds.is_over() {
        let done = stage.tamper(&mut rounds, &before).await?;
        stage.told(&done).await?;
        stage.settled().await?;
        // A notebook takes several passes; what was seen first is put right when the last of it is.
        let drift = stage.last_drift().await?;
        ensure!(drift.corrected, "{drift:?}");
        stage.closed(&done, &drift).await?;
        assert_same(&before, &stage.observe().await?);
    }
    stage.quiet_sweep().await?;
    permissions::declared(&stage.rig.proxy.calls())
}

#[tokio::test]
async fn what_is_only_observed_is_not_touched() -> Result<()> {
    let mut stage = Stage::new().await?;
    let before = stage.observe().await?;
    stage.mode("Observe").await?;
    stage.settled().await?;
    stage.quiet_sweep().await?;

    let mark = stage.rig.proxy.mark();
    let mut rounds = Rounds::one_each(&before)?;
    while !rounds.is_over() {
        let done = stage.tamper(&mut rounds, &before).await?;
        let drift = stage.told(&done).await?;
        ensure!(!drift.corrected, "{drift:?}");
    }
    let why = stage.seen.ready().await?.expect_err("it is not as declared");
    ensure!(why.starts_with("DriftDetected: "), "{why}");
    ensure!(
        !stage.seen.is_current("GuardrailsEnforced").await?,
        "what stays open is told"
    );
    stage.quiet_sweep().await?;
    ensure!(
        stage.rig.proxy.calls_since(mark).writes().is_empty(),
        "somebody was corrected"
    );

    stage.mode("Enforce").await?;
    stage.settled().await?;
    assert_same(&before, &stage.observe().await?);
    Ok(())
}

/// A project on a cluster, as declared, under a running controller.
struct Stage {
    controller: Process,
    seen: Watched,
    owner: Owner,
    aws: std::sync::Arc<secureml::aws::Aws>,
    rig: Rig,
    /// The last drift before somebody tampered last.
    earlier: DriftStatus,
}

impl Stage {
    async fn new() -> Result<Self> {
        let rig = cluster().await?;
        let name = parse(FULL)?.metadata.name.unwrap_or_default();
        kubectl(&rig)?
            .kubectl_text(&["apply", "-f", &file(&rig, FULL)?])
            .await?;
        let stage = Self {
            controller: controller(&rig)?,
            seen: Watched::new(kubectl(&rig)?, &name).await?,
            owner: Owner::new(INSTALLATION, "default", &name),
            aws: clients(rig.emulator.url()).await,
            rig,
            earlier: none(),
        };
        stage.settled().await?;
        Ok(stage)
    }

    async fn observe(&self) -> Result<Objects> {
        observe(&self.aws, &self.owner).await
    }

    async fn settled(&self) -> Result<()> {
        eventually("the project is ready and its guardrails enforced", SWEEP, || async {
            Ok(self.seen.ready().await?.is_ok() && self.seen.is_current("GuardrailsEnforced").await?)
        })
        .await
        .with_context(|| self.controller.tail())
    }

    async fn mode(&self, mode: &str) -> Result<()> {
        let patch = format!(r#"{{"spec":{{"drift":{{"mode":"{mode}"}}}}}}"#);
        let args = ["patch", "smlp", &self.owner.name, "--type=merge", "-p", &patch];
        kubectl(&self.rig)?.kubectl_text(&args).await?;
        Ok(())
    }

    /// A whole sweep in which nothing is written, neither to AWS nor to the API server.
    async fn quiet_sweep(&self) -> Result<()> {
        let (mark, versions) = (self.rig.proxy.mark(), self.seen.versions().await?);
        let begun = |calls: &secureml_rig::proxy::Calls| !calls.named("ec2:DescribeVpcs").is_empty();
        self.rig.proxy.until(mark, SWEEP, begun).await?;
        self.rig.proxy.quiet(PAUSE, SWEEP).await?;
        let writes = self.rig.proxy.calls_since(mark).writes();
        ensure!(writes.is_empty(), "a quiet sweep wrote:\n{}", writes.table());
        ensure!(
            versions == self.seen.versions().await?,
            "a quiet sweep wrote to the API server"
        );
        Ok(())
    }

    /// Tampers while the controller stands still, so that it sees all of it at once.
    async fn tamper(&mut self, rounds: &mut Rounds, before: &Objects) -> Result<Vec<Done>> {
        self.rig.proxy.quiet(PAUSE, SWEEP).await?;
        self.earlier = self.last_drift().await?;
        self.controller.freeze()?;
        let done = rounds.next(&self.aws, &self.owner, before).await;
        self.controller.thaw()?;
        done
    }

    async fn last_drift(&self) -> Result<DriftStatus> {
        let status = self.seen.project().await?.status.unwrap_or_default();
        Ok(status.last_drift.unwrap_or_else(none))
    }

    /// What was opened with what was done, and is closed since `drift` was corrected, is on record, with when it was.
    async fn closed(&self, done: &[Done], drift: &DriftStatus) -> Result<()> {
        let opens = |done: &&Done| {
            let fields = find(done.tamper.kind).map(AnyKind::fields).unwrap_or_default();
            let critical = fields.iter().filter(|field| field.severity == Severity::Critical);
            critical.into_iter().any(|field| field.name == done.tamper.field)
        };
        let status = self.seen.project().await?.status.unwrap_or_default();
        let Some(opened) = done.iter().find(opens) else {
            return Ok(());
        };
        let opening = status
            .last_opening
            .with_context(|| format!("{} opened nothing", opened.node))?;
        let closed = opening.closed_at.as_ref().context("it is still open")?;
        ensure!(
            opening
                .in_order_at
                .as_ref()
                .is_some_and(|before| before.0 <= opening.seen_at.0)
                && opening.seen_at.0 <= drift.seen_at.0
                && opening.seen_at.0 <= closed.0,
            "{opening:?} for {drift:?}"
        );
        let told = self.seen.notes("GuardrailsNotEnforced").await?;
        ensure!(
            told.iter()
                .any(|note| done.iter().any(|done| note.contains(&done.node))),
            "no event names any of it: {told:?}"
        );
        Ok(())
    }

    /// Waits until the status has named each of the differences, and an event some of them; the last of the drifts.
    async fn told(&self, done: &[Done]) -> Result<DriftStatus> {
        let mut open: BTreeSet<(&str, &str)> = done.iter().map(|done| (&*done.node, done.tamper.field)).collect();
        let begun = std::time::Instant::now();
        loop {
            let drift = self.last_drift().await?;
            let news = drift.seen_at != self.earlier.seen_at;
            open.retain(|(node, field)| {
                let named = |difference: &String| names(difference, node, field);
                !(news && drift.differences.iter().any(named))
            });
            if open.is_empty() {
                let notes = self.seen.notes("Drift").await?;
                let some = done
                    .iter()
                    .any(|done| notes.iter().any(|note| names(note, &done.node, done.tamper.field)));
                ensure!(some || done.is_empty(), "no event names any of it: {notes:?}");
                return Ok(drift);
            }
            ensure!(
                begun.elapsed() < SWEEP,
                "{open:?} not told of; last {drift:?}; {}",
                self.controller.tail()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Whether what somebody did lets through what was refused. Rules that are fewer, or in other words, do not.
fn opens(change: &Change) -> bool {
    let undescribed = |rules: &serde_json::Value| -> Option<Rules> {
        let rules: Rules = serde_json::from_value(rules.clone()).ok()?;
        Some(rules.iter().map(Rule::undescribed).collect())
    };
    let no_more = |(before, after): (Rules, Rules)| before.is_subset(&after);
    let rules = undescribed(&change.before).zip(undescribed(&change.after));
    change.severity == Severity::Critical && !rules.is_some_and(no_more)
}

/// Which controls which resources do not keep.
fn broken(report: &Report) -> Vec<(&'static str, String)> {
    let of_each = report.broken().flat_map(|check| {
        let found = check.wrong();
        found.map(|finding| (check.control.id, finding.resource.clone()))
    });
    of_each.collect()
}

fn none() -> DriftStatus {
    let status = serde_json::json!({"seenAt": "2000-01-01T00:00:00Z", "corrected": true, "differences": []});
    serde_json::from_value(status).expect("a drift")
}

/// Whether `text`, such as `Vpc/main: differs from the spec in: dnsSupport, gateways`, names the field of the node.
fn names(text: &str, node: &str, field: &str) -> bool {
    let about = text.split(&format!("{node}: ")).nth(1).unwrap_or_default();
    let (_, fields) = about.split_once("differs from the spec in: ").unwrap_or_default();
    let fields = fields.split(';').next().unwrap_or_default();
    let fields = fields.split(" cannot be changed").next().unwrap_or_default();
    fields.split(", ").any(|named| named == field)
}

fn holds_data(kind: &str) -> bool {
    find(kind).is_some_and(AnyKind::holds_data)
}

fn assert_same(before: &Objects, after: &Objects) {
    for (node, object) in before {
        let now = after.get(node).unwrap_or_else(|| panic!("{node} is gone"));
        assert_eq!((compared(object), &object.tags), (compared(now), &now.tags), "{node}");
    }
    assert_eq!(before.len(), after.len());
}

/// The fields that are compared; AWS may invent others anew, as the id of an association.
fn compared(object: &Object) -> Vec<(&'static str, Option<&serde_json::Value>)> {
    let kind = find(&object.kind).expect("a kind");
    let fields = kind.fields().iter();
    fields
        .map(|field| (field.name, object.attributes.get(field.name)))
        .collect()
}
