//! The guardrails twice, from the same settings: as denies in every role that may make something in SageMaker, and in
//! the shorter form of the boundary, which has 6,144 characters. Either holds alone.

use super::ground::Ground;
use super::settings::{DEFAULT_RUNTIME, local_disk_types};
use crate::policy::sagemaker::{
    DIRECT_INTERNET_ACCESS, ENABLE_REMOTE_DEBUG, INSTANCE_TYPES, INTER_CONTAINER_TRAFFIC_ENCRYPTION,
    LIFECYCLE_CONFIG_ARNS, MAX_RUNTIME_IN_SECONDS, MINIMUM_IMDS_VERSION, NETWORK_ISOLATION, OUTPUT_KMS_KEY_ARN,
    ROOT_ACCESS, TAGGING_ACTION, VOLUME_KMS_KEY_ARN, VPC_SECURITY_GROUP_IDS, VPC_SUBNETS, WITHOUT_VPC_KEY, brief,
};
use crate::policy::{Condition, Statement, global};

/// Jobs that carry every key.
pub(super) const JOBS: &[&str] = &[
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateDataQualityJobDefinition",
    "sagemaker:CreateModelQualityJobDefinition",
    "sagemaker:CreateModelBiasJobDefinition",
    "sagemaker:CreateModelExplainabilityJobDefinition",
];
/// A schedule either describes a job, and then carries the keys of jobs, or names a job definition, and then carries
/// none; every description names an instance type, so that tells them apart.
pub(super) const SCHEDULES: &[&str] = &[
    "sagemaker:CreateMonitoringSchedule",
    "sagemaker:UpdateMonitoringSchedule",
];
pub(super) const AUTO_ML: &[&str] = &["sagemaker:CreateAutoMLJob", "sagemaker:CreateAutoMLJobV2"];
pub(super) const TRANSFORM: &str = "sagemaker:CreateTransformJob";
pub(super) const MODEL: &str = "sagemaker:CreateModel";
/// A VPC is not demanded of it: the models that it names have one, and then it takes none.
const ENDPOINT_CONFIG: &str = "sagemaker:CreateEndpointConfig";
pub(super) const NOTEBOOK: &str = "sagemaker:CreateNotebookInstance";
/// What can be made without running anything, or runs only what was guarded when it was made; and hosting, whose
/// guardrails are denies.
pub(super) const PLAIN: &[&str] = &[
    "sagemaker:CreateAction",
    "sagemaker:CreateArtifact",
    "sagemaker:CreateContext",
    "sagemaker:CreateEndpoint*",
    "sagemaker:CreateExperiment",
    "sagemaker:CreateModelPackageGroup",
    "sagemaker:CreatePipeline",
    "sagemaker:CreateTrial*",
];
/// A version of a model is given no tags: AWS has it take those of its group. Tags that it is given all the same are
/// what `sagemaker:AddTags` is asked about.
const VERSION: &str = "sagemaker:CreateModelPackage";
/// The tags that projects are kept apart by, and people within them. Condition keys do not tell case apart.
const FIXED_TAGS: &[&str] = &[
    "ProjectName",
    "EnvironmentType",
    "NotebookOwnerUsername",
    "secureml.dev/owner",
];

/// Everything that can be made, apart from notebooks.
pub(super) fn making(ground: &Ground<'_>) -> Vec<String> {
    let guarded = [JOBS, &SCHEDULES[..1], AUTO_ML, &[TRANSFORM, MODEL]];
    let mut actions = brief(guarded.into_iter().flatten().copied());
    actions.extend(PLAIN.iter().map(|&action| action.to_owned()));
    if ground.settings.without_vpc_key {
        actions.extend(WITHOUT_VPC_KEY.iter().map(|&action| action.to_owned()));
    }
    actions
}

