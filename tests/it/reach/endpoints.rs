use std::collections::BTreeSet;

use anyhow::{Context, Result};
use aws_sdk_ec2::types::Filter;
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum;
use secureml::reach::{Destination, Direction, Hop, Obstacle};

use super::scene::{Scene, everything, first};
use crate::world::load_balancers;

#[tokio::test]
async fn endpoints_of_strangers_and_services_for_strangers() -> Result<()> {
    let scene = Scene::new().await?;
    let ec2 = &scene.ec2;

    // Somebody's load balancer in the project's subnet, offered to others.
    let balancers = load_balancers(&scene.rig);
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
