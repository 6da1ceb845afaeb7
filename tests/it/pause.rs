//! A pause of correction, as somebody asks for it in the night: it begins, lasts, ends by itself or is taken back, and
//! neither Git nor a restart undoes it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::types::AttributeBooleanValue;
use secureml::api::PauseState;
use secureml_rig::{ControlPlane, Process, Rig};

use crate::world::{PROJECT, Watched, cluster, controller, ec2, eventually, file, kubectl, writes};

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/admission/pause-by.yaml");
/// How long anything may take that the controller does.
const SOON: Duration = Duration::from_secs(60);

/// A project that is as declared, under a running controller.
struct Stage {
    controller: Process,
    seen: Watched,
    aws: aws_sdk_ec2::Client,
    vpc: String,
    rig: Rig,
}

impl Stage {
    async fn new() -> Result<Self> {
        let rig = cluster().await?;
        kubectl(&rig)?
            .kubectl_text(&["apply", "-f", &file(&rig, PROJECT)?])
            .await?;
        let mut stage = Self {
            controller: controller(&rig)?,
            seen: Watched::new(kubectl(&rig)?, "churn").await?,
            aws: ec2(&rig),
            vpc: String::new(),
            rig,
        };
        stage.ready("AsDeclared").await?;
        stage.vpc = stage.output("vpcId").await?;
        Ok(stage)
    }

    fn kube(&self) -> Result<&ControlPlane> {
        kubectl(&self.rig)
    }

    async fn output(&self, name: &str) -> Result<String> {
        let status = self.seen.project().await?.status.unwrap_or_default();
        status.outputs.get(name).cloned().context("no such output")
    }

    /// Waits until the condition Ready has `reason`; its message.
    async fn ready(&self, reason: &str) -> Result<String> {
        let told = async || {
            let project = self.seen.project().await?;
            let conditions = project.status.unwrap_or_default().conditions;
            let ready = conditions.into_iter().find(|condition| condition.type_ == "Ready");
            anyhow::Ok(ready.filter(|ready| ready.reason == reason).map(|ready| ready.message))
        };
        eventually(reason, SOON, || async { Ok(told().await?.is_some()) })
            .await
            .with_context(|| self.controller.tail())?;
        Ok(told().await?.unwrap_or_default())
    }

    async fn paused(&self, state: PauseState) -> Result<()> {
        eventually(&format!("the pause is {state:?}"), SOON, || async {
            let status = self.seen.project().await?.status.unwrap_or_default();
            Ok(status.pause.is_some_and(|pause| pause.state == state))
        })
        .await
        .with_context(|| self.controller.tail())
    }

    /// The command line, which must end with `code`; what it said.
    async fn secureml(&self, args: &[&str], code: i32) -> Result<String> {
        let output = self.rig.secureml(args).await?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        ensure!(
            output.status.code() == Some(code),
            "{args:?}: {}: {said}",
            output.status
        );
        Ok(said)
    }

    async fn annotate(&self, who: &[&str], pairs: &[&str]) -> Result<()> {
        let args = [&["annotate", "smlp", "churn", "--overwrite"], pairs, who].concat();
        self.kube()?.kubectl_text(&args).await?;
        Ok(())
    }

    async fn dns_support(&self) -> Result<bool> {
        let asked = self
            .aws
            .describe_vpc_attribute()
            .vpc_id(&self.vpc)
            .attribute(aws_sdk_ec2::types::VpcAttributeName::EnableDnsSupport);
        let found = asked.send().await?.enable_dns_support;
        Ok(found.and_then(|support| support.value).unwrap_or_default())
    }

    /// Somebody turns the DNS of the VPC off.
    async fn tamper(&self) -> Result<()> {
        let off = AttributeBooleanValue::builder().value(false).build();
        let modify = self.aws.modify_vpc_attribute().vpc_id(&self.vpc);
        modify.enable_dns_support(off).send().await?;
        Ok(())
    }

    async fn corrected(&self) -> Result<()> {
        eventually("it is corrected", SOON, || self.dns_support())
            .await
            .with_context(|| self.controller.tail())
    }
}

fn from_now(seconds: i64) -> String {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    format!("{then:.0}")
}

#[tokio::test]
async fn nothing_is_written_until_it_is_taken_back() -> Result<()> {
    let mut stage = Stage::new().await?;
    let pause = ["pause", "churn", "--for", "2h", "--reason", "incident 17"];
    let said = stage.secureml(&pause, 0).await?;
    ensure!(said.contains("churn is paused until"), "{said}");
    let message = stage.ready("Paused").await?;
    ensure!(message.contains("are as declared; paused until"), "{message}");
    ensure!(stage.seen.is_current("Paused").await? && stage.seen.is_current("Ready").await?);
    let told = stage.seen.notes("Paused").await?;
    ensure!(told.len() == 1 && told[0].ends_with(": incident 17"), "{told:?}");

    // What differs is told, and a restart does not forget.
    let mark = stage.rig.proxy.mark();
    stage.tamper().await?;
    let differs = |message: &str| message.contains("not corrected: Vpc/main: differs from the spec in: dnsSupport");
    eventually("the drift is told", SOON, || async {
        Ok(stage.ready("Paused").await.is_ok_and(|message| differs(&message)))
    })
    .await?;
    ensure!(stage.seen.is_current("Stalled").await?, "nobody need wait for it");
    let drift = stage.seen.notes("Drift").await?;
    ensure!(
        drift.iter().any(|note| note.starts_with("found, not corrected")),
        "{drift:?}"
    );
    stage.controller = {
        stage.controller.kill()?;
        controller(&stage.rig)?
    };

    // Git is applied again, as Argo CD and Flux do it: the pause stays.
    let manifest = file(&stage.rig, PROJECT)?;
    let kube = stage.kube()?;
    kube.kubectl_text(&["apply", "-f", &manifest]).await?;
    for _ in 0..2 {
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=kustomize-controller",
        ];
        kube.kubectl_text(&[&apply[..], &["-f", &manifest]].concat()).await?;
    }
    let sweeps = stage.rig.proxy.mark();
    let two = |calls: &secureml_rig::proxy::Calls| calls.named("ec2:DescribeVpcs").len() >= 2;
    stage.rig.proxy.until(sweeps, SOON, two).await?;
    ensure!(!stage.dns_support().await?, "somebody corrected it");
    let written = writes(&stage.rig.proxy, mark);
    ensure!(written.is_empty(), "written while paused:\n{}", written.table());

    // Deleting waits too, and says so.
    kube.kubectl_text(&["delete", "smlp", "churn", "--wait=false"]).await?;
    let message = stage.ready("DeletionHeld").await?;
    ensure!(
        message.contains("paused until") && message.contains("incident 17"),
        "{message}"
    );
    ensure!(stage.seen.notes("DeletionHeld").await?.len() == 1);
    ensure!(writes(&stage.rig.proxy, mark).is_empty());
    let said = stage.secureml(&["resume", "churn"], 0).await;
    // It may be gone before the command line has looked.
    ensure!(said.is_ok() || stage.seen.project().await.is_err(), "{said:?}");
    kube.kubectl_text(&["wait", "--for=delete", "smlp/churn", "--timeout=60s"])
        .await?;
    Ok(())
}

