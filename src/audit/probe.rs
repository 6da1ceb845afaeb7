//! Requests that must be refused, or must go through, as data; and how they are judged.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Finding, Outcome, Verdict};
use super::scene::{EVERYBODY, EVERYTHING, Role, Scene};
use crate::kinds::{
    Bucket, IamPolicy, IamRole, Kind, KmsKey, LifecycleConfig, SecurityGroup, Subnet, Vpc, VpcEndpoint,
};
use crate::model::NodeKey;
use crate::policy::evaluate::{self, Decision, Policies, Request, evaluate};
use crate::policy::sagemaker;

/// Another account, which nobody of the environment has to do with.
pub(super) const STRANGERS: &str = "999999999999";

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// A role of the project, by its node.
    Role(String),
    /// Somebody of the account with every right and no boundary.
    AccountAdmin,
    /// Somebody of another account with every right there.
    Stranger,
    /// An AWS service, for an account.
    Service(String, String),
}

impl Who {
    fn name(&self) -> String {
        match self {
            Self::Role(node) => format!("{}/{node}", IamRole::NAME),
            Self::AccountAdmin => "an administrator of the account".to_owned(),
            Self::Stranger => "another account".to_owned(),
            Self::Service(name, _) => name.clone(),
        }
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Resource(NodeKey),
    Other(String),
}

/// From where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// From the project's network, through its endpoint of the service.
    Inside,
    /// From anywhere else.
    Outside,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    who: Who,
    /// The resource whose policy has to decide it, where that is not the role of who asks.
    about: Option<NodeKey>,
    from: From,
    action: String,
    on: String,
    context: BTreeMap<String, Vec<String>>,
    said: String,
    expected: evaluate::Outcome,
    /// Whether it is asked with `AdministratorAccess` too.
    alone: bool,
}

impl Probe {
    /// A request that must be refused.
    pub(super) fn refused(who: Who, action: &str, on: String) -> Self {
        Self {
            who,
            about: None,
            from: From::Inside,
            action: action.to_owned(),
            on,
            context: BTreeMap::new(),
            said: String::new(),
            expected: evaluate::Outcome::Denied,
            alone: true,
        }
    }

    /// A request that must go through.
    pub(super) fn allowed(who: Who, action: &str, on: String) -> Self {
        Self {
            expected: evaluate::Outcome::Allowed,
            alone: false,
            ..Self::refused(who, action, on)
        }
    }

    /// That asks the policy of `node`, whoever asks.
    pub(super) fn about(mut self, node: &NodeKey) -> Self {
        self.about = Some(node.clone());
        self
    }

    /// From outside of the project's network.
    pub(super) fn outside(mut self) -> Self {
        self.from = From::Outside;
        self
    }

    /// Only the role's own policies and those of resources have to refuse it: what the boundary of the role allows some
    /// other role under it may do.
    pub(super) fn not_alone(mut self) -> Self {
        self.alone = false;
        self
    }