/// The tags of the project, once given, are nobody's to change.
pub(super) fn fixed_tags() -> Statement {
    let statement = Statement::deny("FixedTags").actions(["sagemaker:AddTags", "sagemaker:DeleteTags"]);
    let statement = statement
        .anywhere()
        .given(global::TAG_KEYS.any_is_in_any_case(FIXED_TAGS.iter().copied()));
    // Of the two actions, only AddTags carries the key, and only when something is being made.
    statement.given(TAGGING_ACTION.absent())
}

/// The tags of the project, given to what is just being made and never later.
pub(super) fn tag(ground: &Ground<'_>) -> Statement {
    Statement::allow("Tag")
        .actions(["sagemaker:AddTags"])
        .anywhere()
        .given_all(ground.tagging())
        .given(TAGGING_ACTION.present())
}

/// Nothing of `actions` whose volumes have another key than the project's, save on instances whose disks hardware
/// encrypts.
fn volume_key<'a>(ground: &Ground<'_>, actions: impl IntoIterator<Item = &'a str>) -> Statement {
    deny("VolumeKey", actions)
        .given(VOLUME_KMS_KEY_ARN.is_not([&ground.key]))
        .given(INSTANCE_TYPES.any_not_like(local_disk_types()))
}

/// The guardrails as denies.
pub(super) fn denied(ground: &Ground<'_>) -> Vec<Statement> {
    let settings = &ground.settings;
    let mut statements = network(ground);
    let transform = settings.volume_key_everywhere.then_some(TRANSFORM);
    let jobs = JOBS.iter().chain(SCHEDULES).copied();
    statements.push(volume_key(ground, jobs.chain(transform)));
    statements.push(fixed_tags());
    if settings.volume_key_everywhere {
        let actions = AUTO_ML.iter().copied().chain([ENDPOINT_CONFIG]);
        statements.push(deny("OtherVolumeKey", actions).given(VOLUME_KMS_KEY_ARN.is_not([&ground.key])));
    }
    if settings.output_key {
        let is_not = || OUTPUT_KMS_KEY_ARN.is_not([&ground.key]);
        let actions = JOBS.iter().chain(AUTO_ML).copied().chain([TRANSFORM]);
        statements.push(deny("OutputKey", actions).given(is_not()));
        statements.push(described("ScheduleOutputKey").given(is_not()));
    }
    if settings.encryption_between {
        let off = || INTER_CONTAINER_TRAFFIC_ENCRYPTION.is_not_true();
        statements.push(deny("Between", JOBS.iter().chain(AUTO_ML).copied()).given(off()));
        statements.push(described("ScheduleBetween").given(off()));
    }
    if settings.isolation {
        let actions = JOBS.iter().copied().chain([MODEL]);
        statements.push(deny("Isolation", actions).given(NETWORK_ISOLATION.is_not_true()));
        statements.push(deny("NotIsolated", AUTO_ML.iter().copied()));
        statements.push(described("ScheduleIsolation").given(NETWORK_ISOLATION.is_not_true()));
    }
    if !settings.without_vpc_key {
        statements.push(deny("WithoutVpcKey", WITHOUT_VPC_KEY.iter().copied()));
    }
    statements.extend(shapes(ground));
    statements
}

/// No work outside the project's subnets and groups. Notebooks are made by none of those who have these denies.
fn network(ground: &Ground<'_>) -> Vec<Statement> {
    let demanded = || JOBS.iter().chain(AUTO_ML).copied().chain([MODEL]);
    let [subnet, group] = foreign(ground);
    vec![
        deny("NoSubnet", demanded()).given(VPC_SUBNETS.absent()),
        deny("NoGroup", demanded()).given(VPC_SECURITY_GROUP_IDS.absent()),
        described("ScheduleNoSubnet").given(VPC_SUBNETS.absent()),
        subnet,
        group,
    ]
}

