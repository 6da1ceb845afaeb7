//! Why nothing is written to AWS though something differs.

use super::claims::{CLAIM_UNREAD, TAKING_OVER, TWO_OWNERS, Withheld};
use super::conditions::{PAUSED, Standing};
use super::pause;
use crate::api::{DriftMode, PauseStatus, RELEASE, SecureMLProject, SecureMLProjectStatus};
use crate::engine::Braking;
use crate::model::counted;
use crate::plan::{Action, Change, Effect, Plan, Severity};

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

    /// How a project stands of which something differs.
    pub(super) fn standing(&self) -> Standing {
        match self {
            Self::Withheld(withheld) => {
                if withheld.stalls {
                    Standing::Stalled
                } else {
                    Standing::Reconciling
                }
            }
            Self::Observed | Self::Paused(_) | Self::Braked(..) => Standing::Stalled,
        }
    }

    /// What is said of `differences`.
    pub(super) fn tell(&self, differences: String) -> String {
        match self {
            Self::Withheld(withheld) => withheld.message.clone(),
            Self::Observed => format!(
                "{differences}; nothing is changed, since drift.mode is Observe: set it to Enforce to have this put right"
            ),
            Self::Paused(pause) => format!(
                "{}; not corrected: {differences}; end the pause early by: secureml resume",
                pause::tell(pause)
            ),
            Self::Braked(Braking { id, projects, fleet }, project) => format!(
                "held: at least {projects} of {} would change at once without a change of their specs; check that this is \
                 wanted, then release this one by: kubectl annotate smlp {project} --overwrite {RELEASE}={id} (all of them: \
                 --all -A in place of {project}); would change: {differences}",
                counted(*fleet, "project")
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

    /// Of `plan`, what is done all the same, if anything.
    ///
    /// What an earlier pass began is ended, unless another may be at work: no notebook stays stopped that was stopped to be
    /// changed. And the brake does not keep open what somebody has opened. Everything was in order before, by the audit
    /// of this program or of the one before it, and nothing was declared since. So AWS has changed, and not what this
    /// program thinks of it. What is found open at the first look may as well be the judgement of a new version, and is held
    /// like everything else.
    pub(super) fn spared(&self, latest: &SecureMLProjectStatus, plan: &Plan) -> Option<Plan> {
        let opening = latest.last_opening.as_ref();
        let opened = opening.is_some_and(|opening| opening.closed_at.is_none() && opening.in_order_at.is_some());
        let is_spared = |change: &Change| match self {
            Self::Withheld(_) => false,
            Self::Observed | Self::Paused(_) => change.effect == Effect::Finish,
            Self::Braked(..) => change.effect == Effect::Finish || opened && change.severity == Severity::Critical,
        };
        let spared = plan.only(|step| step.action == Action::Update && step.changes.iter().any(is_spared));
        let writes = spared.writes().next().is_some();
        writes.then_some(spared)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::OpeningStatus;
    use crate::model::Owner;

    fn braked() -> Hold {
        let braking = Braking {
            id: "2026-11-27T09:30:12Z".to_owned(),
            projects: 5,
            fleet: 7,
        };
        Hold::Braked(braking, "churn -n default".to_owned())
    }

    fn withheld() -> Hold {
        Hold::Withheld(Withheld {
            reason: TWO_OWNERS,
            message: String::new(),
            stalls: true,
        })
    }

    fn plan(steps: Value) -> Plan {
        let owner = Owner::new("test", "default", "churn");
        serde_json::from_value(json!({"owner": owner, "steps": steps})).expect("a plan")
    }

    fn step(action: Action, effect: Effect, severity: Severity) -> Value {
        let change = Change {
            field: "some".to_owned(),
            before: true.into(),
            after: false.into(),
            effect,
            severity,
        };
        json!({"action": action, "reason": "it differs", "changes": [change]})
    }

    #[test]
    fn what_was_begun_is_ended_and_what_somebody_opened_is_closed() {
        let plan = plan(json!({
            "Notebook/stopped": step(Action::Update, Effect::Finish, Severity::High),
            "Notebook/running": step(Action::StopUpdateStart, Effect::Finish, Severity::Critical),
            "Vpc/main": step(Action::Update, Effect::InPlace, Severity::Critical),
            "Subnet/a": step(Action::Update, Effect::InPlace, Severity::High),
        }));
        let spared = |hold: &Hold, latest: &SecureMLProjectStatus| -> Vec<String> {
            let spared = hold.spared(latest, &plan);
            let writes = spared.iter().flat_map(Plan::writes);
            writes.map(|(node, _)| node.to_string()).collect()
        };
        let mut latest = SecureMLProjectStatus::default();
        assert_eq!(spared(&Hold::Observed, &latest), ["Notebook/stopped"]);
        assert_eq!(spared(&braked(), &latest), ["Notebook/stopped"]);
        assert!(spared(&withheld(), &latest).is_empty(), "another may be at work");
        latest.last_opening = Some(OpeningStatus {
            controls: vec!["N1 Vpc/main".to_owned()],
            in_order_at: Some(Time(Timestamp::UNIX_EPOCH)),
            seen_at: Time(Timestamp::UNIX_EPOCH),
            closed_at: None,
        });
        assert_eq!(spared(&Hold::Observed, &latest), ["Notebook/stopped"]);
        assert_eq!(spared(&braked(), &latest), ["Notebook/stopped", "Vpc/main"]);
    }
}
