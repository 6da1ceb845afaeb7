//! Planning and applying against AWS, pass after pass.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow, bail};

use super::subject::{Common, Subject, Target};
use crate::api::SecureMLProject;
use crate::aws::{Aws, describe_account};
use crate::blueprint::{self, Blueprint, Invalid, Project};
use crate::engine::{Inventory, Memory, Outcome, Permit, Report, carry_out, look};
use crate::model::{NodeKey, counted};
use crate::plan::{Action, Goal, Plan, World, render};

/// Between passes, while AWS is at work.
const PAUSE: Duration = Duration::from_secs(2);
/// After so many passes in which nothing moved, it is no use to go on.
const PATIENCE: usize = 90;

/// What a command works with.
pub(super) struct Session {
    inventory: Inventory,
    pub(super) project: Project,
    pub(super) blueprint: Blueprint,
    memory: Memory,
}

impl Session {
    /// Finds out about the account and draws what `object` declares there.
    pub(super) async fn open(object: SecureMLProject, common: &Common) -> Result<Self> {
        let owner = common.owner(&object);
        let aws = Arc::new(Aws::from_env(common.aws_rate_share).await?);
        let account = describe_account(&aws)
            .await
            .map_err(|failure| anyhow!("cannot look at the account: {}", failure.sentence()))?;
        let project = Project::new(owner, object.spec, account).map_err(|problems| anyhow!(list(&problems)))?;
        Ok(Self {
            inventory: Inventory::new(aws, &common.installation, Permit::always()),
            blueprint: blueprint::draw(&project),
            project,
            memory: Memory::default(),
        })
    }

    /// What AWS holds, no older than `floor`, and what is to be done about it.
    pub(super) async fn look(&mut self, goal: Goal, floor: Instant) -> Result<(World, Plan)> {
        let memory = &mut self.memory;
        Ok(look(&self.inventory, &self.blueprint, goal, memory, floor, false).await?)
    }

    async fn apply(&mut self, plan: &Plan, incarnation: &str) -> Report {
        carry_out(&self.inventory, plan, &mut self.memory, incarnation).await
    }
}

pub(super) async fn plan(subject: &Subject) -> Result<Plan> {
    let mut session = Session::open(subject.project().await?, &subject.common).await?;
    let (_, plan) = session.look(Goal::Present, Instant::now()).await?;
    Ok(plan)
}

/// Plans and applies until AWS holds what is wanted.
pub(super) async fn run(target: &Target, goal: Goal) -> Result<ExitCode> {
    let mut session = Session::open(target.project()?, &target.common).await?;
    let floor = Instant::now();
    let mut incarnation = incarnation()?;
    let mut idle = 0;
    let mut told = Told::default();
    loop {
        let (_, plan) = session.look(goal, floor).await?;
        if told.is_news(&render(&plan))? {
            idle = 0;
        }
        if plan.is_settled() {
            return Ok(ExitCode::SUCCESS);
        }
        let stuck: BTreeSet<&NodeKey> = blocked(&plan).collect();
        let deferred = plan.steps.values().filter(|step| step.action == Action::Defer).count();
        if plan.writes().next().is_none() && stuck.len() + deferred == unsettled(&plan) {
            // What is done in the maintenance window is as the spec asks.
            if stuck.is_empty() {
                return Ok(ExitCode::SUCCESS);
            }
            bail!(
                "a decision is needed about {}; see above",
                counted(stuck.len(), "resource")
            );
        }
        let report = session.apply(&plan, &incarnation).await;
        told.is_news(&describe(&report))?;
        if !session.memory.awaits_answers() {
            // What is made again after this is another resource than what was made before.
            incarnation = self::incarnation()?;
        }
        if report.failures().any(|(_, failure)| !failure.class.passes()) {
            bail!("some calls were refused; see above");
        }
        if !report.is_done() || plan.writes().next().is_none() {
            idle += 1;
            if idle > PATIENCE {
                bail!("nothing moved for {PATIENCE} passes; see above");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn blocked(plan: &Plan) -> impl Iterator<Item = &NodeKey> {
    plan.steps
        .iter()
        .filter(|(_, step)| step.action.needs_decision())
        .map(|(node, _)| node)
}

fn unsettled(plan: &Plan) -> usize {
    let settled = |action| matches!(action, Action::Keep | Action::Retain);
    plan.steps.values().filter(|step| !settled(step.action)).count()
}

fn incarnation() -> Result<String> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos().to_string())
}

/// What was printed already: a line that stays true from pass to pass is printed once.
#[derive(Default)]
struct Told(BTreeSet<String>);

impl Told {
    /// Prints the blocks of `text` that were not printed before; whether there were any.
    fn is_news(&mut self, text: &str) -> Result<bool> {
        let mut news = false;
        for block in blocks(text) {
            if self.0.insert(block.clone()) {
                super::say(&block)?;
                news = true;
            }
        }
        Ok(news)
    }
}

/// A line, with the indented lines that follow it.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines() {
        match blocks.last_mut() {
            Some(block) if line.starts_with(' ') => block.push_str(&format!("{line}\n")),
            _ => blocks.push(format!("{line}\n")),
        }
    }
    blocks
}

fn describe(report: &Report) -> String {
    let lines = report.entries.iter().filter_map(|(node, entry)| match &entry.outcome {
        Outcome::Done | Outcome::Failed(_) => None,
        Outcome::Pending { why, .. } => Some(format!("{node}: {why}\n")),
        Outcome::Skipped(because) => Some(format!("{node}: waits for {because}\n")),
    });
    let failed = report.troubles().map(|(node, told)| format!("{node}: {told}\n"));
    lines.chain(failed).collect()
}

/// The problems of a spec, one a line.
pub(super) fn list(problems: &[Invalid]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
