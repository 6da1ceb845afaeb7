//! Amazon VPC: the network of one project, with no way out.
//!
//! AWS invents the id and offers no client token for `CreateVpc`; the tags written by the call are the identity.
//! DNS settings are read per object, no list carries them. Gateways and peerings that somebody attaches, and
//! rules in the default security group, are differences of the VPC itself, and so are foreign endpoints in it and
//! routes in its main table. What can be detached is detached and not deleted.
//! The address range never changes on a living VPC.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::shared::gateways::Gateway;
use super::shared::routes::{Remedy, Route, Routes};
use super::shared::rules::Rules;
use super::{Changed, Current, Field, Identity, Kind, New};
use crate::model::Tags;
use crate::plan::Todo;

/// The kind.
pub struct Vpc;

/// What a VPC is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// Its addresses.
    pub cidr_block: Ipv4Net,
    /// Whether the Amazon DNS server answers in it; private DNS names of endpoints need it.
    pub dns_support: bool,
    /// Whether its addresses have names; private DNS names of endpoints need it.
    pub dns_hostnames: bool,
    /// Ways out of it.
    pub gateways: BTreeSet<Gateway>,
    /// The default security group, which nothing uses and which must let nothing through.
    pub default_group: DefaultGroup,
    /// Routes in the main table, which holds for every subnet without a table of its own.
    pub main_routes: Routes,
    /// The main table. AWS makes it; it is not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main_table: Option<String>,
}

impl Attributes {
    /// Of a VPC with names and nothing that leads out of it.
    pub fn closed(cidr_block: Ipv4Net) -> Self {
        Self {
            cidr_block,
            dns_support: true,
            dns_hostnames: true,
            gateways: BTreeSet::new(),
            default_group: DefaultGroup::default(),
            main_routes: BTreeSet::new(),
            main_table: None,
        }
    }
}

/// The default security group of a VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultGroup {
    /// What it lets in.
    pub ingress: Rules,
    /// What it lets out.
    pub egress: Rules,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the VPC.
    #[serde(rename = "ec2:CreateVpc")]
    Create { cidr_block: Ipv4Net, tags: Tags },
    /// Sets one of the DNS settings.
    #[serde(rename = "ec2:ModifyVpcAttribute")]
    Dns { vpc: String, setting: Dns, value: bool },
    /// Detaches an internet gateway.
    #[serde(rename = "ec2:DetachInternetGateway")]
    DetachInternet { vpc: String, gateway: String },
    /// Detaches a virtual private gateway.
    #[serde(rename = "ec2:DetachVpnGateway")]
    DetachVpn { vpc: String, gateway: String },
    /// Deletes an egress-only internet gateway: it lives in its VPC and cannot be detached.
    #[serde(rename = "ec2:DeleteEgressOnlyInternetGateway")]
    DeleteEgressOnly { gateway: String },
    /// Deletes a NAT gateway: it lives in one of our subnets and cannot be detached.
    #[serde(rename = "ec2:DeleteNatGateway")]
    DeleteNat { gateway: String },
    /// Ends a peering: it cannot be detached either.
    #[serde(rename = "ec2:DeleteVpcPeeringConnection")]
    DeletePeering { connection: String },
    /// Deletes a foreign endpoint: it lives in its VPC.
    #[serde(rename = "ec2:DeleteVpcEndpoints")]
    DeleteEndpoint { endpoint: String },
    /// Ends the attachment of a transit gateway.
    #[serde(rename = "ec2:DeleteTransitGatewayVpcAttachment")]
    DetachTransit { attachment: String },
    /// Removes a route from the main table.
    #[serde(rename = "ec2:DeleteRoute")]
    DeleteRoute { table: String, destination: String },
    /// Leads the main table's local route back into the VPC.
    #[serde(rename = "ec2:ReplaceRoute")]
    RestoreLocal { table: String, destination: String },
    /// Takes the main table from a foreign gateway endpoint.
    #[serde(rename = "ec2:ModifyVpcEndpoint")]
    LeaveEndpoint { endpoint: String, table: String },
    /// Removes every ingress rule of the VPC's default group.
    #[serde(rename = "ec2:RevokeSecurityGroupIngress")]
    CloseIngress { vpc: String },
    /// Removes every egress rule of the VPC's default group.
    #[serde(rename = "ec2:RevokeSecurityGroupEgress")]
    CloseEgress { vpc: String },
    /// Restores tags.
    #[serde(rename = "ec2:CreateTags")]
    Tag { id: String, tags: Tags },
    /// Removes the VPC.
    #[serde(rename = "ec2:DeleteVpc")]
    Delete { id: String },
}

/// Which DNS setting.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Dns {
    /// `enableDnsSupport`.
    Support,
    /// `enableDnsHostnames`.
    Hostnames,
}

