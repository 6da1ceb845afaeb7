//! The serialised form of policies: read in every form, written in one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::{self, Effect, Principal};

const VERSION: &str = "2012-10-17";
/// That of documents that name none.
const OLD_VERSION: &str = "2008-10-17";

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document {
    #[serde(default)]
    version: String,
    #[serde(default)]
    statement: Many<Statement>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sid: String,
    effect: Effect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<Principals>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_principal: Option<Principals>,
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    action: Many<String>,
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    not_action: Many<String>,
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    resource: Many<String>,
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    not_resource: Many<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    condition: BTreeMap<String, BTreeMap<String, Many<Value>>>,
}

/// One thing, or a list of things.
#[derive(Deserialize)]
#[serde(untagged)]
enum Many<T> {
    List(Vec<T>),
    One(T),
}

impl<T> Many<T> {
    fn is_empty(&self) -> bool {
        matches!(self, Self::List(items) if items.is_empty())
    }

    fn into_vec(self) -> Vec<T> {
        match self {
            Self::List(items) => items,
            Self::One(item) => vec![item],
        }
    }
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl<T: Serialize> Serialize for Many<T> {
    /// Always a list: one form for one meaning.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(items) => serializer.collect_seq(items),
            Self::One(item) => serializer.collect_seq([item]),
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Principals {
    Anyone(String),
    Typed(BTreeMap<String, Many<String>>),
}

impl TryFrom<Document> for document::Document {
    type Error = String;

    fn try_from(raw: Document) -> Result<Self, String> {
        let statements = raw.statement.into_vec().into_iter().map(statement);
        let document = Self::new(statements.collect::<Result<Vec<_>, _>>()?);
        match raw.version.as_str() {
            VERSION => Ok(document),
            "" | OLD_VERSION if !document.statements.iter().any(has_variables) => Ok(document),
            "" | OLD_VERSION => Err(format!(
                "variables in a policy of version {OLD_VERSION}, which takes them for texts"
            )),
            other => Err(format!("policy version {other:?}; only {VERSION} is understood")),
        }
    }
}

impl From<document::Document> for Document {
    fn from(document: document::Document) -> Self {
        Self {
            version: VERSION.to_owned(),
            statement: Many::List(document.statements.into_iter().map(raw).collect()),
        }
    }
}

/// Whether `statement` says another thing in the version that knows variables.
fn has_variables(statement: &document::Statement) -> bool {
    let conditions = statement.conditions.values().flat_map(BTreeMap::values).flatten();
    let resources = statement.resources.iter().chain(&statement.not_resources);
    resources.chain(conditions).any(|text| text.contains("${"))
}

fn statement(raw: Statement) -> Result<document::Statement, String> {
    let conditions = raw.condition.into_iter().map(|(operator, keys)| {
        let keys = keys
            .into_iter()
            .map(|(key, values)| (key, values.into_vec().iter().map(text).collect()));
        (operator, keys.collect())
    });
    Ok(document::Statement {
        sid: raw.sid,
        effect: raw.effect,
        principals: principals(raw.principal)?,
        not_principals: principals(raw.not_principal)?,
        actions: raw.action.into_vec().into_iter().collect(),
        not_actions: raw.not_action.into_vec().into_iter().collect(),
        resources: raw.resource.into_vec().into_iter().collect(),
        not_resources: raw.not_resource.into_vec().into_iter().collect(),
        conditions: conditions.collect(),
    })
}

/// Conditions may hold booleans and numbers; AWS compares their texts.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn principals(raw: Option<Principals>) -> Result<BTreeSet<Principal>, String> {
    let principals = match raw {
        None => BTreeSet::new(),
        Some(Principals::Anyone(anyone)) if anyone == "*" => BTreeSet::from([Principal::Anyone]),
        Some(Principals::Anyone(other)) => return Err(format!("a principal without a type: {other}")),
        Some(Principals::Typed(types)) => {
            let each = types.into_iter().flat_map(|(kind, names)| {
                let names = names.into_vec().into_iter();
                names.map(move |name| principal(&kind, name)).collect::<Vec<_>>()
            });
            each.collect()
        }
    };
    // Whoever else is named is somebody.
    Ok(if principals.contains(&Principal::Anyone) {
        BTreeSet::from([Principal::Anyone])
    } else {
        principals
    })
}

fn principal(kind: &str, name: String) -> Principal {
    match kind {
        "AWS" if name == "*" => Principal::Anyone,
        // An account id stands for the account's root; AWS writes the ARN back.
        "AWS" if name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit()) => {
            Principal::Aws(format!("arn:aws:iam::{name}:root"))
        }
        "AWS" => Principal::Aws(name),
        "Service" => Principal::Service(name),
        _ => Principal::Other(kind.to_owned(), name),
    }
}

