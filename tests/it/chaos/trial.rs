//! Deaths of the controller, one or several in a row, and what comes of them.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, ensure};
use futures::future::select_all;
use secureml_rig::proxy::{Call, Calls, Gate, Held, Moment, RuleHandle};
use secureml_rig::{Fault, Rule};

use super::life::{Life, MANIFESTS, Part, Picture, Surplus};
use crate::tamper::rounds::Done;

/// When the controller dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// The call has left it and is lost.
    BeforeSend,
    /// The call has left it and reaches AWS only when the next controller has looked.
    SentLate,
    /// AWS is at work on the call.
    WhileCarriedOut,
    /// AWS has carried the call out, and the reply is lost.
    ReplyLost,
    /// The reply has come, and nothing else was done since.
    AfterReply,
}

impl When {
    pub const ALL: [Self; 5] = [
        Self::BeforeSend,
        Self::SentLate,
        Self::WhileCarriedOut,
        Self::ReplyLost,
        Self::AfterReply,
    ];

    fn moment(self) -> Moment {
        match self {
            Self::BeforeSend | Self::SentLate => Moment::BeforeForward,
            Self::WhileCarriedOut => Moment::DuringForward,
            Self::ReplyLost => Moment::AfterForward,
            Self::AfterReply => Moment::AfterReply,
        }
    }

    /// What becomes of the call at which the controller died: it is left here if it is to go on later.
    fn befalls(self, held: Held) -> Option<Held> {
        match self {
            Self::SentLate => return Some(held),
            Self::BeforeSend | Self::ReplyLost => held.discard(),
            Self::WhileCarriedOut | Self::AfterReply => held.go_on(),
        }
        None
    }
}

/// Where a controller is to die.
struct Ambush {
    kill: Kill,
    gate: Gate,
    rule: RuleHandle,
}

/// The first of `ambushes` that a call comes to, and the call; never, if there are none.
async fn reached(ambushes: &[Ambush]) -> (usize, Held) {
    if ambushes.is_empty() {
        return std::future::pending().await;
    }
    let gates = ambushes.iter().map(|ambush| Box::pin(ambush.gate.reached()));
    let (held, index, _) = select_all(gates).await;
    (index, held)
}

/// A death.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kill {
    /// Whether AWS's lists show late what was made.
    pub stale: bool,
    pub part: Part,
    /// At a call of this name …
    pub call: String,
    /// … of so many in this part, from 1.
    pub nth: u64,
    pub when: When,
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            part,
            call,
            nth,
            when,
            stale,
        } = self;
        let lists = if *stale { ", with late lists" } else { "" };
        write!(f, "{part:?}: {when:?} of {call} no. {nth}{lists}")
    }
}

/// What a life comes to that nobody disturbs.
pub struct Reference {
    /// The rounds of tampering.
    pub drifts: Vec<Vec<Done>>,
    parts: BTreeMap<Part, Ended>,
}

struct Ended {
    calls: Calls,
    picture: Picture,
    /// The ids that the part left as they were, by node.
    kept: Vec<String>,
}

impl Reference {
    /// Lives a life and writes it down.
    pub async fn live(life: &Life) -> Result<Self> {
        let mut reference = Self {
            drifts: Vec::new(),
            parts: BTreeMap::new(),
        };
        reference.prepared(life, Part::Create).await?;
        let mut rounds = life.rounds().await?;
        while !rounds.is_over() {
            let before = life.ids().await?;
            reference.drifts.push(life.tamper(&mut rounds).await?);
            let round = Part::Drift(reference.drifts.len() - 1);
            reference.lived(life, round, &before).await?;
            life.tidy().await?;
        }
        for part in ends() {
            reference.prepared(life, part).await?;
        }
        Ok(reference)
    }

    async fn prepared(&mut self, life: &Life, part: Part) -> Result<()> {
        let before = life.ids().await?;
        life.prepare(part, &self.drifts).await?;
        self.lived(life, part, &before).await
    }

    async fn lived(&mut self, life: &Life, part: Part, before: &BTreeMap<String, String>) -> Result<()> {
        life.note_others().await?;
        let mark = life.rig.proxy.mark();
        let mut controller = life.controller()?;
        life.settled(mark)
            .await
            .with_context(|| format!("{part:?} undisturbed"))?;
        controller.stop()?;
        let calls = life.rig.proxy.calls_since(mark);
        let after = life.ids().await?;
        let same = |(node, id): &(&String, &String)| after.get(*node) == Some(*id);
        let ended = Ended {
            calls,
            picture: life.picture().await?,
            kept: before.iter().filter(same).map(|(node, _)| node.clone()).collect(),
        };
        self.parts.insert(part, ended);
        Ok(())
    }

    /// Every death there is: at each call of each part, each time in all ways that make a difference.
    pub fn kills(&self) -> Vec<Kill> {
        let mut all = Vec::new();
        for (part, Ended { calls, .. }) in &self.parts {
            let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
            for call in calls.iter() {
                let nth = seen.entry(call.name.as_str()).or_default();
                *nth += 1;
                for when in When::ALL.into_iter().filter(|when| differs(call, *when)) {
                    all.extend([false, true].map(|stale| Kill {
                        stale,
                        part: *part,
                        call: call.name.clone(),
                        nth: *nth,
                        when,
                    }));
                }
            }
        }
        all
    }

