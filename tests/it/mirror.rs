//! A package index of the platform's own, behind an endpoint service, for manifests that name one.

use anyhow::{Context, Result};
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum;
use secureml::aws::Aws;
use secureml_rig::{REGION, Rig};

use crate::world::load_balancers;

/// What manifests call its endpoint service, which has another name on every AWS.
const IN_MANIFESTS: &str = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";

/// Makes one; the name of its endpoint service.
pub async fn mirror(rig: &Rig, aws: &Aws) -> Result<String> {
    let vpc = aws.ec2.create_vpc().cidr_block("10.9.0.0/16").send().await?.vpc;
    let vpc = vpc.and_then(|vpc| vpc.vpc_id).context("no VPC")?;
    let request = aws.ec2.create_subnet().vpc_id(vpc).cidr_block("10.9.1.0/24");
    // Where the service is, the endpoint is.
    let request = request.availability_zone(format!("{REGION}a"));
    let subnet = request.send().await?.subnet.and_then(|subnet| subnet.subnet_id);
    let request = load_balancers(rig).create_load_balancer().name("mirror");
    let request = request.subnets(subnet.context("no subnet")?);
    let made = request.r#type(LoadBalancerTypeEnum::Network).send().await?;
    let balancer = made.load_balancers().first().and_then(|one| one.load_balancer_arn());
    let request = aws.ec2.create_vpc_endpoint_service_configuration();
    let request = request.network_load_balancer_arns(balancer.context("no load balancer")?);
    let service = request.acceptance_required(false).send().await?.service_configuration;
    service.and_then(|service| service.service_name).context("no service")
}

/// `manifest` with the mirror `service`, if it has one at all.
pub fn with_mirror(manifest: &str, service: &str) -> String {
    manifest.replace(IN_MANIFESTS, service)
}
