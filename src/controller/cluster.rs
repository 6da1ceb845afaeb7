//! The way to the cluster, and what is said when there is none.

use std::error::Error;

use anyhow::{Context as _, Result, anyhow};
use kube::config::{InferConfigError, KubeconfigError};
use kube::core::Status;
use kube::{Client, Config};

use crate::model::{Words, innermost};

/// What to do when the cluster does not know our resources.
const NOT_DEFINED: &str = "define them: secureml crds | kubectl apply --server-side -f -";

/// A client for the cluster that the kubeconfig names, or in which this runs.
///
/// # Errors
/// When no cluster is configured, or the configuration cannot be used.
pub(crate) async fn connect() -> Result<Client> {
    let config = Config::infer().await.map_err(|error| anyhow!(no_cluster(&error)))?;
    let url = config.cluster_url.to_string();
    Client::try_from(config).with_context(|| format!("the way to the Kubernetes API server at {url} cannot be set up"))
}

fn no_cluster(error: &InferConfigError) -> String {
    let kubeconfig = error.source().and_then(|source| source.downcast_ref());
    let why = match kubeconfig {
        Some(KubeconfigError::ReadConfig(why, path)) => format!("{} cannot be read: {why}", path.display()),
        Some(KubeconfigError::FindPath) | None => "there is no kubeconfig".to_owned(),
        Some(KubeconfigError::CurrentContextNotSet) => "the kubeconfig has no current context".to_owned(),
        Some(other) => format!("the kubeconfig cannot be used: {other}"),
    };
    format!(
        "no Kubernetes cluster to talk to: {}; set KUBECONFIG to a kubeconfig, or run in a pod that has a service account",
        Words::from(why)
    )
}

/// What it means that a request to the API server failed with `error`, and what to do about it.
pub(crate) fn explain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => refused(status),
        kube::Error::Auth(error) => format!(
            "the kubeconfig's credentials cannot be had: {}; log in to the cluster",
            Words::from(innermost(error))
        ),
        other => format!(
            "the Kubernetes API server cannot be reached: {}; check KUBECONFIG and the way to the cluster",
            Words::from(innermost(other))
        ),
    }
}

fn refused(status: &Status) -> String {
    let said = Words::from(status.message.as_str());
    match status.code {
        401 => "the Kubernetes API server does not accept the credentials of the kubeconfig; log in to the cluster"
            .to_owned(),
        // "securemlprojects.secureml.dev "churn" is forbidden: User "ana" cannot get resource …"
        403 => format!("{said}; ask for a role that allows it"),
        404 if status.details.as_ref().is_none_or(|details| details.name.is_empty()) => {
            format!("the cluster does not know SecureMLProjects; {NOT_DEFINED}")
        }
        _ => format!("the Kubernetes API server refused: {said}"),
    }
}
