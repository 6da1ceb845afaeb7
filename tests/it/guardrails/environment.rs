//! Environments as they would stand in AWS: drawn, and every reference in the place of an id that AWS invents.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail, ensure};
use secureml::api::SecureMLProject;
use secureml::blueprint::{self, Node, Project};
use secureml::model::{Account, NodeKey, Output, Owner, Tags, Zone, resolve};
use serde_json::Value;

pub const OURS: &str = "111122223333";
pub const STRANGERS: &str = "999988887777";
pub const REGION: &str = "us-east-1";

/// An environment and everything that can be named in it.
pub struct Environment {
    pub account: String,
    pub nodes: BTreeMap<NodeKey, Node>,
}

/// A policy of an environment.
pub struct Policy {
    /// `IamRole/admin work`: the node, and which of its policies.
    pub id: String,
    pub kind: PolicyKind,
    pub document: Value,
}

/// In which place a policy is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyKind {
    Identity,
    Boundary,
    Trust,
    Resource,
    Endpoint,
}

impl PolicyKind {
    /// The word of the simulator.
    pub fn word(self) -> &'static str {
        match self {
            Self::Identity | Self::Boundary => "identity",
            Self::Trust => "trust",
            Self::Resource => "resource",
            Self::Endpoint => "endpoint",
        }
    }
}

/// The account that environments of tests stand in.
pub fn account(id: &str) -> Account {
    let zone = |letter: char| Zone {
        id: format!("use1-az-{letter}"),
        name: format!("{REGION}{letter}"),
    };
    Account {
        partition: "aws".to_owned(),
        id: id.to_owned(),
        region: REGION.to_owned(),
        zones: ['a', 'b', 'c'].map(zone).to_vec(),
        s3_prefix_list: "pl-63a5400a".to_owned(),
        endpoint_services: BTreeMap::new(),
        caller: format!("arn:aws:iam::{id}:role/secureml"),
    }
}

impl Environment {
    /// The environment that `manifest` declares in the account `id`.
    pub fn draw(manifest: &str, id: &str) -> Result<Self> {
        let object: SecureMLProject = serde_saphyr::from_str(manifest)?;
        let name = object.metadata.name.context("a name")?;
        let owner = Owner::new("test", "default", &name);
        let project = Project::new(owner, object.spec, account(id)).map_err(|problems| anyhow!("{problems:?}"))?;
        let blueprint = blueprint::draw(&project);
        let mut nodes = blueprint.nodes.clone();
        for node in nodes.values_mut() {
            let known = |output: &Output| {
                let referred = blueprint.nodes.get(&output.node)?;
                invented(id, &name, referred, &output.name)
            };
            let unknown = resolve(&mut node.attributes, &known);
            ensure!(unknown.is_empty(), "{} refers to {unknown:?}", node.key);
        }
        Ok(Self {
            account: id.to_owned(),
            nodes,
        })
    }

    /// What AWS would call the output `output` of `node`.
    pub fn output(&self, node: &Node, output: &str) -> Option<String> {
        let project = node.tags.iter().find(|(key, _)| *key == "ProjectName")?.1;
        invented(&self.account, project, node, output)
    }

    pub fn node(&self, key: &str) -> Result<&Node> {
        let key: NodeKey = key.parse()?;
        self.nodes.get(&key).with_context(|| format!("there is no {key}"))
    }

    /// The policies of `node`.
    pub fn policies(&self, node: &Node) -> Vec<Policy> {
        let policy = |name: &str, kind: PolicyKind, document: &Value| Policy {
            id: format!("{}{name}", self.id(&node.key)),
            kind,
            document: document.clone(),
        };
        let attributes = &node.attributes;
        match node.key.kind.as_str() {
            "IamRole" => {
                let inline = attributes["inline"].as_object().into_iter().flatten();
                inline
                    .map(|(name, document)| policy(&format!(" {name}"), PolicyKind::Identity, document))
                    .chain([policy(" trust", PolicyKind::Trust, &attributes["trust"])])
                    .collect()
            }
            "IamPolicy" => vec![policy("", PolicyKind::Boundary, &attributes["document"])],
            "Bucket" | "KmsKey" => vec![policy("", PolicyKind::Resource, &attributes["policy"])],
            "VpcEndpoint" if !attributes["policy"].is_null() => {
                vec![policy("", PolicyKind::Endpoint, &attributes["policy"])]
            }
            _ => Vec::new(),
        }
    }

    /// A node's name in this test: `Bucket/data`, and that of a neighbour `churn-dev:Bucket/data`.
    pub fn id(&self, key: &NodeKey) -> String {
        let project = self.nodes.get(key).and_then(|node| {
            let mut tags = node.tags.iter();
            tags.find(|(tag, _)| *tag == "ProjectName").map(|(_, value)| value)
        });
        match project {
            Some("churn") if self.account == OURS => key.to_string(),
            Some(project) => format!("{}:{project}:{key}", self.account),
            None => key.to_string(),
        }
    }

