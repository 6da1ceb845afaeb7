//! Real parts on loopback for tests, demo and benchmark: a Kubernetes control plane, an AWS emulator, and
//! between product and emulator a proxy that counts every call and can make AWS misbehave.
//!
//! Start with [`Rig`], which starts what a test needs and stops it when it is dropped.

pub mod control_plane;
pub mod emulator;
mod install;
#[cfg(test)]
mod integration;
pub mod paths;
pub mod process;
pub mod proxy;
mod python;
mod random;
mod rig;
mod simulator;

pub use control_plane::ControlPlane;
pub use emulator::Emulator;
pub use process::Process;
pub use proxy::{Fault, Proxy, Rule};
pub use python::{notebook_tools, policy_tools, sagemaker_sdk};
pub use random::Random;
pub use rig::{REGION, Rig, RigBuilder, aws_env};
pub use simulator::simulate;
