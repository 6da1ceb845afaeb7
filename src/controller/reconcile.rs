use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::events::Event;
use kube::runtime::finalizer::{self, finalizer};
use kube::{Resource, ResourceExt};
use serde_json::json;

use super::brake::Answer;
use super::cluster;
use super::context::Context;
use super::guardrails::{self, Case, Need, Watch};
use super::hold::Hold;
use super::{brake, definition, patch, pause, removal, status};
use crate::api::{Intent, SecureMLProject, SecureMLProjectStatus};
use crate::blueprint::{self, Blueprint, Project};
use crate::engine::{Memory, Outcome, Report, carry_out, look};
use crate::model::Owner;
use crate::plan::{Goal, Plan, PlanError};

/// Held until everything that should go is gone from AWS.
const FINALIZER: &str = "secureml.dev/environment";
/// Until a plan is tried again that this program cannot make.
const UNPLANNABLE: Duration = Duration::from_secs(60);
/// How long until the fleet is counted, perhaps.
const UNTIL_COUNTED: Duration = Duration::from_secs(1);
/// After a failure that passes by itself.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Until the cache shows what the API server has.
const AFTER_CONFLICT: Duration = Duration::from_millis(500);
/// While nothing may be removed; that it may is told as soon as it is known.
const WITHHELD: Duration = Duration::from_secs(60);

