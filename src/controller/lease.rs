//! One leader among several replicas, by a Kubernetes lease.
//!
//! The leader may write to AWS for a shorter time after each renewal than the lease lasts, so that it has stopped
//! before another can begin, whatever happens to its connection to the API server.
//! <https://kubernetes.io/docs/concepts/architecture/leases/>

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::engine::Permit;

/// How long a lease lasts that is not renewed.
const LASTS: Duration = Duration::from_secs(15);
/// How long after a renewal the leader may write.
const WRITES: Duration = Duration::from_secs(10);
/// How often it is renewed, and how often others look.
const EVERY: Duration = Duration::from_secs(4);

/// A lease that replicas of one installation contend for.
pub(super) struct Leadership {
    api: Api<Lease>,
    name: String,
    identity: String,
    permit: Permit,
}

impl Leadership {
    pub(super) fn new(client: Client, namespace: &str, installation: &str, identity: String, permit: Permit) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: format!("secureml-{installation}"),
            identity,
            permit,
        }
    }

    /// Waits until this replica leads.
    pub(super) async fn acquire(&self) {
        loop {
            match self.take().await {
                Ok(true) => {
                    tracing::info!(lease = self.name, identity = self.identity, "leading");
                    return;
                }
                Ok(false) => tracing::debug!(lease = self.name, "another replica leads"),
                Err(error) => tracing::warn!(lease = self.name, %error, "the lease could not be looked at"),
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Renews the lease for as long as that works.
    pub(super) async fn keep(&self) -> Result<()> {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(EVERY).await;
            match self.take().await {
                Ok(true) => renewed = Instant::now(),
                Ok(false) => bail!("another replica has taken the lease {}", self.name),
                Err(error) if renewed.elapsed() > WRITES => {
                    return Err(error).with_context(|| format!("the lease {} could not be renewed", self.name));
                }
                Err(error) => tracing::warn!(lease = self.name, %error, "the lease could not be renewed yet"),
            }
        }
    }

    /// Lets another replica lead at once.
    pub(super) async fn release(&self) {
        let Ok(Some(mut lease)) = self.api.get_opt(&self.name).await else {
            return;
        };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_ref() == Some(&self.identity) {
            spec.holder_identity = None;
            if let Err(error) = self.api.replace(&self.name, &PostParams::default(), &lease).await {
                tracing::debug!(%error, "the lease could not be given back");
            }
        }
    }

    /// Takes the lease, or renews it; false when another holds it. The resource version makes it one of several.
    async fn take(&self) -> Result<bool, kube::Error> {
        let asked = Instant::now();
        let now = Timestamp::now();
        let done = match self.api.get_opt(&self.name).await? {
            None => self.api.create(&PostParams::default(), &self.lease(None, now)).await,
            Some(lease) if held_by_another(&lease, &self.identity, now) => return Ok(false),
            Some(lease) => {
                let renewed = self.lease(Some(lease), now);
                self.api.replace(&self.name, &PostParams::default(), &renewed).await
            }
        };
        match done {
            Ok(_) => {
                self.permit.until(asked + WRITES);
                Ok(true)
            }
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn lease(&self, earlier: Option<Lease>, now: Timestamp) -> Lease {
        let (metadata, spec) = earlier.map_or_else(
            || {
                let name = Some(self.name.clone());
                (
                    ObjectMeta {
                        name,
                        ..ObjectMeta::default()
                    },
                    LeaseSpec::default(),
                )
            },
            |lease| (lease.metadata, lease.spec.unwrap_or_default()),
        );
        let ours = spec.holder_identity.as_ref() == Some(&self.identity);
        let transitions = spec.lease_transitions.unwrap_or_default();
        Lease {
            metadata,
            spec: Some(LeaseSpec {
                holder_identity: Some(self.identity.clone()),
                lease_duration_seconds: i32::try_from(LASTS.as_secs()).ok(),
                acquire_time: spec.acquire_time.filter(|_| ours).or(Some(MicroTime(now))),
                renew_time: Some(MicroTime(now)),
                lease_transitions: Some(if ours { transitions } else { transitions + 1 }),
                ..spec
            }),
        }
    }
}

fn held_by_another(lease: &Lease, identity: &str, now: Timestamp) -> bool {
    let Some(spec) = &lease.spec else { return false };
    let another = spec
        .holder_identity
        .as_deref()
        .is_some_and(|holder| holder != identity && !holder.is_empty());
    let lasts = spec.lease_duration_seconds.unwrap_or_default();
    let ended = spec
        .renew_time
        .as_ref()
        .is_none_or(|renewed| now.duration_since(renewed.0).as_secs() > i64::from(lasts));
    another && !ended
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn a_lease_holds_until_it_has_ended() {
        let now = Timestamp::now();
        let of = |holder: Option<&str>, age: i64| Lease {
            spec: Some(LeaseSpec {
                holder_identity: holder.map(str::to_owned),
                lease_duration_seconds: Some(15),
                renew_time: Some(MicroTime(now - age.seconds())),
                ..LeaseSpec::default()
            }),
            ..Lease::default()
        };
        assert!(held_by_another(&of(Some("a"), 10), "b", now));
        assert!(!held_by_another(&of(Some("b"), 10), "b", now), "our own");
        assert!(!held_by_another(&of(Some("a"), 20), "b", now), "ended");
        assert!(!held_by_another(&of(None, 1), "b", now), "given back");
    }
}
