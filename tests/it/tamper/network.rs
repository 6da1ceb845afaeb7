//! What tampering with parts of a network needs: things AWS wants out of the way first, and somebody else's things
//! to put in.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, IpPermission, IpRange, SecurityGroup};

/// The filter `name` of one value.
pub fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// A permission for everybody.
pub fn anyone(protocol: &str, port: i32) -> IpPermission {
    let everywhere = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let permission = IpPermission::builder().ip_protocol(protocol).ip_ranges(everywhere);
    permission.from_port(port).to_port(port).build()
}

/// An internet gateway in the VPC.
pub async fn internet_gateway(ec2: &Client, vpc: &str) -> Result<String> {
    let made = ec2.create_internet_gateway().send().await?.internet_gateway;
    let gateway = made
        .and_then(|gateway| gateway.internet_gateway_id)
        .context("no gateway")?;
    ec2.attach_internet_gateway()
        .vpc_id(vpc)
        .internet_gateway_id(&gateway)
        .send()
        .await?;
    Ok(gateway)
}

/// An interface of somebody in the VPC that a route can lead to: that of any endpoint.
pub async fn interface(ec2: &Client, vpc: &str) -> Result<String> {
    let found = ec2
        .describe_network_interfaces()
        .filters(filter("vpc-id", vpc))
        .send()
        .await?;
    let first = found
        .network_interfaces()
        .first()
        .and_then(|interface| interface.network_interface_id());
    Ok(first.context("no interface in the VPC")?.to_owned())
}

/// A security group of somebody else's in the VPC.
pub async fn foreign_group(ec2: &Client, vpc: &str) -> Result<String> {
    let request = ec2
        .create_security_group()
        .vpc_id(vpc)
        .group_name("foreign")
        .description("somebody's");
    request.send().await?.group_id.context("no group")
}

/// Deletes the endpoints and waits until they are gone.
pub async fn delete_endpoints(ec2: &Client, ids: Vec<String>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    ec2.delete_vpc_endpoints()
        .set_vpc_endpoint_ids(Some(ids.clone()))
        .send()
        .await?;
    for _ in 0..100 {
        let left = ec2.describe_vpc_endpoints().send().await?;
        let mut left = left
            .vpc_endpoints()
            .iter()
            .filter_map(|endpoint| endpoint.vpc_endpoint_id());
        if !left.any(|left| ids.iter().any(|id| id == left)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("{ids:?} are still there")
}

/// Takes away what holds a group: its place in endpoints, and other groups' rules that name it; then its own rules.
pub async fn free_group(ec2: &Client, id: &str) -> Result<()> {
    let groups = ec2.describe_security_groups().send().await?;
    let group = groups
        .security_groups()
        .iter()
        .find(|group| group.group_id() == Some(id));
    let vpc = group.and_then(|group| group.vpc_id()).context("no such group")?;
    let default = ec2.describe_security_groups().filters(filter("vpc-id", vpc));
    let default = default.filters(filter("group-name", "default")).send().await?;
    let default = default
        .security_groups()
        .first()
        .and_then(|group| group.group_id())
        .unwrap_or_default();
    for endpoint in ec2.describe_vpc_endpoints().send().await?.vpc_endpoints() {
        if endpoint.groups().iter().any(|group| group.group_id() == Some(id)) {
            let request = ec2
                .modify_vpc_endpoint()
                .set_vpc_endpoint_id(endpoint.vpc_endpoint_id.clone());
            request
                .add_security_group_ids(default)
                .remove_security_group_ids(id)
                .send()
                .await?;
        }
    }
    for other in groups.security_groups() {
        revoke(ec2, other, |permission| {
            let mut pairs = permission.user_id_group_pairs().iter();
            other.group_id() == Some(id) || pairs.any(|pair| pair.group_id() == Some(id))
        })
        .await?;
    }
    Ok(())
}

/// Revokes the permissions of `group` that `which` picks.
pub async fn revoke(ec2: &Client, group: &SecurityGroup, which: impl Fn(&IpPermission) -> bool) -> Result<()> {
    let pick = |all: &[IpPermission]| -> Vec<IpPermission> { all.iter().filter(|one| which(one)).cloned().collect() };
    let (ingress, egress) = (pick(group.ip_permissions()), pick(group.ip_permissions_egress()));
    if !ingress.is_empty() {
        let request = ec2.revoke_security_group_ingress().set_group_id(group.group_id.clone());
        request.set_ip_permissions(Some(ingress)).send().await?;
    }
    if !egress.is_empty() {
        let request = ec2.revoke_security_group_egress().set_group_id(group.group_id.clone());
        request.set_ip_permissions(Some(egress)).send().await?;
    }
    Ok(())
}

/// Deletes the VPC with everything in it, in the order that AWS demands.
pub async fn delete_vpc(ec2: &Client, vpc: &str) -> Result<()> {
    let here = || filter("vpc-id", vpc);
    let endpoints = ec2.describe_vpc_endpoints().filters(here()).send().await?;
    let ids = endpoints
        .vpc_endpoints()
        .iter()
        .filter_map(|endpoint| endpoint.vpc_endpoint_id.clone());
    delete_endpoints(ec2, ids.collect()).await?;
    let groups = ec2.describe_security_groups().filters(here()).send().await?;
    for group in groups.security_groups() {
        revoke(ec2, group, |_| true).await?;
    }
    for group in groups
        .security_groups()
        .iter()
        .filter(|group| group.group_name() != Some("default"))
    {
        ec2.delete_security_group()
            .set_group_id(group.group_id.clone())
            .send()
            .await?;
    }
    for subnet in ec2.describe_subnets().filters(here()).send().await?.subnets() {
        ec2.delete_subnet()
            .set_subnet_id(subnet.subnet_id.clone())
            .send()
            .await?;
    }
    for table in ec2.describe_route_tables().filters(here()).send().await?.route_tables() {
        if !table
            .associations()
            .iter()
            .any(|association| association.main().unwrap_or(false))
        {
            ec2.delete_route_table()
                .set_route_table_id(table.route_table_id.clone())
                .send()
                .await?;
        }
    }
    for log in ec2
        .describe_flow_logs()
        .filter(filter("resource-id", vpc))
        .send()
        .await?
        .flow_logs()
    {
        ec2.delete_flow_logs()
            .set_flow_log_ids(log.flow_log_id.clone().map(|id| vec![id]))
            .send()
            .await?;
    }
    ec2.delete_vpc().vpc_id(vpc).send().await?;
    Ok(())
}
