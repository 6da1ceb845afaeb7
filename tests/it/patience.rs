//! What is tried again, and what is not until somebody has done something about it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use secureml::plan::{Goal, render};
use secureml_rig::proxy::{Mark, Request};
use secureml_rig::{Fault, Rig, Rule};

use crate::environment::{Environment, FULL};
use crate::world::{Watched, apply, called, cluster, controller, eventually, kubectl};

/// How long the controller may take for anything.
const SOON: Duration = Duration::from_secs(120);

/// The creation of the VPC of the project `name`.
fn makes_vpc(name: &str) -> impl Fn(&Request) -> bool + Send + Sync + 'static {
    let owner = format!("{name}-dev");
    move |request| request.name() == "ec2:CreateVpc" && request.text().contains(&owner)
}

/// How many calls since `mark` were to make the VPC of `name`.
fn creations(rig: &Rig, mark: Mark, name: &str) -> usize {
    let calls = rig.proxy.calls_since(mark).named("ec2:CreateVpc").into_iter();
    calls
        .filter(|call| call.text().contains(&format!("{name}-dev")))
        .count()
}

/// Waits until AWS was looked at `times` times more.
async fn sweeps(rig: &Rig, times: usize) -> Result<()> {
    let mark = rig.proxy.mark();
    let within = Duration::from_secs(60);
    rig.proxy
        .until(mark, within, move |calls| {
            calls.named("ec2:DescribeVpcs").len() >= times
        })
        .await?;
    Ok(())
}

#[tokio::test]
async fn nothing_terminal_is_tried_again_and_a_denial_when_it_was_said() -> Result<()> {
    let rig = cluster().await?;
    let kube = kubectl(&rig)?;
    let refused = "The CIDR '10.2.0.0/16' is invalid.";
    let refused = Fault::error(400, "InvalidParameterValue", refused);
    let refused = rig.proxy.add(Rule::when(makes_vpc("wrong"), refused));
    let denied = rig.proxy.add(Rule::when(makes_vpc("denied"), Fault::AccessDenied));
    let controller = controller(&rig)?;
    apply(&rig, &called("wrong")).await?;
    apply(&rig, &called("denied")).await?;
    let (wrong, barred) = (Watched::new(kube, "wrong").await?, Watched::new(kube, "denied").await?);
    for (seen, said) in [(&wrong, "InvalidParameterValue"), (&barred, "UnauthorizedOperation")] {
        eventually(said, SOON, || async {
            let why = seen.ready().await?.err().unwrap_or_default();
            Ok(why.contains(said) && seen.is_current("Stalled").await?)
        })
        .await
        .with_context(|| controller.tail())?;
    }
    let why = wrong.ready().await?.err().unwrap_or_default();
    ensure!(
        why.contains("change spec.network.vpcCidr; it is not retried before that"),
        "{why}"
    );

    // What it was told is told for good, sweep after sweep.
    let next_try = async |seen: &Watched| {
        let status = seen.project().await?.status.unwrap_or_default();
        let vpc = status
            .resources
            .into_iter()
            .find(|resource| resource.node == "Vpc/main");
        anyhow::Ok(vpc.context("no VPC")?.next_try_at)
    };
    ensure!(next_try(&wrong).await?.is_none(), "it is not tried again");
    let at = next_try(&barred)
        .await?
        .context("it is not said when it is tried again")?;
    let mark = rig.proxy.mark();
    let status = async || anyhow::Ok(serde_json::to_string(&wrong.project().await?.status)?);
    let version = async || anyhow::Ok(wrong.project().await?.metadata.resource_version);
    let mut before = version().await?;
    for round in 0.. {
        let then = status().await?;
        sweeps(&rig, 2).await?;
        let now = version().await?;
        if now == before {
            break;
        }
        before = now;
        let now = status().await?;
        ensure!(round < 6, "it does not come to rest:\n{then}\n{now}");
    }
    ensure!(
        creations(&rig, mark, "wrong") == 0 && refused.hits() == 1,
        "{}",
        refused.hits()
    );

    // A denial is tried again when it was said, and not before.
    eventually("it is tried again", SOON, || async { Ok(denied.hits() >= 2) })
        .await
        .with_context(|| controller.tail())?;
    let early = at.0.duration_since(jiff::Timestamp::now()).as_secs();
    ensure!(early <= 1, "{early} s too early");
    denied.remove();
    eventually("what was granted is used", Duration::from_secs(240), || async {
        Ok(barred.ready().await?.is_ok())
    })
    .await
    .with_context(|| controller.tail())?;

    // An edit has it tried at once.
    ensure!(refused.hits() == 1);
    refused.remove();
    let edited = called("wrong").replace("  drift:", "  tags: {team: data}\n  drift:");
    apply(&rig, &edited).await?;
    eventually("the edit is tried", SOON, || async { Ok(wrong.ready().await?.is_ok()) })
        .await
        .with_context(|| controller.tail())?;
    Ok(())
}

