use anyhow::Result;
use clap::Args;

use super::steps;

/// How many kills there are, of those that are possible, and in which order.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many kills are made, drawn from all that are possible; all of them unless told otherwise.
    #[arg(long)]
    kills: Option<u64>,
    /// How many projects live at once, each on a cluster and an AWS of its own.
    #[arg(long, default_value_t = 2)]
    shards: usize,
    /// How many times in a row the controller dies, each time while it recovers from the last.
    #[arg(long, default_value_t = 3)]
    row: usize,
    /// What decides which kills are drawn; the same seed draws the same.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the test that CI runs with a fixed sample of the kills.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Options {
        kills,
        shards,
        row,
        seed,
    } = options;
    let kills = kills.unwrap_or(u64::MAX);
    let [kills, shards, seed, row] = [kills.to_string(), shards.to_string(), seed.to_string(), row.to_string()];
    let variables = [
        ("SECUREML_CHAOS_KILLS", kills.as_str()),
        ("SECUREML_CHAOS_SHARDS", &shards),
        ("SECUREML_CHAOS_SEED", &seed),
        ("SECUREML_CHAOS_ROW", &row),
    ];
    steps::cargo_with(
        &["test", "--workspace", "--test", "it", "chaos::", "--", "--nocapture"],
        &variables,
    )
}
