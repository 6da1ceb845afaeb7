//! SageMaker notebook instances, and the script that they run when they start.

use std::collections::{BTreeMap, BTreeSet};

use super::{Builder, Invalid, Project, start};
use crate::api::{Notebook as Declared, ReplacePolicy, UpdatePolicy, VolumeKey};
use crate::kinds::{Handle, LifecycleConfig, Notebook, lifecycle_config, notebook};
use crate::model::{NodeKey, Output};

/// The longest name that SageMaker takes for a notebook.
const NAME_LIMIT: usize = 63;

pub(super) fn draw(project: &Project, builder: &mut Builder) {
    let scripts = lifecycle_config::Attributes {
        on_create: None,
        on_start: Some(start::script(project)),
    };
    // It is there without any notebook: the guardrails name it.
    let name = project.named("notebook-lifecycle");
    let script = builder.add::<LifecycleConfig>("notebook", &name, &scripts);
    for declared in &project.spec.notebooks {
        let name = project.notebook(&declared.name);
        let attributes = attributes(project, declared, &script);
        let made = builder.add_with::<Notebook>(&declared.name, &name, &attributes, |node| {
            let tags = std::mem::take(&mut node.tags);
            node.tags = tags
                .with("NotebookOwnerUsername", &declared.name)
                .with("NotebookOwnerEmail", &declared.owner_email);
            node.consent.stop = declared.update_policy == UpdatePolicy::Immediate;
            node.consent.replace = declared.replace_policy == ReplacePolicy::LoseVolume;
        });
        let url = format!("https://{}", made.output("url"));
        builder.output(&format!("notebookUrl/{}", declared.name), url);
    }
}

fn attributes(project: &Project, declared: &Declared, script: &Handle<LifecycleConfig>) -> notebook::Attributes {
    let key = match project.spec.encryption.notebook_volume_key {
        VolumeKey::Shared => "project".to_owned(),
        VolumeKey::PerNotebook => format!("notebook-{}", declared.name),
    };
    notebook::Attributes {
        instance_type: declared.instance_type.clone(),
        subnet: place(project, declared).map(|letter| output("Subnet", &letter.to_string(), "id")),
        groups: BTreeSet::from([output("SecurityGroup", "sagemaker", "id")]),
        role_arn: output("IamRole", &format!("notebook-{}", declared.name), "arn"),
        kms_key: Some(output("KmsKey", &key, "arn")),
        lifecycle_config: Some(script.id().into()),
        volume_size_gib: declared.volume_size_gib,
        direct_internet_access: false,
        root_access: false,
        platform: "notebook-al2023-v1".to_owned(),
        minimum_imds: "2".to_owned(),
        default_code_repository: None,
        additional_code_repositories: BTreeSet::new(),
        restart_pending: false,
    }
}

fn output(kind: &str, node: &str, name: &str) -> String {
    let output = Output {
        node: NodeKey::new(kind, node),
        name: name.to_owned(),
    };
    output.to_string()
}

/// The letter of the subnet that a notebook is to stand in.
fn place(project: &Project, declared: &Declared) -> Option<char> {
    let index = usize::try_from(declared.subnet).ok()?.checked_sub(1)?;
    project.subnets.get(index).map(|subnet| subnet.letter)
}

/// What is wrong with the notebooks of `project`. The API server sees some of it before; the command line has none.
pub(super) fn problems(project: &Project) -> Vec<Invalid> {
    let mut problems = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, declared) in project.spec.notebooks.iter().enumerate() {
        let mut wrong = |field: &str, problem: String| {
            problems.push(Invalid {
                field: format!("spec.notebooks[{index}].{field}"),
                problem,
            });
        };
        let name = &declared.name;
        if let Some(first) = seen.insert(name, index) {
            wrong("name", format!("{name} is the name of notebooks[{first}] already"));
        }
        let full = project.notebook(name);
        if !is_name(name) {
            wrong("name", "use lower-case letters, digits and inner hyphens".to_owned());
        } else if full.len() > NAME_LIMIT {
            let long = full.len();
            wrong(
                "name",
                format!("SageMaker takes {NAME_LIMIT} characters, {full} has {long}: shorten it"),
            );
        }
        if !is_tag_value(&declared.owner_email) || !declared.owner_email.contains('@') {
            wrong(
                "ownerEmail",
                "an e-mail address of letters, digits and _.:/=+-@ is needed".to_owned(),
            );
        }
        if !declared.instance_type.starts_with("ml.") {
            wrong(
                "instanceType",
                "types of SageMaker begin with ml., as ml.t3.medium".to_owned(),
            );
        }
        if !(5..=16_384).contains(&declared.volume_size_gib) {
            wrong("volumeSizeGib", "a volume has 5 to 16384 GiB".to_owned());
        }
        if place(project, declared).is_none() {
            let count = project.subnets.len();
            wrong("subnet", format!("there are {count} subnets: use 1 to {count}"));
        }
    }
    problems
}

