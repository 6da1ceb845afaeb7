//! What tests do behind the product's back, straight at the emulator.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use aws_config::SdkConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use secureml::api::SecureMLProject;
use secureml_rig::proxy::{Call, Calls, Mark};
use secureml_rig::{ControlPlane, Process, Proxy, REGION, Rig};

/// A project that is looked at often, and declares nothing beside.
pub const PROJECT: &str = "
apiVersion: secureml.dev/v1alpha1
kind: SecureMLProject
metadata:
  name: churn
spec:
  environmentType: dev
  drift:
    intervalSeconds: 10
";

/// An EC2 client that the proxy does not see.
pub fn ec2(rig: &Rig) -> aws_sdk_ec2::Client {
    aws_sdk_ec2::Client::new(&past_the_proxy(rig))
}

/// A client of Elastic Load Balancing that the proxy does not see.
pub fn load_balancers(rig: &Rig) -> aws_sdk_elasticloadbalancingv2::Client {
    aws_sdk_elasticloadbalancingv2::Client::new(&past_the_proxy(rig))
}

fn past_the_proxy(rig: &Rig) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(rig.emulator.url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new(REGION))
        .build()
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

/// The manifest of a project called `name`.
pub fn called(name: &str) -> String {
    PROJECT.replace("name: churn", &format!("name: {name}"))
}

/// Applies `manifest` to the rig's cluster.
pub async fn apply(rig: &Rig, manifest: &str) -> Result<()> {
    let manifest = file(rig, manifest)?;
    kubectl(rig)?.kubectl_text(&["apply", "-f", &manifest]).await?;
    Ok(())
}

/// The calls since `mark` that changed anything of projects: claims on the installation are left out.
pub fn writes(proxy: &Proxy, mark: Mark) -> Calls {
    let is_claim = |call: &Call| call.text().contains("/secureml/installations/");
    let writes = proxy.calls_since(mark).writes().into_iter();
    writes.filter(|call| !is_claim(call)).collect()
}

/// The number that the variable `name` of the environment holds; `otherwise` where it is not set.
pub fn number(name: &str, otherwise: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name}={text} is not a number")),
        Err(_) => Ok(otherwise),
    }
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

/// The one project of a cluster, and what is told about it.
pub struct Watched {
    projects: Api<SecureMLProject>,
    events: Api<Event>,
    name: String,
}

impl Watched {
    /// The project `name` of `cluster`, in the namespace `default`.
    pub async fn new(cluster: &ControlPlane, name: &str) -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig())?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let client = kube::Client::try_from(config)?;
        Ok(Self {
            projects: Api::default_namespaced(client.clone()),
            events: Api::default_namespaced(client),
            name: name.to_owned(),
        })
    }

    /// The project as it is now.
    pub async fn project(&self) -> Result<SecureMLProject> {
        Ok(self.projects.get(&self.name).await?)
    }

    /// What the events with `reason` say.
    pub async fn notes(&self, reason: &str) -> Result<Vec<String>> {
        let events = self.events.list(&kube::api::ListParams::default()).await?;
        let told = events
            .into_iter()
            .filter(|event| event.reason.as_deref() == Some(reason));
        Ok(told.filter_map(|event| event.note).collect())
    }

    /// A text that any write to the project or its events changes.
    pub async fn versions(&self) -> Result<String> {
        let events = self.events.list(&kube::api::ListParams::default()).await?;
        let mut versions: Vec<_> = events
            .into_iter()
            .map(|event| event.metadata.resource_version)
            .collect();
        versions.push(self.project().await?.metadata.resource_version);
        Ok(format!("{versions:?}"))
    }

    /// The condition `type_`, if it is of the present generation.
    async fn current(&self, type_: &str) -> Result<Option<Condition>> {
        let project = self.project().await?;
        let mut conditions = project.status.unwrap_or_default().conditions.into_iter();
        let found = conditions.find(|condition| condition.type_ == type_);
        Ok(found.filter(|condition| condition.observed_generation == project.metadata.generation))
    }

    /// Whether the condition `type_` holds, of the present generation.
    pub async fn is_current(&self, type_: &str) -> Result<bool> {
        let current = self.current(type_).await?;
        Ok(current.is_some_and(|condition| condition.status == "True"))
    }

    /// Whether the project is as declared now, by what was seen of its present generation; else, why not.
    pub async fn ready(&self) -> Result<std::result::Result<(), String>> {
        Ok(match self.current("Ready").await? {
            Some(ready) if ready.status == "True" => Ok(()),
            Some(ready) => Err(format!("{}: {}", ready.reason, ready.message)),
            None => Err("not looked at yet".to_owned()),
        })
    }
}
