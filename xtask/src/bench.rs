//! What it costs: AWS calls, API-server writes, time and memory for fleets of projects.
//!
//! Counts and ratios are the result. Times depend on the machine and on the emulator, whose own speed is measured
//! beside them as the floor. The controller is the development build unless `--release` is given.

mod limits;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use secureml_rig::proxy::Calls;
use secureml_rig::{ControlPlane, Process, Rig};
use serde_json::Value;

use crate::steps;

/// How long anything may take for each project, and at least.
const PATIENCE: Duration = Duration::from_secs(15);
/// Sweeps that are looked at in steady state.
const SWEEPS: u32 = 3;
/// The shortest interval the API allows.
const INTERVAL: Duration = Duration::from_secs(10);
/// A list that every sweep begins with.
const SWEEP: &str = "ec2:DescribeVpcs";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Fleets to measure, by their number of projects.
    #[arg(default_values_t = [1, 20, 100])]
    projects: Vec<usize>,
    /// Adds this much to every AWS call and measures one project's critical path in place of the fleets: `50ms`.
    #[arg(long, value_parser = milliseconds)]
    latency: Option<Duration>,
    /// Creates the fleets under AWS's published request limits, of which somebody else uses half, and measures how
    /// that goes in place of the rest. Twenty projects take about an hour.
    #[arg(long, conflicts_with = "latency")]
    limits: bool,
    /// Measures the release build, which compiles the AWS SDK once more.
    #[arg(long)]
    release: bool,
    /// Writes every AWS call to this file, one JSON object a line.
    #[arg(long)]
    calls: Option<PathBuf>,
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix("ms").and_then(|number| number.parse().ok());
    number
        .map(Duration::from_millis)
        .ok_or_else(|| "milliseconds, such as 50ms".to_owned())
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let binary = if options.release {
        steps::build_release()?
    } else {
        steps::build()?;
        steps::binary()
    };
    let calls = options.calls.as_deref();
    if let Some(latency) = options.latency {
        return critical_path(&binary, latency, calls).await;
    }
    if options.limits {
        for count in options.projects {
            limits::measure(&binary, count).await?;
        }
        return Ok(());
    }
    let mut columns = Vec::new();
    let mut notes = String::new();
    for count in options.projects {
        println!("measuring {count} project{} …", if count == 1 { "" } else { "s" });
        let measured = fleet(&binary, count, &mut notes, calls).await;
        columns.push(measured.with_context(|| format!("with {count} projects"))?);
    }
    let build = if options.release { "release" } else { "development" };
    println!("\nThe controller is the {build} build.\n{}\n{notes}", table(&columns));
    Ok(())
}

