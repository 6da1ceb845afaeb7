//! What passes a trail: of everything that could be sent, the packet that gets farthest.
//!
//! Rules cut addresses, protocols and ports into ranges. Whatever is true of a range is true of its first member, so
//! it is enough to try those: the answer is exact, and it comes with an example.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::grid::{ANY, Probe, grid};
use super::network::{AclEntry, Interface, Network, NetworkAcl};
use super::path::{Destination, Direction, Hop, Obstacle, Packet, Path};
use super::trail::{Step, Trail};
use crate::kinds::{Peer, Rule, Rules};

/// Decides for the trails of one subnet.
pub(super) struct Judge<'n> {
    network: &'n Network,
    subnet: &'n str,
    /// The subnet's addresses.
    source: Vec<IpNet>,
    /// The rules of each group of the VPC.
    groups: BTreeMap<&'n str, Compiled<'n>>,
}

/// The rules of a group, read once.
struct Compiled<'n> {
    ingress: Vec<Entry<'n>>,
    egress: Vec<Entry<'n>>,
}

/// A rule, and the addresses of its peer.
pub(super) struct Entry<'n> {
    pub rule: &'n Rule,
    pub blocks: Vec<IpNet>,
}

impl<'n> Judge<'n> {
    pub fn new(network: &'n Network, subnet: &'n str) -> Option<Self> {
        let (subnet, of) = network.subnets.get_key_value(subnet)?;
        let ipv4 = of.ipv4.map(IpNet::V4);
        let compile = |rules: &'n Rules| rules.iter().map(|rule| entry(network, rule)).collect();
        let groups = network.security_groups.iter().filter(|(_, group)| group.vpc == of.vpc);
        let groups = groups.map(|(id, group)| {
            let compiled = Compiled {
                ingress: compile(&group.ingress),
                egress: compile(&group.egress),
            };
            (id.as_str(), compiled)
        });
        Some(Self {
            network,
            subnet,
            source: ipv4.into_iter().chain(of.ipv6.iter().copied().map(IpNet::V6)).collect(),
            groups: groups.collect(),
        })
    }

