//! The ways out of a network, made on the rig one by one: `secureml reach` names each with its hops.

mod endpoints;
mod scene;

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use aws_sdk_ec2::types::{AttributeBooleanValue, DomainType, GatewayType, RuleAction};
use secureml::kinds::permissions;
use secureml::reach::{Destination, Direction, Hop, Obstacle, PERMISSIONS};
use secureml_rig::Rig;

use self::scene::{MINIMAL, Scene};
use crate::tamper::network::internet_gateway;

fn is_internet(destination: &Destination) -> bool {
    *destination == Destination::Internet
}

#[tokio::test]
async fn an_environment_as_declared_has_no_way_out_and_reading_needs_what_is_declared() -> Result<()> {
    let scene = Scene::new().await?;
    let mark = scene.rig.proxy.mark();
    scene.is_closed().await?;
    let calls = scene.rig.proxy.calls_since(mark);
    assert_eq!(calls.writes().len(), 0);
    let needed: BTreeSet<String> = calls
        .counts()
        .into_keys()
        .map(|call| permissions::action(&call).to_owned())
        .collect();
    let declared: BTreeSet<String> = PERMISSIONS.iter().map(|action| (*action).to_owned()).collect();
    // Who may connect to endpoint services is asked only where one leads into a project.
    let rare = BTreeSet::from(["ec2:DescribeVpcEndpointServicePermissions".to_owned()]);
    assert_eq!(needed, &declared - &rare);
    let text = scene.rig.secureml(&["reach", "-f", MINIMAL]).await?;
    let text = String::from_utf8(text.stdout)?;
    assert!(text.starts_with("Nothing in default/default/churn (vpc-"), "{text}");
    Ok(())
}

