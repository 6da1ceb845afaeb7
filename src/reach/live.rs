//! Reads the state of the network.

mod forms;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ipnet::IpNet;

use self::forms::{
    acl, carrier, egress_only, endpoint, endpoint_service, group, interface, internet, nat, peering, subnet, table,
    transit, virtual_private,
};
use super::network::{Addresses, EndpointService, Network, Vpc};
use super::{Report, check};
use crate::aws::{Aws, ec2_tags, pages};
use crate::engine::{Failure, Inventory, Reader};
use crate::kinds::{self, Kind, Peer, ec2};
use crate::model::Owner;

/// The IAM actions that reading needs.
pub const PERMISSIONS: &[&str] = &[
    "ec2:DescribeCarrierGateways",
    "ec2:DescribeEgressOnlyInternetGateways",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTransitGatewayAttachments",
    "ec2:DescribeVpcEndpointServiceConfigurations",
    "ec2:DescribeVpcEndpointServicePermissions",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcPeeringConnections",
    "ec2:DescribeVpcs",
    "ec2:DescribeVpnGateways",
    "ec2:GetManagedPrefixListEntries",
];

/// What there is to say of the network of `owner` now. Lists are read once for all who look at the same time.
///
/// # Errors
/// When a read fails: of what could not be read, nothing is said.
pub async fn check_live(inventory: &Inventory, owner: &Owner) -> Result<Report, Failure> {
    Ok(check(&read(inventory, Instant::now()).await?, owner))
}

/// The state of the network of the account and region, from lists that are no older than `not_before`.
///
/// # Errors
/// When a read fails.
pub async fn read(inventory: &Inventory, not_before: Instant) -> Result<Network, Failure> {
    let reader = &inventory.lists(not_before);
    let (mut network, ways) = futures::try_join!(within(reader), between(reader))?;
    network.gateways = ways.gateways;
    network.nat_gateways = ways.nat_gateways;
    network.peerings = ways.peerings;
    network.transit_attachments = ways.transit_attachments;
    let (lists, services) = futures::try_join!(
        prefix_lists(reader.aws(), named_lists(&network)),
        exposed(reader, &network),
    )?;
    network.prefix_lists = lists;
    network.endpoint_services = services;
    Ok(network)
}

/// What networks are made of.
async fn within(reader: &Reader<'_>) -> Result<Network, Failure> {
    let (vpcs, subnets, tables, acls, groups, interfaces, endpoints) = futures::try_join!(
        ec2::vpcs(reader),
        ec2::subnets(reader),
        ec2::route_tables(reader),
        ec2::network_acls(reader),
        ec2::security_groups(reader),
        ec2::network_interfaces(reader),
        ec2::vpc_endpoints(reader),
    )?;
    let vpcs = vpcs.iter().filter_map(|vpc| {
        let id = vpc.vpc_id()?.to_owned();
        let owner = reader
            .recognised_as(kinds::Vpc::NAME, &id, ec2_tags(vpc.tags()))
            .owner();
        Some((id, Vpc { owner }))
    });
    let endpoints = endpoints.iter().filter_map(|one| {
        let id = one.vpc_endpoint_id()?;
        let owner = reader
            .recognised_as(kinds::VpcEndpoint::NAME, id, ec2_tags(one.tags()))
            .owner();
        endpoint(one, owner)
    });
    Ok(Network {
        vpcs: vpcs.collect(),
        subnets: subnets.iter().filter_map(subnet).collect(),
        route_tables: tables.iter().filter_map(table).collect(),
        network_acls: acls.iter().filter_map(acl).collect(),
        security_groups: groups.iter().filter_map(group).collect(),
        interfaces: interfaces.iter().filter_map(interface).collect(),
        endpoints: endpoints.collect(),
        ..Network::default()
    })
}

