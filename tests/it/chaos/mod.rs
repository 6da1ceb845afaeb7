//! Kills the controller, as a node that fails would, at every call of a project's life and at each moment of the call;
//! starts it again; and compares what comes of it with a life that nobody disturbed.
//!
//! CI makes a few kills, drawn from a seed. `cargo xtask chaos` makes all, or as many as it is told to.

pub mod census;
mod changes;
mod life;
pub mod tidy;
mod trial;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Result, ensure};
use secureml_rig::Random;

use life::{Life, Part};
use trial::{Kill, Reference, Trial};

use crate::world::number;

/// How many kills CI makes.
const SAMPLE: usize = 12;
/// How many times in a row the controller dies, unless told otherwise.
const ROW: u64 = 3;

/// What is to be done, from the environment.
struct Options {
    kills: usize,
    shards: usize,
    seed: u64,
    /// How many times in a row the controller dies in one part of a life, at most.
    row: usize,
}

impl Options {
    fn read() -> Result<Self> {
        Ok(Self {
            kills: usize::try_from(number("SECUREML_CHAOS_KILLS", SAMPLE as u64)?)?,
            shards: usize::try_from(number("SECUREML_CHAOS_SHARDS", 1)?)?,
            seed: number("SECUREML_CHAOS_SEED", 1)?,
            row: usize::try_from(number("SECUREML_CHAOS_ROW", ROW)?)?,
        })
    }
}

/// What all shards share.
struct Work {
    reference: Reference,
    /// What is still to be tried, by part.
    open: Mutex<BTreeMap<Part, VecDeque<Kill>>>,
    done: Mutex<Vec<(Part, Trial)>>,
    /// How many reads were answered as before a write.
    outdated: AtomicUsize,
    row: usize,
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
        outdated: AtomicUsize::new(0),
        row: options.row.max(1),
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
    let outdated = work.outdated.load(Ordering::Relaxed);
    println!("{outdated} reads were answered as before a write");
    let wrong = done
        .iter()
        .filter_map(|(_, trial)| Some(format!("{}\n{}", trial.deaths(), trial.wrong.as_ref()?)));
    let wrong: Vec<String> = wrong.collect();
    ensure!(
        wrong.is_empty(),
        "{} rows of kills left a trace:\n{}",
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
            let sound = self.live(&living, stale).await?;
            let outdated = living.rig.proxy.calls().outdated().len();
            self.outdated.fetch_add(outdated, Ordering::Relaxed);
            ensure!(
                stale == (outdated > 0),
                "{outdated} reads were answered as before a write"
            );
            // After a trace was left, the life is of no more use.
            if sound {
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

    /// The next kills of `part`, as many as may happen in a row.
    fn take(&self, part: Part, stale: bool) -> Vec<Kill> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = open.entry(part).or_default();
        let mut taken = Vec::new();
        while taken.len() < self.row
            && let Some(index) = queue.iter().position(|kill| kill.stale == stale)
        {
            taken.extend(queue.remove(index));
        }
        taken
    }

    /// Takes back what did not happen, to be tried alone or in another row.
    fn give_back(&self, part: Part, kills: Vec<Kill>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.entry(part).or_default().extend(kills);
    }

    async fn live(&self, life: &Life, stale: bool) -> Result<bool> {
        for part in self.reference.parts() {
            let kills = self.take(part, stale);
            if kills.is_empty() {
                // Drift is put right before the next part; the others have to come for what follows.
                if !matches!(part, Part::Drift(_)) {
                    life.pass(&self.reference, part).await?;
                }
                continue;
            }
            let mut trial = life.suffer(&self.reference, part, kills).await?;
            // What comes after the others may come to nothing because of them.
            if !trial.died.is_empty() {
                self.give_back(part, std::mem::take(&mut trial.missed));
            }
            let sound = trial.wrong.is_none();
            if sound {
                life.tidy().await?;
            }
            self.tell(part, trial);
            if !sound {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn tell(&self, part: Part, trial: Trial) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.push((part, trial));
        let tried: usize = done
            .iter()
            .map(|(_, trial)| trial.died.len() + trial.missed.len())
            .sum();
        if let Some((_, trial)) = done.last() {
            let end = trial
                .wrong
                .as_ref()
                .map_or_else(|| "converged".to_owned(), |wrong| format!("WRONG: {wrong}"));
            let seconds = self.begun.elapsed().as_secs_f64();
            println!("{tried:>5} {seconds:>6.0} s  {}: {end}", trial.deaths());
        }
    }
}

fn table(done: &[(Part, Trial)]) -> String {
    let mut rows: BTreeMap<(usize, &str), [usize; 7]> = BTreeMap::new();
    for (part, trial) in done {
        let part = match part {
            Part::Create => (0, "create"),
            Part::Drift(_) => (1, "drift"),
            Part::Update(_) => (2, "update"),
            Part::Delete => (3, "delete"),
        };
        let converged = if trial.wrong.is_none() { trial.died.len() } else { 0 };
        for row in [part, (4, "all")] {
            let row = rows.entry(row).or_default();
            row[0] += trial.died.len();
            row[1] += trial.died.len().saturating_sub(1);
            row[2] += trial.missed.len();
            row[3] += converged;
            row[4] += trial.surplus.duplicates;
            row[5] += trial.surplus.orphans;
            row[6] += trial.lost.len();
        }
    }
    let mut text = format!(
        "{:<10}{:>8}{:>18}{:>14}{:>11}{:>12}{:>9}{:>15}\n",
        "part", "kills", "while recovering", "not reached", "converged", "duplicates", "orphans", "wrong deletes"
    );
    for ((_, part), [kills, again, missed, converged, duplicates, orphans, lost]) in rows {
        text += &format!(
            "{part:<10}{kills:>8}{again:>18}{missed:>14}{converged:>11}{duplicates:>12}{orphans:>9}{lost:>15}\n"
        );
    }
    text
}

/// In an order that a seed decides: the place of a kill depends on nothing but the kill, for each life has its calls in
/// another order.
fn drawn(mut kills: Vec<Kill>, seed: u64) -> Vec<Kill> {
    kills.sort_by_cached_key(|kill| (Random::about(seed, &kill.to_string()).number(), kill.clone()));
    kills
}

#[test]
fn the_same_seed_draws_the_same_kills() {
    use trial::When;

    let kill = |nth: u64, stale: bool| Kill {
        stale,
        part: Part::Create,
        call: "ec2:CreateVpc".to_owned(),
        nth,
        when: When::AfterReply,
    };
    let all = || (1..=200).flat_map(|nth| [kill(nth, false), kill(nth, true)]);
    let first = drawn(all().collect(), 7);
    assert_eq!(
        drawn(all().rev().collect(), 7),
        first,
        "in whichever order they are found"
    );
    assert_ne!(drawn(all().collect(), 8), first);
    let without: Vec<Kill> = first.iter().filter(|kill| kill.nth != 100).cloned().collect();
    let fewer = drawn(all().filter(|kill| kill.nth != 100).collect(), 7);
    assert_eq!(fewer, without, "one call more or less moves no other kill");
}
