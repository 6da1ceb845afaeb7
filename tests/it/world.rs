//! What tests do behind the product's back, straight at the emulator.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use secureml_rig::{ControlPlane, Process, REGION, Rig};

/// An EC2 client that the proxy does not see.
pub fn ec2(rig: &Rig) -> aws_sdk_ec2::Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(rig.emulator.url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new(REGION))
        .build();
    aws_sdk_ec2::Client::from_conf(config)
}

/// A rig with a cluster that knows the product's resources.
pub async fn cluster() -> Result<Rig> {
    let rig = Rig::builder()
        .control_plane(true)
        .binary(env!("CARGO_BIN_EXE_secureml"))
        .start()
        .await?;
    define(kubectl(&rig)?).await?;
    Ok(rig)
}

/// Makes the product's resources known to `cluster`.
pub async fn define(cluster: &ControlPlane) -> Result<()> {
    cluster
        .kubectl_text(&["apply", "-f", concat!(env!("CARGO_MANIFEST_DIR"), "/crds")])
        .await?;
    cluster
        .kubectl_text(&[
            "wait",
            "--for=condition=Established",
            "crd/securemlprojects.secureml.dev",
        ])
        .await?;
    Ok(())
}

/// The rig's cluster.
pub fn kubectl(rig: &Rig) -> Result<&ControlPlane> {
    rig.control_plane.as_ref().context("the rig has no cluster")
}

/// The controller, running.
pub fn controller(rig: &Rig) -> Result<Process> {
    rig.start_controller(&["controller", "--installation", "test"])
}

/// Writes `manifest` to a file of the rig.
pub fn file(rig: &Rig, manifest: &str) -> Result<String> {
    let path = rig.directory().join("project.yaml");
    std::fs::write(&path, manifest)?;
    Ok(path.display().to_string())
}

/// Asks until `condition` holds.
pub async fn eventually<F>(what: &str, within: Duration, mut condition: impl FnMut() -> F) -> Result<()>
where
    F: Future<Output = Result<bool>>,
{
    let begun = Instant::now();
    while !condition().await? {
        if begun.elapsed() > within {
            bail!("not within {within:?}: {what}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}
