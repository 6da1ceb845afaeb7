use anyhow::{Context, Result};
use aws_sdk_ec2::types::{GatewayType, VpcEndpointType};
use futures::FutureExt;

use super::network::{filter, interface};
use super::{GONE, Tamper, Target};

pub const TAMPERS: &[Tamper] = &[
    Tamper {
        kind: "RouteTable",
        field: "routes",
        act: |target| route(target).boxed(),
    },
    Tamper {
        kind: "RouteTable",
        field: "routes",
        act: |target| foreign_endpoint(target).boxed(),
    },
    Tamper {
        kind: "RouteTable",
        field: "routes",
        act: |target| local_route(target).boxed(),
    },
    Tamper {
        kind: "RouteTable",
        field: "propagation",
        act: |target| propagation(target).boxed(),
    },
    Tamper {
        kind: "RouteTable",
        field: "strangers",
        act: |target| stranger(target).boxed(),
    },
    Tamper {
        kind: "RouteTable",
        field: "main",
        act: |target| main(target).boxed(),
    },
    Tamper {
        kind: "RouteTable",
        field: "tags",
        act: |target| super::untag(target).boxed(),
    },
    Tamper {
        kind: "RouteTable",
        field: GONE,
        act: |target| gone(target).boxed(),
    },
];

fn vpc<'a>(target: &'a Target<'_>) -> &'a str {
    target.object.attributes["vpc"].as_str().unwrap_or_default()
}

async fn main(target: &Target<'_>) -> Result<()> {
    let ec2 = &target.aws.ec2;
    let tables = ec2.describe_route_tables().filters(filter("vpc-id", vpc(target)));
    let tables = tables.filters(filter("association.main", "true")).send().await?;
    let associations = tables.route_tables().iter().flat_map(|table| table.associations());
    let mut main = associations.filter(|association| association.main().unwrap_or(false));
    let main = main.next().and_then(|main| main.route_table_association_id.clone());
    let request = ec2.replace_route_table_association().set_association_id(main);
    request.route_table_id(&target.object.id).send().await?;
    Ok(())
}

async fn route(target: &Target<'_>) -> Result<()> {
    let ec2 = &target.aws.ec2;
    let request = ec2
        .create_route()
        .route_table_id(&target.object.id)
        .destination_cidr_block("0.0.0.0/0");
    request
        .network_interface_id(interface(ec2, vpc(target)).await?)
        .send()
        .await?;
    Ok(())
}

/// What is meant for the VPC itself goes through somebody's interface.
async fn local_route(target: &Target<'_>) -> Result<()> {
    let ec2 = &target.aws.ec2;
    let network = ec2.describe_vpcs().vpc_ids(vpc(target)).send().await?;
    let block = network
        .vpcs()
        .first()
        .and_then(|vpc| vpc.cidr_block())
        .unwrap_or_default();
    let request = ec2
        .replace_route()
        .route_table_id(&target.object.id)
        .destination_cidr_block(block);
    request
        .network_interface_id(interface(ec2, vpc(target)).await?)
        .send()
        .await?;
    Ok(())
}

/// A gateway endpoint of somebody else's, which stays when the table has left it.
async fn foreign_endpoint(target: &Target<'_>) -> Result<()> {
    let region = target.aws.region();
    let request = target
        .aws
        .ec2
        .create_vpc_endpoint()
        .vpc_id(vpc(target))
        .route_table_ids(&target.object.id);
    let request = request.vpc_endpoint_type(VpcEndpointType::Gateway);
    request
        .service_name(format!("com.amazonaws.{region}.dynamodb"))
        .send()
        .await?;
    Ok(())
}

/// Only a gateway that is attached propagates, and that is a difference of the VPC.
async fn propagation(target: &Target<'_>) -> Result<()> {
    let ec2 = &target.aws.ec2;
    let made = ec2
        .create_vpn_gateway()
        .r#type(GatewayType::Ipsec1)
        .send()
        .await?
        .vpn_gateway;
    let gateway = made.and_then(|gateway| gateway.vpn_gateway_id).context("no gateway")?;
    ec2.attach_vpn_gateway()
        .vpc_id(vpc(target))
        .vpn_gateway_id(&gateway)
        .send()
        .await?;
    let request = ec2.enable_vgw_route_propagation().route_table_id(&target.object.id);
    request.gateway_id(gateway).send().await?;
    Ok(())
}

/// A subnet of somebody else's, which stays when it has lost the table.
async fn stranger(target: &Target<'_>) -> Result<()> {
    let ec2 = &target.aws.ec2;
    let network = ec2.describe_vpcs().vpc_ids(vpc(target)).send().await?;
    let block = network
        .vpcs()
        .first()
        .and_then(|vpc| vpc.cidr_block())
        .unwrap_or_default();
    let (first, _) = block.rsplit_once(".0.0/").context("a VPC of another size")?;
    let request = ec2
        .create_subnet()
        .vpc_id(vpc(target))
        .cidr_block(format!("{first}.240.0/28"));
    let made = request.send().await?.subnet.and_then(|subnet| subnet.subnet_id);
    let request = ec2.associate_route_table().route_table_id(&target.object.id);
    request.subnet_id(made.unwrap_or_default()).send().await?;
    Ok(())
}

/// A table goes only without associations.
async fn gone(target: &Target<'_>) -> Result<()> {
    let ec2 = &target.aws.ec2;
    let found = ec2
        .describe_route_tables()
        .filters(filter("route-table-id", &target.object.id))
        .send()
        .await?;
    for association in found.route_tables().iter().flat_map(|table| table.associations()) {
        let id = association.route_table_association_id().unwrap_or_default();
        ec2.disassociate_route_table().association_id(id).send().await?;
    }
    ec2.delete_route_table()
        .route_table_id(&target.object.id)
        .send()
        .await?;
    Ok(())
}
