//! SageMaker notebook instances.

use super::{Builder, Project};

pub(super) fn draw(_project: &Project, _builder: &mut Builder) {}
