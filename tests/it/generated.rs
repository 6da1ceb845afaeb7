//! What is generated is what the code generates.

#[test]
fn the_custom_resource_definitions_are_current() {
    let written = include_str!("../../crds/secureml.dev.yaml");
    let generated = secureml::cli::crds().expect("YAML");
    assert!(written == generated, "crds/ is stale: run `cargo xtask gen`");
}
