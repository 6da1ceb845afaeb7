//! EC2's forms as ours. What AWS says is going or not in use is left out.

use aws_sdk_ec2::types::{self, NatGatewayState, RouteState, VpcEndpointType};
use ipnet::IpNet;

use crate::kinds::{routes, rules};
use crate::model::Owner;
use crate::policy::Document;
use crate::reach::network::{
    AclEntry, Addresses, Endpoint, EndpointKind, EndpointService, Gateway, GatewayKind, Interface, NatGateway,
    NetworkAcl, Peering, Route, RouteTable, SecurityGroup, Side, Subnet, TransitAttachment,
};

/// Something, by its id.
type Named<T> = Option<(String, T)>;

pub(super) fn subnet(subnet: &types::Subnet) -> Named<Subnet> {
    let blocks = subnet.ipv6_cidr_block_association_set().iter();
    let form = Subnet {
        vpc: subnet.vpc_id()?.to_owned(),
        ipv4: subnet.cidr_block().and_then(|block| block.parse().ok()),
        ipv6: blocks.filter_map(|one| one.ipv6_cidr_block()?.parse().ok()).collect(),
        maps_public_addresses: subnet.map_public_ip_on_launch().unwrap_or(false),
    };
    Some((subnet.subnet_id()?.to_owned(), form))
}

pub(super) fn table(table: &types::RouteTable) -> Named<RouteTable> {
    let associations = || table.associations().iter();
    let used = table
        .routes()
        .iter()
        .filter(|route| route.state() != Some(&RouteState::Blackhole));
    let form = RouteTable {
        vpc: table.vpc_id()?.to_owned(),
        main: associations().any(|association| association.main().unwrap_or(false)),
        subnets: associations()
            .filter_map(|association| association.subnet_id().map(str::to_owned))
            .collect(),
        routes: used.filter_map(route).collect(),
    };
    Some((table.route_table_id()?.to_owned(), form))
}

fn route(route: &types::Route) -> Option<Route> {
    let destination = routes::destination(route);
    Some(Route {
        destination: match destination.starts_with("pl-") {
            true => Addresses::PrefixList(destination),
            false => Addresses::Block(destination.parse().ok()?),
        },
        target: routes::target(route),
    })
}

pub(super) fn acl(acl: &types::NetworkAcl) -> Named<NetworkAcl> {
    let of = |egress: bool| -> Vec<AclEntry> {
        let entries = acl
            .entries()
            .iter()
            .filter(|entry| entry.egress().unwrap_or(false) == egress);
        let mut entries: Vec<AclEntry> = entries.filter_map(entry).collect();
        entries.sort_by_key(|entry| entry.number);
        entries
    };
    let form = NetworkAcl {
        vpc: acl.vpc_id()?.to_owned(),
        subnets: acl
            .associations()
            .iter()
            .filter_map(|one| one.subnet_id().map(str::to_owned))
            .collect(),
        ingress: of(false),
        egress: of(true),
    };
    Some((acl.network_acl_id()?.to_owned(), form))
}

/// How security groups call the protocols that network ACLs give by number.
const PROTOCOLS: [(&str, &str); 4] = [("1", "icmp"), ("6", "tcp"), ("17", "udp"), ("58", "icmpv6")];

