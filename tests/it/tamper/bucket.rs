use anyhow::Result;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, ObjectOwnership, OwnershipControls, OwnershipControlsRule, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    VersioningConfiguration,
};
use futures::FutureExt;

use super::{GONE, Tamper, Target};

macro_rules! ways {
    ($($field:expr => $act:ident;)*) => {
        pub const TAMPERS: &[Tamper] = &[$(Tamper {
            kind: "Bucket",
            field: $field,
            act: |target| $act(target, &target.aws.s3).boxed(),
        }),*];
    };
}

ways! {
    "policy" => policy;
    "encryption" => encryption;
    "versioning" => versioning;
    "publicAccessBlock" => public_access_block;
    "ownership" => ownership;
    "lifecycle" => lifecycle;
    "tags" => tags;
    GONE => gone;
}

async fn policy(target: &Target<'_>, s3: &Client) -> Result<()> {
    s3.delete_bucket_policy().bucket(&target.object.id).send().await?;
    Ok(())
}

async fn encryption(target: &Target<'_>, s3: &Client) -> Result<()> {
    let by_default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default.build()?);
    let configuration = ServerSideEncryptionConfiguration::builder().rules(rule.build());
    let request = s3.put_bucket_encryption().bucket(&target.object.id);
    request
        .server_side_encryption_configuration(configuration.build()?)
        .send()
        .await?;
    Ok(())
}

async fn versioning(target: &Target<'_>, s3: &Client) -> Result<()> {
    let suspended = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Suspended)
        .build();
    let request = s3.put_bucket_versioning().bucket(&target.object.id);
    request.versioning_configuration(suspended).send().await?;
    Ok(())
}

async fn public_access_block(target: &Target<'_>, s3: &Client) -> Result<()> {
    s3.delete_public_access_block().bucket(&target.object.id).send().await?;
    Ok(())
}

async fn ownership(target: &Target<'_>, s3: &Client) -> Result<()> {
    let rule = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::ObjectWriter)
        .build()?;
    let controls = OwnershipControls::builder().rules(rule).build()?;
    let request = s3.put_bucket_ownership_controls().bucket(&target.object.id);
    request.ownership_controls(controls).send().await?;
    Ok(())
}

/// Every object is to go tomorrow.
async fn lifecycle(target: &Target<'_>, s3: &Client) -> Result<()> {
    let rule = LifecycleRule::builder().id("tidy").status(ExpirationStatus::Enabled);
    let rule = rule.filter(LifecycleRuleFilter::builder().prefix("").build());
    let rule = rule.expiration(LifecycleExpiration::builder().days(1).build());
    let configuration = BucketLifecycleConfiguration::builder().rules(rule.build()?);
    let request = s3.put_bucket_lifecycle_configuration().bucket(&target.object.id);
    request.lifecycle_configuration(configuration.build()?).send().await?;
    Ok(())
}

/// S3 knows no change of one tag: all are written.
async fn tags(target: &Target<'_>, s3: &Client) -> Result<()> {
    let mut tagging = Tagging::builder();
    for (key, value) in target.object.tags.clone().with("EnvironmentType", "other").iter() {
        tagging = tagging.tag_set(Tag::builder().key(key).value(value).build()?);
    }
    let request = s3.put_bucket_tagging().bucket(&target.object.id);
    request.tagging(tagging.build()?).send().await?;
    Ok(())
}

async fn gone(target: &Target<'_>, s3: &Client) -> Result<()> {
    s3.delete_bucket().bucket(&target.object.id).send().await?;
    Ok(())
}