/// Why a reconcile ended early. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{}", cluster::explain(.0))]
    Kubernetes(#[source] Box<kube::Error>),
    #[error("the audit crashed: {0}")]
    Audit(#[from] tokio::task::JoinError),
    #[error("AWS still holds resources of the project")]
    StillThere(Duration),
    #[error("the finalizer could not be set or removed: {0}")]
    Finalizer(String),
    #[error(transparent)]
    Untold(#[from] definition::Untold),
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        Self::Kubernetes(Box::new(error))
    }
}

/// One pass over one project.
///
/// 1. validate the spec and draw the blueprint (pure);
/// 2. look at AWS and plan (pure but for the reading);
/// 3. write down that creation begins, if it does;
/// 4. carry the plan out;
/// 5. write the status, if it changed.
pub(super) async fn reconcile(project: Arc<SecureMLProject>, context: Arc<Context>) -> Result<Action, Error> {
    let namespace = project.namespace().unwrap_or_default();
    let api: Api<SecureMLProject> = Api::namespaced(context.client.clone(), &namespace);
    let pass = Pass {
        owner: context.owner(&project),
        api: api.clone(),
        context,
    };
    finalizer(&api, FINALIZER, project, |event| async {
        match event {
            finalizer::Event::Apply(project) => pass.keep(&project).await,
            finalizer::Event::Cleanup(project) => pass.remove(&project).await,
        }
    })
    .await
    .or_else(|error| match error {
        finalizer::Error::ApplyFailed(error) => Err(error),
        finalizer::Error::CleanupFailed(Error::StillThere(again)) => Ok(Action::requeue(again)),
        finalizer::Error::CleanupFailed(error) => Err(error),
        other => Err(Error::Finalizer(other.to_string())),
    })
}

/// What follows a reconcile that ended early.
pub(super) fn error_policy(project: Arc<SecureMLProject>, error: &Error, _: Arc<Context>) -> Action {
    let (name, namespace) = (project.name_any(), project.namespace());
    if let Error::Kubernetes(source) = error
        && matches!(&**source, kube::Error::Api(status) if status.is_conflict())
    {
        tracing::debug!(project = name, namespace, "the project has changed since it was read");
        return Action::requeue(AFTER_CONFLICT);
    }
    tracing::warn!(project = name, namespace, %error, "reconcile failed");
    Action::requeue(AFTER_FAILURE)
}

/// After a creation or a correction, until AWS's lists show it.
const SHOWN_WITHIN: Duration = Duration::from_secs(6);

/// One pass over one project.
struct Pass {
    owner: Owner,
    api: Api<SecureMLProject>,
    context: Arc<Context>,
}

impl Pass {
    async fn keep(&self, project: &SecureMLProject) -> Result<Action, Error> {
        let interval = Duration::from_secs(project.spec.drift.interval_seconds.into());
        let mut latest = self.paused(project).await;
        let pause_ends = pause::ends_in(&latest, Timestamp::now());
        let sweep = || {
            let next = self.context.until_next_sweep(interval);
            Action::requeue(pause_ends.map_or(next, |end| end.min(next)))
        };
        let (drawn, blueprint) = match self.draw(project) {
            Ok(drawn) => drawn,
            Err(problems) => {
                self.context.cannot_tell(&self.owner);
                self.write(project.status.as_ref(), &status::invalid(project, latest, &problems))
                    .await?;
                return Ok(sweep());
            }
        };
        let memory = self.context.memory(&self.owner);
        let mut memory = memory.lock().await;
        let known = project.status.as_ref().and_then(|status| status.observed_generation);
        if known != project.metadata.generation {
            memory.declared_anew();
        }
        // Somebody was at work while it was paused: what is done about it is not done on what was read before.
        let resumed = latest.pause != project.status.as_ref().and_then(|status| status.pause.clone());
        let floor = if resumed {
            Instant::now()
        } else {
            self.context.sweep_floor(interval)
        };
        let begun = memory.heeds(found_intent(project), Instant::now());
        let inventory = &self.context.inventory;
        let (world, plan) = match look(inventory, &blueprint, Goal::Present, &mut memory, floor, begun).await {
            Ok(seen) => seen,
            Err(error) => {
                self.context.cannot_tell(&self.owner);
                self.unplannable(project, latest, &error).await?;
                return Ok(sweep());
            }
        };
        let hold = Hold::of(project, &latest, self.context.leave.withheld());
        let (answer, event) = brake::ask(&self.context, &self.owner, project, &mut latest, (&plan, &world), hold);
        if let Some(event) = event {
            self.publish(project, event).await;
        }
        let hold = match answer {
            Answer::Go => None,
            Answer::Held(hold) => Some(hold),
            Answer::NotYet => {
                // What was told above is not told again.
                self.write(project.status.as_ref(), &latest).await?;
                return Ok(Action::requeue(UNTIL_COUNTED));
            }
        };
        let mut stands = project.status.clone();
        let case = Case {
            project: drawn,
            blueprint,
            world,
        };
        let waits = hold.is_none() && !memory.is_stuck(&plan, Instant::now());
        let (mut watch, blueprint) = self.guard(project, &plan, waits, case, &mut latest).await?;
        let spared = hold.as_ref().and_then(|hold| hold.spared(&latest, &plan));
        let todo = if hold.is_some() { spared.as_ref() } else { Some(&plan) };
        let report = match todo.filter(|todo| todo.writes().next().is_some()) {
            Some(todo) => {
                let statuses = (&mut stands, &mut latest);
                Some(self.carry_out(project, todo, &mut memory, begun, statuses).await?)
            }
            None => None,
        };
        if !begun && !memory.awaits_lists() {
            latest.intent = None;
        }
        if let Some(event) = status::event(project, &plan, report.as_ref(), hold.as_ref()) {
            self.publish(project, event).await;
        }
        let mut after = next(&plan, report.as_ref(), &mut memory);
        let done = report.as_ref().is_none_or(Report::is_done);
        if report.is_some() && done {
            watch.corrected(Timestamp::now());
        }
        // The audit that finds everything in order is not to wait for the next sweep.
        let still = plan.is_settled() && guardrails::is_awaited(&latest);
        if done && (report.is_some() || still) {
            after = after.or(Some(SHOWN_WITHIN));
        }
        self.context.note_watch(&self.owner, watch);
        let done = status::after_pass(project, latest, &blueprint, &plan, report.as_ref(), hold.as_ref());
        if let Some(event) = hold.and_then(|hold| status::withheld_event(project, &done, &hold)) {
            self.publish(project, event).await;
        }
        self.write(stands.as_ref(), &done).await?;
        let after = after.map(|after| pause_ends.map_or(after, |end| end.min(after)));
        Ok(after.map_or_else(sweep, Action::requeue))
    }

    /// Carries `todo` out, and writes down before what has to be known of it if this process dies. Of the two statuses one
    /// is what stands in the cluster, and the other what is known since.
    async fn carry_out(
        &self,
        project: &SecureMLProject,
        todo: &Plan,
        memory: &mut Memory,
        begun: bool,
        (stands, latest): (&mut Option<SecureMLProjectStatus>, &mut SecureMLProjectStatus),
    ) -> Result<Report, Error> {
        let creates = memory.creates(todo, Instant::now());
        if creates {
            // With a new id, unless a creation under the old one may still be on its way.
            let earlier = latest.intent.take().filter(|_| begun || memory.awaits_answers());
            let intent = intent(earlier);
            memory.intends(intent.at.0.as_second());
            latest.intent = Some(intent);
            *latest = status::working(project, std::mem::take(latest), todo);
        }
        // What is open is told before it is closed, and what is made before it is made.
        if creates || guardrails::open_anew(stands.as_ref(), latest) {
            self.write_over(project, stands.as_ref(), latest).await?;
            *stands = Some(latest.clone());
        }
        let incarnation = latest.intent.as_ref().map_or("", |intent| intent.id.as_str());
        Ok(carry_out(&self.context.inventory, todo, memory, incarnation).await)
    }

    /// The status with what is asked for of pauses taken up; what is news of them is told.
    async fn paused(&self, project: &SecureMLProject) -> SecureMLProjectStatus {
        let mut latest = project.status.clone().unwrap_or_default();
        let event = pause::follow(project, &mut latest, self.context.longest_pause, Timestamp::now());
        if let Some(event) = event {
            self.publish(project, event).await;
        }
        latest
    }

    /// Audits what AWS holds, where anything of it has changed.
    async fn guard(
        &self,
        project: &SecureMLProject,
        plan: &Plan,
        waits: bool,
        case: Case,
        latest: &mut SecureMLProjectStatus,
    ) -> Result<(Watch, Blueprint), Error> {
        let mut watch = self.context.watch(&self.owner);
        let fingerprint = match watch.need(project, plan, waits, &case.world, Timestamp::now()) {
            Need::Audit(fingerprint) => fingerprint,
            Need::NotYet => {
                watch.not_yet(project, latest);
                return Ok((watch, case.blueprint));
            }
            Need::No => {
                watch.repeat(project, latest);
                return Ok((watch, case.blueprint));
            }
        };
        let (blueprint, report) = guardrails::audited(case).await?;
        let Some(report) = report else {
            watch.came_to_no_end(project, latest);
            return Ok((watch, blueprint));
        };
        if let Some(event) = watch.heard(fingerprint, &report, project, latest, Timestamp::now()) {
            self.publish(project, event).await;
        }
        Ok((watch, blueprint))
    }

    /// A mistake of this program: somebody has to read of it.
    async fn unplannable(
        &self,
        project: &SecureMLProject,
        latest: SecureMLProjectStatus,
        error: &PlanError,
    ) -> Result<(), Error> {
        let stuck = status::unplannable(project, latest, error);
        if let Some(event) = status::unplannable_event(project, &stuck) {
            self.publish(project, event).await;
        }
        tracing::error!(namespace = self.owner.namespace, project = self.owner.name, %error, "no plan can be made");
        self.write(project.status.as_ref(), &stuck).await
    }

    async fn remove(&self, project: &SecureMLProject) -> Result<Action, Error> {
        self.context.brake().forget(&self.owner);
        if self.is_let_go(project).await? {
            return Ok(Action::await_change());
        }
        let latest = self.paused(project).await;
        if let Some(hold) = Hold::of_deletion(&latest, self.context.leave.withheld()) {
            let ends = pause::ends_in(&latest, Timestamp::now());
            let (held, event) = removal::held(project, latest, &hold);
            if let Some(event) = event {
                self.publish(project, event).await;
            }
            self.write(project.status.as_ref(), &held).await?;
            return Err(Error::StillThere(ends.map_or(WITHHELD, |end| end.min(WITHHELD))));
        }
        // What a spec made that was sound once has to go also when the spec is not sound any more; data stays.
        let drawn = self.draw(project).map(|(_, blueprint)| blueprint);
        let blueprint = drawn.unwrap_or_else(|_| Blueprint::empty(self.owner.clone()));
        let memory = self.context.memory(&self.owner);
        let mut memory = memory.lock().await;
        let floor = memory.removing_since(Instant::now());
        let begun = memory.heeds(found_intent(project), Instant::now());
        let inventory = &self.context.inventory;
        let (_, plan) = match look(inventory, &blueprint, Goal::Absent, &mut memory, floor, begun).await {
            Ok(seen) => seen,
            Err(error) => {
                self.unplannable(project, latest, &error).await?;
                return Err(Error::StillThere(UNPLANNABLE));
            }
        };
        // What a process before this one made may not be in the lists yet, and an unsound spec does not tell what it was.
        if plan.is_settled() && !begun {
            if let Some(event) = status::retained(&plan, &self.context.account) {
                self.publish(project, event).await;
            }
            self.context.forget(&self.owner);
            return Ok(Action::await_change());
        }
        let report = carry_out(inventory, &plan, &mut memory, "").await;
        let (latest, event) = removal::removing(project, latest, &plan, &report, Timestamp::now());
        if let Some(event) = event {
            self.publish(project, event).await;
        }
        self.write(project.status.as_ref(), &latest).await?;
        // Steps without calls of their own count for nothing: they would be there again at once.
        let moved = report.is_done() && report.entries.values().any(|entry| entry.calls > 0);
        let otherwise = if moved { Duration::ZERO } else { AFTER_FAILURE };
        let again = next(&plan, Some(&report), &mut memory).unwrap_or(otherwise);
        Err(Error::StillThere(again))
    }

    /// Whether only the definition of the kind goes: then the project is let go, and says so.
    async fn is_let_go(&self, project: &SecureMLProject) -> Result<bool, Error> {
        match definition::is_going(&self.context.client).await {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(untold) => {
                self.write(project.status.as_ref(), &removal::held_up(project, untold.to_string()))
                    .await?;
                return Err(untold.into());
            }
        }
        let told = definition::let_go(project, &self.owner, &self.context.account);
        self.publish(project, told).await;
        self.context.forget(&self.owner);
        Ok(true)
    }

    fn draw(&self, project: &SecureMLProject) -> Result<(Project, Blueprint), Vec<blueprint::Invalid>> {
        if let Some(refused) = self.context.adopters.refuse(&self.owner.namespace, &project.spec) {
            return Err(vec![refused]);
        }
        let (owner, spec, account) = (self.owner.clone(), project.spec.clone(), self.context.account.clone());
        let version = (project.metadata.uid.clone(), project.metadata.generation);
        let project = if self.context.was_sound(&owner, &version) {
            Project::found_sound(owner, spec, account)?
        } else {
            let project = Project::new(owner, spec, account)?;
            self.context.note_sound(&self.owner, version);
            project
        };
        let blueprint = blueprint::draw(&project);
        Ok((project, blueprint))
    }

    /// Writes `new` where `old` stands, if they differ.
    async fn write(&self, old: Option<&SecureMLProjectStatus>, new: &SecureMLProjectStatus) -> Result<(), Error> {
        if old == Some(new) {
            return Ok(());
        }
        self.send(json!({ "status": patch::between(old, new) })).await
    }

    /// Writes `new` over the status of `project` as it was read and no other, even if nothing changes: an intent that another
    /// process has written since is not lost, and what another leader may have begun is not begun again.
    async fn write_over(
        &self,
        project: &SecureMLProject,
        old: Option<&SecureMLProjectStatus>,
        new: &SecureMLProjectStatus,
    ) -> Result<(), Error> {
        let metadata = json!({ "resourceVersion": project.metadata.resource_version });
        self.send(json!({ "metadata": metadata, "status": patch::between(old, new) }))
            .await
    }

    async fn send(&self, patch: serde_json::Value) -> Result<(), Error> {
        let params = PatchParams::default();
        self.api
            .patch_status(&self.owner.name, &params, &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    async fn publish(&self, project: &SecureMLProject, event: Event) {
        tracing::info!(
            namespace = self.owner.namespace,
            project = self.owner.name,
            reason = event.reason,
            "{}",
            event.note.as_deref().unwrap_or_default()
        );
        let reference = project.object_ref(&());
        let recorder = self.context.recorder(&self.owner, &event);
        if let Err(error) = recorder.publish(&event, &reference).await {
            tracing::warn!(%error, "an event could not be written");
        }
    }
}

/// The second in which the intent in the status was written.
fn found_intent(project: &SecureMLProject) -> Option<i64> {
    let intent = project.status.as_ref()?.intent.as_ref()?;
    Some(intent.at.0.as_second())
}

fn intent(earlier: Option<Intent>) -> Intent {
    let now = Timestamp::now();
    Intent {
        id: earlier.map_or_else(|| now.as_nanosecond().to_string(), |intent| intent.id),
        at: Time(now),
    }
}

/// When to look again before the next sweep.
fn next(plan: &Plan, report: Option<&Report>, memory: &mut Memory) -> Option<Duration> {
    let waits = plan.steps.values().any(|step| step.action == crate::plan::Action::Wait);
    let outcomes = || {
        report
            .into_iter()
            .flat_map(|report| report.entries.values().map(|entry| &entry.outcome))
    };
    let at_work = |outcome: &Outcome| matches!(outcome, Outcome::Pending { turn_in: None, .. });
    let pending = memory.ask_again(waits || outcomes().any(at_work), Instant::now());
    let wanted = outcomes().filter_map(|outcome| match outcome {
        Outcome::Pending { turn_in, .. } => turn_in.map(Duration::from_secs),
        Outcome::Done | Outcome::Failed(_) | Outcome::Skipped(_) => None,
    });
    let again = report.and_then(|_| memory.try_again(Instant::now()));
    wanted.chain(pending).chain(again).min()
}
