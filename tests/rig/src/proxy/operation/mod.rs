//! Which AWS operation a request is, over all the wire protocols that AWS speaks.

mod query;
mod rest_json;
mod s3;

use std::fmt;

use bytes::Bytes;
use hyper::http::request::Parts;
use serde::Serialize;

pub(crate) use query::{decode, fields};
pub(crate) use s3::bucket as s3_bucket;

/// How a service is spoken to, which decides how its errors look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Protocol {
    /// EC2's own variant of the query protocol.
    Ec2,
    /// A form with an `Action`, answered in XML: IAM, STS.
    Query,
    /// S3.
    RestXml,
    /// `X-Amz-Target` and JSON, with the version in the content type.
    Json10,
    /// The same with version 1.1.
    Json11,
    /// Paths and methods with JSON bodies: Resource Groups, CodeArtifact.
    RestJson,
    /// Not spoken by any service we know.
    Unknown,
}

impl Protocol {
    /// Whether it is answered in JSON.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json10 | Self::Json11 | Self::RestJson)
    }
}

/// One operation of one service, shown as `ec2:CreateVpc`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// The service as it is called in request signatures.
    pub service: String,
    /// The operation as the API reference calls it.
    pub name: String,
    /// The wire protocol of the request.
    pub protocol: Protocol,
}

impl Operation {
    /// Recognises the operation of a request.
    ///
    /// What is not recognised keeps its method and path as its name, so that it stands out in every table.
    pub fn of(head: &Parts, body: &Bytes) -> Self {
        let scope = Scope::of(head);
        let service = scope.as_ref().map(|scope| scope.service.clone());
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());

        if let Some(target) = header("x-amz-target") {
            return by_target(target, service, header("content-type").unwrap_or_default());
        }
        if let Some(found) = query::recognise(head, body, service.as_deref()) {
            return found;
        }
        let path = head.uri.path();
        let (name, protocol) = match service.as_deref() {
            Some("s3") => (s3::recognise(head), Protocol::RestXml),
            Some(service) => (rest_json::recognise(service, &head.method, path), Protocol::RestJson),
            None => (None, Protocol::Unknown),
        };
        Self {
            service: service.unwrap_or_else(|| "unknown".to_owned()),
            name: name.unwrap_or_else(|| format!("{} {path}", head.method)),
            protocol,
        }
    }

    /// Whether the operation changes anything in AWS.
    pub fn is_mutating(&self) -> bool {
        is_mutating(&self.name)
    }

    /// Whether the rig knows this operation, rather than just its path.
    pub fn is_recognised(&self) -> bool {
        !self.name.contains(' ')
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.name)
    }
}

/// How the names of operations begin that leave AWS as it was. Receiving a message is among them: it hides the
/// message for a while, deletes nothing, and a controller that waits for events does it all the time.
const READING: &[&str] = &[
    "AssumeRole",
    "BatchCheck",
    "BatchGet",
    "Check",
    "Decode",
    "Decrypt",
    "Describe",
    "Encrypt",
    "Filter",
    "Generate",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Query",
    "Receive",
    "Scan",
    "Search",
    "Select",
    "Sign",
    "Simulate",
    "Test",
    "Validate",
    "Verify",
];

/// Whether an operation changes anything, by its name, with or without its service: `ec2:CreateVpc`.
pub fn is_mutating(name: &str) -> bool {
    let operation = name.split_once(':').map_or(name, |(_, operation)| operation);
    let method_only = ["GET ", "HEAD ", "OPTIONS "];
    !READING
        .iter()
        .chain(&method_only)
        .any(|verb| operation.starts_with(verb))
}

fn by_target(target: &str, service: Option<String>, content_type: &str) -> Operation {
    let (prefix, name) = target.rsplit_once('.').unwrap_or(("", target));
    Operation {
        service: service.unwrap_or_else(|| target_service(prefix)),
        name: name.to_owned(),
        protocol: if content_type.contains("json-1.0") {
            Protocol::Json10
        } else {
            Protocol::Json11
        },
    }
}

/// The service of an unsigned JSON call, by its target's prefix.
fn target_service(prefix: &str) -> String {
    let known = [
        ("TrentService", "kms"),
        ("AmazonSSM", "ssm"),
        ("SageMaker", "sagemaker"),
        ("Logs_", "logs"),
        ("ResourceGroupsTaggingAPI", "tagging"),
        ("CodeCommit", "codecommit"),
        ("AmazonEC2ContainerRegistry", "ecr"),
    ];
    known
        .iter()
        .find(|(start, _)| prefix.starts_with(start))
        .map_or_else(|| prefix.to_ascii_lowercase(), |(_, service)| (*service).to_owned())
}

/// What a request's signature says about who calls what where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) access_key: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Scope {
    /// From the `Authorization` header, or from the query of a presigned request.
    pub(crate) fn of(head: &Parts) -> Option<Self> {
        let header = head.headers.get("authorization").and_then(|value| value.to_str().ok());
        if let Some(header) = header {
            let (_, rest) = header.split_once("Credential=")?;
            return Self::parse(rest.split([',', ' ']).next()?, header.contains("-ECDSA-"));
        }
        let query = head.uri.query()?;
        let credential = fields(query).find(|(name, _)| name == "X-Amz-Credential")?.1;
        Self::parse(&credential, false)
    }

    /// `AKID/20260101/us-east-1/ec2/aws4_request`; a SigV4a credential has no region.
    fn parse(credential: &str, asymmetric: bool) -> Option<Self> {
        let mut parts = credential.split('/');
        let access_key = parts.next()?.to_owned();
        let _date = parts.next()?;
        let region = if asymmetric { "*" } else { parts.next()? };
        Some(Self {
            access_key,
            region: region.to_owned(),
            service: parts.next()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
