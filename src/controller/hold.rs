//! Why nothing is written to AWS though something differs.

use super::claims::{CLAIM_UNREAD, TAKING_OVER, TWO_OWNERS, Withheld};
use super::pause::{self, PAUSED};
use crate::api::{DriftMode, PauseStatus, RELEASE, SecureMLProject, SecureMLProjectStatus};
use crate::engine::Braking;

/// See the module. What is looked at, audited and told is the same as without.
#[derive(Clone, Debug)]
pub enum Hold {
    /// This controller may not work at all now.
    Withheld(Withheld),
    /// The spec asks for it.
    Observed,
    /// Somebody has asked for a pause.
    Paused(PauseStatus),
    /// Too many projects would be changed at once; the project in the words of kubectl's arguments.
    Braked(Braking, String),
}

/// The reason of the conditions while the fleet brake holds.
pub(super) const FLEET_BRAKE: &str = "FleetBrake";
/// The reasons of the conditions while something is held that somebody, or this program, will let go.
pub(super) const HELD: [&str; 5] = [PAUSED, FLEET_BRAKE, TAKING_OVER, TWO_OWNERS, CLAIM_UNREAD];

impl Hold {
    /// What holds `project` back, whose pause is that of `latest`, if it is not `withheld` from the controller itself.
    pub fn of(project: &SecureMLProject, latest: &SecureMLProjectStatus, withheld: Option<Withheld>) -> Option<Self> {
        let observed = (project.spec.drift.mode == DriftMode::Observe).then_some(Self::Observed);
        Self::of_deletion(latest, withheld).or(observed)
    }

    /// The same, where the project is to go: who only observes may delete.
    pub(super) fn of_deletion(latest: &SecureMLProjectStatus, withheld: Option<Withheld>) -> Option<Self> {
        let paused = || latest.active_pause().cloned().map(Self::Paused);
        withheld.map(Self::Withheld).or_else(paused)
    }

    /// The reason of the conditions while something differs.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Withheld(withheld) => withheld.reason,
            Self::Observed => "DriftDetected",
            Self::Paused(_) => PAUSED,
            Self::Braked(..) => FLEET_BRAKE,
        }
    }

    /// Whether somebody has to end it. Who waits for the project need not wait until then.
    pub(super) fn needs_somebody(&self) -> bool {
        match self {
            Self::Withheld(withheld) => withheld.stalls,
            Self::Observed => false,
            Self::Paused(_) | Self::Braked(..) => true,
        }
    }

    /// Whether what somebody has opened is closed all the same.
    pub(super) fn spares_what_is_open(&self) -> bool {
        match self {
            Self::Withheld(_) | Self::Observed | Self::Paused(_) => false,
            Self::Braked(..) => true,
        }
    }

    /// What is said of `differences`.
    pub(super) fn tell(&self, differences: String) -> String {
        match self {
            Self::Withheld(withheld) => withheld.message.clone(),
            Self::Observed => format!(
                "{differences}; nothing is changed, since drift.mode is Observe: set it to Enforce to have this put right"
            ),
            Self::Paused(pause) => format!("{}; not corrected: {differences}", pause::tell(pause)),
            Self::Braked(Braking { id, projects, fleet }, project) => format!(
                "held: {projects} of {fleet} projects or more would be changed at once, though nobody declared it; \
                 release this one by: kubectl annotate smlp {project} --overwrite {RELEASE}={id} (all of them: --all -A \
                 in place of {project}); would be changed: {differences}"
            ),
        }
    }

    /// What is said of the deletion of a project that it holds.
    pub(super) fn tell_of_deletion(&self) -> String {
        match self {
            Self::Paused(pause) => format!(
                "nothing is deleted while the project is paused: {}; end the pause to go on",
                pause::tell(pause)
            ),
            other => format!("nothing is deleted now: {}", other.tell(String::new())),
        }
    }
}
