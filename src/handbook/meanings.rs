//! What each statement of a project's policies means, by its name: data. A statement that is added to a policy gets its
//! meaning here; a test finds those that have none, and meanings of what is no longer there.

/// What a statement that allows is for.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// The statement's name.
    pub sid: &'static str,
    /// What it lets people or programs do.
    pub what: &'static str,
}

/// What a statement that denies is for.
#[derive(Clone, Copy, Debug)]
pub struct Denial {
    /// The statement's name.
    pub sid: &'static str,
    /// What it denies.
    pub what: &'static str,
    /// What could happen without it.
    pub why: &'static str,
    /// What to do in its place.
    pub remedy: &'static str,
    /// The setting that it follows; none where it is part of every project.
    pub setting: Option<&'static str>,
}

/// The meaning of the permission `sid`.
pub fn permission(sid: &str) -> Option<&'static Permission> {
    PERMISSIONS.iter().find(|permission| permission.sid == sid)
}

/// The meaning of the denial `sid`.
pub fn denial(sid: &str) -> Option<&'static Denial> {
    DENIALS.iter().find(|denial| denial.sid == sid)
}

const fn may(sid: &'static str, what: &'static str) -> Permission {
    Permission { sid, what }
}

/// Every permission of roles, boundaries and trusts.
pub const PERMISSIONS: &[Permission] = &[
    may(
        "Any",
        "Look at what AWS shows only as a whole: lists, searches, metrics, networks, images",
    ),
    may(
        "Buckets",
        "See what the buckets hold and how they are kept, without reading objects",
    ),
    may(
        "Data",
        "Read and write objects in the project's buckets. Deleting an object leaves its versions; those cannot be deleted",
    ),
    may("Deliver", "Write the VPC's flow logs"),
    may("Git", "Work with the content of the project's Git repository"),
    may(
        "Grant",
        "Let AWS services use the project's keys for volumes of notebooks, jobs and endpoints",
    ),
    may("Groups", "Find the log group"),
    may("Jobs", "Start jobs that keep to the guardrails"),
    may("Key", "Use the project's keys"),
    may(
        "KeyAdmin",
        "Manage the project's keys, without using them or letting others use them",
    ),
    may("Logs", "Work with logs"),
    may(
        "Make",
        "Make jobs, models, endpoints and records, with the project's tags",
    ),
    may("Metrics", "Write metrics of jobs and endpoints"),
    may("Model", "Make models in the project's network"),
    may(
        "Notebook",
        "Make notebooks in the approved shape: in the network, without root and internet, with the project's key and start script",
    ),
    may("Notebooks", "Start, stop and delete notebooks of the project"),
    may("Open", "Open one's own notebook, from inside the project's network"),
    may("Own", "See, use, change and stop what bears the project's tags"),
    may("Parameters", "Read the ids, names and ARNs that the project publishes"),
    may("Pass", "Give SageMaker the roles of the project's notebooks, for jobs"),
    may("Run", "Start and stop one's own notebook"),
    may(
        "Refer",
        "Monitor on a schedule, by job definitions that keep to the guardrails; register versions of models in a group",
    ),
    may("SeeKey", "See that the project's keys are there, and how they are set"),
    may("See", "See what bears the project's tags"),
    may("Tag", "Give what is made the project's tags"),
    may("Token", "Sign in to the package repository"),
    may("Transform", "Transform in batches with models of the project"),
    may(
        "Version",
        "Register versions of models, which have the tags of their group",
    ),
    may(
        "AccountSession",
        "Whoever the account's own policies let take the role, under the name that their session has",
    ),
    may(
        "AccountUser",
        "IAM users whom the account's own policies let take the role, under their own name",
    ),
    may(
        "PersonSession",
        "The sessions of the roles that are named, under the name that they have",
    ),
    may("PersonUser", "The IAM users that are named, under their own name"),
    may(
        "Service",
        "The AWS service that works with the role, for this account only",
    ),
];

const fn never(sid: &'static str, what: &'static str, why: &'static str, remedy: &'static str) -> Denial {
    Denial {
        sid,
        what,
        why,
        remedy,
        setting: None,
    }
}

const fn set(setting: &'static str, denial: Denial) -> Denial {
    Denial {
        setting: Some(setting),
        ..denial
    }
}

const NETWORK: &str = "Give the project's subnets and security group: `VpcConfig` of training, tuning and models, \
    `NetworkConfig.VpcConfig` of processing and monitoring, `SecurityConfig.VpcConfig` of AutoML. The SDK does so by \
    itself in a notebook of the project.";
