//! The controller: watches `SecureMLProject`s and keeps AWS as they declare.

mod adoption;
mod brake;
mod claims;
pub(crate) mod cluster;
mod conditions;
mod context;
mod definition;
mod drift;
mod events;
mod guardrails;
mod hold;
mod lease;
mod patch;
mod pause;
mod phrases;
mod reconcile;
pub mod removal;
pub mod status;
mod unreadable;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::Args;
use futures::StreamExt;
use jiff::SignedDuration;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Config, Error};
use kube::runtime::{Controller, Predicate, PredicateConfig, WatchStreamExt, predicates, reflector, watcher};
use kube::{Api, Client};

use self::claims::Claims;
pub use self::claims::{Withheld, unread as claims_unread, withheld};
use self::context::{Adopters, Care};
pub use self::guardrails::broken as broken_controls;
pub use self::hold::Hold;
use self::lease::Leadership;
use crate::api::SecureMLProject;
use crate::aws::{Aws, Share, describe_account};
use crate::engine::{Limits, Permit, VISIBLE_WITHIN};

/// How the controller runs.
#[derive(Debug, Args)]
pub struct Options {
    /// The name under which this installation owns AWS resources. It is written in their tags: keep it when the
    /// cluster is rebuilt, and give each cluster that shares an account a name of its own.
    #[arg(long, env = "SECUREML_INSTALLATION", value_parser = crate::model::installation)]
    installation: String,
    /// What tells this cluster from others that claim the same installation; by default the uid of its namespace
    /// kube-system. Letters, digits and `.`, `_`, `-`.
    #[arg(long, env = "SECUREML_CLUSTER_ID", value_parser = name)]
    cluster_id: Option<String>,
    /// How many seconds another controller that claims the same installation has to answer before it counts as gone. A
    /// new cluster that replaces a lost one waits that long before it changes anything.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(10..=86_400))]
    claim_wait_seconds: u64,
    /// How many projects are reconciled at once.
    #[arg(long, default_value_t = 8)]
    concurrency: u16,
    /// The share of AWS's published request limits that may be used, above 0 and at most 1; the rest is left to others in
    /// the account. `none`: no client-side rate limit.
    #[arg(long, env = "SECUREML_AWS_RATE_SHARE", default_value = "0.5")]
    aws_rate_share: Share,
    /// How many seconds AWS's lists may take to show what was just created. A create call whose answer was lost is not
    /// retried before.
    #[arg(long, default_value_t = VISIBLE_WITHIN.as_secs())]
    visible_within_seconds: u64,
    /// The longest pause of a project, such as `24h`; `0s`: none.
    #[arg(long, env = "SECUREML_LONGEST_PAUSE", default_value = "24h")]
    longest_pause: SignedDuration,
    /// The share of all projects, from 0 to 1, that may change within one sweep without a change of their specs; if more
    /// would, none is changed until somebody releases them. 1: no limit.
    #[arg(long, env = "SECUREML_BRAKE_SHARE", default_value = "0.2", value_parser = share)]
    brake_share: f64,
    /// The number of such projects below which the share does not matter.
    #[arg(long, env = "SECUREML_BRAKE_LEAST", default_value_t = 5)]
    brake_least: usize,
    /// The namespaces whose projects may adopt existing resources (`spec.adopt`), separated by commas; `*`: all. Whoever
    /// adopts a resource controls it: by default none may.
    #[arg(long, env = "SECUREML_ADOPT_FROM", value_delimiter = ',', value_name = "NAMESPACE")]
    adopt_from: Vec<String>,
    /// Elect a leader among the replicas of this installation by a lease, so that only one works at a time.
    #[arg(long)]
    leader_elect: bool,
    /// The namespace of the lease.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    lease_namespace: String,
    /// What tells this replica from the others; by default its host name and process id.
    #[arg(long, env = "POD_NAME")]
    identity: Option<String>,
}

