//! What users and tools look up: SSM parameters and the resource group.

use super::{Builder, Project};

pub(super) fn draw(_project: &Project, _builder: &mut Builder) {}