    /// How many calls a life has.
    pub fn calls(&self) -> usize {
        self.parts.values().map(|ended| ended.calls.len()).sum()
    }

    /// The parts in their order.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let drifts = (0..self.drifts.len()).map(Part::Drift);
        [Part::Create].into_iter().chain(drifts).chain(ends())
    }

    fn of(&self, part: Part) -> Result<&Ended> {
        self.parts.get(&part).context("a part that was not lived")
    }
}

/// The parts that come after all drift.
fn ends() -> impl Iterator<Item = Part> {
    (1..MANIFESTS.len()).map(Part::Update).chain([Part::Delete])
}

/// A late read, and one whose reply is lost, is like one that was never sent.
fn differs(call: &Call, when: When) -> bool {
    call.mutating || matches!(when, When::BeforeSend | When::AfterReply)
}

/// What came of a row of deaths in one part of a life.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// The deaths, in their order: each controller was killed when it was at work on what the one before had left.
    pub died: Vec<Kill>,
    /// No controller came to these calls: another order of things made them unnecessary.
    pub missed: Vec<Kill>,
    /// What was wrong in the end, if anything.
    pub wrong: Option<String>,
    /// What there was too much of in the end.
    pub surplus: Surplus,
    /// What was gone or made anew that should have stayed.
    pub lost: Vec<String>,
}

impl Trial {
    /// The deaths in words.
    pub fn deaths(&self) -> String {
        let all: Vec<String> = match self.died.as_slice() {
            [] => self.missed.iter().map(|kill| format!("{kill} (not reached)")).collect(),
            died => died.iter().map(ToString::to_string).collect(),
        };
        all.join(", then ")
    }
}

impl Life {
    /// Lives `part` undisturbed, as it has to come before another.
    pub async fn pass(&self, reference: &Reference, part: Part) -> Result<()> {
        self.prepare(part, &reference.drifts).await?;
        self.note_others().await?;
        let mark = self.rig.proxy.mark();
        let mut controller = self.controller()?;
        let wanted = &reference.of(part)?.picture;
        // Stopped any sooner, it leaves a project behind that only the next life's controller lets go of.
        self.ends_as(wanted, mark).await.with_context(|| controller.tail())?;
        controller.stop()?;
        let lost = self.lost_bystanders().await?;
        ensure!(lost.is_empty(), "gone: {}", lost.join(", "));
        Ok(())
    }

    /// Lives `part` and kills the controller at each of `kills` that it, or one of its successors, comes to.
    pub async fn suffer(&self, reference: &Reference, part: Part, kills: Vec<Kill>) -> Result<Trial> {
        let before = self.ids().await?;
        self.prepare(part, &reference.drifts).await?;
        self.note_others().await?;
        let mut ambushes: Vec<Ambush> = kills.into_iter().map(|kill| self.ambush(kill)).collect();
        let ended = reference.of(part)?;
        let mut trial = Trial::default();
        let mut late = Vec::new();
        let mut mark = self.rig.proxy.mark();
        let mut controller = self.controller()?;
        let outcome = loop {
            tokio::select! {
                biased;
                (index, held) = reached(&ambushes) => {
                    controller.kill()?;
                    let Ambush { kill, rule, .. } = ambushes.remove(index);
                    rule.remove();
                    late.extend(kill.when.befalls(held));
                    trial.died.push(kill);
                    mark = self.rig.proxy.mark();
                    controller = self.controller()?;
                }
                looked = self.has_looked(mark), if !late.is_empty() => {
                    looked.with_context(|| controller.tail())?;
                    late.drain(..).for_each(Held::go_on);
                }
                outcome = self.ends_as(&ended.picture, mark) => break outcome,
            }
        };
        for Ambush { kill, rule, .. } in ambushes {
            rule.remove();
            trial.missed.push(kill);
        }
        if let Err(wrong) = outcome {
            trial.wrong = Some(format!("{wrong:#}\n{}", controller.tail()));
        }
        controller.stop()?;
        trial.surplus = self.surplus(&ended.picture).await?;
        trial.lost = self.lost_bystanders().await?;
        trial.lost.extend(self.not_kept(&before, ended).await?);
        if !trial.lost.is_empty() {
            let lost = trial.lost.join("\n");
            trial.wrong = Some([trial.wrong.take().unwrap_or_default(), lost].join("\n"));
        }
        Ok(trial)
    }

    /// Lies in wait at the call of `kill`. Calls are counted from here, whichever controller makes them.
    fn ambush(&self, kill: Kill) -> Ambush {
        let gate = Gate::at(kill.when.moment());
        let rule = Rule::on(&kill.call, Fault::Hold(gate.clone())).nth(kill.nth).times(1);
        let rule = self.rig.proxy.add(rule);
        Ambush { kill, gate, rule }
    }

    /// What of the project is not what it was, though an undisturbed life leaves it alone.
    async fn not_kept(&self, before: &BTreeMap<String, String>, ended: &Ended) -> Result<Vec<String>> {
        let copies = self.copies().await?;
        let is = |node: &str| copies.get(node).into_iter().flatten();
        let gone = ended
            .kept
            .iter()
            .filter(|node| !is(node).any(|id| before.get(*node) == Some(id)));
        let tell = |node: &String| format!("{node} was {:?} and is {:?} now", before.get(node), copies.get(node));
        Ok(gone.map(tell).collect())
    }
}
