//! The policy simulator: a Node program around a library, installed from a lock file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::install::{self, Stamp};
use crate::paths;

/// The files that `npm ci` needs.
const PACKAGE: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// Has the simulator answer `lines`, one line each. Blocking; the first time it is installed.
pub fn simulate(lines: &str) -> Result<Vec<String>> {
    let modules = install()?;
    // Through files: an answer that nobody reads yet would otherwise stop the writer.
    let directory = tempfile::tempdir().context("cannot make a directory for the simulator")?;
    let questions = directory.path().join("questions.jsonl");
    fs::write(&questions, lines).with_context(|| format!("cannot write {}", questions.display()))?;
    let output = Command::new("node")
        .arg(sources().join("simulate.mjs"))
        .arg(&modules)
        .stdin(Stdio::from(fs::File::open(&questions)?))
        .output()
        .context("cannot run node: install Node 20 or newer")?;
    if !output.status.success() {
        bail!("the simulator failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let answers: Vec<String> = String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect();
    let asked = lines.lines().count();
    ensure!(answers.len() == asked, "{} answers to {asked} lines", answers.len());
    Ok(answers)
}

fn sources() -> PathBuf {
    paths::workspace().join("tests/simulator")
}

fn install() -> Result<PathBuf> {
    let mut stamp = Stamp::default();
    for name in PACKAGE {
        let path = sources().join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        stamp = stamp.text(&text);
    }
    install::once("simulator", stamp, fetch)
}

fn fetch(target: &Path) -> Result<()> {
    let started = Instant::now();
    if target.exists() {
        fs::remove_dir_all(target).with_context(|| format!("cannot remove {}", target.display()))?;
    }
    fs::create_dir_all(target).with_context(|| format!("cannot create {}", target.display()))?;
    for name in PACKAGE {
        fs::copy(sources().join(name), target.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(target)
        .output()
        .context("cannot run npm: install Node 20 or newer with npm")?;
    if !output.status.success() {
        bail!("npm ci failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    eprintln!("rig: policy simulator installed in {:.0?}", started.elapsed());
    Ok(())
}