    /// With `values` of `key`.
    pub(super) fn with<T: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.context.insert(key.to_owned(), values);
        self
    }

    /// With everything that makes a request in SageMaker one of the project.
    pub(super) fn compliant(mut self, scene: &Scene<'_>) -> Self {
        self.context.extend(compliant(scene, &self.action));
        self
    }

    /// Without `key`.
    pub(super) fn without(mut self, key: &str) -> Self {
        self.context.remove(key);
        self
    }

    /// Whether it is a request for `action`.
    pub(super) fn asks(&self, action: &str) -> bool {
        self.action == action
    }

    /// Whether it says anything of `key`.
    pub(super) fn carries(&self, key: &str) -> bool {
        self.context.contains_key(key)
    }

    /// What is wrong with it, in words.
    pub(super) fn said(mut self, words: impl Into<String>) -> Self {
        self.said = words.into();
        self
    }

    /// On something that bears the tags of `project`.
    pub(super) fn tagged(self, scene: &Scene<'_>, project: &str) -> Self {
        let environment = scene.project.environment.as_str();
        self.with("aws:ResourceTag/ProjectName", [project])
            .with("aws:ResourceTag/EnvironmentType", [environment])
    }

    fn describe(&self) -> String {
        let said = if self.said.is_empty() {
            String::new()
        } else {
            format!(" {}", self.said)
        };
        let by = self.about.as_ref().map(|_| format!(" by {}", self.who.name()));
        let from = match self.from {
            From::Inside => "",
            From::Outside => " from outside",
        };
        format!("{}{said}{}{from}", self.action, by.unwrap_or_default())
    }

    /// What the finding is about: the resource, or who asks.
    fn subject(&self) -> Subject {
        match (&self.about, &self.who) {
            (Some(node), _) => Subject::Resource(node.clone()),
            (None, Who::Role(node)) => Subject::Resource(NodeKey::new(IamRole::NAME, node)),
            (None, who) => Subject::Other(who.name()),
        }
    }

    fn request(&self, scene: &Scene<'_>) -> Request {
        let account = &scene.project.account;
        let (principal, caller) = self.caller(scene);
        let owner = self
            .on
            .split(':')
            .nth(4)
            .filter(|owner| owner.len() == 12)
            .unwrap_or(&account.id);
        let mut request = Request::new(&principal, &self.action, &self.on, owner);
        if self.on != "*" {
            request = request.with("aws:ResourceAccount", [owner]);
        }
        for (key, value) in caller {
            request = request.with(key, [value]);
        }
        let pairs = [("aws:SecureTransport", "true"), ("aws:ViaAWSService", "false")];
        for (key, value) in pairs {
            request = request.with(key, [value]);
        }
        if self.action.starts_with("s3:") {
            request = request.with("s3:TlsVersion", ["1.3"]);
        }
        if self.from == From::Inside {
            request = request.with("aws:SourceVpc", [scene.output(Vpc::NAME, "main", "id")]);
            if let Some((id, _)) = scene.endpoint(&self.action) {
                request = request.with("aws:SourceVpce", [id]);
            }
        }
        for (key, values) in &self.context {
            request = request.with(key, values.iter().map(String::as_str));
        }
        request
    }

    /// The principal, and what requests say of it.
    fn caller(&self, scene: &Scene<'_>) -> (String, Vec<(&'static str, String)>) {
        let account = &scene.project.account;
        let person = |account_id: &str, role: &str, arn: String, session: &str| {
            let principal = format!(
                "arn:{}:sts::{account_id}:assumed-role/{role}/{session}",
                account.partition
            );
            let context = vec![
                ("aws:PrincipalArn", arn),
                ("aws:PrincipalAccount", account_id.to_owned()),
                ("aws:PrincipalIsAWSService", "false".to_owned()),
                ("aws:userid", format!("AROAEXAMPLE:{session}")),
                ("aws:PrincipalTag/Name", role.to_owned()),
            ];
            (principal, context)
        };
        match &self.who {
            Who::Role(node) => {
                let arn = scene.output(IamRole::NAME, node, "arn");
                let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
                let session = if node.starts_with("notebook-") {
                    "SageMaker"
                } else {
                    "auditor"
                };
                person(&account.id, &name, arn, session)
            }
            Who::AccountAdmin => person(&account.id, "somebody", scene.project.role_arn("somebody"), "auditor"),
            Who::Stranger => {
                let arn = format!("arn:{}:iam::{STRANGERS}:role/somebody", account.partition);
                person(STRANGERS, "somebody", arn, "stranger")
            }
            Who::Service(name, source) => {
                let context = vec![
                    ("aws:PrincipalIsAWSService", "true".to_owned()),
                    ("aws:SourceAccount", source.clone()),
                ];
                (name.clone(), context)
            }
        }
    }

    fn ask(&self, request: &Request, scene: &Scene<'_>, administrator: bool) -> Decision {
        let role = match &self.who {
            Who::Role(node) => scene.roles.get(node),
            _ => None,
        };
        let identity = match (&self.who, role) {
            (Who::Service(..), _) => Vec::new(),
            (_, Some(role)) if !administrator => own(role),
            _ => vec![&*EVERYTHING],
        };
        let of_strangers = request.account == STRANGERS;
        let endpoint = scene.endpoint(&self.action).filter(|_| self.from == From::Inside);
        let policies = Policies {
            identity,
            boundary: role.and_then(|role| role.boundary.as_ref()),
            // What strangers lay out lets everybody in.
            resource: if of_strangers {
                Some(&EVERYBODY)
            } else {
                scene.resource_policy(&self.action, &self.on)
            },
            endpoint: endpoint.map(|(_, policy)| policy),
        };
        evaluate(request, &policies)
    }
}

