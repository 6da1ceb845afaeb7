//! The checks of the API server, without an API server: the schema's bounds and its CEL rules, on one manifest.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use kube::CustomResourceExt;
use kube::core::cel::{CompiledSchema, Validator, apply_defaults, compile_schema};
use serde_json::{Map, Value};

use super::SecureMLProject;

/// A spec that cannot be built, with the field at fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// The path of the field.
    pub field: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl Invalid {
    /// `field` is not acceptable because of `problem`.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// Everything that the API server would say against `manifest`, a new SecureMLProject.
///
/// As there, the rules are not tried on a manifest whose shape is wrong.
pub fn check(manifest: &Value) -> Vec<Invalid> {
    let known = &*KNOWN;
    let mut manifest = apply_defaults(&known.schema, manifest);
    if let Some(fields) = manifest.as_object_mut() {
        fields.remove("status");
    }
    let mut shape = Shape::default();
    shape.value(&known.schema, &manifest, "");
    if !shape.problems.is_empty() {
        return shape.problems;
    }
    let refused = Validator::new().validate_compiled(&known.rules, &manifest, None).err();
    let refused = refused.into_iter().flat_map(|errors| errors.into_vec());
    refused
        .map(|error| Invalid::new(error.field_path, error.message))
        .collect()
}

struct Known {
    schema: Value,
    rules: CompiledSchema,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let definition = serde_json::to_value(SecureMLProject::crd()).unwrap_or_default();
    let schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
    let rules = compile_schema(&schema);
    Known { schema, rules }
});

/// Compares a value with the schema's types and bounds.
#[derive(Debug, Default)]
struct Shape {
    problems: Vec<Invalid>,
}

impl Shape {
    fn value(&mut self, schema: &Value, value: &Value, path: &str) {
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        let wanted = schema["type"].as_str().unwrap_or("object");
        if !is_a(value, wanted) {
            return self.say(path, format!("must be of type {wanted}"));
        }
        if let Some(choice) = schema["enum"].as_array()
            && !choice.contains(value)
        {
            let choice: Vec<String> = choice.iter().map(plainly).collect();
            return self.say(path, format!("must be one of {}", choice.join(", ")));
        }
        self.bounds(schema, value, path);
        match value {
            Value::Object(fields) => self.fields(schema, fields, path),
            Value::Array(items) => self.items(schema, items, path),
            _ => {}
        }
    }

    fn bounds(&mut self, schema: &Value, value: &Value, path: &str) {
        let (size, least, most, unit) = match value {
            Value::String(text) => (count(text.chars()), "minLength", "maxLength", " characters long"),
            Value::Array(items) => (count(items.iter()), "minItems", "maxItems", " items long"),
            Value::Object(fields) => (count(fields.iter()), "minProperties", "maxProperties", " entries long"),
            Value::Number(number) => (number.as_f64().unwrap_or_default(), "minimum", "maximum", ""),
            Value::Null | Value::Bool(_) => return,
        };
        if let Some(least) = schema[least].as_f64().filter(|least| size < *least) {
            self.say(path, format!("must be at least {least}{unit}"));
        }
        if let Some(most) = schema[most].as_f64().filter(|most| size > *most) {
            self.say(path, format!("must be at most {most}{unit}"));
        }
    }

    fn fields(&mut self, schema: &Value, fields: &Map<String, Value>, path: &str) {
        for required in schema["required"].as_array().into_iter().flatten().map(plainly) {
            if !fields.contains_key(&required) {
                self.say(&within(path, &required), "must be set".to_owned());
            }
        }
        for (name, value) in fields {
            let path = within(path, name);
            let known = &schema["properties"][name];
            let any = &schema["additionalProperties"];
            if known.is_object() {
                self.value(known, value, &path);
            } else if any.is_object() {
                self.value(any, value, &path);
            } else if !ENVELOPE.contains(&path.as_str()) {
                self.say(&path, "is not a field that is known; remove it".to_owned());
            }
        }
    }

    fn items(&mut self, schema: &Value, items: &[Value], path: &str) {
        let keys: Vec<String> = match schema["x-kubernetes-list-map-keys"].as_array() {
            Some(keys) => keys.iter().map(plainly).collect(),
            None => Vec::new(),
        };
        let unique = schema["x-kubernetes-list-type"] == "set" || !keys.is_empty();
        let mut seen = BTreeSet::new();
        for (i, item) in items.iter().enumerate() {
            let path = format!("{path}[{i}]");
            self.value(&schema["items"], item, &path);
            let identity = if keys.is_empty() {
                plainly(item)
            } else {
                keys.iter().map(|key| plainly(&item[key])).collect()
            };
            if unique && !seen.insert(identity.clone()) {
                self.say(&path, format!("must not be there twice: {identity}"));
            }
        }
    }

    fn say(&mut self, path: &str, problem: String) {
        self.problems.push(Invalid::new(path, problem));
    }
}

/// What stands around spec and status, which the schema does not describe.
const ENVELOPE: [&str; 3] = ["apiVersion", "kind", "metadata"];

fn is_a(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Object(_) => wanted == "object",
        Value::Array(_) => wanted == "array",
        Value::String(_) => wanted == "string",
        Value::Bool(_) => wanted == "boolean",
        Value::Number(number) => wanted == "number" || (wanted == "integer" && !number.is_f64()),
        Value::Null => false,
    }
}

/// Sizes are compared as the schema holds its bounds: as floating-point numbers.
#[expect(clippy::cast_precision_loss, reason = "no manifest has 2^52 of anything")]
fn count(things: impl Iterator) -> f64 {
    things.count() as f64
}

fn within(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn plainly(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
