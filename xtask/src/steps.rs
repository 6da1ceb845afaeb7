use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use secureml_rig::paths::{installed, workspace};
use secureml_rig::{ControlPlane, Rig};

use super::supply;

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
    println!("── what is built in: deny.toml");
    supply::check()?;
    for (what, args) in CHECKS {
        println!("── {what}: cargo {}", args.join(" "));
        cargo(args)?;
    }
    Ok(())
}

/// What is generated: the command that prints it, and where it is kept.
const GENERATED: &[(&[&str], &str)] = &[
    (&["crds"], "crds/secureml.dev.yaml"),
    (&["iam-policy", "--installation", "*"], "docs/controller-policy.json"),
];

pub(crate) fn generate() -> Result<()> {
    build()?;
    for (args, path) in GENERATED {
        write(path, &secureml(args)?)?;
    }
    // With `UPDATE`, the tests of what is generated write it.
    let test = ["test", "--quiet", "--workspace", "--test", "it", "current"];
    cargo_with(&test, &[("UPDATE", "1")])
}

fn secureml(args: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new(binary())
        .args(args)
        .output()
        .context("cannot run secureml")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("secureml {} failed: {said}", args.join(" "));
    }
    Ok(output.stdout)
}

fn write(path: &str, text: &[u8]) -> Result<()> {
    fs::write(workspace().join(path), text).with_context(|| format!("cannot write {path}"))
}

/// The product, as [`build`] makes it.
pub(crate) fn binary() -> PathBuf {
    workspace().join("target/debug/secureml")
}

/// Makes the product's resources known to `cluster`.
pub(crate) async fn define(cluster: &ControlPlane) -> Result<()> {
    let crds = workspace().join("crds").display().to_string();
    cluster.kubectl_text(&["apply", "-f", &crds]).await?;
    let established = [
        "wait",
        "--for=condition=Established",
        "crd/securemlprojects.secureml.dev",
    ];
    cluster.kubectl_text(&established).await?;
    Ok(())
}

/// What `script` writes, run with the emulator's Python and the rig's AWS.
pub(crate) fn python(rig: &Rig, script: &str, variables: &[(&str, &str)]) -> Result<String> {
    let mut command = rig.command(installed()?.join("emulator-venv/bin/python"));
    command.args(["-c", script]).envs(variables.iter().copied());
    let output = command.output().context("cannot run python")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

pub(crate) fn build() -> Result<()> {
    // With the tests, so that the same dependencies, with the same features, serve demo, tests and lints.
    cargo(&["build", "--quiet", "--workspace", "--tests"])
}

/// The product as its users run it. The AWS SDK is compiled once more for that, which takes a quarter of an hour.
pub(crate) fn build_release() -> Result<PathBuf> {
    cargo(&["build", "--quiet", "--workspace", "--bins", "--release"])?;
    Ok(workspace().join("target/release/secureml"))
}

pub(crate) fn cargo(args: &[&str]) -> Result<()> {
    cargo_with(args, &[])
}

pub(crate) fn cargo_with(args: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command
        .args(args)
        .current_dir(workspace())
        .envs(variables.iter().copied());
    // What `cargo run` tells this program about its own package makes build scripts that watch these variables run
    // again, and everything after them.
    let own = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| own(name)) {
        command.env_remove(name);
    }
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} failed", args.join(" "));
    }
    Ok(())
}
