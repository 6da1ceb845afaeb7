//! Pauses the correction of a project in the cluster, in the name of whoever asks.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::say;
use crate::api::{PauseState, PauseWish, SecureMLProject};
use crate::controller::cluster;

/// In whose name the annotations are set: tools that undo what was set by kubectl leave them alone.
const MANAGER: &str = "secureml-pause";
/// How long the controller may take until it says what it thinks of it.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(30);

/// Which project.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The project's name in the cluster of the current kubeconfig.
    name: String,
    /// The namespace; by default that of the kubeconfig, or `default`.
    #[arg(short, long)]
    namespace: Option<String>,
}

/// A pause.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    which: Which,
    /// How long, such as `2h` or `90m`. The controller refuses more than it allows, which is a day by default.
    #[arg(long = "for", value_name = "TIME")]
    time: SignedDuration,
    /// Why, for everybody who reads the status.
    #[arg(long)]
    reason: String,
}

/// Pauses a project. Exit code 0: it is paused, 2: the controller said nothing in time, 1: it refused.
pub(super) async fn pause(options: &Options) -> Result<ExitCode> {
    ensure!(
        options.time.is_positive(),
        "--for must be a time that is to come, such as 2h"
    );
    let (client, api) = connect(&options.which).await?;
    let until = Timestamp::now()
        .checked_add(options.time)
        .context("--for is too long")?;
    let wish = PauseWish {
        until: format!("{until:.0}"),
        by: own_name(client).await?,
        reason: options.reason.trim().to_owned(),
    };
    annotate(
        &api,
        &options.which,
        &wish.annotations().map(|(key, text)| (key, Some(text))),
    )
    .await?;
    let name = &options.which.name;
    let judged = taken_up(&api, name, |status| {
        let pause = status.pause.as_ref().filter(|pause| pause.wish == wish)?;
        Some((pause.state, pause.problem.clone()))
    });
    match judged.await? {
        Some((PauseState::Active, _)) => {
            say(&format!(
                "{name} is paused until {} by {}: nothing is written to AWS; `secureml resume {name}` ends it\n",
                wish.until, wish.by
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Some((_, problem)) => {
            annotate(&api, &options.which, &nothing()).await?;
            Err(anyhow!(
                "{}",
                problem.unwrap_or_else(|| "it was over at once".to_owned())
            ))
            .with_context(|| format!("{name} is not paused"))
        }
        None => {
            eprintln!("asked for, but no controller has taken it up within {TAKEN_UP_WITHIN:?}: is it running?");
            Ok(ExitCode::from(2))
        }
    }
}

/// Takes a pause back. Exit code 0: differences are corrected again, 2: the controller said nothing in time.
pub(super) async fn resume(which: &Which) -> Result<ExitCode> {
    let (_, api) = connect(which).await?;
    annotate(&api, which, &nothing()).await?;
    let name = &which.name;
    let ended = |status: &crate::api::SecureMLProjectStatus| status.active_pause().is_none().then_some(());
    if taken_up(&api, name, ended).await?.is_none() {
        eprintln!("taken back, but no controller has taken it up within {TAKEN_UP_WITHIN:?}: is it running?");
        return Ok(ExitCode::from(2));
    }
    say(&format!("{name} is not paused: differences are corrected\n"))?;
    Ok(ExitCode::SUCCESS)
}

async fn connect(which: &Which) -> Result<(Client, Api<SecureMLProject>)> {
    let client = cluster::connect().await?;
    let namespace = which.namespace.as_deref().unwrap_or(client.default_namespace());
    Ok((client.clone(), Api::namespaced(client.clone(), namespace)))
}

/// Who asks, as the API server knows them.
async fn own_name(client: Client) -> Result<String> {
    let reviews: Api<SelfSubjectReview> = Api::all(client);
    let review = reviews
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await
        .context("the API server does not tell who you are")?;
    let user = review.status.and_then(|status| status.user_info);
    user.and_then(|user| user.username)
        .filter(|name| !name.is_empty())
        .context("the API server does not know your name")
}

fn nothing() -> [(&'static str, Option<&'static str>); 3] {
    [crate::api::PAUSE_UNTIL, crate::api::PAUSE_REASON, crate::api::PAUSE_BY].map(|key| (key, None))
}

async fn annotate(api: &Api<SecureMLProject>, which: &Which, pairs: &[(&str, Option<&str>)]) -> Result<()> {
    let annotations: BTreeMap<&str, Option<&str>> = pairs.iter().copied().collect();
    let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
    let params = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let patched = api.patch(&which.name, &params, &patch).await;
    patched.map_err(|error| {
        anyhow!(
            "cannot annotate the project {}: {}",
            which.name,
            cluster::explain(&error)
        )
    })?;
    Ok(())
}

/// What `ask` finds in the status, as soon as it finds something; nothing when that takes too long.
async fn taken_up<T>(
    api: &Api<SecureMLProject>,
    name: &str,
    ask: impl Fn(&crate::api::SecureMLProjectStatus) -> Option<T>,
) -> Result<Option<T>> {
    let begun = Instant::now();
    while begun.elapsed() < TAKEN_UP_WITHIN {
        let project = api.get(name).await.context("cannot read the project")?;
        if let Some(found) = ask(&project.status.unwrap_or_default()) {
            return Ok(Some(found));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(None)
}
