//! The role that AWS Service Catalog launches notebooks with, for people who have no other way to ask for one: in
//! the approved shape and no other.

use std::collections::BTreeMap;

use super::ground::Ground;
use super::{boundary, common, guardrails};
use crate::policy::{Document, Statement};

/// What the role does with notebooks that are there.
pub(super) const NOTEBOOKS: [&str; 4] = [
    "sagemaker:DeleteNotebookInstance",
    "sagemaker:DescribeNotebookInstance",
    "sagemaker:StartNotebookInstance",
    "sagemaker:StopNotebookInstance",
];

/// The policies of the role.
pub(super) fn policies(ground: &Ground<'_>) -> BTreeMap<String, Document> {
    let mut work = vec![
        guardrails::notebook(ground),
        guardrails::tag(ground),
        Statement::allow("Notebooks")
            .actions(NOTEBOOKS)
            .anywhere()
            .given_all(ground.tagged()),
        common::grants(ground),
        ground.on_keys(Statement::allow("SeeKey").actions(["kms:DescribeKey"])),
        common::parameters(ground),
        Statement::allow("Any")
            .actions(common::NETWORK.into_iter().chain(["sagemaker:List*"]))
            .anywhere(),
    ];
    let roles = ground.notebook_roles();
    work.extend((!roles.is_empty()).then(|| Ground::pass(roles)));
    let denied = [boundary::elsewhere(ground)];
    BTreeMap::from([
        ("work".to_owned(), Document::new(work)),
        ("guardrails".to_owned(), Document::new(denied)),
    ])
}
