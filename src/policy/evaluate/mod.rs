//! What policies say to a request: IAM's own rules, for the proof that what stands in AWS holds.
//!
//! Pure and exact: every answer names the statements that decide, and what is not understood makes the answer
//! [`Outcome::Unknown`], which is never taken for yes. The tests compare it with a simulator over every scenario.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

mod condition;
mod statement;

use std::collections::{BTreeMap, BTreeSet};

use super::Document;

/// A request to AWS.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Who asks: the ARN of a session, role or user, or the name of an AWS service.
    pub principal: String,
    /// What is asked for: `s3:GetObject`.
    pub action: String,
    /// What it is about: an ARN, or `*` for actions that know no resources.
    pub resource: String,
    /// The account that owns the resource.
    pub account: String,
    context: BTreeMap<String, Vec<String>>,
}

impl Request {
    /// A request without context.
    pub fn new(principal: &str, action: &str, resource: &str, account: &str) -> Self {
        Self {
            principal: principal.to_owned(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            account: account.to_owned(),
            context: BTreeMap::new(),
        }
    }

    /// The same, saying `values` of `key`; names of keys have no case.
    #[must_use]
    pub fn with<T: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.context.insert(key.to_lowercase(), values);
        self
    }

    /// What it says of `key`; none when it does not carry it.
    fn says(&self, key: &str) -> Option<&[String]> {
        self.context.get(&key.to_lowercase()).map(Vec::as_slice)
    }

    /// What it says of `key`, when that is one value.
    fn value(&self, key: &str) -> Option<&str> {
        match self.says(key) {
            Some([only]) => Some(only),
            _ => None,
        }
    }

    /// The role or user behind a session.
    fn caller(&self) -> &str {
        self.value("aws:PrincipalArn").unwrap_or(&self.principal)
    }

    fn caller_account(&self) -> Option<&str> {
        self.value("aws:PrincipalAccount").or_else(|| {
            let account = self.principal.split(':').nth(4)?;
            (!account.is_empty()).then_some(account)
        })
    }
}

/// Everything that has a say in a request.
#[derive(Clone, Debug, Default)]
pub struct Policies<'a> {
    /// The caller's own: inline and attached.
    pub identity: Vec<&'a Document>,
    /// The caller's permissions boundary.
    pub boundary: Option<&'a Document>,
    /// That of the resource: bucket, key, trust of a role.
    pub resource: Option<&'a Document>,
    /// That of the VPC endpoint that the request comes through.
    pub endpoint: Option<&'a Document>,
}

/// What the policies of one layer say: the names of the statements that apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// Those that allow.
    pub allow: BTreeSet<String>,
    /// Those that deny.
    pub deny: BTreeSet<String>,
    /// Those that would apply if what they say were understood, each with what was not.
    pub unknown: BTreeMap<String, String>,
    /// Of those that allow, some name the caller, and not only its account.
    named: bool,
}

impl Layer {
    /// Whether it allows and does not deny.
    pub fn allows(&self) -> bool {
        !self.allow.is_empty() && self.deny.is_empty()
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is carried out.
    Allowed,
    /// It is refused.
    Denied,
    /// Something is not understood, and it depends on that.
    Unknown,
}

/// What becomes of a request, and why.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What becomes of it.
    pub outcome: Outcome,
    /// What each layer says; a layer that has no policy has no say.
    pub identity: Layer,
    /// The boundary.
    pub boundary: Option<Layer>,
    /// The resource.
    pub resource: Option<Layer>,
    /// The endpoint.
    pub endpoint: Option<Layer>,
}

impl Decision {
    /// The statements that deny, of all layers.
    pub fn denials(&self) -> impl Iterator<Item = &str> {
        self.layers().flat_map(|layer| &layer.deny).map(String::as_str)
    }

    /// The statements that allow, of all layers.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.layers().flat_map(|layer| &layer.allow).map(String::as_str)
    }

    /// What is not understood, of all layers.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.layers()
            .flat_map(|layer| layer.unknown.values())
            .map(String::as_str)
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        let others = [&self.boundary, &self.resource, &self.endpoint];
        std::iter::once(&self.identity).chain(others.into_iter().flatten())
    }
}

/// What `policies` say to `request`.
pub fn evaluate(request: &Request, policies: &Policies<'_>) -> Decision {
    let one = |document: Option<&Document>| document.map(|document| ask([document], request));
    let mut decision = Decision {
        outcome: Outcome::Denied,
        identity: ask(policies.identity.iter().copied(), request),
        boundary: one(policies.boundary),
        resource: one(policies.resource),
        endpoint: one(policies.endpoint),
    };
    decision.outcome = outcome(request, &decision);
    decision
}

fn ask<'a>(documents: impl IntoIterator<Item = &'a Document>, request: &Request) -> Layer {
    let mut layer = Layer::default();
    for statement in documents.into_iter().flat_map(|document| &document.statements) {
        statement::ask(statement, request, &mut layer);
    }
    layer
}

fn outcome(request: &Request, decision: &Decision) -> Outcome {
    if decision.denials().next().is_some() {
        return Outcome::Denied;
    }
    if decision.layers().any(|layer| !layer.unknown.is_empty()) {
        return Outcome::Unknown;
    }
    let silent = |layer: &Option<Layer>| layer.as_ref().is_some_and(|layer| layer.allow.is_empty());
    if silent(&decision.endpoint) {
        return Outcome::Denied;
    }
    let bounded = !silent(&decision.boundary);
    let own = !decision.identity.allow.is_empty() && bounded;
    let resource = decision.resource.as_ref();
    let laid_open = resource.is_some_and(|layer| layer.named);
    let delegated = resource.is_some_and(|layer| !layer.allow.is_empty());
    let service = !request.principal.contains(':');
    let allowed = if service {
        laid_open
    } else if request.caller_account() != Some(request.account.as_str()) {
        own && delegated
    } else if asks_the_resource(request) {
        // Keys and roles let nobody in whom their own policy does not name, or leave to the account.
        (delegated && own) || (laid_open && bounded)
    } else {
        own || (laid_open && bounded)
    };
    if allowed { Outcome::Allowed } else { Outcome::Denied }
}

/// Whether the resource's own policy has to let the caller in, even within the account.
fn asks_the_resource(request: &Request) -> bool {
    let (service, _) = request.action.split_once(':').unwrap_or_default();
    let role = service.eq_ignore_ascii_case("sts") && request.resource.contains(":role/");
    let key = service.eq_ignore_ascii_case("kms") && request.resource.contains(":key/");
    role || key
}