/// One measured fleet: a row for each figure.
type Column = Vec<(&'static str, String)>;

async fn fleet(binary: &Path, count: usize, notes: &mut String, calls_to: Option<&Path>) -> Result<Column> {
    let rig = start(binary).await?;
    let floor = floor(&rig).await?;
    let bench = Bench::new(&rig, count).await?;
    let mut column = vec![("projects", count.to_string())];

    let (mark, writes) = (rig.proxy.mark(), bench.api_writes().await?);
    let ready = bench.create().await?;
    let calls = rig.proxy.calls_since(mark);
    // kubectl's own writes: one for each project.
    let api_writes = bench.api_writes().await?.saturating_sub(writes + count);
    column.extend([
        ("apply → all Ready, s", seconds(ready)),
        ("  of which the emulator's own time, s", seconds(busy(&calls))),
        ("  AWS reads", calls.reads().len().to_string()),
        ("  AWS writes", calls.writes().len().to_string()),
        ("  AWS errors", calls.errors().len().to_string()),
        ("  AWS calls a project", ratio(calls.len(), count)),
        ("  API-server writes a project", ratio(api_writes, count)),
    ]);

    let steady = bench.steady().await?;
    column.extend([
        ("one sweep: list calls (fast lane)", per_sweep(steady.lists)),
        ("one sweep: per-object calls (slow lane)", per_sweep(steady.objects)),
        ("one sweep: AWS writes", per_sweep(steady.writes)),
        ("one sweep: API-server writes", per_sweep(steady.api_writes)),
        (
            "controller: memory (RSS), MiB",
            bench.controller.memory_mib("VmRSS")?.to_string(),
        ),
        (
            "  of which not the program file's",
            bench.controller.memory_mib("RssAnon")?.to_string(),
        ),
        (
            "controller: CPU, ms a second at rest",
            format!("{:.0}", steady.cpu_share * 1e3),
        ),
        ("controller: CPU since its start, s", format!("{:.1}", bench.cpu()?)),
    ]);

    writeln!(notes, "a sweep over {count}: {}", steady.names)?;

    let mark = rig.proxy.mark();
    let gone = bench.delete().await?;
    let calls = rig.proxy.calls_since(mark);
    keep(&rig, calls_to)?;
    let failed = rig.proxy.calls().errors();
    let codes = failed
        .iter()
        .map(|call| format!("{} {}", call.name, call.error_code.as_deref().unwrap_or("-")));
    writeln!(notes, "errors with {count}: {}", tally(codes))?;
    column.extend([
        ("delete all, s", seconds(gone)),
        ("  AWS calls a project", ratio(calls.len(), count)),
        ("  AWS errors", calls.errors().len().to_string()),
        ("emulator: one DescribeVpcs, ms", format!("{:.1}", floor * 1e3)),
    ]);
    Ok(column)
}

/// Appends all calls so far to the file asked for.
fn keep(rig: &Rig, calls_to: Option<&Path>) -> Result<()> {
    let Some(path) = calls_to else { return Ok(()) };
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
    for call in rig.proxy.calls() {
        writeln!(file, "{}", serde_json::to_string(&call)?)?;
    }
    Ok(())
}

async fn start(binary: &Path) -> Result<Rig> {
    let rig = Rig::builder().control_plane(true).binary(binary).start().await?;
    rig.proxy.set_body_limit(0);
    steps::define(cluster(&rig)?).await?;
    Ok(rig)
}

fn cluster(rig: &Rig) -> Result<&ControlPlane> {
    rig.control_plane.as_ref().context("the rig has no control plane")
}

struct Bench<'a> {
    rig: &'a Rig,
    cluster: &'a ControlPlane,
    controller: Process,
    count: usize,
}

struct Steady {
    lists: usize,
    objects: usize,
    writes: usize,
    api_writes: usize,
    cpu_share: f64,
    /// The calls of all sweeps together.
    names: String,
}

impl<'a> Bench<'a> {
    /// With a controller that is at work.
    async fn new(rig: &'a Rig, count: usize) -> Result<Self> {
        let mut controller = rig.start_controller(&["controller", "--installation", "bench"])?;
        let started = |controller: &Process| controller.log().contains("controller started").then_some(());
        controller.ready(PATIENCE, started).await?;
        Ok(Self {
            rig,
            cluster: cluster(rig)?,
            controller,
            count,
        })
    }

    fn patience(&self) -> Duration {
        PATIENCE * u32::try_from(self.count).unwrap_or(u32::MAX) + PATIENCE
    }

    /// Applies the projects; the time until all are ready.
    async fn create(&self) -> Result<Duration> {
        let path = self.rig.directory().join("fleet.yaml");
        let manifests: Vec<String> = (0..self.count).map(project).collect();
        fs::write(&path, manifests.join("---\n"))?;
        let begun = Instant::now();
        self.cluster
            .kubectl_text(&["apply", "-f", &path.display().to_string()])
            .await?;
        self.wait("--for=condition=Ready").await?;
        Ok(begun.elapsed())
    }

    async fn delete(&self) -> Result<Duration> {
        let begun = Instant::now();
        self.cluster
            .kubectl_text(&["delete", "smlp", "--all", "--wait=false"])
            .await?;
        self.wait("--for=delete").await?;
        Ok(begun.elapsed())
    }

