use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use secureml_rig::paths::{installed, workspace};
use secureml_rig::{ControlPlane, Rig};

const PROJECT: &str = "examples/minimal.yaml";

/// What somebody might do by hand in the console: open the VPC to the internet.
const OPEN_TO_THE_INTERNET: &str = "
import boto3, os
ec2 = boto3.client('ec2', endpoint_url=os.environ['AWS_ENDPOINT_URL'])
gateway = ec2.create_internet_gateway()['InternetGateway']['InternetGatewayId']
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=os.environ['VPC'])
print(f'attached {gateway} to {os.environ[\"VPC\"]}')
";

const WAYS_OUT: &str = "
import boto3, os
ec2 = boto3.client('ec2', endpoint_url=os.environ['AWS_ENDPOINT_URL'])
found = ec2.describe_internet_gateways(Filters=[{'Name': 'attachment.vpc-id', 'Values': [os.environ['VPC']]}])
print(len(found['InternetGateways']))
";

/// From nothing to Ready, through a drift and its correction, to nothing again.
pub(crate) async fn run(keep: bool) -> Result<()> {
    title("Building the controller, a Kubernetes control plane and a local AWS (the first time takes minutes)");
    crate::steps::build()?;
    let rig = tokio::select! {
        rig = Rig::builder().control_plane(true).binary(workspace().join("target/debug/secureml")).start() => rig?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    };
    tokio::select! {
        done = show(&rig, keep) => done,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

async fn show(rig: &Rig, keep: bool) -> Result<()> {
    let controller = rig.start_controller(&["controller", "--installation", "demo"])?;
    let shown = play(rig, keep).await;
    shown.with_context(|| format!("the end of the controller's log:\n{}", controller.tail()))
}

async fn play(rig: &Rig, keep: bool) -> Result<()> {
    let cluster = rig.control_plane.as_ref().context("the rig has no control plane")?;
    let example = workspace().join(PROJECT).display().to_string();
    cluster
        .kubectl_text(&["apply", "-f", &workspace().join("crds").display().to_string()])
        .await?;
    cluster
        .kubectl_text(&[
            "wait",
            "--for=condition=Established",
            "crd/securemlprojects.secureml.dev",
        ])
        .await?;

    title("One project, as a user writes it");
    println!("{}", std::fs::read_to_string(&example)?);
    let begun = Instant::now();
    shown(cluster, &["apply", "-f", &example]).await?;
    shown(
        cluster,
        &["wait", "--for=condition=Ready", "smlp/churn", "--timeout=60s"],
    )
    .await?;
    println!("Ready after {:.1} s", begun.elapsed().as_secs_f32());
    shown(cluster, &["get", "smlp"]).await?;
    println!("\nAWS calls so far:\n{}", rig.proxy.calls().writes().table());

    title("Somebody opens the VPC to the internet behind the controller's back");
    let vpc = cluster
        .kubectl_text(&["get", "smlp", "churn", "-o", "jsonpath={.status.outputs.vpcId}"])
        .await?;
    print!("{}", python(rig, OPEN_TO_THE_INTERNET, &vpc)?);
    let begun = Instant::now();
    while python(rig, WAYS_OUT, &vpc)?.trim() != "0" {
        if begun.elapsed() > Duration::from_secs(90) {
            bail!("the gateway is still attached after 90 s");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("detached {:.0} s later", begun.elapsed().as_secs_f32());
    tokio::time::sleep(Duration::from_secs(1)).await;
    shown(cluster, &["get", "events", "--field-selector", "reason=Drift"]).await?;

    if keep {
        title("Everything stays until Ctrl-C");
        println!("export KUBECONFIG={}", cluster.kubeconfig().display());
        for (name, value) in rig.aws_env() {
            println!("export {name}={value}");
        }
        std::future::pending::<()>().await;
    }
    title("The project is deleted, and what AWS holds of it");
    shown(cluster, &["delete", "smlp", "churn", "--timeout=60s"]).await?;
    println!(
        "\n{} AWS calls in all, {} of them errors",
        rig.proxy.calls().len(),
        rig.proxy.calls().errors().len()
    );
    Ok(())
}

async fn shown(cluster: &ControlPlane, args: &[&str]) -> Result<()> {
    println!(
        "$ kubectl {}",
        args.join(" ").replace(&format!("{}/", workspace().display()), "")
    );
    print!("{}", cluster.kubectl_text(args).await?);
    Ok(())
}

fn python(rig: &Rig, script: &str, vpc: &str) -> Result<String> {
    let mut command: Command = rig.command(installed()?.join("emulator-venv/bin/python"));
    command
        .args(["-c", script])
        .env("VPC", vpc)
        .env("AWS_ENDPOINT_URL", rig.emulator.url());
    let output = command.output().context("cannot run python")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn title(text: &str) {
    println!("\n\x1b[1m── {text}\x1b[0m");
}
