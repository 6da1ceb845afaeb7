//! What holds of every network.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::tests::closed;
use super::*;
use crate::kinds::{Peer, Rule};

fn owner() -> Owner {
    Owner::new("test", "default", "churn")
}

const BLOCKS: [&str; 7] = [
    "0.0.0.0/0",
    "0.0.0.0/1",
    "8.8.8.0/24",
    "10.0.0.0/8",
    "10.9.0.0/16",
    "52.216.0.0/15",
    "::/0",
];
const TARGETS: [&str; 9] = [
    "igw-1", "eigw-1", "vgw-1", "nat-1", "pcx-1", "tgw-1", "eni-1", "lgw-1", "vpce-1",
];

fn routes() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    proptest::collection::vec((select(&BLOCKS), select(&TARGETS)), 2..7)
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let ports = select(vec![None, Some((443, 443)), Some((0, 1023)), Some((5000, 65535))]);
    let rule = (select(vec!["tcp", "udp", "-1", "50"]), ports, select(&BLOCKS)).prop_map(|(protocol, ports, block)| {
        let ports = ports.filter(|_| matches!(protocol, "tcp" | "udp"));
        Rule::new(protocol, ports, Peer::Cidr(block.to_owned()), "")
    });
    proptest::collection::vec(rule, 0..4)
}

fn entries() -> impl Strategy<Value = Vec<AclEntry>> {
    let ports = select(vec![None, Some((443, 443)), Some((0, 1023))]);
    let entry = (any::<bool>(), ports, select(&BLOCKS)).prop_map(|(allow, ports, block)| AclEntry {
        number: 0,
        allow,
        protocol: if ports.is_some() { "tcp" } else { "-1" }.to_owned(),
        ports,
        block: block.parse().expect("a block"),
    });
    let numbered = |entries: Vec<AclEntry>| {
        let numbers = (1..).map(|number| number * 10);
        entries
            .into_iter()
            .zip(numbers)
            .map(|(entry, number)| AclEntry { number, ..entry })
            .collect()
    };
    proptest::collection::vec(entry, 0..4).prop_map(numbered)
}

/// What stands around a network: most of what can.
pub(super) fn surroundings() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(TARGETS.to_vec(), 5..=TARGETS.len())
}

/// Rules as they are often made.
fn generous() -> impl Strategy<Value = Vec<Rule>> {
    let everything = ["0.0.0.0/0", "::/0"].map(|block| Rule::new("-1", None, Peer::Cidr(block.to_owned()), ""));
    prop_oneof![3 => Just(everything.to_vec()), 2 => rules()]
}

prop_compose! {
    /// Any network of two subnets, without anything around it.
    pub(super) fn lonely()(
        routes in [routes(), routes()],
        ingress in rules(),
        egress in generous(),
        entries in [entries(), entries()],
        open_acl in proptest::bool::weighted(0.6),
        public in proptest::bool::weighted(0.7),
        version6 in any::<bool>(),
    ) -> Network {
        let mut network = closed();
        let mut second = network.subnets["subnet-a"].clone();
        second.ipv4 = "10.2.2.0/24".parse().ok();
        network.subnets.insert("subnet-b".to_owned(), second);
        let mut table = network.route_tables["rtb-1"].clone();
        table.main = false;
        table.subnets = BTreeSet::from(["subnet-b".to_owned()]);
        network.route_tables.insert("rtb-2".to_owned(), table);
        for (table, routes) in network.route_tables.values_mut().zip(routes) {
            table.routes.extend(routes.into_iter().map(|(block, target)| Route {
                destination: Addresses::Block(block.parse().expect("a block")),
                target: target.to_owned(),
            }));
            // AWS has one route to each destination.
            let mut seen = Vec::new();
            table.routes.retain(|route| {
                let new = !seen.contains(&route.destination);
                seen.push(route.destination.clone());
                new
            });
        }
        for subnet in network.subnets.values_mut() {
            subnet.maps_public_addresses = public;
            subnet.ipv6 = version6.then(|| "2600:1f00::/64".parse().expect("a block")).into_iter().collect();
        }
        let group = network.security_groups.get_mut("sg-1").expect("the group");
        group.ingress.extend(ingress);
        group.egress = egress.into_iter().collect();
        if !open_acl {
            let acl = network.network_acls.get_mut("acl-1").expect("the list");
            [acl.ingress, acl.egress] = entries;
        }
        network
    }
}

