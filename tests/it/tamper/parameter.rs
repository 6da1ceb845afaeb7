use anyhow::Result;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{ParameterType, ResourceTypeForTagging, Tag};
use futures::FutureExt;
use secureml::plan::Object;

use super::{GONE, Tamper};

macro_rules! ways {
    ($($field:expr => $act:ident;)*) => {
        pub const TAMPERS: &[Tamper] = &[$(Tamper {
            kind: "Parameter",
            field: $field,
            act: |target| $act(&target.aws.ssm, target.object).boxed(),
        }),*];
    };
}

ways! {
    "value" => value;
    "description" => description;
    "tags" => tags;
    GONE => gone;
}

async fn value(ssm: &Client, parameter: &Object) -> Result<()> {
    write(ssm, parameter, "elsewhere", text(parameter, "description")).await
}

async fn description(ssm: &Client, parameter: &Object) -> Result<()> {
    write(ssm, parameter, text(parameter, "value"), "something else").await
}

async fn write(ssm: &Client, parameter: &Object, value: &str, description: &str) -> Result<()> {
    let request = ssm.put_parameter().name(&parameter.id).overwrite(true);
    let request = request.r#type(ParameterType::String).value(value);
    request.description(description).send().await?;
    Ok(())
}

fn text<'a>(parameter: &'a Object, field: &str) -> &'a str {
    parameter.attributes[field].as_str().unwrap_or_default()
}

async fn tags(ssm: &Client, parameter: &Object) -> Result<()> {
    let tag = Tag::builder().key("EnvironmentType").value("other").build()?;
    let request = ssm
        .add_tags_to_resource()
        .resource_type(ResourceTypeForTagging::Parameter);
    request.resource_id(&parameter.id).tags(tag).send().await?;
    Ok(())
}

async fn gone(ssm: &Client, parameter: &Object) -> Result<()> {
    ssm.delete_parameter().name(&parameter.id).send().await?;
    Ok(())
}
