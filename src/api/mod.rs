//! The custom resources: what users write and what they read.

mod project;

pub use project::*;