/// What connects them with each other and with the rest of the world.
async fn between(reader: &Reader<'_>) -> Result<Network, Failure> {
    let (internets, egress_onlys, carriers, vpns, nats, peerings, transits) = futures::try_join!(
        ec2::internet_gateways(reader),
        ec2::egress_only_gateways(reader),
        ec2::carrier_gateways(reader),
        ec2::vpn_gateways(reader),
        ec2::nat_gateways(reader),
        ec2::peerings(reader),
        ec2::transit_attachments(reader),
    )?;
    let internets = internets.iter().filter_map(internet);
    let egress_onlys = egress_onlys.iter().filter_map(egress_only);
    let carriers = carriers.iter().filter_map(carrier);
    let vpns = vpns.iter().filter_map(virtual_private);
    Ok(Network {
        gateways: internets.chain(egress_onlys).chain(carriers).chain(vpns).collect(),
        nat_gateways: nats.iter().filter_map(nat).collect(),
        peerings: peerings.iter().filter_map(peering).collect(),
        transit_attachments: transits.iter().filter_map(transit).collect(),
        ..Network::default()
    })
}

/// The prefix lists that rules and routes name.
fn named_lists(network: &Network) -> BTreeSet<String> {
    let routes = network.route_tables.values().flat_map(|table| &table.routes);
    let of_routes = routes.filter_map(|route| match &route.destination {
        Addresses::PrefixList(id) => Some(id),
        Addresses::Block(_) => None,
    });
    let groups = network.security_groups.values();
    let rules = groups.flat_map(|group| group.ingress.iter().chain(&group.egress));
    let of_rules = rules.filter_map(|rule| match &rule.peer {
        Peer::PrefixList(id) => Some(id),
        Peer::Group(_) | Peer::Cidr(_) => None,
    });
    of_routes.chain(of_rules).cloned().collect()
}

async fn prefix_lists(aws: &Aws, ids: BTreeSet<String>) -> Result<BTreeMap<String, Vec<IpNet>>, Failure> {
    let read = ids.into_iter().map(|id| async move {
        let request = aws
            .ec2
            .get_managed_prefix_list_entries()
            .prefix_list_id(&id)
            .max_results(100);
        let entries = pages!(
            aws,
            "ec2:GetManagedPrefixListEntries",
            request.clone(),
            set_next_token,
            next_token,
            entries
        );
        let blocks = entries.iter().filter_map(|entry| entry.cidr()?.parse().ok());
        Ok((id, blocks.collect()))
    });
    Ok(futures::future::try_join_all(read).await?.into_iter().collect())
}

/// The endpoint services behind load balancers that stand in somebody's VPC, with those who may connect to them.
async fn exposed(reader: &Reader<'_>, network: &Network) -> Result<BTreeMap<String, EndpointService>, Failure> {
    let aws = reader.aws();
    let owned = |subnet: &str| {
        let vpc = network.subnets.get(subnet).map(|subnet| &subnet.vpc);
        vpc.and_then(|vpc| network.vpcs.get(vpc))
            .is_some_and(|vpc| vpc.owner.is_some())
    };
    let interfaces = network.interfaces.values().filter(|interface| owned(&interface.subnet));
    let balancers: BTreeSet<&String> = interfaces.filter_map(|one| one.load_balancer.as_ref()).collect();
    let services = ec2::endpoint_services(reader).await?;
    let services = services.iter().filter_map(endpoint_service);
    let near = services.filter(|(_, service)| service.load_balancers.iter().any(|one| balancers.contains(one)));
    let read = near.map(|(id, mut service)| async move {
        let request = aws.ec2.describe_vpc_endpoint_service_permissions().service_id(&id);
        let allowed = pages!(
            aws,
            "ec2:DescribeVpcEndpointServicePermissions",
            request.clone(),
            set_next_token,
            next_token,
            allowed_principals
        );
        service.principals = allowed.into_iter().filter_map(|one| one.principal).collect();
        Ok((id, service))
    });
    Ok(futures::future::try_join_all(read).await?.into_iter().collect())
}
