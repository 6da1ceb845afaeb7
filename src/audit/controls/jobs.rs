//! Jobs, models and hosting: where they run, with which keys, on what, for how long.

use super::super::probe::{Probe, Who, judge};
use super::super::report::{Control, Outcome, Severity};
use super::super::scene::Scene;
use super::{FOREIGN_KEY, everybody, made_by};
use crate::kinds::{Kind, KmsKey, SecurityGroup};
use crate::policy::sagemaker::{self, WITHOUT_VPC_KEY};

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "I4",
        title: "Jobs, models and notebooks without a network of their own are refused",
        severity: Severity::Critical,
        check: network_demanded,
    },
    Control {
        id: "I5",
        title: "Jobs, models, notebooks and endpoints in foreign subnets or security groups are refused",
        severity: Severity::Critical,
        check: network_foreign,
    },
    Control {
        id: "I6",
        title: "Volumes that the project's key does not encrypt are refused",
        severity: Severity::High,
        check: volume_key,
    },
    Control {
        id: "I7",
        title: "Results that the project's key does not encrypt are refused",
        severity: Severity::High,
        check: output_key,
    },
    Control {
        id: "I8",
        title: "Unencrypted traffic between the instances of a job is refused",
        severity: Severity::Medium,
        check: between,
    },
    Control {
        id: "I9",
        title: "Instance types that are not approved are refused",
        severity: Severity::Low,
        check: instance_types,
    },
    Control {
        id: "SageMaker.5",
        title: "Models and jobs whose containers have a network are refused",
        severity: Severity::Medium,
        check: isolation,
    },
    Control {
        id: "I13",
        title: "Jobs that run longer than approved, or into which a shell can be opened, are refused",
        severity: Severity::Medium,
        check: runtime,
    },
    Control {
        id: "I15",
        title: "Jobs whose network no policy can see are refused",
        severity: Severity::High,
        check: without_vpc_key,
    },
    Control {
        id: "I17",
        title: "What does not bear the project's tags cannot be made, and the tags cannot be changed",
        severity: Severity::High,
        check: tags,
    },
];

const ENDPOINT_CONFIG: &str = "sagemaker:CreateEndpointConfig";
/// The actions whose volumes the published design leaves to AWS's own keys.
const LEFT_BY_PUBLISHED: &[&str] = &[
    "sagemaker:CreateTransformJob",
    "sagemaker:CreateAutoMLJob",
    "sagemaker:CreateAutoMLJobV2",
    ENDPOINT_CONFIG,
];
const VOLUME_KEY: &str = "sagemaker:VolumeKmsKeyArn";
const INSTANCE_TYPES: &str = "sagemaker:InstanceTypes";

/// Requests of everybody for each of `actions`, all as the project demands it. They come from outside, where no endpoint
/// helps to refuse them.
fn all(scene: &Scene<'_>, actions: impl IntoIterator<Item = &'static str>) -> Vec<Probe> {
    let everybody = everybody(scene);
    let of_each = |action: &'static str| {
        let ask = move |who: &Who| {
            Probe::refused(who.clone(), action, made_by(scene, action))
                .outside()
                .compliant(scene)
        };
        everybody.iter().map(ask).collect::<Vec<Probe>>()
    };
    actions.into_iter().flat_map(of_each).collect()
}

/// The actions whose requests carry `key`.
fn carrying(key: &str) -> impl Iterator<Item = &'static str> {
    sagemaker::matching("*").filter(move |action| sagemaker::supports(action, key))
}

fn network_demanded(scene: &Scene<'_>) -> Outcome {
    // The models that an endpoint's configuration names bring a network, and then it takes none.
    let demanded = |key| carrying(key).filter(|action| *action != ENDPOINT_CONFIG && !action.contains("Update"));
    let keys = [
        ("sagemaker:VpcSubnets", "without a subnet"),
        ("sagemaker:VpcSecurityGroupIds", "without a security group"),
    ];
    let without = |(key, said)| {
        all(scene, demanded(key))
            .into_iter()
            .map(move |probe| probe.without(key).said(said))
    };
    judge(scene, keys.into_iter().flat_map(without))
}