#[tokio::test]
async fn what_our_own_call_has_taken_is_recognised() -> Result<()> {
    let mut environment = Environment::new(FULL).await?;
    // The first answers are lost, and the SDK repeats the calls itself.
    let calls = [
        "iam:CreateRole",
        "iam:CreatePolicy",
        "logs:CreateLogGroup",
        "s3:CreateBucket",
    ];
    let rules: Vec<_> = calls
        .iter()
        .map(|call| environment.rig.proxy.add(Rule::on(call, Fault::ResetAfter).nth(1)))
        .collect();
    let mark = environment.rig.proxy.mark();
    let begun = Instant::now();
    loop {
        let (_, plan, report) = environment.attempt(Goal::Present).await?;
        let failures: Vec<String> = report
            .troubles()
            .map(|(node, told)| format!("{node}: {told}"))
            .collect();
        ensure!(failures.is_empty(), "{failures:?}");
        if plan.is_settled() {
            break;
        }
        ensure!(begun.elapsed() < SOON, "it does not settle:\n{}", render(&plan));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (call, rule) in calls.iter().zip(&rules) {
        ensure!(rule.hits() == 1, "{call}");
    }
    // One call more than there are roles: the one whose answer was lost.
    let roles = environment.observe().await?;
    let roles = roles.keys().filter(|node| node.starts_with("IamRole/")).count();
    let sent = environment.rig.proxy.calls_since(mark).named("iam:CreateRole").len();
    ensure!(sent == roles + 1, "{sent} calls for {roles} roles");
    Ok(())
}

#[tokio::test]
async fn what_somebody_else_has_is_waited_for_once_and_told_then() -> Result<()> {
    let mut environment = Environment::new(FULL).await?;
    environment.shows_within(Duration::from_secs(2));
    let taken = Fault::error(
        409,
        "BucketAlreadyExists",
        "The requested bucket name is not available.",
    );
    let data =
        |request: &Request| request.name() == "s3:CreateBucket" && request.head.uri.path().contains("data-bucket");
    let rule = environment.rig.proxy.add(Rule::when(data, taken));
    let node = "Bucket/data".parse()?;
    let told = async |environment: &mut Environment| {
        let (_, _, report) = environment.attempt(Goal::Present).await?;
        let told = report
            .troubles()
            .find(|(failed, _)| **failed == node)
            .map(|(_, told)| told);
        anyhow::Ok(told)
    };
    ensure!(told(&mut environment).await?.is_none(), "it may be our own");
    tokio::time::sleep(Duration::from_secs(3)).await;
    for _ in 0..4 {
        let said = told(&mut environment).await?.unwrap_or_default();
        ensure!(
            said.contains("BucketAlreadyExists") && said.contains("rename the project"),
            "{said}"
        );
    }
    ensure!(rule.hits() == 1, "sent {} times", rule.hits());
    Ok(())
}

#[tokio::test]
async fn what_takes_too_long_is_neither_lost_nor_made_twice() -> Result<()> {
    let mut environment = Environment::within(FULL, Some(Duration::from_secs(15))).await?;
    environment.shows_within(Duration::from_secs(4));
    let faults = [
        ("ec2:CreateVpc", Fault::TimeoutAfter),
        ("kms:CreateKey", Fault::TimeoutAfter),
        ("ec2:CreateSecurityGroup", Fault::Timeout),
    ];
    let rules = faults.map(|(call, fault)| environment.rig.proxy.add(Rule::on(call, fault).nth(1)));
    let mark = environment.rig.proxy.mark();
    let begun = Instant::now();
    let mut told = String::new();
    loop {
        let (_, plan, report) = environment.attempt(Goal::Present).await?;
        told.extend(report.troubles().map(|(node, told)| format!("{node}: {told}\n")));
        if plan.is_settled() {
            break;
        }
        ensure!(begun.elapsed() < SOON, "it does not settle:\n{}", render(&plan));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    ensure!(rules.iter().all(|rule| rule.hits() == 1));
    ensure!(
        told.contains("Vpc/main: ec2:CreateVpc: AWS did not answer in time"),
        "{told}"
    );
    // What was made is found; only what was not is made again.
    let sent = |call: &str| environment.rig.proxy.calls_since(mark).named(call).len();
    let made = environment.observe().await?;
    let there = |kind: &str| made.keys().filter(|node| node.starts_with(&format!("{kind}/"))).count();
    ensure!(sent("ec2:CreateVpc") == there("Vpc"));
    ensure!(sent("kms:CreateKey") == there("KmsKey"));
    ensure!(sent("ec2:CreateSecurityGroup") == there("SecurityGroup") + 1);
    Ok(())
}
