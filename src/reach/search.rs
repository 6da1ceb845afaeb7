//! Where the routes of a subnet lead, through whatever sends on what it gets.

mod endpoints;

use std::collections::BTreeSet;

use ipnet::IpNet;

use self::endpoints::endpoint_hop;
use super::network::{EndpointKind, GatewayKind, Interface, NatGateway, Network, TransitAttachment};
use super::path::{Destination, Direction, Hop, Obstacle};
use super::trail::{Step, Trail};
use crate::model::Owner;

/// The target of routes that stay in the VPC.
const LOCAL: &str = "local";
/// How the ids of targets begin that [`Network`] has: one that it lacks is not there, and its route leads nowhere.
const LISTED: [&str; 10] = [
    "cagw-", "eigw-", "eni-", "i-", "igw-", "nat-", "pcx-", "tgw-", "vgw-", "vpce-",
];

/// The trails out of `subnet`, which is `owner`'s.
pub(super) fn trails<'n>(network: &'n Network, subnet: &'n str, owner: &Owner) -> Vec<Trail<'n>> {
    let Some(vpc) = network.subnets.get(subnet).map(|subnet| subnet.vpc.as_str()) else {
        return Vec::new();
    };
    let groups = network.security_groups.iter().filter(|(_, group)| group.vpc == vpc);
    let mut search = Search {
        network,
        owner,
        vpc,
        subnet,
        groups: groups.map(|(id, _)| id.as_str()).collect(),
        found: Vec::new(),
    };
    search.by_route();
    search.by_interface();
    search.found
}

struct Search<'n, 'o> {
    network: &'n Network,
    owner: &'o Owner,
    vpc: &'n str,
    subnet: &'n str,
    groups: BTreeSet<&'n str>,
    found: Vec<Trail<'n>>,
}

/// How far a search has come.
#[derive(Clone)]
struct Way<'n> {
    steps: Vec<Step<'n>>,
    blocks: Vec<IpNet>,
    /// What it went through: no way leads in a circle.
    through: BTreeSet<&'n str>,
}

