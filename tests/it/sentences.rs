//! What an operator reads when something is the matter: every situation that can be brought about, and the sentence that the
//! condition shows then. The sentences are kept in `sentences.txt`, to be read as their reader does: what happened, to which
//! object, what to do. `UPDATE=1` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use secureml::api::{DeletionPolicies, DeletionPolicy, DriftMode, SecureMLProject, SecureMLProjectStatus};
use secureml::audit::audit;
use secureml::blueprint::{Blueprint, Project};
use secureml::controller::{Hold, broken_controls, removal, status};
use secureml::engine::{Entry, Failure, Outcome, Report};
use secureml::model::NodeKey;
use secureml::plan::{Action, Expected, Goal, Object, Plan, World, plan, render};
use secureml_rig::proxy::{Request, RuleHandle};
use secureml_rig::{Fault, Rule};
use serde_json::{Value, json};

use crate::environment::{Environment, FULL, parse};
use crate::generated::current;

/// How many situations there are at least.
const AT_LEAST: usize = 40;
/// After so many passes, whatever was to fail has failed.
const PASSES: usize = 40;

/// Situations, and what is said of each.
#[derive(Default)]
struct Told(Vec<(String, String)>);

impl Told {
    /// What the conditions of `status` say in `situation`.
    fn conditions(&mut self, situation: &str, status: &SecureMLProjectStatus) {
        let condition = |type_: &str| status.conditions.iter().find(|condition| condition.type_ == type_);
        let holds = |type_: &str| condition(type_).is_some_and(|condition| condition.status == "True");
        let Some(ready) = condition("Ready") else { return };
        let also: Vec<&str> = ["Reconciling", "Stalled"]
            .into_iter()
            .filter(|type_| holds(type_))
            .collect();
        self.0.push((
            situation.to_owned(),
            format!(
                "Ready={} {} {}\n  {}",
                ready.status,
                ready.reason,
                also.join(" "),
                ready.message
            ),
        ));
    }

    /// What differs from run to run, in its general form.
    fn text(&self) -> Result<String> {
        let forms = [
            (r"\b(vpc|subnet|sg|rtb|vpce|fl|igw|eni|acl)-[0-9a-f]{8,17}\b", "$1-…"),
            (r"\bkey/[0-9a-f-]{36}\b", "key/…"),
            (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "…"),
            (r"127\.0\.0\.1:\d+", "127.0.0.1:…"),
            (r" +\n", "\n"),
        ];
        let mut text = String::from(
            "# What an operator reads, situation by situation. Written by tests/it/sentences.rs with UPDATE=1.\n",
        );
        for (situation, said) in &self.0 {
            text += &format!("\n{situation}:\n  {said}\n");
        }
        for (pattern, general) in forms {
            text = Regex::new(pattern)?.replace_all(&text, general).into_owned();
        }
        Ok(text)
    }
}

/// A call that fails while a resource is made.
struct Refusal {
    situation: &'static str,
    node: &'static str,
    call: &'static str,
    fault: Fault,
}

impl Refusal {
    /// The call that makes the resource, which names it; the same call for others goes well.
    fn rule(&self, blueprint: &Blueprint) -> Result<Rule> {
        let node = blueprint
            .nodes
            .get(&self.node.parse()?)
            .with_context(|| format!("no {}", self.node))?;
        let (call, name) = (self.call, node.name.clone());
        let names = move |request: &Request| {
            request.name() == call && (request.text().contains(&name) || request.head.uri.path().contains(&name))
        };
        Ok(Rule::when(names, self.fault.clone()))
    }
}