    async fn wait(&self, what: &str) -> Result<()> {
        let timeout = format!("--timeout={}s", self.patience().as_secs());
        let waited = self
            .cluster
            .kubectl_text(&["wait", what, "smlp", "--all", &timeout])
            .await;
        waited.with_context(|| self.controller.tail())?;
        Ok(())
    }

    /// What sweeps cost when there is nothing to do.
    async fn steady(&self) -> Result<Steady> {
        self.whole_sweep().await?;
        let (mark, api_writes, cpu, begun) = (
            self.rig.proxy.mark(),
            self.api_writes().await?,
            self.cpu()?,
            Instant::now(),
        );
        for _ in 0..SWEEPS {
            self.whole_sweep().await?;
        }
        let calls = self.rig.proxy.calls_since(mark);
        let objects = calls.reads().iter().filter(|call| is_about_one(&call.name)).count();
        Ok(Steady {
            names: tally(calls.iter().map(|call| call.name.clone())),
            lists: calls.reads().len() - objects,
            objects,
            writes: calls.writes().len(),
            api_writes: self.api_writes().await?.saturating_sub(api_writes),
            cpu_share: (self.cpu()? - cpu) / begun.elapsed().as_secs_f64(),
        })
    }

    async fn whole_sweep(&self) -> Result<()> {
        let mark = self.rig.proxy.mark();
        let begun = |calls: &Calls| !calls.named(SWEEP).is_empty();
        self.rig.proxy.until(mark, INTERVAL * 3, begun).await?;
        self.rig.proxy.quiet(Duration::from_secs(2), self.patience()).await
    }

    /// How many writes the API server has served that concern projects or events.
    async fn api_writes(&self) -> Result<usize> {
        let metrics = self.cluster.kubectl_text(&["get", "--raw", "/metrics"]).await?;
        let counted = metrics.lines().filter(|line| is_a_write(line));
        Ok(counted
            .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok())
            .sum())
    }

    /// Seconds of CPU time so far.
    fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.controller.id()))?;
        // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th field after it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
        let total = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
        Ok(total.context("the kernel does not tell the controller's CPU time")? / 100.0)
    }
}

fn project(number: usize) -> String {
    format!(
        "apiVersion: secureml.dev/v1alpha1\nkind: SecureMLProject\nmetadata:\n  name: p{number}\nspec:\n  \
         environmentType: dev\n  drift:\n    intervalSeconds: {}\n",
        INTERVAL.as_secs()
    )
}

/// A line of the API server's `apiserver_request_total` about a write to a project or an event.
fn is_a_write(line: &str) -> bool {
    let of_ours = ["resource=\"securemlprojects\"", "resource=\"events\""];
    let writes = [
        "verb=\"POST\"",
        "verb=\"PUT\"",
        "verb=\"PATCH\"",
        "verb=\"APPLY\"",
        "verb=\"DELETE\"",
    ];
    line.starts_with("apiserver_request_total{")
        && of_ours.iter().any(|label| line.contains(label))
        && writes.iter().any(|label| line.contains(label))
}

/// Reads that answer for one object, or a batch of named ones: what no list carries. Their number grows with the
/// fleet; that of lists with its pages.
const ABOUT_ONE: &[&str] = &[
    "ec2:DescribeVpcAttribute",
    "iam:GetInstanceProfile",
    // For what the authorization details lack.
    "iam:ListRoles",
    "iam:ListPolicyTags",
    "iam:ListRoleTags",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "kms:DescribeKey",
    "kms:GetKey*",
    "kms:ListGrants",
    "resource-groups:GetGroup*",
    "s3:GetBucket*",
    "s3:GetPublicAccessBlock",
    "sagemaker:DescribeNotebook*",
    "ssm:GetParameters",
];

fn is_about_one(name: &str) -> bool {
    ABOUT_ONE.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    })
}

