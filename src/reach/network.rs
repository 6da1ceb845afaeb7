//! The state of the network of an account and region, as plain data: what the check looks at, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::kinds::Rules;
use crate::model::Owner;
use crate::policy::Document;

/// Networks and what stands in and between them, each by its id.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the types say what each is")]
pub struct Network {
    pub vpcs: BTreeMap<String, Vpc>,
    pub subnets: BTreeMap<String, Subnet>,
    pub route_tables: BTreeMap<String, RouteTable>,
    pub network_acls: BTreeMap<String, NetworkAcl>,
    pub security_groups: BTreeMap<String, SecurityGroup>,
    pub prefix_lists: BTreeMap<String, Vec<IpNet>>,
    pub interfaces: BTreeMap<String, Interface>,
    pub gateways: BTreeMap<String, Gateway>,
    pub nat_gateways: BTreeMap<String, NatGateway>,
    pub peerings: BTreeMap<String, Peering>,
    pub transit_attachments: BTreeMap<String, TransitAttachment>,
    pub endpoints: BTreeMap<String, Endpoint>,
    pub endpoint_services: BTreeMap<String, EndpointService>,
}

/// A VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vpc {
    /// Whose it is, if its tags name an owner.
    pub owner: Option<Owner>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The VPC it is a part of.
    pub vpc: String,
    /// Its IPv4 addresses; none when it has IPv6 only.
    pub ipv4: Option<Ipv4Net>,
    /// Its IPv6 addresses.
    pub ipv6: Vec<Ipv6Net>,
    /// Whether what is started in it gets a public address.
    pub maps_public_addresses: bool,
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// The VPC it is for.
    pub vpc: String,
    /// Whether it holds for subnets without a table of their own.
    pub main: bool,
    /// The subnets it is associated with.
    pub subnets: BTreeSet<String>,
    /// Its routes that are in use, local ones among them.
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The addresses it is for.
    pub destination: Addresses,
    /// The id of what it leads to; `local` for the VPC itself.
    pub target: String,
}

/// Some addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// A block of them.
    Block(IpNet),
    /// Those of a prefix list, by id.
    PrefixList(String),
}

/// A network access control list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkAcl {
    /// The VPC it is for.
    pub vpc: String,
    /// The subnets it holds for.
    pub subnets: BTreeSet<String>,
    /// What it says of traffic into those, by number.
    pub ingress: Vec<AclEntry>,
    /// What it says of traffic out of those, by number.
    pub egress: Vec<AclEntry>,
}

/// An entry of a network ACL: the first that fits decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// Its place: lower numbers come first.
    pub number: i32,
    /// Whether it lets through or refuses.
    pub allow: bool,
    /// As in [`crate::kinds::Rule`].
    pub protocol: String,
    /// The ports, first and last, for protocols that have them; none for all.
    pub ports: Option<(u16, u16)>,
    /// The addresses of the other side.
    pub block: IpNet,
}

/// A security group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityGroup {
    /// The VPC it is a part of.
    pub vpc: String,
    /// Who may reach its members.
    pub ingress: Rules,
    /// Whom its members may reach.
    pub egress: Rules,
}

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// The subnet it stands in.
    pub subnet: String,
    /// The groups it is a member of.
    pub groups: BTreeSet<String>,
    /// Its addresses in the subnet.
    pub addresses: BTreeSet<IpAddr>,
    /// Whether it has a public IPv4 address.
    pub public: bool,
    /// Whether it takes what is addressed to others: its source and destination are not checked.
    pub forwards: bool,
    /// The instance it is attached to.
    pub instance: Option<String>,
    /// The load balancer it belongs to, as its ARN ends: `net/name/id`.
    pub load_balancer: Option<String>,
}

/// A gateway that is attached to VPCs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// What it leads to.
    pub kind: GatewayKind,
    /// The VPCs it is attached to.
    pub vpcs: BTreeSet<String>,
}

/// Kinds of gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayKind {
    /// To the internet.
    Internet,
    /// To the internet, for IPv6 that starts inside.
    EgressOnlyInternet,
    /// To a carrier's network and the internet.
    Carrier,
    /// To networks behind a VPN or a direct connection.
    VirtualPrivate,
}

