//! The ways out of a network, made on the rig one by one: `secureml reach` names each with its hops.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, IpPermission, IpRange, RuleAction};
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum;
use secureml::kinds::permissions;
use secureml::reach::{Destination, Direction, Hop, Obstacle, PERMISSIONS, Path, Report};
use secureml_rig::Rig;

use crate::tamper::network::{filter, internet_gateway};
use crate::world;

const MINIMAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/minimal.yaml");

/// A project's network on AWS.
struct Scene {
    rig: Rig,
    ec2: Client,
    vpc: String,
    subnet: String,
    table: String,
    acl: String,
    group: String,
}

impl Scene {
    async fn new() -> Result<Self> {
        let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
        let applied = rig.secureml(&["apply", "-f", MINIMAL]).await?;
        ensure!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        let ec2 = world::ec2(&rig);
        let of = |node: &str| filter("tag:secureml.dev/node", node);
        let vpcs = ec2.describe_vpcs().filters(of("Vpc/main")).send().await?;
        let subnets = ec2.describe_subnets().filters(of("Subnet/a")).send().await?;
        let tables = ec2
            .describe_route_tables()
            .filters(of("RouteTable/private"))
            .send()
            .await?;
        let groups = ec2
            .describe_security_groups()
            .filters(of("SecurityGroup/sagemaker"))
            .send()
            .await?;
        let vpc = first(vpcs.vpcs(), |vpc| vpc.vpc_id())?;
        let acls = ec2
            .describe_network_acls()
            .filters(filter("vpc-id", &vpc))
            .send()
            .await?;
        Ok(Self {
            subnet: first(subnets.subnets(), |subnet| subnet.subnet_id())?,
            table: first(tables.route_tables(), |table| table.route_table_id())?,
            acl: first(acls.network_acls(), |acl| acl.network_acl_id())?,
            group: first(groups.security_groups(), |group| group.group_id())?,
            vpc,
            ec2,
            rig,
        })
    }

    /// What the command says of the project, and its exit code.
    async fn reach(&self) -> Result<(i32, Report)> {
        let said = self.rig.secureml(&["reach", "-f", MINIMAL, "--output", "json"]).await?;
        let report =
            serde_json::from_slice(&said.stdout).with_context(|| String::from_utf8_lossy(&said.stderr).into_owned())?;
        Ok((said.status.code().unwrap_or(-1), report))
    }

    /// The paths out of the first subnet to where `destination` says.
    async fn paths(&self, destination: impl Fn(&Destination) -> bool) -> Result<Vec<Path>> {
        let (code, report) = self.reach().await?;
        ensure!(code == if report.paths.is_empty() { 0 } else { 2 }, "exit code {code}");
        let here = |path: &Path| path.subnet == self.subnet && destination(&path.destination);
        Ok(report.paths.into_iter().filter(here).collect())
    }

    /// The only such path.
    async fn path(&self, destination: impl Fn(&Destination) -> bool) -> Result<Path> {
        match &self.paths(destination).await?[..] {
            [path] => Ok(path.clone()),
            paths => anyhow::bail!("not one path: {paths:#?}"),
        }
    }

    /// Nothing leads anywhere.
    async fn is_closed(&self) -> Result<()> {
        let (code, report) = self.reach().await?;
        ensure!(code == 0 && report.paths.is_empty(), "{code}: {:#?}", report.paths);
        Ok(())
    }

    /// Lets the project's notebooks and jobs send everything everywhere.
    async fn open_group(&self) -> Result<()> {
        let request = self.ec2.authorize_security_group_egress().group_id(&self.group);
        request.ip_permissions(everything()).send().await?;
        Ok(())
    }

    async fn delete_route(&self, destination: &str) -> Result<()> {
        let request = self.ec2.delete_route().route_table_id(&self.table);
        request.destination_cidr_block(destination).send().await?;
        Ok(())
    }

    /// A VPC of somebody else, and a subnet of it.
    async fn neighbour(&self) -> Result<(String, String)> {
        let made = self.ec2.create_vpc().cidr_block("10.9.0.0/16").send().await?.vpc;
        let vpc = made.and_then(|vpc| vpc.vpc_id).context("no VPC")?;
        let request = self.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.9.1.0/24");
        let subnet = request.send().await?.subnet;
        Ok((vpc, subnet.and_then(|subnet| subnet.subnet_id).context("no subnet")?))
    }

    fn through(&self, destination: &str, target: &str) -> Hop {
        Hop::Route {
            table: self.table.clone(),
            destination: destination.to_owned(),
            target: target.to_owned(),
        }
    }
}

fn first<'i, T>(items: &'i [T], id: impl Fn(&'i T) -> Option<&'i str>) -> Result<String> {
    items.first().and_then(id).map(str::to_owned).context("not there")
}

