//! A network, and what can be put into it.

use std::collections::BTreeSet;

use crate::kinds::{Peer, Rule, Rules};
use crate::model::Owner;
use crate::policy::Document;
use crate::reach::*;

/// Whose the network is.
pub fn owner() -> Owner {
    Owner::new("test", "default", "churn")
}

pub fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

pub fn to(block: &str) -> Addresses {
    Addresses::Block(block.parse().expect("a block"))
}

pub fn route(destination: Addresses, target: &str) -> Route {
    Route {
        destination,
        target: target.to_owned(),
    }
}

pub fn acl_entry(number: i32, allow: bool, block: &str) -> AclEntry {
    AclEntry {
        number,
        allow,
        protocol: "-1".to_owned(),
        ports: None,
        block: block.parse().expect("a block"),
    }
}

pub fn subnet(block: &str) -> Subnet {
    Subnet {
        vpc: "vpc-1".to_owned(),
        ipv4: block.parse().ok(),
        ipv6: Vec::new(),
        maps_public_addresses: false,
    }
}

/// A project's network: two subnets, one table, nothing that leads anywhere; one group that lets everything out.
pub fn closed() -> Network {
    let everything = Rule::new("-1", None, Peer::Cidr("0.0.0.0/0".to_owned()), "");
    let group = SecurityGroup {
        vpc: "vpc-1".to_owned(),
        ingress: Rules::new(),
        egress: Rules::from([everything]),
    };
    let table = RouteTable {
        vpc: "vpc-1".to_owned(),
        main: true,
        subnets: BTreeSet::new(),
        routes: vec![route(to("10.2.0.0/16"), "local")],
    };
    let entries = || vec![acl_entry(100, true, "0.0.0.0/0"), acl_entry(101, true, "::/0")];
    let acl = NetworkAcl {
        vpc: "vpc-1".to_owned(),
        subnets: ids(&["subnet-a", "subnet-b"]),
        ingress: entries(),
        egress: entries(),
    };
    let mut network = Network::default();
    network.vpcs.insert("vpc-1".to_owned(), Vpc { owner: Some(owner()) });
    network.subnets.insert("subnet-a".to_owned(), subnet("10.2.1.0/24"));
    network.route_tables.insert("rtb-1".to_owned(), table);
    network.network_acls.insert("acl-1".to_owned(), acl);
    network.security_groups.insert("sg-1".to_owned(), group);
    network
}

pub fn add_route(network: &mut Network, destination: Addresses, target: &str) {
    let table = network.route_tables.get_mut("rtb-1").expect("the table");
    table.routes.push(route(destination, target));
}

pub fn add_gateway(network: &mut Network, id: &str, kind: GatewayKind) {
    let vpcs = ids(&["vpc-1"]);
    network.gateways.insert(id.to_owned(), Gateway { kind, vpcs });
}

pub fn group(network: &mut Network) -> &mut SecurityGroup {
    network.security_groups.get_mut("sg-1").expect("the group")
}

/// An internet gateway with a default route, and public addresses.
pub fn internet(network: &mut Network) {
    add_gateway(network, "igw-1", GatewayKind::Internet);
    add_route(network, to("0.0.0.0/0"), "igw-1");
    network
        .subnets
        .get_mut("subnet-a")
        .expect("the subnet")
        .maps_public_addresses = true;
}

/// A second subnet, with a table of its own that leads to an internet gateway.
pub fn public_subnet(network: &mut Network) {
    network.subnets.insert(
        "subnet-b".to_owned(),
        Subnet {
            vpc: "vpc-1".to_owned(),
            ..subnet("10.2.2.0/24")
        },
    );
    add_gateway(network, "igw-1", GatewayKind::Internet);
    let routes = vec![route(to("10.2.0.0/16"), "local"), route(to("0.0.0.0/0"), "igw-1")];
    let table = RouteTable {
        vpc: "vpc-1".to_owned(),
        main: false,
        subnets: ids(&["subnet-b"]),
        routes,
    };
    network.route_tables.insert("rtb-2".to_owned(), table);
}

pub fn nat(network: &mut Network, public: bool) {
    public_subnet(network);
    let subnet = Some("subnet-b".to_owned());
    network
        .nat_gateways
        .insert("nat-1".to_owned(), NatGateway { subnet, public });
    add_route(network, to("0.0.0.0/0"), "nat-1");
}

pub fn interface(network: &mut Network, id: &str, interface: Interface) {
    network.interfaces.insert(id.to_owned(), interface);
}