/// Puts what is called `id` beside the network.
pub(super) fn put(network: &mut Network, id: &str) {
    let id = id.to_owned();
    let gateway = |kind| Gateway {
        kind,
        vpcs: BTreeSet::from(["vpc-1".to_owned()]),
    };
    match id.as_str() {
        "igw-1" => drop(network.gateways.insert(id, gateway(GatewayKind::Internet))),
        "eigw-1" => drop(network.gateways.insert(id, gateway(GatewayKind::EgressOnlyInternet))),
        "vgw-1" => drop(network.gateways.insert(id, gateway(GatewayKind::VirtualPrivate))),
        "nat-1" => {
            let subnet = Some("subnet-b".to_owned());
            network.nat_gateways.insert(id, NatGateway { subnet, public: true });
        }
        "pcx-1" => {
            let side = |vpc: &str| Side {
                vpc: vpc.to_owned(),
                ..Side::default()
            };
            network.peerings.insert(
                id,
                Peering {
                    sides: [side("vpc-1"), side("vpc-2")],
                },
            );
        }
        "tgw-1" => {
            for (attachment, vpc) in [("att-1", "vpc-1"), ("att-2", "vpc-2")] {
                let attached = TransitAttachment {
                    gateway: id.clone(),
                    resource_type: "vpc".to_owned(),
                    resource: vpc.to_owned(),
                    account: String::new(),
                };
                network.transit_attachments.insert(attachment.to_owned(), attached);
            }
        }
        "eni-1" => {
            let appliance = Interface {
                subnet: "subnet-b".to_owned(),
                groups: BTreeSet::from(["sg-1".to_owned()]),
                public: true,
                forwards: true,
                ..Interface::default()
            };
            network.interfaces.insert(id, appliance);
        }
        "vpce-1" => {
            let endpoint = Endpoint {
                vpc: "vpc-1".to_owned(),
                owner: None,
                service: "com.amazonaws.vpce.us-east-1.vpce-svc-9".to_owned(),
                kind: EndpointKind::GatewayLoadBalancer,
                policy: None,
                interfaces: BTreeSet::new(),
            };
            network.endpoints.insert(id, endpoint);
        }
        _ => {}
    }
}

/// Takes `hop` out of the network.
fn remove(network: &mut Network, hop: &Hop) {
    match hop {
        Hop::SecurityGroup { id, direction, rule } => {
            let group = network.security_groups.get_mut(id).expect("the group");
            let rules = match direction {
                Direction::Ingress => &mut group.ingress,
                Direction::Egress => &mut group.egress,
            };
            assert!(rules.remove(rule), "{hop:?} is not there");
        }
        Hop::NetworkAcl { id, direction, number } => {
            let acl = network.network_acls.get_mut(id).expect("the list");
            let entries = match direction {
                Direction::Ingress => &mut acl.ingress,
                Direction::Egress => &mut acl.egress,
            };
            entries.retain(|entry| entry.number != *number);
        }
        Hop::Route {
            table,
            destination,
            target,
        } => {
            let table = network.route_tables.get_mut(table).expect("the table");
            table
                .routes
                .retain(|route| route.destination.to_string() != *destination || route.target != *target);
        }
        Hop::Gateway { id } => drop(network.gateways.remove(id)),
        Hop::NatGateway { id } => drop(network.nat_gateways.remove(id)),
        Hop::Peering { id } => drop(network.peerings.remove(id)),
        Hop::TransitGateway { attachment, .. } => drop(network.transit_attachments.remove(attachment)),
        Hop::Interface { id, .. } => drop(network.interfaces.remove(id)),
        Hop::Endpoint { id, .. } => drop(network.endpoints.remove(id)),
        Hop::EndpointService { id, .. } => drop(network.endpoint_services.remove(id)),
    }
}

