use anyhow::{Context, Result};
use futures::FutureExt;

use super::network::{delete_endpoints, foreign_group};
use super::{GONE, Tamper, Target};

pub const TAMPERS: &[Tamper] = &[
    Tamper {
        kind: "VpcEndpoint",
        field: "policy",
        act: |target| no_policy(target).boxed(),
    },
    Tamper {
        kind: "VpcEndpoint",
        field: "policy",
        act: |target| wider_policy(target).boxed(),
    },
    Tamper {
        kind: "VpcEndpoint",
        field: "subnets",
        act: |target| fewer_subnets(target).boxed(),
    },
    Tamper {
        kind: "VpcEndpoint",
        field: "groups",
        act: |target| another_group(target).boxed(),
    },
    Tamper {
        kind: "VpcEndpoint",
        field: "routeTables",
        act: |target| no_table(target).boxed(),
    },
    Tamper {
        kind: "VpcEndpoint",
        field: "privateDns",
        act: |target| public_names(target).boxed(),
    },
    Tamper {
        kind: "VpcEndpoint",
        field: "tags",
        act: |target| super::untag(target).boxed(),
    },
    Tamper {
        kind: "VpcEndpoint",
        field: GONE,
        act: |target| gone(target).boxed(),
    },
];

/// The first of what the endpoint has of these; gateway endpoints have no subnets, interface endpoints no tables.
fn first<'a>(target: &'a Target<'_>, field: &str) -> Result<&'a str> {
    target.object.attributes[field][0]
        .as_str()
        .with_context(|| format!("it has no {field}"))
}

async fn no_policy(target: &Target<'_>) -> Result<()> {
    let request = target.aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&target.object.id);
    request.reset_policy(true).send().await?;
    Ok(())
}

async fn wider_policy(target: &Target<'_>) -> Result<()> {
    let wide = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#;
    let request = target.aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&target.object.id);
    request.policy_document(wide).send().await?;
    Ok(())
}

async fn fewer_subnets(target: &Target<'_>) -> Result<()> {
    let subnet = first(target, "subnets")?;
    let request = target.aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&target.object.id);
    request.remove_subnet_ids(subnet).send().await?;
    Ok(())
}

async fn another_group(target: &Target<'_>) -> Result<()> {
    first(target, "groups")?;
    let vpc = target.object.attributes["vpc"].as_str().unwrap_or_default();
    let group = foreign_group(&target.aws.ec2, vpc).await?;
    let request = target.aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&target.object.id);
    request.add_security_group_ids(group).send().await?;
    Ok(())
}

async fn no_table(target: &Target<'_>) -> Result<()> {
    let table = first(target, "routeTables")?;
    let request = target.aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&target.object.id);
    request.remove_route_table_ids(table).send().await?;
    Ok(())
}

async fn public_names(target: &Target<'_>) -> Result<()> {
    let now = target.object.attributes["privateDns"].as_bool().unwrap_or_default();
    let request = target.aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&target.object.id);
    request.private_dns_enabled(!now).send().await?;
    Ok(())
}

async fn gone(target: &Target<'_>) -> Result<()> {
    delete_endpoints(&target.aws.ec2, vec![target.object.id.clone()]).await
}