    /// What `{name}` stands for: `{Subnet/a.id}`, `{Bucket/data.name}`, `{arn:sagemaker}`, `{account}`.
    fn fact(&self, name: &str) -> Result<String> {
        let account = &self.account;
        if let Some(service) = name.strip_prefix("arn:") {
            return Ok(format!("arn:aws:{service}:{REGION}:{account}"));
        }
        if name == "account" {
            return Ok(account.clone());
        }
        let (node, output) = name
            .rsplit_once('.')
            .with_context(|| format!("{{{name}}} is not Kind/node.output"))?;
        let node = self.node(node)?;
        self.output(node, output)
            .with_context(|| format!("{} has no output {output}", node.key))
    }

    /// `text` with each `{name}` in the place of what it stands for; `{their …}` and `{strange …}` are of `others`, and
    /// `{capitals …}` is written in capitals.
    pub fn fill(&self, text: &str, others: &Others<'_>) -> Result<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            let end = rest[start..].find('}').map(|length| start + length);
            let Some(end) = end else {
                bail!("{text:?} has no closing bracket");
            };
            let name = &rest[start + 1..end];
            filled.push_str(&rest[..start]);
            // IAM's own variables stay.
            if rest[..start].ends_with('$') {
                filled.push_str(&rest[start..=end]);
            } else {
                let fact = match name.split_once(' ') {
                    Some(("their", name)) => others.theirs.fact(name),
                    Some(("strange", name)) => others.strangers.fact(name),
                    Some(("our", name)) => others.ours.fact(name),
                    Some(("capitals", name)) => self.fact(name).map(|fact| fact.to_uppercase()),
                    _ => self.fact(name),
                };
                filled.push_str(&fact.with_context(|| format!("in {text:?}"))?);
            }
            rest = &rest[end + 1..];
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// The node whose ARN or bucket `arn` is, or is in.
    pub fn owner_of(&self, arn: &str) -> Option<&Node> {
        let is = |node: &&Node| {
            let own = self.output(node, "arn");
            own.is_some_and(|own| {
                arn == own || (own.starts_with("arn:aws:s3:::") && arn.starts_with(&format!("{own}/")))
            })
        };
        self.nodes.values().find(is)
    }

    /// The tags that a thing of the project carries.
    pub fn tags(&self) -> Tags {
        let first = self.nodes.values().next();
        let tags = first.map(|node| node.tags.clone()).unwrap_or_default();
        let project = |key: &str| ["ProjectName", "EnvironmentType"].contains(&key);
        tags.iter().filter(|(key, _)| project(key)).collect()
    }
}

/// Everybody's environments.
pub struct Others<'a> {
    pub ours: &'a Environment,
    pub theirs: &'a Environment,
    pub strangers: &'a Environment,
}

fn invented(account: &str, project: &str, node: &Node, output: &str) -> Option<String> {
    let NodeKey { kind, name } = &node.key;
    let arn = |service: &str, resource: String| format!("arn:aws:{service}:{REGION}:{account}:{resource}");
    let global = |resource: String| format!("arn:aws:iam::{account}:{resource}");
    let number = number(&format!("{account} {project} {kind}/{name}"));
    let prefixed = |prefix: &str| format!("{prefix}-0{number:016x}");
    let path = || node.attributes["path"].as_str().unwrap_or("/").to_owned();
    let called = &node.name;
    let found = match (kind.as_str(), output) {
        (_, "name") => called.clone(),
        ("Vpc", "id") => prefixed("vpc"),
        ("Subnet", "id") => prefixed("subnet"),
        ("SecurityGroup", "id") => prefixed("sg"),
        ("RouteTable", "id") => prefixed("rtb"),
        ("VpcEndpoint", "id") => prefixed("vpce"),
        ("VpcEndpoint", "dnsName") => format!("{}.example.com", prefixed("vpce")),
        ("KmsKey", "id") => key_id(number),
        ("KmsKey", "arn") => arn("kms", format!("key/{}", key_id(number))),
        ("Bucket", "id") => called.clone(),
        ("Bucket", "arn") => format!("arn:aws:s3:::{called}"),
        ("IamRole", "id") => called.clone(),
        ("IamRole", "arn") => global(format!("role{}{called}", path())),
        ("IamPolicy", "id" | "arn") => global(format!("policy{}{called}", path())),
        ("LogGroup", "id") => called.clone(),
        ("LogGroup", "arn") => arn("logs", format!("log-group:{called}")),
        ("Notebook", "id") => called.clone(),
        ("Notebook", "arn") => arn("sagemaker", format!("notebook-instance/{}", called.to_lowercase())),
        ("LifecycleConfig", "id") => called.clone(),
        ("LifecycleConfig", "arn") => {
            let called = called.to_lowercase();
            arn("sagemaker", format!("notebook-instance-lifecycle-config/{called}"))
        }
        ("Parameter", "arn") => arn("ssm", format!("parameter/{called}")),
        ("FlowLog", "id") => prefixed("fl"),
        _ => return Some(format!("{kind}-{name}-{output}-{number:x}")),
    };
    Some(found)
}

fn key_id(number: u64) -> String {
    format!("{:08x}-1111-4111-8111-{:012x}", number >> 32, number & 0xffff_ffff_ffff)
}

/// A number that is another for another text (FNV-1a).
fn number(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