/// What `network` lets out, as it is told by the hops: two paths that share all hops are one.
fn open(network: &Network) -> Vec<Path> {
    check(network, &owner())
        .paths
        .into_iter()
        .filter(Path::is_open)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_stands_alone_has_no_way_out(mut network in lonely()) {
        // Nothing lists local gateways: a route to one is believed.
        for table in network.route_tables.values_mut() {
            table.routes.retain(|route| route.target != "lgw-1");
        }
        prop_assert_eq!(check(&network, &owner()).paths, []);
    }

    #[test]
    fn without_one_of_its_hops_a_path_is_none(mut network in lonely(), around in surroundings()) {
        around.iter().for_each(|id| put(&mut network, id));
        for path in open(&network) {
            // A local gateway is in no list: it goes with its route.
            for hop in path.hops.iter().filter(|hop| !matches!(hop, Hop::Gateway { id } if id.starts_with("lgw-"))) {
                let mut without = network.clone();
                remove(&mut without, hop);
                let left = open(&without);
                prop_assert!(!left.iter().any(|other| other.hops == path.hops), "{hop:?}: {path:?}");
            }
        }
    }

    #[test]
    fn what_is_closed_is_closed_by_what_is_named(mut network in lonely(), around in surroundings()) {
        around.iter().for_each(|id| put(&mut network, id));
        for path in check(&network, &owner()).paths.into_iter().filter(|path| path.blocked_by.len() == 1) {
            let mut opened = network.clone();
            open_up(&mut opened, &path.blocked_by[0], path.example.as_ref());
            let now = open(&opened);
            prop_assert!(now.iter().any(|other| other.leads_as(&path)), "{path:?}");
        }
    }

    #[test]
    fn less_is_let_out_when_a_group_says_less(mut network in lonely(), around in surroundings()) {
        around.iter().for_each(|id| put(&mut network, id));
        let before = open(&network);
        network.security_groups.get_mut("sg-1").expect("the group").egress.pop_first();
        for path in open(&network) {
            prop_assert!(before.iter().any(|other| other.leads_as(&path)), "{path:?}");
        }
    }
}

/// Takes `obstacle` out of the way of `example`.
fn open_up(network: &mut Network, obstacle: &Obstacle, example: Option<&Packet>) {
    let block = |address: std::net::IpAddr| ipnet::IpNet::from(address);
    match obstacle {
        Obstacle::SecurityGroups { ids, direction } => {
            let (id, packet) = ids.first().zip(example).expect("a group and an example");
            let group = network.security_groups.get_mut(id).expect("the group");
            match direction {
                Direction::Egress => {
                    let peer = Peer::Cidr(block(packet.address).to_string());
                    group.egress.insert(Rule::new("-1", None, peer, ""));
                }
                Direction::Ingress => {
                    group
                        .ingress
                        .insert(Rule::new("-1", None, Peer::Cidr("10.2.0.0/16".to_owned()), ""));
                    group
                        .ingress
                        .insert(Rule::new("-1", None, Peer::Cidr("2600::/16".to_owned()), ""));
                }
            }
        }
        Obstacle::NetworkAcl { id, direction } => {
            let acl = network.network_acls.get_mut(id).expect("the list");
            let any = |block: &str| AclEntry {
                number: 1,
                allow: true,
                protocol: "-1".to_owned(),
                ports: None,
                block: block.parse().expect("a block"),
            };
            let entries = match direction {
                Direction::Ingress => &mut acl.ingress,
                Direction::Egress => &mut acl.egress,
            };
            entries.splice(0..0, [any("0.0.0.0/0"), any("::/0")]);
        }
        Obstacle::NoPublicAddress { subnet } => {
            network
                .subnets
                .get_mut(subnet)
                .expect("the subnet")
                .maps_public_addresses = true;
        }
        Obstacle::NoIpv6Address { subnet } => {
            let subnet = network.subnets.get_mut(subnet).expect("the subnet");
            subnet.ipv6.push("2600:1f00::/64".parse().expect("a block"));
        }
        Obstacle::SourceDestinationCheck { interface } => {
            network.interfaces.get_mut(interface).expect("the interface").forwards = true;
        }
    }
}
