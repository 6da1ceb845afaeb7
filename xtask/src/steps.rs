use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use secureml_rig::paths::workspace;

/// What CI runs, in order; the first failure ends it.
const CHECKS: &[(&str, &[&str])] = &[
    ("formatting", &["fmt", "--all", "--check"]),
    ("the pure half alone", &["check", "--lib", "--no-default-features"]),
    (
        "lints",
        &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    ),
    ("tests", &["test", "--workspace"]),
];

pub(crate) fn test() -> Result<()> {
    for (what, args) in CHECKS {
        println!("── {what}: cargo {}", args.join(" "));
        cargo(args)?;
    }
    Ok(())
}

pub(crate) fn generate() -> Result<()> {
    build()?;
    let binary = workspace().join("target/debug/secureml");
    let output = Command::new(binary)
        .arg("crds")
        .output()
        .context("cannot run secureml crds")?;
    if !output.status.success() {
        bail!("secureml crds failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let path = workspace().join("crds/secureml.dev.yaml");
    fs::write(&path, output.stdout).with_context(|| format!("cannot write {}", path.display()))
}

pub(crate) fn build() -> Result<()> {
    // With the tests, so that the same dependencies, with the same features, serve demo, tests and lints.
    cargo(&["build", "--quiet", "--workspace", "--tests"])
}

fn cargo(args: &[&str]) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(args)
        .current_dir(workspace())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} failed", args.join(" "));
    }
    Ok(())
}