/// An instance in another subnet that could forward what it gets.
pub fn appliance(network: &mut Network, forwards: bool) {
    public_subnet(network);
    let from_anyone = Rule::new("-1", None, Peer::Cidr("10.2.0.0/16".to_owned()), "");
    group(network).ingress.insert(from_anyone);
    let appliance = Interface {
        subnet: "subnet-b".to_owned(),
        groups: ids(&["sg-1"]),
        addresses: ["10.2.2.9".parse().expect("an address")].into(),
        public: true,
        forwards,
        instance: Some("i-1".to_owned()),
        load_balancer: None,
    };
    interface(network, "eni-1", appliance);
    add_route(network, to("0.0.0.0/0"), "i-1");
}

pub fn attach(network: &mut Network, id: &str, resource_type: &str, resource: &str) {
    let attachment = TransitAttachment {
        gateway: "tgw-1".to_owned(),
        resource_type: resource_type.to_owned(),
        resource: resource.to_owned(),
        account: "444455556666".to_owned(),
    };
    network.transit_attachments.insert(id.to_owned(), attachment);
}

pub fn endpoint(network: &mut Network, service: &str, kind: EndpointKind, owner: Option<Owner>, policy: Option<&str>) {
    let of_endpoint = Interface {
        subnet: "subnet-a".to_owned(),
        groups: ids(&["sg-2"]),
        addresses: ["10.2.1.7".parse().expect("an address")].into(),
        ..Interface::default()
    };
    let from_ours = Rule::tcp(443, 443, Peer::Group("sg-1".to_owned()), "");
    let lets_in = SecurityGroup {
        vpc: "vpc-1".to_owned(),
        ingress: Rules::from([from_ours]),
        egress: Rules::new(),
    };
    network.security_groups.insert("sg-2".to_owned(), lets_in);
    interface(network, "eni-2", of_endpoint);
    let endpoint = Endpoint {
        vpc: "vpc-1".to_owned(),
        owner,
        service: service.to_owned(),
        kind,
        policy: policy.map(|text| Document::parse(text).expect("a policy")),
        interfaces: ids(&["eni-2"]),
    };
    network.endpoints.insert("vpce-1".to_owned(), endpoint);
}

pub fn peering(network: &mut Network, block: &str) {
    let side = |vpc: &str, block: &str| Side {
        vpc: vpc.to_owned(),
        account: "444455556666".to_owned(),
        blocks: vec![block.parse().expect("a block")],
    };
    let sides = [side("vpc-2", block), side("vpc-1", "10.2.0.0/16")];
    network.peerings.insert("pcx-1".to_owned(), Peering { sides });
    let owner = Some(Owner::new("test", "default", "other"));
    network.vpcs.insert("vpc-2".to_owned(), Vpc { owner });
    add_route(network, to("10.8.0.0/15"), "pcx-1");
}

pub fn transit(network: &mut Network, others: &[(&str, &str, &str)]) {
    attach(network, "att-1", "vpc", "vpc-1");
    for (id, resource_type, resource) in others {
        attach(network, id, resource_type, resource);
    }
    add_route(network, to("10.0.0.0/8"), "tgw-1");
}

pub fn gateway(network: &mut Network, id: &str, kind: GatewayKind) {
    add_gateway(network, id, kind);
    add_route(network, to("172.20.0.0/16"), id);
}

pub fn carrier(network: &mut Network) {
    add_gateway(network, "cagw-1", GatewayKind::Carrier);
    add_route(network, to("0.0.0.0/0"), "cagw-1");
}

/// A gateway endpoint, with the route that it makes.
pub fn s3(network: &mut Network, service: &str, policy: Option<&str>) {
    endpoint(network, service, EndpointKind::Gateway, Some(owner()), policy);
    let blocks = vec!["52.216.0.0/15".parse().expect("a block")];
    network.prefix_lists.insert("pl-1".to_owned(), blocks);
    add_route(network, Addresses::PrefixList("pl-1".to_owned()), "vpce-1");
}

/// An endpoint of somebody's appliances, with a route to it.
pub fn balancer(network: &mut Network, service: &str) {
    endpoint(network, service, EndpointKind::GatewayLoadBalancer, None, None);
    add_route(network, to("0.0.0.0/0"), "vpce-1");
}

/// A load balancer in the subnet, behind an endpoint service.
pub fn exposure(network: &mut Network, principals: &[&str]) {
    let balancer = || "net/mine/1".to_owned();
    let of_balancer = Interface {
        subnet: "subnet-a".to_owned(),
        load_balancer: Some(balancer()),
        ..Interface::default()
    };
    interface(network, "eni-3", of_balancer);
    let service = EndpointService {
        name: "com.amazonaws.vpce.us-east-1.vpce-svc-1".to_owned(),
        load_balancers: [balancer()].into(),
        principals: ids(principals),
    };
    network.endpoint_services.insert("vpce-svc-1".to_owned(), service);
}

pub fn acl(network: &mut Network) -> &mut NetworkAcl {
    network.network_acls.get_mut("acl-1").expect("the list")
}
