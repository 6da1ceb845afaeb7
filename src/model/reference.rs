//! References from one resource to what another will be called once it exists.
//!
//! A reference travels inside any text, as `⟦Vpc/main.id⟧`, so a policy may name an endpoint that is not there
//! yet. The brackets cannot occur in an AWS name, and user input that has them is refused at the API server.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NodeKey;

const OPEN: char = '⟦';
const CLOSE: char = '⟧';

/// One output of a node that others may refer to: its `id`, its `arn`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Output {
    /// The node that has the output.
    pub node: NodeKey,
    /// The name of the output.
    pub name: String,
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OPEN}{}.{}{CLOSE}", self.node, self.name)
    }
}

/// The identifier of a resource of kind `K`: known, or an [`Output`] of a node still to be made.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ref<K> {
    text: String,
    #[serde(skip)]
    kind: PhantomData<fn() -> K>,
}

impl<K> Ref<K> {
    /// A reference to the output `name` of `node`.
    pub fn output(node: &NodeKey, name: &str) -> Self {
        Self::known(
            Output {
                node: node.clone(),
                name: name.to_owned(),
            }
            .to_string(),
        )
    }

    /// An identifier as AWS gave it.
    pub fn known(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: PhantomData,
        }
    }

    /// The identifier, or the reference in brackets.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<K> fmt::Display for Ref<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<K> fmt::Debug for Ref<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl<K> Clone for Ref<K> {
    fn clone(&self) -> Self {
        Self::known(self.text.clone())
    }
}

impl<K> PartialEq for Ref<K> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<K> Eq for Ref<K> {}

impl<K> PartialOrd for Ref<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Ref<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl<K> From<Ref<K>> for String {
    fn from(reference: Ref<K>) -> Self {
        reference.text
    }
}

/// A reference to an output that nobody knows (yet).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not known")]
pub struct UnknownOutput(pub Output);

/// Every output that the texts inside `value` refer to.
pub fn references(value: &Value) -> BTreeSet<Output> {
    let mut found = BTreeSet::new();
    visit(value, &mut |text| found.extend(pieces(text).filter_map(Piece::output)));
    found
}

/// Puts what `known` answers in the place of every reference inside `value`. References it has no answer for
/// stay as they are and are returned.
pub fn resolve(value: &mut Value, known: &impl Fn(&Output) -> Option<String>) -> BTreeSet<Output> {
    let mut unknown = BTreeSet::new();
    rewrite(value, &mut |text| {
        if !text.contains(OPEN) {
            return None;
        }
        let mut resolved = String::with_capacity(text.len());
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => resolved.push_str(text),
                Piece::Output(output) => match known(&output) {
                    Some(value) => resolved.push_str(&value),
                    None => {
                        resolved.push_str(&output.to_string());
                        unknown.insert(output);
                    }
                },
            }
        }
        Some(resolved)
    });
    unknown
}

enum Piece<'a> {
    Text(&'a str),
    Output(Output),
}

impl Piece<'_> {
    fn output(self) -> Option<Output> {
        match self {
            Piece::Output(output) => Some(output),
            Piece::Text(_) => None,
        }
    }
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = rest.find(OPEN).unwrap_or(rest.len());
        if start > 0 {
            let (before, after) = rest.split_at(start);
            rest = after;
            return Some(Piece::Text(before));
        }
        let end = rest.find(CLOSE).map_or(rest.len(), |at| at + CLOSE.len_utf8());
        let (bracketed, after) = rest.split_at(end);
        rest = after;
        Some(parse(bracketed).map_or(Piece::Text(bracketed), Piece::Output))
    })
}

fn parse(bracketed: &str) -> Option<Output> {
    let inner = bracketed.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    let (node, name) = inner.rsplit_once('.')?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    Some(Output {
        node: node.parse().ok()?,
        name: name.to_owned(),
    })
}

fn visit(value: &Value, seen: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => seen(text),
        Value::Array(items) => items.iter().for_each(|item| visit(item, seen)),
        Value::Object(fields) => {
            for (key, item) in fields {
                seen(key);
                visit(item, seen);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn rewrite(value: &mut Value, change: &mut impl FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(changed) = change(text) {
                *text = changed;
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| rewrite(item, change));
        }
        Value::Object(fields) => {
            for (key, mut item) in std::mem::take(fields) {
                rewrite(&mut item, change);
                fields.insert(change(&key).unwrap_or(key), item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vpc() -> NodeKey {
        NodeKey::new("Vpc", "main")
    }

    #[test]
    fn a_reference_inside_a_text_is_found_and_resolved() {
        let id = Ref::<()>::output(&vpc(), "id");
        let mut value = json!({"arn": format!("arn:aws:ec2:::vpc/{id}"), "n": 3});
        assert_eq!(references(&value).len(), 1);
        let unknown = resolve(&mut value, &|output| (output.node == vpc()).then(|| "vpc-1".to_owned()));
        assert!(unknown.is_empty());
        assert_eq!(value, json!({"arn": "arn:aws:ec2:::vpc/vpc-1", "n": 3}));
    }

    #[test]
    fn an_unknown_reference_stays_and_is_reported() {
        let mut value = json!([Ref::<()>::output(&vpc(), "id").as_str()]);
        let before = value.clone();
        let unknown = resolve(&mut value, &|_| None);
        assert_eq!(value, before);
        assert_eq!(
            unknown.first().map(ToString::to_string).as_deref(),
            Some("⟦Vpc/main.id⟧")
        );
    }

    #[test]
    fn unbalanced_brackets_are_plain_text() {
        let mut value = json!("⟦Vpc/main.id and ⟧ more");
        assert!(resolve(&mut value, &|_| Some(String::new())).is_empty());
        assert_eq!(value, json!("⟦Vpc/main.id and ⟧ more"));
    }
}