impl Kind for Vpc {
    const NAME: &'static str = "Vpc";
    const FIELDS: &'static [Field] = &[
        Field::replace("cidrBlock"),
        Field::in_place("dnsSupport"),
        Field::in_place("dnsHostnames"),
        Field::in_place("gateways").critical(),
        Field::in_place("defaultGroup").critical(),
        Field::in_place("mainRoutes").critical(),
    ];
    const IDENTITY: Identity = Identity::Tags;
    const PERMISSIONS: &'static [&'static str] = &[
        "ec2:CreateTags",
        "ec2:CreateVpc",
        "ec2:DeleteEgressOnlyInternetGateway",
        "ec2:DeleteNatGateway",
        "ec2:DeleteRoute",
        "ec2:DeleteTransitGatewayVpcAttachment",
        "ec2:DeleteVpc",
        "ec2:DeleteVpcEndpoints",
        "ec2:DeleteVpcPeeringConnection",
        "ec2:DescribeEgressOnlyInternetGateways",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeNatGateways",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeTransitGatewayVpcAttachments",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcPeeringConnections",
        "ec2:DescribeVpcs",
        "ec2:DescribeVpnGateways",
        "ec2:DetachInternetGateway",
        "ec2:DetachVpnGateway",
        "ec2:ModifyVpcAttribute",
        "ec2:ModifyVpcEndpoint",
        "ec2:ReplaceRoute",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        let create = Call::Create {
            cidr_block: new.attributes.cidr_block,
            tags: new.tags.clone(),
        };
        let vpc = new.id();
        let dns = |setting, value| Call::Dns {
            vpc: vpc.clone(),
            setting,
            value,
        };
        vec![
            create,
            dns(Dns::Support, new.attributes.dns_support),
            dns(Dns::Hostnames, new.attributes.dns_hostnames),
            Call::CloseIngress { vpc: vpc.clone() },
            Call::CloseEgress { vpc: vpc.clone() },
        ]
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let vpc = || current.id.clone();
        let mut calls = Vec::new();
        if changed.has("gateways") {
            let foreign = current.attributes.gateways.difference(&desired.gateways);
            calls.extend(foreign.map(|gateway| detach(vpc(), gateway.clone())));
        }
        if changed.has("mainRoutes") {
            let table = current.attributes.main_table.clone().unwrap_or_default();
            let foreign = current.attributes.main_routes.difference(&desired.main_routes);
            calls.extend(foreign.map(|route| close_route(table.clone(), route)));
        }
        if changed.has("defaultGroup") {
            let group = &current.attributes.default_group;
            calls.extend((!group.ingress.is_empty()).then(|| Call::CloseIngress { vpc: vpc() }));
            calls.extend((!group.egress.is_empty()).then(|| Call::CloseEgress { vpc: vpc() }));
        }
        let dns = [
            ("dnsSupport", Dns::Support, desired.dns_support),
            ("dnsHostnames", Dns::Hostnames, desired.dns_hostnames),
        ];
        for (field, setting, value) in dns {
            calls.extend(changed.has(field).then(|| Call::Dns { vpc: vpc(), setting, value }));
        }
        Todo::now(calls)
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            id: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        let detached = current.attributes.gateways.iter().cloned();
        let mut calls: Vec<Call> = detached.map(|gateway| detach(current.id.clone(), gateway)).collect();
        calls.push(Call::Delete { id: current.id.clone() });
        Todo::now(calls)
    }
}

fn detach(vpc: String, gateway: Gateway) -> Call {
    match gateway {
        Gateway::Internet(gateway) => Call::DetachInternet { vpc, gateway },
        Gateway::Vpn(gateway) => Call::DetachVpn { vpc, gateway },
        Gateway::EgressOnlyInternet(gateway) => Call::DeleteEgressOnly { gateway },
        Gateway::Nat(gateway) => Call::DeleteNat { gateway },
        Gateway::Peering(connection) => Call::DeletePeering { connection },
        Gateway::Transit(attachment) => Call::DetachTransit { attachment },
        Gateway::Endpoint(endpoint) => Call::DeleteEndpoint { endpoint },
    }
}

fn close_route(table: String, route: &Route) -> Call {
    let destination = route.destination.clone();
    match route.remedy() {
        Remedy::Delete => Call::DeleteRoute { table, destination },
        Remedy::RestoreLocal => Call::RestoreLocal { table, destination },
        Remedy::LeaveEndpoint => Call::LeaveEndpoint {
            endpoint: route.target.clone(),
            table,
        },
    }
}

#[cfg(feature = "aws")]
mod live {
    use std::collections::HashMap;

    use aws_sdk_ec2::types::{self, AttributeBooleanValue, Filter, ResourceType, RouteTable, VpcAttributeName};

