//! Two clusters that work in the name of one installation.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secureml::aws::claims;
use secureml_rig::proxy::Calls;
use secureml_rig::{Fault, Process, Rule};

use super::{Beside, SOON, ready, says};
use crate::environment::{INSTALLATION, clients};
use crate::permissions;
use crate::tamper::network::{filter, internet_gateway};
use crate::world::{PROJECT, Watched, cluster, eventually, file, kubectl, writes};

/// How long a claimant has to answer, in seconds.
const WAIT: &str = "20";
/// How long it may take until somebody who is alone knows it: two such times, and a busy machine.
const KNOWN: Duration = Duration::from_secs(180);

const CLAIMING: &[&str] = &[
    "controller",
    "--installation",
    INSTALLATION,
    "--claim-wait-seconds",
    WAIT,
];

async fn attached(ec2: &aws_sdk_ec2::Client, vpc: &str) -> Result<bool> {
    let request = ec2
        .describe_internet_gateways()
        .filters(filter("attachment.vpc-id", vpc));
    Ok(!request.send().await?.internet_gateways().is_empty())
}

/// The command that a message ends with names a parameter: removes it as the command would.
async fn do_as_told(ssm: &aws_sdk_ssm::Client, message: &str) -> Result<()> {
    let (_, name) = message.split_once("aws ssm delete-parameter").context("no command")?;
    let (_, name) = name.split_once("--name ").context("no name")?;
    let name = name.split_whitespace().next().context("no name")?;
    ssm.delete_parameter().name(name).send().await?;
    Ok(())
}

#[tokio::test]
async fn neither_writes_until_one_is_stopped() -> Result<()> {
    let mut rig = cluster().await?;
    let aws = clients(rig.emulator.url()).await;
    let manifest = file(&rig, PROJECT)?;
    let mut first = rig.start_controller(CLAIMING)?;
    kubectl(&rig)?.kubectl_text(&["apply", "-f", &manifest]).await?;
    let one = Watched::new(kubectl(&rig)?, "churn").await?;
    ready(&one, SOON).await?;
    let outputs = one.project().await?.status.unwrap_or_default().outputs;
    let vpc = outputs.get("vpcId").context("no VPC")?.clone();

    // A second cluster with the same name and the same manifest.
    let mut beside = Beside::new(&rig).await?;
    let mut second = beside.controller(&mut rig, CLAIMING)?;
    beside.cluster.kubectl_text(&["apply", "-f", &manifest]).await?;
    let other = Watched::new(&beside.cluster, "churn").await?;
    let told = says(&one, "TwoOwners", KNOWN).await?;
    ensure!(
        told.contains("installation test") && told.contains("None of them changes anything"),
        "{told}"
    );
    says(&other, "TwoOwners", KNOWN).await?;
    ensure!(!one.notes("TwoOwners").await?.is_empty(), "an event says so");
    ensure!(one.is_current("Stalled").await?);

    // Neither corrects what somebody does.
    let (mark, there) = (rig.proxy.mark(), beside.proxy.mark());
    internet_gateway(&aws.ec2, &vpc).await?;
    let sweeps = |calls: &Calls| calls.named("ec2:DescribeVpcs").len() >= 2;
    rig.proxy.until(mark, SOON, sweeps).await?;
    beside.proxy.until(there, SOON, sweeps).await?;
    ensure!(attached(&aws.ec2, &vpc).await?);
    for (proxy, mark) in [
        (&rig.proxy, mark),
        (&beside.proxy, secureml_rig::proxy::Mark::default()),
    ] {
        let written = writes(proxy, mark);
        ensure!(written.is_empty(), "{}", written.table());
    }

    // The one that stays goes on by itself.
    second.stop()?;
    ready(&one, KNOWN).await.with_context(|| first.tail())?;
    ensure!(!attached(&aws.ec2, &vpc).await?, "{}", first.tail());
    let quiet = rig.proxy.mark();
    rig.proxy.until(quiet, SOON, sweeps).await?;
    let written = rig.proxy.calls_since(quiet).writes();
    ensure!(
        written.is_empty(),
        "alone again, it writes nothing, not even claims: {}",
        written.table()
    );

    // The other comes back, and this time it is the first that goes; the claim is removed by the command that was told.
    second = beside.controller(&mut rig, CLAIMING)?;
    says(&other, "TwoOwners", KNOWN).await?;
    says(&one, "TwoOwners", KNOWN).await?;
    first.stop()?;
    internet_gateway(&aws.ec2, &vpc).await?;
    let there = beside.proxy.mark();
    do_as_told(&aws.ssm, &says(&other, "TwoOwners", KNOWN).await?).await?;
    ready(&other, KNOWN).await.with_context(|| second.tail())?;
    // What it read last may be of before the gateway was there.
    let gone = async || Ok(!attached(&aws.ec2, &vpc).await?);
    eventually("the gateway is detached", SOON, gone)
        .await
        .with_context(|| second.tail())?;
    let written = writes(&beside.proxy, there);
    let detached = written.iter().all(|call| call.name == "ec2:DetachInternetGateway");
    ensure!(detached, "zero creates: {}", written.table());
    permissions::declared(&rig.proxy.calls())?;
    permissions::declared(&beside.proxy.calls())
}

