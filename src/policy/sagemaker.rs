//! Which condition keys each SageMaker action puts into the context of a request.
//!
//! A key that an action does not support is always absent. A deny of requests without it would block the action
//! for everybody, and a deny of wrong values would stop nobody; so both are only written through [`supporting`].
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html>

use super::{Arn, Flag, Key, Many, Number, One, Text};

/// The subnets of a job, model, notebook or domain.
pub const VPC_SUBNETS: Key<Many, Text> = Key::named("sagemaker:VpcSubnets");
/// Its security groups.
pub const VPC_SECURITY_GROUP_IDS: Key<Many, Text> = Key::named("sagemaker:VpcSecurityGroupIds");
/// The key of its volumes. Compared as a text: a bare id or an alias is no ARN, and is not unlike one either.
pub const VOLUME_KMS_KEY_ARN: Key<One, Text> = Key::named("sagemaker:VolumeKmsKeyArn");
/// The key of what it writes to S3. Compared as a text, as [`VOLUME_KMS_KEY_ARN`] is.
pub const OUTPUT_KMS_KEY_ARN: Key<One, Text> = Key::named("sagemaker:OutputKmsKeyArn");
/// Whether traffic between its instances is encrypted.
pub const INTER_CONTAINER_TRAFFIC_ENCRYPTION: Key<One, Flag> = Key::named("sagemaker:InterContainerTrafficEncryption");
/// Whether its containers have no network at all.
pub const NETWORK_ISOLATION: Key<One, Flag> = Key::named("sagemaker:NetworkIsolation");
/// Its instance types.
pub const INSTANCE_TYPES: Key<Many, Text> = Key::named("sagemaker:InstanceTypes");
/// The longest time it may run.
pub const MAX_RUNTIME_IN_SECONDS: Key<One, Number> = Key::named("sagemaker:MaxRuntimeInSeconds");
/// How long its instances wait for another job.
pub const KEEP_ALIVE_PERIOD: Key<One, Number> = Key::named("sagemaker:KeepAlivePeriod");
/// Whether a shell into its containers can be opened.
pub const ENABLE_REMOTE_DEBUG: Key<One, Flag> = Key::named("sagemaker:EnableRemoteDebug");
/// Whether a notebook has a way into the internet beside the VPC.
pub const DIRECT_INTERNET_ACCESS: Key<One, Text> = Key::named("sagemaker:DirectInternetAccess");
/// Whether a notebook's user is root.
pub const ROOT_ACCESS: Key<One, Text> = Key::named("sagemaker:RootAccess");
/// The oldest version of the metadata service that a notebook answers to.
pub const MINIMUM_IMDS_VERSION: Key<One, Text> = Key::named("sagemaker:MinimumInstanceMetadataServiceVersion");
/// The scripts that run as root when a notebook is made and started.
pub const LIFECYCLE_CONFIG_ARNS: Key<Many, Arn> = Key::named("sagemaker:NotebookInstanceLifecycleConfigArns");
/// The action that tags are set by, when they are set by creating something.
pub const TAGGING_ACTION: Key<One, Text> = Key::named("sagemaker:TaggingAction");
/// Whether a version of a model is approved.
pub const MODEL_APPROVAL_STATUS: Key<One, Text> = Key::named("sagemaker:ModelApprovalStatus");

/// Keys that AWS has replaced, each with its successor.
pub const DEPRECATED: &[(&str, &str)] = &[
    ("sagemaker:VolumeKmsKey", "sagemaker:VolumeKmsKeyArn"),
    ("sagemaker:OutputKmsKey", "sagemaker:OutputKmsKeyArn"),
    (
        "sagemaker:DomainSharingOutputKmsKey",
        "sagemaker:DomainSharingOutputKmsKeyArn",
    ),
    (
        "sagemaker:HomeEfsFileSystemKmsKey",
        "sagemaker:HomeEfsFileSystemKmsKeyArn",
    ),
    (
        "sagemaker:FeatureGroupOnlineStoreKmsKey",
        "sagemaker:FeatureGroupOnlineStoreKmsKeyArn",
    ),
    (
        "sagemaker:FeatureGroupOfflineStoreKmsKey",
        "sagemaker:FeatureGroupOfflineStoreKmsKeyArn",
    ),
];

