//! Security group rules in one canonical form.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One rule of a security group: one protocol, one range of ports, one peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// `tcp`, `udp`, an IP protocol number such as `50`, or `-1` for all.
    pub protocol: String,
    /// The ports, first and last, for protocols that have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<(i32, i32)>,
    /// Who may be reached, or may reach us.
    pub peer: Peer,
    /// Why the rule is there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Peer {
    /// Members of a security group, by id.
    Group(String),
    /// The addresses of a managed prefix list, by id.
    PrefixList(String),
    /// IPv4 or IPv6 addresses.
    Cidr(String),
}

/// The rules of a group in one direction.
pub type Rules = BTreeSet<Rule>;

impl Rule {
    /// TCP to or from `peer` on the ports `first` to `last`.
    pub fn tcp(first: i32, last: i32, peer: Peer, description: &str) -> Self {
        Self::new("tcp", Some((first, last)), peer, description)
    }

    /// A rule.
    pub fn new(protocol: &str, ports: Option<(i32, i32)>, peer: Peer, description: &str) -> Self {
        Self {
            protocol: protocol.to_owned(),
            ports,
            peer,
            description: description.to_owned(),
        }
    }

    /// The rule with another peer.
    #[must_use]
    pub fn with_peer(mut self, peer: Peer) -> Self {
        self.peer = peer;
        self
    }
}

#[cfg(feature = "aws")]
mod live {
    use aws_sdk_ec2::types::IpPermission;

    use super::{Peer, Rule, Rules};

    /// EC2's permissions as rules, one for each peer.
    pub(crate) fn from_permissions(permissions: &[IpPermission]) -> Rules {
        permissions.iter().flat_map(expand).collect()
    }

    fn expand(permission: &IpPermission) -> Vec<Rule> {
        let rule = |peer: Peer, description: Option<&str>| {
            let protocol = permission.ip_protocol().unwrap_or("-1");
            let ports = match (protocol, permission.from_port(), permission.to_port()) {
                ("tcp" | "udp" | "icmp" | "icmpv6", Some(first), Some(last)) => Some((first, last)),
                _ => None,
            };
            Rule::new(protocol, ports, peer, description.unwrap_or_default())
        };
        let mut rules = Vec::new();
        for pair in permission.user_id_group_pairs() {
            rules.push(rule(
                Peer::Group(pair.group_id().unwrap_or_default().to_owned()),
                pair.description(),
            ));
        }
        for list in permission.prefix_list_ids() {
            rules.push(rule(
                Peer::PrefixList(list.prefix_list_id().unwrap_or_default().to_owned()),
                list.description(),
            ));
        }
        for range in permission.ip_ranges() {
            rules.push(rule(
                Peer::Cidr(range.cidr_ip().unwrap_or_default().to_owned()),
                range.description(),
            ));
        }
        for range in permission.ipv6_ranges() {
            rules.push(rule(
                Peer::Cidr(range.cidr_ipv6().unwrap_or_default().to_owned()),
                range.description(),
            ));
        }
        rules
    }
}

#[cfg(feature = "aws")]
pub(crate) use live::from_permissions;
