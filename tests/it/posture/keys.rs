use anyhow::{Context, Result};
use aws_sdk_kms::types::{KeyManagerType, KeyMetadata, KeyState};
use futures::FutureExt;
use secureml::aws::Aws;

use super::{Control, Spoil, Verdict, allows, listed, statements};
use crate::tamper::GONE;

const KEY: &str = "KmsKey/project";
/// Conditions that bound a statement for everybody to known callers.
const BOUNDING: [&str; 4] = [
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:SourceAccount",
    "kms:CallerAccount",
];

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "KMS.3",
        asks: "keys are not about to be deleted",
        read: |aws| each(aws, staying).boxed(),
        spoil: Spoil::Field(KEY, GONE),
    },
    Control {
        id: "KMS.4",
        asks: "keys are rotated",
        read: |aws| each(aws, rotated).boxed(),
        spoil: Spoil::Field(KEY, "rotationDays"),
    },
    Control {
        id: "KMS.5",
        asks: "keys are not open to everybody",
        read: |aws| each(aws, private).boxed(),
        spoil: Spoil::Field(KEY, "policy"),
    },
];

/// The customer's keys; those of AWS are AWS's.
async fn each(aws: &Aws, passes: impl AsyncFn(&Aws, &KeyMetadata) -> Result<bool>) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for key in aws.kms.list_keys().send().await?.keys() {
        let id = key.key_id().unwrap_or_default();
        let answer = aws.kms.describe_key().key_id(id).send().await?;
        let key = answer.key_metadata().context("a key")?;
        if key.key_manager() != Some(&KeyManagerType::Aws) {
            verdict.note(id, passes(aws, key).await?);
        }
    }
    Ok(verdict)
}

async fn staying(_: &Aws, key: &KeyMetadata) -> Result<bool> {
    Ok(key.key_state() != Some(&KeyState::PendingDeletion))
}

async fn rotated(aws: &Aws, key: &KeyMetadata) -> Result<bool> {
    let answer = aws.kms.get_key_rotation_status().key_id(key.key_id()).send().await?;
    Ok(answer.key_rotation_enabled())
}

async fn private(aws: &Aws, key: &KeyMetadata) -> Result<bool> {
    let answer = aws
        .kms
        .get_key_policy()
        .key_id(key.key_id())
        .policy_name("default")
        .send()
        .await?;
    let open = statements(answer.policy().unwrap_or_default())?
        .into_iter()
        .any(|statement| {
            let everybody = listed(&statement, "Principal") == ["*"] || listed(&statement["Principal"], "AWS") == ["*"];
            let operators = statement["Condition"].as_object().into_iter().flatten();
            let mut keys = operators
                .filter_map(|(_, keys)| keys.as_object())
                .flat_map(|keys| keys.keys());
            allows(&statement) && everybody && !keys.any(|key| BOUNDING.contains(&key.as_str()))
        });
    Ok(!open)
}
