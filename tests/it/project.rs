//! One project's life on a cluster.

use std::time::Duration;

use anyhow::Result;
use aws_sdk_ec2::types::Filter;
use secureml_rig::proxy::{Calls, Mark};

use crate::world::{PROJECT, cluster, controller, define, ec2, eventually, file, kubectl};

const ENFORCED: &[&str] = &[
    "wait",
    "--for=condition=GuardrailsEnforced",
    "smlp/churn",
    "--timeout=60s",
];
const READY: &[&str] = &["wait", "--for=condition=Ready", "smlp/churn", "--timeout=60s"];

#[tokio::test]
async fn made_kept_and_removed() -> Result<()> {
    let rig = cluster().await?;
    let _controller = controller(&rig)?;
    let kube = kubectl(&rig)?;
    let aws = ec2(&rig);
    kube.kubectl_text(&["apply", "-f", &file(&rig, PROJECT)?]).await?;
    kube.kubectl_text(READY).await?;
    let vpc = kube
        .kubectl_text(&["get", "smlp", "churn", "-o", "jsonpath={.status.outputs.vpcId}"])
        .await?;

    kube.kubectl_text(ENFORCED).await?;

    // A quiet project: two sweeps, no write to AWS, no write to the API server.
    let version = &["get", "smlp", "churn", "-o", "jsonpath={.metadata.resourceVersion}"];
    let before = kube.kubectl_text(version).await?;
    let mark = rig.proxy.mark();
    let sweeps = |calls: &Calls| calls.named("ec2:DescribeVpcs").len() >= 2;
    rig.proxy.until(mark, Duration::from_secs(40), sweeps).await?;
    assert_eq!(rig.proxy.calls_since(mark).writes().len(), 0);
    assert_eq!(kube.kubectl_text(version).await?, before);

    // Somebody opens the network: the gateway is detached and left alone, and an event says so.
    let made = aws.create_internet_gateway().send().await?;
    let gateway = made
        .internet_gateway()
        .and_then(|gateway| gateway.internet_gateway_id())
        .unwrap_or_default();
    aws.attach_internet_gateway()
        .vpc_id(&vpc)
        .internet_gateway_id(gateway)
        .send()
        .await?;
    eventually("the gateway is detached", Duration::from_secs(30), || async {
        let found = aws
            .describe_internet_gateways()
            .internet_gateway_ids(gateway)
            .send()
            .await?;
        Ok(found
            .internet_gateways()
            .iter()
            .all(|gateway| gateway.attachments().is_empty()))
    })
    .await?;
    eventually("an event names the drift", Duration::from_secs(10), || async {
        let events = kube
            .kubectl_text(&["get", "events", "--field-selector", "reason=Drift"])
            .await?;
        Ok(events.contains("corrected: Vpc/main: differs from the spec in: gateways"))
    })
    .await?;

    // The VPC disappears: it returns, once.
    crate::tamper::network::delete_vpc(&aws, &vpc).await?;
    let ours = async || {
        let filter = Filter::builder()
            .name("tag:secureml.dev/owner")
            .values("test/default/churn")
            .build();
        let found = aws.describe_vpcs().filters(filter).send().await?;
        anyhow::Ok(found.vpcs().len())
    };
    eventually("the VPC is back", Duration::from_secs(30), || async {
        Ok(ours().await? == 1)
    })
    .await?;
    kube.kubectl_text(READY).await?;

    kube.kubectl_text(&["delete", "smlp", "churn", "--timeout=60s"]).await?;
    assert_eq!(ours().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_lost_cluster_costs_nothing() -> Result<()> {
    let mut rig = cluster().await?;
    let manifest = file(&rig, PROJECT)?;
    let first = controller(&rig)?;
    kubectl(&rig)?.kubectl_text(&["apply", "-f", &manifest]).await?;
    kubectl(&rig)?.kubectl_text(READY).await?;
    drop(first);

    rig.control_plane = Some(secureml_rig::ControlPlane::start().await?);
    define(kubectl(&rig)?).await?;
    let mark = rig.proxy.mark();
    let _second = controller(&rig)?;
    kubectl(&rig)?.kubectl_text(&["apply", "-f", &manifest]).await?;
    kubectl(&rig)?.kubectl_text(READY).await?;
    let written = crate::world::writes(&rig.proxy, mark);
    assert!(written.is_empty(), "{}", written.table());
    Ok(())
}

#[tokio::test]
async fn what_the_api_server_cannot_see_is_told() -> Result<()> {
    let rig = cluster().await?;
    let _controller = controller(&rig)?;
    let notebook = "  notebooks: [{name: ana, ownerEmail: ana@example.com, instanceType: ml.p4d.24xlarge}]\n  drift:";
    let manifest = PROJECT.replace("  drift:", notebook);
    kubectl(&rig)?
        .kubectl_text(&["apply", "-f", &file(&rig, &manifest)?])
        .await?;
    kubectl(&rig)?
        .kubectl_text(&["wait", "--for=condition=Stalled", "smlp/churn", "--timeout=60s"])
        .await?;
    let why = ["get", "smlp", "churn", "-o", "jsonpath={.status.conditions[0].message}"];
    let why = kubectl(&rig)?.kubectl_text(&why).await?;
    assert!(why.starts_with("spec.notebooks[0].instanceType:"), "{why}");
    let written = crate::world::writes(&rig.proxy, Mark::default());
    assert!(written.is_empty(), "{}", written.table());
    Ok(())
}