/// Runs the controller until it is told to stop.
///
/// # Errors
/// When the cluster or AWS cannot be reached at the start.
pub async fn run(options: Options) -> Result<()> {
    let client = cluster::connect().await?;
    let cluster = match options.cluster_id {
        Some(id) => id,
        None => claims::cluster_id(&client).await?,
    };
    let aws = Arc::new(Aws::from_env(options.aws_rate_share).await?);
    let account = describe_account(&aws).await;
    let account = account.map_err(|failure| anyhow!("cannot look at the AWS account: {}", failure.sentence()))?;
    tracing::info!(
        installation = options.installation,
        cluster,
        account = account.id,
        region = account.region,
        "secureml controller started"
    );
    let lease = if options.leader_elect {
        Permit::leased()
    } else {
        Permit::always()
    };
    let mut claims = Claims::new(
        Arc::clone(&aws),
        &options.installation,
        cluster,
        account.clone(),
        Duration::from_secs(options.claim_wait_seconds),
        lease.clone(),
    );
    let context = context::Context::new(
        client.clone(),
        aws,
        account,
        &options.installation,
        Duration::from_secs(options.visible_within_seconds),
        Care {
            longest_pause: options.longest_pause,
            limits: Limits {
                share: options.brake_share,
                least: options.brake_least,
            },
            adopters: Adopters::new(options.adopt_from),
        },
        (claims.leave(), claims.permit()),
    );
    if !options.leader_elect {
        work(client, context, &mut claims, options.concurrency).await;
        return Ok(());
    }
    let identity = options.identity.unwrap_or_else(own_name);
    let leadership = Leadership::new(
        client.clone(),
        &options.lease_namespace,
        &options.installation,
        identity,
        lease,
    );
    tokio::select! {
        () = leadership.acquire() => {}
        () = stop() => return Ok(()),
    }
    let kept = tokio::select! {
        () = work(client, context, &mut claims, options.concurrency) => Ok(()),
        lost = leadership.keep() => lost,
    };
    leadership.release().await;
    kept
}

/// Keeps the claim, and works on every project, until the process is told to stop.
async fn work(client: Client, context: context::Context, claims: &mut Claims, concurrency: u16) {
    // Who is alone knows it before the first project is looked at.
    tokio::select! {
        () = claims.settle() => {}
        () = stop() => return,
    }
    tokio::select! {
        () = watch(client, context, concurrency) => {}
        () = claims.keep() => {}
    }
}

/// Works on every project until the process is told to stop.
async fn watch(client: Client, context: context::Context, concurrency: u16) {
    // One that cannot be read is no reason to see none.
    let projects: Api<DeserializeGuard<SecureMLProject>> = Api::all(client.clone());
    let (reader, writer) = reflector::store();
    let context = Arc::new(context.with_fleet(reader.clone()));
    // What only our own status writes change is no news.
    let news = predicates::generation
        .combine(predicates::finalizers)
        .combine(predicates::annotations);
    let changes = watcher(projects, watcher::Config::default().any_semantic())
        .default_backoff()
        .filter_map(unreadable::skip(client))
        .reflect(writer)
        .touched_objects()
        .predicate_filter(news, PredicateConfig::default());
    Controller::for_stream(changes, reader)
        .with_config(Config::default().concurrency(concurrency))
        .reconcile_all_on(context.leave.changes())
        .graceful_shutdown_on(stop())
        .run(reconcile::reconcile, reconcile::error_policy, context)
        .for_each(|result| async move {
            match result {
                Err(Error::QueueError(error)) => {
                    tracing::warn!("SecureMLProjects cannot be watched: {}", unwatched(&error))
                }
                Err(error) => tracing::debug!(%error, "reconcile"),
                Ok(_) => {}
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

/// `text` as a part of the names of leases and parameters.
fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
        return Err("takes 1 to 64 letters, digits and . _ -".to_owned());
    }
    Ok(text.to_owned())
}

/// Why nothing is heard of the projects. It is tried again and again.
fn unwatched(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => cluster::explain(error),
        other => other.to_string(),
    }
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
