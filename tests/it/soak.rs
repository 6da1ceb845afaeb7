//! A fleet under fire: calls to AWS fail at random, people tamper with what stands, projects are declared anew, and the
//! controller is killed, for as long as one likes. Then the fire ceases, and everything has to be as declared, once.
//!
//! CI does it for a moment. `cargo xtask soak` does it for as long as it is told to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use secureml::aws::Aws;
use secureml::model::Owner;
use secureml_rig::proxy::Staleness;
use secureml_rig::{Fault, Process, Random, Rig, Rule};

use crate::chaos::census::{Census, beyond, census};
use crate::chaos::tidy::{foreign, tidy};
use crate::environment::{FULL, INSTALLATION, Objects, clients, observe};
use crate::mirror::{mirror, with_mirror};
use crate::tamper::{recognised, rounds};
use crate::world::{Watched, cluster, eventually, kubectl, number};

const UPDATED: &str = include_str!("chaos/updated.yaml");
/// The name in both manifests.
const NAME: &str = "churn";

/// What goes wrong with calls, and how often each.
fn faults() -> [(Fault, f64); 7] {
    [
        (Fault::Throttle, 0.03),
        (
            Fault::error(500, "InternalError", "An internal error has occurred"),
            0.02,
        ),
        (Fault::ResetBefore, 0.01),
        (Fault::ResetAfter, 0.02),
        (Fault::Truncated, 0.01),
        (Fault::Malformed, 0.01),
        (Fault::SlowReply(Duration::from_millis(500)), 0.01),
    ]
}

/// How long AWS's lists may be late, as the controller is told, and how long they are.
const VISIBLE_WITHIN_SECONDS: &str = "5";
const HIDDEN: Duration = Duration::from_millis(1500);
/// The longest pause between two events.
const PAUSE: Duration = Duration::from_millis(1500);
/// How many times as long as it is told the fire lasts at most.
const LONGER: u32 = 6;
/// How long a fleet may take to be as declared, for each project and at least.
const PATIENCE: Duration = Duration::from_secs(60);

/// From the environment.
struct Options {
    seconds: u64,
    projects: u64,
    seed: u64,
}

impl Options {
    fn read() -> Result<Self> {
        Ok(Self {
            seconds: number("SECUREML_SOAK_SECONDS", 20)?,
            projects: number("SECUREML_SOAK_PROJECTS", 2)?,
            seed: number("SECUREML_SOAK_SEED", 1)?,
        })
    }
}

/// A fleet on a rig of its own.
struct Fleet {
    rig: Rig,
    aws: Arc<Aws>,
    /// The endpoint service of the package mirror.
    mirror: String,
    names: Vec<String>,
    controller: Process,
    random: Random,
    /// What happened, and how often.
    counts: BTreeMap<&'static str, usize>,
    /// The memory of the controller in MiB after each event since it was last killed.
    memory: Vec<u64>,
}

/// What somebody does to a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturbance {
    Kill,
    Declare,
    Tamper,
}

impl Disturbance {
    const ALL: [Self; 3] = [Self::Declare, Self::Kill, Self::Tamper];