/// Running time and remote debugging.
fn shapes(ground: &Ground<'_>) -> Vec<Statement> {
    let settings = &ground.settings;
    let jobs = JOBS.iter().chain(SCHEDULES).copied().chain([TRANSFORM]);
    let mut statements = instance_types(ground, jobs);
    if let Some(limit) = settings.max_runtime {
        statements.push(deny("Runtime", ["sagemaker:*"]).given(MAX_RUNTIME_IN_SECONDS.above(limit)));
        if limit < DEFAULT_RUNTIME {
            statements.push(deny("NoRuntime", JOBS.iter().copied()).given(MAX_RUNTIME_IN_SECONDS.absent()));
        }
    }
    if !settings.remote_debug {
        statements.push(deny("RemoteDebug", ["sagemaker:*"]).given(ENABLE_REMOTE_DEBUG.is_true()));
    }
    statements
}

/// Instance types outside the lists; `jobs` are the actions that start jobs.
fn instance_types<'a>(ground: &Ground<'_>, jobs: impl IntoIterator<Item = &'a str>) -> Vec<Statement> {
    let settings = &ground.settings;
    let lists = [
        (deny("JobTypes", jobs), &settings.job_types),
        (deny("HostingTypes", [ENDPOINT_CONFIG]), &settings.hosting_types),
    ];
    let limited = lists.into_iter().filter(|(_, allowed)| !allowed.is_empty());
    limited
        .map(|(statement, allowed)| statement.given(INSTANCE_TYPES.any_not_like(allowed)))
        .collect()
}

/// The guardrails of jobs in the form that a boundary has room for. What has to be there is a condition of allowing
/// it; what must not be foreign is denied of all of SageMaker at once: where a key is absent, none of these denies
/// applies. What cannot be isolated from the network cannot be made where isolation is demanded.
pub(super) fn bounds(ground: &Ground<'_>) -> Vec<Statement> {
    let settings = &ground.settings;
    let output = || settings.output_key.then(|| OUTPUT_KMS_KEY_ARN.is([&ground.key]));
    let between = settings
        .encryption_between
        .then(|| INTER_CONTAINER_TRAFFIC_ENCRYPTION.is_true());
    let isolation = || settings.isolation.then(|| NETWORK_ISOLATION.is_true());
    let in_network = || [VPC_SUBNETS.present(), VPC_SECURITY_GROUP_IDS.present()];
    // AutoML jobs cannot be isolated.
    let auto_ml = AUTO_ML.iter().filter(|_| !settings.isolation).copied();
    let jobs = JOBS.iter().copied().chain(auto_ml.clone()).chain([SCHEDULES[0]]);
    let without = WITHOUT_VPC_KEY.iter().filter(|_| settings.without_vpc_key);
    let mut statements = vec![
        making_of(ground, "Jobs", jobs)
            .given_all(in_network())
            .given_all(output())
            .given_all(between)
            .given_all(isolation())
            .given_all(settings.max_runtime.map(runtime))
            .given_all((!settings.remote_debug).then(|| ENABLE_REMOTE_DEBUG.is_not_true())),
        // A boundary has no room for another statement, and versions of models name no instance types either.
        Statement::allow("Refer")
            .actions(brief(SCHEDULES.iter().copied().chain([VERSION])))
            .anywhere()
            .given(INSTANCE_TYPES.absent())
            .given_all(ground.tagged_if_present()),
        making_of(ground, "Transform", [TRANSFORM]).given_all(output()),
        making_of(ground, "Model", [MODEL])
            .given_all(in_network())
            .given_all(isolation()),
        make(ground).actions(without.copied()),
        fixed_tags(),
    ];
    if settings.volume_key_everywhere {
        let actions = ["sagemaker:Create*Job*", SCHEDULES[0], ENDPOINT_CONFIG];
        statements.push(volume_key(ground, actions));
        if !settings.isolation {
            statements.push(deny("AutoMlKey", auto_ml).given(VOLUME_KMS_KEY_ARN.is_not([&ground.key])));
        }
    } else {
        statements.push(volume_key(ground, JOBS.iter().copied().chain([SCHEDULES[0]])));
    }
    statements.extend(foreign(ground));
    statements.extend(instance_types(ground, ["sagemaker:Create*Job*", SCHEDULES[0]]));
    statements
}

