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
    /// Members of a security group, by id; that of another account as `account/id`.
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

    /// The rule without its description, which is no part of what it lets through.
    #[must_use]
    pub fn undescribed(&self) -> Self {
        Self {
            description: String::new(),
            ..self.clone()
        }
    }
}

#[cfg(feature = "aws")]
mod live {
    use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};

    use super::{Peer, Rule, Rules};

    /// EC2's permissions of a group of the account `owner` as rules, one for each peer.
    pub(crate) fn from_permissions(owner: Option<&str>, permissions: &[IpPermission]) -> Rules {
        permissions
            .iter()
            .flat_map(|permission| expand(owner, permission))
            .collect()
    }

    /// `rules` as EC2's permissions, one for each rule.
    pub(crate) fn to_permissions(rules: &Rules) -> Vec<IpPermission> {
        rules.iter().map(permission).collect()
    }

    fn permission(rule: &Rule) -> IpPermission {
        let (first, last) = rule.ports.unzip();
        let permission = IpPermission::builder().ip_protocol(&rule.protocol);
        let permission = permission.set_from_port(first).set_to_port(last);
        let description = Some(rule.description.clone()).filter(|text| !text.is_empty());
        let permission = match &rule.peer {
            Peer::Group(group) => {
                let (account, id) = group
                    .split_once('/')
                    .map_or((None, group.as_str()), |(a, id)| (Some(a), id));
                let pair = UserIdGroupPair::builder()
                    .group_id(id)
                    .set_user_id(account.map(str::to_owned));
                permission.user_id_group_pairs(pair.set_description(description).build())
            }
            Peer::PrefixList(id) => {
                let list = PrefixListId::builder().prefix_list_id(id).set_description(description);
                permission.prefix_list_ids(list.build())
            }
            Peer::Cidr(block) if block.contains(':') => permission.ipv6_ranges(
                Ipv6Range::builder()
                    .cidr_ipv6(block)
                    .set_description(description)
                    .build(),
            ),
            Peer::Cidr(block) => {
                permission.ip_ranges(IpRange::builder().cidr_ip(block).set_description(description).build())
            }
        };
        permission.build()
    }

    fn group(owner: Option<&str>, pair: &UserIdGroupPair) -> String {
        let id = pair.group_id().unwrap_or_default();
        match pair.user_id() {
            Some(account) if owner.is_some_and(|owner| owner != account) => format!("{account}/{id}"),
            _ => id.to_owned(),
        }
    }

    fn expand(owner: Option<&str>, permission: &IpPermission) -> Vec<Rule> {
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
            rules.push(rule(Peer::Group(group(owner, pair)), pair.description()));
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
pub(crate) use live::{from_permissions, to_permissions};

#[cfg(all(test, feature = "aws"))]
mod tests {
    use super::*;

    #[test]
    fn rules_survive_the_way_through_ec2() {
        let peers = [
            Peer::Group("sg-1".to_owned()),
            Peer::Group("444455556666/sg-2".to_owned()),
            Peer::PrefixList("pl-1".to_owned()),
            Peer::Cidr("10.0.0.0/8".to_owned()),
            Peer::Cidr("::/0".to_owned()),
        ];
        let forms = [("tcp", Some((443, 443))), ("50", None), ("-1", None)];
        let all = forms.iter().flat_map(|(protocol, ports)| {
            let peers = peers.iter().cloned();
            peers.map(move |peer| Rule::new(protocol, *ports, peer, "why"))
        });
        let rules: Rules = all.collect();
        assert_eq!(from_permissions(Some("111122223333"), &to_permissions(&rules)), rules);
    }
}
