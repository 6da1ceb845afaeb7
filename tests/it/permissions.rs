//! What the kinds say they need is what they use.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use secureml::aws::{ACCOUNT_PERMISSIONS, claims};
use secureml::kinds::{KINDS, permissions};
use secureml_rig::proxy::Calls;

/// Actions that no test makes the product use, and when it does use them.
const RARE: &[(&str, &str)] = &[
    (
        "ec2:DeleteEgressOnlyInternetGateway",
        "somebody puts such a gateway into the VPC",
    ),
    ("ec2:DeleteNatGateway", "somebody puts such a gateway into the VPC"),
    (
        "ec2:DeleteVpcPeeringConnection",
        "somebody connects the VPC with another",
    ),
];

/// Actions that are needed when AWS refuses to delete something, which it does when it pleases: to say what holds it.
const REFUSED: &[&str] = &[
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "iam:ListEntitiesForPolicy",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
];

/// Every call of the product is allowed by what is declared.
pub fn declared(calls: &Calls) -> Result<()> {
    let mut declared = all_declared();
    declared.extend(claims::PERMISSIONS);
    let missing: BTreeSet<String> = needed(calls)
        .into_iter()
        .filter(|action| !declared.contains(action.as_str()))
        .collect();
    ensure!(missing.is_empty(), "no kind declares {missing:?}");
    Ok(())
}

/// `calls`, those of a full life, are allowed by what is declared, and nothing is declared that they do not need.
pub fn used_and_declared(calls: &Calls) -> Result<()> {
    declared(calls)?;
    let needed = needed(calls);
    let rare = |action: &str| RARE.iter().any(|(rare, _)| *rare == action) || REFUSED.contains(&action);
    let idle: Vec<&str> = all_declared()
        .into_iter()
        .filter(|action| !needed.contains(*action) && !rare(action))
        .collect();
    ensure!(idle.is_empty(), "declared and never used: {idle:?}");
    let stale: Vec<_> = RARE.iter().filter(|(action, _)| needed.contains(*action)).collect();
    ensure!(
        stale.is_empty(),
        "used after all; strike them from the table: {stale:?}"
    );
    Ok(())
}

fn all_declared() -> BTreeSet<&'static str> {
    let kinds = KINDS.iter().flat_map(|kind| kind.permissions());
    kinds.chain(ACCOUNT_PERMISSIONS).copied().collect()
}

fn needed(calls: &Calls) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    for name in calls.counts().into_keys() {
        // Request signatures call the tagging API by another name than IAM does.
        let operation = name.replace("tagging:", "tag:");
        needed.insert(permissions::action(&operation).to_owned());
        needed.extend(permissions::beside(&operation).map(str::to_owned));
    }
    needed
}
