//! What each preset says to the calls of the published labs, as the labs write them: the page `docs/roles/presets.md`.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use secureml::api::Preset;

use super::ground::Ground;
use super::remedy::remedies;
use super::scenario::Case;
use super::suite::Suite;
use crate::generated::current;

const LABS: &str = include_str!("scenarios/labs.yaml");
pub const PRESETS: [Preset; 3] = [Preset::Published, Preset::Standard, Preset::Strict];

const HEAD: &str = "\
# What the presets say to the published labs
The labs of the published design (aws-samples/secure-data-science-reference-architecture) call AWS as below. Each call is
evaluated with all policies of a project under each preset, with the parameters that the lab's code gives, of the version 1
of the SageMaker Python SDK. The current SDK takes what code leaves out from the defaults that each notebook is given at
its start: see [the guide](../guide.md).

| call | Published | Standard | Strict |
|---|---|---|---|
";

#[test]
fn the_table_of_the_presets_is_current() -> Result<()> {
    let presets = PRESETS.map(evaluate).into_iter().collect::<Result<Vec<_>>>()?;
    let mut text = HEAD.to_owned();
    let mut remedies: BTreeMap<&String, &String> = BTreeMap::new();
    for at in 0..presets[0].len() {
        let rows = presets.iter().map(|preset| &preset[at]);
        let cells: Vec<String> = rows.clone().map(Row::verdict).collect();
        let _ = writeln!(text, "| {} | {} |", presets[0][at].name, cells.join(" | "));
        remedies.extend(rows.flat_map(|row| &row.remedies));
    }
    text.push_str("\n## What to do where a call is denied\n");
    for (sid, remedy) in remedies {
        let _ = writeln!(text, "- `{sid}`: {remedy}");
    }
    // What the labs are for works under the preset that is named after them.
    let denied: Vec<&str> = presets[0]
        .iter()
        .filter(|row| !row.allowed)
        .map(|row| row.name.as_str())
        .collect();
    ensure!(
        denied.len() == DENIED_TO_THE_LABS.len()
            && denied
                .iter()
                .zip(DENIED_TO_THE_LABS)
                .all(|(name, start)| name.contains(start)),
        "Published denies {denied:#?}"
    );
    current([Ok(("docs/roles/presets.md".to_owned(), text))])
}

/// What even Published denies, by a part of its name: what the lab shows to fail, data of somebody else's, and the names
/// of other projects' repositories.
const DENIED_TO_THE_LABS: &[&str] = &["without a network", "the workshop's own bucket", "list_repositories"];

/// One call of a lab under one preset.
struct Row {
    name: String,
    allowed: bool,
    /// What to do, by the name of the statement that says so.
    remedies: BTreeMap<String, String>,
}

impl Row {
    fn verdict(&self) -> String {
        if self.allowed {
            return "allowed".to_owned();
        }
        let sids: Vec<&str> = self.remedies.keys().map(String::as_str).collect();
        format!("denied: `{}`", sids.join("`, `"))
    }
}

fn evaluate(preset: Preset) -> Result<Vec<Row>> {
    let ground = Ground::under(preset)?;
    let mut cases = ground.world()?.cases("labs.yaml", LABS, &[])?;
    if preset == Preset::Published {
        cases.iter_mut().for_each(untag);
    }
    let evaluated = Suite::new(&ground.policies(), cases).evaluate()?;
    let mut rows: Vec<Row> = Vec::new();
    for one in &evaluated {
        let (name, _) = one.case.name.rsplit_once(" [").context("a name of a case")?;
        if rows.last().is_none_or(|row| row.name != name) {
            rows.push(Row {
                name: name.to_owned(),
                allowed: true,
                remedies: BTreeMap::new(),
            });
        }
        let Some(row) = rows.last_mut().filter(|_| !one.decision.allowed()) else {
            continue;
        };
        row.allowed = false;
        let remedies = remedies(&ground.ours, one)?;
        ensure!(!remedies.is_empty(), "{}: denied without a remedy", one.case.name);
        row.remedies.extend(remedies);
    }
    Ok(rows)
}

/// The labs tag nothing, and Published lets them.
fn untag(case: &mut Case) {
    if case.action.starts_with("sagemaker:") {
        case.context.retain(|key, _| !key.starts_with("aws:ResourceTag/"));
    }
}
