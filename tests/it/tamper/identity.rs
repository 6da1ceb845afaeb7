//! Takes the tags off a resource that tell whose it is and what it is.

use anyhow::Result;
use aws_sdk_s3::types::{Tag, Tagging};
use aws_sdk_ssm::types::ResourceTypeForTagging;
use futures::FutureExt;
use secureml::model::{NODE_TAG, OWNER_TAG};

use super::{Tamper, Target};

const MARKS: [&str; 2] = [OWNER_TAG, NODE_TAG];

macro_rules! ways {
    ($($kind:literal => $act:ident;)*) => {
        pub const TAMPERS: &[Tamper] = &[$(Tamper {
            kind: $kind,
            field: "tags",
            act: |target| $act(target).boxed(),
        }),*];
    };
}

ways! {
    "Bucket" => bucket;
    "FlowLog" => ec2;
    "IamPolicy" => policy;
    "IamRole" => role;
    "KmsKey" => key;
    "LifecycleConfig" => sagemaker;
    "LogGroup" => logs;
    "Notebook" => sagemaker;
    "Parameter" => parameter;
    "ResourceGroup" => group;
    "RouteTable" => ec2;
    "SecurityGroup" => ec2;
    "Subnet" => ec2;
    "Vpc" => ec2;
    "VpcEndpoint" => ec2;
}

fn marks() -> Option<Vec<String>> {
    Some(MARKS.map(str::to_owned).to_vec())
}

fn arn<'a>(target: &'a Target<'_>) -> &'a str {
    &target.object.outputs["arn"]
}

async fn ec2(target: &Target<'_>) -> Result<()> {
    let tags = MARKS.map(|key| aws_sdk_ec2::types::Tag::builder().key(key).build());
    let request = target.aws.ec2.delete_tags().resources(&target.object.id);
    request.set_tags(Some(tags.to_vec())).send().await?;
    Ok(())
}

async fn bucket(target: &Target<'_>) -> Result<()> {
    let stays = target.object.tags.iter().filter(|(key, _)| !MARKS.contains(key));
    let tags = stays.map(|(key, value)| Tag::builder().key(key).value(value).build());
    let tagging = Tagging::builder()
        .set_tag_set(Some(tags.collect::<Result<_, _>>()?))
        .build()?;
    let request = target.aws.s3.put_bucket_tagging().bucket(&target.object.id);
    request.tagging(tagging).send().await?;
    Ok(())
}

async fn policy(target: &Target<'_>) -> Result<()> {
    let request = target.aws.iam.untag_policy().policy_arn(arn(target));
    request.set_tag_keys(marks()).send().await?;
    Ok(())
}

async fn role(target: &Target<'_>) -> Result<()> {
    let request = target.aws.iam.untag_role().role_name(&target.object.id);
    request.set_tag_keys(marks()).send().await?;
    Ok(())
}

async fn key(target: &Target<'_>) -> Result<()> {
    let request = target.aws.kms.untag_resource().key_id(&target.object.id);
    request.set_tag_keys(marks()).send().await?;
    Ok(())
}

async fn sagemaker(target: &Target<'_>) -> Result<()> {
    let request = target.aws.sagemaker.delete_tags().resource_arn(arn(target));
    request.set_tag_keys(marks()).send().await?;
    Ok(())
}

async fn logs(target: &Target<'_>) -> Result<()> {
    let request = target.aws.logs.untag_resource().resource_arn(arn(target));
    request.set_tag_keys(marks()).send().await?;
    Ok(())
}

async fn parameter(target: &Target<'_>) -> Result<()> {
    let request = target.aws.ssm.remove_tags_from_resource();
    let request = request.resource_type(ResourceTypeForTagging::Parameter);
    let request = request.resource_id(&target.object.id).set_tag_keys(marks());
    request.send().await?;
    Ok(())
}

async fn group(target: &Target<'_>) -> Result<()> {
    let request = target.aws.resource_groups.untag().arn(arn(target));
    request.set_keys(marks()).send().await?;
    Ok(())
}
