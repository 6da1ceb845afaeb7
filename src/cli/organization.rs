//! The guardrails for a whole organisation, as files.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::api::{Guardrails, Preset};
use crate::blueprint::organization::{Organization, OrganizationPolicy, policies};

/// For which organisation, and where to.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The id of the organisation: `o-` and 10 to 32 lower-case letters and digits.
    #[arg(long, value_parser = id)]
    organization: String,
    /// The ARN of the controllers' role, with `*` in the place of the account for all of the organisation's. Only it
    /// changes what the controllers own. May be given several times.
    #[arg(long = "controller", required = true, value_parser = role)]
    controllers: Vec<String>,
    /// What is demanded of jobs, models and notebooks in all accounts that the policies are attached to.
    #[arg(long, value_parser = preset, default_value = "Standard")]
    preset: Preset,
    /// The directory to write the policies to.
    #[arg(short, long, default_value = ".")]
    directory: PathBuf,
}

/// Writes the policies, and says which and how long they are.
pub(super) fn write(options: &Options) -> Result<String> {
    let organization = Organization {
        id: options.organization.clone(),
        controllers: options.controllers.clone(),
        guardrails: Guardrails {
            preset: options.preset,
            ..Guardrails::default()
        },
    };
    let directory = &options.directory;
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let mut said = String::new();
    for policy in policies(&organization) {
        let text = text(&policy)?;
        let path = directory.join(format!("{}.json", policy.name));
        std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        let (length, most) = (text.trim_end().chars().count(), policy.limit.characters());
        let _ = writeln!(said, "{}: {length} of {most} characters", path.display());
    }
    Ok(said)
}

/// For people where there is room for that: white space counts.
fn text(policy: &OrganizationPolicy) -> Result<String> {
    let OrganizationPolicy { name, limit, document } = policy;
    let most = limit.characters();
    let brief = document.to_brief_json();
    ensure!(
        brief.chars().count() <= most,
        "{name} would have {} characters, and AWS takes {most}: name fewer controllers",
        brief.chars().count()
    );
    let value: serde_json::Value = serde_json::from_str(&brief)?;
    let pretty = serde_json::to_string_pretty(&value)?;
    Ok(if pretty.chars().count() <= most { pretty } else { brief } + "\n")
}

fn preset(text: &str) -> Result<Preset, String> {
    let known = || "expected Published, Standard or Strict".to_owned();
    serde_json::from_value(text.into()).map_err(|_| known())
}

fn id(text: &str) -> Result<String, String> {
    let sound = |rest: &str| {
        (10..=32).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    match text.strip_prefix("o-") {
        Some(rest) if sound(rest) => Ok(text.to_owned()),
        _ => Err("an organisation is called o- and 10 to 32 lower-case letters and digits".to_owned()),
    }
}

fn role(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "iam", "", account, role]
            if !partition.is_empty() && !account.is_empty() && role.len() > 5 && role.starts_with("role/") =>
        {
            Ok(text.to_owned())
        }
        _ => Err("expected the ARN of a role, such as arn:aws:iam::*:role/secureml".to_owned()),
    }
}
