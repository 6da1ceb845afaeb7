//! The AWS emulator: moto's server with what it lacks, in a Python environment of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::install::{self, Stamp};
use crate::paths;
use crate::process::{Orphan, Process};
use crate::proxy::http;
use crate::python;

const READY: Duration = Duration::from_secs(60);

/// A local AWS, empty at the start.
#[derive(Debug)]
pub struct Emulator {
    process: Process,
    url: String,
    _directory: tempfile::TempDir,
}

impl Emulator {
    /// Starts an emulator with its usual delays.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// Starts an emulator with more arguments, such as `["--notebook-delay", "0.2"]`.
    pub async fn start_with(args: &[&str]) -> Result<Self> {
        let python = tokio::task::spawn_blocking(install).await??;
        let directory = tempfile::tempdir().context("cannot make a directory for the emulator")?;
        let port_file = directory.path().join("port");
        let mut command = Command::new(python);
        command
            .arg(paths::part("emulator").join("emulator.py"))
            .args(["--port", "0", "--exit-with-stdin", "--port-file"])
            .arg(&port_file)
            .args(args)
            .env("PYTHONPYCACHEPREFIX", paths::installed()?.join("pycache"));
        let mut process = Process::start("emulator", &mut command, directory.path(), Orphan::EndsWithStdin)?;
        let port = process.ready(READY, |_| read_port(&port_file)).await?;
        Ok(Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
            _directory: directory,
        })
    }

    /// Where it listens, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Forgets everything, in every account.
    pub async fn reset(&self) -> Result<()> {
        let response = http::post(&format!("{}/moto-api/reset", self.url)).await?;
        if !response.status().is_success() {
            bail!("the emulator refused to reset: {}", response.status());
        }
        Ok(())
    }

    /// The process, with its log.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

fn read_port(file: &Path) -> Option<u16> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Makes the emulator's Python environment unless it is there already; returns its interpreter. Blocking.
pub fn install() -> Result<PathBuf> {
    let requirements = paths::part("emulator").join("requirements.txt");
    let text =
        std::fs::read_to_string(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let environment = install::once("emulator-venv", Stamp::default().text(&text), |target| {
        eprintln!("rig: installing the AWS emulator; the first time takes a minute");
        python::make_environment(target, &requirements, &[])
    })?;
    Ok(environment.join("bin/python"))
}
