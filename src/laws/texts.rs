//! Texts in which other things stand: references, keys, owners.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{config, text};
use crate::model::{NodeKey, Output, Owner, Ref, references, resolve};

fn output() -> impl Strategy<Value = Output> {
    ("[A-Z][a-z]{0,5}", "[a-z0-9.-]{1,6}", "[a-zA-Z0-9]{1,6}").prop_map(|(kind, node, name)| Output {
        node: NodeKey::new(&kind, &node),
        name,
    })
}

/// A text with references in it, and those.
fn referring() -> impl Strategy<Value = (String, BTreeSet<Output>)> {
    prop::collection::vec(("[^⟦⟧]{0,5}", output()), 0..4).prop_map(|parts| {
        let written =
            |(before, output): &(String, Output)| format!("{before}{}", Ref::<()>::output(&output.node, &output.name));
        let text = parts.iter().map(written).collect();
        (text, parts.into_iter().map(|(_, output)| output).collect())
    })
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn what_is_written_is_found((text, outputs) in referring()) {
        prop_assert_eq!(references(&json!({ "x": [text.clone()] })), outputs.clone());
        prop_assert_eq!(references(&json!({ text: 1 })), outputs);
    }

    #[test]
    fn what_is_not_known_stays_and_what_is_put_in_is_not_read_again((text, outputs) in referring(), instead in text()) {
        let mut value = json!([text]);
        let before = value.clone();
        prop_assert_eq!(resolve(&mut value, &|_| None), outputs.clone());
        prop_assert_eq!(&value, &before);
        let unknown = resolve(&mut value, &|_| Some(instead.clone()));
        prop_assert!(unknown.is_empty());
        let wanted = outputs.iter().fold(text.clone(), |text, output| text.replace(&output.to_string(), "\u{0}")).replace('\u{0}', &instead);
        if !text.contains('\0') {
            prop_assert_eq!(value, json!([wanted]));
        }
    }

    #[test]
    fn no_text_panics(text in text()) {
        let mut value = Value::String(text.clone());
        let found = references(&value);
        let unknown = resolve(&mut value, &|_| None);
        prop_assert_eq!(found, unknown);
        prop_assert_eq!(value.as_str(), Some(text.as_str()));
        if let Ok(key) = text.parse::<NodeKey>() {
            prop_assert_eq!(key.to_string(), text.clone());
        }
        if let Ok(owner) = text.parse::<Owner>() {
            prop_assert_eq!(owner.to_string(), text.clone());
        }
        if let Ok(installation) = crate::model::installation(&text) {
            let owner = Owner::new(&installation, "default", "churn");
            prop_assert_eq!(owner.to_string().parse::<Owner>().ok(), Some(owner));
        }
    }
}
