//! Whether this controller may work in the name of its installation: it keeps its claim among those of others, and tells
//! every project when it may not. The rules are [`crate::engine::claim`]'s.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::{Stream, stream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::watch;

use crate::aws::{Aws, claims};
use crate::engine::claim::{Claimant, Contender, Standing, Write};
use crate::engine::{Failure, Permit};
use crate::model::Account;

/// The reasons of the conditions while nothing may be changed: another may be at work, is, or it cannot be told.
pub(super) const TAKING_OVER: &str = "TakingOver";
pub(super) const TWO_OWNERS: &str = "TwoOwners";
pub(super) const CLAIM_UNREAD: &str = "ClaimUnread";

/// The namespace whose uid tells one cluster from another: every cluster has it, and a rebuilt one another.
const OF_EVERY_CLUSTER: &str = "kube-system";
/// How often it is read again what was just written, and how soon.
const ROUNDS: u32 = 4;
const BETWEEN: Duration = Duration::from_millis(250);

/// Why this controller leaves AWS as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// The reason of the conditions.
    pub reason: &'static str,
    /// In words, with what to do about it.
    pub message: String,
    /// Whether somebody has to do something about it. Then it is said of projects that are as declared, too.
    pub stalls: bool,
}

/// Whether there is a reason to leave AWS as it is.
#[derive(Clone)]
pub(super) struct Leave {
    told: watch::Receiver<Option<Withheld>>,
    permit: Permit,
}

impl Leave {
    /// Why AWS is to be left as it is now, if it is.
    pub(super) fn withheld(&self) -> Option<Withheld> {
        let told = self.told.borrow().clone();
        told.or_else(|| (!self.permit.holds(Instant::now())).then(late))
    }

    /// An item for every change.
    pub(super) fn changes(&self) -> impl Stream<Item = ()> + Send + use<> {
        stream::unfold(self.told.clone(), |mut told| async move {
            told.changed().await.ok()?;
            Some(((), told))
        })
    }
}

/// This controller's claim.
pub(super) struct Claims {
    aws: Arc<Aws>,
    installation: String,
    account: Account,
    contender: Contender,
    /// Lasts while this process leads its cluster.
    lease: Permit,
    /// Lasts while nobody else works in the name of the installation.
    permit: Permit,
    tell: watch::Sender<Option<Withheld>>,
}

impl Claims {
    /// The claim of the controller that leads `cluster` while `lease` lasts. That it is alone is told by the permit that it
    /// hands out. Nothing is written yet.
    pub(super) fn new(
        aws: Arc<Aws>,
        installation: &str,
        cluster: String,
        account: Account,
        wait: Duration,
        lease: Permit,
    ) -> Self {
        let own = Claimant {
            cluster,
            start: stamp(),
        };
        Self {
            aws,
            installation: installation.to_owned(),
            account,
            contender: Contender::new(own, wait),
            lease,
            permit: Permit::leased(),
            tell: watch::Sender::new(Some(late())),
        }
    }

    /// What allows to write to AWS.
    pub(super) fn permit(&self) -> Permit {
        self.lease.and(&self.permit)
    }

    /// What projects are told.
    pub(super) fn leave(&self) -> Leave {
        Leave {
            told: self.tell.subscribe(),
            permit: self.permit.clone(),
        }
    }

    /// Looks and answers, for as long as the controller runs.
    pub(super) async fn keep(&mut self) {
        loop {
            tokio::time::sleep(self.contender.every()).await;
            self.settle().await;
        }
    }

    /// Looks at the claims, writes what has to be written, and tells what follows.
    pub(super) async fn settle(&mut self) {
        let hold = match self.look().await {
            Ok((Standing::Alone, at)) => {
                self.permit.until(at + self.contender.lasts());
                None
            }
            Ok((standing, at)) => {
                self.permit.until(at);
                self.explain(standing)
            }
            Err(failure) => {
                tracing::warn!(%failure, "the claims on the installation could not be looked after");
                if self.permit.holds(Instant::now()) {
                    return;
                }
                Some(unread(&self.installation, &failure))
            }
        };
        self.tell.send_if_modified(|told| {
            let news = *told != hold;
            if news {
                match &hold {
                    Some(hold) => tracing::warn!(reason = hold.reason, "{}", hold.message),
                    None => tracing::info!("alone in the name of the installation"),
                }
                *told = hold;
            }
            news
        });
    }

