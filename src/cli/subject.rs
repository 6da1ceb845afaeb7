//! Which project a command is about, and in whose name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;

use super::passes;
use crate::api::{SecureMLProject, check};
use crate::aws::Share;
#[cfg(feature = "controller")]
use crate::controller::cluster;
use crate::model::Owner;

/// A project that is declared in a file.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// The manifest of the project.
    #[arg(short, long)]
    filename: PathBuf,
    #[command(flatten)]
    pub(super) common: Common,
}

/// A project that is declared in a file, or in the cluster.
#[derive(Debug, Args)]
pub(super) struct Subject {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Where a project is declared.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// The project's name in the cluster of the current kubeconfig.
    name: Option<String>,
    /// The manifest of the project.
    #[arg(short, long)]
    filename: Option<PathBuf>,
}

/// In whose name, and how fast.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The namespace; by default that of the manifest or of the kubeconfig, or `default`.
    #[arg(short, long)]
    namespace: Option<String>,
    /// The installation that owns the resources: use the controller's to see what the controller sees.
    #[arg(long, env = "SECUREML_INSTALLATION", default_value = "default", value_parser = crate::model::installation)]
    pub(super) installation: String,
    /// The share of AWS's published request limits that may be used, above 0 and at most 1; the rest is left to others in
    /// the account. `none`: no client-side rate limit.
    #[arg(long, env = "SECUREML_AWS_RATE_SHARE", default_value = "0.5")]
    pub(super) aws_rate_share: Share,
}

impl Target {
    /// The project.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no project that the API server would take.
    pub(super) fn project(&self) -> Result<SecureMLProject> {
        read(&self.filename)
    }
}

impl Subject {
    /// The project.
    ///
    /// # Errors
    /// Those of [`Target::project`]; and when the cluster cannot be reached, or has no such project.
    pub(super) async fn project(&self) -> Result<SecureMLProject> {
        match (&self.source.filename, &self.source.name) {
            (Some(file), _) => read(file),
            (None, Some(name)) => get(name, self.common.namespace.as_deref()).await,
            (None, None) => Err(anyhow!("neither a name nor a file was given")),
        }
    }
}

impl Common {
    /// Whose `project` is.
    pub(super) fn owner(&self, project: &SecureMLProject) -> Owner {
        let namespace = project.metadata.namespace.as_deref().or(self.namespace.as_deref());
        let name = project.metadata.name.as_deref().unwrap_or_default();
        Owner::new(&self.installation, namespace.unwrap_or("default"), name)
    }
}

fn read(file: &Path) -> Result<SecureMLProject> {
    let path = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {path}"))?;
    let refused = || format!("{path} is not a SecureMLProject that can be built");
    let manifest: serde_json::Value = serde_saphyr::from_str(&text).with_context(refused)?;
    let problems = check(&manifest);
    if !problems.is_empty() {
        return Err(anyhow!(passes::list(&problems))).with_context(refused);
    }
    serde_saphyr::from_str(&text).with_context(refused)
}

#[cfg(feature = "controller")]
async fn get(name: &str, namespace: Option<&str>) -> Result<SecureMLProject> {
    let client = cluster::connect().await?;
    let namespace = namespace.unwrap_or(client.default_namespace()).to_owned();
    let projects = kube::Api::<SecureMLProject>::namespaced(client, &namespace);
    projects.get(name).await.map_err(|error| match error {
        kube::Error::Api(status) if status.is_not_found() && status.details.as_ref().is_some_and(|it| it.name == name) => anyhow!(
            "the namespace {namespace} has no SecureMLProject {name}: kubectl get smlp --all-namespaces lists those there are"
        ),
        error => anyhow!("cannot read the project {namespace}/{name}: {}", cluster::explain(&error)),
    })
}

#[cfg(not(feature = "controller"))]
async fn get(_: &str, _: Option<&str>) -> Result<SecureMLProject> {
    Err(anyhow!(
        "this build has no Kubernetes client: give the manifest by --filename"
    ))
}
