//! The fleet brake, asked between planning and carrying out.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::events::{Event, EventType};

use super::context::Context;
use super::drift::had_converged;
use super::events::note;
use super::hold::{FLEET_BRAKE, Hold};
use super::phrases::wanted;
use crate::api::{BrakeStatus, RELEASE, SecureMLProject, SecureMLProjectStatus};
use crate::engine::{Ruling, Wish};
use crate::model::Owner;
use crate::plan::{Action, Plan, World};

/// What a pass may write.
pub(super) enum Answer {
    /// What is planned.
    Go,
    /// Nothing before the rest of the fleet was looked at.
    NotYet,
    /// Nothing.
    Held(Hold),
}

/// Asks the brake, and writes down in `latest` what it says. `hold` is what holds the project already.
pub(super) fn ask(
    context: &Context,
    owner: &Owner,
    project: &SecureMLProject,
    latest: &mut SecureMLProjectStatus,
    (plan, world): (&Plan, &World),
    hold: Option<Hold>,
) -> (Answer, Option<Event>) {
    let now = Instant::now();
    let mut brake = context.brake();
    let mut wish = wish(latest, project, plan, world);
    if hold.is_some() && wish == Wish::Changes {
        wish = Wish::Unknown;
    }
    let mark = latest.brake.clone().filter(|mark| !mark.released);
    brake.note(owner, wish, mark.as_ref().map(|mark| mark.id.as_str()), now);
    if wish == Wish::Nothing {
        latest.brake = None;
    }
    let released = project.annotations().get(RELEASE);
    let release = mark.as_ref().is_some_and(|mark| Some(&mark.id) == released);
    if release {
        brake.release(owner);
        latest.brake = latest.brake.take().map(|mark| BrakeStatus { released: true, ..mark });
    }
    // What is paused is released all the same, or the braking would outlast the release of all.
    if let Some(hold) = hold {
        return (Answer::Held(hold), release.then(released_event));
    }
    if wish != Wish::Changes {
        return (Answer::Go, release.then(released_event));
    }
    if latest.brake.as_ref().is_some_and(|mark| mark.released) {
        brake.release(owner);
        return (Answer::Go, release.then(released_event));
    }
    let sweep = Duration::from_secs(project.spec.drift.interval_seconds.into());
    let began = format!("{:.0}", Timestamp::now());
    match brake.ask(owner, &context.fleet(), sweep, &began, now) {
        Ruling::Go => (Answer::Go, None),
        Ruling::Counting => (Answer::NotYet, None),
        Ruling::Held(braking) if released == Some(&braking.id) => {
            // All were released before this one joined them.
            brake.release(owner);
            let id = braking.id;
            latest.brake = Some(BrakeStatus { id, released: true });
            (Answer::Go, Some(released_event()))
        }
        Ruling::Held(braking) => {
            let id = braking.id.clone();
            latest.brake = Some(BrakeStatus { id, released: false });
            if mark.is_none() && brake.holds() == 1 {
                tracing::error!(
                    braking = braking.id,
                    projects = braking.projects,
                    fleet = braking.fleet,
                    "the fleet brake has stopped corrections: too many projects would change at once without a change of their specs; \
                     each waits until somebody releases it"
                );
            }
            let hold = Hold::Braked(braking, format!("{} -n {}", owner.name, owner.namespace));
            let event = mark.is_none().then(|| {
                let said = hold.tell(wanted(plan));
                note(EventType::Warning, FLEET_BRAKE, said)
            });
            (Answer::Held(hold), event)
        }
    }
}

/// What there is to do that nobody declared.
fn wish(latest: &SecureMLProjectStatus, project: &SecureMLProject, plan: &Plan, world: &World) -> Wish {
    if !had_converged(latest, project) {
        return Wish::Nothing;
    }
    let waits = plan.steps.values().any(|step| step.action == Action::Wait);
    match plan.writes().next() {
        Some(_) => Wish::Changes,
        None if waits || !world.unread.is_empty() => Wish::Unknown,
        None => Wish::Nothing,
    }
}

fn released_event() -> Event {
    let said = "somebody has released what the fleet brake held".to_owned();
    note(EventType::Normal, "FleetBrakeReleased", said)
}