    /// The path along `trail` that is closed by the fewest things; none when nothing could be sent along it at all.
    pub fn path(&self, trail: &Trail<'n>) -> Option<Path> {
        let grid = grid(self.network, trail, self);
        let mut best: Option<(usize, Probe<'_>)> = None;
        for probe in grid.probes(&trail.senders) {
            let closing = trail.steps.iter().filter(|step| !self.passes(step, trail, &probe));
            let closing = closing.count();
            if best.is_none_or(|(fewest, _)| closing < fewest) {
                best = Some((closing, probe));
            }
            if closing == 0 {
                break;
            }
        }
        best.map(|(_, probe)| self.describe(trail, &probe))
    }

    fn passes(&self, step: &Step<'n>, trail: &Trail<'n>, probe: &Probe<'_>) -> bool {
        match step {
            // Where another route is closer, nothing is tried.
            Step::Through(_) | Step::Route(..) => true,
            Step::Closed(_) => false,
            Step::Sender => self.lets_out(probe.sender, trail, probe).is_some(),
            Step::Groups(interface, direction) => self.member(interface, *direction, trail, probe).is_some(),
            Step::Acl(_, acl, direction) => self.entry(acl, *direction, probe).is_some_and(|entry| entry.allow),
        }
    }

    fn describe(&self, trail: &Trail<'n>, probe: &Probe<'_>) -> Path {
        let mut path = Path {
            subnet: self.subnet.to_owned(),
            hops: Vec::new(),
            destination: trail.destination.clone(),
            example: Some(Packet {
                protocol: probe.protocol.to_owned(),
                port: probe.port,
                address: probe.address,
            }),
            blocked_by: Vec::new(),
        };
        for step in &trail.steps {
            match self.explain(step, trail, probe) {
                Ok(hop) => path.hops.push(hop),
                Err(obstacle) => path.blocked_by.push(obstacle),
            }
        }
        path
    }

    fn explain(&self, step: &Step<'n>, trail: &Trail<'n>, probe: &Probe<'_>) -> Result<Hop, Obstacle> {
        let rule = |id: &str, direction, rule: &Rule| Hop::SecurityGroup {
            id: id.to_owned(),
            direction,
            rule: rule.clone(),
        };
        let refused = |ids: BTreeSet<String>, direction| Obstacle::SecurityGroups { ids, direction };
        match step {
            Step::Through(hop) => Ok(hop.clone()),
            Step::Closed(obstacle) => Err(obstacle.clone()),
            Step::Sender => match self.lets_out(probe.sender, trail, probe) {
                Some(found) => Ok(rule(probe.sender, Direction::Egress, found)),
                None => Err(refused(self.refusing(trail, probe), Direction::Egress)),
            },
            Step::Groups(interface, direction) => match self.member(interface, *direction, trail, probe) {
                Some((id, found)) => Ok(rule(id, *direction, found)),
                None => Err(refused(interface.groups.clone(), *direction)),
            },
            Step::Acl(id, acl, direction) => {
                let (id, direction) = ((*id).to_owned(), *direction);
                match self.entry(acl, direction, probe).filter(|entry| entry.allow) {
                    Some(AclEntry { number, .. }) => Ok(Hop::NetworkAcl {
                        id,
                        direction,
                        number: *number,
                    }),
                    None => Err(Obstacle::NetworkAcl { id, direction }),
                }
            }
            Step::Route(table, _, route) => Ok(Hop::Route {
                table: (*table).to_owned(),
                destination: route.destination.to_string(),
                target: route.target.clone(),
            }),
        }
    }

    /// Those of the senders whose groups do not let `probe` out.
    fn refusing(&self, trail: &Trail<'n>, probe: &Probe<'_>) -> BTreeSet<String> {
        let refusing = trail
            .senders
            .iter()
            .filter(|id| self.lets_out(id, trail, probe).is_none());
        refusing.map(|id| (*id).to_owned()).collect()
    }

    /// The rules of the group `id` of the VPC.
    pub fn rules(&self, id: &str, direction: Direction) -> &[Entry<'n>] {
        self.groups.get(id).map_or(&[], |group| match direction {
            Direction::Ingress => &group.ingress,
            Direction::Egress => &group.egress,
        })
    }

    /// The rule of the group `id` that lets `probe` out.
    fn lets_out(&self, id: &str, trail: &Trail<'n>, probe: &Probe<'_>) -> Option<&'n Rule> {
        let fits = |entry: &&Entry<'n>| {
            is_about(entry.rule, probe)
                && match &entry.rule.peer {
                    Peer::Group(group) => self.is_receiver(group, trail, probe.address),
                    Peer::PrefixList(_) | Peer::Cidr(_) => contain(&entry.blocks, probe.address),
                }
        };
        Some(self.rules(id, Direction::Egress).iter().find(fits)?.rule)
    }

    /// Whether `address` is a member's of `group`. Of groups of other VPCs nobody tells us the members.
    fn is_receiver(&self, group: &str, trail: &Trail<'n>, address: IpAddr) -> bool {
        let near = |step: &Step<'n>| match step {
            Step::Groups(interface, Direction::Ingress) => {
                interface.addresses.contains(&address) && interface.groups.contains(group)
            }
            _ => false,
        };
        let far = matches!(trail.destination, Destination::Vpc { .. }) && !self.groups.contains_key(group);
        far || trail.steps.iter().any(near)
    }

    /// The group of `interface`, and its rule, that lets `probe` in or out.
    fn member<'i>(
        &self,
        interface: &'i Interface,
        direction: Direction,
        trail: &Trail<'n>,
        probe: &Probe<'_>,
    ) -> Option<(&'i str, &'n Rule)> {
        interface.groups.iter().find_map(|id| {
            let rule = match direction {
                Direction::Egress => self.lets_out(id, trail, probe),
                Direction::Ingress => self.lets_in(id, probe),
            };
            Some((id.as_str(), rule?))
        })
    }

    fn lets_in(&self, id: &str, probe: &Probe<'_>) -> Option<&'n Rule> {
        let fits = |entry: &&Entry<'n>| {
            is_about(entry.rule, probe)
                && match &entry.rule.peer {
                    Peer::Group(group) => group == probe.sender,
                    Peer::PrefixList(_) | Peer::Cidr(_) => self.may_come_from(probe, &entry.blocks),
                }
        };
        Some(self.rules(id, Direction::Ingress).iter().find(fits)?.rule)
    }

    /// The subnet's addresses of the version of `probe`.
    fn source(&self, probe: &Probe<'_>) -> impl Iterator<Item = &IpNet> {
        let version4 = probe.address.is_ipv4();
        self.source
            .iter()
            .filter(move |block| block.addr().is_ipv4() == version4)
    }

    /// Whether something in the subnet has an address of one of `blocks`.
    fn may_come_from(&self, probe: &Probe<'_>, blocks: &[IpNet]) -> bool {
        let meet = |a: &IpNet, b: &IpNet| a.contains(b) || b.contains(a);
        let mut source = self.source(probe);
        source.any(|source| blocks.iter().any(|block| meet(source, block)))
    }

    /// The entry of `acl` that decides on `probe`.
    fn entry(&self, acl: &'n NetworkAcl, direction: Direction, probe: &Probe<'_>) -> Option<&'n AclEntry> {
        let entries = match direction {
            Direction::Ingress => &acl.ingress,
            Direction::Egress => &acl.egress,
        };
        entries.iter().find(|entry| {
            let ports = entry
                .ports
                .is_none_or(|(first, last)| probe.port.is_some_and(|port| (first..=last).contains(&port)));
            let sides = match direction {
                Direction::Egress => entry.block.contains(&probe.address),
                // Something in the subnet gets in where something is let in, unless all of it is refused.
                Direction::Ingress if entry.allow => self.may_come_from(probe, std::slice::from_ref(&entry.block)),
                Direction::Ingress => self.source(probe).all(|source| entry.block.contains(source)),
            };
            ports && sides && (entry.protocol == ANY || entry.protocol == probe.protocol)
        })
    }
}

fn entry<'n>(network: &'n Network, rule: &'n Rule) -> Entry<'n> {
    let blocks = match &rule.peer {
        Peer::Group(_) => Vec::new(),
        Peer::PrefixList(id) => network.prefix_lists.get(id).cloned().unwrap_or_default(),
        Peer::Cidr(block) => block.parse().into_iter().collect(),
    };
    Entry { rule, blocks }
}

/// Whether `rule` is about the protocol and port of `probe`, whoever its peer is.
fn is_about(rule: &Rule, probe: &Probe<'_>) -> bool {
    let port = match (rule.ports, probe.port) {
        (Some((first, last)), Some(port)) => (first..=last).contains(&i32::from(port)),
        _ => true,
    };
    port && (rule.protocol == ANY || rule.protocol == probe.protocol)
}

fn contain(blocks: &[IpNet], address: IpAddr) -> bool {
    blocks.iter().any(|block| block.contains(&address))
}
