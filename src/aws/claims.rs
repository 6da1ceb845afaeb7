//! The claims on an installation, as parameters of AWS Systems Manager: one for each claimant, beside each other, so that
//! nobody ever writes over what another has written.

use aws_sdk_ssm::types::{ParameterTier, ParameterType, Tag};

use super::{Aws, pages};
use crate::engine::claim::{Claim, Claimant, Claims};
use crate::engine::{Class, Failure};
use crate::model::INSTALLATION_TAG;

/// The IAM actions that claims need.
pub const PERMISSIONS: &[&str] = &[
    "ssm:AddTagsToResource",
    "ssm:DeleteParameters",
    "ssm:GetParametersByPath",
    "ssm:PutParameter",
];

/// Where the claims on `installation` are.
pub fn path(installation: &str) -> String {
    format!("/secureml/installations/{installation}")
}

/// The name of the parameter that is `claimant`'s claim.
pub fn name(installation: &str, claimant: &Claimant) -> String {
    format!("{}/{claimant}", path(installation))
}

/// The claims that stand.
///
/// # Errors
/// When they cannot be read.
pub async fn read(aws: &Aws, installation: &str) -> Result<Claims, Failure> {
    let path = path(installation);
    let request = aws.ssm.get_parameters_by_path().path(&path).recursive(true);
    let found = pages!(
        aws,
        "ssm:GetParametersByPath",
        request.clone(),
        set_next_token,
        next_token,
        parameters
    );
    let claims = found.iter().filter_map(|parameter| {
        let claimant = claimant(parameter.name()?.strip_prefix(&path)?)?;
        // One that somebody has spoiled asks nothing and has heard nothing.
        let claim = serde_json::from_str(parameter.value().unwrap_or_default());
        Some((claimant, claim.unwrap_or_default()))
    });
    Ok(claims.collect())
}

/// Writes the claim of `claimant`.
///
/// # Errors
/// When AWS refuses, or does not answer.
pub async fn put(aws: &Aws, installation: &str, claimant: &Claimant, claim: &Claim) -> Result<(), Failure> {
    let name = name(installation, claimant);
    let value = serde_json::to_string(claim).unwrap_or_default();
    let request = || {
        let request = aws.ssm.put_parameter().name(&name).value(&value);
        let request = request.r#type(ParameterType::String).tier(ParameterTier::Standard);
        request.description("A controller of secureml that works in the name of this installation")
    };
    // AWS takes tags only for a parameter that is new.
    let tag = Tag::builder().key(INSTALLATION_TAG).value(installation).build().ok();
    let new = request().overwrite(false).set_tags(tag.map(|tag| vec![tag]));
    match aws.call("ssm:PutParameter", new.send()).await {
        Err(failure) if failure.class == Class::Taken => {
            aws.call("ssm:PutParameter", request().overwrite(true).send()).await?;
        }
        written => drop(written?),
    }
    Ok(())
}

/// Removes the claim of `claimant`, who is gone.
///
/// # Errors
/// When AWS refuses, or does not answer.
pub async fn strike(aws: &Aws, installation: &str, claimant: &Claimant) -> Result<(), Failure> {
    let request = aws.ssm.delete_parameters().names(name(installation, claimant));
    aws.call("ssm:DeleteParameters", request.send()).await?;
    Ok(())
}

/// Whose claim the parameter is whose name ends so.
fn claimant(end: &str) -> Option<Claimant> {
    let (cluster, start) = end.strip_prefix('/')?.split_once('/')?;
    Some(Claimant {
        cluster: cluster.to_owned(),
        start: start.parse().ok()?,
    })
}

/// The command that removes the claim of `claimant`.
pub fn removal(installation: &str, region: &str, claimant: &Claimant) -> String {
    let name = name(installation, claimant);
    format!("aws ssm delete-parameter --region {region} --name {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_found_by_its_name() {
        let claimant = Claimant {
            cluster: "0b1f-22".to_owned(),
            start: 17,
        };
        let name = name("prod", &claimant);
        assert_eq!(name, "/secureml/installations/prod/0b1f-22/17");
        assert_eq!(super::claimant(&name[path("prod").len()..]), Some(claimant));
        assert_eq!(super::claimant("uction/0b1f-22/17"), None, "another installation's");
        assert_eq!(super::claimant("/0b1f-22"), None);
    }
}
