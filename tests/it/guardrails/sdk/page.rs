//! The page `docs/sdk.md`.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;

use super::verdict::{Task, Verdicts};

/// One version of the SDK, and what each preset says to its tasks.
pub struct Version {
    pub name: &'static str,
    /// With the defaults that a notebook's start script writes.
    pub with: Vec<Verdicts>,
    /// Without them.
    pub without: Vec<Verdicts>,
}

const HEAD: &str = "\
# The SageMaker Python SDK under the guardrails
";

pub fn text(versions: &[Version]) -> Result<String> {
    let mut text = HEAD.to_owned();
    let mut remedies: BTreeMap<&String, &String> = BTreeMap::new();
    for Version { name, with, without } in versions {
        writeln!(text, "\n## Version {name} in a notebook of the project")?;
        table(&mut text, with)?;
        writeln!(text, "\n## Version {name} without the defaults")?;
        table(&mut text, without)?;
        remedies.extend(with.iter().chain(without).flat_map(|verdicts| &verdicts.remedies));
    }
    text.push_str("\n## What to do where a call is denied\n");
    for (sid, remedy) in remedies {
        writeln!(text, "- `{sid}`: {remedy}")?;
    }
    Ok(text)
}

fn table(text: &mut String, presets: &[Verdicts]) -> Result<()> {
    text.push_str("| task | Published | Standard | Strict |\n|---|---|---|---|\n");
    for (i, task) in presets[0].tasks.iter().enumerate() {
        let cells: Vec<String> = presets.iter().map(|verdicts| cell(&verdicts.tasks[i])).collect();
        writeln!(text, "| `{}` | {} |", task.name, cells.join(" | "))?;
    }
    Ok(())
}

/// The operations that are denied, those with the same remedies together.
fn cell(task: &Task) -> String {
    if task.denied.is_empty() {
        return "allowed".to_owned();
    }
    let mut alike: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for (operation, sids) in &task.denied {
        let name = operation.split_once(':').map_or(operation.as_str(), |(_, name)| name);
        let sids = sids.iter().map(String::as_str).collect();
        alike.entry(sids).or_default().push(name);
    }
    let groups = alike.iter().map(|(sids, operations)| {
        let operations = operations.join("`, `");
        match sids.as_slice() {
            [] => format!("`{operations}`: nobody may"),
            sids => format!("`{operations}`: `{}`", sids.join("`, `")),
        }
    });
    format!("denied: {}", groups.collect::<Vec<_>>().join("; "))
}
