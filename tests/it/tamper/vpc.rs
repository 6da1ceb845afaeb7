use anyhow::Result;
use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, IpPermission, IpRange, Tag};
use futures::FutureExt;

use super::{GONE, Tamper, Target};

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
        field: "tags",
        act: |target| retag(target).boxed(),
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
    let made = target.aws.ec2.create_internet_gateway().send().await?;
    let gateway = made
        .internet_gateway()
        .and_then(|gateway| gateway.internet_gateway_id());
    let request = target.aws.ec2.attach_internet_gateway().vpc_id(&target.object.id);
    request.internet_gateway_id(gateway.unwrap_or_default()).send().await?;
    Ok(())
}

async fn default_group(target: &Target<'_>) -> Result<()> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let request = target.aws.ec2.describe_security_groups();
    let request = request
        .filters(filter("vpc-id", &target.object.id))
        .filters(filter("group-name", "default"));
    let found = request.send().await?;
    let group = found.security_groups().first().and_then(|group| group.group_id());
    let anyone = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let open = IpPermission::builder().ip_protocol("-1").ip_ranges(anyone).build();
    let request = target.aws.ec2.authorize_security_group_ingress().ip_permissions(open);
    request.group_id(group.unwrap_or_default()).send().await?;
    Ok(())
}

async fn retag(target: &Target<'_>) -> Result<()> {
    let tag = Tag::builder().key("EnvironmentType").value("prod").build();
    target
        .aws
        .ec2
        .create_tags()
        .resources(&target.object.id)
        .tags(tag)
        .send()
        .await?;
    Ok(())
}

async fn gone(target: &Target<'_>) -> Result<()> {
    target.aws.ec2.delete_vpc().vpc_id(&target.object.id).send().await?;
    Ok(())
}
