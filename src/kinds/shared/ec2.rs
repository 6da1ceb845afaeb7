//! Account-wide lists of Amazon EC2, each read once for all kinds and projects.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_ec2::types::{
    CarrierGateway, EgressOnlyInternetGateway, FlowLog, InternetGateway, NatGateway, NetworkAcl, NetworkInterface,
    RouteTable, SecurityGroup, ServiceConfiguration, Subnet, Tag, TransitGatewayAttachment,
    TransitGatewayVpcAttachment, UnsuccessfulItem, Vpc, VpcEndpoint, VpcPeeringConnection, VpnGateway,
};

use crate::aws::{Aws, classify, ec2_tags, pages, to_ec2_tags};
use crate::engine::{Failure, Reader, Sent};
use crate::kinds::{self, Kind};
use crate::model::{Owner, Tags, Words};

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident: $item:ty = $call:literal, $request:ident, $size:literal, $items:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) async fn $name(reader: &Reader<'_>) -> Result<Arc<Vec<$item>>, Failure> {
            let aws = reader.aws();
            let fetch = async {
                Ok(pages!(aws, $call, aws.ec2.$request().max_results($size), set_next_token, next_token, $items))
            };
            reader.list($call, fetch).await
        }
    )*};
}

lists! {
    /// Every VPC.
    vpcs: Vpc = "ec2:DescribeVpcs", describe_vpcs, 1000, vpcs;
    /// Every subnet.
    subnets: Subnet = "ec2:DescribeSubnets", describe_subnets, 1000, subnets;
    /// Every route table, with its routes and associations.
    route_tables: RouteTable = "ec2:DescribeRouteTables", describe_route_tables, 100, route_tables;
    /// Every VPC endpoint, with its policy.
    vpc_endpoints: VpcEndpoint = "ec2:DescribeVpcEndpoints", describe_vpc_endpoints, 1000, vpc_endpoints;
    /// Every flow log.
    flow_logs: FlowLog = "ec2:DescribeFlowLogs", describe_flow_logs, 1000, flow_logs;
    /// Every security group, with its rules.
    security_groups: SecurityGroup = "ec2:DescribeSecurityGroups", describe_security_groups, 1000, security_groups;
    /// Every internet gateway.
    internet_gateways: InternetGateway = "ec2:DescribeInternetGateways", describe_internet_gateways, 1000, internet_gateways;
    /// Every egress-only internet gateway.
    egress_only_gateways: EgressOnlyInternetGateway = "ec2:DescribeEgressOnlyInternetGateways", describe_egress_only_internet_gateways, 255, egress_only_internet_gateways;
    /// Every NAT gateway.
    nat_gateways: NatGateway = "ec2:DescribeNatGateways", describe_nat_gateways, 1000, nat_gateways;
    /// Every attachment of a VPC to a transit gateway.
    transit_gateway_attachments: TransitGatewayVpcAttachment = "ec2:DescribeTransitGatewayVpcAttachments", describe_transit_gateway_vpc_attachments, 1000, transit_gateway_vpc_attachments;
    /// Every peering connection.
    peerings: VpcPeeringConnection = "ec2:DescribeVpcPeeringConnections", describe_vpc_peering_connections, 1000, vpc_peering_connections;
    /// Every carrier gateway.
    carrier_gateways: CarrierGateway = "ec2:DescribeCarrierGateways", describe_carrier_gateways, 1000, carrier_gateways;
    /// Every network ACL, with its entries and subnets.
    network_acls: NetworkAcl = "ec2:DescribeNetworkAcls", describe_network_acls, 1000, network_acls;
    /// Every network interface.
    network_interfaces: NetworkInterface = "ec2:DescribeNetworkInterfaces", describe_network_interfaces, 1000, network_interfaces;
    /// Every attachment to a transit gateway, of whatever kind.
    transit_attachments: TransitGatewayAttachment = "ec2:DescribeTransitGatewayAttachments", describe_transit_gateway_attachments, 1000, transit_gateway_attachments;
    /// Every endpoint service that the account offers.
    endpoint_services: ServiceConfiguration = "ec2:DescribeVpcEndpointServiceConfigurations", describe_vpc_endpoint_service_configurations, 1000, service_configurations;
}

/// Every virtual private gateway. The list has no pages.
pub(crate) async fn vpn_gateways(reader: &Reader<'_>) -> Result<Arc<Vec<VpnGateway>>, Failure> {
    let fetch = async {
        let answer = reader.aws().call(
            "ec2:DescribeVpnGateways",
            reader.aws().ec2.describe_vpn_gateways().send(),
        );
        Ok(answer.await?.vpn_gateways.unwrap_or_default())
    };
    reader.list("ec2:DescribeVpnGateways", fetch).await
}

/// Puts `tags` on the EC2 resource `id`.
pub(crate) async fn create_tags(aws: &Aws, id: &str, tags: &Tags) -> Result<Sent, Failure> {
    let request = aws.ec2.create_tags().resources(id).set_tags(Some(to_ec2_tags(tags)));
    aws.call("ec2:CreateTags", request.send()).await?;
    Ok(Sent::done())
}

/// For creates that AWS has no client token for: the SDK must not send them a second time by itself.
pub(crate) fn never_twice() -> aws_sdk_ec2::config::Builder {
    aws_sdk_ec2::config::Builder::new().retry_config(aws_config::retry::RetryConfig::disabled())
}

/// Calls that take several ids answer with success and a list of what failed.
///
/// # Errors
/// With the first of `items`.
pub(crate) fn all_successful(call: &str, items: &[UnsuccessfulItem]) -> Result<(), Failure> {
    let Some(error) = items.first().map(UnsuccessfulItem::error) else {
        return Ok(());
    };
    let code = error.and_then(|error| error.code()).unwrap_or_default();
    let message = error.and_then(|error| error.message()).unwrap_or_default();
    Err(Failure {
        call: call.to_owned(),
        class: classify(code, message),
        code: Words::from(code).into(),
        message: message.into(),
    })
}

/// By what `id`, which has `tags`, is recognised; see [`Reader::recognised`].
pub(crate) fn tags(reader: &Reader<'_>, id: Option<&str>, tags: &[Tag]) -> Tags {
    reader.recognised(id.unwrap_or_default(), ec2_tags(tags))
}

/// Every VPC endpoint's owner, if it has one, by the endpoint's id.
pub(crate) async fn endpoint_owners(reader: &Reader<'_>) -> Result<HashMap<String, Option<Owner>>, Failure> {
    let endpoints = vpc_endpoints(reader).await?;
    let owners = endpoints.iter().filter_map(|endpoint| {
        let id = endpoint.vpc_endpoint_id()?.to_owned();
        let owner = reader
            .recognised_as(<kinds::VpcEndpoint as Kind>::NAME, &id, ec2_tags(endpoint.tags()))
            .owner();
        Some((id, owner))
    });
    Ok(owners.collect())
}

/// Takes a route table from what it is associated with.
pub(crate) async fn disassociate_route_table(aws: &Aws, association: String) -> Result<Sent, Failure> {
    let request = aws.ec2.disassociate_route_table().association_id(association);
    aws.call("ec2:DisassociateRouteTable", request.send()).await?;
    Ok(Sent::done())
}
