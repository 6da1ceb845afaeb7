//! What is generated is what the code generates.

use secureml::policy::Limit;

#[test]
fn the_custom_resource_definitions_are_current() {
    let written = include_str!("../../crds/secureml.dev.yaml");
    let generated = secureml::cli::crds().expect("YAML");
    assert!(written == generated, "crds/ is stale: run `cargo xtask gen`");
}

#[test]
fn the_iam_policy_of_the_controller_is_current() {
    let written = include_str!("../../docs/controller-policy.json");
    let generated = secureml::cli::iam_policy("*").expect("JSON");
    assert!(
        written == generated,
        "docs/controller-policy.json is stale: run `cargo xtask gen`"
    );
    let policy = secureml::policy::Document::parse(&generated).expect("a policy");
    assert_eq!(
        Limit::Inline.excess(&policy),
        0,
        "too long for an inline policy of a role"
    );
}
