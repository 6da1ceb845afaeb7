//! Who removes the definition of projects does not mean their environments.

use anyhow::{Result, ensure};
use secureml::model::Owner;

use super::{SOON, ready};
use crate::environment::{INSTALLATION, clients, observe};
use crate::world::{PROJECT, Watched, cluster, controller, define, eventually, file, kubectl, writes};

const DEFINITION: &str = "crd/securemlprojects.secureml.dev";

#[tokio::test]
async fn removing_the_definition_deletes_nothing() -> Result<()> {
    let rig = cluster().await?;
    let kube = kubectl(&rig)?;
    let _controller = controller(&rig)?;
    let manifest = file(&rig, PROJECT)?;
    kube.kubectl_text(&["apply", "-f", &manifest]).await?;
    let seen = Watched::new(kube, "churn").await?;
    ready(&seen, SOON).await?;
    let aws = clients(rig.emulator.url()).await;
    let owner = Owner::new(INSTALLATION, "default", "churn");
    let before = observe(&aws, &owner).await?;

    let mark = rig.proxy.mark();
    kube.kubectl_text(&["delete", DEFINITION, "--timeout=120s"]).await?;
    let told = seen.notes("LetGo").await?;
    ensure!(told.len() == 1, "{told:?}");
    ensure!(
        told[0].contains("deletes nothing on AWS") && told[0].contains("test/default/churn"),
        "{told:?}"
    );
    ensure!(observe(&aws, &owner).await? == before);

    // Applied again, everything is taken up as it stands.
    define(kube).await?;
    kube.kubectl_text(&["apply", "-f", &manifest]).await?;
    ready(&seen, SOON).await?;
    let written = writes(&rig.proxy, mark);
    ensure!(written.is_empty(), "{}", written.table());
    ensure!(observe(&aws, &owner).await? == before);

    // And whoever deletes the project means it.
    kube.kubectl_text(&["delete", "smlp", "churn", "--timeout=120s"])
        .await?;
    eventually("the network is gone", SOON, || async {
        Ok(!observe(&aws, &owner).await?.contains_key("Vpc/main"))
    })
    .await
}
