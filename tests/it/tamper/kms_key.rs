use anyhow::{Context, Result};
use aws_sdk_kms::Client;
use aws_sdk_kms::types::{GrantOperation, Tag};
use futures::FutureExt;
use secureml::plan::Object;

use super::{GONE, Tamper};

macro_rules! ways {
    ($($field:expr => $act:ident;)*) => {
        pub const TAMPERS: &[Tamper] = &[$(Tamper {
            kind: "KmsKey",
            field: $field,
            act: |target| $act(&target.aws.kms, target.object).boxed(),
        }),*];
    };
}

ways! {
    "aliases" => aliases;
    "description" => description;
    "policy" => policy;
    "rotationDays" => rotation;
    "state" => state;
    "grants" => grants;
    "tags" => tags;
    GONE => gone;
}

const ANYBODY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Principal": "*", "Resource": "*"}]}"#;

/// The key's name is given to another key, and the key gets one more.
async fn aliases(kms: &Client, key: &Object) -> Result<()> {
    let other = kms.create_key().send().await?.key_metadata.context("no key")?;
    let aliases = key.attributes["aliases"].as_array();
    let alias = aliases
        .and_then(|aliases| aliases.first()?.as_str())
        .context("no alias")?;
    kms.update_alias()
        .alias_name(alias)
        .target_key_id(other.key_id)
        .send()
        .await?;
    let another = format!("{alias}-another");
    kms.create_alias()
        .alias_name(another)
        .target_key_id(&key.id)
        .send()
        .await?;
    Ok(())
}

async fn description(kms: &Client, key: &Object) -> Result<()> {
    kms.update_key_description()
        .key_id(&key.id)
        .description("ours")
        .send()
        .await?;
    Ok(())
}

async fn policy(kms: &Client, key: &Object) -> Result<()> {
    kms.put_key_policy().key_id(&key.id).policy(ANYBODY).send().await?;
    Ok(())
}

async fn rotation(kms: &Client, key: &Object) -> Result<()> {
    kms.disable_key_rotation().key_id(&key.id).send().await?;
    Ok(())
}

async fn state(kms: &Client, key: &Object) -> Result<()> {
    kms.disable_key().key_id(&key.id).send().await?;
    Ok(())
}

async fn grants(kms: &Client, key: &Object) -> Result<()> {
    let request = kms.create_grant().key_id(&key.id).operations(GrantOperation::Decrypt);
    request
        .grantee_principal("arn:aws:iam::999999999999:root")
        .send()
        .await?;
    Ok(())
}

async fn tags(kms: &Client, key: &Object) -> Result<()> {
    let tag = Tag::builder().tag_key("EnvironmentType").tag_value("other").build()?;
    kms.tag_resource().key_id(&key.id).tags(tag).send().await?;
    Ok(())
}

/// As gone as a key can be made in a minute.
async fn gone(kms: &Client, key: &Object) -> Result<()> {
    kms.schedule_key_deletion()
        .key_id(&key.id)
        .pending_window_in_days(7)
        .send()
        .await?;
    Ok(())
}
