//! One action on one resource, and what statements say to it.

use std::collections::BTreeMap;

use secureml::policy::evaluate::Request;
use secureml::policy::{Document, Principal, Statement};

use super::near::{VARIABLES, value_of};
use super::noticed::applies;
use crate::guardrails::environment::{OURS, STRANGERS};

/// The values of a key, in the different ways that a request can carry it; none at all among them.
pub type Ways = Vec<Vec<String>>;

/// A statement, taken apart: what it says apart from conditions, and what it says of each key.
pub struct Half {
    principals: Vec<String>,
    bare: Document,
    keys: BTreeMap<String, Document>,
}

impl Half {
    pub fn new(statement: &Statement, ways: &BTreeMap<String, Ways>) -> Self {
        let mut bare = statement.clone();
        bare.conditions.clear();
        let about = |key: &String| {
            let mut about = Statement::allow("About").actions(["*"]).anywhere();
            for (operator, keys) in &statement.conditions {
                if let Some(values) = keys.get(key) {
                    about = about.when(operator, key, values.iter().cloned());
                }
            }
            (key.clone(), Document::new([about]))
        };
        Self {
            principals: principals(statement),
            bare: Document::new([bare]),
            keys: ways.keys().map(about).collect(),
        }
    }

    /// Whether what it says of `key` holds for the request.
    fn holds(&self, key: &str, request: &Request) -> bool {
        self.keys.get(key).is_some_and(|about| applies(about, request))
    }
}

/// Somebody for each principal of `statement`.
fn principals(statement: &Statement) -> Vec<String> {
    let session = |account: &str| format!("arn:aws:sts::{account}:assumed-role/somebody/somebody");
    let of = |principal: &Principal| match principal {
        Principal::Anyone => vec![session(OURS), session(STRANGERS), "lambda.amazonaws.com".to_owned()],
        Principal::Service(name) => vec![name.clone()],
        Principal::Aws(arn) => vec![session(arn.split(':').nth(4).unwrap_or_default())],
        Principal::Other(..) => Vec::new(),
    };
    if statement.principals.is_empty() {
        return vec![session(OURS)];
    }
    statement.principals.iter().flat_map(of).collect()
}

/// One action on one resource.
pub struct Place<'a> {
    pub action: &'a str,
    pub resource: &'a str,
    pub ways: &'a BTreeMap<&'a str, Vec<&'a [String]>>,
}

impl Place<'_> {
    /// A request to which `one` applies and `other` does not, if it `counts`. Conditions on different keys are
    /// independent, so that each key is looked at alone.
    pub fn tell(&self, one: &Half, other: Option<&Half>, counts: impl Fn(&Request) -> bool) -> Option<String> {
        let mut requests = one.principals.iter().filter_map(|principal| {
            let request = self.request(principal);
            applies(&one.bare, &request).then(|| self.tell_by(principal, &request, one, other))?
        });
        requests.find(|(request, _)| counts(request)).map(|(_, text)| text)
    }

    fn tell_by(&self, principal: &str, bare: &Request, one: &Half, other: Option<&Half>) -> Option<(Request, String)> {
        let other = other.filter(|other| applies(&other.bare, bare));
        let mut told = other.is_none();
        let mut whole = bare.clone();
        let mut text = format!("{} on {} by {principal}", self.action, self.resource);
        for (key, ways) in self.ways {
            let mut fit = None;
            for way in self.possible(key, principal, ways) {
                let request = bare.clone().with(key, way.to_vec());
                if one.holds(key, &request) {
                    fit = fit.or(Some(way));
                    if !told && other.is_some_and(|other| !other.holds(key, &request)) {
                        (fit, told) = (Some(way), true);
                    }
                    if told {
                        break;
                    }
                }
            }
            // Where no value fits, the statement never applies here.
            let fit = fit?;
            whole = whole.with(key, fit.to_vec());
            text.push_str(&format!(", {key} {fit:?}"));
        }
        told.then_some((whole, text))
    }

    /// Those of `ways` that there are here: the account in the ARN of a resource is the one that owns it, and the ARN of
    /// a caller is of the caller's account.
    fn possible<'b>(&self, key: &str, principal: &str, ways: &'b [&'b [String]]) -> impl Iterator<Item = &'b [String]> {
        let account = |arn: &str| arn.split(':').nth(4).unwrap_or_default().to_owned();
        let (owner, caller) = (account(self.resource), account(principal));
        let key = key.to_owned();
        let fits = move |way: &&[String]| {
            let Some(only) = way.first() else {
                return true;
            };
            match key.as_str() {
                "aws:ResourceAccount" => owner.is_empty() || *only == owner,
                "aws:PrincipalArn" => account(only) == caller,
                _ => true,
            }
        };
        ways.iter().copied().filter(fits)
    }

    fn request(&self, principal: &str) -> Request {
        let account = self.resource.split(':').nth(4).unwrap_or_default();
        let request = Request::new(principal, self.action, self.resource, account);
        VARIABLES
            .iter()
            .fold(request, |request, key| request.with(key, [value_of(key)]))
    }
}
