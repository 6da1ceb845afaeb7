//! Where VPC endpoints lead.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{Search, Way};
use crate::reach::network::{Endpoint, EndpointKind};
use crate::reach::openness::is_open;
use crate::reach::path::{Destination, Direction, Hop};
use crate::reach::trail::Step;

impl Search<'_, '_> {
    /// Through endpoints that have interfaces in the VPC: no route but the VPC's own is needed.
    pub(super) fn by_interface(&mut self) {
        let (network, vpc) = (self.network, self.vpc);
        let near = network
            .endpoints
            .iter()
            .filter(|(_, endpoint)| endpoint.vpc == vpc && endpoint.kind == EndpointKind::Interface);
        for (id, endpoint) in near {
            let Some(destination) = self.behind(endpoint) else {
                continue;
            };
            for interface in endpoint.interfaces.iter().filter_map(|id| network.interfaces.get(id)) {
                let mut way = Way {
                    steps: vec![Step::Sender],
                    blocks: interface.addresses.iter().copied().map(IpNet::from).collect(),
                    through: BTreeSet::new(),
                };
                if interface.subnet != self.subnet {
                    way.steps.extend(self.acl(self.subnet, Direction::Egress));
                    way.steps.extend(self.acl(&interface.subnet, Direction::Ingress));
                }
                way.steps.push(Step::Groups(interface, Direction::Ingress));
                way.steps.push(Step::Through(endpoint_hop(id, endpoint)));
                self.end(way, destination.clone());
            }
        }
    }

    /// What an endpoint leads to that is not the project's. What the project declares may lead to somebody's service;
    /// an AWS service serves everybody, unless the endpoint's policy, which has to be the project's, keeps strangers out.
    pub(super) fn behind(&self, endpoint: &Endpoint) -> Option<Destination> {
        let service = endpoint.service.clone();
        let foreign = endpoint.owner.as_ref() != Some(self.owner);
        let amazon = !service.starts_with("com.amazonaws.vpce.") && !service.starts_with("arn:");
        if amazon && endpoint.kind != EndpointKind::GatewayLoadBalancer {
            (foreign || is_open(endpoint.policy.as_ref())).then_some(Destination::AwsService { service })
        } else {
            foreign.then_some(Destination::EndpointService { service })
        }
    }
}

pub(super) fn endpoint_hop(id: &str, endpoint: &Endpoint) -> Hop {
    Hop::Endpoint {
        id: id.to_owned(),
        service: endpoint.service.clone(),
    }
}
