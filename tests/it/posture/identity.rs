use anyhow::{Context, Result};
use aws_sdk_iam::operation::list_policies::ListPoliciesOutput;
use aws_sdk_iam::types::PolicyScopeType;
use futures::FutureExt;
use secureml::aws::Aws;
use serde_json::Value;

use super::{Control, FOREIGN, Spoil, Verdict, allows, listed, statements};

/// What lets somebody read what is encrypted.
const DECRYPTING: [&str; 2] = ["kms:Decrypt", "kms:ReEncryptFrom"];

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "IAM.1",
        asks: "no policy allows everything",
        read: |aws| managed(aws, |one| !(all_of(one, "Action", "*") && all_of(one, "Resource", "*"))).boxed(),
        spoil: Spoil::Beside(|aws| put(aws, "*").boxed()),
    },
    Control {
        id: "IAM.21",
        asks: "no policy allows all actions of a service",
        read: |aws| {
            managed(aws, |one| {
                !listed(one, "Action").iter().any(|action| action.ends_with(":*"))
            })
            .boxed()
        },
        spoil: Spoil::Beside(|aws| put(aws, "s3:*").boxed()),
    },
    Control {
        id: "KMS.1",
        asks: "no managed policy lets anybody decrypt with every key",
        read: |aws| managed(aws, |one| !decrypts_all(one)).boxed(),
        spoil: Spoil::Beside(|aws| put(aws, "kms:Decrypt").boxed()),
    },
    Control {
        id: "KMS.2",
        asks: "no inline policy lets anybody decrypt with every key",
        read: |aws| inline(aws, |one| !decrypts_all(one)).boxed(),
        spoil: Spoil::Beside(|aws| put_inline(aws).boxed()),
    },
];

fn all_of(statement: &Value, name: &str, wanted: &str) -> bool {
    listed(statement, name).iter().any(|text| text == wanted)
}

/// Whether an allowing statement is about decrypting, in whatever words, with every key.
fn decrypts_all(statement: &Value) -> bool {
    let named = |pattern: &String| {
        let start = pattern.split('*').next().unwrap_or_default().to_lowercase();
        let mut decrypting = DECRYPTING.iter().map(|action| action.to_lowercase());
        decrypting
            .any(|action| *pattern.to_lowercase() == action || (pattern.contains('*') && action.starts_with(&start)))
    };
    let every = |resource: &String| resource == "*" || (resource.contains(":kms:") && resource.ends_with(":key/*"));
    listed(statement, "Action").iter().any(named) && listed(statement, "Resource").iter().any(every)
}

/// The policies that somebody made.
async fn local(aws: &Aws) -> Result<ListPoliciesOutput> {
    Ok(aws.iam.list_policies().scope(PolicyScopeType::Local).send().await?)
}

/// Those, in the version that holds.
async fn managed(aws: &Aws, passes: fn(&Value) -> bool) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for policy in local(aws).await?.policies() {
        let request = aws
            .iam
            .get_policy_version()
            .policy_arn(policy.arn().unwrap_or_default());
        let answer = request
            .version_id(policy.default_version_id().unwrap_or_default())
            .send()
            .await?;
        let document = answer
            .policy_version()
            .and_then(|version| version.document())
            .context("a document")?;
        verdict.note(policy.policy_name().unwrap_or_default(), passing(document, passes)?);
    }
    Ok(verdict)
}

/// The policies in roles.
async fn inline(aws: &Aws, passes: fn(&Value) -> bool) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for role in aws.iam.list_roles().send().await?.roles() {
        let role = role.role_name();
        for name in aws
            .iam
            .list_role_policies()
            .role_name(role)
            .send()
            .await?
            .policy_names()
        {
            let answer = aws
                .iam
                .get_role_policy()
                .role_name(role)
                .policy_name(name)
                .send()
                .await?;
            verdict.note(&format!("{role}/{name}"), passing(answer.policy_document(), passes)?);
        }
    }
    Ok(verdict)
}

/// Whether every allowing statement of `document`, which IAM answers percent-encoded, passes.
fn passing(document: &str, passes: fn(&Value) -> bool) -> Result<bool> {
    let text = percent_encoding::percent_decode_str(document).decode_utf8()?;
    Ok(statements(&text)?
        .iter()
        .filter(|statement| allows(statement))
        .all(passes))
}

fn allowing(action: &str) -> String {
    let statement = serde_json::json!({"Effect": "Allow", "Action": action, "Resource": "*"});
    serde_json::json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// A policy of somebody's that allows `action` on everything.
async fn put(aws: &Aws, action: &str) -> Result<()> {
    aws.iam
        .create_policy()
        .policy_name(FOREIGN)
        .policy_document(allowing(action))
        .send()
        .await?;
    Ok(())
}

/// A role of somebody's that may decrypt everything.
async fn put_inline(aws: &Aws) -> Result<()> {
    let principal = serde_json::json!({"Service": "ec2.amazonaws.com"});
    let trust = serde_json::json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal});
    let trust = serde_json::json!({"Version": "2012-10-17", "Statement": [trust]}).to_string();
    aws.iam
        .create_role()
        .role_name(FOREIGN)
        .assume_role_policy_document(trust)
        .send()
        .await?;
    let request = aws.iam.put_role_policy().role_name(FOREIGN).policy_name(FOREIGN);
    request.policy_document(allowing("kms:*")).send().await?;
    Ok(())
}

/// Removes those.
pub(super) async fn clear(aws: &Aws) -> Result<()> {
    for policy in local(aws).await?.policies() {
        if policy.policy_name() == Some(FOREIGN) {
            aws.iam
                .delete_policy()
                .policy_arn(policy.arn().unwrap_or_default())
                .send()
                .await?;
        }
    }
    if aws.iam.get_role().role_name(FOREIGN).send().await.is_ok() {
        aws.iam
            .delete_role_policy()
            .role_name(FOREIGN)
            .policy_name(FOREIGN)
            .send()
            .await?;
        aws.iam.delete_role().role_name(FOREIGN).send().await?;
    }
    Ok(())
}
