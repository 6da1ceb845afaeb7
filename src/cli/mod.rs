//! The command line: the same engine, with or without a cluster.

mod offline;
mod organization;
mod passes;
mod reach;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Parser, Subcommand, ValueEnum};
use kube::CustomResourceExt;

use crate::api::{SecureMLProject, check};
use crate::aws::{ACCOUNT_PERMISSIONS, Share};
use crate::kinds::{KINDS, permissions};
use crate::plan::{Goal, Plan, render};

/// Keeps secure machine-learning environments on AWS exactly as declared.
#[derive(Debug, Parser)]
#[command(name = "secureml", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows what would change on AWS, and why. Exit code 0: nothing, 2: changes, 1: error.
    Plan {
        #[command(flatten)]
        target: Target,
        /// How the plan is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
        /// Plans against an empty account, without any access to AWS.
        #[arg(long)]
        offline: bool,
    },
    /// Makes AWS hold what the file declares.
    Apply {
        #[command(flatten)]
        target: Target,
    },
    /// Removes what the file declares from AWS, save what is to be retained.
    Destroy {
        #[command(flatten)]
        target: Target,
    },
    /// Prints the custom resource definitions.
    Crds,
    /// Prints the IAM policy that the controller's role needs, and no more than it needs.
    IamPolicy {
        /// The installation whose resources the policy is about; any, unless it is named.
        #[arg(long, env = "SECUREML_INSTALLATION", default_value = "*")]
        installation: String,
    },
    /// Prints what each role of the project may do, what is denied to it and why, in Markdown. Needs no access to AWS.
    Handbook {
        #[command(flatten)]
        target: Target,
        /// One page only: `admin`, `user`, `launch`, `flow-logs`, `notebook-<name>` or `data`.
        #[arg(long)]
        page: Option<String>,
    },
    /// Shows whether the project's network has a way out, hop by hop. Exit code 0: none, 2: open paths or such that are
    /// closed by a rule only, 1: error.
    Reach(reach::Options),
    /// Writes the guardrails as policies of an AWS organisation: service control policies and a resource control policy.
    OrganizationPolicies(organization::Options),
    /// Runs the controller.
    #[cfg(feature = "controller")]
    Controller(crate::controller::Options),
}

/// Which project, and in whose name.
#[derive(Debug, Args)]
struct Target {
    /// The manifest of the project.
    #[arg(short, long)]
    filename: PathBuf,
    /// The namespace, where the manifest names none.
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The installation in whose name resources are owned: the controller's, to see what the controller sees.
    #[arg(long, env = "SECUREML_INSTALLATION", default_value = "default")]
    installation: String,
    /// How much of AWS's published request limits may be used, above 0 and at most 1; the rest is left to others in the
    /// account. `none`: no pace of our own.
    #[arg(long, env = "SECUREML_AWS_RATE_SHARE", default_value = "0.5")]
    aws_rate_share: Share,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Runs the command of `cli`.
///
/// # Errors
/// When it could not do what it was asked.
pub async fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Plan {
            target,
            output,
            offline,
        } => {
            let plan = if offline {
                offline::plan(&target)?
            } else {
                passes::plan(&target).await?
            };
            print(&plan, output)?;
            Ok(if plan.is_settled() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(2)
            })
        }
        Command::Apply { target } => passes::run(&target, Goal::Present).await,
        Command::Destroy { target } => passes::run(&target, Goal::Absent).await,
        Command::Crds => {
            print!("{}", crds()?);
            Ok(ExitCode::SUCCESS)
        }
        Command::IamPolicy { installation } => {
            print!("{}", iam_policy(&installation)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Handbook { target, page } => {
            print!("{}", offline::handbook(&target, page.as_deref())?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Reach(options) => reach::run(&options).await,
        Command::OrganizationPolicies(options) => {
            print!("{}", organization::write(&options)?);
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "controller")]
        Command::Controller(options) => {
            crate::controller::run(options).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The custom resource definitions, as YAML.
///
/// # Errors
/// When they cannot be written as YAML: a mistake in this program.
pub fn crds() -> Result<String> {
    let mut definition = serde_json::to_value(SecureMLProject::crd())?;
    reflow(&mut definition);
    Ok(serde_saphyr::to_string(&definition)?)
}

/// Descriptions are wrapped by whoever shows them: of the line breaks of the source, only those between paragraphs
/// stay.
fn reflow(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    serde_json::Value::String(text) if name == "description" => {
                        let paragraphs: Vec<String> = text.split("\n\n").map(|part| part.replace('\n', " ")).collect();
                        *text = paragraphs.join("\n\n");
                    }
                    _ => reflow(field),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(reflow),
        _ => {}
    }
}

/// The IAM policy of the controller of `installation`, as JSON.
///
/// # Errors
/// When it cannot be written as JSON: a mistake in this program.
pub fn iam_policy(installation: &str) -> Result<String> {
    let declared = KINDS.iter().flat_map(|kind| kind.permissions());
    let actions = declared.chain(ACCOUNT_PERMISSIONS).copied();
    let policy = permissions::policy(actions, installation);
    Ok(serde_json::to_string_pretty(&policy)? + "\n")
}

fn print(plan: &Plan, output: Output) -> Result<()> {
    match output {
        Output::Text => print!("{}", render(plan)),
        Output::Json => println!("{}", serde_json::to_string_pretty(plan)?),
    }
    Ok(())
}

impl Target {
    fn project(&self) -> Result<SecureMLProject> {
        let path = self.filename.display();
        let text = std::fs::read_to_string(&self.filename).with_context(|| format!("cannot read {path}"))?;
        let refused = || format!("{path} is not a SecureMLProject that can be built");
        let manifest: serde_json::Value = serde_saphyr::from_str(&text).with_context(refused)?;
        let problems = check(&manifest);
        if !problems.is_empty() {
            return Err(anyhow!(passes::list(&problems))).with_context(refused);
        }
        serde_saphyr::from_str(&text).with_context(refused)
    }

    fn owner(&self, project: &SecureMLProject) -> crate::model::Owner {
        let namespace = project.metadata.namespace.as_deref().unwrap_or(&self.namespace);
        let name = project.metadata.name.as_deref().unwrap_or_default();
        crate::model::Owner::new(&self.installation, namespace, name)
    }
}
