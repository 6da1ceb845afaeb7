//! VPC endpoints: the only ways out of the network, and what may pass them.

use super::{Builder, Project};

pub(super) fn draw(_project: &Project, _builder: &mut Builder) {}
