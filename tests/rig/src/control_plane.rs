//! A real kube-apiserver with etcd and the few controllers that tests need, built from Go modules.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::install::{self, Stamp};
use crate::paths;
use crate::process::{Orphan, Process};

/// Names the kubeconfig of a cluster to use in place of our own control plane.
pub const KUBECONFIG_VARIABLE: &str = "SECUREML_TEST_KUBECONFIG";

const READY: Duration = Duration::from_secs(60);

/// A Kubernetes API to test against.
#[derive(Debug)]
pub struct ControlPlane {
    binary: PathBuf,
    kubeconfig: PathBuf,
    process: Option<Process>,
    _directory: tempfile::TempDir,
}

impl ControlPlane {
    /// Starts a fresh control plane, or takes the cluster that [`KUBECONFIG_VARIABLE`] names.
    pub async fn start() -> Result<Self> {
        let binary = tokio::task::spawn_blocking(build).await??;
        let directory = tempfile::tempdir().context("cannot make a directory for the control plane")?;
        if let Some(kubeconfig) = std::env::var_os(KUBECONFIG_VARIABLE) {
            return Ok(Self {
                binary,
                kubeconfig: kubeconfig.into(),
                process: None,
                _directory: directory,
            });
        }
        let mut command = Command::new(&binary);
        command.arg("serve").arg("--dir").arg(directory.path());
        let mut process = Process::start("control-plane", &mut command, directory.path(), Orphan::EndsWithStdin)?;
        let kubeconfig = process.ready(READY, |process| ready_line(&process.log())).await?;
        Ok(Self {
            binary,
            kubeconfig,
            process: Some(process),
            _directory: directory,
        })
    }

    /// The kubeconfig of a cluster administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The process, unless the cluster is somebody else's.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// A kubectl for this cluster, for the caller to add arguments to.
    pub fn kubectl_command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("kubectl").arg("--kubeconfig").arg(&self.kubeconfig);
        command
    }

    /// Runs kubectl and returns what it wrote and how it ended, success or not.
    pub async fn kubectl(&self, args: &[&str]) -> Result<Output> {
        let mut command = self.kubectl_command();
        command.args(args);
        tokio::task::spawn_blocking(move || command.output().context("cannot run kubectl")).await?
    }

    /// Runs kubectl, which must succeed, and returns its standard output.
    pub async fn kubectl_text(&self, args: &[&str]) -> Result<String> {
        let output = self.kubectl(args).await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("kubectl {} failed ({}): {said}", args.join(" "), output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Builds the control plane unless it is built already. Blocking; minutes the first time.
pub fn build() -> Result<PathBuf> {
    let source = paths::part("control-plane");
    let version = kubernetes_version(&source)?;
    let stamp = Stamp::default().text(&version).files(&source, &["go", "mod", "sum"])?;
    install::once("control-plane", stamp, |target| go_build(&source, &version, target))
}

fn go_build(source: &Path, version: &str, target: &Path) -> Result<()> {
    eprintln!("rig: building the control plane (Kubernetes {version}); the first time takes minutes");
    let started = Instant::now();
    // Replaced at the end in one step: an older one may be running.
    let draft = target.with_extension("new");
    let flags = format!("-s -w -X k8s.io/component-base/version.gitVersion={version}");
    let output = Command::new("go")
        .args(["build", "-trimpath", "-ldflags", &flags, "-o"])
        .args([draft.as_os_str(), ".".as_ref()])
        .current_dir(source)
        .output()
        .context("cannot run go: install Go (https://go.dev/doc/install) and have it in PATH")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("go build in {} failed:\n{said}", source.display());
    }
    std::fs::rename(&draft, target).with_context(|| format!("cannot write {}", target.display()))?;
    eprintln!("rig: control plane built in {:.0?}", started.elapsed());
    Ok(())
}

/// The Kubernetes version that the sources require, such as `v1.36.4`.
fn kubernetes_version(source: &Path) -> Result<String> {
    let path = source.join("go.mod");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines()
        .map(|line| line.trim().trim_start_matches("require "))
        .find_map(|line| line.strip_prefix("k8s.io/kubernetes "))
        .and_then(|rest| rest.split_whitespace().next())
        .map(str::to_owned)
        .with_context(|| format!("{} does not require k8s.io/kubernetes", path.display()))
}

fn ready_line(log: &str) -> Option<PathBuf> {
    log.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .find_map(|line| line.strip_prefix("ready "))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_line_says_ready() {
        assert_eq!(ready_line("I1124 starting\nready /tmp/a/kube"), None);
        assert_eq!(
            ready_line("I1124 starting\nready /tmp/a/kubeconfig\n"),
            Some(PathBuf::from("/tmp/a/kubeconfig"))
        );
    }
}