#[tokio::test]
async fn what_does_not_exist_is_an_error_and_not_a_closed_network() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    let refused = rig.secureml(&["reach", "-f", MINIMAL]).await?;
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr)?;
    assert!(
        said.contains("no VPC of the account and region belongs to default/default/churn"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn the_internet_one_obstacle_after_the_other() -> Result<()> {
    let scene = Scene::new().await?;
    let gateway = internet_gateway(&scene.ec2, &scene.vpc).await?;
    scene.is_closed().await?;
    let request = scene
        .ec2
        .create_route()
        .route_table_id(&scene.table)
        .gateway_id(&gateway);
    request.destination_cidr_block("0.0.0.0/0").send().await?;

    // No group lets anything out into the internet, and nothing has a public address.
    let closed = scene.path(is_internet).await?;
    let [
        Obstacle::SecurityGroups {
            ids,
            direction: Direction::Egress,
        },
        Obstacle::NoPublicAddress { subnet },
    ] = &closed.blocked_by[..]
    else {
        anyhow::bail!("{closed:#?}");
    };
    assert!(ids.contains(&scene.group) && *subnet == scene.subnet, "{closed:#?}");
    let way = [
        scene.through("0.0.0.0/0", &gateway),
        Hop::Gateway { id: gateway.clone() },
    ];
    assert!(closed.hops.ends_with(&way), "{closed:#?}");

    scene.open_group().await?;
    let near = scene.path(is_internet).await?;
    assert_eq!(
        near.blocked_by,
        [Obstacle::NoPublicAddress {
            subnet: scene.subnet.clone()
        }]
    );
    let let_out = |hop: &Hop| matches!(hop, Hop::SecurityGroup { id, .. } if *id == scene.group);
    assert!(near.hops.iter().any(let_out), "{near:#?}");

    let request = scene.ec2.modify_subnet_attribute().subnet_id(&scene.subnet);
    let on = AttributeBooleanValue::builder().value(true).build();
    request.map_public_ip_on_launch(on).send().await?;
    let open = scene.path(is_internet).await?;
    assert!(open.is_open(), "{open:#?}");
    let entry = |hop: &Hop| matches!(hop, Hop::NetworkAcl { id, number: 100, .. } if *id == scene.acl);
    assert!(open.hops.iter().any(entry), "{open:#?}");

    // A network ACL closes it again.
    let request = scene
        .ec2
        .create_network_acl_entry()
        .network_acl_id(&scene.acl)
        .rule_number(1)
        .egress(true);
    let request = request
        .protocol("-1")
        .rule_action(RuleAction::Deny)
        .cidr_block("0.0.0.0/0");
    request.send().await?;
    let closed = scene.path(is_internet).await?;
    let by_acl = Obstacle::NetworkAcl {
        id: scene.acl.clone(),
        direction: Direction::Egress,
    };
    assert_eq!(closed.blocked_by, [by_acl]);

    // What is one rule away is told, and is not called closed.
    let text = scene.rig.secureml(&["reach", "-f", MINIMAL]).await?;
    assert_eq!(text.status.code(), Some(2));
    let text = String::from_utf8(text.stdout)?;
    assert!(
        text.contains(&format!("~ {} would reach the internet", scene.subnet)),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn another_vpc_by_peering_and_by_transit_gateway() -> Result<()> {
    let scene = Scene::new().await?;
    let (neighbour, far_subnet) = scene.neighbour().await?;
    let ec2 = &scene.ec2;
    let request = ec2
        .create_vpc_peering_connection()
        .vpc_id(&scene.vpc)
        .peer_vpc_id(&neighbour);
    let peering = request.send().await?.vpc_peering_connection;
    let peering = peering
        .and_then(|one| one.vpc_peering_connection_id)
        .context("no peering")?;
    ec2.accept_vpc_peering_connection()
        .vpc_peering_connection_id(&peering)
        .send()
        .await?;
    scene.is_closed().await?;
    let request = ec2
        .create_route()
        .route_table_id(&scene.table)
        .destination_cidr_block("10.9.0.0/16");
    request.vpc_peering_connection_id(&peering).send().await?;
    let is_neighbour =
        |destination: &Destination| matches!(destination, Destination::Vpc { id, .. } if *id == neighbour);
    let closed = scene.path(is_neighbour).await?;
    assert!(
        matches!(closed.blocked_by[..], [Obstacle::SecurityGroups { .. }]),
        "{closed:#?}"
    );
    scene.open_group().await?;
    let open = scene.path(is_neighbour).await?;
    let way = [
        scene.through("10.9.0.0/16", &peering),
        Hop::Peering { id: peering.clone() },
    ];
    assert!(open.is_open() && open.hops.ends_with(&way), "{open:#?}");
    scene.delete_route("10.9.0.0/16").await?;
    scene.is_closed().await?;

    let gateway = ec2.create_transit_gateway().send().await?.transit_gateway;
    let gateway = gateway
        .and_then(|gateway| gateway.transit_gateway_id)
        .context("no gateway")?;
    let attach = async |vpc: &str, subnet: &str| -> Result<String> {
        let request = ec2.create_transit_gateway_vpc_attachment().transit_gateway_id(&gateway);
        let made = request
            .vpc_id(vpc)
            .subnet_ids(subnet)
            .send()
            .await?
            .transit_gateway_vpc_attachment;
        made.and_then(|one| one.transit_gateway_attachment_id)
            .context("no attachment")
    };
    let attachment = attach(&scene.vpc, &scene.subnet).await?;
    let request = ec2
        .create_route()
        .route_table_id(&scene.table)
        .destination_cidr_block("10.0.0.0/8");
    request.transit_gateway_id(&gateway).send().await?;
    let anywhere = scene.path(|destination| *destination == Destination::Unknown).await?;
    let hop = Hop::TransitGateway {
        id: gateway.clone(),
        attachment,
    };
    let way = [scene.through("10.0.0.0/8", &gateway), hop];
    assert!(anywhere.is_open() && anywhere.hops.ends_with(&way), "{anywhere:#?}");
    attach(&neighbour, &far_subnet).await?;
    let named = scene.path(is_neighbour).await?;
    assert!(named.is_open() && named.hops.ends_with(&way), "{named:#?}");
    Ok(())
}

#[tokio::test]
async fn somebodys_public_subnet_with_a_nat_gateway() -> Result<()> {
    let scene = Scene::new().await?;
    let ec2 = &scene.ec2;
    scene.open_group().await?;

    let gateway = internet_gateway(ec2, &scene.vpc).await?;
    let request = ec2.create_subnet().vpc_id(&scene.vpc).cidr_block("10.2.200.0/24");
    let public = request
        .send()
        .await?
        .subnet
        .and_then(|subnet| subnet.subnet_id)
        .context("no subnet")?;
    let table = ec2.create_route_table().vpc_id(&scene.vpc).send().await?.route_table;
    let table = table.and_then(|table| table.route_table_id).context("no table")?;
    ec2.associate_route_table()
        .route_table_id(&table)
        .subnet_id(&public)
        .send()
        .await?;
    let request = ec2
        .create_route()
        .route_table_id(&table)
        .destination_cidr_block("0.0.0.0/0");
    request.gateway_id(&gateway).send().await?;
    let address = ec2
        .allocate_address()
        .domain(DomainType::Vpc)
        .send()
        .await?
        .allocation_id;
    let request = ec2.create_nat_gateway().subnet_id(&public).set_allocation_id(address);
    let nat = request
        .send()
        .await?
        .nat_gateway
        .and_then(|nat| nat.nat_gateway_id)
        .context("no NAT")?;
    let request = ec2
        .create_route()
        .route_table_id(&scene.table)
        .destination_cidr_block("0.0.0.0/0");
    request.nat_gateway_id(&nat).send().await?;
    let open = scene.path(is_internet).await?;
    let far = Hop::Route {
        table,
        destination: "0.0.0.0/0".to_owned(),
        target: gateway.clone(),
    };
    assert!(
        open.is_open() && open.hops.contains(&scene.through("0.0.0.0/0", &nat)),
        "{open:#?}"
    );
    assert!(
        open.hops.contains(&Hop::NatGateway { id: nat }) && open.hops.contains(&far),
        "{open:#?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_vpn_and_version_6() -> Result<()> {
    let scene = Scene::new().await?;
    let ec2 = &scene.ec2;
    scene.open_group().await?;
    let vpn = ec2
        .create_vpn_gateway()
        .r#type(GatewayType::Ipsec1)
        .send()
        .await?
        .vpn_gateway;
    let vpn = vpn.and_then(|vpn| vpn.vpn_gateway_id).context("no VPN gateway")?;
    ec2.attach_vpn_gateway()
        .vpc_id(&scene.vpc)
        .vpn_gateway_id(&vpn)
        .send()
        .await?;
    let request = ec2
        .create_route()
        .route_table_id(&scene.table)
        .destination_cidr_block("172.20.0.0/16");
    request.gateway_id(&vpn).send().await?;
    let open = scene
        .path(|destination| *destination == Destination::OnPremises)
        .await?;
    let way = [scene.through("172.20.0.0/16", &vpn), Hop::Gateway { id: vpn.clone() }];
    assert!(open.is_open() && open.hops.ends_with(&way), "{open:#?}");
    scene.delete_route("172.20.0.0/16").await?;

    // Version 6, which the project's subnets do not have.
    let made = ec2
        .create_egress_only_internet_gateway()
        .vpc_id(&scene.vpc)
        .send()
        .await?;
    let gateway = made
        .egress_only_internet_gateway
        .and_then(|gateway| gateway.egress_only_internet_gateway_id);
    let gateway = gateway.context("no gateway")?;
    let request = ec2
        .create_route()
        .route_table_id(&scene.table)
        .destination_ipv6_cidr_block("::/0");
    request.egress_only_internet_gateway_id(&gateway).send().await?;
    let closed = scene.path(is_internet).await?;
    let missing = Obstacle::NoIpv6Address {
        subnet: scene.subnet.clone(),
    };
    assert!(closed.blocked_by.contains(&missing), "{closed:#?}");
    let way = [scene.through("::/0", &gateway), Hop::Gateway { id: gateway.clone() }];
    assert!(closed.hops.ends_with(&way), "{closed:#?}");
    Ok(())
}