fn network_foreign(scene: &Scene<'_>) -> Outcome {
    let keys = [
        ("sagemaker:VpcSubnets", "subnet-0badc0ffee0badc0f", scene.subnets()),
        (
            "sagemaker:VpcSecurityGroupIds",
            "sg-0badc0ffee0badc0f",
            vec![scene.output(SecurityGroup::NAME, "sagemaker", "id")],
        ),
    ];
    let foreign = |(key, foreign, ours): (&'static str, &str, Vec<String>)| {
        let shouted: Vec<String> = ours.iter().map(|id| id.to_uppercase()).collect();
        let mixed = ours.iter().cloned().chain([foreign.to_owned()]).collect();
        let variants = [
            (vec![foreign.to_owned()], format!("in {foreign}")),
            (mixed, format!("in {foreign} beside ours")),
            (shouted, "in ours, written in another case".to_owned()),
        ];
        let probes = all(scene, carrying(key));
        let of_each = move |probe: Probe| {
            variants
                .clone()
                .map(|(values, said)| probe.clone().with(key, values).said(said))
        };
        probes.into_iter().flat_map(of_each).collect::<Vec<Probe>>()
    };
    judge(scene, keys.into_iter().flat_map(foreign))
}

fn volume_key(scene: &Scene<'_>) -> Outcome {
    let everywhere = scene.settings.volume_key_everywhere;
    let actions = carrying(VOLUME_KEY).filter(|action| everywhere || !LEFT_BY_PUBLISHED.contains(action));
    let probes = keyed(scene, VOLUME_KEY, actions);
    // Jobs on instances whose local disks the hardware encrypts take no key.
    let disks = |probe: Probe| match probe.carries(INSTANCE_TYPES) && !probe.asks("sagemaker:CreateNotebookInstance") {
        true => probe.with(INSTANCE_TYPES, ["ml.m5.xlarge"]),
        false => probe,
    };
    judge(scene, probes.into_iter().map(disks))
}

fn output_key(scene: &Scene<'_>) -> Outcome {
    if !scene.settings.output_key {
        return Outcome::NotApplicable("spec.guardrails.requireOutputKey is off");
    }
    let key = "sagemaker:OutputKmsKeyArn";
    judge(scene, keyed(scene, key, carrying(key)))
}

/// Requests for each of `actions` with another key than the project's in `key`, or none.
fn keyed(scene: &Scene<'_>, key: &'static str, actions: impl Iterator<Item = &'static str>) -> Vec<Probe> {
    let ours = scene.output(KmsKey::NAME, "project", "arn");
    let bare = ours.rsplit('/').next().unwrap_or_default().to_owned();
    let values = [
        (scene.project.arn("kms", FOREIGN_KEY), "with a foreign key"),
        (bare, "with the id of the key in place of its ARN"),
        (scene.project.arn("kms", "alias/aws/sagemaker"), "with AWS's own key"),
    ];
    let of_each = |probe: Probe| {
        let others = values
            .clone()
            .map(|(value, said)| probe.clone().with(key, [value]).said(said));
        others
            .into_iter()
            .chain([probe.without(key).said("without a key")])
            .collect::<Vec<Probe>>()
    };
    all(scene, actions).into_iter().flat_map(of_each).collect()
}

fn between(scene: &Scene<'_>) -> Outcome {
    if !scene.settings.encryption_between {
        return Outcome::NotApplicable("spec.guardrails.requireEncryptionBetweenInstances is off");
    }
    let key = "sagemaker:InterContainerTrafficEncryption";
    judge(scene, switched(scene, key, "unencrypted", carrying(key)))
}

fn isolation(scene: &Scene<'_>) -> Outcome {
    if !scene.settings.isolation {
        return Outcome::NotApplicable(
            "spec.guardrails.requireNetworkIsolation is off: containers have the project's network",
        );
    }
    // The models that it names are isolated or not.
    let key = "sagemaker:NetworkIsolation";
    let probes = switched(
        scene,
        key,
        "not isolated",
        carrying(key).filter(|action| *action != ENDPOINT_CONFIG),
    );
    let never = all(scene, ["sagemaker:CreateAutoMLJob", "sagemaker:CreateAutoMLJobV2"]);
    let never = never.into_iter().map(|probe| probe.said("which cannot be isolated"));
    judge(scene, probes.into_iter().chain(never))
}

/// Requests with the switch `key` off, or not said.
fn switched(scene: &Scene<'_>, key: &str, said: &str, actions: impl Iterator<Item = &'static str>) -> Vec<Probe> {
    let of_each = |probe: Probe| {
        [
            probe.clone().with(key, ["false"]).said(said),
            probe.without(key).said(said),
        ]
    };
    all(scene, actions).into_iter().flat_map(of_each).collect()
}

