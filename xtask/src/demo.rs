use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use secureml_rig::paths::workspace;
use secureml_rig::proxy::Mark;
use secureml_rig::{ControlPlane, Rig};
use serde_json::Value;

use crate::steps;

const EXAMPLE: &str = "examples/minimal.yaml";
const PROJECT: &str = "churn";
/// What AWS holds of the project is looked at this often in the demo, so that nobody has to wait for a minute.
const SHORT_INTERVAL: &str = r#"{"spec":{"drift":{"intervalSeconds":10}}}"#;
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What somebody might do by hand in the console: let everybody in, and open a way out.
const OPEN: &str = "
import boto3, os
ec2 = boto3.client('ec2')
group, vpc = os.environ['GROUP'], os.environ['VPC']
if group:
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {'IpProtocol': 'tcp', 'FromPort': 22, 'ToPort': 22, 'IpRanges': [{'CidrIp': '0.0.0.0/0'}]}])
    print(f'  opened port 22 of {group} to 0.0.0.0/0')
gateway = ec2.create_internet_gateway()['InternetGateway']['InternetGatewayId']
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
print(f'  attached {gateway} to {vpc}')
";

/// What is still open of that.
const STILL_OPEN: &str = "
import boto3, os
ec2 = boto3.client('ec2')
group, vpc = os.environ['GROUP'], os.environ['VPC']
if group:
    rules = ec2.describe_security_groups(GroupIds=[group])['SecurityGroups'][0]['IpPermissions']
    for rule in rules:
        if any(r['CidrIp'] == '0.0.0.0/0' for r in rule['IpRanges']): print('the port')
gateways = ec2.describe_internet_gateways(Filters=[{'Name': 'attachment.vpc-id', 'Values': [vpc]}])
for _ in gateways['InternetGateways']: print('the gateway')
";

/// The ARNs of everything that carries the project's owner tag.
const HELD: &str = "
import boto3
pages = boto3.client('resourcegroupstaggingapi').get_paginator('get_resources').paginate(
    TagFilters=[{'Key': 'secureml.dev/owner', 'Values': ['demo/default/churn']}])
for page in pages:
    for resource in page['ResourceTagMappingList']: print('  ' + resource['ResourceARN'])
";

/// What the controller told, in the order in which it told it.
const EVENTS: &[&str] = &[
    "get",
    "events",
    "--sort-by=.metadata.creationTimestamp",
    "-o=custom-columns=TYPE:.type,REASON:.reason,MESSAGE:.message",
];

