//! Amazon VPC subnet: the part of a VPC that lies in one availability zone, and which route table holds for it.
//!
//! AWS invents the id and offers no client token for `CreateSubnet`; the tags written by the call are the identity.
//! The association with the route table has an id of its own and belongs to the subnet here: a subnet without one
//! follows the VPC's main table. Network, addresses and zone never change on a living subnet.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html>

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New, RouteTable, Vpc};
use crate::model::{Ref, Tags};
use crate::plan::Todo;

/// The kind.
pub struct Subnet;

/// What a subnet is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// The network it is a part of.
    pub vpc: Ref<Vpc>,
    /// Its addresses.
    pub cidr_block: Ipv4Net,
    /// The name of its availability zone.
    pub availability_zone: String,
    /// Whether what is launched in it gets a public address.
    pub map_public_ip_on_launch: bool,
    /// The table that holds for it; none when it follows the VPC's main table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_table: Option<Ref<RouteTable>>,
    /// The id of its association with the table. AWS invents it; it is not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association: Option<String>,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the subnet.
    #[serde(rename = "ec2:CreateSubnet")]
    Create {
        vpc: String,
        cidr_block: Ipv4Net,
        availability_zone: String,
        tags: Tags,
    },
    /// Says whether what is launched in it gets a public address.
    #[serde(rename = "ec2:ModifySubnetAttribute")]
    MapPublicIp { subnet: String, value: bool },
    /// Gives a subnet that has none a route table.
    #[serde(rename = "ec2:AssociateRouteTable")]
    Associate { subnet: String, table: String },
    /// Puts another table in the place of the one it has.
    #[serde(rename = "ec2:ReplaceRouteTableAssociation")]
    Reassociate { association: String, table: String },
    /// Takes the table from it.
    #[serde(rename = "ec2:DisassociateRouteTable")]
    Disassociate { association: String },
    /// Restores tags.
    #[serde(rename = "ec2:CreateTags")]
    Tag { id: String, tags: Tags },
    /// Removes the subnet.
    #[serde(rename = "ec2:DeleteSubnet")]
    Delete { id: String },
}

impl Kind for Subnet {
    const NAME: &'static str = "Subnet";
    const FIELDS: &'static [Field] = &[
        Field::replace("vpc"),
        Field::replace("cidrBlock"),
        Field::replace("availabilityZone").harmless().distinct(),
        Field::in_place("mapPublicIpOnLaunch").critical(),
        Field::in_place("routeTable").critical(),
    ];
    const IDENTITY: Identity = Identity::Tags;
    const PERMISSIONS: &'static [&'static str] = &[
        "ec2:AssociateRouteTable",
        "ec2:CreateSubnet",
        "ec2:CreateTags",
        "ec2:DeleteSubnet",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSubnets",
        "ec2:DisassociateRouteTable",
        "ec2:ModifySubnetAttribute",
        "ec2:ReplaceRouteTableAssociation",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        let subnet = new.id();
        let create = Call::Create {
            vpc: new.attributes.vpc.clone().into(),
            cidr_block: new.attributes.cidr_block,
            availability_zone: new.attributes.availability_zone.clone(),
            tags: new.tags.clone(),
        };
        let public = new.attributes.map_public_ip_on_launch.then(|| Call::MapPublicIp {
            subnet: subnet.clone(),
            value: true,
        });
        let table = new.attributes.route_table.clone().map(|table| Call::Associate {
            subnet: subnet.clone(),
            table: table.into(),
        });
        [Some(create), public, table].into_iter().flatten().collect()
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let mut calls = Vec::new();
        if changed.has("routeTable") {
            let association = current.attributes.association.clone();
            let table = desired.route_table.clone().map(String::from);
            calls.extend(match (association, table) {
                (Some(association), Some(table)) => Some(Call::Reassociate { association, table }),
                (None, Some(table)) => Some(Call::Associate {
                    subnet: current.id.clone(),
                    table,
                }),
                (Some(association), None) => Some(Call::Disassociate { association }),
                (None, None) => None,
            });
        }
        calls.extend(changed.has("mapPublicIpOnLaunch").then(|| Call::MapPublicIp {
            subnet: current.id.clone(),
            value: desired.map_public_ip_on_launch,
        }));
        Todo::now(calls)
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            id: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        Todo::now(vec![Call::Delete { id: current.id.clone() }])
    }
}

