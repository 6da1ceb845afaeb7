//! That the project's own work goes on: guardrails that stop it are soon switched off.

use super::super::probe::{Probe, judge};
use super::super::report::{Control, Outcome, Severity};
use super::super::scene::Scene;
use super::{code, made_by, role};
use crate::kinds::{Bucket, IamRole, Kind, KmsKey, Notebook};

pub(super) const CONTROLS: &[Control] = &[Control {
    id: "I25",
    title: "What keeps to the guardrails goes through",
    severity: Severity::Medium,
    check: goes_on,
}];

/// What code makes.
const MADE: &[&str] = &[
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTransformJob",
    "sagemaker:CreateModel",
    "sagemaker:CreateEndpointConfig",
    "sagemaker:CreateEndpoint",
    "sagemaker:CreateMonitoringSchedule",
    "sagemaker:CreateDataQualityJobDefinition",
    "sagemaker:CreateExperiment",
    "sagemaker:CreatePipeline",
];
/// What code does with it.
const DONE: &[&str] = &[
    "sagemaker:DescribeTrainingJob",
    "sagemaker:StopTrainingJob",
    "sagemaker:DescribeModel",
    "sagemaker:DescribeEndpoint",
    "sagemaker:InvokeEndpoint",
    "sagemaker:DeleteEndpoint",
];

fn goes_on(scene: &Scene<'_>) -> Outcome {
    let project = &scene.project.name;
    let mut probes = Vec::new();
    for who in code(scene) {
        let allowed = |action: &str, on: String| Probe::allowed(who.clone(), action, on);
        probes.extend(
            MADE.iter()
                .map(|action| allowed(action, made_by(scene, action)).compliant(scene)),
        );
        probes.extend(
            DONE.iter()
                .map(|action| allowed(action, made_by(scene, action)).tagged(scene, project)),
        );
        for bucket in ["data", "model"] {
            let arn = scene.output(Bucket::NAME, bucket, "arn");
            let objects = ["s3:GetObject", "s3:PutObject"];
            probes.extend(objects.map(|action| allowed(action, format!("{arn}/audit.csv"))));
            probes.push(allowed("s3:ListBucket", arn));
        }
        let key = scene.output(KmsKey::NAME, "project", "arn");
        probes.extend(["kms:Decrypt", "kms:GenerateDataKey"].map(|action| allowed(action, key.clone())));
        if let super::Who::Role(node) = &who {
            let pass = allowed("iam:PassRole", scene.output(IamRole::NAME, node, "arn"));
            probes.push(pass.outside().with("iam:PassedToService", ["sagemaker.amazonaws.com"]));
        }
    }
    for node in scene.nodes::<Notebook>() {
        let name = scene.project.notebook(&node.key.name).to_lowercase();
        let owner = node.tags.get("NotebookOwnerUsername").unwrap_or_default();
        for action in [
            "sagemaker:StartNotebookInstance",
            "sagemaker:CreatePresignedNotebookInstanceUrl",
        ] {
            let on = scene.project.arn("sagemaker", &format!("notebook-instance/{name}"));
            let ask = Probe::allowed(role("user"), action, on).tagged(scene, project);
            let ask = ask.with("aws:ResourceTag/NotebookOwnerUsername", [owner]);
            probes.push(
                ask.with("aws:userid", [format!("AROAEXAMPLE:{owner}")])
                    .said("by its owner"),
            );
        }
    }
    judge(scene, probes)
}
