//! The checks of the API server, without an API server: the schema's bounds and its CEL rules, on one manifest.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use kube::core::cel::{CompiledSchema, Validator, apply_defaults, compile_schema};
use kube::{CustomResourceExt, Resource};
use serde_json::{Map, Value};

use super::SecureMLProject;
use crate::model::{is_label, is_subdomain_part};

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
    shape.envelope(&manifest);
    shape.value(&known.schema, &manifest, "");
    if !shape.problems.is_empty() {
        return shape.problems;
    }
    let refused = Validator::new().validate_compiled(&known.rules, &manifest, None).err();
    let refused = refused.into_iter().flat_map(|errors| errors.into_vec());
    refused
        .map(|error| Invalid::new(error.field_path.trim_start_matches('.'), error.message))
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

    /// What the API server asks of every object, and what says that the object is one of ours.
    fn envelope(&mut self, manifest: &Value) {
        let (group, kind) = (SecureMLProject::api_version(&()), SecureMLProject::kind(&()));
        for (field, wanted) in [("apiVersion", group), ("kind", kind)] {
            if manifest[field] != wanted.as_ref() {
                self.say(field, format!("must be {wanted}"));
            }
        }
        let metadata = &manifest["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        if name.is_empty() || name.len() > 253 || !name.split('.').all(is_subdomain_part) {
            self.say("metadata.name", SUBDOMAIN.to_owned());
        }
        if let Some(namespace) = metadata["namespace"].as_str()
            && !is_label(namespace)
        {
            self.say("metadata.namespace", LABEL.to_owned());
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

/// In the API server's words.
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
     must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "must be lower-case letters and digits with hyphens between them, at most 63";

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

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// A manifest in which every text that users may choose is there.
    pub(crate) fn full() -> Value {
        json!({
            "apiVersion": "secureml.dev/v1alpha1",
            "kind": "SecureMLProject",
            "metadata": { "name": "churn" },
            "spec": {
                "projectName": "churn",
                "maintenanceWindow": "sat:02:00-sat:06:00",
                "environmentType": "dev",
                "tags": { "CostCenter": "42" },
                "network": { "vpcCidr": "10.2.0.0/16", "subnetCidrs": ["10.2.1.0/24", "10.2.2.0/24"] },
                "endpoints": { "additional": ["secretsmanager"] },
                "packages": {
                    "mirror": { "endpointService": "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0" },
                    "install": ["pandas==2.2.3"],
                },
                "access": {
                    "adminPrincipals": ["arn:aws:iam::111122223333:root"],
                    "userPrincipals": ["arn:aws:iam::111122223333:role/science"],
                },
                "guardrails": {
                    "notebookInstanceTypes": ["ml.t3.*"],
                    "jobInstanceTypes": ["ml.m5.xlarge"],
                    "hostingInstanceTypes": ["ml.m5.xlarge"],
                },
                "notebooks": [{ "name": "ana", "ownerEmail": "ana@example.com", "instanceType": "ml.t3.medium" }],
                "adopt": {
                    "resources": [
                        { "resource": "Vpc/main", "id": "vpc-0123456789abcdef0", "from": "old-stack" },
                        { "resource": "KmsKey/project", "tags": { "CostCenter": "42" } },
                    ],
                    "confirm": "0123abcd-4567ef89",
                },
            },
        })
    }

    /// Where the schema allows text, as patterns of JSON pointers: `*` stands for an index or a key.
    pub(crate) fn texts(schema: &Value, path: &str, found: &mut Vec<String>) {
        if schema["type"] == "string" && schema["enum"].is_null() {
            found.push(path.to_owned());
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            texts(field, &format!("{path}/{name}"), found);
        }
        for inner in ["items", "additionalProperties"] {
            if schema[inner].is_object() {
                texts(&schema[inner], &format!("{path}/*"), found);
            }
        }
    }

    #[test]
    fn a_full_manifest_is_accepted() {
        assert_eq!(check(&full()), []);
    }

    #[test]
    fn no_text_may_look_like_a_reference() {
        let mut paths = Vec::new();
        texts(&KNOWN.schema["properties"]["spec"], "/spec", &mut paths);
        assert!(paths.len() >= 10, "{paths:?}");
        for path in paths {
            let mut manifest = full();
            let of = path.replace("/tags/*", "/tags/CostCenter");
            let place = ["0", "1"].map(|item| of.replace('*', item));
            let place = place.iter().find(|place| manifest.pointer(place).is_some());
            let text = place.and_then(|place| manifest.pointer_mut(place));
            *text.unwrap_or_else(|| panic!("a value for {path} is missing in full()")) = json!("⟦Vpc/main.id⟧");
            assert!(!check(&manifest).is_empty(), "{path} takes the brackets of a reference");
        }
        for tags in ["/spec/tags", "/spec/adopt/resources/1/tags"] {
            let mut manifest = full();
            manifest.pointer_mut(tags).expect("tags")["⟦Vpc/main.id⟧"] = json!("42");
            assert!(
                !check(&manifest).is_empty(),
                "a key of {tags} takes the brackets of a reference"
            );
        }
    }

    #[test]
    fn the_shape_is_checked_before_the_rules() {
        let table = [
            (
                "/spec/environmentType",
                json!("qa"),
                "spec.environmentType: must be one of dev, test, prod",
            ),
            (
                "/spec/tags/CostCenter",
                json!(42),
                "spec.tags.CostCenter: must be of type string",
            ),
            (
                "/spec/notebooks/0/volumeSizeGib",
                json!(1),
                "spec.notebooks[0].volumeSizeGib: must be at least 5",
            ),
            (
                "/spec/notebooks/0/size",
                json!(1),
                "spec.notebooks[0].size: is not a field that is known; remove it",
            ),
            (
                "/spec/drift",
                json!({ "intervalSeconds": 9999 }),
                "spec.drift.intervalSeconds: must be at most 3600",
            ),
            (
                "/spec/endpoints/additional",
                json!(["athena", "athena"]),
                "spec.endpoints.additional[1]: must not be there twice: athena",
            ),
            (
                "/spec/notebooks/0",
                json!({ "name": "ana" }),
                "spec.notebooks[0].ownerEmail: must be set",
            ),
        ];
        for (path, value, problem) in table {
            let mut manifest = full();
            let (parent, name) = path.rsplit_once('/').expect("a path");
            match manifest.pointer_mut(parent).expect("a parent") {
                Value::Array(items) => items[0] = value,
                fields => fields[name] = value,
            }
            let found: Vec<String> = check(&manifest).iter().map(ToString::to_string).collect();
            assert_eq!(found, [problem]);
        }
    }
}
