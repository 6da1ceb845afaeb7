//! The audit's report, in the forms that people and other programs read.

mod asff;
mod html;
mod text;

use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;
use jiff::Timestamp;

use super::passes::Session;
use super::subject::Subject;
use crate::audit::{Report, audit};
use crate::plan::Goal;

/// How the report is printed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// Findings for AWS Security Hub, as `aws securityhub batch-import-findings` takes them.
    Asff,
    /// A page that holds all it shows, to be filed.
    Html,
}

/// Audits what AWS holds of `subject` now.
pub(super) async fn report(subject: &Subject) -> Result<Report> {
    let mut session = Session::open(subject.project().await?, &subject.common).await?;
    let (world, _) = session.look(Goal::Present, Instant::now()).await?;
    Ok(audit(&session.project, &session.blueprint, &world))
}

/// `report` as `format`, made at the moment `at`.
pub(super) fn print(report: &Report, format: Format, at: Timestamp) -> Result<String> {
    Ok(match format {
        Format::Text => text::print(report),
        Format::Json => serde_json::to_string_pretty(&Dated { at, report })? + "\n",
        Format::Asff => serde_json::to_string_pretty(&asff::findings(report, at))? + "\n",
        Format::Html => html::page(report, at),
    })
}

#[derive(serde::Serialize)]
struct Dated<'a> {
    at: Timestamp,
    #[serde(flatten)]
    report: &'a Report,
}