/// The role's own policies. Of a managed one that somebody attached nobody here knows what it says: it may allow anything.
fn own(role: &Role) -> Vec<&crate::policy::Document> {
    let attached = (!role.attributes.attached.is_empty()).then_some(&*EVERYTHING);
    role.attributes.inline.values().chain(attached).collect()
}

/// What makes `action` one of the project's, of the keys that it carries.
fn compliant(scene: &Scene<'_>, action: &str) -> BTreeMap<String, Vec<String>> {
    let key = || vec![scene.output(KmsKey::NAME, "project", "arn")];
    let one = |text: &str| vec![text.to_owned()];
    let mut context = BTreeMap::new();
    for name in sagemaker::keys(action) {
        let values: Vec<String> = match name {
            "sagemaker:VpcSubnets" => scene.subnets(),
            "sagemaker:VpcSecurityGroupIds" => vec![scene.output(SecurityGroup::NAME, "sagemaker", "id")],
            "sagemaker:VolumeKmsKeyArn" | "sagemaker:OutputKmsKeyArn" => key(),
            "sagemaker:InterContainerTrafficEncryption" => one("true"),
            "sagemaker:NetworkIsolation" => one(if scene.settings.isolation { "true" } else { "false" }),
            "sagemaker:InstanceTypes" => vec![instance_type(scene, action)],
            "sagemaker:MaxRuntimeInSeconds" => one("60"),
            "sagemaker:DirectInternetAccess" | "sagemaker:RootAccess" => one("Disabled"),
            "sagemaker:MinimumInstanceMetadataServiceVersion" => one("2"),
            "sagemaker:NotebookInstanceLifecycleConfigArns" => {
                let name = scene.output(LifecycleConfig::NAME, "notebook", "id").to_lowercase();
                vec![
                    scene
                        .project
                        .arn("sagemaker", &format!("notebook-instance-lifecycle-config/{name}")),
                ]
            }
            "sagemaker:ModelApprovalStatus" => one("PendingManualApproval"),
            _ => continue,
        };
        context.insert(name.to_owned(), values);
    }
    let tags = [
        ("ProjectName", scene.project.name.as_str()),
        ("EnvironmentType", scene.project.environment.as_str()),
    ];
    for (tag, value) in tags {
        context.insert(format!("aws:RequestTag/{tag}"), one(value));
    }
    context.insert("aws:TagKeys".to_owned(), tags.map(|(tag, _)| tag.to_owned()).into());
    context
}

fn instance_type(scene: &Scene<'_>, action: &str) -> String {
    let settings = &scene.settings;
    let allowed = match action {
        "sagemaker:CreateNotebookInstance" => &settings.notebook_types,
        "sagemaker:CreateEndpointConfig" => &settings.hosting_types,
        _ => &settings.job_types,
    };
    let first = allowed.first().map_or("ml.m5.xlarge", String::as_str);
    first.replace('*', "xlarge")
}

/// The kinds whose attributes decide what becomes of a request, or make it what it is.
const ASKED: &[&str] = &[
    Bucket::NAME,
    IamPolicy::NAME,
    IamRole::NAME,
    KmsKey::NAME,
    LifecycleConfig::NAME,
    SecurityGroup::NAME,
    Subnet::NAME,
    Vpc::NAME,
    VpcEndpoint::NAME,
];

/// How many requests a finding names that were judged otherwise than they should be.
const SHOWN: usize = 4;

