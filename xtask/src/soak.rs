use anyhow::Result;
use clap::Args;

use super::steps;

/// How long the fleet is under fire, and how large it is.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For how many minutes calls fail, people tamper and the controller dies.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// How many projects there are.
    #[arg(long, default_value_t = 20)]
    projects: u64,
    /// What decides what happens; how fast the machine is decides too.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the test that CI runs for a moment.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Options {
        minutes,
        projects,
        seed,
    } = options;
    let [seconds, projects, seed] = [(minutes * 60).to_string(), projects.to_string(), seed.to_string()];
    let variables = [
        ("SECUREML_SOAK_SECONDS", seconds.as_str()),
        ("SECUREML_SOAK_PROJECTS", &projects),
        ("SECUREML_SOAK_SEED", &seed),
    ];
    steps::cargo_with(
        &["test", "--workspace", "--test", "it", "soak::", "--", "--nocapture"],
        &variables,
    )
}
