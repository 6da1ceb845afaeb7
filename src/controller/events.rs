//! Events, and whether they tell something that was not told before.

use kube::runtime::events::{Event, EventType};

use super::conditions::{READY, condition};
use crate::api::{SecureMLProject, SecureMLProjectStatus};
use crate::model::redact;

/// How many bytes the API server takes as an event's note.
const NOTE_LIMIT: usize = 1024;

/// An event.
pub(super) fn note(type_: EventType, reason: &str, note: String) -> Event {
    let mut note = redact(&note).into_owned();
    note.truncate(note.floor_char_boundary(NOTE_LIMIT));
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

/// Whether the condition Ready of `project` does not say `message` for `reason` yet.
pub(super) fn is_news(project: &SecureMLProject, reason: &str, message: &str) -> bool {
    let said = condition(project.status.as_ref(), READY);
    said.is_none_or(|said| said.reason != reason || said.message != message)
}

/// What the condition Ready says for `reason`, if it did not before.
pub(super) fn first_time(
    project: &SecureMLProject,
    latest: &SecureMLProjectStatus,
    reason: &'static str,
) -> Option<Event> {
    let said = |status| condition(status, READY).filter(|ready| ready.reason == reason);
    let message = said(Some(latest))?.message.clone();
    let news = said(project.status.as_ref()).is_none();
    news.then(|| note(EventType::Warning, reason, message))
}
