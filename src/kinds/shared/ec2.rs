//! Account-wide lists of Amazon EC2, each read once for all kinds and projects.

use std::sync::Arc;

use aws_sdk_ec2::types::{
    EgressOnlyInternetGateway, InternetGateway, NatGateway, SecurityGroup, Vpc, VpcPeeringConnection, VpnGateway,
};

use crate::aws::{Aws, pages, to_ec2_tags};
use crate::engine::{Failure, Reader, Sent};
use crate::model::Tags;

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
    /// Every security group, with its rules.
    security_groups: SecurityGroup = "ec2:DescribeSecurityGroups", describe_security_groups, 1000, security_groups;
    /// Every internet gateway.
    internet_gateways: InternetGateway = "ec2:DescribeInternetGateways", describe_internet_gateways, 1000, internet_gateways;
    /// Every egress-only internet gateway.
    egress_only_gateways: EgressOnlyInternetGateway = "ec2:DescribeEgressOnlyInternetGateways", describe_egress_only_internet_gateways, 255, egress_only_internet_gateways;
    /// Every NAT gateway.
    nat_gateways: NatGateway = "ec2:DescribeNatGateways", describe_nat_gateways, 1000, nat_gateways;
    /// Every peering connection.
    peerings: VpcPeeringConnection = "ec2:DescribeVpcPeeringConnections", describe_vpc_peering_connections, 1000, vpc_peering_connections;
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
