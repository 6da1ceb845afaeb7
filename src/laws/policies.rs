//! Policies: one form for one meaning, whatever comes in.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{config, text};
use crate::policy::evaluate::{Policies, Request, evaluate};
use crate::policy::{Document, lint, matches};

/// Any JSON, with a liking for the words of policies.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "Version",
            "Statement",
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
            "AWS",
            "Service",
            "Allow",
            "Deny",
            "2012-10-17",
            "2008-10-17",
            "*",
            "Bool",
            "aws:SecureTransport",
            "StringLike",
        ])
        .prop_map(str::to_owned),
        text(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn one_or_many(of: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = Value> {
    prop_oneof![
        of.clone().prop_map(Value::from),
        prop::collection::vec(of, 1..4).prop_map(Value::from)
    ]
}

fn principal() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("*".to_owned()),
        "[0-9]{12}",
        "arn:aws:iam::[0-9]{12}:(root|role/[a-z]{1,3})",
        "[a-z]{1,3}\\.amazonaws\\.com",
    ];
    let kind = prop::sample::select(vec!["AWS", "Service", "Federated", "CanonicalUser"]);
    let typed = prop::collection::btree_map(kind, one_or_many(name), 1..3);
    prop_oneof![1 => Just(json!("*")), 4 => typed.prop_map(|typed| json!(typed))]
}

fn statement() -> impl Strategy<Value = Value> {
    let action = "(s3|kms|sagemaker):(Get|Put)?[A-Z*?]{0,2}";
    let resource = prop_oneof![
        Just("*".to_owned()),
        "arn:aws:s3:::[a-b*]{1,3}(/\\$\\{aws:username\\})?"
    ];
    let operator = prop::sample::select(vec![
        "Bool",
        "StringEquals",
        "StringNotEqualsIfExists",
        "ForAnyValue:StringLike",
        "ArnLike",
        "NumericLessThan",
    ]);
    let key = prop::sample::select(vec!["aws:SecureTransport", "aws:PrincipalTag/x", "aws:sourceVpce"]);
    let value = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        "[a-c*]{0,2}".prop_map(Value::from)
    ];
    let values = prop_oneof![value.clone(), prop::collection::vec(value, 1..4).prop_map(Value::from)];
    let conditions = prop::collection::btree_map(operator, prop::collection::btree_map(key, values, 1..3), 0..3);
    (
        prop::option::of("[A-Z][a-z]{0,2}"),
        any::<bool>(),
        (any::<bool>(), one_or_many(action)),
        (any::<bool>(), one_or_many(resource)),
        prop::option::of((any::<bool>(), principal())),
        conditions,
    )
        .prop_map(
            |(sid, allows, (not_action, actions), (not_resource, resources), principals, conditions)| {
                let mut statement = Map::new();
                statement.extend(sid.map(|sid| ("Sid".to_owned(), json!(sid))));
                statement.insert("Effect".to_owned(), json!(if allows { "Allow" } else { "Deny" }));
                statement.insert(if not_action { "NotAction" } else { "Action" }.to_owned(), actions);
                statement.insert(
                    if not_resource { "NotResource" } else { "Resource" }.to_owned(),
                    resources,
                );
                if let Some((not, principals)) = principals {
                    statement.insert(if not { "NotPrincipal" } else { "Principal" }.to_owned(), principals);
                }
                if !conditions.is_empty() {
                    statement.insert("Condition".to_owned(), json!(conditions));
                }
                Value::Object(statement)
            },
        )
}

fn policy() -> impl Strategy<Value = Value> {
    prop::collection::vec(statement(), 0..4)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

fn read(policy: &Value) -> Document {
    Document::parse(&policy.to_string()).expect("a policy")
}

fn written(document: &Document) -> Value {
    serde_json::from_str(&document.to_json()).expect("JSON")
}

/// `policy` as somebody else would write the same: in another order, with more in it than needs be, in other forms.
fn reworded(policy: &Value, seed: u64) -> Value {
    let mut dice = seed;
    let mut chance = move || {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33).is_multiple_of(2)
    };
    let mut policy = policy.clone();
    reword(&mut policy, "", &mut chance);
    policy
}

