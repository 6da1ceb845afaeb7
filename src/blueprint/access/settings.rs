//! The guardrails that a spec asks for: its preset, and what it sets beside it.

use crate::api::{Guardrails, Preset};
use crate::blueprint::{Invalid, Project};
use crate::policy::sagemaker::LOCAL_DISK_TYPES;

/// The notebook types of the published design.
const NOTEBOOK_TYPES: &[&str] = &[
    "ml.t3.medium",
    "ml.t3.2xlarge",
    "ml.m5.xlarge",
    "ml.c5.2xlarge",
    "ml.p3.2xlarge",
];
/// Five days.
const STRICT_RUNTIME: u32 = 432_000;
/// The time AWS gives a job that asks for none.
pub(super) const DEFAULT_RUNTIME: u32 = 86_400;

/// What [`Guardrails`] come to: what is set, and what the preset says of the rest.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of the spec")]
pub struct Settings {
    /// The instance types that notebooks may have, as patterns; any, where there are none.
    pub notebook_types: Vec<String>,
    /// Those of jobs.
    pub job_types: Vec<String>,
    /// Those of endpoints.
    pub hosting_types: Vec<String>,
    /// How long a job may run, in seconds.
    pub max_runtime: Option<u32>,
    /// Whether what jobs write needs the project's key.
    pub output_key: bool,
    /// Whether volumes need the project's key where the published design does not demand it: of transform and AutoML
    /// jobs, and of endpoints.
    pub volume_key_everywhere: bool,
    /// Whether traffic between the instances of a job has to be encrypted.
    pub encryption_between: bool,
    /// Whether everything that is made needs the project's tags.
    pub project_tags: bool,
    /// Whether containers have to run without a network.
    pub isolation: bool,
    /// Whether a shell may be opened in a running job.
    pub remote_debug: bool,
    /// Whether jobs are allowed whose network no condition key tells.
    pub without_vpc_key: bool,
}

impl Settings {
    /// What `spec` comes to.
    pub fn new(spec: &Guardrails) -> Self {
        let standard = spec.preset != Preset::Published;
        let strict = spec.preset == Preset::Strict;
        let notebooks = || NOTEBOOK_TYPES.iter().map(|&kind| kind.to_owned()).collect();
        let runtime = spec
            .max_runtime_seconds
            .unwrap_or(if strict { STRICT_RUNTIME } else { 0 });
        Self {
            notebook_types: spec.notebook_instance_types.clone().unwrap_or_else(notebooks),
            job_types: spec.job_instance_types.clone().unwrap_or_default(),
            hosting_types: spec.hosting_instance_types.clone().unwrap_or_default(),
            max_runtime: Some(runtime).filter(|&seconds| seconds > 0),
            output_key: spec.require_output_key.unwrap_or(standard),
            volume_key_everywhere: spec.require_volume_key_everywhere.unwrap_or(standard),
            encryption_between: spec.require_encryption_between_instances.unwrap_or(standard),
            project_tags: spec.require_project_tags.unwrap_or(standard),
            isolation: spec.require_network_isolation.unwrap_or(strict),
            remote_debug: spec.allow_remote_debug.unwrap_or(!strict),
            without_vpc_key: spec.allow_actions_without_vpc_key.unwrap_or(false),
        }
    }
}

/// Notebooks of types that the guardrails deny.
pub(super) fn check(project: &Project) -> Vec<Invalid> {
    let allowed = Settings::new(&project.spec.guardrails).notebook_types;
    let fits = |kind: &str| allowed.is_empty() || allowed.iter().any(|pattern| crate::policy::matches(pattern, kind));
    let denied = project.spec.notebooks.iter().enumerate();
    let denied = denied.filter(|(_, notebook)| !fits(&notebook.instance_type));
    denied
        .map(|(i, notebook)| {
            let (kind, allowed) = (&notebook.instance_type, allowed.join(", "));
            let problem = format!(
                "{kind} is not among spec.guardrails.notebookInstanceTypes: use one of those, or add it: {allowed}"
            );
            Invalid::new(format!("spec.notebooks[{i}].instanceType"), problem)
        })
        .collect()
}

/// Instance types of jobs whose disks hardware encrypts: they take no volume key.
pub(super) fn local_disk_types() -> impl Iterator<Item = &'static str> {
    LOCAL_DISK_TYPES.iter().copied()
}
