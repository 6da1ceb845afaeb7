//! Roles: what they are, and that none of them leaves the project or lifts itself above it.

use std::collections::BTreeSet;

use super::super::probe::{Probe, STRANGERS, Who, judge};
use super::super::report::{Control, Finding, Outcome, Severity, Verdict};
use super::super::scene::Scene;
use super::jobs::NEIGHBOUR;
use super::{FOREIGN_KEY, UNREADABLE, code, everybody, made_by, strange};
use crate::kinds::{Bucket, IamPolicy, IamRole, Kind, KmsKey, Notebook, VpcEndpoint, iam_policy, iam_role};
use crate::policy::{Document, Effect, Statement};

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "IAM.1",
        title: "No policy allows everything",
        severity: Severity::High,
        check: full_admin,
    },
    Control {
        id: "IAM.21",
        title: "No policy of a role allows all of a service",
        severity: Severity::Low,
        check: whole_service,
    },
    Control {
        id: "I3",
        title: "Every notebook has its own role; only the people who are named, and services for this account, take roles",
        severity: Severity::Critical,
        check: trust,
    },
    Control {
        id: "I14",
        title: "A role can be handed on only to SageMaker, and only by whom it is for",
        severity: Severity::Critical,
        check: pass,
    },
    Control {
        id: "I16",
        title: "Roles reach no bucket but the project's",
        severity: Severity::Critical,
        check: foreign_buckets,
    },
    Control {
        id: "I18",
        title: "Roles reach nothing of another project in SageMaker",
        severity: Severity::High,
        check: neighbours,
    },
    Control {
        id: "I19",
        title: "Every role has the project's permissions boundary, and none can change roles or policies",
        severity: Severity::Critical,
        check: boundary,
    },
    Control {
        id: "I21",
        title: "Roles reach nothing in other accounts",
        severity: Severity::Critical,
        check: perimeter,
    },
    Control {
        id: "I24",
        title: "Roles, boundaries, buckets, keys and endpoints have the project's policies, unchanged, and nothing else is attached",
        severity: Severity::High,
        check: unchanged,
    },
    Control {
        id: "P1",
        title: "Nothing bears the project's tags that the project does not declare, and nothing is there twice",
        severity: Severity::High,
        check: undeclared,
    },
];

fn full_admin(scene: &Scene<'_>) -> Outcome {
    let everything = |statement: &Statement| statement.actions.contains("*") && statement.resources.contains("*");
    policies(scene, "allows every action on every resource", everything)
}

fn whole_service(scene: &Scene<'_>) -> Outcome {
    let whole = |statement: &Statement| statement.actions.iter().any(|action| action.ends_with(":*"));
    scene.of_each::<IamRole>(|_, it| allows(it.inline.values(), "allows all of a service", whole))
}

/// Looks for statements that allow what `wrong` says, in boundaries and roles.
fn policies(scene: &Scene<'_>, said: &str, wrong: impl Fn(&Statement) -> bool) -> Outcome {
    let roles = scene.of_each::<IamRole>(|_, it: &iam_role::Attributes| allows(it.inline.values(), said, &wrong));
    let policies = scene.of_each::<IamPolicy>(|_, it: &iam_policy::Attributes| allows([&it.document], said, &wrong));
    roles.and(policies)
}

fn allows<'a>(
    documents: impl IntoIterator<Item = &'a Document>,
    said: &str,
    wrong: impl Fn(&Statement) -> bool,
) -> (bool, String) {
    let statements = documents.into_iter().flat_map(|document| &document.statements);
    let allowing: Vec<&Statement> = statements
        .filter(|statement| statement.effect == Effect::Allow)
        .collect();
    // What is denied of an allow by naming the rest allows all the rest.
    let found = |statement: &&&Statement| !statement.not_actions.is_empty() || wrong(statement);
    match allowing.iter().find(found) {
        Some(statement) => (false, format!("the statement `{}` {said}", statement.sid)),
        None => (
            true,
            format!("it has {} statements that allow; none {said}", allowing.len()),
        ),
    }
}