    /// How we stand, and after the reading of which moment.
    async fn look(&mut self) -> Result<(Standing, Instant), Failure> {
        let mut round = 1;
        loop {
            let at = Instant::now();
            let read = claims::read(&self.aws, &self.installation).await?;
            let writes = self.contender.hear(&read, at, stamp());
            let standing = self.contender.standing(at);
            let rest = writes.is_empty() || round >= ROUNDS;
            for write in writes {
                self.write(write).await?;
            }
            if let Some(standing) = standing.filter(|_| rest) {
                return Ok((standing, at));
            }
            // At once at first; a list may be late to show what was written.
            tokio::time::sleep(BETWEEN * (round - 1)).await;
            round += 1;
        }
    }

    async fn write(&mut self, write: Write) -> Result<(), Failure> {
        // Whoever has lost the lease and does not know it yet is not to be taken for a twin of the cluster.
        if !self.lease.holds(Instant::now()) {
            return Err(Failure::not_permitted("ssm:PutParameter"));
        }
        match write {
            Write::Put(claim) => {
                claims::put(&self.aws, &self.installation, self.contender.own(), &claim).await?;
                self.contender.written(Instant::now());
            }
            Write::Strike(claimant) => {
                claims::strike(&self.aws, &self.installation, &claimant).await?;
                self.contender.struck(&claimant);
            }
        }
        Ok(())
    }

    fn explain(&self, standing: Standing) -> Option<Withheld> {
        let (wait, every) = (self.contender.wait().as_secs(), self.contender.every().as_secs());
        withheld(
            standing,
            self.contender.own(),
            &self.installation,
            &self.account,
            (wait, every),
        )
    }
}

/// Why the controller `own` of `installation` leaves AWS as it is, as it stands among others. They have `wait` seconds to
/// answer, and it looks every `every` seconds.
pub fn withheld(
    standing: Standing,
    own: &Claimant,
    installation: &str,
    account: &Account,
    (wait, every): (u64, u64),
) -> Option<Withheld> {
    let Account { id, region, .. } = account;
    let named = |others: &BTreeSet<Claimant>| {
        let names: Vec<String> = others.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    match standing {
        Standing::Alone => None,
        Standing::Asking(others) => Some(Withheld {
            reason: TAKING_OVER,
            message: format!(
                "nothing is changed on AWS until it is certain that no other cluster works in the name of installation \
                 {installation}: {} has claimed it, and has {wait} s to answer",
                named(&others)
            ),
            stalls: false,
        }),
        Standing::Disputed(others) => {
            let removal = others.first().map(|other| claims::removal(installation, region, other));
            Some(Withheld {
                reason: TWO_OWNERS,
                message: format!(
                    "more than one controller works in the name of installation {installation} in account {id}, {region}: \
                     this one, {own}, and {} (cluster/start; a cluster is the uid of its namespace kube-system, or its \
                     --cluster-id). None of them changes anything on AWS. Stop all but one, or give each an --installation \
                     of its own: the one that stays goes on by itself within {} s, or at once when the claims of those that \
                     were stopped are removed: {}",
                    named(&others),
                    2 * wait + every,
                    removal.unwrap_or_default()
                ),
                stalls: true,
            })
        }
    }
}

/// Why a controller leaves AWS as it is that cannot read who claims `installation`.
pub fn unread(installation: &str, failure: &Failure) -> Withheld {
    let path = claims::path(installation);
    Withheld {
        reason: CLAIM_UNREAD,
        message: format!(
            "nothing is changed on AWS, since it is not known whether another cluster works in the name of this \
             installation: {failure}; {}; the claims are the parameters of Systems Manager below {path}",
            failure.remedy()
        ),
        stalls: !failure.class.passes(),
    }
}

/// Nothing is known, or nothing new for too long.
fn late() -> Withheld {
    Withheld {
        reason: CLAIM_UNREAD,
        message: "nothing is changed on AWS until the claims on this installation have been read".to_owned(),
        stalls: false,
    }
}

/// The present moment as a number: nanoseconds.
fn stamp() -> u64 {
    u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default()
}

/// What tells the cluster from others.
///
/// # Errors
/// When the API server does not tell.
pub(super) async fn cluster_id(client: &Client) -> Result<String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let found = namespaces.get_metadata(OF_EVERY_CLUSTER).await;
    let found = found.with_context(|| {
        format!(
            "cannot tell this cluster from others by the uid of the namespace {OF_EVERY_CLUSTER}: allow the controller \
             to get it, or give the cluster a name of your own by --cluster-id"
        )
    })?;
    found.uid().context("the API server tells no uid of a namespace")
}
