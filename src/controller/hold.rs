//! Why nothing is written to AWS though something differs.

use super::pause;
use crate::api::{DriftMode, PauseStatus, RELEASE, SecureMLProject, SecureMLProjectStatus};
use crate::engine::Braking;

/// See the module. What is looked at, audited and told is the same as without.
#[derive(Clone, Debug)]
pub(super) enum Hold {
    /// The spec asks for it.
    Observed,
    /// Somebody has asked for a pause.
    Paused(PauseStatus),
    /// Too many projects would be changed at once; the project in the words of kubectl's arguments.
    Braked(Braking, String),
}

/// The reason of the conditions while the fleet brake holds.
pub(super) const FLEET_BRAKE: &str = "FleetBrake";

impl Hold {
    /// What holds `project` back, whose pause is that of `latest`.
    pub(super) fn of(project: &SecureMLProject, latest: &SecureMLProjectStatus) -> Option<Self> {
        match (latest.active_pause(), project.spec.drift.mode) {
            (Some(pause), _) => Some(Self::Paused(pause.clone())),
            (None, DriftMode::Observe) => Some(Self::Observed),
            (None, DriftMode::Enforce) => None,
        }
    }

    /// The reason of the conditions while something differs.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Observed => "DriftDetected",
            Self::Paused(_) => "Paused",
            Self::Braked(..) => FLEET_BRAKE,
        }
    }

    /// Whether somebody has to end it. Who waits for the project need not wait until then.
    pub(super) fn needs_somebody(&self) -> bool {
        match self {
            Self::Observed => false,
            Self::Paused(_) | Self::Braked(..) => true,
        }
    }

    /// Whether what somebody has opened is closed all the same.
    pub(super) fn spares_what_is_open(&self) -> bool {
        match self {
            Self::Observed | Self::Paused(_) => false,
            Self::Braked(..) => true,
        }
    }

    /// What is said of `differences`.
    pub(super) fn tell(&self, differences: String) -> String {
        match self {
            Self::Observed => differences,
            Self::Paused(pause) => format!("{}; not corrected: {differences}", pause::tell(pause)),
            Self::Braked(Braking { id, projects, fleet }, project) => format!(
                "held: {projects} of {fleet} projects or more would be changed at once, though nobody declared it; \
                 release this one by: kubectl annotate smlp {project} --overwrite {RELEASE}={id} (all of them: --all -A \
                 in place of {project}); would be changed: {differences}"
            ),
        }
    }
}
