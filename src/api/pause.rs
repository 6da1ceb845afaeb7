//! A pause of correction: asked for by annotations, so that it needs no commit, and no tool that applies the spec again
//! takes it back.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The annotation that says until when, in RFC 3339: `2026-11-27T12:00:00Z`.
pub const PAUSE_UNTIL: &str = "secureml.dev/pause-until";
/// The annotation that says why.
pub const PAUSE_REASON: &str = "secureml.dev/pause-reason";
/// The annotation that says who asks for it.
pub const PAUSE_BY: &str = "secureml.dev/pause-by";

/// The most characters of who and why.
const LONGEST_TEXT: usize = 500;

/// A pause that somebody asks for, in their words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PauseWish {
    /// Until when, as it was written; RFC 3339 where it was accepted.
    pub until: String,
    /// Who asked for it, by their own account.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The last pause that was asked for, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseStatus {
    /// What became of it.
    pub state: PauseState,
    /// What was asked for.
    #[serde(flatten)]
    pub wish: PauseWish,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Since when it is in this state.
    pub since: Time,
}

/// What became of a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PauseState {
    /// Nothing is written to AWS.
    Active,
    /// It cannot be granted; correction goes on.
    Refused,
    /// It ended, by itself or because it was taken back; correction goes on.
    Over,
}

impl PauseWish {
    /// What `annotations` ask for; nothing when they have none of the three.
    pub fn of(annotations: &BTreeMap<String, String>) -> Option<Self> {
        let said = |key: &str| annotations.get(key).map(|text| text.trim().to_owned());
        let (until, by, reason) = (said(PAUSE_UNTIL), said(PAUSE_BY), said(PAUSE_REASON));
        if until.is_none() && by.is_none() && reason.is_none() {
            return None;
        }
        Some(Self {
            until: until.unwrap_or_default(),
            by: by.unwrap_or_default(),
            reason: reason.unwrap_or_default(),
        })
    }

    /// The annotations that ask for it.
    pub fn annotations(&self) -> [(&'static str, &str); 3] {
        [
            (PAUSE_UNTIL, &self.until),
            (PAUSE_REASON, &self.reason),
            (PAUSE_BY, &self.by),
        ]
    }

    /// When it is to end, if it says so in a way that can be read.
    pub fn end(&self) -> Option<Timestamp> {
        self.until.parse().ok()
    }

    /// Why it cannot be granted `now`, if so: nobody may pause for `longest` or more, counted from when it is first seen.
    fn problem(&self, now: Timestamp, longest: SignedDuration) -> Option<String> {
        for (key, text) in self.annotations() {
            if text.is_empty() {
                return Some(format!("the annotation {key} is missing: all three have to be set"));
            }
            if text.chars().count() > LONGEST_TEXT {
                return Some(format!("the annotation {key} has more than {LONGEST_TEXT} characters"));
            }
        }
        let Some(end) = self.end() else {
            return Some(format!(
                "{PAUSE_UNTIL} must be a time such as {now:.0}, not {:?}",
                self.until
            ));
        };
        if end <= now {
            return Some(format!("{PAUSE_UNTIL} is past: {}", self.until));
        }
        (end > now.saturating_add(longest).unwrap_or(now)).then(|| {
            format!(
                "{PAUSE_UNTIL} is too far away: {}; the longest pause is {longest:#}",
                self.until
            )
        })
    }
}

impl PauseStatus {
    /// What becomes of pauses when `wish` is asked for `now` and `earlier` is what became of the last.
    ///
    /// It is judged once. One that was too long when it was asked for does not begin by itself when enough time has
    /// passed, and one that was granted stays so, whatever the controller allows since.
    pub fn follow(
        earlier: Option<&Self>,
        wish: Option<PauseWish>,
        now: Timestamp,
        longest: SignedDuration,
    ) -> Option<Self> {
        let Some(wish) = wish else {
            let earlier = earlier.filter(|earlier| earlier.state != PauseState::Refused)?;
            return Some(earlier.over(now));
        };
        let ended = wish.end().is_some_and(|end| end <= now);
        if let Some(earlier) = earlier.filter(|earlier| earlier.wish == wish) {
            match earlier.state {
                PauseState::Active | PauseState::Over if ended => return Some(earlier.over(now)),
                PauseState::Active | PauseState::Refused => return Some(earlier.clone()),
                // Taken back, and asked for again in the same words.
                PauseState::Over => {}
            }
        }
        let problem = wish.problem(now, longest);
        let state = match problem {
            Some(_) => PauseState::Refused,
            None => PauseState::Active,
        };
        Some(Self {
            state,
            wish,
            problem,
            since: Time(now),
        })
    }

