//! Amazon VPC route table: where traffic of the project's subnets may go, which is nowhere but the VPC itself and
//! the services that the project's own gateway endpoints lead to.
//!
//! AWS invents the id; `CreateRouteTable` takes a client token. Every route that is neither local nor of an endpoint
//! of the same owner is foreign, and so are gateways that propagate routes and associations with what is not a
//! subnet of the owner: they are removed, what they lead to is left alone.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html>

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::shared::routes::{Remedy, Route, Routes};
use super::{Changed, Current, Field, Identity, Kind, New, Vpc};
use crate::model::{Ref, Tags};
use crate::plan::Todo;

/// The kind.
pub struct RouteTable;

/// What a route table is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// The network it is for.
    pub vpc: Ref<Vpc>,
    /// Routes that lead out of it.
    pub routes: Routes,
    /// Virtual private gateways that may add routes to it.
    pub propagation: BTreeSet<String>,
    /// What is associated with it and is no subnet of the project.
    pub strangers: BTreeSet<Stranger>,
    /// That somebody made it the VPC's main table, where another can be that.
    pub main: Option<Main>,
    /// It is the main table, since AWS's own was deleted, and goes with its VPC. Not compared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub goes_with_vpc: bool,
}

/// The association that makes a table the main one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Main {
    /// Its id.
    pub association: String,
    /// The id of a table that can be the main one instead.
    pub instead: String,
}

/// An association with something that is not the project's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stranger {
    /// The id of the subnet or gateway.
    pub target: String,
    /// The id of the association.
    pub association: String,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the table.
    #[serde(rename = "ec2:CreateRouteTable")]
    Create { vpc: String, tags: Tags, token: String },
    /// Removes a route.
    #[serde(rename = "ec2:DeleteRoute")]
    DeleteRoute { table: String, destination: String },
    /// Leads the local route back into the VPC.
    #[serde(rename = "ec2:ReplaceRoute")]
    RestoreLocal { table: String, destination: String },
    /// Takes the table from a foreign gateway endpoint.
    #[serde(rename = "ec2:ModifyVpcEndpoint")]
    LeaveEndpoint { endpoint: String, table: String },
    /// Keeps a gateway from adding routes.
    #[serde(rename = "ec2:DisableVgwRoutePropagation")]
    StopPropagation { table: String, gateway: String },
    /// Takes the table from what is not the project's.
    #[serde(rename = "ec2:DisassociateRouteTable")]
    Disassociate { association: String },
    /// Makes another table the main one.
    #[serde(rename = "ec2:ReplaceRouteTableAssociation")]
    Yield { association: String, table: String },
    /// Restores tags.
    #[serde(rename = "ec2:CreateTags")]
    Tag { id: String, tags: Tags },
    /// Removes the table.
    #[serde(rename = "ec2:DeleteRouteTable")]
    Delete { id: String },
}

impl Kind for RouteTable {
    const NAME: &'static str = "RouteTable";
    const FIELDS: &'static [Field] = &[
        Field::replace("vpc"),
        Field::in_place("routes").critical(),
        Field::in_place("propagation").critical(),
        Field::in_place("strangers").critical(),
        Field::in_place("main"),
    ];
    const IDENTITY: Identity = Identity::Tags;
    const PERMISSIONS: &'static [&'static str] = &[
        "ec2:CreateRouteTable",
        "ec2:CreateTags",
        "ec2:DeleteRoute",
        "ec2:DeleteRouteTable",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "ec2:DisableVgwRoutePropagation",
        "ec2:DisassociateRouteTable",
        "ec2:ModifyVpcEndpoint",
        "ec2:ReplaceRoute",
        "ec2:ReplaceRouteTableAssociation",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        vec![Call::Create {
            vpc: new.attributes.vpc.clone().into(),
            tags: new.tags.clone(),
            token: new.token(),
        }]
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let (table, attributes) = (&current.id, &current.attributes);
        let mut calls = Vec::new();
        // Propagation first: a gateway that propagates would bring its routes back.
        if changed.has("propagation") {
            let gateways = attributes.propagation.difference(&desired.propagation);
            calls.extend(gateways.map(|gateway| Call::StopPropagation {
                table: table.clone(),
                gateway: gateway.clone(),
            }));
        }
        if changed.has("routes") {
            let routes = attributes.routes.difference(&desired.routes);
            calls.extend(routes.map(|route| close(table, route)));
        }
        if changed.has("strangers") {
            calls.extend(attributes.strangers.difference(&desired.strangers).map(disassociate));
        }
        calls.extend(attributes.main.as_ref().map(give_way));
        Todo::now(calls)
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            id: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        let Attributes { strangers, main, goes_with_vpc, .. } = &current.attributes;
        let mut calls: Vec<Call> = strangers.iter().map(disassociate).collect();
        calls.extend(main.as_ref().map(give_way));
        calls.extend((!goes_with_vpc).then(|| Call::Delete { id: current.id.clone() }));
        Todo::now(calls)
    }
}

