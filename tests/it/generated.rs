//! What is generated is what the code generates.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
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

/// `UPDATE=1` writes them anew.
#[test]
fn the_plans_of_the_examples_are_current() -> Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut stale = Vec::new();
    for example in ["minimal", "reference", "team"] {
        let output = Command::new(env!("CARGO_BIN_EXE_secureml"))
            .args(["plan", "--offline", "-f", &format!("examples/{example}.yaml")])
            .current_dir(workspace)
            .env("AWS_REGION", "us-east-1")
            .output()
            .context("cannot run secureml")?;
        // A refusal stands in the place of a plan.
        let plan = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
        let golden = workspace.join(format!("examples/{example}.plan.txt"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &plan)?;
        }
        if plan != std::fs::read_to_string(&golden).unwrap_or_default() {
            stale.push(golden.display().to_string());
        }
    }
    assert!(stale.is_empty(), "stale: run `cargo xtask gen`: {}", stale.join(", "));
    Ok(())
}
