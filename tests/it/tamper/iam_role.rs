use anyhow::Result;
use aws_sdk_iam::Client;
use futures::FutureExt;

use super::{GONE, Tamper};

macro_rules! ways {
    ($($field:expr => $act:ident;)*) => {
        pub const TAMPERS: &[Tamper] = &[$(Tamper {
            kind: "IamRole",
            field: $field,
            act: |target| $act(&target.aws.iam, &target.object.id).boxed(),
        }),*];
    };
}

ways! {
    "description" => description;
    "trust" => trust;
    "boundary" => boundary;
    "inline" => inline;
    "attached" => attached;
    "maxSessionSeconds" => session;
    "instanceProfiles" => profile;
    "tags" => tags;
    GONE => gone;
}

const ANYTHING: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
const ANYBODY: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}]}"#;

async fn description(iam: &Client, role: &str) -> Result<()> {
    iam.update_role().role_name(role).description("ours").send().await?;
    Ok(())
}

async fn trust(iam: &Client, role: &str) -> Result<()> {
    let request = iam.update_assume_role_policy().role_name(role);
    request.policy_document(ANYBODY).send().await?;
    Ok(())
}

async fn boundary(iam: &Client, role: &str) -> Result<()> {
    iam.delete_role_permissions_boundary().role_name(role).send().await?;
    Ok(())
}

/// One policy of ours is changed and one of another's put beside it.
async fn inline(iam: &Client, role: &str) -> Result<()> {
    for policy in ["work", "foreign"] {
        let request = iam.put_role_policy().role_name(role).policy_name(policy);
        request.policy_document(ANYTHING).send().await?;
    }
    Ok(())
}

/// As `AdministratorAccess` would be, which the emulator does not have.
async fn attached(iam: &Client, role: &str) -> Result<()> {
    let request = iam.create_policy().policy_name(format!("anything-for-{role}"));
    let made = request.policy_document(ANYTHING).send().await?;
    let request = iam.attach_role_policy().role_name(role);
    let request = request.set_policy_arn(made.policy.and_then(|policy| policy.arn));
    request.send().await?;
    Ok(())
}

async fn session(iam: &Client, role: &str) -> Result<()> {
    iam.update_role()
        .role_name(role)
        .max_session_duration(43_200)
        .send()
        .await?;
    Ok(())
}

async fn profile(iam: &Client, role: &str) -> Result<()> {
    let name = format!("profile-of-{role}");
    iam.create_instance_profile()
        .instance_profile_name(&name)
        .send()
        .await?;
    let request = iam.add_role_to_instance_profile().instance_profile_name(name);
    request.role_name(role).send().await?;
    Ok(())
}

async fn tags(iam: &Client, role: &str) -> Result<()> {
    iam.untag_role().role_name(role).tag_keys("ProjectName").send().await?;
    Ok(())
}

async fn gone(iam: &Client, role: &str) -> Result<()> {
    let policies = iam.list_role_policies().role_name(role).send().await?;
    for policy in policies.policy_names() {
        iam.delete_role_policy()
            .role_name(role)
            .policy_name(policy)
            .send()
            .await?;
    }
    iam.delete_role().role_name(role).send().await?;
    Ok(())
}
