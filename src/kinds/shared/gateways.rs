//! What is attached to a VPC and leads out of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something attached to a VPC that leads out of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type", content = "id")]
pub enum Gateway {
    /// An internet gateway.
    Internet(String),
    /// An egress-only internet gateway, for IPv6.
    EgressOnlyInternet(String),
    /// An interface or load-balancer endpoint that is not the project's: it leads to somebody's service.
    Endpoint(String),
    /// A NAT gateway.
    Nat(String),
    /// A peering connection.
    Peering(String),
    /// The attachment of a transit gateway.
    Transit(String),
    /// A virtual private gateway.
    Vpn(String),
}

impl Gateway {
    /// What it is, in AWS's words, and its id.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Internet(id) => ("internet gateway", id),
            Self::EgressOnlyInternet(id) => ("egress-only internet gateway", id),
            Self::Endpoint(id) => ("endpoint", id),
            Self::Nat(id) => ("NAT gateway", id),
            Self::Peering(id) => ("peering connection", id),
            Self::Transit(id) => ("transit gateway attachment", id),
            Self::Vpn(id) => ("virtual private gateway", id),
        }
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, id) = self.parts();
        write!(f, "the {what} {id}")
    }
}

#[cfg(feature = "aws")]
mod live {
    use std::collections::HashMap;

    use aws_sdk_ec2::types::{NatGatewayState, VpcEndpoint, VpcEndpointType};

    use super::Gateway;
    use crate::aws::ec2_tags;
    use crate::engine::{Failure, Reader};
    use crate::kinds;
    use crate::kinds::shared::ec2;
    use crate::model::Owner;

    /// The ways out of each VPC that `owners` has, by id.
    pub(crate) async fn gateways(
        reader: &Reader<'_>,
        owners: &HashMap<String, Owner>,
    ) -> Result<HashMap<String, Vec<Gateway>>, Failure> {
        let (gateways, connections) = futures::try_join!(attached(reader), connected(reader))?;
        let endpoints = ec2::vpc_endpoints(reader).await?;
        let foreign = endpoints.iter().filter_map(|endpoint| {
            let vpc = endpoint.vpc_id()?.to_owned();
            leads_out(reader, endpoint, owners.get(&vpc)?)
                .then(|| (vpc, Gateway::Endpoint(id(endpoint.vpc_endpoint_id()))))
        });
        let mut found: HashMap<String, Vec<Gateway>> = HashMap::new();
        for (vpc, gateway) in gateways.into_iter().chain(connections).chain(foreign) {
            if owners.contains_key(&vpc) {
                found.entry(vpc).or_default().push(gateway);
            }
        }
        Ok(found)
    }

    const ENDPOINT: &str = <kinds::VpcEndpoint as kinds::Kind>::NAME;

    /// Gateway endpoints lead somewhere only where a table names them: they are a matter of route tables. Those
    /// that an AWS service manages are its own.
    fn leads_out(reader: &Reader<'_>, endpoint: &VpcEndpoint, owner: &Owner) -> bool {
        // The API's model has these words in capitals, its answers in small letters.
        let state = endpoint.state().map(|state| state.as_str().to_lowercase());
        let going = matches!(state.as_deref(), Some("deleted" | "deleting"));
        let id = endpoint.vpc_endpoint_id().unwrap_or_default();
        endpoint.vpc_endpoint_type() != Some(&VpcEndpointType::Gateway)
            && !going
            && !endpoint.requester_managed().unwrap_or(false)
            && reader
                .recognised_as(ENDPOINT, id, ec2_tags(endpoint.tags()))
                .owner()
                .as_ref()
                != Some(owner)
    }

    type Found = Vec<(String, Gateway)>;

    async fn attached(reader: &Reader<'_>) -> Result<Found, Failure> {
        let (internet, egress_only, nat, vpn) = futures::try_join!(
            ec2::internet_gateways(reader),
            ec2::egress_only_gateways(reader),
            ec2::nat_gateways(reader),
            ec2::vpn_gateways(reader),
        )?;
        let mut found = Vec::new();
        let mut add = |vpc: Option<&str>, gateway: Gateway| found.push((id(vpc), gateway));
        for gateway in internet.iter() {
            for attachment in gateway.attachments() {
                add(
                    attachment.vpc_id(),
                    Gateway::Internet(id(gateway.internet_gateway_id())),
                );
            }
        }
        for gateway in egress_only.iter() {
            for attachment in gateway.attachments() {
                let gateway = id(gateway.egress_only_internet_gateway_id());
                add(attachment.vpc_id(), Gateway::EgressOnlyInternet(gateway));
            }
        }
        let going = [
            NatGatewayState::Deleted,
            NatGatewayState::Deleting,
            NatGatewayState::Failed,
        ];
        for gateway in nat
            .iter()
            .filter(|gateway| !gateway.state().is_some_and(|state| going.contains(state)))
        {
            add(gateway.vpc_id(), Gateway::Nat(id(gateway.nat_gateway_id())));
        }
        for gateway in vpn.iter() {
            for attachment in gateway.vpc_attachments() {
                if attachment
                    .state()
                    .is_some_and(|state| state.as_str().starts_with("attach"))
                {
                    add(attachment.vpc_id(), Gateway::Vpn(id(gateway.vpn_gateway_id())));
                }
            }
        }
        Ok(found)
    }

    async fn connected(reader: &Reader<'_>) -> Result<Found, Failure> {
        let (peerings, transits) = futures::try_join!(ec2::peerings(reader), ec2::transit_gateway_attachments(reader))?;
        let mut found = Vec::new();
        for peering in peerings.iter() {
            let status = peering
                .status()
                .and_then(|status| status.code())
                .map_or("", |code| code.as_str());
            if !matches!(status, "active" | "provisioning" | "pending-acceptance") {
                continue;
            }
            for side in [peering.requester_vpc_info(), peering.accepter_vpc_info()]
                .into_iter()
                .flatten()
            {
                found.push((
                    id(side.vpc_id()),
                    Gateway::Peering(id(peering.vpc_peering_connection_id())),
                ));
            }
        }
        for transit in transits.iter() {
            let state = transit.state().map_or("", |state| state.as_str());
            if !matches!(
                state,
                "deleted" | "deleting" | "failed" | "failing" | "rejected" | "rejecting"
            ) {
                found.push((
                    id(transit.vpc_id()),
                    Gateway::Transit(id(transit.transit_gateway_attachment_id())),
                ));
            }
        }
        Ok(found)
    }

    fn id(id: Option<&str>) -> String {
        id.unwrap_or_default().to_owned()
    }
}

#[cfg(feature = "aws")]
pub(crate) use live::gateways;