/// A NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatGateway {
    /// The subnet it stands in; none for a regional one, which has a place of AWS's making.
    pub subnet: Option<String>,
    /// Whether it has a public address.
    pub public: bool,
}

/// A peering connection that is in use or could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peering {
    /// The two VPCs.
    pub sides: [Side; 2],
}

/// One side of a peering connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// The VPC, by id.
    pub vpc: String,
    /// The account it is in.
    pub account: String,
    /// Its addresses; empty when they are not told.
    pub blocks: Vec<IpNet>,
}

/// Something attached to a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitAttachment {
    /// The transit gateway.
    pub gateway: String,
    /// What kind of thing is attached, in AWS's words: `vpc`, `vpn`, `direct-connect-gateway`, `peering`, …
    pub resource_type: String,
    /// Its id.
    pub resource: String,
    /// The account it is in.
    pub account: String,
}

/// A VPC endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The VPC it is in.
    pub vpc: String,
    /// Whose it is, if its tags name an owner.
    pub owner: Option<Owner>,
    /// The service, service network or resource it leads to.
    pub service: String,
    /// How it leads there.
    pub kind: EndpointKind,
    /// What may pass; none lets everything through.
    pub policy: Option<Document>,
    /// Its network interfaces, by id.
    pub interfaces: BTreeSet<String>,
}

/// How an endpoint leads to what is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointKind {
    /// By a route, to an AWS service.
    Gateway,
    /// By network interfaces.
    Interface,
    /// By a route, through the appliances of somebody's load balancer.
    GatewayLoadBalancer,
}

/// An endpoint service of this account: others may make endpoints of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointService {
    /// Its name.
    pub name: String,
    /// The load balancers behind it, as their ARNs end: `net/name/id`.
    pub load_balancers: BTreeSet<String>,
    /// Who may make endpoints of it, beside this account.
    pub principals: BTreeSet<String>,
}

impl Network {
    /// The route table that holds for `subnet`, with its id.
    pub fn table_of(&self, subnet: &str) -> Option<(&str, &RouteTable)> {
        let vpc = &self.subnets.get(subnet)?.vpc;
        let tables = || self.route_tables.iter().filter(|(_, table)| table.vpc == *vpc);
        let own = tables().find(|(_, table)| table.subnets.contains(subnet));
        let (id, table) = own.or_else(|| tables().find(|(_, table)| table.main))?;
        Some((id, table))
    }

    /// The network ACL that holds for `subnet`, with its id.
    pub fn acl_of(&self, subnet: &str) -> Option<(&str, &NetworkAcl)> {
        let (id, acl) = self.network_acls.iter().find(|(_, acl)| acl.subnets.contains(subnet))?;
        Some((id, acl))
    }

    /// The blocks of `addresses`; none of a prefix list that is not known.
    pub fn blocks(&self, addresses: &Addresses) -> Vec<IpNet> {
        match addresses {
            Addresses::Block(block) => vec![*block],
            Addresses::PrefixList(id) => self.prefix_lists.get(id).cloned().unwrap_or_default(),
        }
    }

    /// Whether `table` has no closer route to `address` than `route`.
    pub fn takes(&self, table: &RouteTable, route: &Route, address: IpAddr) -> bool {
        let closeness = |route: &Route| {
            let holding = self
                .blocks(&route.destination)
                .into_iter()
                .filter(|block| block.contains(&address));
            holding.map(|block| block.prefix_len()).max()
        };
        let this = closeness(route);
        this.is_some() && table.routes.iter().all(|other| closeness(other) <= this)
    }

    /// The interface that a route to `target` leads to: itself, or that of an instance.
    pub fn interface_at(&self, target: &str) -> Option<(&str, &Interface)> {
        let found = self
            .interfaces
            .iter()
            .find(|(id, interface)| *id == target || interface.instance.as_deref() == Some(target))?;
        Some((found.0, found.1))
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(block) => write!(f, "{block}"),
            Self::PrefixList(id) => f.write_str(id),
        }
    }
}
