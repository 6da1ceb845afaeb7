//! The real SDK at work: `tests/sdk/driver.py`, and every request that it makes.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, bail, ensure};
use secureml_rig::proxy::Calls;
use secureml_rig::{Fault, Rig, Rule, paths, sagemaker_sdk};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::environment::Environment;
use crate::start_script::{Notebook, said};

/// What an SDK has to do without: whose buckets there are is nobody's business, and no way leads to IAM.
const REFUSED: &[&str] = &["s3:ListBuckets", "iam:*"];

/// How many lines of what the driver wrote a failure shows.
const TAIL: usize = 60;

/// Nobody listens there: what would leave the machine fails at once.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A task and the requests that it made.
pub struct Done {
    pub task: String,
    pub calls: Calls,
}

/// What the driver says of a task.
#[derive(Deserialize)]
struct Outcome {
    error: Option<String>,
}

/// Has version `version` of the SDK do all its tasks in the notebook `alice` of `environment`; with `defaults`, those that
/// its start script writes.
pub async fn run(version: &'static str, environment: &Environment, defaults: bool) -> Result<Vec<Done>> {
    let python = tokio::task::spawn_blocking(move || sagemaker_sdk(version)).await??;
    let rig = Rig::builder()
        .emulator_args(["--job-delay", "0", "--studio-delay", "0"])
        .start()
        .await?;
    rig.proxy.set_body_limit(usize::MAX);
    let home = Home::new(environment, defaults)?;
    let mut driver = Driver::start(&rig, &python, version, &home)?;
    let tasks: Vec<String> = driver.ask("tasks")?;
    for pattern in REFUSED {
        rig.proxy.add(Rule::on(pattern, Fault::AccessDenied));
    }
    let mut done = Vec::new();
    for task in tasks {
        let mark = rig.proxy.mark();
        let outcome: Outcome = driver.ask(&task)?;
        if let Some(error) = outcome.error {
            bail!("{task} of version {version}: {error}\n{}", driver.tail());
        }
        done.push(Done {
            task,
            calls: rig.proxy.calls_since(mark),
        });
    }
    let strange = rig.proxy.unrecognised();
    ensure!(strange.is_empty(), "the rig does not know\n{}", strange.table());
    Ok(done)
}

/// The notebook's file system, and what the driver is told about it.
struct Home {
    notebook: Notebook,
    told: Value,
    defaults: bool,
}

impl Home {
    fn new(environment: &Environment, defaults: bool) -> Result<Self> {
        let output = |key: &str, output: &str| {
            let node = environment.node(key)?;
            environment
                .output(node, output)
                .with_context(|| format!("{key} has no {output}"))
        };
        let role = output("IamRole/notebook-alice", "arn")?;
        let parameters = environment.nodes.values().filter(|node| node.key.kind == "Parameter");
        let parameters: Vec<Value> = parameters
            .map(|node| json!({"Name": node.name, "Value": node.attributes["value"]}))
            .collect();
        let notebook = environment.node("Notebook/alice")?;
        let tags = notebook
            .tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}));
        let tags: Vec<Value> = tags.collect();
        let arn = output("Notebook/alice", "arn")?;
        let name = notebook.name.clone();
        let notebook = Notebook::answered(&arn, &role, &json!({"Tags": tags}), &json!({"Parameters": parameters}))?;
        let told = json!({
            "role": role,
            "notebook": name,
            "metadata": notebook.path("opt/ml/metadata/resource-metadata.json"),
            "buckets": [output("Bucket/data", "name")?, output("Bucket/model", "name")?],
        });
        if defaults {
            let script = &environment.node("LifecycleConfig/notebook")?.attributes["onStart"];
            let started = notebook.start(script.as_str().context("a script")?)?;
            ensure!(started.status.success(), "{}", said(&started));
        }
        Ok(Self {
            notebook,
            told,
            defaults,
        })
    }
}

/// The driver, waiting for tasks. Dropping it ends it.
struct Driver {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Driver {
    fn start(rig: &Rig, python: &Path, version: &str, home: &Home) -> Result<Self> {
        let told = rig.directory().join("notebook.json");
        std::fs::write(&told, home.told.to_string())?;
        let log = rig.directory().join("driver.log");
        let mut command = rig.command(python);
        command
            .arg(paths::workspace().join("tests/sdk/driver.py"))
            .args([version])
            .arg(&told)
            .env("HOME", home.notebook.path("home/ec2-user"))
            .env("XDG_CONFIG_DIRS", home.notebook.path("etc/xdg"))
            // What is installed is compiled already, and nothing else is to be written beside the sources.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("HTTPS_PROXY", NOWHERE);
        if !home.defaults {
            command.args(["--role", home.told["role"].as_str().unwrap_or_default()]);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?);
        let mut child = command.spawn().context("cannot start the driver")?;
        let input = child.stdin.take().context("its input")?;
        let output = BufReader::new(child.stdout.take().context("its output")?);
        Ok(Self {
            child,
            input,
            output,
            log,
        })
    }

    fn ask<T: DeserializeOwned>(&mut self, what: &str) -> Result<T> {
        writeln!(self.input, "{what}")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        serde_json::from_str(&answer).with_context(|| format!("the driver answers {answer:?}\n{}", self.tail()))
    }

    /// The end of what it wrote.
    fn tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