    use super::{Attributes, Call, DefaultGroup, Dns, Vpc};
    use crate::aws::{Aws, ec2_specification, ec2_tags};
    use crate::engine::{Failure, Live, Observed, Reader, Sent, observe_each};
    use crate::kinds::{self, Kind};
    use crate::kinds::shared::{ec2, gateways::gateways, holders, routes, rules};
    use crate::model::{Holder, Owner, Tags};

    impl Live for Vpc {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let vpcs = ec2::vpcs(reader).await?;
            let tagged = vpcs.iter().map(|vpc| (vpc, ec2::tags(reader, vpc.vpc_id(), vpc.tags())));
            let ours: Vec<(&types::Vpc, Tags)> = tagged.filter(|(_, tags)| reader.is_ours(tags)).collect();
            let owner = |(vpc, tags): &(&types::Vpc, Tags)| Some((vpc.vpc_id()?.to_owned(), tags.owner()?));
            let owners: HashMap<String, Owner> = ours.iter().filter_map(owner).collect();
            let (gateways, groups, tables) = futures::try_join!(
                gateways(reader, &owners),
                ec2::security_groups(reader),
                ec2::route_tables(reader),
            )?;
            let read = async |vpc: &types::Vpc, tags: Tags| {
                let id = vpc.vpc_id().unwrap_or_default();
                let (dns_support, dns_hostnames) = futures::try_join!(
                    dns(reader, id, VpcAttributeName::EnableDnsSupport),
                    dns(reader, id, VpcAttributeName::EnableDnsHostnames),
                )?;
                let default = groups.iter().find(|g| g.vpc_id() == Some(id) && g.group_name() == Some("default"));
                let default_group = default.map(|group| DefaultGroup {
                    ingress: rules::from_permissions(group.owner_id(), group.ip_permissions()),
                    egress: rules::from_permissions(group.owner_id(), group.ip_permissions_egress()),
                });
                let main = tables.iter().find(|table| is_main(table, id));
                let table_owner = |table: &RouteTable| {
                    let id = table.route_table_id().unwrap_or_default();
                    reader.recognised_as(kinds::RouteTable::NAME, id, ec2_tags(table.tags())).owner()
                };
                let theirs = main.filter(|main| table_owner(main).as_ref() != owners.get(id));
                let attributes = Attributes {
                    cidr_block: vpc.cidr_block().unwrap_or_default().parse().unwrap_or_default(),
                    dns_support,
                    dns_hostnames,
                    gateways: gateways.get(id).cloned().unwrap_or_default().into_iter().collect(),
                    default_group: default_group.unwrap_or_default(),
                    // A table of ours that was made the main one is looked after as a route table.
                    main_routes: theirs.map(|main| routes::foreign(main, |_| false)).unwrap_or_default(),
                    main_table: main.and_then(|main| main.route_table_id()).map(str::to_owned),
                };
                Ok(Observed::new(id, tags, attributes))
            };
            let each = ours.iter().map(|(vpc, tags)| {
                let id = vpc.vpc_id().unwrap_or_default().to_owned();
                (id, tags.clone(), read(vpc, tags.clone()))
            });
            Ok(observe_each(each).await)
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            match call {
                Call::Create { cidr_block, tags } => {
                    let request = aws.ec2.create_vpc().cidr_block(cidr_block.to_string());
                    let request = request.tag_specifications(ec2_specification(ResourceType::Vpc, &tags));
                    let request = request.customize().config_override(ec2::never_twice());
                    let vpc = aws.call("ec2:CreateVpc", request.send()).await?.vpc;
                    Ok(Sent::made(vpc.and_then(|vpc| vpc.vpc_id).unwrap_or_default()))
                }
                Call::Dns { vpc, setting, value } => {
                    let value = AttributeBooleanValue::builder().value(value).build();
                    let request = aws.ec2.modify_vpc_attribute().vpc_id(vpc);
                    let request = match setting {
                        Dns::Support => request.enable_dns_support(value),
                        Dns::Hostnames => request.enable_dns_hostnames(value),
                    };
                    aws.call("ec2:ModifyVpcAttribute", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::DetachInternet { vpc, gateway } => {
                    let request = aws.ec2.detach_internet_gateway().vpc_id(vpc).internet_gateway_id(gateway);
                    aws.call("ec2:DetachInternetGateway", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::DetachVpn { vpc, gateway } => {
                    let request = aws.ec2.detach_vpn_gateway().vpc_id(vpc).vpn_gateway_id(gateway);
                    aws.call("ec2:DetachVpnGateway", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::DeleteEgressOnly { gateway } => {
                    let request = aws.ec2.delete_egress_only_internet_gateway();
                    let request = request.egress_only_internet_gateway_id(gateway);
                    aws.call("ec2:DeleteEgressOnlyInternetGateway", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::DeleteNat { gateway } => {
                    aws.call("ec2:DeleteNatGateway", aws.ec2.delete_nat_gateway().nat_gateway_id(gateway).send()).await?;
                    Ok(Sent::done().pending("the NAT gateway is being deleted"))
                }
                Call::DeletePeering { connection } => {
                    let request = aws.ec2.delete_vpc_peering_connection().vpc_peering_connection_id(connection);
                    aws.call("ec2:DeleteVpcPeeringConnection", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::DeleteEndpoint { endpoint } => {
                    let request = aws.ec2.delete_vpc_endpoints().vpc_endpoint_ids(endpoint);
                    let answer = aws.call("ec2:DeleteVpcEndpoints", request.send()).await?;
                    ec2::all_successful("ec2:DeleteVpcEndpoints", answer.unsuccessful())?;
                    Ok(Sent::done().pending("the foreign endpoint is being deleted"))
                }
                Call::DetachTransit { attachment } => {
                    let request = aws.ec2.delete_transit_gateway_vpc_attachment();
                    let request = request.transit_gateway_attachment_id(attachment);
                    aws.call("ec2:DeleteTransitGatewayVpcAttachment", request.send()).await?;
                    Ok(Sent::done().pending("the transit gateway is being detached"))
                }
                Call::DeleteRoute { table, destination } => routes::delete(aws, table, destination).await,
                Call::RestoreLocal { table, destination } => routes::restore_local(aws, table, destination).await,
                Call::LeaveEndpoint { endpoint, table } => routes::leave_endpoint(aws, endpoint, table).await,
                Call::CloseIngress { vpc } => close(aws, &vpc, Direction::Ingress).await,
                Call::CloseEgress { vpc } => close(aws, &vpc, Direction::Egress).await,
                Call::Tag { id, tags } => ec2::create_tags(aws, &id, &tags).await,
                Call::Delete { id } => {
                    aws.call("ec2:DeleteVpc", aws.ec2.delete_vpc().vpc_id(id).send()).await?;
                    Ok(Sent::done())
                }
            }
        }

        async fn holders(reader: &Reader<'_>, owner: &Owner, id: &str) -> Result<Vec<Holder>, Failure> {
            holders::of_vpc(reader, owner, id).await
        }
    }

    async fn dns(reader: &Reader<'_>, vpc: &str, attribute: VpcAttributeName) -> Result<bool, Failure> {
        let aws = reader.aws();
        let aspect = match attribute {
            VpcAttributeName::EnableDnsSupport => "dnsSupport",
            _ => "dnsHostnames",
        };
        let fetch = async {
            let request = aws.ec2.describe_vpc_attribute().vpc_id(vpc).attribute(attribute);
            let answer = aws.call("ec2:DescribeVpcAttribute", request.send()).await?;
            let value = answer.enable_dns_support.or(answer.enable_dns_hostnames);
            Ok(value.and_then(|value| value.value).unwrap_or(false))
        };
        Ok(*reader.detail(vpc, aspect, "", fetch).await?)
    }

    fn is_main(table: &RouteTable, vpc: &str) -> bool {
        let mut associations = table.associations().iter();
        table.vpc_id() == Some(vpc) && associations.any(|association| association.main().unwrap_or(false))
    }

    enum Direction {
        Ingress,
        Egress,
    }

    /// Revokes whatever the VPC's default group allows in one direction.
    async fn close(aws: &Aws, vpc: &str, direction: Direction) -> Result<Sent, Failure> {
        let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
        let request = aws.ec2.describe_security_groups();
        let request = request.filters(filter("vpc-id", vpc)).filters(filter("group-name", "default"));
        let answer = aws.call("ec2:DescribeSecurityGroups", request.send()).await?;
        let Some(group) = answer.security_groups().first() else {
            return Ok(Sent::done());
        };
        match direction {
            Direction::Ingress if !group.ip_permissions().is_empty() => {
                let request = aws.ec2.revoke_security_group_ingress().set_group_id(group.group_id.clone());
                let request = request.set_ip_permissions(group.ip_permissions.clone());
                aws.call("ec2:RevokeSecurityGroupIngress", request.send()).await?;
            }
            Direction::Egress if !group.ip_permissions_egress().is_empty() => {
                let request = aws.ec2.revoke_security_group_egress().set_group_id(group.group_id.clone());
                let request = request.set_ip_permissions(group.ip_permissions_egress.clone());
                aws.call("ec2:RevokeSecurityGroupEgress", request.send()).await?;
            }
            Direction::Ingress | Direction::Egress => {}
        }
        Ok(Sent::done())
    }
}