fn trust(scene: &Scene<'_>) -> Outcome {
    let notebooks = scene.of_each::<Notebook>(|node, it| {
        let own = scene.output(IamRole::NAME, &format!("notebook-{}", node.key.name), "arn");
        (it.role_arn == own, format!("its role is {}", it.role_arn))
    });
    let mut probes = Vec::new();
    for node in scene.nodes::<IamRole>() {
        let arn = scene.output(IamRole::NAME, &node.key.name, "arn");
        let take = |who: Who| Probe::refused(who, "sts:AssumeRole", arn.clone()).about(&node.key);
        let name = |probe: Probe| probe.with("sts:RoleSessionName", ["thief"]);
        probes.push(name(take(Who::Stranger)).outside());
        probes.push(name(take(Who::AccountAdmin)).outside());
        probes.extend(everybody(scene).into_iter().map(|who| name(take(who))));
        let account = &scene.project.account.id;
        for service in ["lambda.amazonaws.com", "ec2.amazonaws.com", "glue.amazonaws.com"] {
            probes.push(take(Who::Service(service.to_owned(), account.clone())).outside());
        }
        for service in [
            "sagemaker.amazonaws.com",
            "servicecatalog.amazonaws.com",
            "vpc-flow-logs.amazonaws.com",
        ] {
            probes.push(take(Who::Service(service.to_owned(), STRANGERS.to_owned())).outside());
        }
    }
    notebooks.and(judge(scene, probes))
}

fn pass(scene: &Scene<'_>) -> Outcome {
    let mut probes = Vec::new();
    let sagemaker = ["sagemaker.amazonaws.com"];
    let foreign = [
        (scene.project.role_arn("operations"), "of another role of the account"),
        (
            format!("arn:{}:iam::{STRANGERS}:role/theirs", scene.project.account.partition),
            "of another account's role",
        ),
    ];
    let person = (
        scene.output(IamRole::NAME, "admin", "arn"),
        "of the administrators' role",
    );
    for who in everybody(scene) {
        for (arn, said) in foreign.iter().chain([&person]) {
            let pass = Probe::refused(who.clone(), "iam:PassRole", arn.clone()).outside();
            probes.push(pass.with("iam:PassedToService", sagemaker).said(*said));
        }
        for execution in code(scene) {
            let Who::Role(node) = &execution else { continue };
            let arn = scene.output(IamRole::NAME, node, "arn");
            let pass = Probe::refused(who.clone(), "iam:PassRole", arn)
                .outside()
                .said(format!("of {node}"));
            probes.push(
                pass.clone()
                    .with("iam:PassedToService", ["lambda.amazonaws.com"])
                    .said(format!("of {node} to Lambda")),
            );
            if code(scene).contains(&who) && who != execution {
                probes.push(pass.with("iam:PassedToService", sagemaker).not_alone());
            }
        }
    }
    judge(scene, probes)
}

fn foreign_buckets(scene: &Scene<'_>) -> Outcome {
    let partition = &scene.project.account.partition;
    let data = scene.output(Bucket::NAME, "data", "arn");
    let objects = [
        (
            format!("arn:{partition}:s3:::somewhere-else/loot.csv"),
            "in a bucket of the account",
        ),
        (format!("{data}-2/loot.csv"), "in a bucket whose name begins like ours"),
    ];
    let mut probes = Vec::new();
    for who in everybody(scene) {
        for (arn, said) in &objects {
            for action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] {
                let ask = Probe::refused(who.clone(), action, arn.clone()).said(*said);
                probes.push(ask.clone());
                probes.push(ask.outside());
            }
        }
        for action in [
            "s3:CreateBucket",
            "s3:PutBucketPolicy",
            "s3:PutReplicationConfiguration",
        ] {
            probes.push(Probe::refused(who.clone(), action, data.clone()).outside());
        }
    }
    judge(scene, probes)
}

