//! The project's own commands: `cargo xtask demo`, `cargo xtask test`, `cargo xtask bench`,
//! `cargo xtask chaos`, `cargo xtask soak`, `cargo xtask gen`.

mod bench;
mod chaos;
mod demo;
mod soak;
mod steps;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the product at work on a local Kubernetes API server and a local AWS.
    Demo {
        /// Leave everything running until Ctrl-C and print how to reach it.
        #[arg(long)]
        keep: bool,
    },
    /// Measures what fleets of projects cost, in calls, writes, time and memory.
    Bench(bench::Options),
    /// Kills the controller at the calls of a project's life, and compares what comes of it with a life that nobody disturbed.
    Chaos(chaos::Options),
    /// Lets calls fail, people tamper and the controller die at random, and looks whether a fleet ends as declared.
    Soak(soak::Options),
    /// Everything CI runs.
    Test,
    /// Writes what is generated from the code: the custom resource definitions, the controller's IAM policy, the examples'
    /// plans, the pages about roles and presets.
    Gen,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Demo { keep } => demo::run(keep).await,
        Command::Bench(options) => bench::run(options).await,
        Command::Chaos(options) => chaos::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Test => steps::test(),
        Command::Gen => steps::generate(),
    }
}
