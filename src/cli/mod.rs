//! The command line: the same engine, with or without a cluster.

mod audit;
pub mod log;
mod offline;
mod organization;
mod passes;
#[cfg(feature = "controller")]
mod pause;
mod reach;
mod subject;

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use kube::CustomResourceExt;

use self::subject::{Subject, Target};
use crate::api::SecureMLProject;
use crate::aws::{ACCOUNT_PERMISSIONS, claims};
use crate::kinds::{KINDS, permissions};
use crate::model::{InvalidInstallation, installation};
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
        subject: Subject,
        /// How the plan is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
        /// Plans against an empty account, without any access to AWS.
        #[arg(long)]
        offline: bool,
    },
    /// Checks every control against what AWS holds, with evidence. Exit code 0: all hold, 2: some do not, 1: error.
    Audit {
        #[command(flatten)]
        subject: Subject,
        /// How the report is printed.
        #[arg(long, value_enum, default_value_t)]
        output: audit::Format,
    },
    /// Makes AWS hold what the file declares.
    Apply {
        #[command(flatten)]
        target: Target,
    },
    /// Removes what the file declares from AWS, except what is to be retained.
    Destroy {
        #[command(flatten)]
        target: Target,
    },
    /// Prints the custom resource definitions.
    Crds,
    /// Prints the IAM policy that the controller's role needs, and no more than it needs.
    IamPolicy {
        /// The installation whose resources the policy covers; by default any.
        #[arg(long, env = "SECUREML_INSTALLATION", default_value = ANY, value_parser = installation_or_any)]
        installation: String,
        /// Prints what adopting existing resources needs in addition, instead; attach it only while there is something to
        /// adopt.
        #[arg(long)]
        adopt: bool,
        /// A bucket that is adopted and keeps its own name: adds what the controller may do with it. May be given several
        /// times.
        #[arg(long, requires = "adopt")]
        bucket: Vec<String>,
    },
    /// Prints, in Markdown, what each role of the project may do, what it is denied, and why. Needs no access to AWS.
    Handbook {
        #[command(flatten)]
        subject: Subject,
        /// Only this page: `admin`, `user`, `launch`, `flow-logs`, `notebook-<name>` or `data`.
        #[arg(long)]
        page: Option<String>,
    },
    /// Shows whether the project's network has a way out, hop by hop. Exit code 0: none, 2: paths that are open, or closed
    /// only by a rule, 1: error.
    Reach {
        #[command(flatten)]
        subject: Subject,
        /// How the report is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Writes the guardrails as policies of an AWS organisation: service control policies and a resource control policy.
    OrganizationPolicies(organization::Options),
    /// Pauses the correction of a project: differences are still found and reported, but nothing is changed on AWS until the
    /// time is up. Exit code 0: paused, 2: no controller has answered yet, 1: error, or the controller refused.
    #[cfg(feature = "controller")]
    Pause(pause::Options),
    /// Ends a pause early.
    #[cfg(feature = "controller")]
    Resume(pause::Which),
    /// Runs the controller.
    #[cfg(feature = "controller")]
    Controller(crate::controller::Options),
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
            subject,
            output,
            offline,
        } => {
            let plan = if offline {
                offline::plan(&subject).await?
            } else {
                passes::plan(&subject).await?
            };
            print(&plan, output)?;
            Ok(all_well(plan.is_settled()))
        }
        Command::Audit { subject, output } => {
            let report = audit::report(&subject).await?;
            say(&audit::print(&report, output, Timestamp::now())?)?;
            Ok(all_well(report.holds()))
        }
        Command::Apply { target } => passes::run(&target, Goal::Present).await,
        Command::Destroy { target } => passes::run(&target, Goal::Absent).await,
        Command::Crds => {
            say(&crds()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::IamPolicy {
            installation,
            adopt,
            bucket,
        } => {
            let policy = if adopt {
                adoption_policy(&installation, &bucket)?
            } else {
                iam_policy(&installation)?
            };
            say(&policy)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Handbook { subject, page } => {
            say(&offline::handbook(&subject, page.as_deref()).await?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Reach { subject, output } => {
            let report = reach::report(&subject).await?;
            say(&reach::print(&report, output)?)?;
            Ok(all_well(report.is_closed()))
        }
        Command::OrganizationPolicies(options) => {
            say(&organization::write(&options)?)?;
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "controller")]
        Command::Pause(options) => pause::pause(&options).await,
        #[cfg(feature = "controller")]
        Command::Resume(which) => pause::resume(&which).await,
        #[cfg(feature = "controller")]
        Command::Controller(options) => {
            crate::controller::run(options).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// In the place of an installation's name: any.
const ANY: &str = "*";

fn installation_or_any(text: &str) -> Result<String, InvalidInstallation> {
    if text == ANY {
        Ok(text.to_owned())
    } else {
        installation(text)
    }
}

/// Prints `text`. Whoever reads may stop before the end, as `head` does.
///
/// # Errors
/// When it cannot be written for another reason.
fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// What tells a program whether all is as it should be.
fn all_well(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::from(2) }
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
    let own = ACCOUNT_PERMISSIONS.iter().chain(claims::PERMISSIONS);
    let actions = declared.chain(own).copied();
    let policy = permissions::policy(actions, installation);
    Ok(serde_json::to_string_pretty(&policy)? + "\n")
}

/// What the controller of `installation` needs beside to adopt, the `buckets` among it, as JSON.
fn adoption_policy(installation: &str, buckets: &[String]) -> Result<String> {
    let actions = KINDS.iter().flat_map(|kind| kind.permissions()).copied();
    let policy = permissions::adoption(actions, installation, buckets);
    Ok(serde_json::to_string_pretty(&policy)? + "\n")
}

fn print(plan: &Plan, output: Output) -> Result<()> {
    match output {
        Output::Text => say(&render(plan)),
        Output::Json => say(&(serde_json::to_string_pretty(plan)? + "\n")),
    }
}
