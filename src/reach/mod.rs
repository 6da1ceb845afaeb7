//! Whether anything in a project's subnets reaches what is not the project's: the internet, another VPC, somebody's
//! service, a network outside AWS.
//!
//! [`check`] is pure: it looks at the state of the [`Network`] and nothing else, and names every hop of what it finds.
//! It asks first where the routes lead (`search`), then what passes (`judge`). A path that routes open and a rule
//! still closes is reported as well, with what closes it. Where the state does not tell, such as what is behind a
//! transit gateway, the path counts as open.

mod grid;
mod judge;
#[cfg(feature = "aws")]
mod live;
mod network;
mod openness;
mod path;
mod render;
mod search;
mod trail;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use self::judge::Judge;
#[cfg(feature = "aws")]
pub use self::live::{PERMISSIONS, check_live, read};
pub use self::network::{
    AclEntry, Addresses, Endpoint, EndpointKind, EndpointService, Gateway, GatewayKind, Interface, NatGateway, Network,
    NetworkAcl, Peering, Route, RouteTable, SecurityGroup, Side, Subnet, TransitAttachment, Vpc,
};
pub use self::path::{Destination, Direction, Hop, Obstacle, Packet, Path};
pub use self::render::render;
use self::search::trails;
use crate::model::Owner;

/// What there is to say of a project's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whose network it is.
    pub owner: Owner,
    /// The project's VPCs, by id; none when it has none, and then nothing was looked at.
    pub vpcs: BTreeSet<String>,
    /// How many subnets were looked at.
    pub subnets: usize,
    /// What was found, open paths first.
    pub paths: Vec<Path>,
}

impl Report {
    /// Whether nothing was found: no path, and none that only a rule still closes.
    pub fn is_closed(&self) -> bool {
        self.paths.is_empty()
    }
}

/// The paths out of every subnet of `owner`'s VPCs.
pub fn check(network: &Network, owner: &Owner) -> Report {
    let vpcs = network.vpcs.iter().filter(|(_, vpc)| vpc.owner.as_ref() == Some(owner));
    let vpcs: BTreeSet<String> = vpcs.map(|(id, _)| id.clone()).collect();
    let subnets: Vec<&str> = network
        .subnets
        .iter()
        .filter(|(_, subnet)| vpcs.contains(&subnet.vpc))
        .map(|(id, _)| id.as_str())
        .collect();
    let mut paths: Vec<Path> = subnets
        .iter()
        .flat_map(|subnet| paths(network, subnet, owner))
        .collect();
    paths.sort_by_key(|path| !path.is_open());
    Report {
        owner: owner.clone(),
        subnets: subnets.len(),
        vpcs,
        paths,
    }
}

fn paths(network: &Network, subnet: &str, owner: &Owner) -> Vec<Path> {
    let Some(judge) = Judge::new(network, subnet) else {
        return Vec::new();
    };
    let mut found: Vec<Path> = exposures(network, subnet).collect();
    for path in trails(network, subnet, owner)
        .iter()
        .filter_map(|trail| judge.path(trail))
    {
        // An endpoint has an interface in each subnet: the easiest is enough.
        match found.iter_mut().find(|known| known.leads_as(&path)) {
            Some(known) if path.blocked_by.len() < known.blocked_by.len() => *known = path,
            Some(_) => {}
            None => found.push(path),
        }
    }
    found
}

/// The endpoint services by which others connect to a load balancer in `subnet`.
fn exposures(network: &Network, subnet: &str) -> impl Iterator<Item = Path> {
    let here = network
        .interfaces
        .iter()
        .filter(move |(_, interface)| interface.subnet == subnet);
    let balancers = here.filter_map(|(id, interface)| Some((id, interface.load_balancer.as_ref()?)));
    balancers.flat_map(move |(interface, balancer)| {
        let services = network.endpoint_services.iter();
        let exposing = services.filter(move |(_, service)| service.load_balancers.contains(balancer));
        exposing.map(move |(id, service)| Path {
            subnet: subnet.to_owned(),
            hops: vec![
                Hop::Interface {
                    id: interface.clone(),
                    subnet: subnet.to_owned(),
                },
                Hop::EndpointService {
                    id: id.clone(),
                    name: service.name.clone(),
                },
            ],
            destination: Destination::Consumers {
                principals: service.principals.clone(),
            },
            example: None,
            blocked_by: Vec::new(),
        })
    })
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
