use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use clap::Args;

use super::steps;

/// How many inputs the laws are tried on, and which.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many inputs each law is tried on; those that take their time get an eighth.
    #[arg(long, default_value_t = 20_000)]
    cases: u32,
    /// What decides which; the same seed draws the same. Another each time unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// Only laws whose names have this in them: `policies`, `plans::a_difference`.
    #[arg(default_value = "")]
    law: String,
}

/// Tries the laws that `cargo test` tries on a few inputs of a fixed seed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
    };
    let [cases, seed] = [options.cases.to_string(), seed.to_string()];
    println!("── {cases} inputs, --seed {seed}");
    let variables = [("PROPTEST_CASES", cases.as_str()), ("PROPTEST_RNG_SEED", &seed)];
    let law = format!("laws::{}", options.law);
    steps::cargo_with(&["test", "--no-default-features", "--lib", &law], &variables)
}
