//! Notebooks: those that stand, and those that could be made.

use super::super::probe::{Probe, Who, judge};
use super::super::report::{Control, Outcome, Severity};
use super::super::scene::Scene;
use super::{everybody, made_by, role};
use crate::kinds::{Kind, KmsKey, LifecycleConfig, Notebook, SecurityGroup};

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "SageMaker.1",
        title: "Notebooks have no direct internet access",
        severity: Severity::Critical,
        check: internet,
    },
    Control {
        id: "SageMaker.2",
        title: "Notebooks are in the project's network",
        severity: Severity::Critical,
        check: network,
    },
    Control {
        id: "SageMaker.3",
        title: "Users of notebooks are not root",
        severity: Severity::High,
        check: root,
    },
    Control {
        id: "SageMaker.8",
        title: "Notebooks run on a platform that AWS supports",
        severity: Severity::Medium,
        check: platform,
    },
    Control {
        id: "SageMaker.21",
        title: "Volumes of notebooks are encrypted with the project's key",
        severity: Severity::High,
        check: volume,
    },
    Control {
        id: "B4",
        title: "Notebooks answer to version 2 of the instance metadata service only",
        severity: Severity::Medium,
        check: metadata,
    },
    Control {
        id: "I10",
        title: "Notebooks with internet access, root, or the first metadata service are refused",
        severity: Severity::Critical,
        check: shape,
    },
    Control {
        id: "I11",
        title: "Notebooks run the project's start script, and nobody can change it",
        severity: Severity::Critical,
        check: script,
    },
    Control {
        id: "I20",
        title: "Notebooks are opened by their owner only, and from inside only",
        severity: Severity::Critical,
        check: opening,
    },
];

const CREATE: &str = "sagemaker:CreateNotebookInstance";
const OPEN: &str = "sagemaker:CreatePresignedNotebookInstanceUrl";
/// The platforms that SageMaker.8 accepts begin so.
const SUPPORTED: &str = "notebook-al2023-";

fn internet(scene: &Scene<'_>) -> Outcome {
    scene.of_each::<Notebook>(|_, it| {
        let open = it.direct_internet_access;
        (
            !open,
            format!("DirectInternetAccess is {}", if open { "Enabled" } else { "Disabled" }),
        )
    })
}

fn network(scene: &Scene<'_>) -> Outcome {
    let group = scene.output(SecurityGroup::NAME, "sagemaker", "id");
    let subnets = scene.subnets();
    scene.of_each::<Notebook>(|_, it| {
        let subnet = it.subnet.as_deref().unwrap_or("no subnet");
        let groups: Vec<&str> = it.groups.iter().map(String::as_str).collect();
        let inside = subnets.iter().any(|ours| ours == subnet) && groups == [group.as_str()];
        (inside, format!("it is in {subnet} with {}", groups.join(", ")))
    })
}

fn root(scene: &Scene<'_>) -> Outcome {
    scene.of_each::<Notebook>(|_, it| {
        let root = it.root_access;
        (
            !root,
            format!("RootAccess is {}", if root { "Enabled" } else { "Disabled" }),
        )
    })
}

fn platform(scene: &Scene<'_>) -> Outcome {
    scene.of_each::<Notebook>(|_, it| {
        (
            it.platform.starts_with(SUPPORTED),
            format!("its platform is {}", it.platform),
        )
    })
}

fn volume(scene: &Scene<'_>) -> Outcome {
    let keys = scene.outputs::<KmsKey>("arn");
    scene.of_each::<Notebook>(|_, it| {
        let key = it.kms_key.as_deref().unwrap_or("a key of SageMaker's");
        (
            keys.iter().any(|(_, ours)| ours == key),
            format!("its volume is encrypted with {key}"),
        )
    })
}

fn metadata(scene: &Scene<'_>) -> Outcome {
    scene.of_each::<Notebook>(|_, it| {
        let version = &it.minimum_imds;
        (
            version == "2",
            format!("MinimumInstanceMetadataServiceVersion is {version}"),
        )
    })
}