    /// What is counted when it has come about.
    fn done(self) -> &'static str {
        match self {
            Self::Kill => "the controller was killed",
            Self::Declare => "a project was declared anew",
            Self::Tamper => "somebody tampered",
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_under_fire_ends_as_declared() -> Result<()> {
    let Options {
        seconds,
        projects,
        seed,
    } = Options::read()?;
    let rig = cluster().await?;
    let aws = clients(rig.emulator.url()).await;
    let mirror = mirror(&rig, &aws).await?;
    let before = census(&aws).await?;
    let mut fleet = Fleet {
        names: (0..projects).map(|number| format!("fleet-{number:02}")).collect(),
        controller: start(&rig)?,
        random: Random::new(seed),
        counts: BTreeMap::new(),
        memory: Vec::new(),
        rig,
        aws,
        mirror,
    };
    for name in fleet.names.clone() {
        fleet.declare(&name, FULL).await?;
    }
    fleet.as_declared().await.context("before the fire")?;

    let mut seeds = Random::new(seed);
    let mut rules = Vec::new();
    for (fault, probability) in faults() {
        let name = fault.to_string();
        let rule = Rule::when(|_| true, fault).probability(probability, seeds.number());
        rules.push((name, fleet.rig.proxy.add(rule)));
    }
    fleet
        .rig
        .proxy
        .set_staleness(Some(Staleness::of_reads(HIDDEN).and_writes().and_old_versions()));
    let (mark, begun) = (fleet.rig.proxy.mark(), Instant::now());
    let all = Duration::from_secs(seconds);
    let undone = |fleet: &Fleet| {
        let disturbances = Disturbance::ALL.into_iter().filter(|what| fleet.times(*what) == 0);
        let unused = rules.iter().filter(|(_, rule)| rule.hits() == 0);
        let undone = disturbances.map(|what| what.done().to_owned());
        undone.chain(unused.map(|(fault, _)| fault.clone())).collect::<Vec<_>>()
    };
    // A slow machine needs longer until some of everything has come about.
    while begun.elapsed() < all || begun.elapsed() < all * LONGER && !undone(&fleet).is_empty() {
        // The second half shows whether memory grows: no process of the first is as old.
        fleet.something_happens(begun.elapsed() < all / 2).await?;
        let pause = PAUSE.mul_f64(fleet.random.share());
        tokio::time::sleep(pause).await;
    }
    let calls = fleet.rig.proxy.calls_since(mark);
    let failed = calls.errors().len();
    fleet.rig.proxy.clear_rules();
    fleet.rig.proxy.set_staleness(None);

    println!("{}", fleet.report(calls.len(), failed));
    for (fault, rule) in &rules {
        println!("{:>6} times: {fault}", rule.hits());
    }
    println!("{:>6} times: an answer of before a write", calls.outdated().len());
    let undone = undone(&fleet);
    ensure!(undone.is_empty(), "did not happen once: {undone:?}");
    ensure!(!calls.outdated().is_empty(), "AWS has always answered what is true");
    fleet.as_declared().await.context("after the fire")?;
    fleet.is_there_once().await?;
    fleet.memory_is_flat()?;
    fleet.goes(&before).await
}

fn start(rig: &Rig) -> Result<Process> {
    let visible = ["--visible-within-seconds", VISIBLE_WITHIN_SECONDS];
    // Everything is changed behind its back at once, and is to be put right all the same.
    let unbraked = ["--brake-share", "1"];
    rig.start_controller(&[&["controller", "--installation", INSTALLATION][..], &visible, &unbraked].concat())
}

impl Fleet {
    /// Declares the project `name` as `manifest` does another.
    async fn declare(&self, name: &str, manifest: &str) -> Result<()> {
        let path = self.rig.directory().join(format!("{name}.yaml"));
        std::fs::write(
            &path,
            with_mirror(manifest, &self.mirror).replace(&format!("name: {NAME}"), &format!("name: {name}")),
        )?;
        let path = path.display().to_string();
        kubectl(&self.rig)?.kubectl_text(&["apply", "-f", &path]).await?;
        Ok(())
    }

    async fn something_happens(&mut self, may_die: bool) -> Result<()> {
        let number = usize::try_from(self.random.number() % self.names.len() as u64)?;
        let name = self.names[number].clone();
        let drawn = match self.random.share() {
            share if share < 0.05 => Disturbance::Kill,
            share if share < 0.25 => Disturbance::Declare,
            _ => Disturbance::Tamper,
        };
        // A short fire has some of everything too.
        let missing = Disturbance::ALL.into_iter().find(|what| self.times(*what) == 0);
        let what = match missing.unwrap_or(drawn) {
            Disturbance::Kill if !may_die && self.times(Disturbance::Kill) > 0 => Disturbance::Tamper,
            what => what,
        };
        let came_about = match what {
            Disturbance::Kill => {
                self.controller.kill()?;
                self.controller = start(&self.rig)?;
                self.memory.clear();
                what.done()
            }
            Disturbance::Declare => {
                let manifest = if self.random.share() < 0.5 { FULL } else { UPDATED };
                self.declare(&name, manifest).await?;
                what.done()
            }
            Disturbance::Tamper => self.tamper(&name).await,
        };
        *self.counts.entry(came_about).or_default() += 1;
        self.memory.push(self.controller.memory_mib("VmRSS")?);
        Ok(())
    }

    fn times(&self, what: Disturbance) -> usize {
        self.counts.get(what.done()).copied().unwrap_or_default()
    }

    /// Somebody tampers with something of the project `name`, as far as it is there.
    async fn tamper(&mut self, name: &str) -> &'static str {
        let Ok(objects) = self.observe(name).await else {
            return "nothing: the project is being worked on";
        };
        let ways: Vec<_> = recognised().collect();
        let pick = |number: u64, from: usize| usize::try_from(number % (from.max(1) as u64)).unwrap_or_default();
        let way = ways[pick(self.random.number(), ways.len())];
        let nodes: Vec<&String> = objects
            .iter()
            .filter(|(_, object)| object.kind == way.kind)
            .map(|(node, _)| node)
            .collect();
        let Some(node) = nodes.get(pick(self.random.number(), nodes.len())) else {
            return "nothing: there is no such resource now";
        };
        match rounds::act(way, &self.aws, node, &objects).await {
            Ok(()) => Disturbance::Tamper.done(),
            Err(_) => "somebody tried to tamper in vain",
        }
    }

    async fn observe(&self, name: &str) -> Result<Objects> {
        observe(&self.aws, &Owner::new(INSTALLATION, "default", name)).await
    }

    fn patience(&self) -> Result<Duration> {
        Ok(PATIENCE * u32::try_from(self.names.len())? + PATIENCE)
    }

    /// Waits until every project is as declared.
    async fn as_declared(&self) -> Result<()> {
        let patience = self.patience()?;
        let cluster = kubectl(&self.rig)?;
        for name in &self.names {
            let project = Watched::new(cluster, name).await?;
            let ready = async || Ok(project.ready().await?.is_ok());
            let waited = eventually("as declared", patience, ready).await;
            let why = async || project.ready().await.map(|ready| ready.err().unwrap_or_default());
            if waited.is_err() {
                anyhow::bail!(
                    "{name} is not as declared: {}\n{}",
                    why().await?,
                    self.controller.tail()
                );
            }
        }
        Ok(())
    }

    /// Everything that is there belongs to a project, and nothing is there twice.
    async fn is_there_once(&self) -> Result<()> {
        for name in &self.names {
            self.observe(name).await.with_context(|| name.clone())?;
        }
        Ok(())
    }

    /// The controller takes no more memory in the end than it did once it was warm.
    fn memory_is_flat(&self) -> Result<()> {
        let third = self.memory.len() / 3;
        let most = |samples: &[u64]| samples.iter().copied().max().unwrap_or_default();
        let (warm, end) = (most(&self.memory[third..2 * third]), most(&self.memory[2 * third..]));
        println!("memory of the controller: {warm} MiB when it was warm, {end} MiB in the end");
        // What a list of a larger answer takes comes and goes.
        ensure!(end <= warm + warm / 4 + 10, "it grew from {warm} to {end} MiB");
        Ok(())
    }

    /// Deletes every project with all its data: nothing is left that was not there `before`.
    async fn goes(&self, before: &Census) -> Result<()> {
        for name in &self.names {
            self.declare(name, UPDATED).await?;
        }
        self.as_declared().await.context("with leave to delete")?;
        let mut objects = Objects::new();
        for name in &self.names {
            let of = self.observe(name).await?;
            objects.extend(of.into_iter().map(|(node, object)| (format!("{name} {node}"), object)));
        }
        tidy(&self.aws, &objects, before).await?;
        // What bears a project's tags is among its objects; the rest somebody made who tampered, such as a key.
        let others = foreign(census(&self.aws).await?, &objects);
        let cluster = kubectl(&self.rig)?;
        cluster
            .kubectl_text(&["delete", "smlp", "--all", "--wait=false"])
            .await?;
        let patience = self.patience()?;
        let gone = async || {
            Ok(cluster
                .kubectl_text(&["get", "smlp", "-o", "name"])
                .await?
                .trim()
                .is_empty())
        };
        eventually("all projects are gone", patience, gone).await?;
        let mut left = beyond(&census(&self.aws).await?, &others);
        // They wait for the end of their thirty days.
        left.remove("keys that are to go");
        ensure!(left.is_empty(), "the account still holds {left:?}");
        Ok(())
    }

    fn report(&self, calls: usize, failed: usize) -> String {
        let mut text = format!("under fire: {calls} calls to AWS, {failed} of them failed\n");
        for (what, times) in &self.counts {
            writeln!(text, "{times:>6} times: {what}").ok();
        }
        text
    }
}