/// Keys with several values: they mean something only under a set operator.
pub const MULTI_VALUED: &[&str] = &[
    "sagemaker:VpcSubnets",
    "sagemaker:VpcSecurityGroupIds",
    "sagemaker:InstanceTypes",
    "sagemaker:AcceleratorTypes",
    "sagemaker:ImageArns",
    "sagemaker:ImageVersionArns",
    "sagemaker:NotebookInstanceLifecycleConfigArns",
    "sagemaker:StudioLifecycleConfigArns",
    "aws:TagKeys",
];

/// The eight keys that the table of a job is about.
const JOB: &[&str] = &[
    "sagemaker:VpcSubnets",
    "sagemaker:VpcSecurityGroupIds",
    "sagemaker:VolumeKmsKeyArn",
    "sagemaker:OutputKmsKeyArn",
    "sagemaker:InterContainerTrafficEncryption",
    "sagemaker:NetworkIsolation",
    "sagemaker:InstanceTypes",
    "sagemaker:MaxRuntimeInSeconds",
];
const FILE_SYSTEM: &[&str] = &[
    "sagemaker:FileSystemId",
    "sagemaker:FileSystemType",
    "sagemaker:FileSystemAccessMode",
    "sagemaker:FileSystemDirectoryPath",
];
const VPC: &[&str] = &["sagemaker:VpcSubnets", "sagemaker:VpcSecurityGroupIds"];
const IMAGES: &[&str] = &[
    "sagemaker:ImageArns",
    "sagemaker:ImageVersionArns",
    "sagemaker:StudioLifecycleConfigArns",
];
const AUTO_ML: &[&str] = &[
    "sagemaker:VolumeKmsKeyArn",
    "sagemaker:OutputKmsKeyArn",
    "sagemaker:InterContainerTrafficEncryption",
];
const NOTEBOOK: &[&str] = &[
    "sagemaker:InstanceTypes",
    "sagemaker:RootAccess",
    "sagemaker:MinimumInstanceMetadataServiceVersion",
    "sagemaker:NotebookInstanceLifecycleConfigArns",
    "sagemaker:AcceleratorTypes",
];
const FEATURES: &[&str] = &[
    "sagemaker:FeatureGroupOnlineStoreKmsKeyArn",
    "sagemaker:FeatureGroupOfflineStoreKmsKeyArn",
    "sagemaker:FeatureGroupEnableOnlineStore",
    "sagemaker:FeatureGroupOfflineStoreS3Uri",
    "sagemaker:FeatureGroupDisableGlueTableCreation",
    "sagemaker:FeatureGroupOfflineStoreConfig",
];
const SPACE: &[&str] = &[
    "sagemaker:InstanceTypes",
    "sagemaker:SpaceSharingType",
    "sagemaker:OwnerUserProfileArn",
];
const USER_PROFILE: &[&str] = &[
    "sagemaker:VpcSecurityGroupIds",
    "sagemaker:InstanceTypes",
    "sagemaker:DomainSharingOutputKmsKeyArn",
];
const PACKAGE: &[&str] = &[
    "sagemaker:ModelApprovalStatus",
    "sagemaker:ModelLifeCycle:Stage",
    "sagemaker:ModelLifeCycle:StageStatus",
    "sagemaker:CustomerMetadataProperties/${MetadataKey}",
];
/// What a version of a model is before the request.
const PACKAGE_BEFORE: &[&str] = &[
    "sagemaker:CurrentCustomerMetadataProperties/${MetadataKey}",
    "sagemaker:CurrentModelLifeCycleStage",
    "sagemaker:CurrentModelLifeCycleStageStatus",
];
const PIPELINE_VERSION: &[&str] = &["sagemaker:PipelineVersionId"];
const SPACE_BEFORE: &[&str] = &["sagemaker:OwnerUserProfileArn", "sagemaker:SpaceSharingType"];

