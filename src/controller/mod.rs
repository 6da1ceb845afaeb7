//! The controller: watches `SecureMLProject`s and keeps AWS as they declare.

mod adoption;
mod brake;
mod context;
mod guardrails;
mod hold;
mod lease;
mod pause;
mod reconcile;
mod status;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use futures::StreamExt;
use jiff::SignedDuration;
use kube::runtime::controller::Config;
use kube::runtime::{Controller, Predicate, PredicateConfig, WatchStreamExt, predicates, reflector, watcher};
use kube::{Api, Client};

use self::context::Care;
use self::lease::Leadership;
use crate::api::SecureMLProject;
use crate::aws::Share;
use crate::engine::{Limits, Permit, VISIBLE_WITHIN};

/// How the controller runs.
#[derive(Debug, Args)]
pub struct Options {
    /// The name under which this installation owns AWS resources. It is written in their tags: keep it when the
    /// cluster is rebuilt, and give each cluster that shares an account its own.
    #[arg(long, env = "SECUREML_INSTALLATION")]
    installation: String,
    /// How many projects are worked on at once.
    #[arg(long, default_value_t = 8)]
    concurrency: u16,
    /// How much of AWS's published request limits may be used, above 0 and at most 1; the rest is left to others in the
    /// account. `none`: no pace of our own.
    #[arg(long, env = "SECUREML_AWS_RATE_SHARE", default_value = "0.5")]
    aws_rate_share: Share,
    /// How many seconds AWS's lists may take to show what was just made. A creation whose answer was lost is not tried
    /// again before.
    #[arg(long, default_value_t = VISIBLE_WITHIN.as_secs())]
    visible_within_seconds: u64,
    /// How long a project may be paused at the longest, such as `24h`; `0s`: not at all.
    #[arg(long, env = "SECUREML_LONGEST_PAUSE", default_value = "24h")]
    longest_pause: SignedDuration,
    /// Of which share of all projects changes that nobody declared go through within one sweep, from 0 to 1; if there are
    /// more, none is changed until somebody has looked. 1: all.
    #[arg(long, env = "SECUREML_BRAKE_SHARE", default_value = "0.2", value_parser = share)]
    brake_share: f64,
    /// The least number of projects with such changes at which that holds.
    #[arg(long, env = "SECUREML_BRAKE_LEAST", default_value_t = 5)]
    brake_least: usize,
    /// Contend for a lease with other replicas of this installation, of which only one works at a time.
    #[arg(long)]
    leader_elect: bool,
    /// The namespace of the lease.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    lease_namespace: String,
    /// What tells this replica from the others; its host name and process id unless given.
    #[arg(long, env = "POD_NAME")]
    identity: Option<String>,
}

/// Runs the controller until it is told to stop.
///
/// # Errors
/// When the cluster or AWS cannot be reached at the start.
pub async fn run(options: Options) -> Result<()> {
    let client = Client::try_default()
        .await
        .context("cannot reach the Kubernetes API server")?;
    let permit = if options.leader_elect {
        Permit::leased()
    } else {
        Permit::always()
    };
    let context = context::Context::new(
        client.clone(),
        &options.installation,
        options.aws_rate_share,
        Duration::from_secs(options.visible_within_seconds),
        permit.clone(),
        Care {
            longest_pause: options.longest_pause,
            limits: Limits {
                share: options.brake_share,
                least: options.brake_least,
            },
        },
    )
    .await?;
    tracing::info!(
        installation = options.installation,
        account = context.account.id,
        region = context.account.region,
        "secureml controller started"
    );
    if !options.leader_elect {
        watch(client, context, options.concurrency).await;
        return Ok(());
    }
    let identity = options.identity.unwrap_or_else(own_name);
    let leadership = Leadership::new(
        client.clone(),
        &options.lease_namespace,
        &options.installation,
        identity,
        permit,
    );
    tokio::select! {
        () = leadership.acquire() => {}
        () = stop() => return Ok(()),
    }
    let kept = tokio::select! {
        () = watch(client, context, options.concurrency) => Ok(()),
        lost = leadership.keep() => lost,
    };
    leadership.release().await;
    kept
}

/// Works on every project until the process is told to stop.
async fn watch(client: Client, context: context::Context, concurrency: u16) {
    let projects: Api<SecureMLProject> = Api::all(client);
    let (reader, writer) = reflector::store();
    let context = Arc::new(context.with_fleet(reader.clone()));
    // What only our own status writes change is no news.
    let news = predicates::generation
        .combine(predicates::finalizers)
        .combine(predicates::annotations);
    let changes = watcher(projects, watcher::Config::default().any_semantic())
        .default_backoff()
        .reflect(writer)
        .applied_objects()
        .predicate_filter(news, PredicateConfig::default());
    Controller::for_stream(changes, reader)
        .with_config(Config::default().concurrency(concurrency))
        .graceful_shutdown_on(stop())
        .run(reconcile::reconcile, reconcile::error_policy, context)
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::debug!(%error, "reconcile");
            }
        })
        .await;
}

/// A share, from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|error| format!("{error}"))?;
    let valid = (0.0..=1.0).contains(&share);
    valid.then_some(share).ok_or_else(|| "must be from 0 to 1".to_owned())
}

fn own_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}

async fn stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
