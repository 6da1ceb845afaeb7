//! Plans: nothing where everything is as declared, something where anything is not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{config, text};
use crate::api::{EnvironmentType, Preset, SecureMLProjectSpec, VolumeKey};
use crate::blueprint::tests::project;
use crate::blueprint::{Blueprint, draw};
use crate::kinds::{self, Identity};
use crate::model::{NodeKey, Output, references, resolve};
use crate::plan::{Action, Effect, Goal, Object, Phase, Plan, World, plan, render};

fn spec() -> impl Strategy<Value = SecureMLProjectSpec> {
    (any::<bool>(), any::<bool>(), 0_usize..3, prop::collection::btree_map("[A-Z][a-z]{2}", "[a-z]{0,3}", 0..3), any::<bool>()).prop_map(
        |(strict, own_keys, notebooks, tags, mirror)| {
            let notebook = |name: &&str| {
                serde_json::from_value(json!({"name": name, "ownerEmail": "a@example.com", "instanceType": "ml.t3.medium"})).expect("a notebook")
            };
            let mut spec = SecureMLProjectSpec {
                environment_type: EnvironmentType::Prod,
                tags,
                notebooks: ["ana", "bo"][..notebooks].iter().map(notebook).collect(),
                ..SecureMLProjectSpec::default()
            };
            spec.guardrails.preset = if strict { Preset::Strict } else { Preset::Standard };
            spec.encryption.notebook_volume_key = if own_keys { VolumeKey::PerNotebook } else { VolumeKey::Shared };
            if mirror {
                spec.packages = serde_json::from_value(json!({"mirror": {"endpointService": "com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0"}}))
                    .expect("packages");
            }
            spec
        },
    )
}

/// What a resource will be called, as far as anybody refers to it.
fn called(output: &Output) -> String {
    format!(
        "{}-{}-{}",
        output.node.kind.to_lowercase(),
        output.node.name,
        output.name
    )
}

/// AWS as `blueprint` declares it.
fn built(blueprint: &Blueprint) -> World {
    let all = serde_json::to_value(blueprint.nodes.values().collect::<Vec<_>>()).expect("JSON");
    let referred = references(&all);
    let objects = blueprint.nodes.values().map(|node| {
        let mut attributes = node.attributes.clone();
        let unknown = resolve(&mut attributes, &|output| Some(called(output)));
        assert!(unknown.is_empty());
        let kind = kinds::find(&node.key.kind).expect("a kind");
        let outputs = referred
            .iter()
            .filter(|output| output.node == node.key)
            .map(|output| (output.name.clone(), called(output)));
        let object = Object {
            kind: node.key.kind.clone(),
            id: match kind.identity() {
                Identity::Name => node.name.clone(),
                Identity::Tags => format!("id-of-{}", node.key.name),
            },
            outputs: outputs.collect(),
            attributes: kind.canonical(attributes).expect("attributes of the kind"),
            tags: node.tags.clone(),
            state: String::new(),
            phase: Phase::Ready,
        };
        (node.key.clone(), vec![object])
    });
    World {
        owned: objects.collect(),
        ..World::default()
    }
}

fn planned(blueprint: &Blueprint, world: &World, goal: Goal) -> Plan {
    plan(blueprint, world, goal).expect("a plan")
}

/// One environment with something of everything, for laws about single fields.
static FULL: LazyLock<(Blueprint, World)> = LazyLock::new(|| {
    let spec = serde_json::from_value(json!({
        "environmentType": "dev",
        "tags": {"CostCenter": "42"},
        "encryption": {"notebookVolumeKey": "PerNotebook"},
        "packages": {"mirror": {"endpointService": "com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0"}},
        "notebooks": [{"name": "ana", "ownerEmail": "ana@example.com", "instanceType": "ml.t3.medium"}],
    }));
    let blueprint = draw(&project(spec.expect("a spec")));
    let world = built(&blueprint);
    (blueprint, world)
});

/// Every place in `value` where something single stands, as JSON pointers.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}/{i}"), found);
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                leaves(
                    field,
                    &format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        _ => found.push(path.to_owned()),
    }
}

