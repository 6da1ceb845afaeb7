//! A change that AWS accepts and that does not stay, because somebody turns it back each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::types::{AttributeBooleanValue, VpcAttributeName};

use crate::world::{PROJECT, Watched, cluster, controller, ec2, eventually, file, kubectl};

/// How long the controller may take for anything.
const SOON: Duration = Duration::from_secs(180);

#[tokio::test]
async fn what_is_turned_back_each_time_is_left_alone_for_a_while_and_told() -> Result<()> {
    let rig = cluster().await?;
    let controller = controller(&rig)?;
    let kube = kubectl(&rig)?;
    kube.kubectl_text(&["apply", "-f", &file(&rig, PROJECT)?]).await?;
    let seen = Watched::new(kube, "churn").await?;
    eventually("it is ready", SOON, || async { Ok(seen.ready().await?.is_ok()) }).await?;
    let status = seen.project().await?.status.unwrap_or_default();
    let vpc = status.outputs.get("vpcId").cloned().context("no VPC")?;

    // Somebody's script turns the DNS of the VPC off as soon as it is on.
    let goes_on = Arc::new(AtomicBool::new(true));
    let script = {
        let (aws, vpc, goes_on) = (ec2(&rig), vpc.clone(), Arc::clone(&goes_on));
        tokio::spawn(async move {
            while goes_on.load(Ordering::Relaxed) {
                let off = AttributeBooleanValue::builder().value(false).build();
                let modify = aws.modify_vpc_attribute().vpc_id(&vpc).enable_dns_support(off);
                modify.send().await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            anyhow::Ok(())
        })
    };
    let mark = rig.proxy.mark();
    eventually("it is told that it does not stay", SOON, || async {
        let why = seen.ready().await?.err().unwrap_or_default();
        Ok(why.starts_with("DoesNotStay: Vpc/main") && why.contains("CloudTrail"))
    })
    .await
    .with_context(|| controller.tail())?;
    ensure!(seen.is_current("Stalled").await?, "somebody has to look");
    let changes = || rig.proxy.calls_since(mark).named("ec2:ModifyVpcAttribute").len();
    ensure!(changes() >= 3, "the first corrections are made at once");
    eventually("an event says so", SOON, || async {
        let told = seen.notes("DoesNotStay").await?;
        let words = "times, and it does not stay: differs from the spec in: dnsSupport";
        Ok(told.iter().any(|note| note.contains(words)))
    })
    .await?;
    // It is tried again all the same.
    let before = changes();
    eventually("it is tried again", SOON, || async { Ok(changes() > before) }).await?;

    goes_on.store(false, Ordering::Relaxed);
    script.await??;
    eventually("it is corrected", SOON, || async {
        let asked = ec2(&rig);
        let asked = asked.describe_vpc_attribute().vpc_id(&vpc);
        let found = asked.attribute(VpcAttributeName::EnableDnsSupport).send().await?;
        Ok(found.enable_dns_support.and_then(|support| support.value) == Some(true) && seen.ready().await?.is_ok())
    })
    .await
    .with_context(|| controller.tail())
}
