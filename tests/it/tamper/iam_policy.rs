use anyhow::{Context, Result};
use futures::FutureExt;

use super::{GONE, Tamper, Target};

pub const TAMPERS: &[Tamper] = &[
    Tamper {
        kind: "IamPolicy",
        field: "document",
        act: |target| document(target).boxed(),
    },
    Tamper {
        kind: "IamPolicy",
        field: "tags",
        act: |target| tags(target).boxed(),
    },
    Tamper {
        kind: "IamPolicy",
        field: GONE,
        act: |target| gone(target).boxed(),
    },
];

const ANYTHING: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;

/// As often as IAM keeps versions: the correction has to make room.
async fn document(target: &Target<'_>) -> Result<()> {
    for _ in 0..4 {
        let request = target.aws.iam.create_policy_version().policy_arn(arn(target)?);
        request.policy_document(ANYTHING).set_as_default(true).send().await?;
    }
    Ok(())
}

async fn tags(target: &Target<'_>) -> Result<()> {
    let request = target.aws.iam.untag_policy().policy_arn(arn(target)?);
    request.tag_keys("ProjectName").send().await?;
    Ok(())
}

/// It must be nobody's boundary any more.
async fn gone(target: &Target<'_>) -> Result<()> {
    let iam = &target.aws.iam;
    let arn = arn(target)?;
    for role in target.others.values().filter(|object| object.kind == "IamRole") {
        if role.attributes["boundary"] == arn {
            iam.delete_role_permissions_boundary()
                .role_name(&role.id)
                .send()
                .await?;
        }
    }
    let versions = iam.list_policy_versions().policy_arn(arn).send().await?;
    for version in versions
        .versions()
        .iter()
        .filter(|version| !version.is_default_version())
    {
        let request = iam.delete_policy_version().policy_arn(arn);
        request.set_version_id(version.version_id.clone()).send().await?;
    }
    iam.delete_policy().policy_arn(arn).send().await?;
    Ok(())
}

fn arn<'a>(target: &Target<'a>) -> Result<&'a str> {
    target.object.outputs.get("arn").map(String::as_str).context("an ARN")
}