const UNBOUND: &str = "It would run in a network of SageMaker's, which reaches the internet.";
const FOREIGN: &str = "What runs there is outside of the project's endpoints and their policies.";
const KEY: &str = "Give the ARN of the project's key. The SDK does so by itself in a notebook of the project.";
const UNKEYED: &str = "With another key, access to what is written could not be taken back by the project's key alone.";
const BETWEEN: &str = "Traffic between machines of a job would go unencrypted.";
const BETWEEN_ON: &str = "Turn `EnableInterContainerTrafficEncryption` on, or leave the parameter out of SDK code.";
const ISOLATED: &str = "Code in a container with a network can send what it reads to whatever the network reaches.";
const ISOLATE: &str = "Set `EnableNetworkIsolation`: the container reads and writes through its channels only.";
const OUTPUT: &str = "spec.guardrails.requireOutputKey";
const EVERYWHERE: &str = "spec.guardrails.requireVolumeKeyEverywhere";
const ENCRYPTED: &str = "spec.guardrails.requireEncryptionBetweenInstances";
const ISOLATION: &str = "spec.guardrails.requireNetworkIsolation";
const RUNTIME: &str = "spec.guardrails.maxRuntimeSeconds";
const HEADERS: &str = "Write without encryption headers: the bucket encrypts with the project's key.";
const THROUGH: &str = "Work from a notebook or a job of the project.";

