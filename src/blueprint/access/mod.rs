//! Roles: who may do what in the project, and the boundary that none of them leaves.

mod admin;
mod boundary;
mod common;
mod flow_logs;
mod ground;
mod guardrails;
mod launch;
mod notebook;
pub mod organization;
mod others;
pub(super) mod settings;
mod size;
#[cfg(test)]
mod tests;
mod trust;
mod user;

use std::collections::{BTreeMap, BTreeSet};

use super::{Builder, Invalid, Node, Project};
use crate::kinds::{Handle, IamPolicy, IamRole, iam_policy, iam_role};
use crate::policy::Document;
use boundary::Boundary;
use ground::Ground;

/// How long people work without signing in again; longer than AWS's default, shorter than the twelve hours it allows.
const PEOPLE_SECONDS: i32 = 8 * 3600;
const SERVICE_SECONDS: i32 = 3600;

pub(super) fn draw(project: &Project, builder: &mut Builder) {
    let ground = Ground::new(project);
    for boundary in Boundary::ALL {
        let attributes = iam_policy::Attributes {
            path: iam_policy::PATH.to_owned(),
            description: "What roles of the project can do at most".to_owned(),
            document: boundary.document(&ground),
            known: iam_policy::Known::default(),
        };
        builder.add::<IamPolicy>(boundary.node(), &boundary.policy(project), &attributes);
    }
    for role in roles(&ground) {
        add(role, builder);
    }
    let people = [
        ("adminRole", "admin", project.admin_role()),
        ("userRole", "user", project.user_role()),
    ];
    for (output, role, name) in people {
        builder.output(&format!("{output}Arn"), Handle::<IamRole>::new(role).arn());
        builder.output(&format!("{output}Url"), switch(project, &name));
    }
}

/// What is wrong with the access and the guardrails that a spec asks for.
pub(super) fn check(project: &Project) -> Vec<Invalid> {
    let mut problems = settings::check(project);
    problems.extend(size::check(project));
    problems
}

/// One role of the project.
struct Role {
    node: String,
    name: String,
    path: String,
    trust: Document,
    boundary: Boundary,
    inline: BTreeMap<String, Document>,
    /// Whether people take it, and nothing that runs would notice that it was made anew.
    of_people: bool,
}

fn roles(ground: &Ground<'_>) -> Vec<Role> {
    let project = ground.project;
    let mut roles = people(ground);
    roles.push(Role {
        node: "launch".to_owned(),
        name: project.launch_role(),
        path: "/".to_owned(),
        trust: Document::new([trust::service(ground, "servicecatalog.amazonaws.com")]),
        boundary: Boundary::Launch,
        inline: launch::policies(ground),
        of_people: false,
    });
    roles.push(Role {
        node: "flow-logs".to_owned(),
        name: project.flow_logs_role(),
        path: "/".to_owned(),
        trust: flow_logs::trust(ground),
        boundary: Boundary::Access,
        inline: flow_logs::policies(ground),
        of_people: false,
    });
    roles.extend(project.spec.notebooks.iter().map(|notebook| Role {
        node: format!("notebook-{}", notebook.name),
        name: project.notebook_role(&notebook.name),
        path: project.notebook_role_path(),
        trust: Document::new([trust::service(ground, "sagemaker.amazonaws.com")]),
        boundary: Boundary::Execution,
        inline: notebook::policies(ground, &notebook.name),
        of_people: false,
    }));
    roles
}

fn people(ground: &Ground<'_>) -> Vec<Role> {
    let access = &ground.project.spec.access;
    let admin = Role {
        node: "admin".to_owned(),
        name: ground.project.admin_role(),
        path: "/".to_owned(),
        trust: trust::people(ground, &access.admin_principals),
        boundary: Boundary::Admin,
        inline: admin::policies(ground),
        of_people: true,
    };
    let user = Role {
        node: "user".to_owned(),
        name: ground.project.user_role(),
        path: "/".to_owned(),
        trust: trust::people(ground, &access.user_principals),
        boundary: Boundary::Access,
        inline: user::policies(ground),
        of_people: true,
    };
    vec![admin, user]
}

fn add(role: Role, builder: &mut Builder) {
    let boundary = Handle::<IamPolicy>::new(role.boundary.node());
    let attributes = iam_role::Attributes {
        path: role.path,
        description: format!("Role of the secureml project {}", builder.blueprint.owner),
        trust: role.trust,
        boundary: Some(boundary.arn()),
        inline: role.inline,
        attached: BTreeSet::new(),
        max_session_seconds: if role.of_people {
            PEOPLE_SECONDS
        } else {
            SERVICE_SECONDS
        },
        instance_profiles: BTreeSet::new(),
    };
    let adjust = |node: &mut Node| node.consent.replace = role.of_people;
    builder.add_with::<IamRole>(&role.node, &role.name, &attributes, adjust);
}

/// Where a person takes the role `name` in the console.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-console.html>
fn switch(project: &Project, name: &str) -> String {
    let host = match project.account.partition.as_str() {
        "aws-cn" => "signin.amazonaws.cn",
        "aws-us-gov" => "signin.amazonaws-us-gov.com",
        _ => "signin.aws.amazon.com",
    };
    let account = &project.account.id;
    format!("https://{host}/switchrole?roleName={name}&account={account}&displayName={name}")
}
