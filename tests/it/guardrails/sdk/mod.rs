//! The real SageMaker Python SDK in a notebook of a project: plain code, without one parameter of security, against every
//! policy. What comes of it is the page `docs/sdk.md`.

mod driver;
mod fields;
mod operations;
mod page;
mod recorded;
mod verdict;

use std::thread;

use anyhow::{Result, anyhow, ensure};
use secureml::api::Preset;

use super::ground::Ground;
use super::labs::PRESETS;
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
    let mut runs = Vec::new();
    for (directory, _) in VERSIONS {
        runs.push(Runs::of(directory).await?);
    }
    let judges = PRESETS.map(|preset| {
        let runs = runs.iter().flat_map(|runs| [runs.with(preset), &runs.without]);
        (preset, runs.collect::<Vec<_>>())
    });
    let presets: Vec<Vec<Verdicts>> = thread::scope(|scope| {
        let judges = judges.map(|(preset, runs)| scope.spawn(move || Verdicts::of(preset, &runs)));
        let judged = judges
            .into_iter()
            .map(|judge| judge.join().map_err(|_| anyhow!("a judge panicked"))?);
        judged.collect::<Result<_>>()
    })?;
    let of = |run: usize| -> Vec<&Verdicts> { presets.iter().map(|verdicts| &verdicts[run]).collect() };
    let versions = VERSIONS.iter().enumerate().map(|(i, (_, name))| Version {
        name,
        with: of(2 * i),
        without: of(2 * i + 1),
    });
    let versions: Vec<Version<'_>> = versions.collect();

    let mut obstacles = Vec::new();
    for Version { name, with, without } in &versions {
        for (preset, verdicts) in PRESETS
            .iter()
            .zip(with)
            .filter(|(preset, _)| **preset != Preset::Strict)
        {
            obstacles.extend(
                verdicts
                    .obstacles()
                    .map(|text| format!("version {name}, {preset:?}: {text}")),
            );
        }
        for (preset, verdicts) in PRESETS.iter().zip(without) {
            let harmless = verdicts.harmless();
            ensure!(
                harmless == NEED_NO_DEFAULTS,
                "version {name}, {preset:?}: {harmless:?} need no defaults"
            );
        }
    }
    ensure!(obstacles.is_empty(), "{}", obstacles.join("\n"));
    current([Ok(("docs/sdk.md".to_owned(), page::text(&versions)?))])
}

/// What one version of the SDK did.
struct Runs {
    standard: Vec<Done>,
    strict: Vec<Done>,
    without: Vec<Done>,
}

impl Runs {
    async fn of(directory: &'static str) -> Result<Self> {
        let run = |preset: Preset, defaults: bool| {
            tokio::spawn(async move { driver::run(directory, &Ground::under(preset)?.ours, defaults).await })
        };
        let (standard, strict, without) = (
            run(Preset::Standard, true),
            run(Preset::Strict, true),
            run(Preset::Standard, false),
        );
        Ok(Self {
            standard: standard.await??,
            strict: strict.await??,
            without: without.await??,
        })
    }

    /// With the defaults of `preset`: those of Published are those of Standard.
    fn with(&self, preset: Preset) -> &[Done] {
        match preset {
            Preset::Published | Preset::Standard => &self.standard,
            Preset::Strict => &self.strict,
        }
    }
}