fn close(table: &str, route: &Route) -> Call {
    let (table, destination) = (table.to_owned(), route.destination.clone());
    match route.remedy() {
        Remedy::Delete => Call::DeleteRoute { table, destination },
        Remedy::RestoreLocal => Call::RestoreLocal { table, destination },
        Remedy::LeaveEndpoint => Call::LeaveEndpoint {
            endpoint: route.target.clone(),
            table,
        },
    }
}

fn give_way(main: &Main) -> Call {
    Call::Yield {
        association: main.association.clone(),
        table: main.instead.clone(),
    }
}

fn disassociate(stranger: &Stranger) -> Call {
    Call::Disassociate {
        association: stranger.association.clone(),
    }
}

#[cfg(feature = "aws")]
mod live {
    use std::collections::BTreeSet;

    use aws_sdk_ec2::types::{self, ResourceType, Subnet};

    use super::{Attributes, Call, Main, RouteTable, Stranger};
    use crate::aws::{Aws, ec2_specification, ec2_tags};
    use crate::engine::{Failure, Live, Observed, Reader, Sent};
    use crate::kinds::{self, Kind};
    use crate::kinds::shared::{ec2, holders, routes};
    use crate::model::{Holder, Owner, Ref};

    impl Live for RouteTable {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let (tables, subnets, endpoints) = futures::try_join!(
                ec2::route_tables(reader),
                ec2::subnets(reader),
                ec2::endpoint_owners(reader),
            )?;
            let tagged = tables.iter().map(|table| (table, ec2::tags(reader, table.route_table_id(), table.tags())));
            let observed = tagged.filter(|(_, tags)| reader.is_ours(tags)).map(|(table, tags)| {
                let owner = tags.owner();
                let main = main_association(table).map(|association| (association, another(table, &tables)));
                let gateways = table.propagating_vgws().iter().filter_map(|vgw| vgw.gateway_id());
                let attributes = Attributes {
                    vpc: Ref::known(table.vpc_id().unwrap_or_default()),
                    routes: routes::foreign(table, |target| match endpoints.get(target) {
                        Some(of) => of.is_some() && *of == owner,
                        // Just made: one list shows it and the other not yet.
                        None => target.starts_with("vpce-"),
                    }),
                    propagation: gateways.map(str::to_owned).collect(),
                    strangers: strangers(reader, table, &subnets, owner.as_ref()),
                    goes_with_vpc: matches!(main, Some((_, None))),
                    main: main.and_then(|(association, instead)| {
                        let (association, instead) = (association.to_owned(), instead?.to_owned());
                        Some(Main { association, instead })
                    }),
                };
                Observed::new(table.route_table_id().unwrap_or_default(), tags, attributes)
            });
            Ok(observed.collect())
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            match call {
                Call::Create { vpc, tags, token } => {
                    let request = aws.ec2.create_route_table().vpc_id(vpc).client_token(token);
                    let request = request.tag_specifications(ec2_specification(ResourceType::RouteTable, &tags));
                    let table = aws.call("ec2:CreateRouteTable", request.send()).await?.route_table;
                    Ok(Sent::made(table.and_then(|table| table.route_table_id).unwrap_or_default()))
                }
                Call::DeleteRoute { table, destination } => routes::delete(aws, table, destination).await,
                Call::RestoreLocal { table, destination } => routes::restore_local(aws, table, destination).await,
                Call::LeaveEndpoint { endpoint, table } => routes::leave_endpoint(aws, endpoint, table).await,
                Call::StopPropagation { table, gateway } => {
                    let request = aws.ec2.disable_vgw_route_propagation();
                    let request = request.route_table_id(table).gateway_id(gateway);
                    aws.call("ec2:DisableVgwRoutePropagation", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::Disassociate { association } => ec2::disassociate_route_table(aws, association).await,
                Call::Yield { association, table } => {
                    let request = aws.ec2.replace_route_table_association();
                    let request = request.association_id(association).route_table_id(table);
                    aws.call("ec2:ReplaceRouteTableAssociation", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::Tag { id, tags } => ec2::create_tags(aws, &id, &tags).await,
                Call::Delete { id } => {
                    aws.call("ec2:DeleteRouteTable", aws.ec2.delete_route_table().route_table_id(id).send()).await?;
                    Ok(Sent::done())
                }
            }
        }

        async fn holders(reader: &Reader<'_>, _: &Owner, id: &str) -> Result<Vec<Holder>, Failure> {
            holders::of_table(reader, id).await
        }
    }

    fn main_association(table: &types::RouteTable) -> Option<&str> {
        let mut associations = table.associations().iter();
        let main = associations.find(|association| association.main().unwrap_or(false));
        main?.route_table_association_id()
    }

    /// Another table of the VPC of `table`.
    fn another<'a>(table: &types::RouteTable, tables: &'a [types::RouteTable]) -> Option<&'a str> {
        let other = |other: &&types::RouteTable| {
            other.vpc_id() == table.vpc_id() && other.route_table_id() != table.route_table_id()
        };
        tables.iter().find(other)?.route_table_id()
    }

