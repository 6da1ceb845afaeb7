//! A page, in Markdown.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::attributes;
use super::meanings::{self, Denial};
use super::words::{code, conditions};
use crate::blueprint::{Blueprint, Node};
use crate::kinds::{Bucket, IamPolicy, Kind, KmsKey, bucket, iam_policy, iam_role, kms_key};
use crate::policy::{Document, Effect, Principal, Statement};

/// The page of a role.
pub(super) fn role(blueprint: &Blueprint, node: &Node, role: &iam_role::Attributes) -> String {
    let mut text = format!("# {}\n{}\n", node.name, meanings::role(&node.key.name));
    let boundary = boundary(blueprint, role);
    let own: Vec<&Statement> = role.inline.values().flat_map(|document| &document.statements).collect();

    section(&mut text, "Who takes it", "", role.trust.statements.iter(), permission);
    let allowed = own
        .iter()
        .copied()
        .filter(|statement| statement.effect == Effect::Allow);
    section(&mut text, "What it may do", "", allowed, permission);

    let denied = "Whatever else is allowed to the role, AWS denies it these.";
    let statements = own
        .iter()
        .copied()
        .chain(boundary.iter().flat_map(|(_, document)| &document.statements));
    let mut seen = BTreeSet::new();
    let statements = statements.filter(|statement| statement.effect == Effect::Deny && seen.insert(&statement.sid));
    section(&mut text, "What is denied to it", denied, statements, denial);

    if let Some((policy, document)) = &boundary {
        let note =
            format!("`{policy}` bounds the role: a policy that somebody attaches to it adds nothing that is not here.");
        let allowed = document
            .statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow);
        section(&mut text, "What it can ever do", &note, allowed, permission);
    }
    text
}

/// What buckets and keys deny to everybody.
pub(super) fn data(blueprint: &Blueprint) -> String {
    let mut text =
        "# Data and keys\nWhat the project's buckets and keys deny, whatever a role is allowed.\n".to_owned();
    let denies = |documents: &[Document], text: &mut String, title: &str| {
        let mut seen = BTreeSet::new();
        let statements = documents.iter().flat_map(|document| &document.statements);
        let denied = statements.filter(|statement| statement.effect == Effect::Deny && seen.insert(&statement.sid));
        section(text, title, "", denied, denial);
    };
    let policy = |node: &Node| attributes::<bucket::Attributes>(node)?.policy;
    denies(&of::<Bucket>(blueprint, policy), &mut text, "Buckets");
    let policy = |node: &Node| Some(attributes::<kms_key::Attributes>(node)?.policy);
    denies(&of::<KmsKey>(blueprint, policy), &mut text, "Keys");
    text
}

/// The boundary of `role`, and its name.
fn boundary(blueprint: &Blueprint, role: &iam_role::Attributes) -> Option<(String, Document)> {
    let bound = role.boundary.as_ref()?;
    let is_it = |node: &&Node| node.key.kind == IamPolicy::NAME && *bound == format!("<{}.arn>", node.key);
    let node = blueprint.nodes.values().find(is_it)?;
    let policy: iam_policy::Attributes = attributes(node)?;
    Some((node.name.clone(), policy.document))
}

/// The policies of the resources of kind `K`.
fn of<K: Kind>(blueprint: &Blueprint, policy: impl Fn(&Node) -> Option<Document>) -> Vec<Document> {
    let nodes = blueprint.nodes.values().filter(|node| node.key.kind == K::NAME);
    nodes.filter_map(policy).collect()
}

fn section<'a>(
    text: &mut String,
    title: &str,
    note: &str,
    statements: impl Iterator<Item = &'a Statement>,
    entry: impl Fn(&mut String, &Statement),
) {
    let mut entries = String::new();
    for statement in statements {
        entry(&mut entries, statement);
    }
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## {title}");
    if !note.is_empty() {
        let _ = writeln!(text, "{note}");
    }
    text.push_str(&entries);
}

fn permission(text: &mut String, statement: &Statement) {
    let what = meanings::permission(&statement.sid).map_or("", |meaning| meaning.what);
    heading(text, what, &statement.sid);
    details(text, statement);
}

fn denial(text: &mut String, statement: &Statement) {
    let meaning = meanings::denial(&statement.sid);
    heading(text, meaning.map_or("", |meaning| meaning.what), &statement.sid);
    if let Some(Denial {
        why, remedy, setting, ..
    }) = meaning
    {
        let _ = writeln!(text, "- Why: {why}");
        let _ = writeln!(text, "- Instead: {remedy}");
        if let Some(setting) = setting {
            let _ = writeln!(text, "- Setting: `{setting}`");
        }
    }
    details(text, statement);
}

fn heading(text: &mut String, what: &str, sid: &str) {
    let _ = writeln!(text, "\n**{what}** (`{sid}`)");
}

fn details(text: &mut String, statement: &Statement) {
    let principals: Vec<String> = statement.principals.iter().map(principal).collect();
    let mut line = |label: &str, items: &[String]| {
        if !items.is_empty() {
            let _ = writeln!(text, "- {label}: {}", items.join(", "));
        }
    };
    let codes = |texts: &BTreeSet<String>| texts.iter().map(|text| code(text)).collect::<Vec<_>>();
    line("Who", &principals);
    line("Calls", &codes(&statement.actions));
    line("Calls, all but", &codes(&statement.not_actions));
    // Everywhere is what goes without saying.
    if !statement.resources.iter().eq(["*"]) {
        line("On", &codes(&statement.resources));
    }
    line("On all but", &codes(&statement.not_resources));
    let conditions = conditions(statement);
    if !conditions.is_empty() {
        let _ = writeln!(text, "- If: {}", conditions.join("; "));
    }
}

fn principal(principal: &Principal) -> String {
    match principal {
        Principal::Anyone => "everybody".to_owned(),
        Principal::Aws(name) | Principal::Service(name) | Principal::Other(_, name) => code(name),
    }
}
