//! The real SageMaker Python SDK in a notebook of a project: plain code, without one parameter of security, against every
//! policy. What comes of it is the page `docs/sdk.md`.

mod driver;
mod fields;
mod operations;
mod page;
mod recorded;
mod verdict;

use anyhow::{Result, ensure};
use secureml::api::Preset;

use super::labs::PRESETS;
use super::suite::Ground;
use crate::generated::current;
use driver::Done;
use page::Version;
use verdict::Verdicts;

/// The versions of the SDK, each with the directory below `tests/sdk` that has its tasks.
const VERSIONS: [(&str, &str); 1] = [("two", "2")];

#[tokio::test(flavor = "multi_thread")]
async fn plain_code_keeps_to_the_guardrails_by_its_defaults_alone() -> Result<()> {
    let mut versions = Vec::new();
    for (directory, name) in VERSIONS {
        let with = runs(directory, true).await?;
        let without = runs(directory, false).await?;
        versions.push(Version { name, with, without });
    }
    let mut obstacles = Vec::new();
    for Version { name, with, without } in &versions {
        for (preset, verdicts) in PRESETS.iter().zip(with).filter(|(preset, _)| **preset != Preset::Strict) {
            obstacles.extend(verdicts.obstacles().map(|text| format!("version {name}, {preset:?}: {text}")));
        }
        let harmless = without[1].harmless();
        ensure!(harmless.is_empty(), "version {name} needs no defaults for {harmless:?}");
    }
    ensure!(obstacles.is_empty(), "{}", obstacles.join("\n"));
    current([Ok(("docs/sdk.md".to_owned(), page::text(&versions)?))])
}

/// What each preset says to the tasks in `directory`, with the defaults of a notebook or without.
async fn runs(directory: &'static str, defaults: bool) -> Result<Vec<Verdicts>> {
    let standard = tokio::spawn(async move { driver::run(directory, &Ground::under(Preset::Standard)?.ours, defaults).await });
    // The defaults of Published are those of Standard, and without defaults all presets are the same to the SDK.
    let strict = tokio::spawn(async move {
        match defaults {
            true => driver::run(directory, &Ground::under(Preset::Strict)?.ours, defaults).await.map(Some),
            false => Ok(None),
        }
    });
    let (standard, strict) = (standard.await??, strict.await??);
    let of = |preset: Preset| -> &[Done] {
        match &strict {
            Some(strict) if preset == Preset::Strict => strict,
            _ => &standard,
        }
    };
    PRESETS.map(|preset| Verdicts::of(preset, of(preset))).into_iter().collect()
}