    /// What `table` is associated with, save subnets of its own owner and those that no list shows yet. That it is
    /// the main table is not an association that can be taken away.
    fn strangers(
        reader: &Reader<'_>,
        table: &types::RouteTable,
        subnets: &[Subnet],
        owner: Option<&Owner>,
    ) -> BTreeSet<Stranger> {
        let is_strange = |id: &str| {
            let mut subnets = subnets.iter();
            let subnet = subnets.find(|subnet| subnet.subnet_id() == Some(id));
            let tags = |subnet: &Subnet| reader.recognised_as(kinds::Subnet::NAME, id, ec2_tags(subnet.tags()));
            subnet.is_some_and(|subnet| tags(subnet).owner().as_ref() != owner)
        };
        let associations = table
            .associations()
            .iter()
            .filter(|association| !association.main().unwrap_or(false));
        let strangers = associations.filter_map(|association| {
            let subnet = association.subnet_id().filter(|id| is_strange(id));
            let target = subnet.or(association.gateway_id())?;
            Some(Stranger {
                target: target.to_owned(),
                association: association
                    .route_table_association_id()
                    .unwrap_or_default()
                    .to_owned(),
            })
        });
        strangers.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current(main: Option<Main>, goes_with_vpc: bool) -> Current<Attributes> {
        Current {
            id: "rtb-1".to_owned(),
            state: String::new(),
            attributes: Attributes {
                vpc: Ref::known("vpc-1"),
                routes: Routes::new(),
                propagation: BTreeSet::new(),
                strangers: BTreeSet::new(),
                main,
                goes_with_vpc,
            },
            tags: Tags::default(),
        }
    }

    #[test]
    fn a_main_table_gives_way_before_it_goes_or_goes_with_its_network() {
        let (association, table) = ("rtbassoc-1".to_owned(), "rtb-2".to_owned());
        let main = Main {
            association: association.clone(),
            instead: table.clone(),
        };
        let delete = Call::Delete { id: "rtb-1".to_owned() };
        assert_eq!(RouteTable::delete(&current(Some(main), false)).now, [Call::Yield { association, table }, delete]);
        assert_eq!(RouteTable::delete(&current(None, true)).now, []);
    }
}
