//! What of Amazon EC2 keeps a part of a network from being deleted. Asked only when a deletion was refused.

use aws_sdk_ec2::types::{Filter, NetworkInterface, NetworkInterfaceType, RouteTable, SecurityGroup, Tag, VpcEndpoint};

use super::{ec2, gateways::gateways};
use crate::aws::{ec2_tags, pages};
use crate::engine::{Failure, Reader};
use crate::model::{Holder, NAME_TAG, OWNER_TAG, Owner};

/// The beginnings of the descriptions of interfaces that SageMaker and Lambda remove some time after what they were for.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>
const LINGER: &[&str] = &[
    "[Do not delete]",
    "[DO NOT DELETE]",
    "AWS Lambda VPC ENI",
    "VPC Endpoint Interface",
];

/// The network interfaces that `filter` finds with `id`.
///
/// # Errors
/// When they cannot be listed.
pub(crate) async fn interfaces(reader: &Reader<'_>, filter: &str, id: &str) -> Result<Vec<Holder>, Failure> {
    let aws = reader.aws();
    let request = aws
        .ec2
        .describe_network_interfaces()
        .filters(equals(filter, id))
        .max_results(1000);
    let found = pages!(
        aws,
        "ec2:DescribeNetworkInterfaces",
        request.clone(),
        set_next_token,
        next_token,
        network_interfaces
    );
    Ok(found.iter().map(interface).collect())
}

/// What is in the VPC `vpc` of `owner`.
///
/// # Errors
/// When something cannot be listed.
pub(crate) async fn of_vpc(reader: &Reader<'_>, owner: &Owner, vpc: &str) -> Result<Vec<Holder>, Failure> {
    let owners = std::collections::HashMap::from([(vpc.to_owned(), owner.clone())]);
    let (interfaces, gateways, subnets, groups, tables, acls, endpoints) = futures::try_join!(
        interfaces(reader, "vpc-id", vpc),
        gateways(reader, &owners),
        ec2::subnets(reader),
        ec2::security_groups(reader),
        ec2::route_tables(reader),
        ec2::network_acls(reader),
        ec2::vpc_endpoints(reader),
    )?;
    let mut found = interfaces;
    let attached = gateways.get(vpc).into_iter().flatten();
    found.extend(attached.map(|gateway| {
        let (what, id) = gateway.parts();
        Holder::new(what, id)
    }));
    let here = |of: Option<&str>| of == Some(vpc);
    let subnets = subnets.iter().filter(|subnet| here(subnet.vpc_id()));
    found.extend(subnets.map(|subnet| tagged("subnet", subnet.subnet_id(), subnet.tags())));
    let groups = groups
        .iter()
        .filter(|group| here(group.vpc_id()) && group.group_name() != Some("default"));
    found.extend(groups.map(group));
    let tables = tables.iter().filter(|table| here(table.vpc_id()) && !is_main(table));
    found.extend(tables.map(|table| tagged("route table", table.route_table_id(), table.tags())));
    let acls = acls
        .iter()
        .filter(|acl| here(acl.vpc_id()) && acl.is_default() != Some(true));
    found.extend(acls.map(|acl| tagged("network ACL", acl.network_acl_id(), acl.tags())));
    // Those that lead out are among the gateways.
    let named = |endpoint: &VpcEndpoint| found.iter().any(|held| endpoint.vpc_endpoint_id() == Some(&held.id));
    let endpoints = endpoints
        .iter()
        .filter(|endpoint| here(endpoint.vpc_id()) && !named(endpoint));
    let endpoints: Vec<Holder> = endpoints.map(endpoint).collect();
    found.extend(endpoints);
    Ok(found)
}

/// What uses the security group `id`: interfaces, and the rules of others that name it.
///
/// # Errors
/// When something cannot be listed.
pub(crate) async fn of_group(reader: &Reader<'_>, id: &str) -> Result<Vec<Holder>, Failure> {
    let (mut found, groups) = futures::try_join!(interfaces(reader, "group-id", id), ec2::security_groups(reader))?;
    let names = |group: &&SecurityGroup| {
        let permissions = group.ip_permissions().iter().chain(group.ip_permissions_egress());
        let mut pairs = permissions.flat_map(|permission| permission.user_id_group_pairs());
        group.group_id() != Some(id) && pairs.any(|pair| pair.group_id() == Some(id))
    };
    found.extend(groups.iter().filter(names).map(|naming| {
        let holder = group(naming);
        let says = "its rules name the group".to_owned();
        Holder {
            description: Some(
                holder
                    .description
                    .map_or(says.clone(), |known| format!("{known}; {says}")),
            ),
            ..holder
        }
    }));
    Ok(found)
}