/// No foreign subnet or group.
pub(super) fn foreign(ground: &Ground<'_>) -> [Statement; 2] {
    [
        deny("Subnet", ["sagemaker:*"]).given(VPC_SUBNETS.any_is_not(&ground.subnets)),
        deny("Group", ["sagemaker:*"]).given(VPC_SECURITY_GROUP_IDS.any_is_not([&ground.group])),
    ]
}

/// Making what runs nothing, or only what was guarded when it was made; and hosting it. An endpoint is made of a
/// configuration, and a trial of an experiment, that are there already: those must not be a neighbour's.
pub(super) fn make(ground: &Ground<'_>) -> Statement {
    let actions = PLAIN.iter().copied().chain(["sagemaker:AddTags"]);
    making_of(ground, "Make", actions).given_all(ground.tagged_if_present())
}

/// The guardrails of hosted models, for who hosts and runs nothing else.
pub(super) fn hosting(ground: &Ground<'_>) -> Vec<Statement> {
    let settings = &ground.settings;
    let mut statements = vec![fixed_tags()];
    statements.extend(foreign(ground));
    if settings.volume_key_everywhere {
        let key = VOLUME_KMS_KEY_ARN.is_not([&ground.key]);
        statements.push(deny("VolumeKey", [ENDPOINT_CONFIG]).given(key));
    }
    if !settings.hosting_types.is_empty() {
        let others = INSTANCE_TYPES.any_not_like(&settings.hosting_types);
        statements.push(deny("HostingTypes", [ENDPOINT_CONFIG]).given(others));
    }
    statements
}

/// Registering a version of a model in a group.
pub(super) fn version(ground: &Ground<'_>) -> Statement {
    Statement::allow("Version")
        .actions([VERSION])
        .anywhere()
        .given_all(ground.tagged_if_present())
}

fn making_of<'a>(ground: &Ground<'_>, sid: &str, actions: impl IntoIterator<Item = &'a str>) -> Statement {
    let statement = Statement::allow(sid).actions(brief(actions)).anywhere();
    statement.given_all(ground.tagging())
}

fn runtime(limit: u32) -> Condition {
    if limit < DEFAULT_RUNTIME {
        MAX_RUNTIME_IN_SECONDS.at_most(limit)
    } else {
        MAX_RUNTIME_IN_SECONDS.at_most_if_present(limit)
    }
}

/// A notebook in the approved shape: in the network, without root and internet, with the key and our script.
pub(super) fn notebook(ground: &Ground<'_>) -> Statement {
    Statement::allow("Notebook")
        .actions([NOTEBOOK])
        .anywhere()
        .given_all(ground.tagging())
        .given_all(inside(ground))
        .given_all([INSTANCE_TYPES.present()])
        .given_all(types(&ground.settings.notebook_types))
        .given(VOLUME_KMS_KEY_ARN.is([&ground.key]))
        .given(DIRECT_INTERNET_ACCESS.is(["Disabled"]))
        .given(ROOT_ACCESS.is(["Disabled"]))
        .given(MINIMUM_IMDS_VERSION.is(["2"]))
        .given(LIFECYCLE_CONFIG_ARNS.present())
        .given(LIFECYCLE_CONFIG_ARNS.all_are([ground.lifecycle()]))
}

/// In the project's subnets and groups.
fn inside(ground: &Ground<'_>) -> [Condition; 4] {
    [
        VPC_SUBNETS.present(),
        VPC_SUBNETS.all_are(&ground.subnets),
        VPC_SECURITY_GROUP_IDS.present(),
        VPC_SECURITY_GROUP_IDS.all_are([&ground.group]),
    ]
}

fn types(allowed: &[String]) -> Option<Condition> {
    (!allowed.is_empty()).then(|| INSTANCE_TYPES.all_like(allowed))
}

fn deny<'a>(sid: &str, actions: impl IntoIterator<Item = &'a str>) -> Statement {
    Statement::deny(sid).actions(brief(actions)).anywhere()
}

/// About schedules that describe a job.
fn described(sid: &str) -> Statement {
    deny(sid, SCHEDULES.iter().copied()).given(INSTANCE_TYPES.present())
}
