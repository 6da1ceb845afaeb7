//! What is wrong with one project is no other project's trouble.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::types::Filter;
use secureml_rig::{ControlPlane, Process, Rig};

use crate::world::{Watched, apply, called, cluster, controller, define, ec2, eventually, file, kubectl};

/// How long the controller may take for anything.
const SOON: Duration = Duration::from_secs(120);
/// Lets drift.mode be anything, as a definition may that knows more than this version does.
const LOOSE: &str = r#"[{"op": "remove", "path":
    "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/drift/properties/mode/enum"}]"#;

/// Stores a project that this version cannot read: while the definition allowed it.
pub async fn store_unreadable(rig: &Rig, name: &str) -> Result<()> {
    let kube = kubectl(rig)?;
    let definition = "crd/securemlprojects.secureml.dev";
    kube.kubectl_text(&["patch", definition, "--type=json", "-p", LOOSE])
        .await?;
    let manifest = called(name) + "    mode: Repair\n";
    eventually("the looser definition is in force", SOON, || async {
        Ok(apply(rig, &manifest).await.is_ok())
    })
    .await?;
    define(kube).await?;
    let refused = file(rig, &(called("other") + "    mode: Repair\n"))?;
    eventually("the definition is in force again", SOON, || async {
        let tried = kube.kubectl(&["apply", "--dry-run=server", "-f", &refused]).await?;
        Ok(!tried.status.success())
    })
    .await
}

/// The ids of the VPCs of the project `name`.
async fn vpcs(rig: &Rig, name: &str) -> Result<Vec<String>> {
    let owner = Filter::builder()
        .name("tag:secureml.dev/owner")
        .values(format!("test/default/{name}"));
    let found = ec2(rig).describe_vpcs().filters(owner.build()).send().await?;
    let ids = found.vpcs().iter().filter_map(|vpc| vpc.vpc_id.clone());
    Ok(ids.collect())
}

/// Opens the network of `vpc`, which is to be closed again.
async fn drifts_and_is_corrected(rig: &Rig, vpc: &str) -> Result<()> {
    let aws = ec2(rig);
    let made = aws.create_internet_gateway().send().await?;
    let gateway = made.internet_gateway.and_then(|gateway| gateway.internet_gateway_id);
    let gateway = gateway.context("no gateway")?;
    let attach = aws.attach_internet_gateway().vpc_id(vpc);
    attach.internet_gateway_id(&gateway).send().await?;
    eventually("the gateway is detached", SOON, || async {
        let found = aws.describe_internet_gateways().internet_gateway_ids(&gateway);
        let found = found.send().await?;
        Ok(found
            .internet_gateways()
            .iter()
            .all(|gateway| gateway.attachments().is_empty()))
    })
    .await
}

async fn becomes_ready(kube: &ControlPlane, name: &str, controller: &Process) -> Result<()> {
    let project = Watched::new(kube, name).await?;
    eventually(&format!("{name} is ready"), SOON, || async {
        Ok(project.ready().await?.is_ok())
    })
    .await
    .with_context(|| controller.tail())
}

/// What the conditions and events of the project `name` say.
async fn described(kube: &ControlPlane, name: &str) -> Result<String> {
    kube.kubectl_text(&["describe", "smlp", name]).await
}

#[tokio::test]
async fn a_project_that_cannot_be_read_is_skipped_alone() -> Result<()> {
    let rig = cluster().await?;
    let kube = kubectl(&rig)?;
    store_unreadable(&rig, "strange").await?;
    apply(&rig, &called("sound")).await?;
    let controller = controller(&rig)?;
    becomes_ready(kube, "sound", &controller).await?;
    let vpc = vpcs(&rig, "sound").await?.pop().context("no VPC")?;
    drifts_and_is_corrected(&rig, &vpc).await?;

    // It says itself what is the matter, once.
    eventually("it is told", SOON, || async {
        let said = described(kube, "strange").await?;
        Ok(said.contains("spec.drift.mode: unknown variant `Repair`") && said.contains("Unreadable"))
    })
    .await
    .with_context(|| controller.tail())?;
    let wait = ["wait", "--for=condition=Stalled", "smlp/strange", "--timeout=60s"];
    kube.kubectl_text(&wait).await?;
    ensure!(controller.log().contains("spec.drift.mode"), "{}", controller.tail());
    ensure!(vpcs(&rig, "strange").await?.is_empty(), "nothing is made of it");

    // Mended, it is kept like any other.
    apply(&rig, &(called("strange") + "    mode: Enforce\n")).await?;
    becomes_ready(kube, "strange", &controller).await?;
    ensure!(vpcs(&rig, "strange").await?.len() == 1);
    Ok(())
}

#[tokio::test]
async fn a_project_that_becomes_unreadable_is_left_as_it_stands() -> Result<()> {
    let rig = cluster().await?;
    let kube = kubectl(&rig)?;
    let controller = controller(&rig)?;
    apply(&rig, &called("strange")).await?;
    becomes_ready(kube, "strange", &controller).await?;
    let before = vpcs(&rig, "strange").await?;
    store_unreadable(&rig, "strange").await?;
    eventually("it is told", SOON, || async {
        Ok(described(kube, "strange")
            .await?
            .contains("spec.drift.mode: unknown variant `Repair`"))
    })
    .await
    .with_context(|| controller.tail())?;
    // Others go on, by the same watch.
    apply(&rig, &called("sound")).await?;
    becomes_ready(kube, "sound", &controller).await?;
    ensure!(vpcs(&rig, "strange").await? == before, "what it has stays");
    Ok(())
}

#[tokio::test]
async fn a_spec_that_cannot_be_built_holds_up_nobody_else() -> Result<()> {
    let rig = cluster().await?;
    let kube = kubectl(&rig)?;
    let controller = controller(&rig)?;
    // Of the two, the one at fault comes first.
    let machine = "  notebooks: [{name: ana, ownerEmail: ana@example.com, instanceType: ml.p4d.24xlarge}]\n  drift:";
    apply(&rig, &called("faulty").replace("  drift:", machine)).await?;
    let wait = ["wait", "--for=condition=Stalled", "smlp/faulty", "--timeout=60s"];
    kube.kubectl_text(&wait).await?;
    apply(&rig, &called("sound")).await?;
    becomes_ready(kube, "sound", &controller).await?;
    let vpc = vpcs(&rig, "sound").await?.pop().context("no VPC")?;
    drifts_and_is_corrected(&rig, &vpc).await?;
    let faulty = Watched::new(kube, "faulty").await?;
    let why = faulty.ready().await?.err().unwrap_or_default();
    ensure!(why.starts_with("InvalidSpec: spec.notebooks[0].instanceType"), "{why}");
    ensure!(vpcs(&rig, "faulty").await?.is_empty());
    Ok(())
}
