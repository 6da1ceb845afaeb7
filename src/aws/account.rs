use std::collections::BTreeMap;

use aws_sdk_ec2::types::Filter;

use super::clients::{Aws, Identity};
use crate::engine::Failure;
use crate::model::{Account, EndpointService, Zone};

/// The IAM actions that looking at the account needs.
pub const PERMISSIONS: &[&str] = &[
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeManagedPrefixLists",
    "ec2:DescribeVpcEndpointServices",
    "sts:GetCallerIdentity",
];

/// Reads the facts of the account and region that blueprints are drawn with.
///
/// # Errors
/// When a read fails.
pub async fn describe(aws: &Aws) -> Result<Account, Failure> {
    let (identity, zones, prefix_list, services) =
        futures::try_join!(aws.account(), zones(aws), s3_prefix_list(aws), endpoint_services(aws))?;
    let Identity { caller, partition, id } = identity.clone();
    Ok(Account {
        partition,
        id,
        region: aws.region().to_owned(),
        zones,
        s3_prefix_list: prefix_list,
        endpoint_services: services,
        caller,
    })
}

async fn zones(aws: &Aws) -> Result<Vec<Zone>, Failure> {
    let answer = aws
        .call(
            "ec2:DescribeAvailabilityZones",
            aws.ec2.describe_availability_zones().send(),
        )
        .await?;
    let regional = answer.availability_zones().iter().filter(|zone| {
        zone.zone_type().is_none_or(|kind| kind == "availability-zone")
            && zone
                .opt_in_status()
                .is_none_or(|status| status.as_str() != "not-opted-in")
    });
    let mut zones: Vec<Zone> = regional
        .filter_map(|zone| {
            Some(Zone {
                id: zone.zone_id()?.to_owned(),
                name: zone.zone_name()?.to_owned(),
            })
        })
        .collect();
    zones.sort();
    Ok(zones)
}

async fn s3_prefix_list(aws: &Aws) -> Result<String, Failure> {
    let name = format!("com.amazonaws.{}.s3", aws.region());
    let filter = Filter::builder().name("prefix-list-name").values(&name).build();
    let request = aws.ec2.describe_managed_prefix_lists().filters(filter);
    let answer = aws.call("ec2:DescribeManagedPrefixLists", request.send()).await?;
    let list = answer
        .prefix_lists()
        .iter()
        .find(|list| list.prefix_list_name() == Some(&name));
    Ok(list
        .and_then(|list| list.prefix_list_id())
        .unwrap_or_default()
        .to_owned())
}

async fn endpoint_services(aws: &Aws) -> Result<BTreeMap<String, EndpointService>, Failure> {
    let mut services: BTreeMap<String, EndpointService> = BTreeMap::new();
    let mut token = None;
    loop {
        let request = aws.ec2.describe_vpc_endpoint_services().set_next_token(token);
        let page = aws.call("ec2:DescribeVpcEndpointServices", request.send()).await?;
        for detail in page.service_details() {
            let service = services
                .entry(detail.service_name().unwrap_or_default().to_owned())
                .or_default();
            service.zones.extend(detail.availability_zones().iter().cloned());
            service.takes_policy |= detail.vpc_endpoint_policy_supported().unwrap_or(false);
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(services);
        }
    }
}
