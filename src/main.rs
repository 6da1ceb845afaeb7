//! The `secureml` binary.

use std::process::ExitCode;

use clap::Parser;
use secureml::cli::{Cli, log, run};
use secureml::model::redact;

// One thread: the controller waits for AWS nearly all of its time, and a second heap would take as much memory again.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    log::start();
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", redact(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}
