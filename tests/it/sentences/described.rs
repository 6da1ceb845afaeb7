//! What `kubectl describe` shows of projects that a running controller cannot keep as declared.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use secureml::model::Owner;
use secureml_rig::proxy::Request;
use secureml_rig::{ControlPlane, Fault, Rule};

use super::{Origin, Told};
use crate::environment::{Objects, clients, observe};
use crate::one_bad_project::store_unreadable;
use crate::world::{apply, called, cluster, controller, kubectl};

/// How long the controller may take for anything, while all else is tested as well.
const SOON: Duration = Duration::from_secs(300);

/// What a project meets, and what its condition says of it.
struct Case {
    project: &'static str,
    situation: &'static str,
    /// The call for this project that fails.
    call: &'static str,
    fault: Fault,
    /// What is seen of it in the end.
    reason: &'static str,
    says: &'static str,
}

macro_rules! cases {
    ($($project:literal $call:literal $situation:literal $fault:expr => $reason:literal $says:literal;)*) => {
        vec![$(Case {
            project: $project,
            situation: $situation,
            call: $call,
            fault: $fault,
            reason: $reason,
            says: $says,
        }),*]
    };
}

fn cases() -> Vec<Case> {
    let error = Fault::error;
    cases! {
        "barred" "ec2:CreateVpc" "a permission is missing" Fault::AccessDenied
            => "AwsCallFailed" "UnauthorizedOperation";
        "wrong" "ec2:CreateVpc" "AWS does not take the addresses"
            error(400, "InvalidVpcRange", "The CIDR '10.2.0.0/16' is invalid.") => "AwsCallFailed" "InvalidVpcRange";
        "full" "ec2:CreateVpc" "the account has all the VPCs that it may have"
            error(400, "VpcLimitExceeded", "The maximum number of VPCs has been reached.") => "AwsCallFailed" "VpcLimitExceeded";
        "odd" "ec2:CreateVpc" "AWS goes on answering with a code that nobody knows"
            error(400, "SomethingNew", "The moon is in the wrong house.") => "AwsCallFailed" "again and again";
        "taken" "s3:CreateBucket" "somebody on earth has a bucket of that name"
            error(409, "BucketAlreadyExists", "The requested bucket name is not available.")
            => "AwsCallFailed" "BucketAlreadyExists";
        "slow" "ec2:CreateVpc" "AWS throttles for long" Fault::Throttle => "AwsCallFailed" "RequestLimitExceeded";
    }
}

/// The manifest of a project whose buckets go with it.
fn observing(mode: &str) -> String {
    called("watched") + &format!("    mode: {mode}\n  deletionPolicy: {{buckets: Delete}}\n")
}

/// What `kubectl describe` shows of the condition `wanted`: its status, reason and message.
fn condition(described: &str, wanted: &str) -> Option<(String, String, String)> {
    let (_, conditions) = described.split_once("Conditions:")?;
    let (mut status, mut reason, mut message) = (String::new(), String::new(), String::new());
    for line in conditions.lines() {
        let Some((key, value)) = line.trim().split_once(':') else {
            continue;
        };
        let value = value.trim().to_owned();
        match key {
            "Status" => status = value,
            "Reason" => reason = value,
            "Message" => message = value,
            "Type" if value == wanted => return Some((status, reason, message)),
            _ => {}
        }
    }
    None
}

/// Waits until the description of `project` shows `reason` and `says`, and tells of it.
async fn tell(
    kube: &ControlPlane,
    told: &mut Told,
    project: &str,
    situation: &str,
    (reason, says): (&str, &str),
) -> Result<()> {
    let begun = Instant::now();
    let (ready, stalled) = loop {
        let described = kube.kubectl_text(&["describe", "smlp", project]).await?;
        let ready = condition(&described, "Ready");
        let stalled = condition(&described, "Stalled").is_some_and(|(status, ..)| status == "True");
        if let Some(ready) = ready.filter(|(_, because, message)| because == reason && message.contains(says)) {
            break (ready, stalled);
        }
        ensure!(begun.elapsed() < SOON, "not so: {situation}:\n{described}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let (status, reason, message) = ready;
    let also = match (status.as_str(), stalled) {
        ("True", _) => "",
        (_, true) => "Stalled",
        (_, false) => "Reconciling",
    };
    let situation = format!("kubectl describe, when {situation}");
    told.say(
        Origin::Described,
        &situation,
        &format!("Ready={status} {reason} {also}"),
        &message,
    );
    Ok(())
}

/// Everything that goes wrong on one cluster.
pub async fn by_a_controller() -> Result<Told> {
    let mut told = Told::default();
    let rig = cluster().await?;
    let kube = kubectl(&rig)?;
    store_unreadable(&rig, "strange").await?;
    for case in cases() {
        let (call, owner) = (case.call, format!("{}-dev", case.project));
        let theirs = move |request: &Request| {
            let named = request.text().contains(&owner) || request.head.uri.path().contains(&owner);
            request.name() == call && named
        };
        rig.proxy.add(Rule::when(theirs, case.fault));
    }
    let controller = controller(&rig)?;
    apply(&rig, &observing("Enforce")).await?;
    for case in cases() {
        apply(&rig, &called(case.project)).await?;
    }
    let machine = "  notebooks: [{name: ana, ownerEmail: ana@example.com, instanceType: ml.p4d.24xlarge}]\n  drift:";
    apply(&rig, &called("faulty").replace("  drift:", machine)).await?;
    let seen = async |told: &mut Told, project: &str, situation: &str, shown: (&str, &str)| {
        tell(kube, told, project, situation, shown)
            .await
            .with_context(|| controller.tail())
    };
    seen(
        &mut told,
        "strange",
        "a project cannot be read",
        ("Unreadable", "spec.drift.mode"),
    )
    .await?;
    seen(
        &mut told,
        "faulty",
        "a spec cannot be built",
        ("InvalidSpec", "instanceType"),
    )
    .await?;
    for case in cases() {
        seen(&mut told, case.project, case.situation, (case.reason, case.says)).await?;
    }
    seen(
        &mut told,
        "watched",
        "everything is as declared",
        ("AsDeclared", "as declared"),
    )
    .await?;

    let aws = clients(rig.emulator.url()).await;
    let owner = Owner::new("test", "default", "watched");
    let made: Objects = observe(&aws, &owner).await?;
    let id = |node: &str| {
        made.get(node)
            .map(|object| object.id.clone())
            .with_context(|| format!("no {node}"))
    };
    apply(&rig, &observing("Observe")).await?;
    let gateway = aws.ec2.create_internet_gateway().send().await?.internet_gateway;
    let gateway = gateway
        .and_then(|gateway| gateway.internet_gateway_id)
        .context("no gateway")?;
    let attach = aws.ec2.attach_internet_gateway().vpc_id(id("Vpc/main")?);
    attach.internet_gateway_id(&gateway).send().await?;
    let situation = "somebody opens a network that is only observed";
    seen(&mut told, "watched", situation, ("DriftDetected", "gateways")).await?;
    let bucket = aws.s3.put_object().bucket(id("Bucket/data")?).key("x");
    let content = aws_sdk_s3::primitives::ByteStream::from_static(b"x");
    bucket.body(content).send().await?;
    kube.kubectl_text(&["delete", "smlp", "watched", "--wait=false"])
        .await?;
    let situation = "a project goes whose bucket is not empty";
    seen(
        &mut told,
        "watched",
        situation,
        ("DeletionBlocked", "Bucket/data: refused since"),
    )
    .await?;
    Ok(told)
}
