//! Kills the controller, as a node that fails would, at every call of a project's life and at each moment of the call;
//! starts it again; and compares what comes of it with a life that nobody disturbed.
//!
//! CI makes a few kills, drawn from a seed. `cargo xtask chaos` makes as many as it is told to.

mod census;
mod life;
mod tidy;
mod trial;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use secureml_rig::Random;

use life::{Life, Part};
use trial::{Kill, Reference, Trial};

/// How many kills CI makes.
const SAMPLE: usize = 12;

/// What is to be done, from the environment.
struct Options {
    kills: usize,
    shards: usize,
    seed: u64,
}

impl Options {
    fn read() -> Result<Self> {
        let number = |name: &str, otherwise: u64| match std::env::var(name) {
            Ok(text) => text.parse().with_context(|| format!("{name}={text} is not a number")),
            Err(_) => Ok(otherwise),
        };
        Ok(Self {
            kills: usize::try_from(number("SECUREML_CHAOS_KILLS", SAMPLE as u64)?)?,
            shards: usize::try_from(number("SECUREML_CHAOS_SHARDS", 1)?)?,
            seed: number("SECUREML_CHAOS_SEED", 1)?,
        })
    }
}

/// What all shards share.
struct Work {
    reference: Reference,
    /// What is still to be tried, by part.
    open: Mutex<BTreeMap<Part, VecDeque<Kill>>>,
    done: Mutex<Vec<(Kill, Trial)>>,
    begun: Instant,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_call_leaves_nothing_behind() -> Result<()> {
    let options = Options::read()?;
    let first = Life::begin().await?;
    let reference = Reference::live(&first).await?;
    let all = reference.kills();
    println!(
        "a life has {} calls; {} kills are possible",
        reference.calls(),
        all.len()
    );
    let mut open: BTreeMap<Part, VecDeque<Kill>> = BTreeMap::new();
    for kill in drawn(all, options.seed).into_iter().take(options.kills) {
        open.entry(kill.part).or_default().push_back(kill);
    }
    let work = Arc::new(Work {
        reference,
        open: Mutex::new(open),
        done: Mutex::default(),
        begun: Instant::now(),
    });
    let mut shards = tokio::task::JoinSet::new();
    let mut first = Some(first);
    for _ in 0..options.shards.max(1) {
        let (work, life) = (Arc::clone(&work), first.take());
        shards.spawn(async move { work.shard(life).await });
    }
    while let Some(shard) = shards.join_next().await {
        shard??;
    }
    let done = std::mem::take(&mut *work.done.lock().unwrap_or_else(PoisonError::into_inner));
    println!("{}", table(&done));
    let wrong = done
        .iter()
        .filter_map(|(kill, trial)| Some(format!("{kill}\n{}", trial.wrong.as_ref()?)));
    let wrong: Vec<String> = wrong.collect();
    ensure!(
        wrong.is_empty(),
        "{} kills left a trace:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
    Ok(())
}

impl Work {
    /// Lives lives, one after the other, with a kill in as many of their parts as there are kills left for.
    async fn shard(&self, mut life: Option<Life>) -> Result<()> {
        while let Some(stale) = self.next() {
            let mut living = match life.take() {
                Some(life) => life,
                None => Life::begin().await?,
            };
            living.begin_anew(stale).await?;
            // After a trace was left, the life is of no more use.
            if self.live(&living, stale).await? {
                life = Some(living);
            }
        }
        Ok(())
    }

    /// Whether the lists of the next life show late what was made; nothing when all is tried.
    fn next(&self) -> Option<bool> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let kill = open.values().find_map(VecDeque::front)?;
        Some(kill.stale)
    }

    fn take(&self, part: Part, stale: bool) -> Option<Kill> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = open.get_mut(&part)?;
        let index = queue.iter().position(|kill| kill.stale == stale)?;
        queue.remove(index)
    }

    async fn live(&self, life: &Life, stale: bool) -> Result<bool> {
        for part in self.reference.parts() {
            let Some(kill) = self.take(part, stale) else {
                // Drift is put right before the next part; the others have to come for what follows.
                if !matches!(part, Part::Drift(_)) {
                    life.pass(&self.reference, part).await?;
                }
                continue;
            };
            let trial = life.suffer(&self.reference, &kill).await?;
            let sound = trial.wrong.is_none();
            if sound {
                life.tidy().await?;
            }
            self.tell(kill, trial);
            if !sound {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn tell(&self, kill: Kill, trial: Trial) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.push((kill, trial));
        if let Some((kill, trial)) = done.last() {
            let end = match (&trial.wrong, trial.missed) {
                (Some(wrong), _) => format!("WRONG: {wrong}"),
                (None, true) => "not reached; converged".to_owned(),
                (None, false) => "converged".to_owned(),
            };
            println!(
                "{:>5} {:>6.0} s  {kill}: {end}",
                done.len(),
                self.begun.elapsed().as_secs_f64()
            );
        }
    }
}

fn table(done: &[(Kill, Trial)]) -> String {
    let mut rows: BTreeMap<(usize, &str), [usize; 5]> = BTreeMap::new();
    for (kill, trial) in done {
        let part = match kill.part {
            Part::Create => (0, "create"),
            Part::Drift(_) => (1, "drift"),
            Part::Update => (2, "update"),
            Part::Delete => (3, "delete"),
        };
        for row in [part, (4, "all")] {
            let row = rows.entry(row).or_default();
            row[0] += usize::from(!trial.missed);
            row[1] += usize::from(trial.missed);
            row[2] += usize::from(trial.wrong.is_none());
            row[3] += trial.surplus;
            row[4] += usize::from(trial.lost);
        }
    }
    let mut text = format!(
        "{:<10}{:>8}{:>14}{:>11}{:>23}{:>15}\n",
        "part", "kills", "not reached", "converged", "duplicates and orphans", "wrong deletes"
    );
    for ((_, part), [kills, missed, converged, surplus, lost]) in rows {
        text += &format!("{part:<10}{kills:>8}{missed:>14}{converged:>11}{surplus:>23}{lost:>15}\n");
    }
    text
}

/// In an order that a seed decides.
fn drawn(kills: Vec<Kill>, seed: u64) -> Vec<Kill> {
    let mut random = Random::new(seed);
    let mut keyed: Vec<(u64, Kill)> = kills.into_iter().map(|kill| (random.number(), kill)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, kill)| kill).collect()
}
