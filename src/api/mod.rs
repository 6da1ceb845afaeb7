//! The custom resources: what users write and what they read. One file for each section of the spec.

mod access;
mod adopt;
mod brake;
mod check;
mod drift;
mod encryption;
mod guardrails;
mod network;
mod notebook;
mod packages;
mod pause;
mod project;
mod rules;
mod status;

pub use access::*;
pub use adopt::*;
pub use brake::*;
#[cfg(test)]
pub(crate) use check::tests;
pub use check::{Invalid, check};
pub use drift::*;
pub use encryption::*;
pub use guardrails::*;
pub use network::*;
pub use notebook::*;
pub use packages::*;
pub use pause::*;
pub use project::*;
pub use status::*;