fn reword(value: &mut Value, name: &str, chance: &mut impl FnMut() -> bool) {
    // What stands for one thing, and for a list of it.
    let listed = matches!(
        name,
        "Statement"
            | "Action"
            | "NotAction"
            | "Resource"
            | "NotResource"
            | "AWS"
            | "Service"
            | "Federated"
            | "CanonicalUser"
            | "value"
    );
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                // Below the key of a condition stand values.
                let name = if name == "operator" {
                    "value"
                } else if name == "Condition" {
                    "operator"
                } else {
                    key.as_str()
                };
                reword(field, name, chance);
            }
        }
        Value::Array(items) => {
            items
                .iter_mut()
                .for_each(|item| reword(item, if name == "Statement" { "" } else { "item" }, chance));
            if chance() {
                items.reverse();
            }
            if chance() && !items.is_empty() {
                items.push(items[0].clone());
            }
        }
        _ => {}
    }
    if name == "AWS" && value.as_str().is_some_and(|text| text.len() == 12) && chance() {
        *value = json!(format!("arn:aws:iam::{}:root", value.as_str().unwrap_or_default()));
    }
    if name == "Principal" || name == "NotPrincipal" {
        if *value == "*" && chance() {
            *value = json!({"AWS": "*"});
        }
        return;
    }
    if name == "value" && (value.is_boolean() || value.is_number()) && chance() {
        *value = json!(value.to_string());
    }
    if listed && !value.is_array() && chance() {
        *value = json!([value.clone()]);
    } else if listed && chance() && value.as_array().is_some_and(|items| items.len() == 1) {
        *value = value[0].clone();
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn nothing_panics_and_what_is_read_is_written_in_one_form(value in any_json()) {
        if let Ok(document) = Document::parse(&value.to_string()) {
            let _ = lint(&document);
            let once = written(&document);
            prop_assert_eq!(written(&read(&once)), once);
        }
    }

    #[test]
    fn no_text_panics(text in text()) {
        let _ = Document::parse(&text);
        #[cfg(feature = "aws")]
        let _ = crate::kinds::iam_document(Some(&text));
    }

    #[test]
    fn the_form_of_the_form_is_the_form(policy in policy()) {
        let document = read(&policy);
        let once = written(&document);
        prop_assert_eq!(&read(&once), &document);
        prop_assert_eq!(written(&read(&once)), once);
        let brief: Value = serde_json::from_str(&document.to_brief_json()).expect("JSON");
        prop_assert_eq!(read(&brief), document);
    }

    #[test]
    fn what_is_worded_otherwise_is_the_same(policy in policy(), seed in any::<u64>()) {
        let other = reworded(&policy, seed);
        prop_assert_eq!(written(&read(&other)), written(&read(&policy)), "{}", other);
    }

    /// A form that is the same means the same to whoever evaluates it.
    #[test]
    fn the_form_is_evaluated_as_what_was_read(policy in policy(), action in "(s3|kms):[A-Z]{1,2}", bucket in "[a-b]{1,3}") {
        let document = read(&policy);
        let form = read(&written(&document));
        let request = Request::new("arn:aws:iam::111122223333:role/a", &action, &format!("arn:aws:s3:::{bucket}"), "111122223333")
            .with("aws:SecureTransport", ["true"])
            .with("aws:sourceVpce", ["a"]);
        let said = |document| {
            let policies = Policies { identity: vec![document], ..Policies::default() };
            evaluate(&request, &policies).outcome
        };
        prop_assert_eq!(said(&document), said(&form));
    }

    #[test]
    fn what_a_statement_says_otherwise_differs(policy in policy().prop_filter("one statement", |policy| policy["Statement"].as_array().is_some_and(|all| all.len() == 1))) {
        let form = written(&read(&policy));
        for change in [
            |statement: &mut Value| statement["Effect"] = json!(if statement["Effect"] == "Allow" { "Deny" } else { "Allow" }),
            |statement: &mut Value| { let key = if statement.get("Action").is_some() { "Action" } else { "NotAction" }; statement[key] = json!(["ec2:New"]); },
            |statement: &mut Value| { let key = if statement.get("Resource").is_some() { "Resource" } else { "NotResource" }; statement[key] = json!("arn:aws:s3:::new"); },
            |statement: &mut Value| statement["Condition"]["Null"]["aws:new"] = json!("true"),
            |statement: &mut Value| statement["Principal"] = json!({"AWS": "arn:aws:iam::999999999999:role/new"}),
        ] {
            let mut other = policy.clone();
            change(&mut other["Statement"][0]);
            prop_assert_ne!(written(&read(&other)), form.clone(), "{}", other);
        }
    }

    #[test]
    fn a_pattern_takes_what_it_is_made_from(parts in prop::collection::vec("[a-c/:]{0,3}", 1..5), between in prop::collection::vec("[a-c/:]{0,3}", 4)) {
        let text: String = parts.iter().zip(&between).map(|(part, more)| format!("{part}{more}")).collect();
        prop_assert!(matches(&(parts.join("*") + "*"), &text), "{parts:?} {text}");
        prop_assert!(matches(&text, &text));
    }
}

/// A document without a version is one of 2008, to which `${aws:username}` is a text: whoever takes the version away softens
/// what is denied by variables.
#[test]
fn without_its_version_a_policy_is_another() {
    let statement = json!([{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}"}]);
    let plain = json!([{"Effect": "Deny", "Action": "*", "Resource": "*"}]);
    let read = |version: Option<&str>, statement: &Value| {
        let mut policy = json!({"Statement": statement});
        if let Some(version) = version {
            policy["Version"] = json!(version);
        }
        Document::parse(&policy.to_string()).ok()
    };
    assert!(read(Some("2012-10-17"), &statement).is_some());
    assert!(read(Some("2025-01-01"), &plain).is_none());
    for old in [None, Some(""), Some("2008-10-17")] {
        assert_eq!(read(old, &statement), None);
        assert_eq!(read(old, &plain), read(Some("2012-10-17"), &plain));
    }
}

/// A principal is `*` or of a type; a text that is neither is no principal, and surely not everybody.
#[test]
fn a_principal_without_a_type_is_nobody() {
    let policy = |principal: &str| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "*"}]});
    assert!(Document::parse(&policy("*").to_string()).is_ok());
    assert!(Document::parse(&policy("arn:aws:iam::111122223333:root").to_string()).is_err());
}
