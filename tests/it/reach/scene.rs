//! A project's network on AWS, and what `secureml reach` says of it.

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{IpPermission, IpRange};
use secureml::reach::{Destination, Hop, Path, Report};
use secureml_rig::Rig;

use crate::tamper::network::filter;
use crate::world;

pub const MINIMAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/minimal.yaml");

/// A project's network on AWS.
pub struct Scene {
    pub rig: Rig,
    pub ec2: Client,
    pub vpc: String,
    pub subnet: String,
    pub table: String,
    pub acl: String,
    pub group: String,
}

impl Scene {
    pub async fn new() -> Result<Self> {
        let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
        let applied = rig.secureml(&["apply", "-f", MINIMAL]).await?;
        ensure!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        let ec2 = world::ec2(&rig);
        let of = |node: &str| filter("tag:secureml.dev/node", node);
        let vpcs = ec2.describe_vpcs().filters(of("Vpc/main")).send().await?;
        let subnets = ec2.describe_subnets().filters(of("Subnet/a")).send().await?;
        let tables = ec2
            .describe_route_tables()
            .filters(of("RouteTable/private"))
            .send()
            .await?;
        let groups = ec2
            .describe_security_groups()
            .filters(of("SecurityGroup/sagemaker"))
            .send()
            .await?;
        let vpc = first(vpcs.vpcs(), |vpc| vpc.vpc_id())?;
        let acls = ec2
            .describe_network_acls()
            .filters(filter("vpc-id", &vpc))
            .send()
            .await?;
        Ok(Self {
            subnet: first(subnets.subnets(), |subnet| subnet.subnet_id())?,
            table: first(tables.route_tables(), |table| table.route_table_id())?,
            acl: first(acls.network_acls(), |acl| acl.network_acl_id())?,
            group: first(groups.security_groups(), |group| group.group_id())?,
            vpc,
            ec2,
            rig,
        })
    }

    /// What the command says of the project, and its exit code.
    pub async fn reach(&self) -> Result<(i32, Report)> {
        let said = self.rig.secureml(&["reach", "-f", MINIMAL, "--output", "json"]).await?;
        let report =
            serde_json::from_slice(&said.stdout).with_context(|| String::from_utf8_lossy(&said.stderr).into_owned())?;
        Ok((said.status.code().unwrap_or(-1), report))
    }

    /// The paths out of the first subnet to where `destination` says.
    pub async fn paths(&self, destination: impl Fn(&Destination) -> bool) -> Result<Vec<Path>> {
        let (code, report) = self.reach().await?;
        ensure!(code == if report.paths.is_empty() { 0 } else { 2 }, "exit code {code}");
        let here = |path: &Path| path.subnet == self.subnet && destination(&path.destination);
        Ok(report.paths.into_iter().filter(here).collect())
    }

    /// The only such path.
    pub async fn path(&self, destination: impl Fn(&Destination) -> bool) -> Result<Path> {
        match &self.paths(destination).await?[..] {
            [path] => Ok(path.clone()),
            paths => anyhow::bail!("not one path: {paths:#?}"),
        }
    }

    /// Nothing leads anywhere.
    pub async fn is_closed(&self) -> Result<()> {
        let (code, report) = self.reach().await?;
        ensure!(code == 0 && report.paths.is_empty(), "{code}: {:#?}", report.paths);
        Ok(())
    }

    /// Lets the project's notebooks and jobs send everything everywhere.
    pub async fn open_group(&self) -> Result<()> {
        let request = self.ec2.authorize_security_group_egress().group_id(&self.group);
        request.ip_permissions(everything()).send().await?;
        Ok(())
    }

    pub async fn delete_route(&self, destination: &str) -> Result<()> {
        let request = self.ec2.delete_route().route_table_id(&self.table);
        request.destination_cidr_block(destination).send().await?;
        Ok(())
    }

    /// A VPC of somebody else, and a subnet of it.
    pub async fn neighbour(&self) -> Result<(String, String)> {
        let made = self.ec2.create_vpc().cidr_block("10.9.0.0/16").send().await?.vpc;
        let vpc = made.and_then(|vpc| vpc.vpc_id).context("no VPC")?;
        let request = self.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.9.1.0/24");
        let subnet = request.send().await?.subnet;
        Ok((vpc, subnet.and_then(|subnet| subnet.subnet_id).context("no subnet")?))
    }

    pub fn through(&self, destination: &str, target: &str) -> Hop {
        Hop::Route {
            table: self.table.clone(),
            destination: destination.to_owned(),
            target: target.to_owned(),
        }
    }
}

pub fn first<'i, T>(items: &'i [T], id: impl Fn(&'i T) -> Option<&'i str>) -> Result<String> {
    items.first().and_then(id).map(str::to_owned).context("not there")
}

pub fn everything() -> IpPermission {
    let everywhere = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    IpPermission::builder().ip_protocol("-1").ip_ranges(everywhere).build()
}