/// Every denial of roles, boundaries, buckets and keys.
pub const DENIALS: &[Denial] = &[
    never(
        "NoSubnet",
        "Jobs, models and notebooks without subnets",
        UNBOUND,
        NETWORK,
    ),
    never(
        "NoGroup",
        "Jobs, models and notebooks without security groups",
        UNBOUND,
        NETWORK,
    ),
    never(
        "ScheduleNoSubnet",
        "Monitoring schedules that describe a job without subnets",
        UNBOUND,
        NETWORK,
    ),
    never(
        "Subnet",
        "Subnets that are not the project's, alone or among others",
        FOREIGN,
        NETWORK,
    ),
    never(
        "Group",
        "Security groups that are not the project's, alone or among others",
        FOREIGN,
        NETWORK,
    ),
    never(
        "VolumeKey",
        "Volumes with another key than the project's, or with none",
        UNKEYED,
        "Give the ARN of the project's key as `VolumeKmsKeyId`; on types with local disks, such as ml.g5, leave it out: \
         their hardware encrypts, and SageMaker takes no key there.",
    ),
    set(
        EVERYWHERE,
        never(
            "OtherVolumeKey",
            "AutoML jobs and endpoint configurations with another volume key, or with none",
            UNKEYED,
            KEY,
        ),
    ),
    set(
        EVERYWHERE,
        never(
            "AutoMlKey",
            "AutoML jobs with another volume key, or with none",
            UNKEYED,
            KEY,
        ),
    ),
    never(
        "FixedTags",
        "Changing the tags that projects, and people within them, are kept apart by",
        "Who can change the tags of a thing can take it over, or give it away.",
        "Use tags of other names; the platform team changes these through the project's declaration.",
    ),
    set(
        OUTPUT,
        never(
            "OutputKey",
            "Jobs that write to S3 without the project's key",
            UNKEYED,
            KEY,
        ),
    ),
    set(
        OUTPUT,
        never(
            "ScheduleOutputKey",
            "Monitoring schedules whose job writes to S3 without the project's key",
            UNKEYED,
            KEY,
        ),
    ),
    set(
        ENCRYPTED,
        never(
            "Between",
            "Jobs that do not encrypt what their machines tell each other",
            BETWEEN,
            BETWEEN_ON,
        ),
    ),
    set(
        ENCRYPTED,
        never(
            "ScheduleBetween",
            "Monitoring schedules whose job does not encrypt what its machines tell each other",
            BETWEEN,
            BETWEEN_ON,
        ),
    ),
    set(
        ISOLATION,
        never(
            "Isolation",
            "Jobs and models whose containers have a network",
            ISOLATED,
            ISOLATE,
        ),
    ),
    set(
        ISOLATION,
        never(
            "NotIsolated",
            "AutoML jobs, which cannot be isolated from the network",
            ISOLATED,
            "Train and tune with jobs that can be isolated.",
        ),
    ),
    set(
        ISOLATION,
        never(
            "ScheduleIsolation",
            "Monitoring schedules whose job's containers have a network",
            ISOLATED,
            ISOLATE,
        ),
    ),
    set(
        "spec.guardrails.allowActionsWithoutVpcKey",
        never(
            "WithoutVpcKey",
            "Compilation, optimization, labeling, inference recommendation and benchmark jobs",
            "IAM cannot see in which network they run, so they could run outside of the project's.",
            "Ask the platform team whether the project may have them.",
        ),
    ),
    set(
        "spec.guardrails.jobInstanceTypes",
        never(
            "JobTypes",
            "Jobs on instance types that are not in the project's list",
            "Unwatched cost, or machines without the protections that the list stands for.",
            "Choose a type of the list.",
        ),
    ),
    set(
        "spec.guardrails.hostingInstanceTypes",
        never(
            "HostingTypes",
            "Hosted models on instance types that are not in the project's list",
            "Unwatched cost, or machines without the protections that the list stands for.",
            "Choose a type of the list.",
        ),
    ),
    set(
        RUNTIME,
        never(
            "Runtime",
            "Jobs that ask for more time than the project allows",
            "A job that nobody looks at costs money, and is a machine that somebody can use.",
            "Ask for less time, and continue from checkpoints.",
        ),
    ),
    set(
        RUNTIME,
        never(
            "NoRuntime",
            "Jobs that do not say how long they may run",
            "AWS would give them a day, which is more than the project allows.",
            "Set `StoppingCondition.MaxRuntimeInSeconds`.",
        ),
    ),
    set(
        "spec.guardrails.allowRemoteDebug",
        never(
            "RemoteDebug",
            "A shell into a running training container",
            "A shell is a way to take data along that leaves no job behind.",
            "Debug in a notebook, in local mode or with logs.",
        ),
    ),
    never(
        "Notebooks",
        "Making and changing notebooks and their start scripts",
        "Start scripts run as root with the notebook's role, and a notebook of another shape could reach the internet.",
        "Ask the platform team: notebooks are part of the project's declaration.",
    ),
    never(
        "OtherNotebooks",
        "Opening, starting, stopping and deleting other notebooks than one's own",
        "Whoever opens a notebook works with its owner's role.",
        "Share work through the Git repository and the buckets.",
    ),
    never(
        "Approval",
        "Approving model packages",
        "Models are to be approved by somebody else than their author.",
        "Register the model as `PendingManualApproval`; an administrator of the project approves it.",
    ),
    never(
        "Elsewhere",
        "Whatever belongs to another account, save images and packages",
        "A bucket or a key of somebody else's is where stolen data goes.",
        "Have the data brought into the project's buckets.",
    ),
    never(
        "OnlyEncryptedConnections",
        "Connections without TLS",
        "What is sent could be read on its way.",
        "Use HTTPS, as every AWS SDK does.",
    ),
    never(
        "OnlyCurrentTls",
        "Connections with TLS older than 1.2",
        "Older versions can be broken.",
        "Use a current SDK.",
    ),
    never(
        "ObjectsOnlyThroughTheEndpoint",
        "Reading and writing objects other than through the project's endpoint",
        "Keys of a role, or a presigned URL, could be used from anywhere.",
        THROUGH,
    ),
    never(
        "BucketOnlyThroughTheEndpoint",
        "Listing the bucket, and changing it, other than through the project's endpoint",
        "Who can change the bucket's settings from outside can open it.",
        "Leave settings to the project's declaration; to list, work from a notebook or a job of the project.",
    ),
    never(
        "OnlyKmsEncryption",
        "Writing objects encrypted other than with KMS",
        UNKEYED,
        HEADERS,
    ),
    never(
        "OnlyTheProjectKey",
        "Writing objects encrypted with another key",
        UNKEYED,
        HEADERS,
    ),
    never(
        "NoKeyOfAws",
        "Asking for KMS and naming no key, which would mean a key of AWS's",
        UNKEYED,
        HEADERS,
    ),
    never(
        "NoKeyOfTheCaller",
        "Writing objects encrypted with a key that the writer keeps",
        "Nobody else could read them, and nobody could see what they are.",
        HEADERS,
    ),
    never(
        "NobodyElseIsGranted",
        "Grants for anybody but an AWS service that the project works with",
        "A grant lets its holder use the key past all policies.",
        "Nothing: volumes of notebooks, jobs and endpoints get their grants by themselves.",
    ),
    never(
        "AdministratorsNeverUse",
        "Reading or writing with the key by administrators",
        "Who manages a key and uses it could read all data and hide it.",
        "Read data with a notebook of the project.",
    ),
    never(
        "OnlyFromInside",
        "Using the key from outside the project's network",
        "Credentials of a role could be used from anywhere.",
        THROUGH,
    ),
];

/// What roles are for, by their node or how its name begins.
const ROLES: &[(&str, &str)] = &[
    (
        "admin",
        "The role of people who administer the project. They host and approve models, stop what runs, manage the keys \
         without using them, and look after everybody's notebooks without opening them.",
    ),
    (
        "user",
        "The role of people who work in the project. They start, open and stop their own notebooks and see what goes on; \
         the work itself is done in notebooks, with the notebook's role.",
    ),
    (
        "notebook-",
        "The role of a notebook, and of the jobs that are started in it. Code in the notebook needs no credentials of its \
         own: it has this role's.",
    ),
    (
        "launch",
        "The role that AWS Service Catalog makes notebooks with, in the approved shape and no other, for people who have \
         no other way to ask for one.",
    ),
    (
        "flow-logs",
        "The role that delivers the VPC's flow logs to their log group.",
    ),
];

/// What the role of the node `node` is for.
pub(super) fn role(node: &str) -> &'static str {
    let role = ROLES
        .iter()
        .find(|(name, _)| node == *name || (name.ends_with('-') && node.starts_with(name)));
    role.map_or("", |(_, purpose)| purpose)
}
