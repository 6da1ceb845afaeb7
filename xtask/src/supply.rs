//! What is built in: its licences, where it comes from, what is banned, and what is known against it. The rules are those of
//! `deny.toml`; cargo-deny checks them.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};
use secureml_rig::paths::{installed, workspace};

use super::steps::cargo;

/// The cargo-deny that `deny.toml` is written for.
const VERSION: &str = "0.20.2";
/// What it says when it cannot ask what is known against a crate.
const UNREACHABLE: &str = "failed to fetch advisory database";

/// Checks everything that is built in.
pub(crate) fn check() -> Result<()> {
    let program = install()?;
    let deny = |checks: &[&str]| -> Result<Output> {
        let mut command = Command::new(&program);
        command.args(["--color", "never", "check"]).args(checks);
        command
            .current_dir(workspace())
            .output()
            .context("cannot run cargo-deny")
    };
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let rules = deny(&["bans", "licenses", "sources"])?;
    ensure!(rules.status.success(), "{}", said(&rules));
    let advisories = deny(&["advisories"])?;
    if !advisories.status.success() {
        let said = said(&advisories);
        // Where it cannot be told, nobody is held up, and it is said.
        if !said.contains(UNREACHABLE) {
            bail!("{said}");
        }
        println!("!! NOT CHECKED: what is known against the crates that are built in: {UNREACHABLE}");
    }
    Ok(())
}

/// Installs cargo-deny beside the rig's tools, unless it is there.
fn install() -> Result<PathBuf> {
    let root = installed()?.join(format!("cargo-deny-{VERSION}"));
    let program = root.join("bin/cargo-deny");
    if !program.exists() {
        println!("installing cargo-deny {VERSION}; the first time takes minutes");
        let (root, version) = (root.display().to_string(), format!("cargo-deny@{VERSION}"));
        // Without optimisation: it runs for seconds.
        cargo(&["install", "--quiet", "--locked", "--debug", "--root", &root, &version])?;
    }
    Ok(program)
}
