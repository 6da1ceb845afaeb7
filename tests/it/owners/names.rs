//! Two installations that want the same names.

use anyhow::{Result, ensure};
use secureml::model::Owner;

use super::{Beside, SOON, ready, says};
use crate::environment::{INSTALLATION, clients, observe};
use crate::world::{PROJECT, Watched, cluster, controller, file, kubectl, writes};

#[tokio::test]
async fn nothing_is_begun_while_another_installation_has_the_names() -> Result<()> {
    let mut rig = cluster().await?;
    let _controller = controller(&rig)?;
    let manifest = file(&rig, PROJECT)?;
    kubectl(&rig)?.kubectl_text(&["apply", "-f", &manifest]).await?;
    let standing = Watched::new(kubectl(&rig)?, "churn").await?;
    ready(&standing, SOON).await?;
    let aws = clients(rig.emulator.url()).await;
    let owner = Owner::new(INSTALLATION, "default", "churn");
    let before = observe(&aws, &owner).await?;
    let mark = rig.proxy.mark();

    let mut beside = Beside::new(&rig).await?;
    let _other = beside.controller(&mut rig, &["controller", "--installation", "other"])?;
    beside.cluster.kubectl_text(&["apply", "-f", &manifest]).await?;
    let seen = Watched::new(&beside.cluster, "churn").await?;
    let message = says(&seen, "NeedsDecision", SOON).await?;
    for taken in ["IamRole/", "KmsKey/", "LogGroup/", "IamPolicy/"] {
        ensure!(message.contains(taken), "{taken} is not named: {message}");
    }
    ensure!(message.contains("belongs to test/default/churn"), "{message}");
    let status = seen.project().await?.status.unwrap_or_default();
    let vpc = status.resources.iter().find(|resource| resource.node == "Vpc/main");
    let problem = vpc.and_then(|vpc| vpc.problem.clone()).unwrap_or_default();
    ensure!(problem.contains("nothing of the project is created"), "{problem}");
    let others = beside.proxy.calls().writes().into_iter();
    let others: Vec<String> = others
        .filter(|call| !call.text().contains("/installations/other"))
        .map(|call| call.name)
        .collect();
    ensure!(others.is_empty(), "{others:?}");

    // Nobody disturbs whoever was there first.
    ready(&standing, SOON).await?;
    let written = writes(&rig.proxy, mark);
    ensure!(written.is_empty(), "{}", written.table());
    ensure!(observe(&aws, &owner).await? == before);
    Ok(())
}
