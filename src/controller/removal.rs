//! What is told while an environment is being removed: what is in the way, and whether it goes by itself.

use jiff::{SignedDuration, Timestamp};
use kube::runtime::events::{Event, EventType};

use super::conditions::{ENFORCED, Standing, State, Verdict, set};
use super::events::{first_time, is_news, note};
use super::hold::Hold;
use super::phrases::{count, shorten, told};
use super::status::{held_since, resources};
use crate::api::{SecureMLProject, SecureMLProjectStatus};
use crate::engine::{Class, Report};
use crate::model::NodeKey;
use crate::plan::{Action, Plan};

/// How long AWS may take to clear away by itself what it made for what is gone, such as network interfaces.
const LINGERS: SignedDuration = SignedDuration::from_hours(1);

/// The environment is being removed. Tells with it what is worth an event, if it is news.
pub fn removing(
    project: &SecureMLProject,
    mut latest: SecureMLProjectStatus,
    plan: &Plan,
    report: &Report,
    now: Timestamp,
) -> (SecureMLProjectStatus, Option<Event>) {
    // What is told is read back from a status, which has whole seconds.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    latest.resources = resources(plan, Some(report), &held_since(&latest), now);
    latest.adoption = None;
    let since = held_since(&latest);
    let mut blocked = told(plan, |step| step.action.needs_decision());
    let mut waiting = told(plan, |step| step.action == Action::Wait);
    for (node, told) in report.troubles() {
        let since = since.get(&node.to_string()).map_or(now, |since| since.0);
        match lasts(report, node, now.duration_since(since)) {
            Lasts::Passes => waiting.push(format!("{node}: {told}")),
            Lasts::Unseen => waiting.push(format!(
                "{node}: AWS says that it is in use but lists nothing that uses it; waiting since {since}: {told}"
            )),
            Lasts::Lingers => waiting.push(format!(
                "{node}: AWS removes by itself what holds it, mostly within an hour; waiting since {since}: {told}"
            )),
            Lasts::Fails => blocked.push(format!("{node}: {told}")),
            Lasts::Blocked => blocked.push(format!("{node}: refused since {since}: {told}")),
            Lasts::TooLong => blocked.push(format!(
                "{node}: AWS has not removed what holds it since {since}; if what it belongs to is gone, AWS Support \
                 can remove it: {told}"
            )),
        }
    }
    let message = match (blocked.is_empty(), waiting.is_empty()) {
        (true, true) => format!("deleting {}", count(plan, Action::Delete)),
        (true, false) => shorten(&waiting),
        (false, _) => shorten(&blocked),
    };
    let reason = if blocked.is_empty() {
        "Deleting"
    } else {
        DELETION_BLOCKED
    };
    let news = is_news(project, reason, &message);
    let event = (news && !(blocked.is_empty() && waiting.is_empty())).then(|| match blocked.is_empty() {
        true => note(EventType::Normal, "DeletionWaits", message.clone()),
        false => note(EventType::Warning, DELETION_BLOCKED, message.clone()),
    });
    let standing = if blocked.is_empty() {
        Standing::Reconciling
    } else {
        Standing::Stalled
    };
    let verdict = Verdict::new(standing, reason, message);
    let going = "the environment is being removed".to_owned();
    set(&mut latest, project, ENFORCED, State::Unknown, "Deleting", going);
    (verdict.written(project, latest), event)
}

const DELETION_BLOCKED: &str = "DeletionBlocked";
/// The reason of a deletion that waits for the end of what holds everything.
const DELETION_HELD: &str = "DeletionHeld";

/// How long a failed deletion is going to fail.
enum Lasts {
    /// It passes by itself.
    Passes,
    /// Nothing is to be seen that holds it.
    Unseen,
    /// AWS clears away what holds it.
    Lingers,
    /// It does not pass by itself, such as a missing permission.
    Fails,
    /// Somebody has to take away what holds it.
    Blocked,
    /// AWS had time enough to clear it away.
    TooLong,
}

fn lasts(report: &Report, node: &NodeKey, refused_for: SignedDuration) -> Lasts {
    let failure = report
        .failures()
        .find(|(failed, _)| *failed == node)
        .map(|(_, failure)| failure);
    let Some(failure) = failure else { return Lasts::Passes };
    match (failure.class, report.holders.get(node)) {
        (Class::InUse, Some(Ok(holders))) if holders.iter().all(|holder| holder.passes) => {
            if refused_for >= LINGERS {
                Lasts::TooLong
            } else if holders.is_empty() {
                Lasts::Unseen
            } else {
                Lasts::Lingers
            }
        }
        (Class::InUse, _) => Lasts::Blocked,
        (class, _) if class.passes() => Lasts::Passes,
        _ => Lasts::Fails,
    }
}

/// The environment is to be removed, and whether that is meant cannot be told.
pub(super) fn held_up(project: &SecureMLProject, message: String) -> SecureMLProjectStatus {
    let latest = project.status.clone().unwrap_or_default();
    Verdict::new(Standing::Stalled, DELETION_BLOCKED, message).written(project, latest)
}

/// The deletion waits for the end of what holds everything. Tells with it what is worth an event, the first time.
pub fn held(
    project: &SecureMLProject,
    latest: SecureMLProjectStatus,
    hold: &Hold,
) -> (SecureMLProjectStatus, Option<Event>) {
    let verdict = Verdict::new(Standing::Stalled, DELETION_HELD, hold.tell_of_deletion());
    let held = verdict.written(project, latest);
    let event = first_time(project, &held, DELETION_HELD);
    (held, event)
}

#[cfg(test)]
mod tests;