/// What sends, as a gateway sees it.
#[derive(Clone, Copy)]
enum Source<'n> {
    Workload,
    Nat(&'n NatGateway),
    Interface(&'n Interface),
}

impl<'n> Search<'n, '_> {
    fn by_route(&mut self) {
        let Some(subnet) = self.network.subnets.get(self.subnet) else {
            return;
        };
        let mut start = Way {
            steps: vec![Step::Sender],
            blocks: vec![IpNet::V4(ipnet::Ipv4Net::default())],
            through: BTreeSet::new(),
        };
        if subnet.ipv4.is_some() {
            self.leave(self.subnet, Source::Workload, &start);
        }
        if subnet.ipv6.is_empty() {
            let missing = Obstacle::NoIpv6Address {
                subnet: self.subnet.to_owned(),
            };
            start.steps.push(Step::Closed(missing));
        }
        start.blocks = vec![IpNet::V6(ipnet::Ipv6Net::default())];
        self.leave(self.subnet, Source::Workload, &start);
    }

    /// Follows every route of the table of the subnet `at`.
    fn leave(&mut self, at: &'n str, source: Source<'n>, way: &Way<'n>) {
        let Some((id, table)) = self.network.table_of(at) else {
            return;
        };
        for route in table.routes.iter().filter(|route| route.target != LOCAL) {
            let mut way = way.clone();
            way.blocks = overlap(&self.network.blocks(&route.destination), &way.blocks);
            if way.blocks.is_empty() || !way.through.insert(&route.target) {
                continue;
            }
            way.steps.extend(self.acl(at, Direction::Egress));
            way.steps.push(Step::Route(id, table, route));
            self.enter(at, source, &route.target, way);
        }
    }

    /// Goes through `target`.
    fn enter(&mut self, at: &'n str, source: Source<'n>, target: &'n str, mut way: Way<'n>) {
        let network = self.network;
        let through = |hop: Hop| Step::Through(hop);
        if let Some(gateway) = network.gateways.get(target) {
            if !gateway.vpcs.contains(self.vpc) {
                return;
            }
            way.steps.push(through(Hop::Gateway { id: target.to_owned() }));
            match gateway.kind {
                GatewayKind::Internet => self.internet(at, source, way),
                GatewayKind::EgressOnlyInternet | GatewayKind::Carrier => self.end(way, Destination::Internet),
                GatewayKind::VirtualPrivate => self.end(way, Destination::OnPremises),
            }
        } else if let Some(nat) = network.nat_gateways.get(target) {
            self.nat(at, target, nat, way);
        } else if let Some(peering) = network.peerings.get(target) {
            let Some(far) = peering.sides.iter().find(|side| side.vpc != self.vpc) else {
                return;
            };
            if !far.blocks.is_empty() {
                way.blocks = overlap(&far.blocks, &way.blocks);
            }
            way.steps.push(through(Hop::Peering { id: target.to_owned() }));
            self.end(way, self.other(&far.vpc, &far.account));
        } else if let Some(endpoint) = network.endpoints.get(target) {
            if let Some(destination) = self
                .behind(endpoint)
                .filter(|_| endpoint.kind != EndpointKind::Interface)
            {
                way.steps.push(through(endpoint_hop(target, endpoint)));
                self.end(way, destination);
            }
        } else if let Some((id, interface)) = network.interface_at(target) {
            self.forwarder(at, id, interface, way);
        } else if target.starts_with("tgw-") {
            self.transit(target, &way);
        } else if !LISTED.iter().any(|prefix| target.starts_with(prefix)) {
            // A route that AWS holds to be in use leads somewhere, also where no list tells what it leads to.
            way.steps.push(through(Hop::Gateway { id: target.to_owned() }));
            let outpost = target.starts_with("lgw-");
            self.end(
                way,
                if outpost {
                    Destination::OnPremises
                } else {
                    Destination::Unknown
                },
            );
        }
    }

    /// Through an internet gateway: what has no public address does not get through with IPv4.
    fn internet(&mut self, at: &'n str, source: Source<'n>, mut way: Way<'n>) {
        if way.blocks.iter().any(|block| matches!(block, IpNet::V6(_))) {
            return self.end(way, Destination::Internet);
        }
        let public = match source {
            Source::Workload => self
                .network
                .subnets
                .get(at)
                .is_some_and(|subnet| subnet.maps_public_addresses),
            Source::Nat(nat) => nat.public,
            Source::Interface(interface) => interface.public,
        };
        let standing = self
            .network
            .interfaces
            .values()
            .filter(|interface| interface.subnet == at && interface.public);
        let standing: BTreeSet<&str> = standing
            .flat_map(|interface| &interface.groups)
            .map(String::as_str)
            .collect();
        let mut senders = self.groups.clone();
        if !public && matches!(source, Source::Workload) && !standing.is_empty() {
            senders = standing;
        } else if !public {
            way.steps
                .push(Step::Closed(Obstacle::NoPublicAddress { subnet: at.to_owned() }));
        }
        self.found.push(way.trail(Destination::Internet, senders));
    }

    fn nat(&mut self, at: &'n str, id: &'n str, nat: &'n NatGateway, mut way: Way<'n>) {
        if let Some(subnet) = nat.subnet.as_deref().filter(|subnet| *subnet != at) {
            way.steps.extend(self.acl(subnet, Direction::Ingress));
        }
        way.steps.push(Step::Through(Hop::NatGateway { id: id.to_owned() }));
        let version6 = way.blocks.iter().any(|block| matches!(block, IpNet::V6(_)));
        match nat.subnet.as_deref() {
            Some(subnet) if !version6 => self.leave(subnet, Source::Nat(nat), &way),
            // A regional one has a table of AWS's making, and of IPv6 any makes IPv4: it is enough that it can go on.
            _ if nat.public => self.end(way, Destination::Internet),
            _ => {}
        }
    }

    /// Through an interface that takes what is addressed to others, and sends it on.
    fn forwarder(&mut self, at: &'n str, id: &str, interface: &'n Interface, mut way: Way<'n>) {
        if interface.subnet != at {
            way.steps.extend(self.acl(&interface.subnet, Direction::Ingress));
        }
        way.steps.push(Step::Groups(interface, Direction::Ingress));
        way.steps.push(Step::Through(interface_hop(id, interface)));
        if !interface.forwards {
            let obstacle = Obstacle::SourceDestinationCheck {
                interface: id.to_owned(),
            };
            way.steps.push(Step::Closed(obstacle));
        }
        way.steps.push(Step::Groups(interface, Direction::Egress));
        self.leave(&interface.subnet, Source::Interface(interface), &way);
    }

    /// To whatever else is attached to a transit gateway: its tables may be another account's, which can change them
    /// without us.
    fn transit(&mut self, gateway: &str, way: &Way<'n>) {
        let attached = || {
            self.network
                .transit_attachments
                .iter()
                .filter(|(_, one)| one.gateway == gateway)
        };
        let Some((attachment, _)) = attached().find(|(_, one)| one.resource == self.vpc) else {
            return;
        };
        let mut ends: BTreeSet<Destination> = attached()
            .filter(|(id, _)| *id != attachment)
            .map(|(_, far)| self.attached(far))
            .collect();
        if ends.is_empty() {
            ends.insert(Destination::Unknown);
        }
        for end in ends {
            let mut way = way.clone();
            way.steps.push(Step::Through(Hop::TransitGateway {
                id: gateway.to_owned(),
                attachment: attachment.clone(),
            }));
            self.end(way, end);
        }
    }

    fn attached(&self, far: &TransitAttachment) -> Destination {
        match far.resource_type.as_str() {
            "vpc" => self.other(&far.resource, &far.account),
            "vpn" | "direct-connect-gateway" => Destination::OnPremises,
            _ => Destination::Unknown,
        }
    }

    fn other(&self, vpc: &str, account: &str) -> Destination {
        Destination::Vpc {
            id: vpc.to_owned(),
            account: account.to_owned(),
            owner: self.network.vpcs.get(vpc).and_then(|vpc| vpc.owner.clone()),
        }
    }

    fn acl(&self, subnet: &str, direction: Direction) -> Option<Step<'n>> {
        let (id, acl) = self.network.acl_of(subnet)?;
        Some(Step::Acl(id, acl, direction))
    }

    fn end(&mut self, way: Way<'n>, destination: Destination) {
        let senders = self.groups.clone();
        self.found.push(way.trail(destination, senders));
    }
}

impl<'n> Way<'n> {
    fn trail(self, destination: Destination, senders: BTreeSet<&'n str>) -> Trail<'n> {
        Trail {
            steps: self.steps,
            destination,
            blocks: self.blocks,
            senders,
        }
    }
}

fn interface_hop(id: &str, interface: &Interface) -> Hop {
    Hop::Interface {
        id: id.to_owned(),
        subnet: interface.subnet.clone(),
    }
}

/// What both have.
fn overlap(these: &[IpNet], those: &[IpNet]) -> Vec<IpNet> {
    let narrower = |a: &IpNet, b: &IpNet| match () {
        () if a.contains(b) => Some(*b),
        () if b.contains(a) => Some(*a),
        () => None,
    };
    these
        .iter()
        .flat_map(|a| those.iter().filter_map(move |b| narrower(a, b)))
        .collect()
}
