use anyhow::Result;
use aws_sdk_ec2::types::{AttributeBooleanValue, VpcEndpointType};
use futures::FutureExt;

use super::network::{anyone, delete_vpc, filter, interface, internet_gateway};
use super::{GONE, Tamper, Target, notebook};

pub const TAMPERS: &[Tamper] = &[
    Tamper {
        kind: "Vpc",
        field: "dnsSupport",
        act: |target| dns_support(target).boxed(),
    },
    Tamper {
        kind: "Vpc",
        field: "dnsHostnames",
        act: |target| dns_hostnames(target).boxed(),
    },
    Tamper {
        kind: "Vpc",
        field: "gateways",
        act: |target| gateways(target).boxed(),
    },
    Tamper {
        kind: "Vpc",
        field: "defaultGroup",
        act: |target| default_group(target).boxed(),
    },
    Tamper {
        kind: "Vpc",
        field: "gateways",
        act: |target| foreign_endpoint(target).boxed(),
    },
    Tamper {
        kind: "Vpc",
        field: "gateways",
        act: |target| transit_gateway(target).boxed(),
    },
    Tamper {
        kind: "Vpc",
        field: "mainRoutes",
        act: |target| main_route(target).boxed(),
    },
    Tamper {
        kind: "Vpc",
        field: "tags",
        act: |target| super::untag(target).boxed(),
    },
    Tamper {
        kind: "Vpc",
        field: GONE,
        act: |target| gone(target).boxed(),
    },
];

async fn dns_support(target: &Target<'_>) -> Result<()> {
    let off = AttributeBooleanValue::builder().value(false).build();
    let request = target.aws.ec2.modify_vpc_attribute().vpc_id(&target.object.id);
    request.enable_dns_support(off).send().await?;
    Ok(())
}

async fn dns_hostnames(target: &Target<'_>) -> Result<()> {
    let off = AttributeBooleanValue::builder().value(false).build();
    let request = target.aws.ec2.modify_vpc_attribute().vpc_id(&target.object.id);
    request.enable_dns_hostnames(off).send().await?;
    Ok(())
}

async fn gateways(target: &Target<'_>) -> Result<()> {
    internet_gateway(&target.aws.ec2, &target.object.id).await?;
    Ok(())
}

/// An endpoint in the VPC that leads to somebody's service, in none of the project's subnets.
async fn foreign_endpoint(target: &Target<'_>) -> Result<()> {
    let service = format!("com.amazonaws.{}.secretsmanager", target.aws.region());
    let request = target.aws.ec2.create_vpc_endpoint().vpc_id(&target.object.id);
    let request = request
        .vpc_endpoint_type(VpcEndpointType::Interface)
        .private_dns_enabled(false);
    request.service_name(service).send().await?;
    Ok(())
}

async fn transit_gateway(target: &Target<'_>) -> Result<()> {
    let ec2 = &target.aws.ec2;
    let made = ec2.create_transit_gateway().send().await?.transit_gateway;
    let gateway = made.and_then(|gateway| gateway.transit_gateway_id);
    let subnet = target.others.values().find(|object| object.kind == "Subnet");
    let request = ec2.create_transit_gateway_vpc_attachment().vpc_id(&target.object.id);
    let request = request.set_transit_gateway_id(gateway);
    request
        .set_subnet_ids(subnet.map(|subnet| vec![subnet.id.clone()]))
        .send()
        .await?;
    Ok(())
}

async fn main_route(target: &Target<'_>) -> Result<()> {
    let (ec2, vpc) = (&target.aws.ec2, &target.object.id);
    let table = target.object.attributes["mainTable"].as_str().unwrap_or_default();
    let request = ec2
        .create_route()
        .route_table_id(table)
        .destination_cidr_block("0.0.0.0/0");
    request.network_interface_id(interface(ec2, vpc).await?).send().await?;
    Ok(())
}

async fn default_group(target: &Target<'_>) -> Result<()> {
    let request = target
        .aws
        .ec2
        .describe_security_groups()
        .filters(filter("vpc-id", &target.object.id));
    let found = request.filters(filter("group-name", "default")).send().await?;
    let group = found.security_groups().first().and_then(|group| group.group_id());
    let request = target
        .aws
        .ec2
        .authorize_security_group_ingress()
        .ip_permissions(anyone("-1", -1));
    request.group_id(group.unwrap_or_default()).send().await?;
    Ok(())
}

async fn gone(target: &Target<'_>) -> Result<()> {
    for object in target.others.values().filter(|other| other.kind == "Notebook") {
        notebook::gone(&Target { object, ..*target }).await?;
    }
    delete_vpc(&target.aws.ec2, &target.object.id).await
}
