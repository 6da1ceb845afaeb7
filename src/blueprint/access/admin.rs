//! The role of people who administer the project: they host and approve models, stop what runs, manage the keys without
//! using them, and look after everybody's notebooks without opening them. Jobs they start in a notebook of their own:
//! a job needs a role, and no role but those of notebooks is for jobs.

use std::collections::BTreeMap;

use super::common::{self, LISTS, LOG_READS, NETWORK};
use super::ground::Ground;
use super::{boundary, flow_logs, guardrails, notebook};
use crate::policy::{Document, Statement};

/// The policies of the role.
pub(super) fn policies(ground: &Ground<'_>) -> BTreeMap<String, Document> {
    let work = [
        buckets(ground),
        keys(ground),
        common::grants(ground),
        common::parameters(ground),
        common::git(ground),
        common::own(ground),
        guardrails::make(ground),
        guardrails::version(ground),
        Statement::allow("Any")
            .actions(LISTS.into_iter().chain(NETWORK))
            .anywhere(),
        Statement::allow("Logs")
            .actions(LOG_READS)
            .resources([ground.sagemaker_logs(), flow_logs::streams(ground)]),
    ];
    let mut denied = guardrails::hosting(ground);
    denied.extend([notebook::scripts(), boundary::elsewhere(ground)]);
    BTreeMap::from([
        ("work".to_owned(), Document::new(work)),
        ("guardrails".to_owned(), Document::new(denied)),
    ])
}

/// Seeing what the buckets hold and how they are kept; reading objects would take the key.
pub(super) fn buckets(ground: &Ground<'_>) -> Statement {
    Statement::allow("Buckets")
        .actions(["s3:GetBucket*", "s3:ListBucket*"])
        .resources(ground.buckets())
}

/// Managing the keys. Making grants is not among it: a grant is a way to use a key.
pub(super) fn keys(ground: &Ground<'_>) -> Statement {
    let administer = Statement::allow("KeyAdmin").actions([
        "kms:Cancel*",
        "kms:DescribeKey",
        "kms:DisableK*",
        "kms:EnableK*",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotation*",
        "kms:List*",
        "kms:PutKeyPolicy",
        "kms:RevokeGrant",
        "kms:Schedule*",
        "kms:TagResource",
        "kms:UntagResource",
        "kms:UpdateKey*",
    ]);
    ground.on_keys(administer)
}
