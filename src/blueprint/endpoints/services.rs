//! The services that a project can have an endpoint of, and what may pass each: data.

use super::policies::{Caller, Grant, On};
use crate::api::EndpointSet;

/// A service with an endpoint.
pub(super) struct Service {
    /// The last part of its name, as in `spec.endpoints.additional`.
    pub short: &'static str,
    /// The form of its full name.
    pub form: Form,
    /// When a project has an endpoint of it.
    pub set: Set,
    /// Whether its public name leads to the endpoint.
    pub private_dns: bool,
    /// What may pass.
    pub grants: &'static [Grant],
    /// What passes too where the guardrails allow actions without a key for the VPC.
    pub opted: &'static [Grant],
}

/// The form of a service's full name.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// `com.amazonaws.<region>.<short>`
    Amazon,
    /// `aws.sagemaker.<region>.<short>`
    SageMaker,
}

/// When a project has an endpoint of a service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Set {
    /// Always.
    Minimal,
    /// With the standard set, where the region offers it.
    Standard,
    /// When the spec names it.
    Additional,
}

impl From<EndpointSet> for Set {
    fn from(set: EndpointSet) -> Self {
        match set {
            EndpointSet::Minimal => Self::Minimal,
            EndpointSet::Standard => Self::Standard,
        }
    }
}

impl Service {
    /// Its name in `region`.
    pub fn name(&self, region: &str) -> String {
        match self.form {
            Form::Amazon => format!("com.amazonaws.{region}.{}", self.short),
            Form::SageMaker => format!("aws.sagemaker.{region}.{}", self.short),
        }
    }

    /// Its name in node keys and names of resources.
    pub fn key(&self) -> String {
        self.short.replace('.', "-")
    }
}

const fn amazon(short: &'static str, set: Set, grants: &'static [Grant]) -> Service {
    Service {
        short,
        form: Form::Amazon,
        set,
        private_dns: true,
        grants,
        opted: &[],
    }
}

const fn sagemaker(short: &'static str, set: Set, grants: &'static [Grant]) -> Service {
    Service {
        form: Form::SageMaker,
        ..amazon(short, set, grants)
    }
}

use Set::{Additional, Minimal, Standard};

/// Every interface endpoint a project can have; that of S3 is a gateway and stands apart.
/// <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>
pub(super) const SERVICES: &[Service] = &[
    Service {
        opted: WITHOUT_VPC_KEY,
        ..amazon("sagemaker.api", Minimal, SAGEMAKER_API)
    },
    amazon("sagemaker.runtime", Minimal, SAGEMAKER_RUNTIME),
    sagemaker("notebook", Minimal, NOTEBOOK),
    amazon("sts", Minimal, STS),
    amazon("logs", Minimal, LOGS),
    amazon("monitoring", Minimal, MONITORING),
    amazon("kms", Minimal, KMS),
    amazon("ssm", Minimal, SSM),
    amazon("ecr.api", Standard, ECR),
    amazon("ecr.dkr", Standard, ECR),
    amazon("ec2", Standard, EC2),
    amazon("codecommit", Standard, CODECOMMIT),
    amazon("git-codecommit", Standard, GIT),
    // The published design turns its private name off: clients are told the endpoint's own.
    Service {
        private_dns: false,
        ..amazon("codeartifact.api", Standard, CODEARTIFACT)
    },
    amazon("codeartifact.repositories", Standard, CODEARTIFACT),
    amazon("secretsmanager", Additional, SECRETS),
    amazon("events", Additional, &[own("Events", &["events:*"])]),
    amazon("sns", Additional, &[own("Topics", &["sns:*"])]),
    amazon("sqs", Additional, &[own("Queues", &["sqs:*"])]),
    amazon("states", Additional, &[own("StateMachines", &["states:*"])]),
    amazon("lambda", Additional, &[own("Functions", &["lambda:*"])]),
    amazon("athena", Additional, &[own("Athena", &["athena:*"])]),
    amazon("glue", Additional, &[own("Glue", &["glue:*"])]),
    amazon(
        "lakeformation",
        Additional,
        &[own("LakeFormation", &["lakeformation:*"])],
    ),
    amazon(
        "elasticfilesystem",
        Additional,
        &[own("FileSystems", &["elasticfilesystem:*"])],
    ),
    amazon("servicecatalog", Additional, &[own("Catalog", &["servicecatalog:*"])]),
    amazon("sagemaker.featurestore-runtime", Additional, FEATURE_STORE),
    amazon(
        "sagemaker.metrics",
        Additional,
        &[only(CODE_AND_ADMIN, own("Metrics", &["sagemaker:BatchPutMetrics"]))],
    ),
    sagemaker(
        "studio",
        Additional,
        &[own("Studio", &["sagemaker:CreatePresignedDomainUrl"])],
    ),
    sagemaker("mlflow", Additional, &[own("Tracking", &["sagemaker-mlflow:*"])]),
    sagemaker(
        "experiments",
        Additional,
        &[own("Experiments", &["sagemaker-mlflow:*"])],
    ),
    sagemaker(
        "partner-app",
        Additional,
        &[own("PartnerApps", &["sagemaker:CallPartnerAppApi"])],
    ),
    amazon("bedrock", Additional, &[own("Bedrock", &["bedrock:*"])]),
    amazon("bedrock-runtime", Additional, BEDROCK_RUNTIME),
    amazon("bedrock-agent", Additional, &[own("Agents", &["bedrock:*"])]),
    amazon("bedrock-agent-runtime", Additional, BEDROCK_AGENT_RUNTIME),
    amazon(
        "bedrock-agentcore",
        Additional,
        &[own("AgentCore", &["bedrock-agentcore:*"])],
    ),
];