fn raw(statement: document::Statement) -> Statement {
    let conditions = statement.conditions.into_iter().map(|(operator, keys)| {
        let keys = keys
            .into_iter()
            .map(|(key, values)| (key, list(values.into_iter().map(Value::String))));
        (operator, keys.collect())
    });
    Statement {
        sid: statement.sid,
        effect: statement.effect,
        principal: raw_principals(statement.principals),
        not_principal: raw_principals(statement.not_principals),
        action: list(statement.actions),
        not_action: list(statement.not_actions),
        resource: list(statement.resources),
        not_resource: list(statement.not_resources),
        condition: conditions.collect(),
    }
}

fn list<T>(items: impl IntoIterator<Item = T>) -> Many<T> {
    Many::List(items.into_iter().collect())
}

fn raw_principals(principals: BTreeSet<Principal>) -> Option<Principals> {
    if principals.is_empty() {
        return None;
    }
    if principals.contains(&Principal::Anyone) {
        return Some(Principals::Anyone("*".to_owned()));
    }
    let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for principal in principals {
        let (kind, name) = match principal {
            Principal::Anyone => continue,
            Principal::Aws(name) => ("AWS".to_owned(), name),
            Principal::Service(name) => ("Service".to_owned(), name),
            Principal::Other(kind, name) => (kind, name),
        };
        types.entry(kind).or_default().insert(name);
    }
    Some(Principals::Typed(
        types.into_iter().map(|(kind, names)| (kind, list(names))).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use crate::policy::Document;

    fn canonical(value: &serde_json::Value) -> serde_json::Value {
        let document: Document = serde_json::from_value(value.clone()).expect("a policy");
        serde_json::to_value(document).expect("serialisable")
    }

    #[test]
    fn what_aws_reformats_means_the_same() {
        let sent = json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "A", "Effect": "Allow", "Principal": {"AWS": ["111122223333"]},
            "Action": ["s3:PutObject", "s3:GetObject"], "Resource": ["*"],
            "Condition": {"Bool": {"aws:SecureTransport": [true]}}}]});
        let back = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Sid": "A", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}}}});
        assert_eq!(canonical(&sent), canonical(&back));
    }

    #[test]
    fn a_softened_statement_differs() {
        let of = |operator: &str| {
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*",
                "Condition": {operator: {"aws:SourceVpce": "vpce-1"}}}]})
        };
        assert_ne!(
            canonical(&of("StringNotEquals")),
            canonical(&of("StringNotEqualsIfExists"))
        );
    }

    fn any_statement() -> impl Strategy<Value = serde_json::Value> {
        let texts = || prop::collection::vec("[a-z]{1,4}:[A-Z*]{1,3}", 1..4);
        (texts(), texts(), prop::bool::ANY).prop_map(|(actions, resources, allow)| {
            json!({"Effect": if allow { "Allow" } else { "Deny" }, "Action": actions, "Resource": resources})
        })
    }

    proptest! {
        #[test]
        fn order_and_repetition_mean_nothing(statements in prop::collection::vec(any_statement(), 1..5)) {
            let forward = json!({"Version": "2012-10-17", "Statement": statements});
            let mut turned = statements.clone();
            turned.reverse();
            turned.push(statements[0].clone());
            for statement in &mut turned {
                for key in ["Action", "Resource"] {
                    if let Some(items) = statement[key].as_array_mut() { items.reverse(); }
                }
            }
            let backward = json!({"Version": "2012-10-17", "Statement": turned});
            prop_assert_eq!(canonical(&forward), canonical(&backward));
            prop_assert_eq!(canonical(&canonical(&forward)), canonical(&forward));
        }
    }
}
