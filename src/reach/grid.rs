//! The packets that are worth trying on a trail: the first of every range that some rule makes.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::judge::{Entry, Judge};
use super::network::{AclEntry, Network};
use super::path::{Destination, Direction};
use super::trail::{Step, Trail};

/// What can be combined, the likeliest first.
pub(super) struct Grid {
    addresses: BTreeSet<IpAddr>,
    protocols: Vec<String>,
    ports: Vec<Option<u16>>,
}

impl Grid {
    /// Everything that members of the groups `senders` could send.
    pub fn probes<'g>(&'g self, senders: &'g BTreeSet<&'g str>) -> impl Iterator<Item = Probe<'g>> {
        let addressed = move |sender| self.addresses.iter().map(move |address| (sender, *address));
        let by_protocol = move |(sender, address)| {
            let protocols = self.protocols.iter();
            protocols.map(move |protocol| (sender, address, protocol.as_str()))
        };
        let by_port = move |(sender, address, protocol)| {
            let ports: &[Option<u16>] = if has_ports(protocol) { &self.ports } else { &[None] };
            ports.iter().map(move |port| Probe {
                sender,
                protocol,
                port: *port,
                address,
            })
        };
        senders
            .iter()
            .copied()
            .flat_map(addressed)
            .flat_map(by_protocol)
            .flat_map(by_port)
    }
}

/// Blocks that no gateway carries into the internet.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
const RESERVED: [&str; 17] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "::/3",
    "2001:db8::/32",
    "4000::/2",
    "8000::/1",
];
/// Where IPv6 has the addresses of IPv4: a NAT gateway carries them into the internet.
const NAT64: &str = "64:ff9b::/96";
/// A protocol that nobody names: it stands for all others.
const OTHER: &str = "253";
/// What nearly everything can be done with.
const HTTPS: u16 = 443;
/// The protocol that stands for all.
pub(super) const ANY: &str = "-1";

/// Something that could be sent.
#[derive(Clone, Copy)]
pub(super) struct Probe<'p> {
    pub sender: &'p str,
    pub protocol: &'p str,
    pub port: Option<u16>,
    pub address: IpAddr,
}

/// Whether packets of `protocol` have a port.
fn has_ports(protocol: &str) -> bool {
    matches!(protocol, "tcp" | "udp")
}

/// The grid of `trail`, with the rules that `judge` knows.
pub(super) fn grid<'n>(network: &Network, trail: &Trail<'n>, judge: &Judge<'n>) -> Grid {
    let mut edges = Edges::default();
    trail.blocks.iter().for_each(|block| edges.block(*block));
    for id in &trail.senders {
        edges.rules(judge.rules(id, Direction::Egress));
    }
    for step in &trail.steps {
        match step {
            Step::Through(_) | Step::Closed(_) | Step::Sender => {}
            Step::Groups(interface, direction) => {
                interface
                    .groups
                    .iter()
                    .for_each(|id| edges.rules(judge.rules(id, *direction)));
            }
            Step::Acl(_, acl, Direction::Ingress) => edges.entries(&acl.ingress),
            Step::Acl(_, acl, Direction::Egress) => edges.entries(&acl.egress),
            Step::Route(_, table, _) => {
                let blocks = table.routes.iter().flat_map(|route| network.blocks(&route.destination));
                blocks.for_each(|block| edges.block(block));
            }
        }
    }
    let reserved: Vec<IpNet> = match trail.destination {
        Destination::Internet => RESERVED.iter().filter_map(|block| block.parse().ok()).collect(),
        _ => Vec::new(),
    };
    reserved.iter().for_each(|block| edges.block(*block));
    let translated: Option<IpNet> = NAT64.parse().ok();
    let carried = |address: &IpAddr| {
        let mut reserved = reserved.iter();
        !reserved.any(|block| block.contains(address)) || translated.is_some_and(|block| block.contains(address))
    };
    let missed = |step: &Step<'n>, address: IpAddr| match step {
        Step::Route(_, table, route) => !network.takes(table, route, address),
        _ => false,
    };
    edges.addresses.retain(|address| {
        trail.blocks.iter().any(|block| block.contains(address))
            && carried(address)
            && !trail.steps.iter().any(|step| missed(step, *address))
    });
    edges.grid()
}

#[derive(Default)]
struct Edges {
    addresses: BTreeSet<IpAddr>,
    protocols: BTreeSet<String>,
    ports: BTreeSet<u16>,
}

impl Edges {
    /// The first address of the block, and the first behind it.
    fn block(&mut self, block: IpNet) {
        self.addresses.insert(block.network());
        self.addresses.extend(after(block.broadcast()));
    }

    fn rules(&mut self, entries: &[Entry<'_>]) {
        for Entry { rule, blocks } in entries {
            blocks.iter().for_each(|block| self.block(*block));
            let ports = rule
                .ports
                .map(|(first, last)| (u16::try_from(first), u16::try_from(last)));
            if let Some((Ok(first), Ok(last))) = ports {
                self.range(first, last);
            }
            self.protocol(&rule.protocol);
        }
    }

    fn entries(&mut self, entries: &[AclEntry]) {
        for entry in entries {
            self.block(entry.block);
            if let Some((first, last)) = entry.ports {
                self.range(first, last);
            }
            self.protocol(&entry.protocol);
        }
    }

    fn range(&mut self, first: u16, last: u16) {
        self.ports.insert(first);
        self.ports.extend(last.checked_add(1));
    }

    fn protocol(&mut self, protocol: &str) {
        if protocol != ANY {
            self.protocols.insert(protocol.to_owned());
        }
    }

    fn grid(mut self) -> Grid {
        let usual = ["tcp", "udp", OTHER].map(str::to_owned);
        self.protocols.retain(|protocol| !usual.contains(protocol));
        self.ports.insert(0);
        let likely = std::iter::once(HTTPS).chain(self.ports);
        Grid {
            addresses: self.addresses,
            protocols: usual.into_iter().chain(self.protocols).collect(),
            ports: likely.map(Some).collect(),
        }
    }
}

fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => u32::from(address).checked_add(1).map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(address) => u128::from(address).checked_add(1).map(|next| IpAddr::V6(next.into())),
    }
}
