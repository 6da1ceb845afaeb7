//! Clears away what tampering put beside the project, as its owners would: the product leaves it alone, and a VPC is not
//! deleted while it holds something of somebody else.

use anyhow::{Context, Result};
use secureml::aws::Aws;
use secureml::plan::Object;

use super::census::{Census, beyond, census};
use crate::environment::Objects;

/// Removes what is neither the project's, which has `objects`, nor was there before, with `bystanders`.
pub async fn tidy(aws: &Aws, objects: &Objects, bystanders: &Census) -> Result<()> {
    let mut left = beyond(&census(aws).await?, bystanders);
    for ids in left.values_mut() {
        let is = |object: &Object, id: &str| object.id == id || object.outputs.values().any(|known| known == id);
        ids.retain(|id| !objects.values().any(|object| is(object, id)));
    }
    let of = |what: &str| left.get(what).cloned().unwrap_or_default();
    let endpoints = of("VPC endpoints");
    if !endpoints.is_empty() {
        let request = aws.ec2.delete_vpc_endpoints();
        request
            .set_vpc_endpoint_ids(Some(endpoints.into_iter().collect()))
            .send()
            .await?;
    }
    for subnet in of("subnets") {
        aws.ec2.delete_subnet().subnet_id(subnet).send().await?;
    }
    for table in of("route tables") {
        // The main table of the VPC is nobody's: it goes with it.
        aws.ec2.delete_route_table().route_table_id(table).send().await.ok();
    }
    for group in of("security groups") {
        // So does its default group.
        aws.ec2.delete_security_group().group_id(group).send().await.ok();
    }
    for arn in of("IAM policies") {
        let held = aws.iam.list_entities_for_policy().policy_arn(&arn).send().await?;
        for role in held.policy_roles().iter().filter_map(|role| role.role_name()) {
            aws.iam
                .detach_role_policy()
                .role_name(role)
                .policy_arn(&arn)
                .send()
                .await?;
        }
        let deleted = aws.iam.delete_policy().policy_arn(&arn).send().await;
        deleted.with_context(|| arn.clone())?;
    }
    for role in of("roles") {
        aws.iam.delete_role().role_name(role).send().await?;
    }
    Ok(())
}