#[tokio::test]
async fn a_lost_cluster_is_followed_when_it_does_not_answer() -> Result<()> {
    let mut rig = cluster().await?;
    let manifest = file(&rig, PROJECT)?;
    let mut first = rig.start_controller(CLAIMING)?;
    kubectl(&rig)?.kubectl_text(&["apply", "-f", &manifest]).await?;
    ready(&Watched::new(kubectl(&rig)?, "churn").await?, SOON).await?;
    first.kill()?;

    // What is as declared needs no permission to be so; what has changed waits.
    let mut beside = Beside::new(&rig).await?;
    let second = beside.controller(&mut rig, CLAIMING)?;
    let changed = PROJECT.replace("  drift:", "  tags: {CostCenter: \"4711\"}\n  drift:");
    let changed = file(&rig, &changed)?;
    beside.cluster.kubectl_text(&["apply", "-f", &changed]).await?;
    let seen = Watched::new(&beside.cluster, "churn").await?;
    let told = says(&seen, "TakingOver", SOON).await?;
    ensure!(told.contains("20 s to answer"), "{told}");
    ready(&seen, KNOWN).await.with_context(|| second.tail())?;
    let creates = beside
        .proxy
        .calls()
        .named("*:Create*")
        .into_iter()
        .map(|call| call.name);
    let creates: Vec<String> = creates.filter(|name| name != "ec2:CreateTags").collect();
    ensure!(creates.is_empty(), "{creates:?}");
    let aws = clients(rig.emulator.url()).await;
    let claims = claims::read(&aws, INSTALLATION).await?;
    ensure!(claims.len() == 1, "the claim of the lost is struck: {claims:?}");
    Ok(())
}

/// A controller that finds out in no time.
fn quick(rig: &secureml_rig::Rig) -> Result<Process> {
    rig.start_controller(&[
        "controller",
        "--installation",
        INSTALLATION,
        "--claim-wait-seconds",
        "10",
    ])
}

#[tokio::test]
async fn who_cannot_read_the_claims_writes_nothing_and_says_what_is_missing() -> Result<()> {
    let rig = cluster().await?;
    let denied = rig.proxy.add(Rule::on("ssm:GetParametersByPath", Fault::AccessDenied));
    // The answer to the first claim is lost: it is the same claim that is found then.
    rig.proxy.add(Rule::on("ssm:PutParameter", Fault::ResetAfter).nth(1));
    let manifest = file(&rig, PROJECT)?;
    let mut controller = quick(&rig)?;
    kubectl(&rig)?.kubectl_text(&["apply", "-f", &manifest]).await?;
    let seen = Watched::new(kubectl(&rig)?, "churn").await?;
    let told = says(&seen, "ClaimUnread", SOON).await?;
    ensure!(told.contains("ssm:GetParametersByPath"), "{told}");
    ensure!(rig.proxy.calls().writes().is_empty());
    denied.remove();
    ready(&seen, SOON).await.with_context(|| controller.tail())?;

    // The next leader of the same cluster goes on at once, and nobody else's claim is left.
    controller.kill()?;
    let again = quick(&rig)?;
    let there = clients(rig.emulator.url()).await;
    eventually("one claim is left", SOON, || async {
        Ok(claims::read(&there, INSTALLATION).await?.len() == 1)
    })
    .await
    .with_context(|| again.tail())
}
