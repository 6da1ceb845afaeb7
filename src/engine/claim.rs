//! Who works in the name of an installation: the claims of the controllers that do, and what each makes of the others'.
//!
//! Every controller that begins to work writes a claim of its own, beside those of others, and nobody writes another's.
//! A claim asks "is anybody there?" and says whose asking was heard. Whoever sees an asking that is new answers by
//! writing down that it was heard; whoever is not answered for long enough is gone, and its claim is struck. While
//! anybody else lives, nobody works. At rest claims are read and never written.
//!
//! This is the part without I/O: what is to be written follows from what was read, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What nobody waits beyond, whatever a claim says.
const LONGEST: Duration = Duration::from_hours(24);

/// One run of a controller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claimant {
    /// The cluster that it leads.
    pub cluster: String,
    /// When it began, which tells it from its predecessors there: a number that grows with time.
    pub start: u64,
}

impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.start)
    }
}

/// What a claim says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claim {
    /// Tells this asking from the claimant's others: when it was made. The first is the claimant's start.
    pub asked: u64,
    /// How many seconds the claimant may take to answer. Who asks waits for so long at least.
    pub wait: u64,
    /// Whose asking was heard, and which: `cluster/start` → `asked`.
    pub heard: BTreeMap<String, u64>,
}

/// The claims that stand.
pub type Claims = BTreeMap<Claimant, Claim>;

/// What has to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Our own claim.
    Put(Claim),
    /// The claim of somebody who is gone.
    Strike(Claimant),
}

/// Whether this controller may work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is alone.
    Alone,
    /// It has asked these, who have not answered so far.
    Asking(BTreeSet<Claimant>),
    /// These live as well. Nobody works.
    Disputed(BTreeSet<Claimant>),
}

/// What is known of another's claim.
#[derive(Clone, Debug)]
struct Other {
    asked: u64,
    wait: Duration,
    /// When it was first seen, or last asked something new.
    seen: Instant,
    /// Whether it showed any life since this controller began.
    lives: bool,
    /// Whether it has heard our latest asking.
    answered: bool,
}

/// A claim that is to go.
#[derive(Clone, Copy, Debug)]
struct Struck {
    asked: u64,
    done: bool,
}

/// This controller, among the claimants.
#[derive(Debug)]
pub struct Contender {
    own: Claimant,
    wait: Duration,
    claim: Claim,
    /// When our claim was accepted as it is now, and so when others could see it.
    written: Option<Instant>,
    /// Whether our asking is meant for the others there are.
    asks: bool,
    others: BTreeMap<Claimant, Other>,
    /// Claims that are to be struck, or were: lists may go on showing them for a while.
    struck: BTreeMap<Claimant, Struck>,
    begun: bool,
}

impl Contender {
    /// `own` begins to contend. Whoever does not answer within `wait` is gone.
    pub fn new(own: Claimant, wait: Duration) -> Self {
        let claim = Claim {
            asked: own.start,
            wait: wait.as_secs(),
            heard: BTreeMap::new(),
        };
        Self {
            own,
            wait,
            claim,
            written: None,
            asks: false,
            others: BTreeMap::new(),
            struck: BTreeMap::new(),
            begun: false,
        }
    }

    /// Who this is.
    pub fn own(&self) -> &Claimant {
        &self.own
    }

    /// How long others have to answer.
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// How often claims have to be read, so that an asking is answered in time.
    pub fn every(&self) -> Duration {
        self.wait / 5
    }

    /// For how long after a reading that found us alone we may work: for less than others wait for an answer.
    pub fn lasts(&self) -> Duration {
        self.every() * 3
    }

