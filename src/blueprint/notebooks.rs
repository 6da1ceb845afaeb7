//! SageMaker notebook instances, and the script that they run when they start.

use std::collections::BTreeSet;

use super::{Builder, Invalid, Project, Stop, start};
use crate::api::{Notebook as Declared, ReplacePolicy, UpdatePolicy, VolumeKey};
use crate::kinds::{Handle, LifecycleConfig, Notebook, lifecycle_config, notebook};
use crate::model::{NodeKey, Output, Window};

pub(super) fn draw(project: &Project, builder: &mut Builder) {
    let scripts = lifecycle_config::Attributes {
        on_create: None,
        on_start: Some(start::script(project)),
    };
    // It is there without any notebook: the guardrails name it.
    let name = project.named("notebook-lifecycle");
    let script = builder.add::<LifecycleConfig>("notebook", &name, &scripts);
    let window = project.spec.maintenance_window.as_ref();
    let window: Option<Window> = window.and_then(|window| window.parse().ok());
    for declared in &project.spec.notebooks {
        let name = project.notebook(&declared.name);
        let attributes = attributes(project, declared, &script);
        let made = builder.add_with::<Notebook>(&declared.name, &name, &attributes, |node| {
            let tags = std::mem::take(&mut node.tags);
            node.tags = tags
                .with("NotebookOwnerUsername", &declared.name)
                .with("NotebookOwnerEmail", &declared.owner_email);
            node.consent.stop = match declared.update_policy {
                UpdatePolicy::WhenStopped => Stop::Never,
                UpdatePolicy::MaintenanceWindow => window.map_or(Stop::Never, Stop::Within),
                UpdatePolicy::Immediate => Stop::AtOnce,
            };
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

/// What is wrong with the notebooks of `project` that the rules of the spec cannot see: they do not know how many
/// subnets there are when they are cut from the VPC.
pub(super) fn problems(project: &Project) -> Vec<Invalid> {
    let notebooks = project.spec.notebooks.iter().enumerate();
    let homeless = notebooks.filter(|(_, declared)| place(project, declared).is_none());
    let count = project.subnets.len();
    homeless
        .map(|(index, _)| {
            Invalid::new(
                format!("spec.notebooks[{index}].subnet"),
                format!("there are {count} subnets: use 1 to {count}"),
            )
        })
        .collect()
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
        assert!(node.consent.stop == Stop::AtOnce && !node.consent.replace);
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
    fn a_notebook_in_a_subnet_that_the_region_has_no_zone_for_is_refused() {
        let notebooks = serde_json::json!([
            {"name": "ada", "ownerEmail": "ada@example.com", "subnet": 2},
            {"name": "bo", "ownerEmail": "bo@example.com", "subnet": 3},
        ]);
        let mut account = account();
        account.zones.truncate(2);
        let problems = Project::new(owner(), spec(notebooks), account).expect_err("refused");
        let problem = Invalid::new("spec.notebooks[1].subnet", "there are 2 subnets: use 1 to 2");
        assert!(problems.contains(&problem), "{problems:?}");
    }
}
