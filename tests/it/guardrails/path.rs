//! From where a request comes.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::environment::{Environment, Others};

/// The way of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// `inside`: from the project's network, through the endpoint of the service.
    Inside,
    /// `inside by <endpoint>`: likewise, through this endpoint.
    InsideBy(String),
    /// `next door`: likewise in the neighbour's network, through its endpoint.
    NextDoor,
    /// `outside`: from the internet.
    Outside,
    /// `platform`: from AWS's own network, where SageMaker calls with a role that it was given.
    Platform,
    /// `through <service>`: an AWS service asks for somebody, with their rights.
    Through(String),
}

/// Which endpoint leads to the service of an action; the first that fits.
const ENDPOINTS: &[(&str, &str)] = &[
    ("sagemaker:CreatePresignedNotebookInstanceUrl", "notebook"),
    ("sagemaker:InvokeEndpoint", "sagemaker-runtime"),
    ("sagemaker:BatchPutMetrics", "sagemaker-metrics"),
    ("sagemaker:", "sagemaker-api"),
    ("s3:", "s3"),
    ("kms:", "kms"),
    ("sts:GetServiceBearerToken", "codeartifact-api"),
    ("sts:", "sts"),
    ("logs:", "logs"),
    ("cloudwatch:", "monitoring"),
    ("ssm:", "ssm"),
    ("ecr:", "ecr-api"),
    ("ec2:", "ec2"),
    ("codecommit:GitP", "git-codecommit"),
    ("codecommit:", "codecommit"),
    ("codeartifact:ReadFromRepository", "codeartifact-repositories"),
    ("codeartifact:GetPackageVersionAsset", "codeartifact-repositories"),
    ("codeartifact:PublishPackageVersion", "codeartifact-repositories"),
    ("codeartifact:", "codeartifact-api"),
];

impl Path {
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "inside" => Self::Inside,
            "next door" => Self::NextDoor,
            "outside" => Self::Outside,
            "platform" => Self::Platform,
            _ => match (text.strip_prefix("through "), text.strip_prefix("inside by ")) {
                (Some(service), _) => Self::Through(service.to_owned()),
                (_, Some(endpoint)) => Self::InsideBy(endpoint.to_owned()),
                _ => bail!("{text:?} is no path"),
            },
        })
    }

    /// What the request says of its way.
    pub fn context(&self, action: &str, others: &Others<'_>) -> Result<BTreeMap<String, Value>> {
        let mut context = BTreeMap::from([
            ("aws:SecureTransport".to_owned(), "true".into()),
            ("aws:ViaAWSService".to_owned(), "false".into()),
        ]);
        if action.starts_with("s3:") {
            context.insert("s3:TlsVersion".to_owned(), "1.3".into());
        }
        let mut set = |key: &str, value: Value| context.insert(key.to_owned(), value);
        match self {
            Self::Inside | Self::InsideBy(_) | Self::NextDoor => {
                let environment = self.network(others);
                let vpc = environment.node("Vpc/main")?;
                set("aws:SourceVpc", environment.output(vpc, "id").into());
                set("aws:VpcSourceIp", "10.2.1.17".into());
                if let Some(endpoint) = self.endpoint_node(action, others)? {
                    set("aws:SourceVpce", environment.output(endpoint, "id").into());
                }
            }
            Self::Outside => {
                set("aws:SourceIp", "203.0.113.9".into());
            }
            Self::Platform => {
                set("aws:SourceIp", "18.204.0.17".into());
            }
            Self::Through(service) => {
                let name = format!("{service}.amazonaws.com");
                set("aws:ViaAWSService", "true".into());
                set("aws:CalledVia", vec![name.clone()].into());
                set("aws:CalledViaFirst", name.clone().into());
                set("aws:CalledViaLast", name.into());
                if action.starts_with("kms:") {
                    set("kms:ViaService", format!("{service}.us-east-1.amazonaws.com").into());
                }
            }
        }
        Ok(context)
    }

    /// The id of the policy of the endpoint that the request comes through.
    pub fn endpoint(&self, action: &str, others: &Others<'_>) -> Result<Option<String>> {
        let node = self.endpoint_node(action, others)?;
        let node = node.filter(|node| !node.attributes["policy"].is_null());
        Ok(node.map(|node| self.network(others).id(&node.key)))
    }

    fn network<'a>(&self, others: &Others<'a>) -> &'a Environment {
        match self {
            Self::NextDoor => others.theirs,
            _ => others.ours,
        }
    }

    /// None for services without an endpoint, which cannot be reached from inside at all, and for `iam:PassRole`,
    /// which is no call of its own.
    fn endpoint_node<'a>(&self, action: &str, others: &Others<'a>) -> Result<Option<&'a secureml::blueprint::Node>> {
        let of = || ENDPOINTS.iter().find(|(prefix, _)| action.starts_with(prefix));
        let name = match self {
            Self::InsideBy(name) => name,
            Self::Inside | Self::NextDoor => match of() {
                Some((_, name)) => *name,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let node = self.network(others).node(&format!("VpcEndpoint/{name}"));
        node.map(Some).with_context(|| format!("for {action}"))
    }
}