    /// Takes note of the claims `read`, which were asked for at `at`, and says what is to be written. `stamp` tells a new
    /// asking from all earlier ones.
    pub fn hear(&mut self, read: &Claims, at: Instant, stamp: u64) -> Vec<Write> {
        let mut writes = Vec::new();
        let before = self.claim.clone();
        let shown = read.get(&self.own);
        let stands = self.written.is_some_and(|written| written <= at);
        let (missing, differs) = (stands && shown.is_none(), stands && shown != Some(&self.claim));
        self.others.retain(|claimant, _| read.contains_key(claimant));
        for (claimant, claim) in read {
            if *claimant == self.own {
                continue;
            }
            if let Some(struck) = self.struck.get(claimant).filter(|struck| struck.asked == claim.asked) {
                writes.extend((!struck.done).then(|| Write::Strike(claimant.clone())));
            } else if self.preceded_by(claimant, claim) {
                writes.push(self.strike(claimant.clone(), claim.asked));
            } else {
                self.meet(claimant, claim, at);
            }
        }
        self.begun = true;
        if !self.others.is_empty() && (!self.asks || missing) {
            self.ask(stamp);
        } else if self.others.is_empty() {
            self.asks = false;
        }
        for claimant in self.unheard_for_long(at) {
            let asked = self.others.remove(&claimant).map_or(0, |other| other.asked);
            writes.push(self.strike(claimant, asked));
        }
        if self.asks && self.others.values().all(|other| other.answered) && waited(self.written, self.wait, at) {
            self.ask(stamp);
        }
        let names: BTreeSet<String> = self.others.keys().map(ToString::to_string).collect();
        self.claim.heard.retain(|name, _| names.contains(name));
        if self.written.is_none() || differs || self.claim != before {
            writes.insert(0, Write::Put(self.claim.clone()));
        }
        writes
    }

    /// Our claim was accepted as it is, at `at` the latest.
    pub fn written(&mut self, at: Instant) {
        self.written = Some(at);
    }

    /// The claim of `claimant` is struck.
    pub fn struck(&mut self, claimant: &Claimant) {
        if let Some(struck) = self.struck.get_mut(claimant) {
            struck.done = true;
        }
    }

    /// How we stand after the reading of `at`, which is `None` when our own claim was not there for all to see before.
    pub fn standing(&self, at: Instant) -> Option<Standing> {
        self.written.filter(|written| *written <= at)?;
        let living = self.others.iter().filter(|(_, other)| other.lives);
        let living: BTreeSet<Claimant> = living.map(|(claimant, _)| claimant.clone()).collect();
        Some(if !living.is_empty() {
            Standing::Disputed(living)
        } else if self.others.is_empty() {
            Standing::Alone
        } else {
            Standing::Asking(self.others.keys().cloned().collect())
        })
    }

    /// Whether a claim is that of a controller whose place in the cluster we took. What stood when we began is; and what
    /// a dead predecessor sent arrives late sometimes. One that asks again lives, however: then the cluster has a twin.
    fn preceded_by(&self, claimant: &Claimant, claim: &Claim) -> bool {
        let first = claim.asked == claimant.start && claimant.start < self.own.start;
        claimant.cluster == self.own.cluster && (!self.begun || first)
    }

    fn strike(&mut self, claimant: Claimant, asked: u64) -> Write {
        self.struck.insert(claimant.clone(), Struck { asked, done: false });
        Write::Strike(claimant)
    }

    fn meet(&mut self, claimant: &Claimant, claim: &Claim, at: Instant) {
        // Who stood here before us may be long gone.
        let began_before_us = !self.begun;
        let heard = claim.heard.get(&self.own.to_string()) == Some(&self.claim.asked);
        let other = self.others.entry(claimant.clone()).or_insert_with(|| Other {
            asked: claim.asked,
            wait: Duration::from_secs(claim.wait).clamp(self.wait, LONGEST.max(self.wait)),
            seen: at,
            lives: !began_before_us,
            answered: false,
        });
        if other.asked != claim.asked {
            other.asked = claim.asked;
            other.seen = at;
            other.lives = true;
        }
        if heard && self.asks {
            other.answered = true;
            other.lives = true;
        }
        self.claim.heard.insert(claimant.to_string(), claim.asked);
    }

    fn ask(&mut self, stamp: u64) {
        self.claim.asked = stamp.max(self.claim.asked + 1);
        self.asks = true;
        self.written = None;
        for other in self.others.values_mut() {
            other.answered = false;
        }
    }

    fn unheard_for_long(&self, at: Instant) -> Vec<Claimant> {
        let gone = |other: &Other| {
            let asked = self.written.map(|written| written.max(other.seen));
            self.asks && !other.answered && waited(asked, other.wait, at)
        };
        let gone = self.others.iter().filter(|(_, other)| gone(other));
        gone.map(|(claimant, _)| claimant.clone()).collect()
    }
}

fn waited(since: Option<Instant>, wait: Duration, now: Instant) -> bool {
    since.is_some_and(|since| since + wait <= now)
}

#[cfg(test)]
mod tests;