#[tokio::test]
async fn it_ends_by_itself_and_what_differed_is_corrected() -> Result<()> {
    let stage = Stage::new().await?;
    // Longer between sweeps than the pause lasts: the controller wakes for it.
    let slow = r#"{"spec":{"drift":{"intervalSeconds":3600}}}"#;
    let kube = stage.kube()?;
    kube.kubectl_text(&["patch", "smlp", "churn", "--type=merge", "-p", slow])
        .await?;
    stage.ready("AsDeclared").await?;
    let until = format!("secureml.dev/pause-until={}", from_now(20));
    let asked = [&until, "secureml.dev/pause-by=jane", "secureml.dev/pause-reason=a look"];
    stage.annotate(&[], &asked).await?;
    stage.paused(PauseState::Active).await?;
    stage.tamper().await?;
    stage.paused(PauseState::Over).await?;
    stage.corrected().await?;
    stage.ready("AsDeclared").await?;
    let told = stage.seen.notes("Resumed").await?;
    ensure!(
        told.len() == 1 && told[0].starts_with("its time is over") && told[0].contains("by jane: a look"),
        "{told:?}"
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_granted_is_refused_and_correction_goes_on() -> Result<()> {
    let stage = Stage::new().await?;
    let long = ["pause", "churn", "--for", "25h", "--reason", "holidays"];
    let said = stage.secureml(&long, 1).await?;
    ensure!(said.contains("the longest pause is 24h"), "{said}");

    let until = format!("secureml.dev/pause-until={}", from_now(3600));
    stage.annotate(&[], &[&until, "secureml.dev/pause-reason=x"]).await?;
    eventually("an event says what is missing", SOON, || async {
        let told = stage.seen.notes("PauseRefused").await?;
        Ok(told
            .iter()
            .any(|note| note.contains("secureml.dev/pause-by is missing")))
    })
    .await?;
    stage.paused(PauseState::Refused).await?;
    stage.tamper().await?;
    stage.corrected().await?;
    stage.ready("AsDeclared").await?;
    ensure!(!stage.seen.is_current("Paused").await?);
    Ok(())
}

#[tokio::test]
async fn a_policy_pins_who_asks_to_who_it_is() -> Result<()> {
    let stage = Stage::new().await?;
    let kube = stage.kube()?;
    kube.kubectl_text(&["apply", "-f", POLICY]).await?;
    let jane = ["--as=jane", "--as-group=system:masters"];
    let until = format!("secureml.dev/pause-until={}", from_now(3600));
    let lie = [&*until, "secureml.dev/pause-reason=x", "secureml.dev/pause-by=john"];
    // It takes a moment until the API server knows the policy.
    let trial = [&jane[..], &["--dry-run=server"]].concat();
    eventually("a lie is refused", SOON, || async {
        Ok(stage.annotate(&trial, &lie).await.is_err())
    })
    .await?;
    let why = stage
        .annotate(&jane, &lie)
        .await
        .expect_err("it is refused")
        .to_string();
    ensure!(why.contains("secureml.dev/pause-by must be jane"), "{why}");
    let truth = [&*until, "secureml.dev/pause-reason=x", "secureml.dev/pause-by=jane"];
    stage.annotate(&jane, &truth).await?;
    stage.paused(PauseState::Active).await?;
    let longer = format!("secureml.dev/pause-until={}", from_now(7200));
    let refused = stage
        .annotate(&["--as=john", "--as-group=system:masters"], &[&longer])
        .await;
    ensure!(refused.is_err(), "john made jane's pause longer");
    // What has nothing to do with it goes on, and anybody may take it back.
    stage
        .annotate(&["--as=john", "--as-group=system:masters"], &["team=risk"])
        .await?;
    let back = [
        "secureml.dev/pause-until-",
        "secureml.dev/pause-reason-",
        "secureml.dev/pause-by-",
    ];
    stage
        .annotate(&["--as=john", "--as-group=system:masters"], &back)
        .await?;
    stage.paused(PauseState::Over).await?;
    // The command line asks the API server who it is.
    let said = stage
        .secureml(&["pause", "churn", "--for", "1h", "--reason", "night"], 0)
        .await?;
    ensure!(said.contains("churn is paused until"), "{said}");
    Ok(())
}
