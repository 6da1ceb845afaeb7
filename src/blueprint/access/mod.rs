//! Roles: who may do what in the project, and the boundary that none of them leaves.

use super::{Builder, Project};

pub(super) fn draw(_project: &Project, _builder: &mut Builder) {}
