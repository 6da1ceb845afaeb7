use std::collections::BTreeSet;

use super::{meanings, pages};
use crate::api::{Access, Guardrails, Notebook, Preset, SecureMLProjectSpec};
use crate::blueprint::{Blueprint, draw, tests::project};
use crate::policy::{Document, Effect};

const PERSON: &str = "arn:aws:iam::111122223333:role/science";

/// Environments that have every statement there is between them.
fn environments() -> Vec<Blueprint> {
    let presets = [Preset::Published, Preset::Standard, Preset::Strict];
    let lists = [None, Some(vec!["ml.m5.*".to_owned()])];
    let notebook = serde_json::json!({"name": "ana", "ownerEmail": "ana@example.com"});
    let notebook: Notebook = serde_json::from_value(notebook).expect("a notebook");
    let mut all = Vec::new();
    for preset in presets {
        for types in &lists {
            let spec = SecureMLProjectSpec {
                guardrails: Guardrails {
                    preset,
                    job_instance_types: types.clone(),
                    hosting_instance_types: types.clone(),
                    max_runtime_seconds: types.as_ref().map(|_| 3600),
                    ..Guardrails::default()
                },
                access: Access {
                    user_principals: types.iter().map(|_| PERSON.to_owned()).collect(),
                    ..Access::default()
                },
                notebooks: vec![notebook.clone()],
                ..SecureMLProjectSpec::default()
            };
            all.push(draw(&project(spec)));
        }
    }
    all
}

/// Every statement of roles, boundaries, trusts, buckets and keys: its effect and its name.
fn statements() -> BTreeSet<(Effect, String)> {
    let mut found = BTreeSet::new();
    for blueprint in environments() {
        for node in blueprint.nodes.values() {
            let attributes = &node.attributes;
            let documents = match node.key.kind.as_str() {
                "IamRole" => {
                    let inline = attributes["inline"]
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(_, policy)| policy);
                    inline.chain([&attributes["trust"]]).collect()
                }
                "IamPolicy" => vec![&attributes["document"]],
                "Bucket" | "KmsKey" => vec![&attributes["policy"]],
                _ => Vec::new(),
            };
            for document in documents {
                let document: Document = serde_json::from_value(document.clone()).expect("a policy");
                found.extend(
                    document
                        .statements
                        .into_iter()
                        .map(|statement| (statement.effect, statement.sid)),
                );
            }
        }
    }
    found
}

/// What buckets and keys allow is not on the pages of roles: it is in them.
const OF_RESOURCES: [&str; 4] = [
    "AccountManages",
    "LogsAreEncrypted",
    "ProjectUses",
    "ServicesAreGranted",
];

#[test]
fn every_statement_has_a_meaning_and_every_meaning_a_statement() {
    let found = statements();
    let found: BTreeSet<(Effect, &str)> = found
        .iter()
        .map(|(effect, sid)| (*effect, sid.as_str()))
        .filter(|(_, sid)| !OF_RESOURCES.contains(sid))
        .collect();
    let permissions = meanings::PERMISSIONS.iter().map(|meaning| (Effect::Allow, meaning.sid));
    let denials = meanings::DENIALS.iter().map(|meaning| (Effect::Deny, meaning.sid));
    let known: BTreeSet<(Effect, &str)> = permissions.chain(denials).collect();
    let without: Vec<_> = found.difference(&known).collect();
    assert!(without.is_empty(), "statements without a meaning: {without:?}");
    let idle: Vec<_> = known.difference(&found).collect();
    assert!(idle.is_empty(), "meanings without a statement: {idle:?}");
}

#[test]
fn every_role_has_a_page_that_names_no_reference() {
    for blueprint in environments() {
        let pages = pages(&blueprint);
        let roles = blueprint.nodes.keys().filter(|key| key.kind == "IamRole").count();
        assert_eq!(pages.len(), roles + 1);
        for page in pages {
            assert!(!page.text.contains('⟦'), "{}", page.text);
            assert!(
                !page.text.contains("****"),
                "a statement without a meaning: {}",
                page.text
            );
            assert!(
                page.text.lines().nth(1).is_some_and(|purpose| !purpose.is_empty()),
                "{}",
                page.name
            );
        }
    }
}