/// From nothing to Ready, through two drifts and their correction, to nothing but the data again.
pub(crate) async fn run(keep: bool) -> Result<()> {
    title("Building the controller, a Kubernetes control plane and a local AWS (the first time takes minutes)");
    steps::build()?;
    let rig = tokio::select! {
        rig = Rig::builder().control_plane(true).binary(steps::binary()).start() => rig?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    };
    tokio::select! {
        done = show(&rig, keep) => done,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

async fn show(rig: &Rig, keep: bool) -> Result<()> {
    let cluster = rig.control_plane.as_ref().context("the rig has no control plane")?;
    steps::define(cluster).await?;
    let controller = rig.start_controller(&["controller", "--installation", "demo"])?;
    let demo = Demo { rig, cluster };
    demo.play(keep)
        .await
        .with_context(|| format!("the end of the controller's log:\n{}", controller.tail()))
}

struct Demo<'a> {
    rig: &'a Rig,
    cluster: &'a ControlPlane,
}

impl Demo<'_> {
    async fn play(&self, keep: bool) -> Result<()> {
        self.create().await?;
        self.drift().await?;
        if keep {
            self.keep().await;
        }
        self.delete().await
    }

    async fn create(&self) -> Result<()> {
        title("One project, as a user writes it");
        let example = workspace().join(EXAMPLE).display().to_string();
        println!("{}", std::fs::read_to_string(&example)?);
        let (mark, begun) = (self.rig.proxy.mark(), Instant::now());
        self.kubectl(&["apply", "-f", &example]).await?;
        self.until_ready(mark).await?;
        println!("Ready {:.1} s after kubectl apply\n", begun.elapsed().as_secs_f32());
        self.kubectl(&["get", "smlp"]).await?;

        title("What it made");
        let project = self.project().await?;
        let resources = project["status"]["resources"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        for resource in resources {
            let node = resource["node"].as_str().unwrap_or_default();
            let (kind, name) = node.split_once('/').unwrap_or((node, ""));
            println!("  {kind:20} {name:26} {}", resource["id"].as_str().unwrap_or("-"));
        }
        let calls = self.rig.proxy.calls_since(mark);
        let (reads, writes, errors) = (calls.reads().len(), calls.writes().len(), calls.errors().len());
        println!(
            "\n{} resources, {reads} AWS reads, {writes} writes, {errors} errors",
            resources.len()
        );
        Ok(())
    }

    async fn drift(&self) -> Result<()> {
        title("AWS is looked at every 10 s from now on, in place of every minute");
        self.kubectl(&["patch", "smlp", PROJECT, "--type=merge", "-p", SHORT_INTERVAL])
            .await?;
        let mark = self.rig.proxy.mark();
        self.until_ready(mark).await?;
        self.until_enforced().await?;

        title("Somebody opens the environment behind the controller's back");
        let project = self.project().await?;
        let group = id(&project, "SecurityGroup/sagemaker");
        let vpc = id(&project, "Vpc/main");
        let around = [("GROUP", group.as_str()), ("VPC", vpc.as_str())];
        print!("{}", self.python(OPEN, &around)?);
        let begun = Instant::now();
        let mut open = self.python(STILL_OPEN, &around)?.lines().count();
        while open > 0 {
            within(begun, "it is still open")?;
            tokio::time::sleep(LOOK_AGAIN).await;
            let left = self.python(STILL_OPEN, &around)?.lines().count();
            if left < open {
                println!(
                    "  {:4.1} s: {} of it closed again",
                    begun.elapsed().as_secs_f32(),
                    if left == 0 { "all" } else { "a part" }
                );
            }
            open = left;
        }
        while !self.cluster.kubectl_text(EVENTS).await?.contains("enforced again") {
            within(begun, "no event tells of it")?;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        println!();
        self.kubectl(EVENTS).await?;
        self.until_ready(self.rig.proxy.mark()).await?;
        self.until_enforced().await?;
        println!("\n$ kubectl describe smlp {PROJECT}");
        println!(
            "{}",
            conditions(&self.cluster.kubectl_text(&["describe", "smlp", PROJECT]).await?)
        );
        Ok(())
    }

    async fn keep(&self) {
        title("Everything stays until Ctrl-C");
        println!("export KUBECONFIG={}", self.cluster.kubeconfig().display());
        for (name, value) in self.rig.aws_env() {
            println!("export {name}={value}");
        }
        std::future::pending::<()>().await;
    }

    async fn delete(&self) -> Result<()> {
        title("The project is deleted");
        let begun = Instant::now();
        self.kubectl(&["delete", "smlp", PROJECT, "--timeout=120s"]).await?;
        println!("gone after {:.1} s", begun.elapsed().as_secs_f32());
        let held = self.python(HELD, &[])?;
        if held.is_empty() {
            println!("\nAWS holds nothing of it");
        } else {
            println!(
                "\nAWS holds what has data, as the spec asks; the same project applied again takes it up:\n{held}"
            );
            self.kubectl(&["get", "events", "--field-selector", "reason=Retained"])
                .await?;
        }
        Ok(())
    }

    /// Waits until the project is as declared, at its present generation, and shows how far it is meanwhile.
    async fn until_ready(&self, mark: Mark) -> Result<()> {
        let begun = Instant::now();
        let lively = std::io::stdout().is_terminal();
        loop {
            let project = self.project().await?;
            let ready = condition(&project, "Ready");
            let writes = self.rig.proxy.calls_since(mark).writes();
            let made = writes
                .iter()
                .filter(|call| call.was_done() && call.name.contains(":Create"))
                .count();
            if lively && !writes.is_empty() {
                let seconds = begun.elapsed().as_secs_f32();
                print!(
                    "\r  {seconds:4.1} s: {made} created, {} AWS calls that change something",
                    writes.len()
                );
                std::io::stdout().flush()?;
            }
            if ready["status"] == "True" && ready["observedGeneration"] == project["metadata"]["generation"] {
                if lively && !writes.is_empty() {
                    println!();
                }
                return Ok(());
            }
            let why = ready["message"].as_str().unwrap_or("nobody looked at it");
            within(begun, why)?;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until an audit finds the guardrails in order.
    async fn until_enforced(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let project = self.project().await?;
            let enforced = condition(&project, "GuardrailsEnforced");
            if enforced["status"] == "True" {
                return Ok(());
            }
            within(begun, enforced["message"].as_str().unwrap_or("nobody audited it"))?;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn project(&self) -> Result<Value> {
        let text = self
            .cluster
            .kubectl_text(&["get", "smlp", PROJECT, "-o", "json"])
            .await?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Runs kubectl before the audience.
    async fn kubectl(&self, args: &[&str]) -> Result<()> {
        println!(
            "$ kubectl {}",
            args.join(" ").replace(&format!("{}/", workspace().display()), "")
        );
        print!("{}", self.cluster.kubectl_text(args).await?);
        Ok(())
    }

    /// Somebody else at work on the same AWS, whose calls are not counted.
    fn python(&self, script: &str, variables: &[(&str, &str)]) -> Result<String> {
        let mut variables = variables.to_vec();
        variables.push(("AWS_ENDPOINT_URL", self.rig.emulator.url()));
        steps::python(self.rig, script, &variables)
    }
}

fn within(begun: Instant, what: &str) -> Result<()> {
    if begun.elapsed() > PATIENCE {
        bail!("after {PATIENCE:?}: {what}");
    }
    Ok(())
}

fn condition<'a>(project: &'a Value, kind: &str) -> &'a Value {
    let conditions = project["status"]["conditions"].as_array();
    let found = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == kind);
    found.unwrap_or(&Value::Null)
}

/// The id of a resource; empty when there is no such resource.
fn id(project: &Value, node: &str) -> String {
    let resources = project["status"]["resources"].as_array();
    let found = resources
        .into_iter()
        .flatten()
        .find(|resource| resource["node"] == node);
    found
        .and_then(|resource| resource["id"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// The part of `kubectl describe` about the conditions and the last drift.
fn conditions(described: &str) -> String {
    let mut wanted = false;
    let lines = described.lines().filter(|line| {
        let is_section = line.starts_with("  ") && !line.starts_with("   ");
        if is_section || !line.starts_with(' ') {
            wanted = ["  Conditions:", "  Last Drift:"].contains(line);
        }
        wanted
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn title(text: &str) {
    println!("\n\x1b[1m── {text}\x1b[0m");
}
