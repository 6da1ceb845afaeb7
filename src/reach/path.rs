//! What the check finds.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::kinds::{Peer, Rule};
use crate::model::Owner;

/// A way from a subnet to something that is not the project's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Path {
    /// The subnet it starts in.
    pub subnet: String,
    /// What it leads through, in order, each with the rule that lets it through.
    pub hops: Vec<Hop>,
    /// Where it ends.
    pub destination: Destination,
    /// What gets through, or would; none where others connect to us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Packet>,
    /// What still closes it: nothing when it is open, one thing when it is one rule away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<Obstacle>,
}

impl Path {
    /// Whether something gets through now.
    pub fn is_open(&self) -> bool {
        self.blocked_by.is_empty()
    }

    /// Whether it leads the same way as `other`, whatever lets it through.
    pub(super) fn leads_as(&self, other: &Self) -> bool {
        let way = |path: &Self| -> Vec<Hop> {
            let filter = |hop: &&Hop| !matches!(hop, Hop::SecurityGroup { .. } | Hop::NetworkAcl { .. });
            path.hops.iter().filter(filter).cloned().collect()
        };
        self.destination == other.destination && way(self) == way(other)
    }
}

/// Where a path ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Destination {
    /// The internet.
    Internet,
    /// Another VPC.
    Vpc {
        /// Its id.
        id: String,
        /// The account it is in.
        account: String,
        /// The project whose it is, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Owner>,
    },
    /// A network behind a VPN, a direct connection or an outpost.
    OnPremises,
    /// Somebody's service behind an endpoint.
    EndpointService {
        /// Its name.
        service: String,
    },
    /// An AWS service, in the name of any account: what passes the endpoint is not bounded by the project's policy.
    AwsService {
        /// Its name.
        service: String,
    },
    /// Whoever connects to an endpoint service that this account offers.
    Consumers {
        /// Who may, beside this account.
        principals: BTreeSet<String>,
    },
    /// Whatever a transit gateway or core network leads to, which others decide.
    Unknown,
}

/// What a path leads through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields carry the names of what they hold")]
pub enum Hop {
    /// A rule of a security group.
    SecurityGroup {
        id: String,
        direction: Direction,
        rule: Rule,
    },
    /// An entry of a network ACL.
    NetworkAcl {
        id: String,
        direction: Direction,
        number: i32,
    },
    /// A route.
    Route {
        table: String,
        destination: String,
        target: String,
    },
    /// A gateway of the VPC.
    Gateway { id: String },
    /// A NAT gateway.
    NatGateway { id: String },
    /// A peering connection.
    Peering { id: String },
    /// An attachment of a transit gateway.
    TransitGateway { id: String, attachment: String },
    /// A network interface.
    Interface { id: String, subnet: String },
    /// A VPC endpoint.
    Endpoint { id: String, service: String },
    /// An endpoint service of this account.
    EndpointService { id: String, name: String },
}

/// What closes a path that routes open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields carry the names of what they hold")]
pub enum Obstacle {
    /// None of these groups has a rule for it.
    SecurityGroups {
        ids: BTreeSet<String>,
        direction: Direction,
    },
    /// The network ACL refuses it.
    NetworkAcl { id: String, direction: Direction },
    /// Nothing in the subnet has a public IPv4 address, and what is started there gets none.
    NoPublicAddress { subnet: String },
    /// The subnet has no IPv6 addresses.
    NoIpv6Address { subnet: String },
    /// The interface drops what is not addressed to it.
    SourceDestinationCheck { interface: String },
}

/// Into or out of what has the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// Into it.
    Ingress,
    /// Out of it.
    Egress,
}

/// Something that is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Packet {
    /// As in [`Rule`].
    pub protocol: String,
    /// The port, for protocols that have ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whom to.
    pub address: IpAddr,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internet => f.write_str("the internet"),
            Self::Vpc { id, account, owner } => match owner {
                Some(owner) => write!(f, "{id}, the VPC of {owner}"),
                None => write!(f, "{id}, a VPC of account {account}"),
            },
            Self::OnPremises => f.write_str("networks outside AWS"),
            Self::EndpointService { service } => write!(f, "the endpoint service {service}"),
            Self::AwsService { service } => write!(f, "{service} in the name of any account"),
            Self::Consumers { principals } if principals.is_empty() => f.write_str("other networks of this account"),
            Self::Consumers { principals } => {
                let names: Vec<&str> = principals.iter().map(String::as_str).collect();
                write!(f, "networks of {}", names.join(", "))
            }
            Self::Unknown => f.write_str("whatever others attach"),
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecurityGroup { id, direction, rule } => {
                let rule = described(rule, *direction);
                write!(f, "security group {id}: lets {} {rule}", direction.word())
            }
            Self::NetworkAcl { id, direction, number } => {
                write!(f, "network ACL {id}: entry {number} lets it {}", direction.word())
            }
            Self::Route {
                table,
                destination,
                target,
            } => write!(f, "route table {table}: {destination} → {target}"),
            Self::Gateway { id } => write!(f, "gateway {id}"),
            Self::NatGateway { id } => write!(f, "NAT gateway {id}"),
            Self::Peering { id } => write!(f, "peering connection {id}"),
            Self::TransitGateway { id, attachment } => write!(f, "transit gateway {id}: attachment {attachment}"),
            Self::Interface { id, subnet } => write!(f, "network interface {id} in {subnet}"),
            Self::Endpoint { id, service } => write!(f, "endpoint {id} of {service}"),
            Self::EndpointService { id, name } => write!(f, "endpoint service {id} ({name})"),
        }
    }
}

fn described(rule: &Rule, direction: Direction) -> String {
    let traffic = match (rule.protocol.as_str(), rule.ports) {
        ("-1", _) => "everything".to_owned(),
        (protocol, None) => format!("protocol {protocol}"),
        (protocol, Some((first, last))) if first == last => format!("{protocol} {first}"),
        (protocol, Some((first, last))) => format!("{protocol} {first}-{last}"),
    };
    let (Peer::Group(peer) | Peer::PrefixList(peer) | Peer::Cidr(peer)) = &rule.peer;
    match direction {
        Direction::Ingress => format!("{traffic} from {peer}"),
        Direction::Egress => format!("{traffic} to {peer}"),
    }
}

impl Direction {
    fn word(self) -> &'static str {
        match self {
            Self::Ingress => "in",
            Self::Egress => "out",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecurityGroups { ids, direction } => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                write!(f, "no rule of {} lets it {}", ids.join(", "), direction.word())
            }
            Self::NetworkAcl { id, direction } => write!(f, "network ACL {id} does not let it {}", direction.word()),
            Self::NoPublicAddress { subnet } => write!(f, "nothing in {subnet} has a public address"),
            Self::NoIpv6Address { subnet } => write!(f, "{subnet} has no IPv6 addresses"),
            Self::SourceDestinationCheck { interface } => write!(f, "{interface} drops what is not addressed to it"),
        }
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol.parse::<u8>() {
            Ok(number) => write!(f, "protocol {number}")?,
            Err(_) => f.write_str(&self.protocol)?,
        }
        if let Some(port) = self.port {
            write!(f, " {port}")?;
        }
        write!(f, " to {}", self.address)
    }
}
