//! Two replicas of the controller: one works, and when it dies or is cut off in the middle of a creation, the other goes
//! on where it stopped.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::SignedDuration;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use secureml::model::Owner;
use secureml_rig::proxy::{Gate, Moment};
use secureml_rig::{Fault, Process, Rig, Rule};

use crate::chaos::census::{Census, beyond, census};
use crate::chaos::tidy::foreign;
use crate::environment::{INSTALLATION, clients, observe_standing};
use crate::world::{Watched, cluster, eventually, kubectl};

const MINIMAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/minimal.yaml");
/// How long it may take until the other has done everything.
const TAKES_OVER: Duration = Duration::from_secs(90);
/// How long there may be no leader, by the lease itself.
const GAP: SignedDuration = SignedDuration::from_secs(20);
/// The call in the middle of the creation, without a token of AWS's, at which the leader is stopped.
const MIDDLE: &str = "kms:CreateKey";

struct Replicas {
    rig: Rig,
    /// What the account held before.
    before: Census,
    seen: Watched,
    first: Process,
    second: Process,
}

impl Replicas {
    /// Two of them and a project, of which the leader is creating what the call at `gate` creates.
    async fn creating(gate: &Gate) -> Result<Self> {
        let rig = cluster().await?;
        let aws = clients(rig.emulator.url()).await;
        let before = census(&aws).await?;
        rig.proxy
            .add(Rule::on(MIDDLE, Fault::Hold(gate.clone())).nth(1).times(1));
        let first = replica(&rig, "first")?;
        eventually("the first leads", TAKES_OVER, || async {
            Ok(first.log().contains("leading"))
        })
        .await?;
        let second = replica(&rig, "second")?;
        kubectl(&rig)?.kubectl_text(&["apply", "-f", MINIMAL]).await?;
        let seen = Watched::new(kubectl(&rig)?, "churn").await?;
        Ok(Self {
            rig,
            before,
            seen,
            first,
            second,
        })
    }

    /// The lease, as it stands.
    async fn lease(&self) -> Result<LeaseSpec> {
        let args = ["get", "lease", "-n", "default", "secureml-test", "-o", "json"];
        let lease: Lease = serde_json::from_str(&kubectl(&self.rig)?.kubectl_text(&args).await?)?;
        lease.spec.context("a lease that says nothing")
    }

    /// Waits until the second, whose predecessor left `lease`, has done everything, and nothing is there twice.
    async fn taken_over(&self, lease: LeaseSpec) -> Result<()> {
        eventually("the second has done everything", TAKES_OVER, || async {
            Ok(self.second.log().contains("leading") && self.seen.ready().await?.is_ok())
        })
        .await
        .with_context(|| self.second.tail())?;
        let taken = self.lease().await?;
        ensure!(taken.holder_identity.as_deref() == Some("second"), "{taken:?}");
        let (renewed, acquired) = lease.renew_time.zip(taken.acquire_time).context("times")?;
        let gap = acquired.0.duration_since(renewed.0);
        println!("nobody led for {gap:#}");
        ensure!(gap <= GAP, "nobody led for {gap:#}");
        self.once().await
    }

    /// The account holds the project, each of its resources once, and nothing besides.
    async fn once(&self) -> Result<()> {
        let aws = clients(self.rig.emulator.url()).await;
        let objects = observe_standing(&aws, &Owner::new(INSTALLATION, "default", "churn")).await?;
        let mut more = foreign(beyond(&census(&aws).await?, &self.before), &objects);
        // AWS makes two of these with every VPC, an alias is the key's, and no key goes at once.
        for (what, made) in [("route tables", 1), ("security groups", 1), ("aliases", 1)] {
            let ids = more.remove(what).unwrap_or_default();
            ensure!(ids.len() <= made, "{what} that are nobody's: {ids:?}");
        }
        more.remove("keys that are to go");
        more.retain(|_, ids| !ids.is_empty());
        ensure!(
            more.is_empty() && !objects.is_empty(),
            "the account holds besides: {more:?}"
        );
        Ok(())
    }
}

fn replica(rig: &Rig, name: &str) -> Result<Process> {
    let lease = ["--leader-elect", "--lease-namespace", "default", "--identity", name];
    rig.start_controller(
        &[
            &[
                "controller",
                "--installation",
                INSTALLATION,
                "--visible-within-seconds",
                "2",
            ][..],
            &lease,
        ]
        .concat(),
    )
}

#[tokio::test]
async fn the_other_goes_on_when_the_leader_dies() -> Result<()> {
    let gate = Gate::at(Moment::AfterForward);
    let mut replicas = Replicas::creating(&gate).await?;
    let held = tokio::time::timeout(TAKES_OVER, gate.reached()).await?;
    replicas.first.kill()?;
    held.discard();
    let lease = replicas.lease().await?;
    replicas.taken_over(lease).await
}

#[tokio::test]
async fn a_leader_that_was_cut_off_leaves_nothing_behind() -> Result<()> {
    let gate = Gate::at(Moment::BeforeForward);
    let mut replicas = Replicas::creating(&gate).await?;
    let held = tokio::time::timeout(TAKES_OVER, gate.reached()).await?;
    // It stands still for longer than its lease lasts, with a call under way that reaches AWS only after the other has made
    // everything.
    replicas.first.freeze()?;
    let lease = replicas.lease().await?;
    replicas.taken_over(lease).await?;
    held.go_on();
    let aws = clients(replicas.rig.emulator.url()).await;
    eventually("the late call makes a second key", TAKES_OVER, || async {
        let census = census(&aws).await?;
        let of = |what| census.get(what).map_or(0, BTreeSet::len);
        Ok(of("keys") + of("keys that are to go") == 2)
    })
    .await?;

    replicas.first.thaw()?;
    let ended = replicas.first.wait(TAKES_OVER).await?;
    ensure!(!ended.success(), "it ends, and says why: {}", replicas.first.tail());
    // What that made a second time is found at the next sweep, goes, and is told.
    let gone = eventually("nothing is there twice", TAKES_OVER, || async {
        Ok(replicas.once().await.is_ok())
    });
    if let Err(error) = gone.await {
        replicas.once().await.context(error)?;
    }
    eventually("it is told", TAKES_OVER, || async {
        let told = replicas.seen.notes("Drift").await?;
        Ok(told
            .iter()
            .any(|note| note.contains("KmsKey/project") && note.contains("that nothing uses")))
    })
    .await
}
