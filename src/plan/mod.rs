//! The plan: what is wanted less what there is, as data.
//!
//! Pure: no I/O, no clock, no randomness. A plan lists every mutating AWS call that carrying it out will make,
//! with its arguments; what is not known until a resource exists stands as a reference (`⟦Vpc/main.id⟧`).

mod difference;
mod edges;
mod graph;
mod planner;
mod render;
mod types;
mod world;

pub use graph::Cycle;
pub use planner::{Goal, PlanError, plan};
pub use render::{render, render_difference};
pub use types::{Action, Call, Change, Effect, Plan, Severity, Step, Todo};
pub use world::{Candidate, Expected, Object, Phase, Unread, World};

#[cfg(test)]
mod tests;
