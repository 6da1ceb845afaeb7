//! What keeps an environment from being deleted is named, and left alone.

use anyhow::{Context, Result, ensure};
use secureml::model::Owner;

use super::{SOON, ready, says};
use crate::environment::{INSTALLATION, clients, observe};
use crate::tamper::network::foreign_group;
use crate::world::{PROJECT, Watched, cluster, controller, eventually, file, kubectl};

#[tokio::test]
async fn what_holds_a_network_is_named_and_left_alone() -> Result<()> {
    let rig = cluster().await?;
    let kube = kubectl(&rig)?;
    let controller = controller(&rig)?;
    kube.kubectl_text(&["apply", "-f", &file(&rig, PROJECT)?]).await?;
    let seen = Watched::new(kube, "churn").await?;
    ready(&seen, SOON).await?;
    let aws = clients(rig.emulator.url()).await;
    let ec2 = &aws.ec2;
    let objects = observe(&aws, &Owner::new(INSTALLATION, "default", "churn")).await?;
    let vpc = &objects["Vpc/main"].id;
    let mut subnets = objects.iter().filter(|(node, _)| node.starts_with("Subnet/"));
    let (node, subnet) = subnets.next().context("no subnet")?;

    // Somebody has a group of their own in the network, and a machine's interface.
    let group = foreign_group(ec2, vpc).await?;
    let made = ec2.create_network_interface().subnet_id(&subnet.id).groups(&group);
    let made = made.description("the database of team risk").send().await?;
    let interface = made
        .network_interface
        .and_then(|made| made.network_interface_id)
        .context("no interface")?;
    let mark = rig.proxy.mark();
    kube.kubectl_text(&["delete", "smlp", "churn", "--wait=false"]).await?;
    let told = says(&seen, "DeletionBlocked", SOON)
        .await
        .with_context(|| controller.tail())?;
    for part in [
        node.as_str(),
        &interface,
        "the database of team risk",
        "refused since",
        "remove what does",
    ] {
        ensure!(told.contains(part), "{part} is not told: {told}");
    }
    ensure!(seen.is_current("Stalled").await?);
    let events = seen.notes("DeletionBlocked").await?;
    ensure!(events.iter().any(|note| note.contains(&interface)), "{events:?}");
    let status = seen.project().await?.status.unwrap_or_default();
    let held = status
        .resources
        .iter()
        .find(|resource| resource.node == *node)
        .context("no status")?;
    ensure!(held.held_since.is_some() && held.held_by.len() == 1, "{held:?}");
    ensure!(held.held_by[0].id == interface && !held.held_by[0].passes, "{held:?}");

    // The interface goes: what holds the VPC now is the group.
    ec2.delete_network_interface()
        .network_interface_id(&interface)
        .send()
        .await?;
    eventually("the group is named", SOON, || async {
        let why = seen.ready().await?.err().unwrap_or_default();
        Ok(why.contains("Vpc/main") && why.contains(&group) && why.contains("foreign"))
    })
    .await
    .with_context(|| controller.tail())?;
    let still = ec2.describe_security_groups().group_ids(&group).send().await?;
    ensure!(still.security_groups().len() == 1, "it is left alone");
    ec2.delete_security_group().group_id(&group).send().await?;
    eventually("the project is gone", SOON, || async {
        let left = kube.kubectl_text(&["get", "smlp", "-o", "name"]).await?;
        Ok(left.trim().is_empty())
    })
    .await
    .with_context(|| controller.tail())?;
    let calls = rig.proxy.calls_since(mark);
    crate::permissions::declared(&calls)
}