fn instance_types(scene: &Scene<'_>) -> Outcome {
    let settings = &scene.settings;
    let notebook = "sagemaker:CreateNotebookInstance";
    let jobs = || carrying(INSTANCE_TYPES).filter(|action| action.contains("Job") && !action.contains("Update"));
    let mut probes = Vec::new();
    let lists: [(&[String], Vec<&'static str>); 3] = [
        (&settings.notebook_types, vec![notebook]),
        (&settings.job_types, jobs().collect()),
        (&settings.hosting_types, vec![ENDPOINT_CONFIG]),
    ];
    for (allowed, actions) in lists {
        let Some(foreign) = foreign_type(allowed) else { continue };
        for probe in all(scene, actions) {
            let listed = allowed.iter().map(|pattern| pattern.replace('*', "xlarge"));
            let mixed: Vec<String> = listed.chain([foreign.to_owned()]).collect();
            probes.push(
                probe
                    .clone()
                    .with(INSTANCE_TYPES, [foreign])
                    .said(format!("on {foreign}")),
            );
            probes.push(
                probe
                    .with(INSTANCE_TYPES, mixed)
                    .said(format!("on {foreign} beside others")),
            );
        }
    }
    if probes.is_empty() {
        return Outcome::NotApplicable("spec.guardrails approves all instance types");
    }
    judge(scene, probes)
}

/// A type that `allowed` has not.
fn foreign_type(allowed: &[String]) -> Option<&'static str> {
    let candidates = ["ml.p5.48xlarge", "ml.c5.xlarge", "ml.inf2.xlarge", "ml.t3.medium"];
    let fits = |kind: &str| allowed.iter().any(|pattern| crate::policy::matches(pattern, kind));
    let mut candidates = candidates.into_iter().filter(|kind| !fits(kind));
    if allowed.is_empty() { None } else { candidates.next() }
}

fn runtime(scene: &Scene<'_>) -> Outcome {
    let mut probes = Vec::new();
    if let Some(limit) = scene.settings.max_runtime {
        let key = "sagemaker:MaxRuntimeInSeconds";
        let longer = (u64::from(limit) + 1).to_string();
        let said = format!("for {longer} s");
        let probe = |probe: Probe| probe.with(key, [longer.clone()]).said(said.clone());
        probes.extend(all(scene, carrying(key)).into_iter().map(probe));
    }
    if !scene.settings.remote_debug {
        let key = "sagemaker:EnableRemoteDebug";
        let probe = |probe: Probe| probe.with(key, ["true"]).said("with remote debugging");
        probes.extend(all(scene, carrying(key)).into_iter().map(probe));
    }
    if probes.is_empty() {
        return Outcome::NotApplicable("spec.guardrails sets no maxRuntimeSeconds and allows remote debugging");
    }
    judge(scene, probes)
}

fn without_vpc_key(scene: &Scene<'_>) -> Outcome {
    if scene.settings.without_vpc_key {
        return Outcome::NotApplicable("spec.guardrails.allowActionsWithoutVpcKey is on");
    }
    judge(scene, all(scene, WITHOUT_VPC_KEY.iter().copied()))
}

fn tags(scene: &Scene<'_>) -> Outcome {
    let mut probes = Vec::new();
    if scene.settings.project_tags {
        // A version of a model takes no tags but those of its group.
        let others = |action: &&str| !action.contains("Presigned") && *action != "sagemaker:CreateModelPackage";
        for probe in all(scene, sagemaker::matching("sagemaker:Create*").filter(others)) {
            let tag = "aws:RequestTag/ProjectName";
            probes.push(probe.clone().without(tag).said("without tags"));
            probes.push(probe.with(tag, [NEIGHBOUR]).said("with a neighbour's tags"));
        }
    }
    let project = scene.project.name.as_str();
    for action in ["sagemaker:AddTags", "sagemaker:DeleteTags"] {
        for tag in [
            "ProjectName",
            "environmenttype",
            "NotebookOwnerUsername",
            "secureml.dev/owner",
        ] {
            for who in everybody(scene) {
                let on = scene.project.arn("sagemaker", "training-job/audit");
                let probe = Probe::refused(who, action, on).outside().tagged(scene, project);
                probes.push(probe.with("aws:TagKeys", ["Color", tag]).said(format!("of {tag}")));
            }
        }
    }
    judge(scene, probes)
}

/// Another project of the account.
pub(super) const NEIGHBOUR: &str = "another-project";
