//! The conditions of a project, as kstatus reads them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::{SecureMLProject, SecureMLProjectStatus};
use crate::model::redact;

/// The condition that says whether AWS holds what is declared.
pub(super) const READY: &str = "Ready";
/// The condition that says whether the guardrails hold on AWS, whatever is declared.
pub(super) const ENFORCED: &str = "GuardrailsEnforced";
/// The condition that says whether somebody has asked for a pause of correction.
pub(super) const PAUSED: &str = "Paused";

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    True,
    False,
    Unknown,
}

impl State {
    /// Kubernetes's word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// How a project stands: of the conditions of these names, exactly one is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// AWS holds what is declared.
    Ready,
    /// It will without anybody's help.
    Reconciling,
    /// It will not unless somebody does something. Who waits for the project need not wait.
    Stalled,
}

impl Standing {
    const ALL: [Self; 3] = [Self::Ready, Self::Reconciling, Self::Stalled];

    fn type_(self) -> &'static str {
        match self {
            Self::Ready => READY,
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }
}

/// How a project stands, and why.
pub(super) struct Verdict {
    pub(super) standing: Standing,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Verdict {
    pub(super) fn new(standing: Standing, reason: &'static str, message: String) -> Self {
        Self {
            standing,
            reason,
            message,
        }
    }

    /// `latest` with the conditions that say so of `project`.
    pub(super) fn written(
        &self,
        project: &SecureMLProject,
        mut latest: SecureMLProjectStatus,
    ) -> SecureMLProjectStatus {
        latest.observed_generation = project.metadata.generation;
        for standing in Standing::ALL {
            let state = if standing == self.standing {
                State::True
            } else {
                State::False
            };
            let message = self.message.clone();
            set(&mut latest, project, standing.type_(), state, self.reason, message);
        }
        // What people look for first stands first.
        latest
            .conditions
            .sort_by_key(|condition| match condition.type_.as_str() {
                PAUSED => 2,
                ENFORCED => 1,
                _ => 0,
            });
        latest
    }
}

/// The condition `type_` of `status`.
pub(super) fn condition<'a>(status: Option<&'a SecureMLProjectStatus>, type_: &str) -> Option<&'a Condition> {
    status?.conditions.iter().find(|condition| condition.type_ == type_)
}

/// Sets the condition `type_`; since when it holds is kept while it does.
pub(super) fn set(
    latest: &mut SecureMLProjectStatus,
    project: &SecureMLProject,
    type_: &str,
    state: State,
    reason: &str,
    message: String,
) {
    let known = condition(Some(latest), type_).filter(|known| known.status == state.word());
    let since = known.map_or_else(|| Time(Timestamp::now()), |known| known.last_transition_time.clone());
    let new = Condition {
        type_: type_.to_owned(),
        status: state.word().to_owned(),
        reason: reason.to_owned(),
        message: redact(&message).into_owned(),
        observed_generation: project.metadata.generation,
        last_transition_time: since,
    };
    put(latest, new);
}

/// Puts `new` in the place of the condition of its type.
pub(super) fn put(latest: &mut SecureMLProjectStatus, new: Condition) {
    match latest
        .conditions
        .iter_mut()
        .find(|condition| condition.type_ == new.type_)
    {
        Some(condition) => *condition = new,
        None => latest.conditions.push(new),
    }
}