/// A resource of [`FULL`], a place in what it is, and something else to stand there.
fn tampered() -> impl Strategy<Value = (NodeKey, String, Value)> {
    let places: Vec<(NodeKey, String)> = FULL
        .1
        .owned
        .iter()
        .flat_map(|(key, objects)| {
            let mut found = Vec::new();
            objects
                .iter()
                .for_each(|object| leaves(&object.attributes, "", &mut found));
            found.into_iter().map(|place| (key.clone(), place))
        })
        .collect();
    let other = prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (0_i32..100_000).prop_map(Value::from),
        Just(Value::Null),
        prop::collection::vec(text().prop_map(Value::from), 0..2).prop_map(Value::from),
    ];
    (prop::sample::select(places), other).prop_map(|((key, place), other)| (key, place, other))
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn what_is_as_declared_is_kept(spec in spec()) {
        let blueprint = draw(&project(spec));
        let plan = planned(&blueprint, &built(&blueprint), Goal::Present);
        prop_assert!(plan.steps.values().all(|step| step.action == Action::Keep), "{}", render(&plan));
        prop_assert_eq!(plan.steps.len(), blueprint.nodes.len());
    }

    #[test]
    fn what_is_missing_is_made_and_nothing_else(spec in spec(), gone in any::<prop::sample::Index>()) {
        let blueprint = draw(&project(spec));
        let mut world = built(&blueprint);
        let keys: Vec<NodeKey> = world.owned.keys().cloned().collect();
        let gone = gone.get(&keys);
        world.owned.remove(gone);
        let plan = planned(&blueprint, &world, Goal::Present);
        for (key, step) in &plan.steps {
            prop_assert_eq!(step.action == Action::Create, key == gone, "{}", render(&plan));
        }
    }

    #[test]
    fn everything_goes_that_holds_no_data(spec in spec()) {
        let blueprint = draw(&project(spec));
        let plan = planned(&blueprint, &built(&blueprint), Goal::Absent);
        for (key, step) in &plan.steps {
            let holds_data = kinds::find(&key.kind).is_some_and(|kind| kind.holds_data());
            let retained = holds_data && !blueprint.forsaken.contains(&key.kind);
            let wanted = if retained { Action::Retain } else { Action::Delete };
            prop_assert_eq!(step.action, wanted, "{}", key);
        }
        let before: BTreeMap<&NodeKey, _> = plan.steps.iter().map(|(key, step)| (key, &step.after)).collect();
        prop_assert!(before.iter().all(|(key, after)| !after.contains(*key)));
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn a_difference_of_any_field_is_found((key, place, other) in tampered()) {
        let (blueprint, world) = &*FULL;
        let mut world = world.clone();
        let kind = kinds::find(&key.kind).expect("a kind");
        let object = &mut world.owned.get_mut(&key).expect("a resource")[0];
        let declared = object.attributes.clone();
        let mut actual = declared.clone();
        *actual.pointer_mut(&place).expect("a place") = other;
        // AWS is read in the kind's form; what is not of that form never comes from a reading.
        let Ok(actual) = kind.canonical(actual) else { return Ok(()) };
        object.attributes = actual.clone();
        let plan = planned(blueprint, &world, Goal::Present);
        let step = &plan.steps[&key];
        let told: Vec<&str> = step.changes.iter().map(|change| change.field.as_str()).collect();
        for field in kind.fields() {
            let (before, after) = (&actual[field.name], &declared[field.name]);
            let matters = before != after && kind.effect(field, before, after) != Effect::Ignore;
            prop_assert_eq!(told.contains(&field.name), matters, "{} {}: {} for {}", key, field.name, before, after);
        }
        prop_assert_eq!(step.action == Action::Keep, told.is_empty(), "{}", render(&plan));
    }

    #[test]
    fn a_tag_that_is_missing_or_changed_is_found(place in any::<prop::sample::Index>(), value in prop::option::of(text())) {
        let (blueprint, world) = &*FULL;
        let tags: Vec<(&NodeKey, String)> = blueprint.nodes.iter()
            .filter(|(key, _)| kinds::find(&key.kind).is_some_and(|kind| kind.taggable()))
            .flat_map(|(key, node)| node.tags.iter().map(move |(name, _)| (key, name.to_owned())).collect::<Vec<_>>())
            .collect();
        let (key, tag) = place.get(&tags);
        let mut world = world.clone();
        let object = &mut world.owned.get_mut(key).expect("a resource")[0];
        let before = object.tags.clone();
        object.tags = before.iter().filter(|(name, _)| name != tag).collect();
        if let Some(value) = &value {
            object.tags = object.tags.clone().with(tag, value.clone());
        }
        let same = object.tags == before;
        let plan = planned(blueprint, &world, Goal::Present);
        let told = plan.steps[*key].changes.iter().any(|change| change.field == "tags");
        prop_assert_eq!(told, !same, "{} {}", key, tag);
    }
}

/// What is no field of its kind is compared by nobody: it can only be what the resource is called, or its past.
#[test]
fn every_attribute_is_a_field() {
    let (_, world) = &*FULL;
    let attributes = world.owned.iter().flat_map(|(key, objects)| {
        let kind = kinds::find(&key.kind).expect("a kind");
        let names = objects[0]
            .attributes
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str());
        names
            .filter(|name| kind.fields().iter().all(|field| field.name != *name))
            .map(|name| (kind.name(), name))
    });
    let others: BTreeSet<(&str, &str)> = attributes.collect();
    assert_eq!(
        others,
        BTreeSet::from([("IamPolicy", "arn"), ("IamPolicy", "oldVersions")])
    );
}
