//! What is said of a pause of correction: the condition `Paused`, and the events that record who asked and why.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::runtime::events::{Event, EventType};

use super::conditions::{PAUSED, State, set};
use super::events::note;
use crate::api::{PauseState, PauseStatus, PauseWish, SecureMLProject, SecureMLProjectStatus};

/// Takes up into `latest` what is asked for `now`, and tells what is worth an event.
pub(super) fn follow(
    project: &SecureMLProject,
    latest: &mut SecureMLProjectStatus,
    longest: SignedDuration,
    now: Timestamp,
) -> Option<Event> {
    let earlier = latest.pause.take();
    let wish = PauseWish::of(project.annotations());
    let taken_back = wish.is_none();
    latest.pause = PauseStatus::follow(earlier.as_ref(), wish, now, longest);
    let Some(pause) = &latest.pause else {
        latest.conditions.retain(|condition| condition.type_ != PAUSED);
        return None;
    };
    let (state, reason) = match pause.state {
        PauseState::Active => (State::True, "Paused"),
        PauseState::Refused => (State::False, "PauseRefused"),
        PauseState::Over => (State::False, "Resumed"),
    };
    let message = tell(pause);
    let news = earlier.is_none_or(|earlier| (earlier.state, earlier.wish) != (pause.state, pause.wish.clone()));
    let event = news.then(|| match pause.state {
        PauseState::Active => note(EventType::Warning, reason, message.clone()),
        PauseState::Refused => note(EventType::Warning, reason, message.clone()),
        PauseState::Over => {
            let how = if taken_back {
                "it was taken back"
            } else {
                "its time is over"
            };
            note(EventType::Normal, reason, format!("{how}: {message}"))
        }
    });
    set(latest, project, PAUSED, state, reason, message);
    event
}

/// A pause in words: until when, who asked for it and why.
pub(super) fn tell(pause: &PauseStatus) -> String {
    let PauseWish { until, by, reason } = &pause.wish;
    match (pause.state, &pause.problem) {
        (PauseState::Active, _) => format!("paused until {until} by {by}: {reason}"),
        (PauseState::Refused, problem) => {
            let problem = problem.as_deref().unwrap_or("it cannot be read");
            format!("not paused, differences are corrected: {problem}")
        }
        (PauseState::Over, _) => format!(
            "differences have been corrected again since {:.0}; it was paused until {until} by {by}: {reason}",
            pause.since.0
        ),
    }
}

/// How long until an active pause of `latest` ends, which is to be noticed at that moment.
pub(super) fn ends_in(latest: &SecureMLProjectStatus, now: Timestamp) -> Option<std::time::Duration> {
    let end = latest.active_pause()?.wish.end()?;
    // Not a moment too early: a pass that finds it not over yet would wait for the next sweep.
    let left = end.duration_since(now).saturating_add(SignedDuration::from_millis(100));
    Some(left.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::conditions::condition;
    use super::*;
    use crate::api::{PAUSE_BY, PAUSE_REASON, PAUSE_UNTIL};

    const LONGEST: SignedDuration = SignedDuration::from_hours(24);

    fn at(time: &str) -> Timestamp {
        format!("2026-11-27T{time}:00Z").parse().expect("a time")
    }

    fn asked(until: &str) -> SecureMLProject {
        let mut project = SecureMLProject::default();
        let annotations = [(PAUSE_UNTIL, until), (PAUSE_BY, "jane"), (PAUSE_REASON, "incident 17")];
        let annotations = annotations.map(|(key, text)| (key.to_owned(), text.to_owned()));
        project.metadata.annotations = Some(annotations.into());
        project
    }

    fn said(event: Option<Event>) -> (String, String) {
        event.map_or_else(Default::default, |event| (event.reason, event.note.unwrap_or_default()))
    }

    #[test]
    fn its_beginning_and_its_end_are_told_once() {
        let (mut latest, project) = (SecureMLProjectStatus::default(), asked("2026-11-27T12:00:00Z"));
        let mut pass = |project: &SecureMLProject, now| {
            let event = follow(project, &mut latest, LONGEST, at(now));
            let condition = condition(Some(&latest), PAUSED).map(|found| found.status.clone());
            (said(event), condition)
        };
        let (event, condition) = pass(&project, "10:00");
        assert_eq!(event.0, "Paused");
        assert_eq!(event.1, "paused until 2026-11-27T12:00:00Z by jane: incident 17");
        assert_eq!(condition.as_deref(), Some("True"));
        assert_eq!(pass(&project, "11:00").0, Default::default());
        let (event, condition) = pass(&project, "12:00");
        assert!(event.0 == "Resumed" && event.1.starts_with("its time is over") && event.1.contains("jane"));
        assert_eq!(condition.as_deref(), Some("False"));
        assert_eq!(pass(&SecureMLProject::default(), "12:05").0, Default::default());
    }

    #[test]
    fn what_is_refused_says_so_until_it_is_gone() {
        let (mut latest, project) = (SecureMLProjectStatus::default(), asked("soon"));
        let event = follow(&project, &mut latest, LONGEST, at("10:00"));
        assert!(said(event).1.contains("must be a time"));
        assert!(latest.active_pause().is_none() && ends_in(&latest, at("10:00")).is_none());
        assert_eq!(
            follow(&SecureMLProject::default(), &mut latest, LONGEST, at("10:01")).map(|_| ()),
            None
        );
        assert!(latest.pause.is_none() && condition(Some(&latest), PAUSED).is_none());
    }

    #[test]
    fn the_controller_wakes_when_it_ends() {
        let (mut latest, project) = (SecureMLProjectStatus::default(), asked("2026-11-27T12:00:00Z"));
        follow(&project, &mut latest, LONGEST, at("11:59"));
        let left = ends_in(&latest, at("11:59")).expect("an end");
        assert!(left.as_secs() == 60 && left.subsec_millis() == 100);
    }
}
