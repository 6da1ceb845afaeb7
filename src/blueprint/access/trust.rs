//! Who may take which role.

use super::ground::Ground;
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
    let everybody = [ground.project.iam_arn("root")];
    let (mut accounts, mut named): (Vec<&str>, Vec<&str>) = people
        .iter()
        .map(String::as_str)
        .partition(|arn| arn.ends_with(":root"));
    if people.is_empty() {
        accounts.extend(everybody.iter().map(String::as_str));
    }
    named.sort_unstable();
    let roots: Vec<String> = named.iter().filter_map(|arn| root(arn)).collect();
    let mut statements = Vec::new();
    if !accounts.is_empty() {
        statements.extend(pinned("Account").map(|statement| statement.aws_principals(accounts.iter().copied())));
    }
    if !named.is_empty() {
        let people = pinned("Person").map(|statement| statement.aws_principals(roots.iter()));
        statements.extend(people.map(|statement| statement.given(global::PRINCIPAL_ARN.is(named.iter().copied()))));
    }
    Document::new(statements)
}

/// Taking a role under one's own name: as an IAM user, and as a session.
fn pinned(sid: &str) -> [Statement; 2] {
    let take = |whom: &str| Statement::allow(&format!("{sid}{whom}")).actions(TAKE);
    [
        take("User").given(global::SESSION_NAME.is(["${aws:username}"])),
        take("Session").given(global::USER_ID.like(["*:${sts:RoleSessionName}"])),
    ]
}

/// The root of the account of the principal `arn`.
fn root(arn: &str) -> Option<String> {
    let (account, _) = arn.rsplit_once(":role/").or_else(|| arn.rsplit_once(":user/"))?;
    Some(format!("{account}:root"))
}
