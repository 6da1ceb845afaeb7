//! A fleet of which too much would be changed at once though nobody declared it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, IpPermission, IpRange, VpcAttributeName};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use secureml::api::{RELEASE, SecureMLProject};
use secureml_rig::proxy::Calls;
use secureml_rig::{ControlPlane, Process, Rig};

use crate::world::{Watched, cluster, ec2, eventually, file, kubectl, writes};

/// One more than are held at the least, and one whom nobody touches.
const FLEET: [&str; 7] = ["a", "b", "c", "d", "e", "f", "untouched"];
/// How many go through: one less than the least number that is held.
const ALLOWED: usize = 4;
/// How long the controller may take for anything.
const SOON: Duration = Duration::from_secs(240);

struct Stage {
    controller: Process,
    aws: aws_sdk_ec2::Client,
    vpcs: BTreeMap<&'static str, String>,
    rig: Rig,
}

impl Stage {
    /// A fleet that is as declared.
    async fn new() -> Result<Self> {
        let rig = cluster().await?;
        let manifests = FLEET.map(|name| {
            format!(
                "apiVersion: secureml.dev/v1alpha1\nkind: SecureMLProject\nmetadata: {{name: {name}}}\n\
                 spec: {{environmentType: dev, drift: {{intervalSeconds: 30}}}}\n---\n"
            )
        });
        let path = file(&rig, &manifests.concat())?;
        kubectl(&rig)?.kubectl_text(&["apply", "-f", &path]).await?;
        let mut stage = Self {
            controller: start(&rig)?,
            aws: ec2(&rig),
            vpcs: BTreeMap::new(),
            rig,
        };
        stage.all_ready(&FLEET).await?;
        for name in FLEET {
            let status = stage.project(name).await?.status.unwrap_or_default();
            let vpc = status.outputs.get("vpcId").cloned().context("no VPC")?;
            stage.vpcs.insert(name, vpc);
        }
        Ok(stage)
    }

    fn kube(&self) -> Result<&ControlPlane> {
        kubectl(&self.rig)
    }

    async fn project(&self, name: &str) -> Result<SecureMLProject> {
        Watched::new(self.kube()?, name).await?.project().await
    }

    async fn ready(&self, name: &str) -> Result<Option<Condition>> {
        let conditions = self.project(name).await?.status.unwrap_or_default().conditions;
        Ok(conditions.into_iter().find(|condition| condition.type_ == "Ready"))
    }

    async fn all_ready(&self, names: &[&str]) -> Result<()> {
        for name in names {
            eventually(&format!("{name} is ready"), SOON, || async {
                let ready = self.ready(name).await?;
                Ok(ready.is_some_and(|ready| ready.status == "True"))
            })
            .await
            .with_context(|| self.controller.tail())?;
        }
        Ok(())
    }

    /// What is said of the brake on `name`, if it is held.
    async fn held(&self, name: &str) -> Result<Option<String>> {
        let ready = self.ready(name).await?.filter(|ready| ready.reason == "FleetBrake");
        Ok(ready.map(|ready| ready.message))
    }

    async fn all_held(&self) -> Result<Vec<&'static str>> {
        let mut held = Vec::new();
        for name in self.vpcs.keys().copied() {
            if self.held(name).await?.is_some() {
                held.push(name);
            }
        }
        Ok(held)
    }

    async fn until_held(&self, how_many: usize) -> Result<Vec<&'static str>> {
        eventually(&format!("{how_many} are held"), SOON, || async {
            Ok(self.all_held().await?.len() >= how_many)
        })
        .await
        .with_context(|| self.controller.tail())?;
        self.all_held().await
    }

    /// Somebody, or a mistake, makes it differ.
    async fn differ(&self, name: &str) -> Result<()> {
        let off = AttributeBooleanValue::builder().value(false).build();
        let modify = self.aws.modify_vpc_attribute().vpc_id(&self.vpcs[name]);
        modify.enable_dns_support(off).send().await?;
        Ok(())
    }

    async fn differs(&self, name: &str) -> Result<bool> {
        let asked = self.aws.describe_vpc_attribute().vpc_id(&self.vpcs[name]);
        let found = asked.attribute(VpcAttributeName::EnableDnsSupport).send().await?;
        Ok(found.enable_dns_support.and_then(|support| support.value) == Some(false))
    }

    /// A security group of `name`.
    async fn group(&self, name: &str) -> Result<String> {
        let owner = Filter::builder()
            .name("tag:secureml.dev/owner")
            .values(format!("test/default/{name}"))
            .build();
        let found = self.aws.describe_security_groups().filters(owner).send().await?;
        let group = found.security_groups().first().and_then(|group| group.group_id());
        group.map(str::to_owned).context("no security group")
    }

    async fn how_many_differ(&self) -> Result<usize> {
        let mut count = 0;
        for name in self.vpcs.keys() {
            count += usize::from(self.differs(name).await?);
        }
        Ok(count)
    }

    async fn annotate(&self, which: &[&str], id: &str) -> Result<()> {
        let pair = format!("{RELEASE}={id}");
        let args = [&["annotate", "smlp", "--overwrite"], which, &[&pair]].concat();
        self.kube()?.kubectl_text(&args).await?;
        Ok(())
    }

    async fn sweeps(&self, how_many: usize) -> Result<()> {
        let mark = self.rig.proxy.mark();
        let done = move |calls: &Calls| calls.named("ec2:DescribeVpcs").len() >= how_many;
        self.rig.proxy.until(mark, SOON, done).await?;
        Ok(())
    }

    /// Takes the place of the controller while it stands still, then starts it anew.
    async fn while_it_is_down(&mut self, names: &[&str]) -> Result<()> {
        self.controller.kill()?;
        for name in names {
            self.differ(name).await?;
        }
        self.controller = start(&self.rig)?;
        Ok(())
    }
}