fn refusals() -> Vec<Refusal> {
    let refusal = |situation, node, call, fault| Refusal {
        situation,
        node,
        call,
        fault,
    };
    let error = Fault::error;
    vec![
        refusal(
            "a quota is used up",
            "Vpc/main",
            "ec2:CreateVpc",
            error(400, "VpcLimitExceeded", "The maximum number of VPCs has been reached."),
        ),
        refusal("AWS throttles", "Vpc/main", "ec2:CreateVpc", Fault::Throttle),
        refusal(
            "the role lacks a permission",
            "Vpc/main",
            "ec2:CreateVpc",
            Fault::AccessDenied,
        ),
        refusal(
            "a policy of the organisation denies",
            "Vpc/main",
            "ec2:CreateVpc",
            error(
                403,
                "UnauthorizedOperation",
                "You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/secureml/x is not \
                 authorized to perform: ec2:CreateVpc on resource: arn:aws:ec2:us-east-1:123456789012:vpc/* with an explicit deny in a \
                 service control policy. Encoded authorization failure message: 6nPi0zxS2wYzvVDhvIoMLRqMJvvRbHcXmTwzXeDRXBRv7",
            ),
        ),
        refusal(
            "the credentials have expired",
            "Vpc/main",
            "ec2:CreateVpc",
            Fault::ExpiredToken,
        ),
        refusal(
            "AWS does not accept the credentials",
            "Vpc/main",
            "ec2:CreateVpc",
            error(
                401,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ),
        ),
        refusal(
            "AWS has a fault",
            "Vpc/main",
            "ec2:CreateVpc",
            error(500, "InternalError", "An internal error has occurred"),
        ),
        refusal(
            "AWS answers with a code that is not known",
            "Vpc/main",
            "ec2:CreateVpc",
            error(400, "SomethingNew", "The moon is in the wrong house."),
        ),
        refusal(
            "the region is not enabled for the account",
            "Vpc/main",
            "ec2:CreateVpc",
            error(401, "OptInRequired", "You are not subscribed to this service."),
        ),
        refusal(
            "the connection breaks before AWS sees the call",
            "Vpc/main",
            "ec2:CreateVpc",
            Fault::ResetBefore,
        ),
        refusal(
            "the answer comes broken",
            "IamPolicy/boundary",
            "iam:CreatePolicy",
            Fault::Malformed,
        ),
        refusal(
            "the policies of the account are all used up",
            "IamPolicy/boundary-admin",
            "iam:CreatePolicy",
            error(
                409,
                "LimitExceeded",
                "Cannot exceed quota for PoliciesPerAccount: 1500.",
            ),
        ),
        refusal(
            "somebody has a policy of that name",
            "IamPolicy/boundary-access",
            "iam:CreatePolicy",
            error(
                409,
                "EntityAlreadyExists",
                "A policy called ds-boundary-access-churn-dev already exists. Duplicate names are not allowed.",
            ),
        ),
        refusal(
            "a policy is not taken",
            "IamPolicy/boundary-launch",
            "iam:CreatePolicy",
            error(400, "MalformedPolicyDocument", "Syntax errors in policy."),
        ),
        refusal(
            "a role is not known everywhere yet",
            "KmsKey/project",
            "kms:CreateKey",
            error(
                400,
                "MalformedPolicyDocumentException",
                "Policy contains a statement with one or more invalid principals.",
            ),
        ),
        refusal(
            "no key may be made",
            "KmsKey/project",
            "kms:CreateKey",
            Fault::AccessDenied,
        ),
        refusal(
            "the bucket's name is somebody else's",
            "Bucket/data",
            "s3:CreateBucket",
            error(
                409,
                "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by all users of the system.",
            ),
        ),
        refusal(
            "the account has all the buckets that it may have",
            "Bucket/model",
            "s3:CreateBucket",
            error(
                400,
                "TooManyBuckets",
                "You have attempted to create more buckets than allowed",
            ),
        ),
        refusal(
            "the account has all the roles that it may have",
            "IamRole/user",
            "iam:CreateRole",
            error(409, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000."),
        ),
        refusal(
            "a log group of that name is there",
            "LogGroup/vpc-flow-logs",
            "logs:CreateLogGroup",
            error(
                400,
                "ResourceAlreadyExistsException",
                "The specified log group already exists",
            ),
        ),
        refusal(
            "a resource group is not taken",
            "ResourceGroup/project",
            "resource-groups:CreateGroup",
            error(
                400,
                "BadRequestException",
                "Query not valid: unsupported resource type.",
            ),
        ),
        refusal(
            "a subnet does not fit",
            "Subnet/a",
            "ec2:CreateSubnet",
            error(
                400,
                "InvalidSubnet.Conflict",
                "The CIDR '10.2.1.0/24' conflicts with another subnet",
            ),
        ),
        refusal(
            "the account has all the endpoints that it may have",
            "VpcEndpoint/sts",
            "ec2:CreateVpcEndpoint",
            error(
                400,
                "VpcEndpointLimitExceeded",
                "The maximum number of VPC endpoints has been reached.",
            ),
        ),
        refusal(
            "parameters are throttled",
            "Parameter/vpc-id",
            "ssm:PutParameter",
            Fault::Throttle,
        ),
        refusal(
            "a notebook's machine is none of the account's",
            "Notebook/ana",
            "sagemaker:CreateNotebookInstance",
            error(
                400,
                "ResourceLimitExceeded",
                "The account-level service limit 'ml.t3.medium for notebook instance usage' is 0 Instances, with current utilization of 0 \
                 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota.",
            ),
        ),
        refusal(
            "a notebook's role may not be passed",
            "Notebook/ana",
            "sagemaker:CreateNotebookInstance",
            error(
                400,
                "AccessDeniedException",
                "User: arn:aws:sts::123456789012:assumed-role/secureml/x is not authorized to perform: iam:PassRole on resource: \
                 arn:aws:iam::123456789012:role/service-role/ds-notebook-role-churn-dev-ana because no identity-based policy allows the \
                 iam:PassRole action",
            ),
        ),
        refusal(
            "a notebook's settings are not taken",
            "Notebook/bo",
            "sagemaker:CreateNotebookInstance",
            error(
                400,
                "ValidationException",
                "1 validation error detected: Value 'ml.t3.medium' at 'instanceType' failed to satisfy constraint.",
            ),
        ),
    ]
}

fn object(manifest: &str) -> Result<SecureMLProject> {
    let mut object = parse(manifest)?;
    object.metadata.generation = Some(1);
    Ok(object)
}

/// What is said of a pass.
fn after(
    object: &SecureMLProject,
    blueprint: &Blueprint,
    plan: &Plan,
    report: Option<&Report>,
) -> SecureMLProjectStatus {
    let latest = SecureMLProjectStatus::default();
    let hold = Hold::of(object, &latest, None);
    status::after_pass(object, latest, blueprint, plan, report, hold.as_ref())
}

/// Of `report`, what became of `node`.
fn only(report: &Report, node: &NodeKey) -> Report {
    let mut report = report.clone();
    report.entries.retain(|key, _| key == node);
    report
}

#[tokio::test]
async fn the_sentences_are_current_and_each_can_be_acted_on() -> Result<()> {
    let mut told = Told::default();
    let mut environment = Environment::new(FULL).await?;
    while_it_is_made(&mut environment, &mut told).await?;
    environment.restart();
    environment.settle(Goal::Present).await.context("creation")?;
    while_it_cannot_be_read(&mut environment, &mut told).await?;
    what_needs_a_decision(&mut environment, &mut told).await?;
    what_is_open(&mut environment, &mut told).await?;
    what_cannot_be_built(&environment, &mut told)?;
    while_it_goes(&mut environment, &mut told).await?;
    let situations: BTreeSet<&String> = told.0.iter().map(|(situation, _)| situation).collect();
    ensure!(
        situations.len() == told.0.len() && situations.len() >= AT_LEAST,
        "{} situations",
        situations.len()
    );
    for (situation, said) in &told.0 {
        ensure!(!said.contains("..") && !said.contains(".;"), "{situation}: {said}");
    }
    current([Ok(("tests/it/sentences.txt".to_owned(), told.text()?))])
}

/// Each call fails once, one after the other of each resource.
async fn while_it_is_made(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let object = object(FULL)?;
    let mut found: BTreeMap<usize, SecureMLProjectStatus> = BTreeMap::new();
    let refusals = refusals();
    for _ in 0..PASSES {
        let mut busy = BTreeSet::new();
        let open = refusals
            .iter()
            .enumerate()
            .filter(|(number, _)| !found.contains_key(number));
        let due: Vec<(usize, &Refusal)> = open.filter(|(_, refusal)| busy.insert(refusal.node)).collect();
        if due.is_empty() {
            break;
        }
        let rules: Vec<_> = due
            .iter()
            .map(|(_, refusal)| refusal.rule(environment.blueprint()))
            .collect::<Result<_>>()?;
        let rules: Vec<_> = rules.into_iter().map(|rule| environment.rig.proxy.add(rule)).collect();
        environment.restart();
        let (_, plan, report) = environment.attempt(Goal::Present).await?;
        for (number, refusal) in due {
            let node = refusal.node.parse()?;
            if report.failures().any(|(failed, _)| *failed == node) {
                found.insert(
                    number,
                    after(&object, environment.blueprint(), &plan, Some(&only(&report, &node))),
                );
            }
        }
        rules.iter().for_each(RuleHandle::remove);
    }
    for (number, refusal) in refusals.iter().enumerate() {
        let status = found
            .get(&number)
            .with_context(|| format!("did not come about: {}", refusal.situation))?;
        told.conditions(&format!("while it is made, {}", refusal.situation), status);
    }
    Ok(())
}

async fn while_it_cannot_be_read(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let object = object(FULL)?;
    let cases = [
        ("VPCs may not be listed", "ec2:DescribeVpcs", Fault::AccessDenied),
        ("listing roles is throttled", "iam:ListRoles", Fault::Throttle),
        (
            "a key's policy may not be read",
            "kms:GetKeyPolicy",
            Fault::AccessDenied,
        ),
        (
            "a bucket's policy may not be read",
            "s3:GetBucketPolicy",
            Fault::AccessDenied,
        ),
        ("subnets come broken", "ec2:DescribeSubnets", Fault::Malformed),
        (
            "SageMaker has a fault",
            "sagemaker:ListNotebookInstances",
            Fault::error(
                500,
                "InternalFailure",
                "The request processing has failed because of an unknown error",
            ),
        ),
        ("nobody answers", "ssm:*", Fault::ResetBefore),
        (
            "the credentials have expired",
            "logs:DescribeLogGroups",
            Fault::ExpiredToken,
        ),
    ];
    for (situation, call, fault) in cases {
        let rule = environment.rig.proxy.add(Rule::on(call, fault));
        environment.restart();
        let (_, plan, report) = environment.attempt(Goal::Present).await?;
        rule.remove();
        told.conditions(
            &format!("{situation} ({call})"),
            &after(&object, environment.blueprint(), &plan, Some(&report)),
        );
    }
    environment.restart();
    Ok(())
}

/// AWS as it is, with a change.
fn changed(world: &World, node: &str, change: impl FnOnce(&mut Vec<Object>)) -> Result<World> {
    let mut world = world.clone();
    let objects = world
        .owned
        .get_mut(&node.parse()?)
        .with_context(|| format!("no {node}"))?;
    change(objects);
    Ok(world)
}

fn attribute(world: &World, node: &str, name: &str, value: Value) -> Result<World> {
    changed(world, node, |objects| objects[0].attributes[name] = value)
}

async fn what_needs_a_decision(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let strict = FULL.replace("    updatePolicy: Immediate\n    replacePolicy: LoseVolume\n", "");
    environment.declare(parse(&strict)?.spec).await?;
    let object = object(&strict)?;
    let mut observed = object.clone();
    observed.spec.drift.mode = DriftMode::Observe;
    let (world, _) = environment.look(Goal::Present).await?;
    let blueprint = environment.blueprint().clone();
    let mut say = |situation: &str, object: &SecureMLProject, world: &World| -> Result<()> {
        let plan = plan(&blueprint, world, Goal::Present)?;
        told.conditions(situation, &after(object, &blueprint, &plan, None));
        Ok(())
    };
    say("everything is as declared", &object, &world)?;
    let other = attribute(&world, "Notebook/ana", "instanceType", json!("ml.m5.xlarge"))?;
    say("a notebook in use has another machine", &object, &other)?;
    let larger = attribute(&world, "Notebook/ana", "volumeSizeGib", json!(50))?;
    say("a notebook's volume is to shrink", &object, &larger)?;
    let other = attribute(&world, "Subnet/a", "cidrBlock", json!("10.2.9.0/24"))?;
    say("a subnet has other addresses", &object, &other)?;
    let open = attribute(
        &world,
        "Vpc/main",
        "gateways",
        json!([{"type": "internet", "id": "igw-0123456789abcdef0"}]),
    )?;
    say(
        "a gateway hangs on the VPC, and drift is only observed",
        &observed,
        &open,
    )?;
    let untagged = changed(&world, "SecurityGroup/sagemaker", |objects| {
        objects[0].tags = objects[0]
            .tags
            .iter()
            .filter(|(key, _)| *key != "ProjectName")
            .collect();
    })?;
    say("a tag is gone, and drift is only observed", &observed, &untagged)?;
    let mut gone = world.clone();
    gone.owned.remove(&"LogGroup/vpc-flow-logs".parse()?);
    gone.taken.remove("LogGroup");
    say("a log group is gone, and drift is only observed", &observed, &gone)?;

    let mut taken = world.clone();
    let bucket = &blueprint.nodes[&"Bucket/data".parse::<NodeKey>()?];
    taken.owned.remove(&bucket.key);
    for (situation, owner) in [
        ("a bucket of that name is nobody's", None),
        (
            "a bucket of that name is another project's",
            Some("prod/team/churn".parse()?),
        ),
    ] {
        let names = BTreeMap::from([(bucket.name.clone(), owner)]);
        taken.taken.insert("Bucket".to_owned(), names.into());
        say(situation, &object, &taken)?;
    }
    let twice = changed(&world, "Vpc/main", |objects| {
        let mut other = objects[0].clone();
        other.id = "vpc-0fedcba9876543210".to_owned();
        other.outputs.insert("id".to_owned(), other.id.clone());
        objects.push(other);
    })?;
    let both = attribute(&twice, "Subnet/b", "vpc", json!("vpc-0fedcba9876543210"))?;
    say("there are two VPCs, and both are used", &object, &both)?;
    say("there are two VPCs, one of which nothing uses", &observed, &twice)?;

    let mut unclear = world.clone();
    let log_group: NodeKey = "LogGroup/vpc-flow-logs".parse()?;
    unclear.owned.remove(&log_group);
    unclear.uncertain.insert(log_group.clone());
    say("a creation got no answer", &object, &unclear)?;
    unclear.uncertain.clear();
    let expected = Expected {
        outputs: BTreeMap::new(),
        done: false,
    };
    unclear.expected.insert(log_group, expected);
    say("what was just made is not listed yet", &object, &unclear)?;

    let busy = environment.blueprint().clone();
    let plan = plan(&busy, &gone, Goal::Present)?;
    let queued = Failure::queued("logs:CreateLogGroup", Duration::from_secs(200));
    let entry = Entry {
        action: Action::Create,
        outcome: Outcome::Pending {
            why: queued.message.into(),
            turn_in: Some(200),
        },
        calls: 0,
    };
    let report = Report {
        entries: BTreeMap::from([("LogGroup/vpc-flow-logs".parse()?, entry)]),
        ..Report::default()
    };
    told.conditions(
        "a call waits for its turn",
        &after(&object, &busy, &plan, Some(&report)),
    );
    Ok(())
}

/// What the audit finds, as the condition `GuardrailsEnforced` says it.
async fn what_is_open(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let (world, _) = environment.look(Goal::Present).await?;
    let cases = [
        ("a bucket has no policy", "Bucket/data", "policy", json!(null)),
        (
            "a notebook reaches the internet",
            "Notebook/ana",
            "directInternetAccess",
            json!(true),
        ),
        (
            "a gateway hangs on the VPC",
            "Vpc/main",
            "gateways",
            json!([{"type": "internet", "id": "igw-0123456789abcdef0"}]),
        ),
        (
            "somebody is root on a notebook",
            "Notebook/ana",
            "rootAccess",
            json!(true),
        ),
    ];
    for (situation, node, name, value) in cases {
        let world = attribute(&world, node, name, value)?;
        let report = audit(environment.project(), environment.blueprint(), &world);
        ensure!(!report.holds(), "{situation} breaks no control");
        let said = format!("GuardrailsEnforced=False ControlsFail\n  {}", broken_controls(&report));
        told.0.push((format!("{situation}, seen by the audit"), said));
    }
    Ok(())
}

fn what_cannot_be_built(environment: &Environment, told: &mut Told) -> Result<()> {
    let mut say = |situation: &str, adjust: &dyn Fn(&mut Project)| -> Result<()> {
        let mut project = environment.project().clone();
        adjust(&mut project);
        let object = object(FULL)?;
        let refused = Project::new(project.owner, project.spec, project.account);
        let problems = refused.err().with_context(|| format!("can be built: {situation}"))?;
        told.conditions(
            situation,
            &status::invalid(&object, SecureMLProjectStatus::default(), &problems),
        );
        Ok(())
    };
    say("an endpoint is asked for that nobody knows", &|project| {
        project.spec.endpoints.additional = vec!["secretmanager".to_owned()];
    })?;
    say("a service is not offered in the region", &|project| {
        project
            .account
            .endpoint_services
            .retain(|name, _| !name.ends_with(".kms"));
    })?;
    say("the region has too few zones", &|project| {
        project.account.zones.truncate(2);
        let cidr = |text: &str| text.parse();
        project.spec.network.subnet_cidrs = ["10.2.1.0/24", "10.2.2.0/24", "10.2.3.0/24"]
            .into_iter()
            .flat_map(cidr)
            .collect();
    })?;
    say("a notebook stands in a subnet that is not there", &|project| {
        project.account.zones.truncate(2);
        project.spec.notebooks[1].subnet = 3;
    })?;
    say("a notebook has a machine that the guardrails deny", &|project| {
        project.spec.notebooks[0].instance_type = "ml.p4d.24xlarge".to_owned();
    })?;
    say(
        "the network is not private, in an object older than the rule",
        &|project| {
            if let Ok(cidr) = "8.8.0.0/16".parse() {
                project.spec.network.vpc_cidr = cidr;
            }
        },
    )
}

async fn while_it_goes(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let mut spec = parse(FULL)?.spec;
    spec.deletion_policy = DeletionPolicies {
        buckets: DeletionPolicy::Delete,
        keys: DeletionPolicy::Delete,
        logs: DeletionPolicy::Delete,
    };
    environment.declare(spec).await?;
    environment.settle(Goal::Present).await?;
    let object = object(FULL)?;
    let (world, _) = environment.look(Goal::Present).await?;
    let bucket = world.owned[&"Bucket/data".parse::<NodeKey>()?][0].id.clone();
    let put = environment.aws.s3.put_object().bucket(&bucket).key("x");
    let content = aws_sdk_s3::primitives::ByteStream::from_static(b"x");
    let version = put.body(content).send().await?.version_id;
    let cases = [
        ("a bucket is not empty", "Bucket/data", "", Fault::Throttle),
        (
            "a role may not be deleted",
            "IamRole/user",
            "iam:DeleteRole",
            Fault::AccessDenied,
        ),
        (
            "something of others is in the VPC",
            "Vpc/main",
            "ec2:DeleteVpc",
            Fault::error(
                400,
                "DependencyViolation",
                "The vpc 'vpc-0123456789abcdef0' has dependencies and cannot be deleted.",
            ),
        ),
    ];
    let mut rules: BTreeMap<&str, RuleHandle> = BTreeMap::new();
    for (situation, _, call, fault) in &cases {
        rules.insert(situation, environment.rig.proxy.add(Rule::on(call, fault.clone())));
    }
    let mut found: BTreeMap<&str, SecureMLProjectStatus> = BTreeMap::new();
    let mut last = String::new();
    for _ in 0..PASSES {
        environment.restart();
        let (_, plan, report) = environment.attempt(Goal::Absent).await?;
        last = render(&plan);
        for (situation, node, ..) in &cases {
            let node = node.parse()?;
            if report.failures().any(|(failed, _)| *failed == node) {
                let latest = SecureMLProjectStatus::default();
                let (status, _) = removal::removing(
                    &object,
                    latest,
                    &plan,
                    &only(&report, &node),
                    jiff::Timestamp::UNIX_EPOCH,
                );
                found.insert(situation, status);
                rules[situation].remove();
            }
        }
        if found.len() == cases.len() {
            break;
        }
        // What the bucket names is held as long as the bucket is.
        if found.contains_key(cases[0].0) {
            let delete = environment.aws.s3.delete_object().bucket(&bucket).key("x");
            delete.set_version_id(version.clone()).send().await.ok();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for (situation, ..) in cases {
        let status = found
            .get(situation)
            .with_context(|| format!("did not come about: {situation}:\n{last}"))?;
        told.conditions(&format!("while it goes, {situation}"), status);
    }
    Ok(())
}
