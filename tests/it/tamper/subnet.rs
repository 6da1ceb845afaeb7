use anyhow::{Context, Result};
use aws_sdk_ec2::types::AttributeBooleanValue;
use futures::FutureExt;

use super::network::filter;
use super::{GONE, Tamper, Target};

pub const TAMPERS: &[Tamper] = &[
    Tamper {
        kind: "Subnet",
        field: "mapPublicIpOnLaunch",
        act: |target| public_addresses(target).boxed(),
    },
    Tamper {
        kind: "Subnet",
        field: "routeTable",
        act: |target| no_table(target).boxed(),
    },
    Tamper {
        kind: "Subnet",
        field: "routeTable",
        act: |target| another_table(target).boxed(),
    },
    Tamper {
        kind: "Subnet",
        field: "tags",
        act: |target| super::untag(target).boxed(),
    },
    Tamper {
        kind: "Subnet",
        field: GONE,
        act: |target| gone(target).boxed(),
    },
];

async fn public_addresses(target: &Target<'_>) -> Result<()> {
    let on = AttributeBooleanValue::builder().value(true).build();
    let request = target.aws.ec2.modify_subnet_attribute().subnet_id(&target.object.id);
    request.map_public_ip_on_launch(on).send().await?;
    Ok(())
}

fn association<'a>(target: &'a Target<'_>) -> Result<&'a str> {
    target.object.attributes["association"]
        .as_str()
        .context("no association")
}

async fn no_table(target: &Target<'_>) -> Result<()> {
    let request = target
        .aws
        .ec2
        .disassociate_route_table()
        .association_id(association(target)?);
    request.send().await?;
    Ok(())
}

async fn another_table(target: &Target<'_>) -> Result<()> {
    let vpc = target.object.attributes["vpc"].as_str().unwrap_or_default();
    let main = target.aws.ec2.describe_route_tables().filters(filter("vpc-id", vpc));
    let main = main.filters(filter("association.main", "true")).send().await?;
    let main = main.route_tables().first().and_then(|table| table.route_table_id());
    let request = target
        .aws
        .ec2
        .replace_route_table_association()
        .association_id(association(target)?);
    request.route_table_id(main.unwrap_or_default()).send().await?;
    Ok(())
}

/// A subnet goes only without endpoints in it.
async fn gone(target: &Target<'_>) -> Result<()> {
    let (ec2, subnet) = (&target.aws.ec2, &target.object.id);
    for endpoint in ec2.describe_vpc_endpoints().send().await?.vpc_endpoints() {
        if endpoint.subnet_ids().contains(subnet) {
            let request = ec2
                .modify_vpc_endpoint()
                .set_vpc_endpoint_id(endpoint.vpc_endpoint_id.clone());
            request.remove_subnet_ids(subnet).send().await?;
        }
    }
    ec2.delete_subnet().subnet_id(subnet).send().await?;
    Ok(())
}
