//! How the sections of the spec say what they refuse: CEL rules that stand in the schema, for the API server and for
//! [`super::check`].

use kube::core::{Reason, Rule as Validation};
use schemars::Schema;
use schemars::transform::Transform;
use serde_json::Value;

/// One thing that is refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// What must hold, in CEL; `self` is the value the rule stands on.
    pub must: &'static str,
    /// What the user is told when it does not, after the path of the field: what would be right. Constant, since
    /// Kubernetes bounds what computing it may cost and then refuses the whole definition.
    pub says: &'static str,
    /// Whether the value as such is fine and only the change is not.
    pub forbids_change: bool,
    /// The field at fault, from the value on which the rule stands: `.subnetCidrs`.
    pub at: Option<&'static str>,
}

impl Rule {
    /// Refuses a value for which `must` does not hold.
    pub const fn new(must: &'static str, says: &'static str) -> Self {
        Self {
            must,
            says,
            forbids_change: false,
            at: None,
        }
    }

    /// Refuses a change for which `must` does not hold; the former value is `oldSelf`.
    pub const fn change(must: &'static str, says: &'static str) -> Self {
        Self {
            forbids_change: true,
            ..Self::new(must, says)
        }
    }

    /// The same rule about the field at `path`.
    pub const fn at(self, path: &'static str) -> Self {
        Self { at: Some(path), ..self }
    }
}

impl From<Rule> for Validation {
    fn from(rule: Rule) -> Self {
        Self {
            rule: on_one_line(rule.must),
            message: Some(rule.says.into()),
            field_path: rule.at.map(str::to_owned),
            reason: rule.forbids_change.then_some(Reason::FieldValueForbidden),
            optional_old_self: None,
        }
    }
}

/// As it is printed.
fn on_one_line(cel: &str) -> String {
    cel.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Puts rules on a schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules(pub &'static [Rule]);

impl Transform for Rules {
    fn transform(&mut self, schema: &mut Schema) {
        let rules: Vec<Validation> = self.0.iter().copied().map(Into::into).collect();
        schema.insert(
            "x-kubernetes-validations".to_owned(),
            serde_json::to_value(rules).unwrap_or_default(),
        );
    }
}

/// Puts rules on each item of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct EachItem(pub &'static [Rule]);

impl Transform for EachItem {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Ok(items)) = schema.get_mut("items").map(<&mut Schema>::try_from) {
            Rules(self.0).transform(items);
        }
    }
}

/// Appends to a field's description what each of its values means: the descriptions of the variants.
pub(super) fn with_values(schema: &mut Schema) {
    let variants = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let meanings = variants.filter_map(|variant| {
        let value = variant.get("const")?.as_str()?;
        let meaning = variant.get("description")?.as_str()?;
        Some(format!("{value}: {meaning}"))
    });
    let meanings: Vec<String> = meanings.collect();
    if meanings.is_empty() {
        return;
    }
    let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let described = format!("{about}\n\n{}", meanings.join("\n\n"));
    schema.insert("description".to_owned(), Value::String(described));
}