fn entry(entry: &types::NetworkAclEntry) -> Option<AclEntry> {
    let number = entry.protocol().unwrap_or("-1");
    let protocol = PROTOCOLS
        .iter()
        .find(|(of, _)| *of == number)
        .map_or(number, |(_, name)| name);
    let allow = entry.rule_action().is_some_and(|action| action.as_str() == "allow");
    let one_type = entry
        .icmp_type_code()
        .is_some_and(|of| of.r#type().is_some_and(|number| number != -1));
    if one_type && !allow && protocol.starts_with("icmp") {
        // It refuses a part of the protocol; the rest may pass.
        return None;
    }
    let range = entry.port_range().filter(|_| matches!(protocol, "tcp" | "udp"));
    let ports = range.and_then(|range| Some((range.from()?.try_into().ok()?, range.to()?.try_into().ok()?)));
    Some(AclEntry {
        number: entry.rule_number()?,
        allow,
        protocol: protocol.to_owned(),
        ports,
        block: entry.cidr_block().or(entry.ipv6_cidr_block())?.parse().ok()?,
    })
}

pub(super) fn group(group: &types::SecurityGroup) -> Named<SecurityGroup> {
    let form = SecurityGroup {
        vpc: group.vpc_id()?.to_owned(),
        ingress: rules::from_permissions(group.owner_id(), group.ip_permissions()),
        egress: rules::from_permissions(group.owner_id(), group.ip_permissions_egress()),
    };
    Some((group.group_id()?.to_owned(), form))
}

pub(super) fn interface(interface: &types::NetworkInterface) -> Named<Interface> {
    let private = || interface.private_ip_addresses().iter();
    let of_primary = interface.association().and_then(|association| association.public_ip());
    let mut of_all = private().filter_map(|address| address.association()?.public_ip());
    let version4 = private().filter_map(|address| address.private_ip_address());
    let version6 = interface
        .ipv6_addresses()
        .iter()
        .filter_map(|address| address.ipv6_address());
    let form = Interface {
        subnet: interface.subnet_id()?.to_owned(),
        groups: interface
            .groups()
            .iter()
            .filter_map(|group| group.group_id().map(str::to_owned))
            .collect(),
        addresses: version4
            .chain(version6)
            .filter_map(|address| address.parse().ok())
            .collect(),
        public: of_primary.is_some() || of_all.next().is_some(),
        forwards: interface.source_dest_check() == Some(false),
        instance: interface
            .attachment()
            .and_then(|attachment| attachment.instance_id())
            .map(str::to_owned),
        load_balancer: interface
            .description()
            .and_then(|text| text.strip_prefix("ELB "))
            .map(str::to_owned),
    };
    Some((interface.network_interface_id()?.to_owned(), form))
}

pub(super) fn internet(gateway: &types::InternetGateway) -> Named<Gateway> {
    let vpcs = gateway.attachments().iter().filter_map(|one| one.vpc_id());
    Some((
        gateway.internet_gateway_id()?.to_owned(),
        attached(GatewayKind::Internet, vpcs),
    ))
}

pub(super) fn egress_only(gateway: &types::EgressOnlyInternetGateway) -> Named<Gateway> {
    let vpcs = gateway.attachments().iter().filter_map(|one| one.vpc_id());
    let id = gateway.egress_only_internet_gateway_id()?;
    Some((id.to_owned(), attached(GatewayKind::EgressOnlyInternet, vpcs)))
}

pub(super) fn carrier(gateway: &types::CarrierGateway) -> Named<Gateway> {
    let vpcs = gateway.vpc_id().into_iter();
    Some((
        gateway.carrier_gateway_id()?.to_owned(),
        attached(GatewayKind::Carrier, vpcs),
    ))
}

pub(super) fn virtual_private(gateway: &types::VpnGateway) -> Named<Gateway> {
    let here = |one: &&types::VpcAttachment| one.state().is_some_and(|state| state.as_str().starts_with("attach"));
    let vpcs = gateway
        .vpc_attachments()
        .iter()
        .filter(here)
        .filter_map(|one| one.vpc_id());
    Some((
        gateway.vpn_gateway_id()?.to_owned(),
        attached(GatewayKind::VirtualPrivate, vpcs),
    ))
}

fn attached<'v>(kind: GatewayKind, vpcs: impl Iterator<Item = &'v str>) -> Gateway {
    let vpcs = vpcs.map(str::to_owned).collect();
    Gateway { kind, vpcs }
}

pub(super) fn nat(gateway: &types::NatGateway) -> Named<NatGateway> {
    use NatGatewayState::{Deleted, Deleting, Failed};
    if gateway
        .state()
        .is_some_and(|state| [Deleted, Deleting, Failed].contains(state))
    {
        return None;
    }
    let form = NatGateway {
        subnet: gateway.subnet_id().map(str::to_owned),
        public: gateway.connectivity_type().is_none_or(|kind| kind.as_str() == "public"),
    };
    Some((gateway.nat_gateway_id()?.to_owned(), form))
}

