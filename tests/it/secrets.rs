//! Nothing that opens a door gets into a log, an event, a status or what the command line prints, whoever says it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secureml::model::REDACTED;
use secureml_rig::process::Orphan;
use secureml_rig::{Fault, Process, Rig, Rule};

use crate::world::{PROJECT, cluster, eventually, file, kubectl};

/// What must not be found anywhere. The first three are the controller's own.
const SECRETS: &[&str] = &[
    "ASIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "IQoJb3JpZ2luX2VjEJrOwnOwnOwnOwnOwn",
    "AKIAI44QH8DHBEXAMPLE",
    "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
    "FwoGZXIvYXdzEPTheirsTheirsTheirs",
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJlLW9mLWEtdG9rZW4",
    "aHR0cC1iYXNpYy1zZWNyZXQ",
];

/// What AWS, or whoever stands between, might say when it refuses: of calls that wait for no other.
const SAID: &[(&str, &str)] = &[
    (
        "resource-groups:CreateGroup",
        "see https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAI44QH8DHBEXAMPLE%2F20260101&X-Amz-Security-Token=FwoGZXIvYXdzEPTheirsTheirsTheirs&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 or Authorization: AWS4-HMAC-SHA256 Credential=AKIAI44QH8DHBEXAMPLE/20260101/us-east-1/kms/aws4_request, SignedHeaders=host;x-amz-date, Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    ),
    (
        "ec2:CreateVpc",
        "credentials {\"AccessKeyId\":\"AKIAI44QH8DHBEXAMPLE\",\"SecretAccessKey\":\"je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY\",\"SessionToken\":\"FwoGZXIvYXdzEPTheirsTheirsTheirs\"} may not; proxy https://user:aHR0cC1iYXNpYy1zZWNyZXQ@proxy.example.com refused Authorization: Basic aHR0cC1iYXNpYy1zZWNyZXQ and the token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJlLW9mLWEtdG9rZW4 of ASIAIOSFODNN7EXAMPLE with je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY has no say\n2026-01-01T00:00:00Z ERROR secureml: all is lost",
    ),
];

/// An AWS that gives away what it should keep to itself.
fn indiscreet(rig: &Rig) {
    for (call, said) in SAID {
        rig.proxy.add(Rule::on(call, Fault::error(403, "AccessDenied", said)));
    }
    let said = "no wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY and no IQoJb3JpZ2luX2VjEJrOwnOwnOwnOwnOwn here";
    // Nothing is made before everything could be read once.
    let rule = Rule::on(
        "ssm:DescribeParameters",
        Fault::error(400, "AccessDeniedException", said),
    );
    rig.proxy.add(rule.range(2..=u64::MAX));
}

/// The binary as somebody runs it who wants to know everything.
fn talkative(rig: &Rig, args: &[&str]) -> std::process::Command {
    let mut command = rig.command(env!("CARGO_BIN_EXE_secureml"));
    command.args(args).env("RUST_LOG", "trace");
    let [id, secret, token, ..] = SECRETS else {
        return command;
    };
    let own = [
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_SESSION_TOKEN", token),
    ];
    command.envs(own);
    command
}

fn nothing_given_away(what: &str, text: &str) -> Result<()> {
    for secret in SECRETS {
        ensure!(!text.contains(secret), "{what} has {secret}: {}", around(text, secret));
    }
    ensure!(text.contains(REDACTED), "{what} tells nothing of what was said: {text}");
    Ok(())
}

fn around(text: &str, secret: &str) -> String {
    let line = text.lines().find(|line| line.contains(secret));
    line.unwrap_or_default().chars().take(500).collect()
}

#[tokio::test]
async fn nothing_is_given_away_by_the_controller() -> Result<()> {
    let rig = cluster().await?;
    indiscreet(&rig);
    let mut command = talkative(&rig, &["controller", "--installation", "test"]);
    let controller = Process::start("controller", &mut command, rig.directory(), Orphan::NeedsWatchdog)?;
    let kube = kubectl(&rig)?;
    kube.kubectl_text(&["apply", "-f", &file(&rig, PROJECT)?]).await?;
    eventually("the failures are told", Duration::from_secs(120), || async {
        let status = kube.kubectl_text(&["get", "smlp", "churn", "-o", "yaml"]).await?;
        let events = kube.kubectl_text(&["get", "events", "-o", "yaml"]).await?;
        let told = SAID.iter().filter(|(call, _)| status.contains(call)).count();
        Ok(told == SAID.len() && events.contains("AwsCallFailed"))
    })
    .await
    .with_context(|| controller.tail())?;
    nothing_given_away(
        "the status",
        &kube.kubectl_text(&["get", "smlp", "churn", "-o", "yaml"]).await?,
    )?;
    nothing_given_away(
        "the description",
        &kube.kubectl_text(&["describe", "smlp", "churn"]).await?,
    )?;
    nothing_given_away(
        "the events",
        &kube.kubectl_text(&["get", "events", "-o", "yaml"]).await?,
    )?;
    let log = controller.log();
    nothing_given_away("the log", &log)?;
    // The libraries say nothing at the level at which they print whole requests, and nobody adds lines of his own.
    let libraries: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("TRACE") && !line.contains(" secureml::"))
        .collect();
    ensure!(libraries.is_empty(), "{libraries:#?}");
    ensure!(
        log.lines()
            .any(|line| line.contains("DEBUG") && line.contains(" secureml::")),
        "our own log is there as asked for"
    );
    ensure!(
        !log.lines().any(|line| line.starts_with("2026-01-01T00:00:00Z ERROR")),
        "a forged line"
    );
    Ok(())
}

#[tokio::test]
async fn nothing_is_given_away_by_the_command_line() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    indiscreet(&rig);
    let manifest = file(&rig, PROJECT)?;
    for args in [&["apply", "-f", &manifest][..], &["plan", "-f", &manifest]] {
        let mut command = talkative(&rig, args);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = crate::start_script::said(&output);
        nothing_given_away(args[0], &said)?;
    }
    Ok(())
}

/// Without `RUST_LOG`, what the libraries do is nobody's concern.
#[tokio::test]
async fn by_default_the_libraries_only_warn() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    let planned = rig.secureml(&["plan", "-f", &file(&rig, PROJECT)?]).await?;
    let said = String::from_utf8_lossy(&planned.stderr);
    let chatter: Vec<&str> = said
        .lines()
        .filter(|line| {
            ["INFO", "DEBUG", "TRACE"].iter().any(|level| line.contains(level)) && !line.contains(" secureml")
        })
        .collect();
    ensure!(chatter.is_empty(), "{chatter:#?}");
    Ok(())
}
