//! What may pass an endpoint: only roles of the project, only to what is the project's or at least the account's.
//! Foreign credentials brought inside do not pass, and neither does anything bound for a foreign account.
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>

use super::services::{EXCEPTIONS, Exception, S3, Service, Set};
use crate::api::VolumeKey;
use crate::blueprint::Project;
use crate::kinds::{Handle, KmsKey};
use crate::policy::{Document, Principal, Statement};

/// Actions that may pass.
pub(super) struct Grant {
    /// The statement's name.
    pub sid: &'static str,
    /// The actions.
    pub actions: &'static [&'static str],
    /// What they may be done to.
    pub on: On,
    /// Who may.
    pub by: &'static [Caller],
    /// Another condition: operator, key, value.
    pub when: Option<(&'static str, &'static str, &'static str)>,
}

/// Whose actions may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Whoever administers the project.
    Admin,
    /// Whoever works in it.
    User,
    /// Code, in notebooks and in the jobs started there.
    Code,
}

/// What actions may be done to.
pub(super) enum On {
    /// Whatever they are about: for actions that name nothing.
    Anything,
    /// Anything of the account.
    Own,
    /// Anything of the account that is one of these types of resource of this service.
    Types(&'static str, &'static [&'static str]),
    /// The project's buckets.
    Buckets,
    /// What the project's buckets hold.
    Objects,
    /// The project's notebooks.
    Notebooks,
    /// The project's keys.
    Keys,
    /// The parameters that the project publishes.
    Parameters,
    /// The project's log groups, and those that SageMaker writes to, which the whole account shares.
    LogGroups,
    /// The project's source repository.
    Repository,
    /// Models that AWS offers; they belong to no account.
    FoundationModels,
}

/// The policy of the endpoint of `service`.
pub(super) fn policy(project: &Project, service: &Service) -> Document {
    let guardrails = &project.spec.guardrails;
    let opted = service.opted.iter();
    let opted = opted.filter(|_| guardrails.allow_actions_without_vpc_key == Some(true));
    let grants = service.grants.iter().chain(opted);
    document(grants.filter_map(|grant| statement(project, grant)))
}

/// The policy of the gateway endpoint of S3.
pub(super) fn s3_policy(project: &Project) -> Document {
    let set = Set::from(project.spec.endpoints.set);
    let exceptions = EXCEPTIONS.iter().filter(|exception| exception.set <= set);
    let exceptions = exceptions.filter_map(|exception| read_only(project, exception));
    document(
        S3.iter()
            .filter_map(|grant| statement(project, grant))
            .chain(exceptions),
    )
}

/// A policy needs a statement: where nothing is allowed, everything is denied.
fn document(statements: impl Iterator<Item = Statement>) -> Document {
    let document = Document::new(statements);
    if document.statements.is_empty() {
        let nothing = Statement::deny("Nothing").principal(Principal::Anyone);
        return Document::new([nothing.actions(["*"]).anywhere()]);
    }
    document
}

/// None when there is nothing that it could be about, or nobody.
fn statement(project: &Project, grant: &Grant) -> Option<Statement> {
    let (resources, roles) = (resources(project, &grant.on), roles(project, grant.by));
    if resources.is_empty() || roles.is_empty() {
        return None;
    }
    let account = || [project.account.id.clone()];
    let statement = Statement::allow(grant.sid)
        .principal(Principal::Anyone)
        .actions(grant.actions.iter().copied())
        .resources(resources)
        // The ARN of a role names its account too.
        .when("ArnEquals", "aws:PrincipalArn", roles);
    let statement = match grant.on {
        // The key is absent where a request is about no resource.
        On::Anything => statement.when("StringEqualsIfExists", "aws:ResourceAccount", account()),
        // ARNs of buckets name no account.
        On::Own | On::Buckets | On::Objects => statement.when("StringEquals", "aws:ResourceAccount", account()),
        _ => statement,
    };
    Some(match grant.when {
        Some((operator, key, value)) => statement.when(operator, key, [value]),
        None => statement,
    })
}

fn read_only(project: &Project, exception: &Exception) -> Option<Statement> {
    let bucket = (exception.bucket)(&project.account.region)?;
    let statement = Statement::allow(exception.sid).principal(Principal::Anyone);
    let objects = project.s3_arn(&format!("{bucket}/*"));
    Some(statement.actions(["s3:GetObject"]).resources([objects]))
}

fn resources(project: &Project, on: &On) -> Vec<String> {
    let buckets = || [project.data_bucket(), project.model_bucket()];
    match on {
        On::Anything | On::Own => vec!["*".to_owned()],
        On::Types(service, types) => {
            let arn = |kind: &&str| project.arn(service, &format!("{kind}/*"));
            types.iter().map(arn).collect()
        }
        On::Buckets => buckets().iter().map(|bucket| project.s3_arn(bucket)).collect(),
        On::Objects => buckets()
            .iter()
            .map(|bucket| project.s3_arn(&format!("{bucket}/*")))
            .collect(),
        On::Notebooks => {
            // SageMaker writes names in lower case in its ARNs.
            let arn = |name: &str| format!("notebook-instance/{}", project.notebook(name).to_lowercase());
            notebooks(project)
                .map(|name| project.arn("sagemaker", &arn(name)))
                .collect()
        }
        On::Keys => keys(project),
        On::Parameters => {
            let arn = |name: &String| project.arn("ssm", &format!("parameter/{name}"));
            parameters(project).iter().map(arn).collect()
        }
        On::LogGroups => {
            let own = project.flow_log_group();
            let groups = [format!("{own}:*"), "/aws/sagemaker/*".to_owned()];
            groups
                .iter()
                .map(|group| project.arn("logs", &format!("log-group:{group}")))
                .collect()
        }
        On::Repository => vec![project.arn("codecommit", &project.named("source"))],
        On::FoundationModels => {
            let account = &project.account;
            vec![format!(
                "arn:{}:bedrock:{}::foundation-model/*",
                account.partition, account.region
            )]
        }
    }
}

fn notebooks(project: &Project) -> impl Iterator<Item = &str> {
    project.spec.notebooks.iter().map(|notebook| notebook.name.as_str())
}

/// The roles of `callers`.
fn roles(project: &Project, callers: &[Caller]) -> Vec<String> {
    let of = |caller: &Caller| match caller {
        Caller::Admin => vec![project.role_arn(&project.admin_role())],
        Caller::User => vec![project.role_arn(&project.user_role())],
        // One by one they would be too many for the policy.
        Caller::Code => notebooks(project)
            .take(1)
            .map(|_| project.notebook_role_arns())
            .collect(),
    };
    callers.iter().flat_map(of).collect()
}

fn keys(project: &Project) -> Vec<String> {
    let own = match project.spec.encryption.notebook_volume_key {
        VolumeKey::Shared => Vec::new(),
        VolumeKey::PerNotebook => notebooks(project).map(|name| format!("notebook-{name}")).collect(),
    };
    let names = std::iter::once("project".to_owned()).chain(own);
    names.map(|name| Handle::<KmsKey>::new(&name).arn()).collect()
}

/// The names of the published design.
fn parameters(project: &Project) -> Vec<String> {
    let ids = ["vpc", "subnet-a", "subnet-b", "subnet-c", "sagemaker-sg", "s3-endpoint"];
    let arns = ["kms-cmk", "user-role", "sc-launch-role"];
    let buckets = ["s3-data-bucket", "s3-model-artifact-bucket"];
    let ids = ids.iter().map(|what| format!("{}-id", project.named(what)));
    let arns = arns.iter().map(|what| format!("{}-arn", project.named(what)));
    ids.chain(arns)
        .chain(buckets.iter().map(|what| project.named(what)))
        .collect()
}
