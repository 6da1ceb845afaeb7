use super::*;
use crate::api::{EnvironmentType, Notebook, Preset, ReplacePolicy, SecureMLProjectSpec, UpdatePolicy, VolumeKey};
use crate::blueprint::{Blueprint, draw};
use crate::model::{Account, Owner, Zone};
use crate::policy::lint;

fn account() -> Account {
    let zone = |letter: char| Zone {
        id: format!("use1-az-{letter}"),
        name: format!("us-east-1{letter}"),
    };
    Account {
        partition: "aws".to_owned(),
        id: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        zones: ['a', 'b', 'c'].map(zone).to_vec(),
        s3_prefix_list: "pl-1".to_owned(),
        endpoint_services: BTreeMap::new(),
        caller: "arn:aws:iam::111122223333:role/secureml".to_owned(),
    }
}

fn notebook(name: &str) -> Notebook {
    Notebook {
        name: name.to_owned(),
        owner_email: format!("{name}@example.com"),
        instance_type: "ml.t3.medium".to_owned(),
        volume_size_gib: 10,
        subnet: 1,
        update_policy: UpdatePolicy::default(),
        replace_policy: ReplacePolicy::default(),
    }
}

fn project(name: &str, preset: Preset, notebooks: &[String]) -> Project {
    let mut spec = SecureMLProjectSpec {
        environment_type: EnvironmentType::Dev,
        ..SecureMLProjectSpec::default()
    };
    spec.guardrails.preset = preset;
    let owner = Owner::new("test", "default", name);
    let mut project = Project::new(owner, spec, account()).expect("a sound spec");
    project.spec.notebooks = notebooks.iter().map(|name| notebook(name)).collect();
    project
}

fn documents(blueprint: &Blueprint) -> Vec<(String, Document)> {
    let mut found = Vec::new();
    for (key, node) in &blueprint.nodes {
        let fields = node.attributes.as_object().expect("attributes");
        let mut add = |name: &str, value: &serde_json::Value| {
            if let Ok(document) = serde_json::from_value(value.clone()) {
                found.push((format!("{key} {name}"), document));
            }
        };
        for name in ["document", "trust"] {
            fields.get(name).inspect(|value| add(name, value));
        }
        let inline = fields.get("inline").and_then(|inline| inline.as_object());
        inline.into_iter().flatten().for_each(|(name, value)| add(name, value));
    }
    found
}

const PRESETS: [Preset; 3] = [Preset::Published, Preset::Standard, Preset::Strict];

#[test]
fn no_policy_has_a_flaw_and_each_is_canonical() {
    for preset in PRESETS {
        let blueprint = draw(&project("churn", preset, &["alice".to_owned()]));
        let documents = documents(&blueprint);
        assert!(documents.len() >= 15, "{}", documents.len());
        for (name, document) in documents {
            assert_eq!(lint(&document), [], "{preset:?} {name}");
            let read = Document::parse(&document.to_json()).expect("a policy");
            assert_eq!(read, document, "{name}");
        }
    }
}

/// The longest names and the most notebooks that the API takes.
#[test]
fn a_large_project_stays_within_what_iam_takes() {
    let keys = [VolumeKey::Shared, VolumeKey::PerNotebook, VolumeKey::PerNotebook];
    for (preset, key) in PRESETS.into_iter().zip(keys) {
        let notebooks: Vec<String> = (0..50).map(|i| format!("person-{i:03}")).collect();
        let mut project = project(&"p".repeat(31), preset, &notebooks);
        project.environment = EnvironmentType::Prod;
        project.spec.encryption.notebook_volume_key = key;
        assert_eq!(check(&project), [], "{preset:?}");
    }
}

#[test]
fn what_iam_would_not_take_is_refused() {
    let mut project = project("customer-churn", Preset::Standard, &["alice".to_owned()]);
    let types = (0..100).map(|i| format!("ml.c{i}.xlarge"));
    project.spec.guardrails.job_instance_types = Some(types.collect());
    let problems = check(&project);
    assert!(!problems.is_empty());
    assert!(
        problems.iter().all(|problem| problem.field == "spec.guardrails"),
        "{problems:?}"
    );
}

#[test]
fn roles_are_taken_by_named_people_under_their_own_names() {
    let mut project = project("churn", Preset::Standard, &[]);
    project.spec.access.user_principals = vec![
        "arn:aws:iam::444455556666:root".to_owned(),
        "arn:aws:iam::111122223333:role/science".to_owned(),
    ];
    let ground = Ground::new(&project);
    let trust = trust::people(&ground, &project.spec.access.user_principals).to_json();
    for text in [
        "444455556666:root",
        "111122223333:root",
        "role/science",
        "${aws:username}",
        "*:${sts:RoleSessionName}",
    ] {
        assert!(trust.contains(text), "{text}: {trust}");
    }
}

#[test]
fn a_type_that_the_guardrails_deny_is_refused() {
    let mut project = project("churn", Preset::Standard, &["alice".to_owned()]);
    project.spec.guardrails.notebook_instance_types = Some(vec!["ml.c5.*".to_owned()]);
    let fields: Vec<String> = check(&project).into_iter().map(|problem| problem.field).collect();
    assert_eq!(fields, ["spec.notebooks[0].instanceType"]);
}