    fn over(&self, now: Timestamp) -> Self {
        match self.state {
            PauseState::Over => self.clone(),
            PauseState::Active | PauseState::Refused => Self {
                state: PauseState::Over,
                since: Time(now),
                ..self.clone()
            },
        }
    }

    /// Whether nothing is to be written to AWS.
    pub fn is_active(&self) -> bool {
        self.state == PauseState::Active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: SignedDuration = SignedDuration::from_hours(24);

    fn at(time: &str) -> Timestamp {
        format!("2026-11-27T{time}:00Z").parse().expect("a time")
    }

    fn wish(until: &str) -> PauseWish {
        PauseWish {
            until: until.to_owned(),
            by: "jane".to_owned(),
            reason: "incident 17".to_owned(),
        }
    }

    fn follow(earlier: Option<&PauseStatus>, wish: Option<PauseWish>, now: &str) -> Option<PauseStatus> {
        PauseStatus::follow(earlier, wish, at(now), LONGEST)
    }

    fn state(status: Option<&PauseStatus>) -> Option<PauseState> {
        status.map(|status| status.state)
    }

    #[test]
    fn it_begins_lasts_and_ends_by_itself() {
        let asked = || Some(wish("2026-11-27T12:00:00Z"));
        let begun = follow(None, asked(), "10:00");
        assert_eq!(state(begun.as_ref()), Some(PauseState::Active));
        let goes_on = follow(begun.as_ref(), asked(), "11:59");
        assert_eq!(goes_on, begun, "nothing is to be written while it lasts");
        let over = follow(begun.as_ref(), asked(), "12:00");
        assert_eq!(state(over.as_ref()), Some(PauseState::Over));
        assert_eq!(follow(over.as_ref(), asked(), "13:00"), over);
        assert_eq!(follow(over.as_ref(), None, "13:00"), over);
    }

    #[test]
    fn it_is_taken_back_and_asked_for_again() {
        let asked = || Some(wish("2026-11-27T12:00:00Z"));
        let begun = follow(None, asked(), "10:00");
        let back = follow(begun.as_ref(), None, "10:30");
        assert_eq!(state(back.as_ref()), Some(PauseState::Over));
        let again = follow(back.as_ref(), asked(), "10:31");
        assert_eq!(state(again.as_ref()), Some(PauseState::Active));
    }

    #[test]
    fn what_was_too_long_does_not_begin_later() {
        let asked = || Some(wish("2026-11-28T12:00:00Z"));
        let refused = follow(None, asked(), "10:00");
        assert_eq!(state(refused.as_ref()), Some(PauseState::Refused));
        assert_eq!(follow(refused.as_ref(), asked(), "13:00"), refused);
        assert_eq!(follow(refused.as_ref(), None, "13:00"), None);
        let shorter = follow(refused.as_ref(), Some(wish("2026-11-27T18:00:00Z")), "13:00");
        assert_eq!(state(shorter.as_ref()), Some(PauseState::Active));
    }

    #[test]
    fn a_pause_that_is_made_too_long_ends() {
        let begun = follow(None, Some(wish("2026-11-27T12:00:00Z")), "10:00");
        let extended = follow(begun.as_ref(), Some(wish("2027-01-01T00:00:00Z")), "10:05");
        assert_eq!(state(extended.as_ref()), Some(PauseState::Refused));
    }

    #[test]
    fn why_it_is_refused_names_the_annotation() {
        let of = |pairs: &[(&str, &str)]| {
            let annotations = pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
            let found = follow(None, PauseWish::of(&annotations.collect()), "10:00");
            found.and_then(|status| status.problem).unwrap_or_default()
        };
        let (by, why) = ((PAUSE_BY, "jane"), (PAUSE_REASON, "incident 17"));
        let until = |text| (PAUSE_UNTIL, text);
        assert_eq!(of(&[("other", "x")]), "");
        assert_eq!(
            of(&[by, why, until("2026-11-27T12:00:00+02:00")]),
            "secureml.dev/pause-until is past: 2026-11-27T12:00:00+02:00"
        );
        assert_eq!(of(&[by, why, until("2026-11-27T13:00:00+02:00")]), "");
        assert!(of(&[by, why]).starts_with("the annotation secureml.dev/pause-until is missing"));
        assert!(
            of(&[until("2026-11-27T12:00:00Z"), why]).starts_with("the annotation secureml.dev/pause-by is missing")
        );
        assert!(of(&[until("2026-11-27T12:00:00Z"), by, (PAUSE_REASON, " ")]).contains("pause-reason is missing"));
        assert!(of(&[by, why, until("tomorrow")]).ends_with("not \"tomorrow\""));
        assert!(of(&[by, why, until("2026-11-28T10:00:01Z")]).contains("the longest pause is 24h"));
        assert!(of(&[by, (PAUSE_REASON, &"x".repeat(501)), until("2026-11-27T12:00:00Z")]).contains("500"));
    }
}
