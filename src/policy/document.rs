use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical;

/// A policy: statements, whose order has no meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "canonical::Document", try_from = "canonical::Document")]
pub struct Document {
    /// What is allowed and denied.
    pub statements: BTreeSet<Statement>,
}

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Its name within the policy.
    pub sid: String,
    /// Allow or deny.
    pub effect: Effect,
    /// Who; empty in identity policies.
    pub principals: BTreeSet<Principal>,
    /// Who not; rarely used.
    pub not_principals: BTreeSet<Principal>,
    /// What is done.
    pub actions: BTreeSet<String>,
    /// What is not done: the statement is about every other action.
    pub not_actions: BTreeSet<String>,
    /// To what; empty in trust policies.
    pub resources: BTreeSet<String>,
    /// To what not: the statement is about every other resource.
    pub not_resources: BTreeSet<String>,
    /// When: operator, key, values.
    pub conditions: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

/// Allow or deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Effect {
    /// Allows.
    Allow,
    /// Denies, whatever else allows.
    Deny,
}

/// Who a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// Everybody.
    Anyone,
    /// An account, role, user or session, by ARN.
    Aws(String),
    /// An AWS service.
    Service(String),
    /// Another kind of principal: `Federated`, `CanonicalUser`.
    Other(String, String),
}

impl Document {
    /// A policy of `statements`.
    pub fn new(statements: impl IntoIterator<Item = Statement>) -> Self {
        Self {
            statements: statements.into_iter().collect(),
        }
    }

    /// The text to send to AWS, without white space.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As [`Document::to_json`], shorter: what is alone in a list is written without the list. For policies that
    /// are near the limit of their length.
    pub fn to_brief_json(&self) -> String {
        fn unlist(value: &mut Value) {
            match value {
                Value::Array(items) => {
                    items.iter_mut().for_each(unlist);
                    if let [only] = items.as_mut_slice() {
                        *value = only.take();
                    }
                }
                Value::Object(fields) => fields.values_mut().for_each(unlist),
                _ => {}
            }
        }
        let mut value = serde_json::to_value(self).unwrap_or_default();
        unlist(&mut value);
        value.to_string()
    }

    /// Reads a policy in any of the forms AWS accepts and answers with.
    ///
    /// # Errors
    /// When `text` is not a policy.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl Statement {
    /// A statement that allows.
    pub fn allow(sid: &str) -> Self {
        Self::new(sid, Effect::Allow)
    }

    /// A statement that denies.
    pub fn deny(sid: &str) -> Self {
        Self::new(sid, Effect::Deny)
    }

    fn new(sid: &str, effect: Effect) -> Self {
        Self {
            sid: sid.to_owned(),
            effect,
            principals: BTreeSet::new(),
            not_principals: BTreeSet::new(),
            actions: BTreeSet::new(),
            not_actions: BTreeSet::new(),
            resources: BTreeSet::new(),
            not_resources: BTreeSet::new(),
            conditions: BTreeMap::new(),
        }
    }

    /// About `principal`.
    #[must_use]
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principals.insert(principal);
        self
    }

    /// About each of these ARNs.
    #[must_use]
    pub fn aws_principals<T: Into<String>>(mut self, arns: impl IntoIterator<Item = T>) -> Self {
        self.principals
            .extend(arns.into_iter().map(|arn| Principal::Aws(arn.into())));
        self
    }

    /// About `actions`.
    #[must_use]
    pub fn actions<T: Into<String>>(mut self, actions: impl IntoIterator<Item = T>) -> Self {
        self.actions.extend(actions.into_iter().map(Into::into));
        self
    }

    /// About every action but `actions`.
    #[must_use]
    pub fn not_actions<T: Into<String>>(mut self, actions: impl IntoIterator<Item = T>) -> Self {
        self.not_actions.extend(actions.into_iter().map(Into::into));
        self
    }

    /// On `resources`.
    #[must_use]
    pub fn resources<T: Into<String>>(mut self, resources: impl IntoIterator<Item = T>) -> Self {
        self.resources.extend(resources.into_iter().map(Into::into));
        self
    }

    /// On every resource but `resources`.
    #[must_use]
    pub fn not_resources<T: Into<String>>(mut self, resources: impl IntoIterator<Item = T>) -> Self {
        self.not_resources.extend(resources.into_iter().map(Into::into));
        self
    }

    /// On any resource.
    #[must_use]
    pub fn anywhere(self) -> Self {
        self.resources(["*"])
    }

    /// When `key` compares so with one of `values`.
    #[must_use]
    pub fn when<T: Into<String>>(mut self, operator: &str, key: &str, values: impl IntoIterator<Item = T>) -> Self {
        let keys = self.conditions.entry(operator.to_owned()).or_default();
        let known = keys.entry(key.to_owned()).or_default();
        known.extend(values.into_iter().map(Into::into));
        self
    }
}