pub(super) fn peering(connection: &types::VpcPeeringConnection) -> Named<Peering> {
    let code = connection
        .status()
        .and_then(|status| status.code())
        .map_or("", |code| code.as_str());
    if !matches!(code, "active" | "provisioning") {
        return None;
    }
    let sides = [connection.requester_vpc_info()?, connection.accepter_vpc_info()?].map(side);
    Some((connection.vpc_peering_connection_id()?.to_owned(), Peering { sides }))
}

fn side(info: &types::VpcPeeringConnectionVpcInfo) -> Side {
    let sets = info.cidr_block_set().iter().filter_map(|one| one.cidr_block());
    let version6 = info
        .ipv6_cidr_block_set()
        .iter()
        .filter_map(|one| one.ipv6_cidr_block());
    let mut blocks: Vec<IpNet> = info
        .cidr_block()
        .into_iter()
        .chain(sets)
        .chain(version6)
        .filter_map(|block| block.parse().ok())
        .collect();
    blocks.sort();
    blocks.dedup();
    Side {
        vpc: info.vpc_id().unwrap_or_default().to_owned(),
        account: info.owner_id().unwrap_or_default().to_owned(),
        blocks,
    }
}

pub(super) fn transit(attachment: &types::TransitGatewayAttachment) -> Named<TransitAttachment> {
    let state = attachment.state().map_or("", |state| state.as_str());
    if matches!(
        state,
        "deleted" | "deleting" | "failed" | "failing" | "rejected" | "rejecting"
    ) {
        return None;
    }
    let form = TransitAttachment {
        gateway: attachment.transit_gateway_id()?.to_owned(),
        resource_type: attachment.resource_type().map_or("", |kind| kind.as_str()).to_owned(),
        resource: attachment.resource_id().unwrap_or_default().to_owned(),
        account: attachment.resource_owner_id().unwrap_or_default().to_owned(),
    };
    Some((attachment.transit_gateway_attachment_id()?.to_owned(), form))
}

/// Endpoints that an AWS service manages are its own.
pub(super) fn endpoint(endpoint: &types::VpcEndpoint, owner: Option<Owner>) -> Named<Endpoint> {
    let state = endpoint.state().map(|state| state.as_str().to_lowercase());
    if matches!(state.as_deref(), Some("deleted" | "deleting")) || endpoint.requester_managed() == Some(true) {
        return None;
    }
    let names = [
        endpoint.service_name(),
        endpoint.service_network_arn(),
        endpoint.resource_configuration_arn(),
    ];
    let form = Endpoint {
        vpc: endpoint.vpc_id()?.to_owned(),
        owner,
        service: names.into_iter().flatten().next().unwrap_or_default().to_owned(),
        kind: match endpoint.vpc_endpoint_type() {
            Some(VpcEndpointType::Gateway) => EndpointKind::Gateway,
            Some(VpcEndpointType::GatewayLoadBalancer) => EndpointKind::GatewayLoadBalancer,
            _ => EndpointKind::Interface,
        },
        policy: endpoint.policy_document().and_then(|text| Document::parse(text).ok()),
        interfaces: endpoint.network_interface_ids().iter().cloned().collect(),
    };
    Some((endpoint.vpc_endpoint_id()?.to_owned(), form))
}

/// Without those who may connect to it: the list does not tell.
pub(super) fn endpoint_service(service: &types::ServiceConfiguration) -> Named<EndpointService> {
    let state = service.service_state().map(|state| state.as_str().to_lowercase());
    if matches!(state.as_deref(), Some("deleted" | "deleting" | "failed")) {
        return None;
    }
    let networks = service.network_load_balancer_arns().iter();
    let balancers = networks.chain(service.gateway_load_balancer_arns());
    let form = EndpointService {
        name: service.service_name().unwrap_or_default().to_owned(),
        load_balancers: balancers
            .filter_map(|arn| Some(arn.split_once(":loadbalancer/")?.1.to_owned()))
            .collect(),
        principals: Default::default(),
    };
    Some((service.service_id()?.to_owned(), form))
}
