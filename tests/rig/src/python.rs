//! Python environments of the rig's own, made from pinned lists of packages.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::install::{self, Stamp};
use crate::paths;

/// Makes, unless it is there already, the environment in which the start script of notebooks is checked: shellcheck, a
/// YAML reader, JSON schemas and the SageMaker SDKs whose schema the script's output has to fit. Blocking.
///
/// The SDKs are there to be read, not run: what they depend on is left out.
pub fn notebook_tools() -> Result<PathBuf> {
    let requirements = paths::part("notebook").join("requirements.txt");
    let text =
        std::fs::read_to_string(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    install::once("notebook-venv", Stamp::default().text(&text), |target| {
        make_environment(target, &requirements, &["--no-deps"])
    })
}

/// Makes, unless it is there already, the environment with the SageMaker Python SDK that the suite `tests/sdk/<version>`
/// runs. Returns its interpreter. Blocking.
pub fn sagemaker_sdk(version: &str) -> Result<PathBuf> {
    let requirements = paths::workspace()
        .join("tests/sdk")
        .join(version)
        .join("requirements.txt");
    let text =
        std::fs::read_to_string(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let environment = install::once(&format!("sdk-{version}-venv"), Stamp::default().text(&text), |target| {
        make_environment(target, &requirements, &["--no-deps"])
    })?;
    Ok(environment.join("bin/python"))
}

/// Makes, unless it is there already, the environment in which identity policies are linted. Returns its interpreter.
/// Blocking.
pub fn policy_tools() -> Result<PathBuf> {
    let requirements = paths::workspace().join("tests/simulator/requirements.txt");
    let text =
        std::fs::read_to_string(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let environment = install::once("policy-venv", Stamp::default().text(&text), |target| {
        make_environment(target, &requirements, &[])
    })?;
    Ok(environment.join("bin/python"))
}

/// Makes the environment `target` with the packages of `requirements`.
pub(crate) fn make_environment(target: &Path, requirements: &Path, pip: &[&str]) -> Result<()> {
    let started = Instant::now();
    if target.exists() {
        std::fs::remove_dir_all(target).with_context(|| format!("cannot remove {}", target.display()))?;
    }
    run(
        Command::new("python3").args(["-m", "venv"]).arg(target),
        "install Python 3.11 or newer with its venv module",
    )?;
    run(
        Command::new(target.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(pip)
            .arg("-r")
            .arg(requirements),
        "pip must reach a package index",
    )?;
    eprintln!("rig: {} installed in {:.0?}", target.display(), started.elapsed());
    Ok(())
}

fn run(command: &mut Command, hint: &str) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {:?}: {hint}", command.get_program()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed ({hint}):\n{said}");
    }
    Ok(())
}