const fn grant(sid: &'static str, actions: &'static [&'static str], on: On) -> Grant {
    Grant {
        sid,
        actions,
        on,
        by: EVERYBODY,
        when: None,
    }
}

const EVERYBODY: &[Caller] = &[Caller::Admin, Caller::User, Caller::Code];
const CODE: &[Caller] = &[Caller::Code];
const CODE_AND_ADMIN: &[Caller] = &[Caller::Admin, Caller::Code];

/// Likewise, only for some.
const fn only(by: &'static [Caller], grant: Grant) -> Grant {
    Grant { by, ..grant }
}

/// Actions on whatever is the account's own.
const fn own(sid: &'static str, actions: &'static [&'static str]) -> Grant {
    grant(sid, actions, On::Own)
}

/// Actions that name no resource, or list what the caller may see.
const fn lists(sid: &'static str, actions: &'static [&'static str]) -> Grant {
    grant(sid, actions, On::Anything)
}

/// The gateway endpoint of S3. A version is not deleted by anybody who works in the project.
pub(super) const S3: &[Grant] = &[
    only(
        CODE_AND_ADMIN,
        grant(
            "ProjectBuckets",
            &[
                "s3:GetBucketLocation",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
                "s3:ListBucketVersions",
            ],
            On::Buckets,
        ),
    ),
    only(
        CODE,
        grant(
            "ProjectObjects",
            &[
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:GetObjectAttributes",
                "s3:GetObjectTagging",
                "s3:GetObjectVersion",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
                "s3:PutObjectTagging",
            ],
            On::Objects,
        ),
    ),
];

/// A bucket of AWS's own that may be read, by whomever: AWS signs these requests itself.
pub(super) struct Exception {
    /// The statement's name.
    pub sid: &'static str,
    /// The smallest set that needs it.
    pub set: Set,
    /// The bucket's name in a region, where there is one.
    pub bucket: fn(&str) -> Option<String>,
}

/// Buckets that may be read though they are not the project's.
pub(super) const EXCEPTIONS: &[Exception] = &[
    // Layers of container images. <https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html>
    Exception {
        sid: "ImageLayers",
        set: Standard,
        bucket: |region| Some(format!("prod-{region}-starport-layer-bucket")),
    },
    Exception {
        sid: "PackageAssets",
        set: Standard,
        bucket: |region| {
            let account = ASSET_ACCOUNTS.iter().find(|(of, _)| *of == region)?.1;
            Some(format!("assets-{account}-{region}"))
        },
    },
];

/// Whose bucket holds the assets of CodeArtifact's packages, by region.
/// <https://docs.aws.amazon.com/codeartifact/latest/ug/create-s3-gateway-endpoint.html>
const ASSET_ACCOUNTS: &[(&str, &str)] = &[
    ("ap-northeast-1", "660291247815"),
    ("ap-south-1", "681137435769"),
    ("ap-southeast-1", "421485864821"),
    ("ap-southeast-2", "860415559748"),
    ("eu-central-1", "769407342218"),
    ("eu-north-1", "611884512288"),
    ("eu-south-1", "484130244270"),
    ("eu-west-1", "438097961670"),
    ("eu-west-2", "247805302724"),
    ("eu-west-3", "762466490029"),
    ("us-east-1", "193858265520"),
    ("us-east-2", "250872398865"),
    ("us-west-2", "787052242323"),
];

/// SageMaker's resources that jobs, models and experiments consist of. Notebooks are named one by one; lifecycle
/// configurations and Studio are not for anybody inside. A wildcard in the place of the type matches nothing.
const SAGEMAKER_TYPES: On = On::Types(
    "sagemaker",
    &[
        "action",
        "artifact",
        "automl-job",
        "context",
        "data-quality-job-definition",
        "endpoint",
        "endpoint-config",
        "experiment",
        "experiment-trial",
        "experiment-trial-component",
        "hyper-parameter-tuning-job",
        "model",
        "model-bias-job-definition",
        "model-explainability-job-definition",
        "model-package",
        "model-package-group",
        "model-quality-job-definition",
        "monitoring-schedule",
        "pipeline",
        "processing-job",
        "training-job",
        "transform-job",
    ],
);

const SAGEMAKER_API: &[Grant] = &[
    grant(
        "ProjectNotebooks",
        &[
            "sagemaker:CreatePresignedNotebookInstanceUrl",
            "sagemaker:DescribeNotebookInstance",
            "sagemaker:StartNotebookInstance",
            "sagemaker:StopNotebookInstance",
        ],
        On::Notebooks,
    ),
    grant(
        "JobsAndModels",
        &[
            "sagemaker:*sociateTrialComponent",
            "sagemaker:Add*",
            "sagemaker:BatchDes*",
            "sagemaker:BatchGetM*",
            "sagemaker:Create*JobDefinition",
            "sagemaker:CreateA*ct*",
            "sagemaker:CreateAutoMLJob*",
            "sagemaker:CreateContext",
            "sagemaker:CreateEndpoint*",
            "sagemaker:CreateExperiment",
            "sagemaker:CreateHyper*",
            "sagemaker:CreateModel",
            "sagemaker:CreateModelPackage*",
            "sagemaker:CreateMon*",
            "sagemaker:CreatePipeline",
            "sagemaker:CreateProc*",
            "sagemaker:CreateTr*Job",
            "sagemaker:CreateTrial*",
            "sagemaker:Delete*JobDefinition",
            "sagemaker:DeleteA*ct*",
            "sagemaker:DeleteAss*",
            "sagemaker:DeleteContext",
            "sagemaker:DeleteEndpoint*",
            "sagemaker:DeleteEx*",
            "sagemaker:DeleteModel",
            "sagemaker:DeleteModelPackage",
            "sagemaker:DeleteModelPackageGroup",
            "sagemaker:DeleteMon*",
            "sagemaker:DeletePi*",
            "sagemaker:DeleteT*",
            "sagemaker:Describe*",
            "sagemaker:StartMo*",
            "sagemaker:StartPi*",
            "sagemaker:Stop*",
            "sagemaker:UpdateE*",
            "sagemaker:UpdateModelP*",
            "sagemaker:UpdateMonitoringS*",
            "sagemaker:UpdatePi*",
            "sagemaker:UpdateTri*",
        ],
        SAGEMAKER_TYPES,
    ),
    lists("Lists", &["sagemaker:List*", "sagemaker:Search"]),
];

/// Jobs whose network IAM cannot see, where the project may have them.
const WITHOUT_VPC_KEY: &[Grant] = &[only(
    CODE,
    grant(
        "JobsWithoutVpcKey",
        &[
            "sagemaker:AddTags",
            "sagemaker:CreateAIBenchmarkJob",
            "sagemaker:CreateCompilationJob",
            "sagemaker:CreateInferenceRecommendationsJob",
            "sagemaker:CreateLabelingJob",
            "sagemaker:CreateOptimizationJob",
            "sagemaker:Describe*",
            "sagemaker:Stop*",
        ],
        On::Types(
            "sagemaker",
            &[
                "ai-benchmark-job",
                "compilation-job",
                "inference-recommendations-job",
                "labeling-job",
                "optimization-job",
            ],
        ),
    ),
)];

const SAGEMAKER_RUNTIME: &[Grant] = &[only(
    CODE_AND_ADMIN,
    grant(
        "Endpoints",
        &[
            "sagemaker:InvokeEndpoint",
            "sagemaker:InvokeEndpointAsync",
            "sagemaker:InvokeEndpointWithResponseStream",
        ],
        On::Types("sagemaker", &["endpoint"]),
    ),
)];

/// <https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-interface-endpoint.html>
const NOTEBOOK: &[Grant] = &[only(
    &[Caller::User],
    grant(
        "ProjectNotebooks",
        &["sagemaker:CreatePresignedNotebookInstanceUrl"],
        On::Notebooks,
    ),
)];

/// Nobody who works in the project takes another role; who one is, everybody may ask.
const STS: &[Grant] = &[lists("Self", &["sts:GetCallerIdentity"])];

const LOGS: &[Grant] = &[
    grant(
        "Groups",
        &[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:PutLogEvents",
        ],
        On::LogGroups,
    ),
    lists("Lists", &["logs:DescribeLogGroups"]),
];

const MONITORING: &[Grant] = &[lists(
    "Metrics",
    &[
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:ListMetrics",
        "cloudwatch:PutMetricData",
    ],
)];

const KMS: &[Grant] = &[grant(
    "ProjectKeys",
    &[
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncrypt*",
    ],
    On::Keys,
)];

const SSM: &[Grant] = &[grant(
    "ProjectParameters",
    &["ssm:GetParameter", "ssm:GetParameters"],
    On::Parameters,
)];

/// Pulling only: what is pushed can be read by whoever owns the registry.
const ECR: &[Grant] = &[
    only(
        CODE,
        grant(
            "Pull",
            &[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            On::Types("ecr", &["repository"]),
        ),
    ),
    only(CODE, lists("Token", &["ecr:GetAuthorizationToken"])),
];

const EC2: &[Grant] = &[only(
    CODE_AND_ADMIN,
    lists(
        "Network",
        &[
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcs",
        ],
    ),
)];

const CODECOMMIT: &[Grant] = &[grant(
    "ProjectRepository",
    &[
        "codecommit:BatchGet*",
        "codecommit:CreateBranch",
        "codecommit:CreateCommit",
        "codecommit:CreatePullRequest",
        "codecommit:Get*",
        "codecommit:List*",
        "codecommit:MergePullRequest*",
        "codecommit:PostComment*",
    ],
    On::Repository,
)];

const GIT: &[Grant] = &[grant(
    "ProjectRepository",
    &["codecommit:GitPull", "codecommit:GitPush"],
    On::Repository,
)];

/// Reading only, and the token that reading needs.
const CODEARTIFACT: &[Grant] = &[
    only(
        CODE,
        grant(
            "Read",
            &[
                "codeartifact:GetAuthorizationToken",
                "codeartifact:GetPackage*",
                "codeartifact:GetRepositoryEndpoint",
                "codeartifact:ListPackage*",
                "codeartifact:ReadFromRepository",
            ],
            On::Types("codeartifact", &["domain", "package", "repository"]),
        ),
    ),
    Grant {
        when: Some(("StringEquals", "sts:AWSServiceName", "codeartifact.amazonaws.com")),
        ..only(CODE, lists("Token", &["sts:GetServiceBearerToken"]))
    },
];

const SECRETS: &[Grant] = &[grant(
    "Read",
    &["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
    On::Own,
)];

const FEATURE_STORE: &[Grant] = &[grant(
    "Records",
    &[
        "sagemaker:BatchGetRecord",
        "sagemaker:DeleteRecord",
        "sagemaker:GetRecord",
        "sagemaker:PutRecord",
    ],
    On::Types("sagemaker", &["feature-group"]),
)];

const BEDROCK_RUNTIME: &[Grant] = &[
    own("Own", &["bedrock:*"]),
    grant("Models", &["bedrock:InvokeModel*"], On::FoundationModels),
];

const BEDROCK_AGENT_RUNTIME: &[Grant] = &[
    own("Own", &["bedrock:*"]),
    grant("Models", &["bedrock:InvokeModel*"], On::FoundationModels),
];
