//! One leader among several replicas, by a Kubernetes lease.
//!
//! The leader may write to AWS for a shorter time after each renewal than the lease lasts, so that it has stopped
//! before another can begin, whatever happens to its connection to the API server.
//! <https://kubernetes.io/docs/concepts/architecture/leases/>

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::engine::Permit;

/// How long a lease lasts that is not renewed.
const LASTS: Duration = Duration::from_secs(12);
/// How long after a renewal the leader may write.
const WRITES: Duration = Duration::from_secs(8);
/// How often it is renewed, and how often others look.
const EVERY: Duration = Duration::from_secs(2);

/// A lease that replicas of one installation contend for.
pub(super) struct Leadership {
    api: Api<Lease>,
    name: String,
    identity: String,
    permit: Permit,
    seen: Mutex<Option<Seen>>,
}

/// A version of the lease, and since when this replica has seen no other. Clocks of other nodes tell nothing.
struct Seen {
    version: Option<String>,
    since: Instant,
}

impl Seen {
    /// What is known of `lease`, seen `now`, after `earlier`.
    fn after(earlier: Option<Self>, lease: &Lease, now: Instant) -> Self {
        let version = lease.metadata.resource_version.clone();
        match earlier {
            Some(seen) if seen.version == version => seen,
            _ => Self { version, since: now },
        }
    }

    /// Whether `lease` is another's than `identity`'s, and lasts `now`.
    fn held_by_another(&self, lease: &Lease, identity: &str, now: Instant) -> bool {
        let spec = lease.spec.as_ref();
        let holder = spec
            .and_then(|spec| spec.holder_identity.as_deref())
            .unwrap_or_default();
        let seconds = spec.and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
        let lasts = Duration::from_secs(seconds.try_into().unwrap_or_default());
        !holder.is_empty() && holder != identity && now < self.since + lasts
    }
}

impl Leadership {
    pub(super) fn new(client: Client, namespace: &str, installation: &str, identity: String, permit: Permit) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: format!("secureml-{installation}"),
            identity,
            permit,
            seen: Mutex::default(),
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

    /// Takes the lease, or renews it; false when another holds it. The resource version lets only one of several do so.
    async fn take(&self) -> Result<bool, kube::Error> {
        let asked = Instant::now();
        let now = Timestamp::now();
        let done = match self.api.get_opt(&self.name).await? {
            None => self.api.create(&PostParams::default(), &self.lease(None, now)).await,
            Some(lease) if self.is_held_by_another(&lease, asked) => return Ok(false),
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

    fn is_held_by_another(&self, lease: &Lease, now: Instant) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = Seen::after(seen.take(), lease, now);
        seen.insert(known).held_by_another(lease, &self.identity, now)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: Option<&str>, version: &str) -> Lease {
        Lease {
            metadata: ObjectMeta {
                resource_version: Some(version.to_owned()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: holder.map(str::to_owned),
                lease_duration_seconds: Some(12),
                // Of a node whose clock is wrong.
                renew_time: Some(MicroTime(Timestamp::UNIX_EPOCH)),
                ..LeaseSpec::default()
            }),
        }
    }

    #[test]
    fn a_lease_holds_until_it_was_not_renewed_for_as_long_as_it_lasts() {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let held = lease(Some("a"), "1");
        let first = Seen::after(None, &held, now);
        assert!(first.held_by_another(&held, "b", at(11)));
        assert!(!first.held_by_another(&held, "a", at(11)), "its own");
        assert!(!first.held_by_another(&held, "b", at(12)), "ended");
        let renewed = lease(Some("a"), "2");
        let second = Seen::after(Some(first), &renewed, at(11));
        assert!(second.held_by_another(&renewed, "b", at(22)));
        let again = Seen::after(Some(second), &renewed, at(22));
        assert!(
            !again.held_by_another(&renewed, "b", at(23)),
            "seen since the 11th second"
        );
        let given_back = lease(None, "3");
        assert!(!Seen::after(None, &given_back, now).held_by_another(&given_back, "b", now));
    }
}
