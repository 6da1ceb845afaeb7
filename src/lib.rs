//! `secureml` keeps secure machine-learning environments on AWS exactly as declared.
//!
//! The module map, and what each layer may import:
//!
//! | module | holds | may import |
//! |---|---|---|
//! | [`model`] | small types that every layer shares | nothing of ours |
//! | [`api`] | the custom resources: spec, status, conditions | `model` |
//! | [`policy`] | typed policies, canonical form | `model` |
//! | [`kinds`] | one file per AWS resource kind | `model`, `policy`, `plan`'s types; the live half also `engine`, `aws` |
//! | [`blueprint`] | spec → desired resources | all above |
//! | [`handbook`] | what a project's policies mean, in words | all above |
//! | [`audit`] | whether what stands keeps its promises | all above, and what `plan` knows of the world |
//! | [`plan`] | desired − actual, as data | all above; no AWS service by name |
//! | [`engine`] | inventory, apply, report | `model`, `blueprint`, `plan`, `kinds`; its live half also `aws`; no AWS service by name |
//! | [`reach`] | whether a network has a way out; reading it is its live half | `model`, `policy`, `kinds`; the live half also `engine`, `aws` |
//! | `aws` | sessions, errors, limits, paging, claims | `model`, and the words of `engine`: failures, turns, claims |
//! | `controller`, `cli` | the two ways to run it | everything |
//!
//! Everything above `engine` is pure: no I/O, no clock, no randomness. It compiles without the AWS SDK, a
//! Kubernetes client or an async runtime (`cargo check --no-default-features`).

pub mod api;
pub mod audit;
#[cfg(feature = "aws")]
pub mod aws;
pub mod blueprint;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "controller")]
pub mod controller;
pub mod engine;
pub mod handbook;
pub mod kinds;
#[cfg(test)]
mod laws;
pub mod model;
pub mod plan;
pub mod policy;
pub mod reach;