/// What the route table `id` is associated with.
///
/// # Errors
/// When it cannot be listed.
pub(crate) async fn of_table(reader: &Reader<'_>, id: &str) -> Result<Vec<Holder>, Failure> {
    let (tables, subnets) = futures::try_join!(ec2::route_tables(reader), ec2::subnets(reader))?;
    let table = tables.iter().find(|table| table.route_table_id() == Some(id));
    let associations = table.into_iter().flat_map(RouteTable::associations);
    let found = associations.map(
        |association| match (association.subnet_id(), association.gateway_id()) {
            (Some(subnet), _) => {
                let known = subnets.iter().find(|one| one.subnet_id() == Some(subnet));
                tagged(
                    "associated subnet",
                    Some(subnet),
                    known.map_or(&[], |subnet| subnet.tags()),
                )
            }
            (None, Some(gateway)) => Holder::new("associated gateway", gateway),
            (None, None) => Holder::new(
                "VPC that it is the main table of",
                table.and_then(RouteTable::vpc_id).unwrap_or_default(),
            ),
        },
    );
    Ok(found.collect())
}

fn equals(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

fn interface(interface: &NetworkInterface) -> Holder {
    let description = interface.description().unwrap_or_default();
    let requester = interface.requester_id().filter(|requester| !requester.is_empty());
    let managed = interface.requester_managed() == Some(true);
    let lambda = interface.interface_type() == Some(&NetworkInterfaceType::Lambda);
    let lingers = LINGER.iter().any(|start| description.starts_with(start));
    let attachment = interface.attachment();
    let since = attachment
        .and_then(|attachment| attachment.attach_time())
        .map(|time| time.secs());
    let owner = owner(interface.tag_set());
    let owner = owner.or_else(|| requester.or(interface.owner_id()).map(str::to_owned));
    Holder::new(
        "network interface",
        interface.network_interface_id().unwrap_or_default(),
    )
    .of(owner.unwrap_or_default())
    .described(description)
    .since(since)
    .passes(lambda || managed && lingers)
}

fn group(group: &SecurityGroup) -> Holder {
    let holder = tagged("security group", group.group_id(), group.tags());
    let name = group.group_name().unwrap_or_default();
    if holder.description.is_some() {
        return holder;
    }
    holder.described(name)
}

fn endpoint(endpoint: &VpcEndpoint) -> Holder {
    // The API's model has these words in capitals, its answers in small letters.
    let state = endpoint.state().map(|state| state.as_str().to_lowercase());
    let going = matches!(state.as_deref(), Some("deleted" | "deleting"));
    tagged("endpoint", endpoint.vpc_endpoint_id(), endpoint.tags())
        .described(endpoint.service_name().unwrap_or_default())
        .since(endpoint.creation_timestamp().map(|time| time.secs()))
        .passes(going)
}

fn tagged(what: &str, id: Option<&str>, tags: &[Tag]) -> Holder {
    let name = ec2_tags(tags).get(NAME_TAG).unwrap_or_default().to_owned();
    Holder::new(what, id.unwrap_or_default())
        .of(owner(tags).unwrap_or_default())
        .described(name)
}

fn owner(tags: &[Tag]) -> Option<String> {
    ec2_tags(tags).get(OWNER_TAG).map(str::to_owned)
}

fn is_main(table: &RouteTable) -> bool {
    let mut associations = table.associations().iter();
    associations.any(|association| association.main() == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_aws_clears_away_by_itself_passes() {
        let of = |description: &str, managed: bool, kind: NetworkInterfaceType| {
            let built = NetworkInterface::builder()
                .network_interface_id("eni-1")
                .description(description);
            interface(
                &built
                    .requester_managed(managed)
                    .requester_id("amazon-x")
                    .interface_type(kind)
                    .build(),
            )
        };
        let plain = NetworkInterfaceType::Interface;
        let notebook = of("[Do not delete] Notebook Instance ada", true, plain.clone());
        assert!(notebook.passes);
        assert_eq!(
            notebook.to_string(),
            "network interface eni-1 (of amazon-x, “[Do not delete] Notebook Instance ada”)"
        );
        assert!(of("AWS Lambda VPC ENI-f-1", true, NetworkInterfaceType::Lambda).passes);
        assert!(
            !of("ELB app/web/1", true, plain.clone()).passes,
            "a load balancer lives on"
        );
        assert!(!of("[Do not delete] says anybody", false, plain).passes);
    }
}
