//! The execution role of a notebook, and of the jobs started in it.

use std::collections::BTreeMap;

use super::common::{self, CRYPTOGRAPHY, IMAGES, INTERFACES, LISTS, LOGS, NETWORK, PACKAGES};
use super::ground::Ground;
use super::{boundary, guardrails};
use crate::policy::{Document, Statement, global, sagemaker};

/// The policies of the role of the notebook `name`.
pub(super) fn policies(ground: &Ground<'_>, name: &str) -> BTreeMap<String, Document> {
    let mut denied = guardrails::denied(ground);
    denied.extend([others(ground, name), scripts(), approval(), boundary::elsewhere(ground)]);
    BTreeMap::from([
        ("work".to_owned(), Document::new(work(ground, name))),
        ("guardrails".to_owned(), Document::new(denied)),
    ])
}

fn work(ground: &Ground<'_>, name: &str) -> Vec<Statement> {
    vec![
        common::data(ground, common::OBJECTS),
        Statement::allow("Key")
            .actions(CRYPTOGRAPHY.into_iter().chain(["kms:DescribeKey"]))
            .resources([&ground.key]),
        common::grant().resources([&ground.key]),
        common::parameters(ground),
        common::client(ground),
        // What a schedule may describe is in the denies; the boundary lets it name a job definition and no more.
        common::own(ground).actions(["sagemaker:UpdateMonitoringSchedule"]),
        make(ground),
        guardrails::version(ground),
        Ground::pass([ground.notebook_role(name)]),
        Statement::allow("Any")
            .actions(
                LISTS
                    .into_iter()
                    .chain(IMAGES)
                    .chain(PACKAGES)
                    .chain(INTERFACES)
                    .chain(NETWORK),
            )
            .anywhere(),
        Statement::allow("Token")
            .actions(["sts:GetServiceBearerToken"])
            .anywhere()
            .given(global::TOKEN_SERVICE.is(["codeartifact.amazonaws.com"])),
        Statement::allow("Metrics")
            .actions(["cloudwatch:PutMetricData"])
            .anywhere()
            .given(global::METRIC_NAMESPACE.like(["/aws/sagemaker/*", "aws/sagemaker/*"])),
        Statement::allow("Logs")
            .actions(LOGS)
            .resources([ground.sagemaker_logs()]),
    ]
}

/// Making jobs, models and endpoints, with the project's tags.
pub(super) fn make(ground: &Ground<'_>) -> Statement {
    let actions = guardrails::making(ground)
        .into_iter()
        .chain(["sagemaker:AddTags".to_owned()]);
    Statement::allow("Make")
        .actions(actions)
        .anywhere()
        .given_all(ground.tagging())
        .given_all(ground.tagged_if_present())
}

/// The notebook may stop itself when nobody uses it; other notebooks are none of its business.
fn others(ground: &Ground<'_>, name: &str) -> Statement {
    Statement::deny("OtherNotebooks")
        .actions([
            "sagemaker:CreatePresignedN*",
            "sagemaker:DeleteNotebookInstance",
            "sagemaker:St*NotebookInstance",
        ])
        .not_resources([ground.notebook(name)])
}

/// Scripts of notebooks run as root; neither they nor notebooks are made or changed from inside.
pub(super) fn scripts() -> Statement {
    Statement::deny("Notebooks")
        .actions([
            "sagemaker:CreateNotebookInstance*",
            "sagemaker:DeleteNotebookInstanceL*",
            "sagemaker:UpdateNotebookInstance*",
        ])
        .anywhere()
}

/// Models are approved by somebody else than their author.
fn approval() -> Statement {
    Statement::deny("Approval")
        .actions(["sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"])
        .anywhere()
        .given(sagemaker::MODEL_APPROVAL_STATUS.is_in_any_case(["Approved"]))
}
