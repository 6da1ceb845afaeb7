//! The real SageMaker Python SDK in a notebook of a project: plain code, without one parameter of security, against every
//! policy. What comes of it is the page `docs/sdk.md`.

mod driver;
mod fields;
mod operations;
mod page;
mod recorded;
mod verdict;

use std::thread;

use anyhow::{Result, anyhow, bail, ensure};
use secureml::api::Preset;

use super::labs::PRESETS;
use super::suite::Ground;
use crate::generated::current;
use driver::Done;
use page::Version;
use verdict::Verdicts;

/// The versions of the SDK, each with the directory below `tests/sdk` that has its tasks.
const VERSIONS: [(&str, &str); 2] = [("two", "2"), ("three", "3")];

/// The tasks that nothing stops without defaults either.
const NEED_NO_DEFAULTS: [&str; 1] = ["own_role"];

#[tokio::test(flavor = "multi_thread")]
async fn plain_code_keeps_to_the_guardrails_by_its_defaults_alone() -> Result<()> {
    let mut versions = Vec::new();
    for (directory, name) in VERSIONS {
        versions.push(version(directory, name).await?);
    }
    let mut obstacles = Vec::new();
    for Version { name, with, without } in &versions {
        for (preset, verdicts) in PRESETS.iter().zip(with).filter(|(preset, _)| **preset != Preset::Strict) {
            obstacles.extend(verdicts.obstacles().map(|text| format!("version {name}, {preset:?}: {text}")));
        }
        let harmless = without[1].harmless();
        ensure!(harmless == NEED_NO_DEFAULTS, "version {name} needs no defaults for {harmless:?}");
    }
    ensure!(obstacles.is_empty(), "{}", obstacles.join("\n"));
    current([Ok(("docs/sdk.md".to_owned(), page::text(&versions)?))])
}

/// What each preset says to the tasks in `directory`.
async fn version(directory: &'static str, name: &'static str) -> Result<Version> {
    let run = |preset: Preset, defaults: bool| {
        tokio::spawn(async move { driver::run(directory, &Ground::under(preset)?.ours, defaults).await })
    };
    // The defaults of Published are those of Standard, and without defaults all presets are the same to the SDK.
    let runs = [run(Preset::Standard, true), run(Preset::Strict, true), run(Preset::Standard, false)];
    let mut done = Vec::new();
    for run in runs {
        done.push(run.await??);
    }
    let [standard, strict, without] = done.as_slice() else {
        bail!("three runs");
    };
    let judged = |runs: [&[Done]; 3]| -> Result<Vec<Verdicts>> {
        thread::scope(|scope| {
            let judges = PRESETS.iter().zip(runs);
            let judges: Vec<_> = judges.map(|(&preset, done)| scope.spawn(move || Verdicts::of(preset, done))).collect();
            let verdicts = judges.into_iter().map(|judge| judge.join().map_err(|_| anyhow!("a judge panicked"))?);
            verdicts.collect()
        })
    };
    Ok(Version {
        name,
        with: judged([standard, standard, strict])?,
        without: judged([without, without, without])?,
    })
}
