//! The custom resources: what users write and what they read.

mod project;
mod status;

pub use project::*;
pub use status::*;
