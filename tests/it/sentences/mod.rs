//! What an operator reads when something is the matter: every situation that can be brought about, and the sentence that the
//! condition shows then. The sentences are kept in `sentences.txt`, to be read as their reader does: what happened, to which
//! object, what to do. `UPDATE=1` writes them anew.

mod creation;
mod decisions;
mod described;
mod refusals;
mod removal;
mod spec;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use secureml::api::{SecureMLProject, SecureMLProjectStatus};
use secureml::blueprint::Blueprint;
use secureml::controller::{Hold, status};
use secureml::engine::Report;
use secureml::model::NodeKey;
use secureml::plan::{Goal, Plan};

use crate::environment::{Environment, FULL, parse};
use crate::generated::current;

/// How many of the situations are real at least: a call that failed, or something that somebody changed.
const AT_LEAST: usize = 40;
/// How many of them were read by `kubectl describe`, from a controller that runs.
const DESCRIBED_AT_LEAST: usize = 8;
/// After so many passes, whatever was to fail has failed.
const PASSES: usize = 60;
/// What an operator is asked to do begins with one of these.
const REMEDIES: &[&str] = &[
    "add", "adopt", "allow", "apply", "change", "check", "correct", "declare", "empty", "enable", "end", "exempt",
    "find", "keep", "look", "make", "must", "put", "raise", "release", "remove", "rename", "report", "set", "stop",
    "use",
];

/// How a situation came about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A call to AWS failed, or what AWS holds was changed.
    Real,
    /// The same, and a controller that runs told of it.
    Described,
    /// The product was given values as if it had.
    Values,
}

/// What is said in a situation.
struct Sentence {
    situation: String,
    origin: Origin,
    /// The condition, and what else holds.
    state: String,
    said: String,
}

/// Situations, and what is said of each.
#[derive(Default)]
pub struct Told(Vec<Sentence>);

impl Told {
    /// What the conditions of `status` say in `situation`.
    fn conditions(&mut self, origin: Origin, situation: &str, status: &SecureMLProjectStatus) {
        let condition = |type_: &str| status.conditions.iter().find(|condition| condition.type_ == type_);
        let holds = |type_: &&str| condition(type_).is_some_and(|condition| condition.status == "True");
        let Some(ready) = condition("Ready") else { return };
        let also: Vec<&str> = ["Reconciling", "Stalled"].into_iter().filter(holds).collect();
        let state = format!("Ready={} {} {}", ready.status, ready.reason, also.join(" "));
        self.say(origin, situation, &state, &ready.message);
    }

    /// What is said in `situation`.
    fn say(&mut self, origin: Origin, situation: &str, state: &str, said: &str) {
        self.0.push(Sentence {
            situation: situation.to_owned(),
            origin,
            state: state.trim_end().to_owned(),
            said: said.to_owned(),
        });
    }

    /// Whether each can be acted on, and enough of them are real.
    fn check(&self) -> Result<()> {
        let situations: BTreeSet<&str> = self.0.iter().map(|sentence| sentence.situation.as_str()).collect();
        ensure!(situations.len() == self.0.len(), "a situation is told twice");
        let count = |origins: &[Origin]| {
            self.0
                .iter()
                .filter(|sentence| origins.contains(&sentence.origin))
                .count()
        };
        let real = count(&[Origin::Real, Origin::Described]);
        let described = count(&[Origin::Described]);
        ensure!(real >= AT_LEAST, "{real} situations are real");
        ensure!(described >= DESCRIBED_AT_LEAST, "{described} situations are described");
        let remedy = Regex::new(&format!(r"(?i)(^|[;:,.] |\b(or|and|then) )({})\b", REMEDIES.join("|")))?;
        let is_sound = |sentence: &Sentence| {
            let said = &sentence.said;
            let punctuated = !said.contains("..") && !said.contains(".;");
            punctuated && (!sentence.state.contains("Stalled") || remedy.is_match(said))
        };
        let faulty = self.0.iter().filter(|sentence| !is_sound(sentence));
        let faulty: Vec<String> = faulty.map(|one| format!("{}: {}", one.situation, one.said)).collect();
        ensure!(faulty.is_empty(), "ill said, or nothing to do:\n{}", faulty.join("\n"));
        Ok(())
    }

    /// What differs from run to run, in its general form.
    fn text(&self) -> Result<String> {
        let forms = [
            (r"\b(vpc|subnet|sg|rtb|vpce|fl|igw|eni|acl)-[0-9a-f]{8,17}\b", "$1-…"),
            (r"\bkey/[0-9a-f-]{36}\b", "key/…"),
            (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "…"),
            (r"127\.0\.0\.1:\d+", "127.0.0.1:…"),
            (r"confirm is [0-9a-f]{8}-[0-9a-f]{8}", "confirm is …"),
            (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "20…Z"),
        ];
        let mut text = String::from(
            "# What an operator reads, situation by situation. Written by tests/it/sentences/ with UPDATE=1.\n",
        );
        for Sentence {
            situation, state, said, ..
        } in &self.0
        {
            text += &format!("\n{situation}:\n  {state}\n  {said}\n");
        }
        for (pattern, general) in forms {
            text = Regex::new(pattern)?.replace_all(&text, general).into_owned();
        }
        Ok(text)
    }
}

fn object(manifest: &str) -> Result<SecureMLProject> {
    let mut object = parse(manifest)?;
    object.metadata.generation = Some(1);
    Ok(object)
}

/// What is said of a pass.
fn after(
    object: &SecureMLProject,
    blueprint: &Blueprint,
    plan: &Plan,
    report: Option<&Report>,
) -> SecureMLProjectStatus {
    let latest = SecureMLProjectStatus::default();
    let hold = Hold::of(object, &latest, None);
    status::after_pass(object, latest, blueprint, plan, report, hold.as_ref())
}

/// Of `report`, what became of `node`.
fn only(report: &Report, node: &NodeKey) -> Report {
    let mut report = report.clone();
    report.entries.retain(|key, _| key == node);
    report
}

#[tokio::test]
async fn the_sentences_are_current_and_each_can_be_acted_on() -> Result<()> {
    let mut told = Told::default();
    let mut environment = Environment::within(FULL, Some(Duration::from_secs(20))).await?;
    let ((), described) = tokio::try_join!(
        async {
            creation::while_it_is_made(&mut environment, &mut told).await?;
            environment.restart();
            environment.settle(Goal::Present).await.context("creation")?;
            creation::while_it_cannot_be_read(&mut environment, &mut told).await?;
            decisions::what_needs_a_decision(&mut environment, &mut told).await?;
            decisions::what_holds_everything(&mut environment, &mut told).await?;
            decisions::what_is_open(&mut environment, &mut told).await?;
            spec::what_cannot_be_built(&environment, &mut told)?;
            removal::while_it_goes(&mut environment, &mut told).await
        },
        described::by_a_controller()
    )?;
    told.0.extend(described.0);
    let kept = current([Ok(("tests/it/sentences.txt".to_owned(), told.text()?))]);
    told.check()?;
    kept
}