/// What is done to what stands in SageMaker.
const TOUCHING: &[&str] = &[
    "sagemaker:DescribeTrainingJob",
    "sagemaker:StopTrainingJob",
    "sagemaker:StopProcessingJob",
    "sagemaker:StopHyperParameterTuningJob",
    "sagemaker:StopTransformJob",
    "sagemaker:DescribeModel",
    "sagemaker:DeleteModel",
    "sagemaker:InvokeEndpoint",
    "sagemaker:UpdateEndpoint",
    "sagemaker:DeleteEndpoint",
    "sagemaker:DeleteEndpointConfig",
    "sagemaker:DeleteMonitoringSchedule",
    "sagemaker:DeleteExperiment",
    "sagemaker:UpdatePipeline",
    "sagemaker:StartPipelineExecution",
    "sagemaker:DeletePipeline",
    "sagemaker:DescribeNotebookInstance",
    "sagemaker:StartNotebookInstance",
    "sagemaker:StopNotebookInstance",
    "sagemaker:DeleteNotebookInstance",
];

fn neighbours(scene: &Scene<'_>) -> Outcome {
    if !scene.settings.project_tags {
        return Outcome::NotApplicable(
            "spec.guardrails.requireProjectTags is off: projects of the account share what bears no tags",
        );
    }
    let mut probes = Vec::new();
    for who in everybody(scene) {
        for action in TOUCHING {
            let ask = Probe::refused(who.clone(), action, made_by(scene, action)).outside();
            probes.push(ask.clone().tagged(scene, NEIGHBOUR).said("of another project"));
            probes.push(ask.said("of nobody"));
        }
    }
    judge(scene, probes)
}

/// Ways to lift oneself above one's policies.
const LIFTING: &[&str] = &[
    "iam:AttachRolePolicy",
    "iam:CreateAccessKey",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
];

fn boundary(scene: &Scene<'_>) -> Outcome {
    let stands = scene.of_each::<IamRole>(|node, it| {
        let known = scene
            .roles
            .get(&node.key.name)
            .is_some_and(|role| role.boundary.is_some());
        match &it.boundary {
            None => (false, "it has no permissions boundary".to_owned()),
            Some(arn) if known => (true, format!("its permissions boundary is {arn}")),
            Some(arn) => (
                false,
                format!("its permissions boundary is {arn}, which is not the project's"),
            ),
        }
    });
    let mut probes = Vec::new();
    for who in everybody(scene) {
        for action in LIFTING {
            let on = if action.contains("PolicyVersion") {
                let first = scene.nodes::<IamPolicy>().next();
                first.map_or_else(String::new, |node| scene.output(IamPolicy::NAME, &node.key.name, "arn"))
            } else {
                scene.output(IamRole::NAME, "admin", "arn")
            };
            probes.push(Probe::refused(who.clone(), action, on).outside());
        }
    }
    stands.and(judge(scene, probes))
}

fn perimeter(scene: &Scene<'_>) -> Outcome {
    let partition = &scene.project.account.partition;
    let bucket = format!("arn:{partition}:s3:::strangers");
    let away = [
        ("s3:PutObject", format!("{bucket}/loot.csv")),
        ("s3:GetObject", format!("{bucket}/loot.csv")),
        ("s3:ListBucket", bucket),
        ("kms:Encrypt", strange(scene, "kms", FOREIGN_KEY)),
        ("kms:Decrypt", strange(scene, "kms", FOREIGN_KEY)),
        ("ecr:PutImage", strange(scene, "ecr", "repository/theirs")),
        (
            "codeartifact:PublishPackageVersion",
            strange(scene, "codeartifact", "package/theirs/theirs/pypi//loot"),
        ),
        ("codecommit:GitPush", strange(scene, "codecommit", "theirs")),
        (
            "logs:PutLogEvents",
            strange(scene, "logs", "log-group:theirs:log-stream:theirs"),
        ),
        ("sqs:SendMessage", strange(scene, "sqs", "theirs")),
        ("sns:Publish", strange(scene, "sns", "theirs")),
        ("lambda:InvokeFunction", strange(scene, "lambda", "function:theirs")),
        (
            "sagemaker:InvokeEndpoint",
            strange(scene, "sagemaker", "endpoint/theirs"),
        ),
        (
            "sts:AssumeRole",
            format!("arn:{partition}:iam::{STRANGERS}:role/theirs"),
        ),
    ];
    let mut probes = Vec::new();
    for who in everybody(scene) {
        for (action, on) in &away {
            let account = [STRANGERS];
            let ask = Probe::refused(who.clone(), action, on.clone()).with("aws:ResourceAccount", account);
            let ask = ask.tagged(scene, &scene.project.name).said("in another account");
            probes.push(ask.clone());
            probes.push(ask.outside());
        }
    }
    judge(scene, probes)
}