/// How long at least one call was under way at AWS: the emulator's share of the time.
fn busy(calls: &Calls) -> Duration {
    let mut spans: Vec<(Duration, Duration)> = calls
        .iter()
        .map(|call| (call.started, call.started + call.took.unwrap_or_default()))
        .collect();
    spans.sort_unstable();
    let mut total = Duration::ZERO;
    let mut until = Duration::ZERO;
    for (from, to) in spans {
        total += to.saturating_sub(from.max(until));
        until = until.max(to);
    }
    total
}

/// Seconds for one of the emulator's simplest calls, one after the other.
async fn floor(rig: &Rig) -> Result<f64> {
    const CALLS: usize = 50;
    let script = format!(
        "import boto3, os, time\nec2 = boto3.client('ec2')\nec2.describe_vpcs()\nbegun = time.monotonic()\n\
         for _ in range({CALLS}): ec2.describe_vpcs()\nprint(time.monotonic() - begun)"
    );
    let mark = rig.proxy.mark();
    steps::python(rig, &script, &[])?;
    let calls = rig.proxy.calls_since(mark);
    let took: Duration = calls.iter().filter_map(|call| call.took).sum();
    Ok(took.as_secs_f64() / calls.len().max(1) as f64)
}

/// How far one project's creation is from what its dependencies allow.
async fn critical_path(binary: &Path, latency: Duration, calls_to: Option<&Path>) -> Result<()> {
    let rig = start(binary).await?;
    let bench = Bench::new(&rig, 1).await?;
    let manifest = rig.directory().join("one.yaml");
    fs::write(&manifest, project(0))?;
    let file = manifest.display().to_string();
    let planned = rig
        .secureml(&["plan", "--installation", "bench", "--output", "json", "-f", &file])
        .await?;
    let plan: Value = serde_json::from_slice(&planned.stdout)
        .with_context(|| format!("no plan: {}", String::from_utf8_lossy(&planned.stderr)))?;
    let chain = longest_chain(&plan)?;
    rig.proxy.set_latency(latency);
    let mark = rig.proxy.mark();
    let ready = bench.create().await?;
    let calls = rig.proxy.calls_since(mark);
    keep(&rig, calls_to)?;
    let allowed = latency * u32::try_from(chain)?;
    println!("longest chain of dependent calls   {chain}");
    println!("calls in all                       {}", calls.len());
    println!("apply → Ready                      {} s", seconds(ready));
    println!("chain × {latency:?}                       {} s", seconds(allowed));
    println!(
        "ratio                              {:.2}",
        ready.as_secs_f64() / allowed.as_secs_f64()
    );
    Ok(())
}

/// The largest number of calls of which each has to wait for the one before.
fn longest_chain(plan: &Value) -> Result<usize> {
    let steps = plan["steps"].as_object().context("a plan without steps")?;
    fn length(steps: &serde_json::Map<String, Value>, node: &str) -> usize {
        let step = &steps[node];
        let own = step["calls"].as_array().map_or(0, Vec::len);
        let before = step["after"].as_array().into_iter().flatten().filter_map(Value::as_str);
        own + before.map(|node| length(steps, node)).max().unwrap_or(0)
    }
    match steps.keys().map(|node| length(steps, node)).max() {
        Some(chain) if chain > 0 => Ok(chain),
        _ => bail!("the plan has no calls"),
    }
}

/// How many of each.
fn tally(names: impl Iterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let texts: Vec<String> = counts
        .into_iter()
        .map(|(name, count)| format!("{count} × {name}"))
        .collect();
    texts.join(", ")
}

fn table(columns: &[Column]) -> String {
    let mut text = String::new();
    for (row, (name, _)) in columns.first().into_iter().flatten().enumerate() {
        write!(text, "{name:42}").ok();
        for column in columns {
            write!(text, "{:>10}", column.get(row).map_or("", |(_, value)| value)).ok();
        }
        text.push('\n');
    }
    text
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

fn ratio(part: usize, whole: usize) -> String {
    format!("{:.1}", part as f64 / whole.max(1) as f64)
}

fn per_sweep(total: usize) -> String {
    format!("{:.1}", total as f64 / f64::from(SWEEPS))
}
