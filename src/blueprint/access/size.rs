//! Whether the policies of a project stay within what IAM takes, whatever ids AWS will invent.

use super::boundary::Boundary;
use super::ground::Ground;
use super::{Role, others, roles};
use crate::blueprint::{Invalid, Project};
use crate::model::resolve;
use crate::policy::{Document, Limit};

/// How long `document` is at most, in characters without white space.
pub(super) fn longest(project: &Project, document: &Document) -> usize {
    let mut value = serde_json::to_value(document).unwrap_or_default();
    // Each with another filling: what is equal would be written once.
    let filling = |output: &crate::model::Output| {
        let name = format!("{}{}", output.node, output.name);
        let length = others::longest(project, output);
        Some(name.chars().chain(std::iter::repeat('x')).take(length).collect())
    };
    resolve(&mut value, &filling);
    let filled: Document = serde_json::from_value(value).unwrap_or_default();
    let text = filled.to_brief_json();
    text.chars().filter(|character| !character.is_whitespace()).count()
}

/// The policies that would be longer than IAM takes.
pub(super) fn check(project: &Project) -> Vec<Invalid> {
    let ground = Ground::new(project);
    let mut problems = Vec::new();
    for boundary in Boundary::ALL {
        let length = longest(project, &boundary.document(&ground));
        problems.extend(problem(&boundary.policy(project), length, Limit::Managed));
    }
    for Role {
        name, inline, trust, ..
    } in roles(&ground)
    {
        let inline = inline.values().map(|document| longest(project, document)).sum();
        problems.extend(problem(&format!("the policies of {name}"), inline, Limit::Inline));
        let trust = longest(project, &trust);
        problems.extend(problem(&format!("the trust of {name}"), trust, Limit::Trust));
    }
    problems
}

fn problem(what: &str, length: usize, limit: Limit) -> Option<Invalid> {
    let (field, remedy) = match limit {
        Limit::Trust => ("spec.access", "name fewer principals, or roles in their place"),
        _ => (
            "spec.guardrails",
            "name fewer instance types, or patterns such as ml.m5.* in their place",
        ),
    };
    let most = limit.characters();
    (length > most).then(|| Invalid {
        field: field.to_owned(),
        problem: format!("{what} would have {length} characters, and IAM takes {most}: {remedy}"),
    })
}