/// The policies hold together: what one layer no longer refuses, another still may. It is to be known all the same.
fn unchanged(scene: &Scene<'_>) -> Outcome {
    let roles = scene.of_each::<IamRole>(|node, it| {
        let Some(declared) = scene.declared::<IamRole>(node) else {
            return (false, UNREADABLE.to_owned());
        };
        let differs = differences(&declared, it);
        match differs.is_empty() {
            true => (
                true,
                format!(
                    "{} policies and its trust are as declared, and nothing else is attached",
                    it.inline.len()
                ),
            ),
            false => (false, differs.join(", ")),
        }
    });
    let policies = [
        policy_unchanged::<IamPolicy, _>(scene, |it| it.document.clone()),
        policy_unchanged::<Bucket, _>(scene, |it| it.policy.clone()),
        policy_unchanged::<KmsKey, _>(scene, |it| it.policy.clone()),
        policy_unchanged::<VpcEndpoint, _>(scene, |it| it.policy.clone()),
    ];
    policies.into_iter().fold(roles, Outcome::and)
}

/// Whether the policy of each resource of kind `K`, which `policy` takes from its attributes, is the declared one.
fn policy_unchanged<K: Kind, T: PartialEq>(scene: &Scene<'_>, policy: impl Fn(&K::Attributes) -> T) -> Outcome {
    scene.of_each::<K>(|node, it| {
        let declared = scene.declared::<K>(node);
        match declared.is_some_and(|declared| policy(&declared) == policy(it)) {
            true => (true, "its policy is as declared".to_owned()),
            false => (false, "its policy is not what was declared".to_owned()),
        }
    })
}

/// What bears the project's tags and is none of its resources may be anything: a role that everybody takes, an endpoint to
/// somebody's service. Of two that are the same resource, only one was looked into.
fn undeclared(scene: &Scene<'_>) -> Outcome {
    let findings = scene.surplus().map(|(node, object, twice)| Finding {
        resource: node.to_string(),
        id: Some(object.outputs.get("arn").unwrap_or(&object.id).clone()),
        verdict: Verdict::Fail,
        evidence: if twice {
            "it is there more than once"
        } else {
            "it bears the project's tags and is not declared"
        }
        .to_owned(),
    });
    let mut findings: Vec<Finding> = findings.collect();
    if findings.is_empty() {
        findings.push(Finding {
            resource: scene.project.owner.to_string(),
            id: None,
            verdict: Verdict::Pass,
            evidence: "everything that bears its tags is declared, and there once".to_owned(),
        });
    }
    Outcome::Found(findings)
}

/// In what the role `it` is more, less or other than it was declared.
fn differences(declared: &iam_role::Attributes, it: &iam_role::Attributes) -> Vec<String> {
    let names: BTreeSet<&String> = declared.inline.keys().chain(it.inline.keys()).collect();
    let compared = names
        .into_iter()
        .filter_map(|name| match (declared.inline.get(name), it.inline.get(name)) {
            (Some(_), None) => Some(format!("its policy {name} is gone")),
            (None, Some(_)) => Some(format!("it has also the policy {name}")),
            (wanted, found) => (wanted != found).then(|| format!("its policy {name} was changed")),
        });
    let trust = (declared.trust != it.trust).then(|| "its trust was changed".to_owned());
    let attached = it.attached.iter().map(|arn| format!("{arn} is attached to it"));
    let profiles = it
        .instance_profiles
        .iter()
        .map(|name| format!("it is in the instance profile {name}"));
    compared.chain(trust).chain(attached).chain(profiles).collect()
}
