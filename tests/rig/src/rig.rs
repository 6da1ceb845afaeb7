//! Everything together, started for one test and stopped with it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result};

use crate::control_plane::ControlPlane;
use crate::emulator::Emulator;
use crate::process::{Orphan, Process};
use crate::proxy::Proxy;

/// The region that the rig's clients use.
pub const REGION: &str = "us-east-1";

/// Variables of the developer's own AWS setup that must not reach a test.
const HIDDEN: &[&str] = &[
    "AWS_CA_BUNDLE",
    "AWS_DEFAULT_PROFILE",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "HTTP_PROXY",
    "http_proxy",
];

/// A local AWS behind a fault proxy and, when asked for, a Kubernetes control plane. Dropping it stops everything.
pub struct Rig {
    /// The Kubernetes API, if it was asked for.
    pub control_plane: Option<ControlPlane>,
    /// What the product talks to in place of AWS.
    pub proxy: Proxy,
    /// The AWS behind the proxy; talk to it directly for what is not to be counted.
    pub emulator: Emulator,
    binary: Option<PathBuf>,
    directory: tempfile::TempDir,
}

/// What a [`Rig`] is to have.
#[derive(Debug, Default)]
pub struct RigBuilder {
    control_plane: bool,
    emulator_args: Vec<String>,
    binary: Option<PathBuf>,
}

impl RigBuilder {
    /// Whether to start a Kubernetes control plane.
    pub fn control_plane(mut self, wanted: bool) -> Self {
        self.control_plane = wanted;
        self
    }

    /// More arguments for the emulator, such as `--notebook-delay 0.2`.
    pub fn emulator_args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.emulator_args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The `secureml` binary to run: `env!("CARGO_BIN_EXE_secureml")` in a test. By default, the one that lies
    /// beside the program that asks.
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Starts it all.
    pub async fn start(self) -> Result<Rig> {
        let args: Vec<_> = self.emulator_args.iter().map(String::as_str).collect();
        let control_plane = async {
            if self.control_plane {
                ControlPlane::start().await.map(Some)
            } else {
                Ok(None)
            }
        };
        let (emulator, control_plane) = tokio::try_join!(Emulator::start_with(&args), control_plane)?;
        let proxy = Proxy::start(emulator.url())?;
        let directory = tempfile::Builder::new()
            .prefix("secureml-rig-")
            .tempdir()
            .context("cannot make a directory for the rig")?;
        Ok(Rig {
            control_plane,
            proxy,
            emulator,
            binary: self.binary,
            directory,
        })
    }
}

impl Rig {
    /// Begins to describe a rig.
    pub fn builder() -> RigBuilder {
        RigBuilder::default()
    }

    /// A directory for the test's own files and for the logs of what it starts.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// An empty AWS, no rules, no calls: as new, without the time of a start.
    pub async fn reset(&self) -> Result<()> {
        self.proxy.reset();
        self.emulator.reset().await
    }

    /// What makes any AWS client talk to the proxy, with credentials that are worth nothing elsewhere.
    pub fn aws_env(&self) -> Vec<(String, String)> {
        aws_env(&self.proxy.url())
    }

    /// A command with the environment of the rig: its AWS and, if there is one, its cluster.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for variable in HIDDEN {
            command.env_remove(variable);
        }
        command.envs(self.aws_env());
        // Nobody else uses this AWS; what it refuses is up to the proxy.
        command.env("SECUREML_AWS_RATE_SHARE", "none");
        if let Some(control_plane) = &self.control_plane {
            command.env("KUBECONFIG", control_plane.kubeconfig());
        }
        command
    }

    /// Runs the `secureml` command line to its end, success or not.
    pub async fn secureml(&self, args: &[&str]) -> Result<Output> {
        let mut command = self.command(self.binary()?);
        command.args(args);
        tokio::task::spawn_blocking(move || command.output().context("cannot run secureml")).await?
    }

    /// Starts `secureml` as a process that goes on, such as `["controller", …]`, with its log in [`Self::directory`].
    pub fn start_controller(&self, args: &[&str]) -> Result<Process> {
        let mut command = self.command(self.binary()?);
        command.args(args);
        Process::start("controller", &mut command, self.directory(), Orphan::NeedsWatchdog)
    }

    fn binary(&self) -> Result<PathBuf> {
        if let Some(binary) = &self.binary {
            return Ok(binary.clone());
        }
        let program = std::env::current_exe().context("cannot tell which program asks")?;
        let mut beside = program
            .ancestors()
            .skip(1)
            .take(2)
            .map(|directory| directory.join("secureml"));
        beside
            .find(|path| path.is_file())
            .with_context(|| format!("no secureml beside {}: run cargo build", program.display()))
    }
}

/// What makes any AWS client talk to the AWS at `url`.
pub fn aws_env(url: &str) -> Vec<(String, String)> {
    let variables = [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "AKIARIG"),
        ("AWS_SECRET_ACCESS_KEY", "nothing-secret"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("NO_PROXY", "127.0.0.1,localhost"),
        ("no_proxy", "127.0.0.1,localhost"),
    ];
    variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}