fn start(rig: &Rig) -> Result<Process> {
    rig.start_controller(&["controller", "--installation", "test"])
}

/// The id of the braking, out of the command that a message gives.
fn id(message: &str) -> Result<String> {
    let (_, rest) = message.split_once(&format!("{RELEASE}=")).context("no command")?;
    Ok(rest.split([' ', ';']).next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn more_than_a_share_is_held_until_somebody_releases_it() -> Result<()> {
    let mut stage = Stage::new().await?;

    // Many differ at once: as many as are allowed are put right, the others are held and say so.
    stage.controller.freeze()?;
    for name in &FLEET[..6] {
        stage.differ(name).await?;
    }
    stage.controller.thaw()?;
    let held = stage.until_held(2).await?;
    eventually("those that are allowed are put right", SOON, || async {
        Ok(stage.how_many_differ().await? == 6 - ALLOWED)
    })
    .await?;
    ensure!(held.len() == 2, "{held:?}");
    let message = stage.held(held[0]).await?.unwrap_or_default();
    ensure!(
        message.contains("at least 5 of 7 projects")
            && message.contains("Vpc/main: differs from the spec in: dnsSupport"),
        "{message}"
    );
    let braking = id(&message)?;
    let told = Watched::new(stage.kube()?, held[0]).await?.notes("FleetBrake").await?;
    ensure!(told.iter().any(|note| note.contains(&braking)), "{told:?}");

    // What somebody opens is closed all the same, and what was declared is done.
    let group = stage.group(held[0]).await?;
    let anybody = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let ssh = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(22)
        .to_port(22)
        .ip_ranges(anybody);
    let open = stage.aws.authorize_security_group_ingress().group_id(&group);
    open.ip_permissions(ssh.build()).send().await?;
    eventually("the group is closed", SOON, || async {
        let asked = stage.aws.describe_security_groups().group_ids(&group).send().await?;
        let open = |range: &IpRange| range.cidr_ip() == Some("0.0.0.0/0");
        let mut rules = asked.security_groups().iter().flat_map(|group| group.ip_permissions());
        Ok(!rules.any(|rule| rule.ip_ranges().iter().any(open)))
    })
    .await
    .with_context(|| stage.controller.tail())?;
    ensure!(stage.differs(held[0]).await?, "the rest of it is still held");
    let tag = r#"{"spec":{"tags":{"CostCentre":"4711"}}}"#;
    let patch = ["patch", "smlp", "untouched", "--type=merge", "-p", tag];
    stage.kube()?.kubectl_text(&patch).await?;
    stage.all_ready(&["untouched"]).await?;
    stage
        .kube()?
        .kubectl_text(&["delete", "smlp", "untouched", "--timeout=120s"])
        .await?;
    stage.vpcs.remove("untouched");

    // A restart releases nothing, though no more than two want anything now.
    stage.while_it_is_down(&[]).await?;
    stage.sweeps(3).await?;
    for name in &held {
        ensure!(
            stage.differs(name).await? && stage.held(name).await?.is_some(),
            "{name}"
        );
    }

    // One is released, then all.
    stage.annotate(&[held[0]], &braking).await?;
    stage.all_ready(&[held[0]]).await?;
    ensure!(!stage.differs(held[0]).await? && stage.held(held[1]).await?.is_some());
    stage.annotate(&["--all", "-A"], &braking).await?;
    stage.all_ready(&FLEET[..6]).await?;
    ensure!(stage.how_many_differ().await? == 0);

    // What a new version wants of all of them is seen before it does any of it; an old release is none.
    let mark = stage.rig.proxy.mark();
    stage.while_it_is_down(&FLEET[..6]).await?;
    stage.until_held(6).await?;
    ensure!(writes(&stage.rig.proxy, mark).is_empty(), "{}", stage.controller.tail());
    let message = stage.held("a").await?.unwrap_or_default();
    ensure!(
        message.contains("6 of 6 projects") && id(&message)? != braking,
        "{message}"
    );
    stage.annotate(&["--all", "-A"], &id(&message)?).await?;
    stage.all_ready(&FLEET[..6]).await?;
    ensure!(stage.how_many_differ().await? == 0);
    let status = stage.project("a").await?.status.unwrap_or_default();
    ensure!(status.brake.is_none(), "{:?}", status.brake);
    Ok(())
}
