//! Who may take which role.

use super::ground::Ground;
use crate::blueprint::{Invalid, Project};
use crate::policy::{Document, Principal, Statement, global};

const TAKE: [&str; 1] = ["sts:AssumeRole"];

/// An AWS service, on behalf of this account only: not of another that names our role.
pub(super) fn service(ground: &Ground<'_>, service: &str) -> Statement {
    Statement::allow("Service")
        .principal(Principal::Service(service.to_owned()))
        .actions(TAKE)
        .given(global::SOURCE_ACCOUNT.is([&ground.account().id]))
}

/// Each of `people`, or everybody whom IAM allows to.
///
/// The person stays known behind the role: the session is called as the IAM user is, or as the session is called
/// that takes the role, which an identity provider names after the person. What that says about the person is worth
/// as much as the naming of those sessions: a role whose users may choose the name does not belong into `people`.
///
/// People are named in a condition and not as principals: one who is deleted would otherwise turn into a dead id.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_rolesessionname>
pub(super) fn people(ground: &Ground<'_>, people: &[String]) -> Document {
    let mut accounts: Vec<&str> = people.iter().filter_map(|arn| arn.split(':').nth(4)).collect();
    if accounts.is_empty() {
        accounts.push(&ground.account().id);
    }
    let partition = &ground.account().partition;
    let roots: Vec<String> = accounts
        .iter()
        .map(|id| format!("arn:{partition}:iam::{id}:root"))
        .collect();
    let take = |sid: &str| {
        let statement = Statement::allow(sid).aws_principals(roots.iter()).actions(TAKE);
        if people.is_empty() {
            statement
        } else {
            statement.given(global::PRINCIPAL_ARN.like(people))
        }
    };
    Document::new([
        take("User").given(global::SESSION_NAME.is(["${aws:username}"])),
        take("Session").given(global::USER_ID.like(["*:${sts:RoleSessionName}"])),
    ])
}

/// What is wrong with the people that a spec names.
pub(super) fn check(project: &Project) -> Vec<Invalid> {
    let lists = [
        ("adminPrincipals", &project.spec.access.admin_principals),
        ("userPrincipals", &project.spec.access.user_principals),
    ];
    let strange = lists.into_iter().flat_map(|(field, arns)| {
        let strange = arns.iter().filter(|arn| !is_person(project, arn));
        strange.map(move |arn| Invalid {
            field: format!("spec.access.{field}"),
            problem: format!("{arn:?} is not the ARN of an IAM user or role, as arn:aws:iam::111122223333:role/name"),
        })
    });
    strange.collect()
}

fn is_person(project: &Project, arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else {
        return false;
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let name = resource
        .strip_prefix("role/")
        .or_else(|| resource.strip_prefix("user/"));
    partition == project.account.partition && is_account && name.is_some_and(|name| !name.is_empty() && name != "*")
}
