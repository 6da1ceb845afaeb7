use anyhow::Result;
use futures::FutureExt;

use super::network::free_group;
use super::{GONE, Tamper, Target};

pub const TAMPERS: &[Tamper] = &[
    Tamper {
        kind: "SecurityGroup",
        field: "tags",
        act: |target| super::untag(target).boxed(),
    },
    Tamper {
        kind: "SecurityGroup",
        field: GONE,
        act: |target| gone(target).boxed(),
    },
];

async fn gone(target: &Target<'_>) -> Result<()> {
    free_group(&target.aws.ec2, &target.object.id).await?;
    target
        .aws
        .ec2
        .delete_security_group()
        .group_id(&target.object.id)
        .send()
        .await?;
    Ok(())
}