fn shape(scene: &Scene<'_>) -> Outcome {
    let keys = [
        (
            "sagemaker:DirectInternetAccess",
            "Enabled",
            "with direct internet access",
        ),
        ("sagemaker:RootAccess", "Enabled", "with root access"),
        (
            "sagemaker:MinimumInstanceMetadataServiceVersion",
            "1",
            "with the first metadata service",
        ),
    ];
    let mut probes = Vec::new();
    for who in everybody(scene) {
        let create = create(scene, who.clone());
        for (key, value, said) in keys {
            probes.push(create.clone().with(key, [value]).said(said));
            probes.push(
                create
                    .clone()
                    .without(key)
                    .said(format!("{said}, by leaving the parameter out")),
            );
        }
        probes.push(change(scene, who, "sagemaker:UpdateNotebookInstance"));
    }
    judge(scene, probes)
}

fn script(scene: &Scene<'_>) -> Outcome {
    let ours = scene.output(LifecycleConfig::NAME, "notebook", "id");
    let stands = scene.of_each::<Notebook>(|_, it| {
        let script = it.lifecycle_config.as_deref().unwrap_or("none");
        (script == ours, format!("its lifecycle configuration is {script}"))
    });
    let scripts = scene.of_each::<LifecycleConfig>(|node, it| {
        let declared = scene.declared::<LifecycleConfig>(node);
        let same =
            declared.is_some_and(|declared| declared.on_create == it.on_create && declared.on_start == it.on_start);
        let said = if same {
            "its scripts are the project's"
        } else {
            "its scripts are not the project's"
        };
        (same, said.to_owned())
    });
    let key = "sagemaker:NotebookInstanceLifecycleConfigArns";
    let mut probes = Vec::new();
    for who in everybody(scene) {
        let create = create(scene, who.clone());
        let foreign = scene
            .project
            .arn("sagemaker", "notebook-instance-lifecycle-config/mine");
        probes.push(create.clone().with(key, [foreign]).said("with another script"));
        probes.push(create.without(key).said("without a script"));
        let scripts =
            ["Create", "Update", "Delete"].map(|verb| format!("sagemaker:{verb}NotebookInstanceLifecycleConfig"));
        probes.extend(scripts.iter().map(|action| change(scene, who.clone(), action)));
    }
    stands.and(scripts).and(judge(scene, probes))
}

/// A notebook that is all as the project demands it, asked for from outside, where no endpoint helps to refuse it.
fn create(scene: &Scene<'_>, who: Who) -> Probe {
    Probe::refused(who, CREATE, made_by(scene, CREATE))
        .outside()
        .compliant(scene)
}

/// A change of a notebook or script of the project.
fn change(scene: &Scene<'_>, who: Who, action: &str) -> Probe {
    let on = if action.ends_with("LifecycleConfig") {
        let name = scene.output(LifecycleConfig::NAME, "notebook", "id").to_lowercase();
        scene
            .project
            .arn("sagemaker", &format!("notebook-instance-lifecycle-config/{name}"))
    } else {
        made_by(scene, "sagemaker:CreateNotebookInstance")
    };
    Probe::refused(who, action, on)
        .outside()
        .tagged(scene, &scene.project.name)
}

fn opening(scene: &Scene<'_>) -> Outcome {
    let mut probes = Vec::new();
    for node in scene.nodes::<Notebook>() {
        let owner = node.tags.get("NotebookOwnerUsername").unwrap_or_default();
        for who in everybody(scene) {
            let name = scene.project.notebook(&node.key.name).to_lowercase();
            let on = scene.project.arn("sagemaker", &format!("notebook-instance/{name}"));
            let open = Probe::refused(who.clone(), OPEN, on).tagged(scene, &scene.project.name);
            let open = open.with("aws:ResourceTag/NotebookOwnerUsername", [owner]);
            probes.push(open.clone().said("by somebody who is not its owner"));
            let by_owner = open.with("aws:userid", [format!("AROAEXAMPLE:{owner}")]);
            probes.push(by_owner.clone().outside().said("by its owner"));
            if who != role("user") {
                probes.push(by_owner.said("by its owner, in another role"));
            }
        }
    }
    judge(scene, probes)
}
