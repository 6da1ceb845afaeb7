//! Routes that are not a table's own, in one canonical form.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A route that leads somewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// The addresses it is for: a block, or a prefix list by id.
    pub destination: String,
    /// The id of what it leads to; empty where AWS names none.
    pub target: String,
    /// Whether it is the network's own local route, turned elsewhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local: bool,
}

/// The routes of a table that nobody declared.
pub type Routes = BTreeSet<Route>;

/// What ends a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// It is deleted.
    Delete,
    /// It cannot be deleted: it is led back into the network.
    RestoreLocal,
    /// It comes and goes with a gateway endpoint: the table is taken from the endpoint.
    LeaveEndpoint,
}

impl Route {
    /// What ends the route.
    pub fn remedy(&self) -> Remedy {
        if self.local {
            Remedy::RestoreLocal
        } else if self.target.starts_with("vpce-") && self.destination.starts_with("pl-") {
            Remedy::LeaveEndpoint
        } else {
            Remedy::Delete
        }
    }
}

#[cfg(feature = "aws")]
mod live {
    use aws_sdk_ec2::types::{self, RouteOrigin, RouteTable};

    use super::{Route, Routes};
    use crate::aws::Aws;
    use crate::engine::{Failure, Sent};

    /// The routes of `table` that lead somewhere, save those of endpoints that are `ours`. Propagated routes are
    /// left out: they go with the propagation.
    pub(crate) fn foreign(table: &RouteTable, ours: impl Fn(&str) -> bool) -> Routes {
        let routes = table.routes().iter();
        let leading = routes.filter(|route| {
            route.gateway_id() != Some("local") && route.origin() != Some(&RouteOrigin::EnableVgwRoutePropagation)
        });
        let foreign = leading.map(|route| Route {
            destination: destination(route),
            target: target(route),
            local: route.origin() == Some(&RouteOrigin::CreateRouteTable),
        });
        foreign.filter(|route| !ours(&route.target)).collect()
    }

    /// The addresses that `route` is for: a block, or a prefix list by id.
    pub(crate) fn destination(route: &types::Route) -> String {
        let destinations = [
            route.destination_cidr_block(),
            route.destination_ipv6_cidr_block(),
            route.destination_prefix_list_id(),
        ];
        first(&destinations)
    }

    /// The id of what `route` leads to; empty where AWS names none.
    pub(crate) fn target(route: &types::Route) -> String {
        let targets = [
            route.gateway_id(),
            route.nat_gateway_id(),
            route.transit_gateway_id(),
            route.vpc_peering_connection_id(),
            route.network_interface_id(),
            route.instance_id(),
            route.egress_only_internet_gateway_id(),
            route.carrier_gateway_id(),
            route.local_gateway_id(),
            route.core_network_arn(),
        ];
        first(&targets)
    }

    fn first(ids: &[Option<&str>]) -> String {
        ids.iter()
            .flatten()
            .next()
            .map(|id| (*id).to_owned())
            .unwrap_or_default()
    }

    /// Deletes the route of `table` to `destination`.
    pub(crate) async fn delete(aws: &Aws, table: String, destination: String) -> Result<Sent, Failure> {
        let request = aws.ec2.delete_route().route_table_id(table);
        let request = match form(&destination) {
            Form::Ipv4 => request.destination_cidr_block(destination),
            Form::Ipv6 => request.destination_ipv6_cidr_block(destination),
            Form::PrefixList => request.destination_prefix_list_id(destination),
        };
        aws.call("ec2:DeleteRoute", request.send()).await?;
        Ok(Sent::done())
    }

    /// Leads the route of `table` to `destination` back into the network.
    pub(crate) async fn restore_local(aws: &Aws, table: String, destination: String) -> Result<Sent, Failure> {
        let request = aws.ec2.replace_route().route_table_id(table).local_target(true);
        let request = match form(&destination) {
            Form::Ipv4 => request.destination_cidr_block(destination),
            Form::Ipv6 => request.destination_ipv6_cidr_block(destination),
            Form::PrefixList => request.destination_prefix_list_id(destination),
        };
        aws.call("ec2:ReplaceRoute", request.send()).await?;
        Ok(Sent::done())
    }

    /// Takes `table` from the gateway endpoint `endpoint`.
    pub(crate) async fn leave_endpoint(aws: &Aws, endpoint: String, table: String) -> Result<Sent, Failure> {
        let request = aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(endpoint);
        aws.call("ec2:ModifyVpcEndpoint", request.remove_route_table_ids(table).send())
            .await?;
        Ok(Sent::done())
    }

    enum Form {
        Ipv4,
        Ipv6,
        PrefixList,
    }

    fn form(destination: &str) -> Form {
        if destination.starts_with("pl-") {
            Form::PrefixList
        } else if destination.contains(':') {
            Form::Ipv6
        } else {
            Form::Ipv4
        }
    }
}

#[cfg(feature = "aws")]
pub(crate) use live::{delete, destination, foreign, leave_endpoint, restore_local, target};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_route() {
        let cases = [
            ("0.0.0.0/0", "igw-1", false, Remedy::Delete),
            ("10.2.0.0/16", "eni-1", true, Remedy::RestoreLocal),
            ("pl-1", "vpce-1", false, Remedy::LeaveEndpoint),
            ("pl-1", "tgw-1", false, Remedy::Delete),
            // A Gateway Load Balancer endpoint: an ordinary route leads to it.
            ("0.0.0.0/0", "vpce-1", false, Remedy::Delete),
        ];
        for (destination, target, local, remedy) in cases {
            let route = Route {
                destination: destination.to_owned(),
                target: target.to_owned(),
                local,
            };
            assert_eq!(route.remedy(), remedy, "{route:?}");
        }
    }
}