/// An action and the groups of keys it supports.
type Row = (&'static str, &'static [&'static [&'static str]]);

/// Every action that supports keys of SageMaker's own, with those keys, and those that make something and support none.
const ACTIONS: &[Row] = &[
    (
        "sagemaker:CreateNotebookInstance",
        &[
            VPC,
            NOTEBOOK,
            &["sagemaker:VolumeKmsKeyArn", "sagemaker:DirectInternetAccess"],
        ],
    ),
    ("sagemaker:UpdateNotebookInstance", &[NOTEBOOK]),
    (
        "sagemaker:CreateTrainingJob",
        &[
            JOB,
            FILE_SYSTEM,
            &[
                "sagemaker:EnableRemoteDebug",
                "sagemaker:KeepAlivePeriod",
                "sagemaker:DirectGatedModelAccess",
            ],
        ],
    ),
    (
        "sagemaker:UpdateTrainingJob",
        &[&[
            "sagemaker:InstanceTypes",
            "sagemaker:EnableRemoteDebug",
            "sagemaker:KeepAlivePeriod",
        ]],
    ),
    ("sagemaker:CreateHyperParameterTuningJob", &[JOB, FILE_SYSTEM]),
    ("sagemaker:CreateProcessingJob", &[JOB]),
    (
        "sagemaker:CreateTransformJob",
        &[&[
            "sagemaker:VolumeKmsKeyArn",
            "sagemaker:OutputKmsKeyArn",
            "sagemaker:InstanceTypes",
            "sagemaker:ModelArn",
        ]],
    ),
    ("sagemaker:CreateAutoMLJob", &[VPC, AUTO_ML]),
    ("sagemaker:CreateAutoMLJobV2", &[VPC, AUTO_ML]),
    (
        "sagemaker:CreateModel",
        &[VPC, &["sagemaker:NetworkIsolation", "sagemaker:DirectGatedModelAccess"]],
    ),
    (
        "sagemaker:CreateEndpointConfig",
        &[
            VPC,
            &[
                "sagemaker:VolumeKmsKeyArn",
                "sagemaker:NetworkIsolation",
                "sagemaker:InstanceTypes",
                "sagemaker:ModelArn",
                "sagemaker:ServerlessMaxConcurrency",
                "sagemaker:ServerlessMemorySize",
                "sagemaker:AcceleratorTypes",
            ],
        ],
    ),
    ("sagemaker:CreateInferenceComponent", &[&["sagemaker:ModelArn"]]),
    ("sagemaker:CreateMonitoringSchedule", &[JOB]),
    ("sagemaker:UpdateMonitoringSchedule", &[JOB]),
    ("sagemaker:CreateDataQualityJobDefinition", &[JOB]),
    ("sagemaker:CreateModelQualityJobDefinition", &[JOB]),
    ("sagemaker:CreateModelBiasJobDefinition", &[JOB]),
    ("sagemaker:CreateModelExplainabilityJobDefinition", &[JOB]),
    (
        "sagemaker:CreateDomain",
        &[
            VPC,
            IMAGES,
            &[
                "sagemaker:VolumeKmsKeyArn",
                "sagemaker:InstanceTypes",
                "sagemaker:AppNetworkAccessType",
                "sagemaker:AuthMode",
                "sagemaker:DomainSharingOutputKmsKeyArn",
            ],
        ],
    ),
    (
        "sagemaker:UpdateDomain",
        &[
            VPC,
            IMAGES,
            &[
                "sagemaker:InstanceTypes",
                "sagemaker:AppNetworkAccessType",
                "sagemaker:DomainSharingOutputKmsKeyArn",
            ],
        ],
    ),
    ("sagemaker:CreateUserProfile", &[USER_PROFILE, IMAGES]),
    ("sagemaker:UpdateUserProfile", &[USER_PROFILE, IMAGES]),
    ("sagemaker:CreateSpace", &[SPACE, IMAGES, &["sagemaker:RemoteAccess"]]),
    ("sagemaker:UpdateSpace", &[SPACE, IMAGES, &["sagemaker:RemoteAccess"]]),
    ("sagemaker:CreateApp", &[SPACE, IMAGES]),
    ("sagemaker:CreateCluster", &[VPC, &["sagemaker:InstanceTypes"]]),
    ("sagemaker:UpdateCluster", &[VPC, &["sagemaker:InstanceTypes"]]),
    ("sagemaker:CreateJob", &[VPC, &["sagemaker:OutputKmsKeyArn"]]),
    (
        "sagemaker:CreateLabelingJob",
        &[&[
            "sagemaker:VolumeKmsKeyArn",
            "sagemaker:OutputKmsKeyArn",
            "sagemaker:WorkteamArn",
            "sagemaker:WorkteamType",
        ]],
    ),
    ("sagemaker:CreateFeatureGroup", &[FEATURES]),
    ("sagemaker:CreateModelPackage", &[PACKAGE, PACKAGE_BEFORE]),
    (
        "sagemaker:UpdateModelPackage",
        &[
            PACKAGE,
            PACKAGE_BEFORE,
            &["sagemaker:CustomerMetadataPropertiesToRemove"],
        ],
    ),
    ("sagemaker:DescribeModelPackage", &[PACKAGE_BEFORE]),
    ("sagemaker:BatchDescribeModelPackage", &[PACKAGE_BEFORE]),
    ("sagemaker:DeleteModelPackage", &[PACKAGE_BEFORE]),
    ("sagemaker:CreateCompilationJob", &[]),
    ("sagemaker:CreateOptimizationJob", &[]),
    ("sagemaker:CreateInferenceRecommendationsJob", &[]),
    ("sagemaker:CreateInferenceExperiment", &[]),
    ("sagemaker:CreateAIBenchmarkJob", &[]),
    ("sagemaker:CreateTrainingSession", &[]),
    ("sagemaker:CreateWorkforce", &[]),
    ("sagemaker:CreatePipeline", &[]),
    ("sagemaker:AddTags", &[PACKAGE_BEFORE, &["sagemaker:TaggingAction"]]),
    ("sagemaker:DeleteTags", &[PACKAGE_BEFORE]),
    ("sagemaker:ListTags", &[PACKAGE_BEFORE]),
    (
        "sagemaker:CreateFlowDefinition",
        &[&["sagemaker:WorkteamArn", "sagemaker:WorkteamType"]],
    ),
    ("sagemaker:DeleteApp", &[SPACE_BEFORE]),
    ("sagemaker:DeleteSpace", &[SPACE_BEFORE]),
    ("sagemaker:DescribePipeline", &[PIPELINE_VERSION]),
    ("sagemaker:StartPipelineExecution", &[PIPELINE_VERSION]),
    ("sagemaker:UpdatePipelineVersion", &[PIPELINE_VERSION]),
    (
        "sagemaker:PutRecord",
        &[&["sagemaker:IsUpdateRecord", "sagemaker:UpdatableFeatures"]],
    ),
    (
        "sagemaker:Search",
        &[&["sagemaker:SearchVisibilityCondition/${FilterKey}"]],
    ),
    ("sagemaker:CallWithBearerToken", &[&["sagemaker:BearerTokenType"]]),
    ("sagemaker:InvokeEndpoint", &[&["sagemaker:TargetModel"]]),
];

