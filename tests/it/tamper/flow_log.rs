use anyhow::Result;
use futures::FutureExt;

use super::{GONE, Tamper, Target};

/// Nothing about a flow log can be changed.
pub const TAMPERS: &[Tamper] = &[
    Tamper {
        kind: "FlowLog",
        field: "tags",
        act: |target| super::untag(target).boxed(),
    },
    Tamper {
        kind: "FlowLog",
        field: GONE,
        act: |target| gone(target).boxed(),
    },
];

async fn gone(target: &Target<'_>) -> Result<()> {
    target
        .aws
        .ec2
        .delete_flow_logs()
        .flow_log_ids(&target.object.id)
        .send()
        .await?;
    Ok(())
}
