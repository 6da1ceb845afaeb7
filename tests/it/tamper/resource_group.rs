use anyhow::{Context, Result};
use aws_sdk_resourcegroups::Client;
use aws_sdk_resourcegroups::types::{QueryType, ResourceQuery};
use futures::FutureExt;

use super::{GONE, Tamper, Target};

macro_rules! ways {
    ($($field:expr => $act:ident;)*) => {
        pub const TAMPERS: &[Tamper] = &[$(Tamper {
            kind: "ResourceGroup",
            field: $field,
            act: |target| $act(target, &target.aws.resource_groups).boxed(),
        }),*];
    };
}

ways! {
    "description" => description;
    "query" => query;
    "tags" => tags;
    GONE => gone;
}

const ANYTHING_OF_TEAM: &str =
    r#"{"ResourceTypeFilters": ["AWS::AllSupported"], "TagFilters": [{"Key": "Team", "Values": []}]}"#;

async fn description(target: &Target<'_>, groups: &Client) -> Result<()> {
    groups
        .update_group()
        .group(&target.object.id)
        .description("ours")
        .send()
        .await?;
    Ok(())
}

async fn query(target: &Target<'_>, groups: &Client) -> Result<()> {
    let query = ResourceQuery::builder()
        .r#type(QueryType::TagFilters10)
        .query(ANYTHING_OF_TEAM);
    let request = groups.update_group_query().group(&target.object.id);
    request.resource_query(query.build()?).send().await?;
    Ok(())
}

async fn tags(target: &Target<'_>, groups: &Client) -> Result<()> {
    let arn = target.object.outputs.get("arn").context("no ARN")?;
    groups.tag().arn(arn).tags("EnvironmentType", "other").send().await?;
    Ok(())
}

async fn gone(target: &Target<'_>, groups: &Client) -> Result<()> {
    groups.delete_group().group(&target.object.id).send().await?;
    Ok(())
}
