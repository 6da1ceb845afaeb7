//! Which field of the spec decides what a resource is: what to edit when AWS does not take it.

use crate::model::NodeKey;

/// Kinds, or single resources, each with the field that decides what they are. A resource goes before its kind. Where there
/// is no field, everything follows from names that were found sound, and what AWS refuses there is a bug.
const FIELDS: &[(&str, Option<&str>)] = &[
    ("Bucket", None),
    ("FlowLog", None),
    ("IamPolicy", Some("spec.guardrails")),
    ("IamRole/admin", Some("spec.access.adminPrincipals")),
    ("IamRole/user", Some("spec.access.userPrincipals")),
    ("IamRole", None),
    ("KmsKey", Some("spec.encryption.rotationPeriodDays")),
    ("LifecycleConfig", Some("spec.packages")),
    ("LogGroup", Some("spec.network.flowLogRetentionDays")),
    ("Notebook", Some("spec.notebooks")),
    ("Parameter", None),
    ("ResourceGroup", None),
    ("RouteTable", None),
    ("SecurityGroup", None),
    ("SecurityGroupRules", None),
    ("Subnet", Some("spec.network.subnetCidrs")),
    ("Vpc", Some("spec.network.vpcCidr")),
    ("VpcEndpoint", Some("spec.endpoints")),
];

/// The field of the spec that decides what `node` is, if there is one.
pub fn field_of(node: &NodeKey) -> Option<String> {
    let name = node.to_string();
    let is_of = |key: &str| key == name || key == node.kind;
    let (_, field) = FIELDS.iter().find(|(key, _)| is_of(key))?;
    let field = (*field)?;
    Some(match node.kind.as_str() {
        "Notebook" => format!("the entry of {field} with the name {}", node.name),
        _ => field.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kube::CustomResourceExt as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::SecureMLProject;
    use crate::blueprint::draw;
    use crate::blueprint::tests::project;
    use crate::kinds::KINDS;

    /// Every resource that some spec asks for.
    fn nodes() -> BTreeSet<NodeKey> {
        let notebooks = json!([{"name": "ana", "ownerEmail": "ana@example.com"}]);
        let specs = [
            json!({"environmentType": "dev", "notebooks": notebooks}),
            json!({"environmentType": "prod", "notebooks": notebooks, "encryption": {"notebookVolumeKey": "PerNotebook"},
                   "endpoints": {"set": "Minimal"}}),
        ];
        let nodes = specs.into_iter().flat_map(|spec| {
            let spec = serde_json::from_value(spec).expect("a spec");
            draw(&project(spec)).nodes.into_keys()
        });
        nodes.collect()
    }

    #[test]
    fn every_field_is_one_of_the_spec() {
        let definition = serde_json::to_value(SecureMLProject::crd()).expect("a definition");
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        for (key, field) in FIELDS {
            let path = field.iter().flat_map(|field| field.split('.'));
            let found = path.fold(schema, |schema, part| &schema["properties"][part]);
            assert!(*found != Value::Null, "{key}: {field:?}");
        }
    }

    #[test]
    fn every_resource_is_in_the_table() {
        let nodes = nodes();
        for kind in KINDS {
            assert!(nodes.iter().any(|node| node.kind == kind.name()), "no {}", kind.name());
        }
        for node in &nodes {
            let name = node.to_string();
            let rows = FIELDS.iter().filter(|(key, _)| *key == name || *key == node.kind);
            assert!(rows.count() >= 1, "{node}");
        }
        for (key, _) in FIELDS {
            let used = nodes.iter().any(|node| node.to_string() == *key || node.kind == *key);
            assert!(used, "{key} is no resource");
        }
    }

    #[test]
    fn a_notebook_is_named() {
        let field = field_of(&NodeKey::new("Notebook", "ana"));
        assert_eq!(field.as_deref(), Some("the entry of spec.notebooks with the name ana"));
        assert_eq!(field_of(&NodeKey::new("RouteTable", "private")), None);
    }
}