fn everything() -> IpPermission {
    let everywhere = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    IpPermission::builder().ip_protocol("-1").ip_ranges(everywhere).build()
}

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
async fn endpoints_of_strangers_and_services_for_strangers() -> Result<()> {
    let scene = Scene::new().await?;
    let ec2 = &scene.ec2;

    // Somebody's load balancer in the project's subnet, offered to others.
    let (config, url) = (
        aws_sdk_elasticloadbalancingv2::Config::builder(),
        scene.rig.emulator.url(),
    );
    let config = config
        .behavior_version(aws_sdk_ec2::config::BehaviorVersion::latest())
        .endpoint_url(url);
    let config = config.region(aws_sdk_ec2::config::Region::new(secureml_rig::REGION));
    let config = config.credentials_provider(aws_sdk_ec2::config::Credentials::new(
        "test", "test", None, None, "test",
    ));
    let config = config.http_client(aws_smithy_http_client::Builder::new().build_http());
    let balancers = aws_sdk_elasticloadbalancingv2::Client::from_conf(config.build());
    let request = balancers.create_load_balancer().name("leak").subnets(&scene.subnet);
    let made = request.r#type(LoadBalancerTypeEnum::Network).send().await?;
    let balancer = first(made.load_balancers(), |one| one.load_balancer_arn())?;
    scene.is_closed().await?;
    let request = ec2
        .create_vpc_endpoint_service_configuration()
        .network_load_balancer_arns(&balancer);
    let service = request.send().await?.service_configuration.context("no service")?;
    let service_id = service.service_id().unwrap_or_default();
    let principal = "arn:aws:iam::444455556666:root";
    let request = ec2.modify_vpc_endpoint_service_permissions().service_id(service_id);
    request.add_allowed_principals(principal).send().await?;
    let exposed = scene.path(|to| matches!(to, Destination::Consumers { .. })).await?;
    let principals = BTreeSet::from([principal.to_owned()]);
    assert_eq!(exposed.destination, Destination::Consumers { principals });
    let last = |hop: &Hop| matches!(hop, Hop::EndpointService { id, .. } if id == service_id);
    assert!(exposed.is_open() && exposed.hops.iter().any(last), "{exposed:#?}");
    ec2.delete_vpc_endpoint_service_configurations()
        .service_ids(service_id)
        .send()
        .await?;
    scene.is_closed().await?;

    // Somebody's endpoint of somebody's service: first nobody may enter it.
    let request = ec2
        .create_vpc_endpoint_service_configuration()
        .network_load_balancer_arns(&balancer);
    let service = request.send().await?.service_configuration.context("no service")?;
    let service = service.service_name().unwrap_or_default().to_owned();
    let permission = ec2
        .create_security_group()
        .vpc_id(&scene.vpc)
        .group_name("theirs")
        .description("theirs");
    let group = permission.send().await?.group_id.context("no group")?;
    let request = ec2
        .create_vpc_endpoint()
        .vpc_id(&scene.vpc)
        .service_name(&service)
        .subnet_ids(&scene.subnet);
    let request = request.vpc_endpoint_type(aws_sdk_ec2::types::VpcEndpointType::Interface);
    let endpoint = request
        .security_group_ids(&group)
        .send()
        .await?
        .vpc_endpoint
        .context("no endpoint")?;
    let endpoint = endpoint.vpc_endpoint_id().unwrap_or_default();
    let is_theirs = |to: &Destination| matches!(to, Destination::EndpointService { service: of } if *of == service);
    let closed = scene.path(is_theirs).await?;
    let [
        Obstacle::SecurityGroups {
            ids,
            direction: Direction::Ingress,
        },
    ] = &closed.blocked_by[..]
    else {
        anyhow::bail!("{closed:#?}");
    };
    assert_eq!(*ids, BTreeSet::from([group.clone()]));
    let request = ec2.authorize_security_group_ingress().group_id(&group);
    request.ip_permissions(everything()).send().await?;
    let open = scene.path(is_theirs).await?;
    let last = |hop: &Hop| matches!(hop, Hop::Endpoint { id, .. } if id == endpoint);
    assert!(open.is_open() && open.hops.iter().any(last), "{open:#?}");
    Ok(())
}

#[tokio::test]
async fn an_endpoint_of_ours_that_serves_anybody() -> Result<()> {
    let scene = Scene::new().await?;
    let of = Filter::builder()
        .name("tag:secureml.dev/node")
        .values("VpcEndpoint/s3")
        .build();
    let found = scene.ec2.describe_vpc_endpoints().filters(of).send().await?;
    let endpoint = first(found.vpc_endpoints(), |endpoint| endpoint.vpc_endpoint_id())?;
    let request = scene.ec2.modify_vpc_endpoint().vpc_endpoint_id(&endpoint);
    request.reset_policy(true).send().await?;
    let open = scene.path(|to| matches!(to, Destination::AwsService { .. })).await?;
    let last = |hop: &Hop| matches!(hop, Hop::Endpoint { id, .. } if *id == endpoint);
    assert!(open.is_open() && open.hops.iter().any(last), "{open:#?}");
    Ok(())
}
