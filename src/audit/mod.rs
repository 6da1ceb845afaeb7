//! The audit: whether what stands in AWS keeps its promises, control by control, with evidence.
//!
//! Pure. It looks at the resources as AWS has them, not at the spec: at their attributes, and at what their policies say
//! to requests that must be refused, or must go through. Every request of a role is asked twice: with the role's own
//! policies, and with `AdministratorAccess` in their place, so that what holds does not depend on what is attached.

mod controls;
mod probe;
mod report;
mod scene;
#[cfg(test)]
mod tests;

pub use controls::controls;
pub use report::{Check, Control, Finding, Outcome, Report, Severity, Verdict};

use crate::blueprint::{Blueprint, Project};
use crate::plan::World;
use scene::Scene;

/// Audits what `world` has of `project`. What `blueprint`, its blueprint, has and `world` has not is gone, and keeps no
/// promise; of what could not be read, nothing can be told.
pub fn audit(project: &Project, blueprint: &Blueprint, world: &World) -> Report {
    let scene = Scene::new(project, blueprint, world);
    let checks = controls().map(|control| Check::new(control, &scene));
    Report {
        project: project.owner.to_string(),
        account: project.account.id.clone(),
        region: project.account.region.clone(),
        partition: project.account.partition.clone(),
        checks: checks.collect(),
    }
}