/// Actions that take a VPC, or reach the internet by themselves, and offer no key to demand ours.
pub const WITHOUT_VPC_KEY: &[&str] = &[
    "sagemaker:CreateAIBenchmarkJob",
    "sagemaker:CreateCompilationJob",
    "sagemaker:CreateInferenceRecommendationsJob",
    "sagemaker:CreateLabelingJob",
    "sagemaker:CreateOptimizationJob",
    "sagemaker:CreateTrainingSession",
    "sagemaker:CreateWorkforce",
];

/// Patterns that stand for several actions of the table at once, or for one with a long name; policies have a length.
const PATTERNS: &[&str] = &[
    "sagemaker:CreateAutoMLJob*",
    "sagemaker:Create*JobDef*",
    "sagemaker:CreateInferenceRec*",
    "sagemaker:CreateOptim*",
    "sagemaker:CreateTr*Job",
    "sagemaker:CreateHyper*",
    "sagemaker:CreateMon*",
    "sagemaker:CreateProc*",
    "sagemaker:UpdateMonitoringS*",
];

/// Instance types with local disks, which are encrypted by their hardware; jobs on them refuse a volume key.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html>
pub const LOCAL_DISK_TYPES: &[&str] = &[
    "ml.*d.*", "ml.*dn.*", "ml.g5.*", "ml.g6*", "ml.p4*", "ml.p5*", "ml.p6*", "ml.trn*",
];

