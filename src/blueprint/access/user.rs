//! The role of people who work in the project: they start, open and stop their own notebooks, and see what goes on.

use std::collections::BTreeMap;

use super::common::{self, LISTS, LOG_READS};
use super::ground::Ground;
use super::{boundary, notebook};
use crate::policy::{Document, Statement, global};

/// The policies of the role.
pub(super) fn policies(ground: &Ground<'_>) -> BTreeMap<String, Document> {
    let work = [
        Statement::allow("Run")
            .actions(["sagemaker:StartNotebookInstance", "sagemaker:StopNotebookInstance"])
            .anywhere()
            .given_all(ground.tagged())
            .given(global::USER_ID.like([boundary::OWNER])),
        boundary::open(ground),
        Statement::allow("See")
            .actions(["sagemaker:Describe*"])
            .anywhere()
            .given_all(ground.tagged()),
        Statement::allow("Any").actions(LISTS).anywhere(),
        Statement::allow("Logs")
            .actions(LOG_READS)
            .resources([ground.sagemaker_logs()]),
        common::git(ground),
        common::parameters(ground),
        // Starting a notebook attaches its encrypted volume.
        common::grants(ground),
        ground.on_keys(Statement::allow("SeeKey").actions(["kms:DescribeKey"])),
    ];
    let denied = [notebook::scripts(), boundary::elsewhere(ground)];
    BTreeMap::from([
        ("work".to_owned(), Document::new(work)),
        ("guardrails".to_owned(), Document::new(denied)),
    ])
}