#[cfg(feature = "aws")]
mod live {
    use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, RouteTable, SubnetState};

    use super::{Attributes, Call, Subnet};
    use crate::aws::{Aws, ec2_specification};
    use crate::engine::{Failure, Live, Observed, Reader, Sent};
    use crate::kinds::shared::{ec2, holders};
    use crate::model::{Holder, Owner, Ref};
    use crate::plan::Phase;

    impl Live for Subnet {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let (subnets, tables) = futures::try_join!(ec2::subnets(reader), ec2::route_tables(reader))?;
            let tagged = subnets.iter().map(|subnet| (subnet, ec2::tags(reader, subnet.subnet_id(), subnet.tags())));
            let observed = tagged.filter(|(_, tags)| reader.is_ours(tags)).map(|(subnet, tags)| {
                let id = subnet.subnet_id().unwrap_or_default();
                let (association, table) = association(&tables, id).unzip();
                let attributes = Attributes {
                    vpc: Ref::known(subnet.vpc_id().unwrap_or_default()),
                    cidr_block: subnet.cidr_block().unwrap_or_default().parse().unwrap_or_default(),
                    availability_zone: subnet.availability_zone().unwrap_or_default().to_owned(),
                    map_public_ip_on_launch: subnet.map_public_ip_on_launch().unwrap_or(false),
                    route_table: table.map(Ref::known),
                    association,
                };
                let phase = match subnet.state() {
                    Some(SubnetState::Pending) => Phase::Busy("AWS is making it".to_owned()),
                    _ => Phase::Ready,
                };
                let state = subnet.state().map_or("", |state| state.as_str());
                Observed::new(id, tags, attributes).state(state, phase)
            });
            Ok(observed.collect())
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            match call {
                Call::Create {
                    vpc,
                    cidr_block,
                    availability_zone,
                    tags,
                } => {
                    let request = aws.ec2.create_subnet().vpc_id(vpc).cidr_block(cidr_block.to_string());
                    let request = request.availability_zone(availability_zone);
                    let request = request.tag_specifications(ec2_specification(ResourceType::Subnet, &tags));
                    let request = request.customize().config_override(ec2::never_twice());
                    let subnet = aws.call("ec2:CreateSubnet", request.send()).await?.subnet;
                    Ok(Sent::made(subnet.and_then(|subnet| subnet.subnet_id).unwrap_or_default()))
                }
                Call::MapPublicIp { subnet, value } => {
                    let value = AttributeBooleanValue::builder().value(value).build();
                    let request = aws.ec2.modify_subnet_attribute().subnet_id(subnet);
                    let request = request.map_public_ip_on_launch(value);
                    aws.call("ec2:ModifySubnetAttribute", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::Associate { subnet, table } => {
                    let request = aws.ec2.associate_route_table().subnet_id(subnet).route_table_id(table);
                    aws.call("ec2:AssociateRouteTable", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::Reassociate { association, table } => {
                    let request = aws.ec2.replace_route_table_association();
                    let request = request.association_id(association).route_table_id(table);
                    aws.call("ec2:ReplaceRouteTableAssociation", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::Disassociate { association } => ec2::disassociate_route_table(aws, association).await,
                Call::Tag { id, tags } => ec2::create_tags(aws, &id, &tags).await,
                Call::Delete { id } => {
                    aws.call("ec2:DeleteSubnet", aws.ec2.delete_subnet().subnet_id(id).send()).await?;
                    Ok(Sent::done())
                }
            }
        }

        async fn holders(reader: &Reader<'_>, _: &Owner, id: &str) -> Result<Vec<Holder>, Failure> {
            holders::interfaces(reader, "subnet-id", id).await
        }
    }

    /// The association of `subnet` and its table, by id.
    fn association(tables: &[RouteTable], subnet: &str) -> Option<(String, String)> {
        let mut associations = tables.iter().flat_map(RouteTable::associations);
        let found = associations.find(|association| association.subnet_id() == Some(subnet))?;
        Some((found.route_table_association_id()?.to_owned(), found.route_table_id()?.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Change, Effect, Severity};

    fn subnet(table: Option<&str>, association: Option<&str>) -> Attributes {
        Attributes {
            vpc: Ref::known("vpc-1"),
            cidr_block: "10.2.1.0/24".parse().expect("a block"),
            availability_zone: "us-east-1a".to_owned(),
            map_public_ip_on_launch: false,
            route_table: table.map(Ref::known),
            association: association.map(str::to_owned),
        }
    }

    #[test]
    fn another_table_is_associated_by_the_call_that_fits() {
        let replaced = Call::Reassociate {
            association: "rtbassoc-1".to_owned(),
            table: "rtb-1".to_owned(),
        };
        let associated = Call::Associate {
            subnet: "subnet-1".to_owned(),
            table: "rtb-1".to_owned(),
        };
        let cases = [
            (Some("rtb-2"), Some("rtbassoc-1"), replaced),
            (None, None, associated),
        ];
        let change = Change {
            field: "routeTable".to_owned(),
            before: serde_json::Value::Null,
            after: serde_json::Value::Null,
            effect: Effect::InPlace,
            severity: Severity::Critical,
        };
        for (table, association, call) in cases {
            let current = Current {
                id: "subnet-1".to_owned(),
                state: String::new(),
                attributes: subnet(table, association),
                tags: Tags::default(),
            };
            let todo = Subnet::update(&current, &subnet(Some("rtb-1"), None), &Changed(std::slice::from_ref(&change)));
            assert_eq!(todo.now, [call]);
        }
    }
}