/// The actions of the table that support `key`.
pub fn supporting<A, T>(key: &Key<A, T>) -> impl Iterator<Item = &'static str> + use<A, T> {
    let key = key.name().to_owned();
    ACTIONS
        .iter()
        .filter(move |(action, _)| supports(action, &key))
        .map(|(action, _)| *action)
}

/// The SageMaker keys that the action `action` supports.
pub fn keys(action: &str) -> impl Iterator<Item = &'static str> + use<> {
    let row = ACTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(action));
    let groups = row.map(|(_, groups)| *groups).unwrap_or_default();
    groups.iter().flat_map(|keys| keys.iter().copied())
}

/// Whether the action `action` puts the key `key` into the context of a request.
pub fn supports(action: &str, key: &str) -> bool {
    let row = ACTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(action));
    row.is_some_and(|(_, groups)| groups.iter().any(|keys| keys.contains(&key)))
}

/// The actions of the table that the pattern `pattern` stands for.
pub fn matching(pattern: &str) -> impl Iterator<Item = &'static str> {
    let pattern = pattern.to_owned();
    ACTIONS
        .iter()
        .map(|(action, _)| *action)
        .filter(move |action| super::matches(&pattern, action))
}

/// `actions`, written shorter where a pattern stands for some of them and for nothing else in the table.
pub fn brief<'a>(actions: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut left: Vec<&str> = actions.into_iter().collect();
    let mut brief = Vec::new();
    for pattern in PATTERNS {
        let named: Vec<&str> = matching(pattern).collect();
        if named.iter().all(|action| left.contains(action)) {
            left.retain(|action| !named.contains(action));
            brief.push((*pattern).to_owned());
        }
    }
    brief.extend(left.into_iter().map(str::to_owned));
    brief
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_on_the_actions_that_have_it_and_no_other() {
        let with = |key: &str| ACTIONS.iter().filter(|(action, _)| supports(action, key)).count();
        assert_eq!(with("sagemaker:OutputKmsKeyArn"), 14);
        assert_eq!(with("sagemaker:InterContainerTrafficEncryption"), 11);
        assert!(!supporting(&VPC_SUBNETS).any(|action| action == "sagemaker:CreateTransformJob"));
        for action in WITHOUT_VPC_KEY {
            assert!(!supports(action, "sagemaker:VpcSubnets"), "{action}");
        }
    }

    #[test]
    fn what_is_written_shorter_stands_for_the_same() {
        let actions: Vec<&str> = supporting(&OUTPUT_KMS_KEY_ARN).collect();
        let brief = brief(actions.iter().copied());
        assert!(brief.len() < actions.len());
        let mut again: Vec<&str> = brief.iter().flat_map(|pattern| matching(pattern)).collect();
        again.sort_unstable();
        let mut actions = actions;
        actions.sort_unstable();
        assert_eq!(again, actions);
    }
}
