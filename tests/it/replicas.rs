//! Two replicas of the controller: one works, and when it dies or is cut off in the middle of a creation, the other goes
//! on where it stopped.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use secureml::model::Owner;
use secureml_rig::proxy::{Gate, Moment};
use secureml_rig::{Fault, Process, Rig, Rule};

use crate::environment::{INSTALLATION, clients, observe};
use crate::world::{Watched, cluster, eventually, kubectl};

const MINIMAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/minimal.yaml");
/// How long it may take until the other leads and has done everything; a lease lasts for 15 s.
const TAKES_OVER: Duration = Duration::from_secs(90);
/// The call in the middle of the creation, without a token of AWS's, at which the leader is stopped.
const MIDDLE: &str = "kms:CreateKey";

struct Replicas {
    rig: Rig,
    seen: Watched,
    first: Process,
    second: Process,
}

impl Replicas {
    /// Two of them and a project, of which the leader is creating what the call at `gate` creates.
    async fn creating(gate: &Gate) -> Result<Self> {
        let rig = cluster().await?;
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
            seen,
            first,
            second,
        })
    }

    /// Waits until the second has done everything, and nothing is there twice.
    async fn taken_over(&self) -> Result<()> {
        let begun = Instant::now();
        eventually("the second has done everything", TAKES_OVER, || async {
            Ok(self.second.log().contains("leading") && self.seen.ready().await?.is_ok())
        })
        .await
        .with_context(|| self.second.tail())?;
        println!(
            "the second had done everything after {:.0} s",
            begun.elapsed().as_secs_f64()
        );
        self.once().await
    }

    async fn once(&self) -> Result<()> {
        let aws = clients(self.rig.emulator.url()).await;
        let owner = Owner::new(INSTALLATION, "default", "churn");
        let objects = observe(&aws, &owner).await?;
        let vpcs = aws.ec2.describe_vpcs().send().await?;
        let ours = vpcs.vpcs().iter().filter(|vpc| vpc.is_default() != Some(true));
        ensure!(ours.count() == 1, "{:?}", vpcs.vpcs());
        ensure!(objects.contains_key("KmsKey/project"), "{:?}", objects.keys());
        let keys = aws.kms.list_keys().send().await?;
        ensure!(keys.keys().len() == 1, "there are {} keys", keys.keys().len());
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
    replicas.taken_over().await
}

#[tokio::test]
async fn a_leader_that_was_cut_off_leaves_nothing_behind() -> Result<()> {
    let gate = Gate::at(Moment::BeforeForward);
    let mut replicas = Replicas::creating(&gate).await?;
    let held = tokio::time::timeout(TAKES_OVER, gate.reached()).await?;
    // It stands still with a call under way, which is lost, for longer than its lease lasts.
    replicas.first.freeze()?;
    held.discard();
    replicas.taken_over().await?;

    replicas.first.thaw()?;
    let ended = replicas.first.wait(TAKES_OVER).await?;
    ensure!(!ended.success(), "it ends, and says why: {}", replicas.first.tail());
    // A call that was about to leave it when it was stopped leaves it now. What that makes a second time is found at the
    // next sweep, and goes.
    eventually("nothing is there twice", TAKES_OVER, || async {
        Ok(replicas.once().await.is_ok())
    })
    .await?;
    replicas.once().await
}
