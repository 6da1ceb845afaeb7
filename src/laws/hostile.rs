//! What users write is refused with the field named, or reaches names, tags, policies and scripts as nothing but data.

use std::collections::BTreeMap;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::Value;

use super::{config, nearly, text};
use crate::api::tests::full;
use crate::api::{SecureMLProject, check};
use crate::blueprint::tests::account;
use crate::blueprint::{Blueprint, Project, draw, script};
use crate::model::Owner;

/// Where `full` has text that a user chooses, as JSON pointers.
fn places() -> Vec<String> {
    fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(path.to_owned()),
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    walk(item, &format!("{path}/{i}"), found);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    walk(field, &format!("{path}/{name}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = vec!["/metadata/name".to_owned()];
    walk(&full()["spec"], "/spec", &mut found);
    found
}

/// `full` with a hostile text in one place, and the place.
fn one_hostile() -> impl Strategy<Value = (String, String, Value)> {
    let at = |place: String| {
        let sound = full()
            .pointer(&place)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        nearly(sound).prop_map(move |text| {
            let mut manifest = full();
            if let Some(value) = manifest.pointer_mut(&place) {
                *value = text.clone().into();
            }
            (place.clone(), text, manifest)
        })
    };
    Union::new(places().into_iter().map(at))
}

/// `/spec/notebooks/0/name` as it is called in messages.
fn field(place: &str) -> String {
    let parts = place.trim_start_matches('/').split('/');
    parts.fold(String::new(), |path, part| match part.parse::<usize>() {
        Ok(index) => format!("{path}[{index}]"),
        Err(_) if path.is_empty() => part.to_owned(),
        Err(_) => format!("{path}.{part}"),
    })
}

/// What `manifest` comes to, if it is accepted.
fn drawn(manifest: &Value) -> Option<Blueprint> {
    let object: SecureMLProject = serde_json::from_value(manifest.clone()).expect("what is accepted can be read");
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let project = Project::new(Owner::new("test", "default", name), object.spec, account()).ok()?;
    Some(draw(&project))
}

/// Of each text in a policy of `blueprint` what IAM would take for a pattern or a variable, counted.
fn patterns(blueprint: &Blueprint) -> BTreeMap<String, usize> {
    fn walk(value: &Value, within: bool, counts: &mut BTreeMap<String, usize>) {
        match value {
            Value::String(text) if within => {
                let marks: String = text.chars().filter(|letter| "*?${}".contains(*letter)).collect();
                *counts.entry(marks).or_default() += 1;
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, within, counts)),
            Value::Object(fields) => {
                let within = within || fields.contains_key("Statement");
                fields.values().for_each(|field| walk(field, within, counts));
            }
            _ => {}
        }
    }
    let mut counts = BTreeMap::new();
    blueprint
        .nodes
        .values()
        .for_each(|node| walk(&node.attributes, false, &mut counts));
    counts.remove("");
    counts
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn what_is_refused_names_the_field_and_what_is_accepted_is_data((place, text, manifest) in one_hostile()) {
        let problems = check(&manifest);
        if !problems.is_empty() {
            // A name that is too long with others is a matter of the list, or of the name given in its place.
            let field = field(&place);
            let named = |problem: &crate::api::Invalid| {
                field == problem.field || field.starts_with(&format!("{}[", problem.field)) || field.starts_with(&format!("{}.", problem.field))
                    || place.ends_with("/name") || place.ends_with("/projectName")
            };
            prop_assert!(problems.iter().any(named), "{place} = {text:?}: {problems:?}");
            return Ok(());
        }
        prop_assert!(!text.chars().any(|letter| letter.is_control() || "'\"`$\\{}?;&|<⟦⟧()#%\u{202e}".contains(letter)), "{place} takes {text:?}");
        let Some(blueprint) = drawn(&manifest) else { return Ok(()) };
        if !place.contains("InstanceTypes/") {
            prop_assert!(!text.contains('*'), "{place} takes {text:?}");
            let sound = drawn(&full()).expect("a sound manifest");
            prop_assert_eq!(patterns(&blueprint), patterns(&sound), "{} = {:?}", place, text);
        }
        for (key, node) in &blueprint.nodes {
            for (name, value) in node.tags.iter() {
                // https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
                let sound = |text: &str| text.chars().all(|letter| letter.is_alphanumeric() || " _.:/=+-@".contains(letter));
                prop_assert!(sound(name) && sound(value) && name.len() <= 128 && value.len() <= 256, "{key}: {name}={value}");
            }
        }
    }

}

proptest! {
    #![proptest_config(config(8))]

    /// Past the API server's rules: what stands in the script is a value to the shell that reads it.
    #[test]
    fn a_shell_takes_what_is_in_the_script_for_values(name in text(), install in prop::collection::vec(text(), 0..4)) {
        let mut project = crate::blueprint::tests::project(crate::api::SecureMLProjectSpec::default());
        let plain = |text: &String| text.replace('\0', "");
        project.name.clone_from(&name);
        project.spec.packages.install.clone_from(&install);
        let script = script(&project);
        let (values, _) = script.split_once("\nROOT=").expect("the code after the values");
        let directory = tempfile::tempdir().expect("a directory");
        let ask = "\nprintf '%s\\0' \"$PROJECT\" \"${PARAMETERS[0]}\" ${PACKAGES[@]+\"${PACKAGES[@]}\"}\n";
        let file = directory.path().join("script");
        std::fs::write(&file, format!("{values}{ask}")).expect("a file");
        let bash = |args: &[&str]| {
            let mut bash = Command::new("/bin/bash");
            bash.args(args).arg(&file).env_clear().current_dir(directory.path()).output().expect("bash")
        };
        let output = bash(&[]);
        prop_assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read: Vec<String> = output.stdout.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let mut wanted = vec![plain(&name), plain(&format!("ds-vpc-{name}-dev-id"))];
        wanted.extend(install.iter().map(plain));
        wanted.push(String::new());
        prop_assert_eq!(read, wanted);
        let there: Vec<_> = std::fs::read_dir(directory.path()).expect("a directory").flatten().map(|entry| entry.file_name()).collect();
        prop_assert_eq!(there, ["script"], "something else ran");
        std::fs::write(&file, &script).expect("a file");
        prop_assert!(bash(&["-n"]).status.success());
    }
}
