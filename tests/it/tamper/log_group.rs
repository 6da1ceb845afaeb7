use anyhow::{Context, Result};
use aws_sdk_cloudwatchlogs::Client;
use futures::FutureExt;

use super::{GONE, Tamper};

macro_rules! ways {
    ($($field:expr => $act:ident;)*) => {
        pub const TAMPERS: &[Tamper] = &[$(Tamper {
            kind: "LogGroup",
            field: $field,
            act: |target| $act(&target.aws.logs, &target.object.id).boxed(),
        }),*];
    };
}

ways! {
    "retentionDays" => retention;
    "key" => key;
    "tags" => tags;
    GONE => gone;
}

async fn retention(logs: &Client, group: &str) -> Result<()> {
    logs.put_retention_policy()
        .log_group_name(group)
        .retention_in_days(1)
        .send()
        .await?;
    Ok(())
}

async fn key(logs: &Client, group: &str) -> Result<()> {
    logs.disassociate_kms_key().log_group_name(group).send().await?;
    Ok(())
}

async fn tags(logs: &Client, group: &str) -> Result<()> {
    let found = logs.describe_log_groups().log_group_name_prefix(group).send().await?;
    let arn = found
        .log_groups()
        .first()
        .and_then(|group| group.log_group_arn.clone().or_else(|| group.arn.clone()));
    let arn = arn.context("no such log group")?;
    let request = logs.tag_resource().resource_arn(arn.trim_end_matches(":*"));
    request.tags("EnvironmentType", "other").send().await?;
    Ok(())
}

async fn gone(logs: &Client, group: &str) -> Result<()> {
    logs.delete_log_group().log_group_name(group).send().await?;
    Ok(())
}