fn is_name(name: &str) -> bool {
    let of_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.chars().all(of_a_name) && !name.starts_with('-') && !name.ends_with('-')
}

/// <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
fn is_tag_value(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || "_.:/=+-@".contains(c);
    !text.is_empty() && text.chars().count() <= 256 && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Encryption, SecureMLProjectSpec};
    use crate::blueprint::tests::{account, owner, project};
    use crate::blueprint::{Project, draw};

    fn spec(notebooks: serde_json::Value) -> SecureMLProjectSpec {
        SecureMLProjectSpec {
            notebooks: serde_json::from_value(notebooks).expect("notebooks"),
            ..SecureMLProjectSpec::default()
        }
    }

    #[test]
    fn a_notebook_as_the_published_design_has_it() {
        let mut spec = spec(serde_json::json!([
            {"name": "ada", "ownerEmail": "ada@example.com", "subnet": 2, "updatePolicy": "Immediate"}
        ]));
        let shared = draw(&project(spec.clone()));
        let node = &shared.nodes[&NodeKey::new("Notebook", "ada")];
        assert_eq!(node.name, "ds-notebook-churn-dev-ada");
        assert_eq!(node.attributes["subnet"], "⟦Subnet/b.id⟧");
        assert_eq!(node.attributes["kmsKey"], "⟦KmsKey/project.arn⟧");
        assert_eq!(node.attributes["roleArn"], "⟦IamRole/notebook-ada.arn⟧");
        assert_eq!(node.attributes["volumeSizeGib"], 10);
        assert_eq!(node.tags.get("NotebookOwnerUsername"), Some("ada"));
        assert_eq!(node.tags.get("NotebookOwnerEmail"), Some("ada@example.com"));
        assert!(node.consent.stop && !node.consent.replace);
        assert_eq!(shared.outputs["notebookUrl/ada"], "https://⟦Notebook/ada.url⟧");

        spec.encryption = Encryption {
            notebook_volume_key: VolumeKey::PerNotebook,
            ..Encryption::default()
        };
        let mut own = project(SecureMLProjectSpec::default());
        own.spec = spec;
        let key = &draw(&own).nodes[&NodeKey::new("Notebook", "ada")].attributes["kmsKey"];
        assert_eq!(key, "⟦KmsKey/notebook-ada.arn⟧");
    }

    #[test]
    fn what_cannot_be_built_is_refused_with_the_field() {
        let good = serde_json::json!({"name": "ada", "ownerEmail": "ada@example.com"});
        let with = |key: &str, value: serde_json::Value| {
            let mut bad = good.clone();
            bad[key] = value;
            bad
        };
        let table = [
            (with("subnet", 4.into()), "subnet"),
            (with("subnet", 0.into()), "subnet"),
            (with("name", "Ada".into()), "name"),
            (with("name", "ada-".into()), "name"),
            (with("name", "a'; rm -rf /".into()), "name"),
            (with("name", "a".repeat(60).into()), "name"),
            (with("ownerEmail", "ada".into()), "ownerEmail"),
            (with("ownerEmail", "ada@x⟦Vpc/main.id⟧".into()), "ownerEmail"),
            (with("instanceType", "t3.medium".into()), "instanceType"),
            (with("volumeSizeGib", 4.into()), "volumeSizeGib"),
        ];
        for (bad, field) in table {
            let spec = spec(serde_json::json!([good, bad]));
            let problems = Project::new(owner(), spec, account()).expect_err("refused");
            let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
            let wanted = format!("spec.notebooks[1].{field}");
            assert!(fields.contains(&wanted.as_str()), "{bad}: {fields:?}");
        }
        let problems = Project::new(owner(), spec(serde_json::json!([good, good])), account()).expect_err("twice");
        assert_eq!(problems[0].problem, "ada is the name of notebooks[0] already");
    }
}
