use anyhow::{Context, Result};
use aws_sdk_ec2::types::{IpPermission, SecurityGroup};
use futures::FutureExt;

use super::network::{anyone, revoke};
use super::{Tamper, Target};

/// The rules are there as long as their group is: that they are gone is a difference of a field.
pub const TAMPERS: &[Tamper] = &[
    Tamper {
        kind: "SecurityGroupRules",
        field: "ingress",
        act: |target| more_ingress(target).boxed(),
    },
    Tamper {
        kind: "SecurityGroupRules",
        field: "ingress",
        act: |target| no_ingress(target).boxed(),
    },
    Tamper {
        kind: "SecurityGroupRules",
        field: "ingress",
        act: |target| other_words(target).boxed(),
    },
    Tamper {
        kind: "SecurityGroupRules",
        field: "egress",
        act: |target| more_egress(target).boxed(),
    },
    Tamper {
        kind: "SecurityGroupRules",
        field: "egress",
        act: |target| other_words_out(target).boxed(),
    },
];

async fn group(target: &Target<'_>) -> Result<SecurityGroup> {
    let id = target.object.attributes["group"].as_str().unwrap_or_default();
    let found = target.aws.ec2.describe_security_groups().group_ids(id).send().await?;
    found
        .security_groups
        .and_then(|mut groups| groups.pop())
        .context("no such group")
}

async fn more_ingress(target: &Target<'_>) -> Result<()> {
    let request = target.aws.ec2.authorize_security_group_ingress();
    let request = request.set_group_id(group(target).await?.group_id);
    request.ip_permissions(anyone("tcp", 22)).send().await?;
    Ok(())
}

async fn more_egress(target: &Target<'_>) -> Result<()> {
    let request = target.aws.ec2.authorize_security_group_egress();
    let request = request.set_group_id(group(target).await?.group_id);
    request.ip_permissions(anyone("-1", -1)).send().await?;
    Ok(())
}

async fn no_ingress(target: &Target<'_>) -> Result<()> {
    let mut group = group(target).await?;
    group.ip_permissions_egress = None;
    revoke(&target.aws.ec2, &group, |_| true).await
}

async fn other_words(target: &Target<'_>) -> Result<()> {
    let group = group(target).await?;
    let changed = reworded(group.ip_permissions())?;
    let request = target.aws.ec2.update_security_group_rule_descriptions_ingress();
    request
        .set_group_id(group.group_id)
        .ip_permissions(changed)
        .send()
        .await?;
    Ok(())
}

async fn other_words_out(target: &Target<'_>) -> Result<()> {
    let group = group(target).await?;
    let changed = reworded(group.ip_permissions_egress())?;
    let request = target.aws.ec2.update_security_group_rule_descriptions_egress();
    request
        .set_group_id(group.group_id)
        .ip_permissions(changed)
        .send()
        .await?;
    Ok(())
}

/// The first of the permissions that name a group, with another description.
fn reworded(permissions: &[IpPermission]) -> Result<IpPermission> {
    let naming = permissions
        .iter()
        .find(|permission| !permission.user_id_group_pairs().is_empty());
    let mut changed = naming.context("no rule")?.clone();
    for pair in changed.user_id_group_pairs.iter_mut().flatten() {
        pair.description = Some("another reason".to_owned());
    }
    Ok(changed)
}
