//! Whether a project's network has a way out.

use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};

use super::Output;
use super::subject::Subject;
use crate::aws::Aws;
use crate::engine::{Inventory, Permit};
use crate::reach::{Report, check_live, render};

/// What there is to say of the network of `subject` now.
pub(super) async fn report(subject: &Subject) -> Result<Report> {
    let owner = subject.common.owner(&subject.project().await?);
    let aws = Arc::new(Aws::from_env(subject.common.aws_rate_share).await?);
    let inventory = Inventory::new(aws, &subject.common.installation, Permit::always());
    let report = check_live(&inventory, &owner)
        .await
        .map_err(|failure| anyhow!("cannot look at the network: {}", failure.sentence()))?;
    ensure!(
        !report.vpcs.is_empty(),
        "no VPC of the account and region belongs to {owner}: check --namespace and --installation"
    );
    Ok(report)
}

/// `report` as `output`.
pub(super) fn print(report: &Report, output: Output) -> Result<String> {
    Ok(match output {
        Output::Text => render(report),
        Output::Json => serde_json::to_string_pretty(report)? + "\n",
    })
}
