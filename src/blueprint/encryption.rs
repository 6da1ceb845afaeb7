//! Keys, and who may do what with them.
//!
//! No policy names a role as a principal: AWS refuses one that does not exist yet, and turns one that is deleted into a
//! dead id. They speak to the account, and hold for the roles that a condition names.
//! <https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html>

use std::collections::{BTreeMap, BTreeSet};

use super::{Builder, Project};
use crate::api::VolumeKey;
use crate::kinds::{Handle, KmsKey, Vpc, kms_key};
use crate::policy::{Document, Principal, Statement, global};

/// What may be done with a key by whoever administers keys in the account: everything but using it, and but letting
/// others use it.
const MANAGEMENT: [&str; 21] = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
];

/// Use.
const USE: [&str; 5] = [
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncrypt*",
];

/// Every way to encrypt and decrypt with a key of this kind: what is denied.
const CRYPTOGRAPHY: [&str; 4] = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"];

pub(super) fn draw(project: &Project, builder: &mut Builder) {
    let notebooks = || project.spec.notebooks.iter().map(|notebook| notebook.name.as_str());
    let users = notebooks().map(|name| project.notebook_role_arn(name));
    let policy = |users: Vec<String>, services: Vec<Statement>| policy(project, &users, services);
    let data = policy(users.collect(), vec![logs(project)]);
    add(project, builder, "project", &project.named("kms-cmk"), "Data", data);
    if project.spec.encryption.notebook_volume_key == VolumeKey::PerNotebook {
        for notebook in notebooks() {
            let name = project.named_for("kms-cmk", notebook);
            // Its volume works through a grant for whoever starts it. Nobody else has anything to do with the key.
            let volume = policy(Vec::new(), Vec::new());
            add(
                project,
                builder,
                &format!("notebook-{notebook}"),
                &name,
                "Notebook volume",
                volume,
            );
        }
    }
    builder.output("kmsKeyArn", Handle::<KmsKey>::new("project").arn());
}

fn add(project: &Project, builder: &mut Builder, node: &str, name: &str, what: &str, policy: Document) {
    let attributes = kms_key::Attributes {
        aliases: BTreeSet::from([format!("{}{name}", kms_key::ALIAS)]),
        description: format!("{what} of {}", project.suffix()),
        policy,
        rotation_days: Some(project.spec.encryption.rotation_period_days),
        state: kms_key::State::Enabled,
        grants: BTreeMap::new(),
        moved: false,
    };
    builder.add::<KmsKey>(node, name, &attributes);
}

/// The policy of a key of the project that `users`, by the ARNs of their roles, work with.
///
/// The account can manage the key through IAM: without that nobody could. It cannot use the key, nor let anybody use
/// it: no IAM policy, not even `AdministratorAccess`, reaches further than the key's own policy.
fn policy(project: &Project, users: &[String], services: Vec<Statement>) -> Document {
    // Whoever makes or starts a notebook or a job: people, AWS Service Catalog, the controller, and jobs themselves.
    let people = [project.admin_role(), project.user_role(), project.launch_role()];
    let granting = people
        .map(|role| project.role_arn(&role))
        .into_iter()
        .chain(users.iter().cloned());
    let account = || Principal::Aws(project.iam_arn("root"));
    let manage = Statement::allow("AccountManages")
        .principal(account())
        .actions(MANAGEMENT)
        .anywhere();
    let use_it = Statement::allow("ProjectUses")
        .principal(account())
        .actions(USE)
        .anywhere()
        .given(global::PRINCIPAL_ARN.is(users));
    // Volumes of notebooks, jobs and endpoints work through grants, which SageMaker makes for its caller.
    let grant = Statement::allow("ServicesAreGranted")
        .principal(account())
        .actions(["kms:CreateGrant"])
        .anywhere()
        .given(global::PRINCIPAL_ARN.like(granting.chain(project.controller())))
        .given(global::GRANT_IS_FOR_AWS.is_true());
    // What is left unsaid above, said for whatever is added to it or granted.
    let no_grant = Statement::deny("NobodyElseIsGranted")
        .principal(Principal::Anyone)
        .actions(["kms:CreateGrant"])
        .anywhere()
        .given(global::GRANT_IS_FOR_AWS.is_not_true());
    let administrators = Statement::deny("AdministratorsNeverUse")
        .principal(Principal::Anyone)
        .actions(CRYPTOGRAPHY)
        .anywhere()
        .given(global::PRINCIPAL_ARN.is([project.role_arn(&project.admin_role())]));
    // What an AWS service asks for on behalf of a role comes from the service's own network.
    let inside = Statement::deny("OnlyFromInside")
        .principal(Principal::Anyone)
        .actions(CRYPTOGRAPHY)
        .anywhere()
        .given(global::PRINCIPAL_ARN.is(users))
        .given(global::SOURCE_VPC.is_not([String::from(Handle::<Vpc>::new("main").id())]))
        .given(global::VIA_AWS_SERVICE.is_not_true());
    let own = [manage, grant, no_grant, administrators];
    // Without notebooks there is nobody who uses the key.
    let used = [use_it, inside].into_iter().filter(|_| !users.is_empty());
    Document::new(own.into_iter().chain(used).chain(services))
}

/// CloudWatch Logs encrypts the project's log group, and nothing else.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html>
fn logs(project: &Project) -> Statement {
    let group = project.arn("logs", &format!("log-group:{}", project.flow_log_group()));
    let service = format!("logs.{}.amazonaws.com", project.account.region);
    Statement::allow("LogsAreEncrypted")
        .principal(Principal::Service(service))
        .actions(USE)
        .anywhere()
        .given(global::LOG_GROUP_CONTEXT.is([group]))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::api::{EnvironmentType, SecureMLProjectSpec};
    use crate::blueprint::{draw, tests::project};

    fn statements(key: &str) -> Vec<Value> {
        let spec = SecureMLProjectSpec {
            environment_type: EnvironmentType::Dev,
            ..SecureMLProjectSpec::default()
        };
        let blueprint = draw(&project(spec));
        let node = blueprint.nodes.values().find(|node| node.key.to_string() == key);
        let policy = &node.expect("the key").attributes["policy"]["Statement"];
        policy.as_array().cloned().unwrap_or_default()
    }

    #[test]
    fn the_account_manages_and_never_uses() {
        for statement in statements("KmsKey/project") {
            let actions = statement["Action"].to_string();
            if statement["Sid"] == "AccountManages" {
                assert!(
                    !actions.contains("crypt") && !actions.contains("CreateGrant"),
                    "{actions}"
                );
            } else {
                assert!(statement["Condition"].is_object(), "{statement} holds for everybody");
            }
        }
    }

    #[test]
    fn no_principal_has_to_exist() {
        for statement in statements("KmsKey/project") {
            let principal = statement["Principal"].to_string();
            assert!(!principal.contains(":role/"), "{principal}");
        }
    }
}
