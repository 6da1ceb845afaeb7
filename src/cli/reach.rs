//! Whether a project's network has a way out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use clap::Args;

use super::{Output, Target};
use crate::aws::{Aws, Share};
use crate::engine::{Inventory, Permit};
use crate::model::Owner;
use crate::reach::{check_live, render};

/// Whose network, and in whose name.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The name of the project, in the place of its manifest.
    #[arg(conflicts_with = "filename", required_unless_present = "filename")]
    name: Option<String>,
    /// The manifest of the project.
    #[arg(short, long)]
    filename: Option<PathBuf>,
    /// The namespace, where the manifest names none.
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The installation in whose name resources are owned: the controller's, to see what the controller sees.
    #[arg(long, env = "SECUREML_INSTALLATION", default_value = "default")]
    installation: String,
    /// How much of AWS's published request limits may be used; see `secureml plan --help`.
    #[arg(long, env = "SECUREML_AWS_RATE_SHARE", default_value = "0.5")]
    aws_rate_share: Share,
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Looks and tells.
pub(super) async fn run(options: &Options) -> Result<ExitCode> {
    let owner = options.owner()?;
    let aws = Arc::new(Aws::from_env(options.aws_rate_share).await);
    let inventory = Inventory::new(aws, &options.installation, Permit::always());
    let report = check_live(&inventory, &owner)
        .await
        .map_err(|failure| anyhow!("cannot look at the network: {failure}; {}", failure.class.hint()))?;
    ensure!(
        !report.vpcs.is_empty(),
        "no VPC of the account and region belongs to {owner}: check the project's name, --namespace and --installation"
    );
    match options.output {
        Output::Text => print!("{}", render(&report)),
        Output::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(if report.paths.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

impl Options {
    fn owner(&self) -> Result<Owner> {
        let Some(filename) = &self.filename else {
            let name = self.name.as_deref().unwrap_or_default();
            return Ok(Owner::new(&self.installation, &self.namespace, name));
        };
        let target = Target {
            filename: filename.clone(),
            namespace: self.namespace.clone(),
            installation: self.installation.clone(),
            aws_rate_share: self.aws_rate_share,
        };
        Ok(target.owner(&target.project()?))
    }
}
