//! A second opinion: single packets, sent through the network hop by hop. Whatever gets out must have been found.

use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;
use proptest::sample::select;

use super::laws::{lonely, put, surroundings};
use super::*;
use crate::kinds::{Peer, Rules};

/// A packet of a member of `sg-1`.
#[derive(Clone, Debug)]
struct Sent {
    source: IpAddr,
    protocol: &'static str,
    port: u16,
    address: IpAddr,
}

fn sent() -> impl Strategy<Value = (&'static str, Sent)> {
    let version4 = (
        select(vec![
            "8.8.8.8",
            "9.1.1.1",
            "10.9.3.3",
            "10.2.2.200",
            "52.217.0.9",
            "200.1.1.1",
        ]),
        Just(false),
    );
    let version6 = (select(vec!["2600:1f01::1", "2a00::1"]), Just(true));
    let subnets = select(vec![("subnet-a", "10.2.1.77"), ("subnet-b", "10.2.2.77")]);
    let ports = select(vec![0, 80, 443, 1024, 5000, 65535]);
    (
        subnets,
        select(vec!["tcp", "udp", "50", "253"]),
        ports,
        prop_oneof![version4, version6],
    )
        .prop_map(|((subnet, source), protocol, port, (address, six))| {
            let source = if six { "2600:1f00::77" } else { source };
            let parsed = |text: &str| text.parse().expect("an address");
            let sent = Sent {
                source: parsed(source),
                protocol,
                port,
                address: parsed(address),
            };
            (subnet, sent)
        })
}

impl Sent {
    fn matches_rules(&self, rules: &Rules, other: IpAddr) -> bool {
        rules.iter().any(|rule| {
            let Peer::Cidr(block) = &rule.peer else { return false };
            let block: IpNet = block.parse().expect("a block");
            let ports = rule
                .ports
                .is_none_or(|(first, last)| (first..=last).contains(&i32::from(self.port)));
            block.contains(&other) && ports && ["-1", self.protocol].contains(&rule.protocol.as_str())
        })
    }

    fn passes_acl(&self, entries: &[AclEntry], other: IpAddr) -> bool {
        let fitting = entries.iter().find(|entry| {
            let ported = ["tcp", "udp"].contains(&self.protocol);
            let ports = entry
                .ports
                .is_none_or(|(first, last)| ported && (first..=last).contains(&self.port));
            entry.block.contains(&other) && ports && ["-1", self.protocol].contains(&entry.protocol.as_str())
        });
        fitting.is_some_and(|entry| entry.allow)
    }

    /// Where it ends up when it leaves the subnet `at`, and nothing if it gets stuck. `public` is whether what sends it
    /// on has a public address.
    fn leaves(&self, network: &Network, at: &str, public: bool, left: u8) -> Option<Destination> {
        let acl = &network.network_acls["acl-1"];
        let table = &network.route_tables[if at == "subnet-a" { "rtb-1" } else { "rtb-2" }];
        let closest = |route: &&Route| match &route.destination {
            Addresses::Block(block) if block.contains(&self.address) => Some(block.prefix_len()),
            _ => None,
        };
        let route = table
            .routes
            .iter()
            .filter(|route| closest(route).is_some())
            .max_by_key(closest)?;
        if route.target == "local" || left == 0 || !self.passes_acl(&acl.egress, self.address) {
            return None;
        }
        let enters = |subnet: &str| subnet == at || self.passes_acl(&acl.ingress, self.source);
        let version4 = self.address.is_ipv4();
        // Private addresses are not in the internet.
        let world = || (!self.address.to_string().starts_with("10.")).then_some(Destination::Internet);
        let far = || Destination::Vpc {
            id: "vpc-2".to_owned(),
            account: String::new(),
            owner: None,
        };
        match route.target.as_str() {
            "igw-1" if network.gateways.contains_key("igw-1") && (public || !version4) => world(),
            "eigw-1" if network.gateways.contains_key("eigw-1") => world(),
            "vgw-1" if network.gateways.contains_key("vgw-1") => Some(Destination::OnPremises),
            "lgw-1" => Some(Destination::OnPremises),
            "pcx-1" if network.peerings.contains_key("pcx-1") => Some(far()),
            "tgw-1" if !network.transit_attachments.is_empty() => Some(far()),
            "vpce-1" if network.endpoints.contains_key("vpce-1") => Some(Destination::EndpointService {
                service: network.endpoints["vpce-1"].service.clone(),
            }),
            "nat-1" if version4 && network.nat_gateways.contains_key("nat-1") && enters("subnet-b") => {
                self.leaves(network, "subnet-b", true, left - 1)
            }
            "eni-1" if network.interfaces.contains_key("eni-1") && enters("subnet-b") => {
                let group = &network.security_groups["sg-1"];
                let through = self.matches_rules(&group.ingress, self.source);
                let through = through && self.matches_rules(&group.egress, self.address);
                through.then(|| self.leaves(network, "subnet-b", true, left - 1))?
            }
            _ => None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_gets_out_was_found(mut network in lonely(), around in surroundings(), (subnet, sent) in sent()) {
        around.iter().for_each(|id| put(&mut network, id));
        let sender = &network.security_groups["sg-1"];
        let of = &network.subnets[subnet];
        let has_address = sent.address.is_ipv4() || !of.ipv6.is_empty();
        if has_address && sent.matches_rules(&sender.egress, sent.address) {
            let standing = network.interfaces.values().any(|interface| interface.subnet == subnet && interface.public);
            let public = of.maps_public_addresses || standing;
            if let Some(destination) = sent.leaves(&network, subnet, public, 4) {
                let report = check(&network, &Owner::new("test", "default", "churn"));
                let mut open = report.paths.iter().filter(|path| path.is_open() && path.subnet == subnet);
                prop_assert!(
                    open.any(|path| path.destination == destination),
                    "{sent:?} gets to {destination:?}, and what was found is {:#?}", report.paths
                );
            }
        }
    }
}