/// Asks every one of `probes` and tells, of each who asks, whether all is as it must be.
pub(super) fn judge(scene: &Scene<'_>, probes: impl IntoIterator<Item = Probe>) -> Outcome {
    if let Some(unread) = scene.unread(ASKED) {
        return Outcome::Found(vec![unread]);
    }
    let mut probes = probes.into_iter().peekable();
    if probes.peek().is_none() {
        return Outcome::NotApplicable("the project declares no notebook");
    }
    let mut tallies: BTreeMap<Subject, Tally> = BTreeMap::new();
    for probe in probes {
        let tally = tallies.entry(probe.subject()).or_default();
        if matches!(&probe.who, Who::Role(node) if !scene.roles.contains_key(node)) {
            // Who is gone asks for nothing; that it is gone is said where it is about the role itself.
            tally.gone |= probe.about.is_none();
            continue;
        }
        let request = probe.request(scene);
        tally.add(&probe, &probe.ask(&request, scene, false), "");
        if probe.alone && matches!(probe.who, Who::Role(_)) {
            tally.add(
                &probe,
                &probe.ask(&request, scene, true),
                " with AdministratorAccess attached",
            );
        }
    }
    let findings = tallies
        .into_iter()
        .map(|(subject, tally)| tally.finding(scene, &subject));
    Outcome::Found(findings.collect())
}

#[derive(Default)]
struct Tally {
    gone: bool,
    asked: usize,
    statements: BTreeSet<String>,
    silent: usize,
    wrong: Vec<String>,
    unknown: Vec<String>,
}

impl Tally {
    fn add(&mut self, probe: &Probe, decision: &Decision, how: &str) {
        self.asked += 1;
        let what = || format!("{}{how}", probe.describe());
        if decision.outcome == evaluate::Outcome::Unknown {
            let why: Vec<&str> = decision.unknown().collect();
            self.unknown.push(format!("{}: {}", what(), why.join(", ")));
        } else if decision.outcome != probe.expected {
            let why: Vec<&str> = match decision.outcome {
                evaluate::Outcome::Allowed => decision.permissions().collect(),
                _ => decision.denials().collect(),
            };
            self.wrong.push(format!("{} ({})", what(), why.join(", ")));
        } else if probe.expected == evaluate::Outcome::Denied {
            let mut denials = decision.denials().peekable();
            if denials.peek().is_none() {
                self.silent += 1;
            }
            self.statements.extend(denials.map(str::to_owned));
        } else {
            self.statements.extend(decision.permissions().map(str::to_owned));
        }
    }

    fn finding(self, scene: &Scene<'_>, subject: &Subject) -> Finding {
        let (resource, id) = match subject {
            Subject::Resource(node) => (node.to_string(), scene.id(node)),
            Subject::Other(name) => (name.clone(), None),
        };
        let several = |lines: &[String]| {
            let shown: Vec<&str> = lines.iter().take(SHOWN).map(String::as_str).collect();
            let more = lines.len().saturating_sub(SHOWN);
            let more = if more > 0 {
                format!("; and {more} more")
            } else {
                String::new()
            };
            format!("{}{more}", shown.join("; "))
        };
        let (verdict, evidence) = if self.gone {
            (Verdict::Fail, "it is gone".to_owned())
        } else if !self.wrong.is_empty() {
            let evidence = format!(
                "{} of {} requests decided wrongly: {}",
                self.wrong.len(),
                self.asked,
                several(&self.wrong)
            );
            (Verdict::Fail, evidence)
        } else if !self.unknown.is_empty() {
            (Verdict::Unknown, format!("not understood: {}", several(&self.unknown)))
        } else {
            let statements: Vec<String> = self.statements.iter().map(|sid| format!("`{sid}`")).collect();
            let silent = (self.silent > 0).then(|| format!("{} because nothing allows them", self.silent));
            let by = (!statements.is_empty()).then(|| statements.join(", "));
            let how: Vec<String> = by.into_iter().chain(silent).collect();
            (
                Verdict::Pass,
                format!("{} requests decided as they must be: {}", self.asked, how.join("; ")),
            )
        };
        Finding {
            resource,
            id,
            verdict,
            evidence,
        }
    }
}
