//! What is generated is what the code generates. `UPDATE=1` writes anew what these tests compare.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
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

#[test]
fn the_plans_of_the_examples_are_current() -> Result<()> {
    let files = ["minimal", "reference", "team"].map(|example| {
        let manifest = format!("examples/{example}.yaml");
        let plan = said(&["plan", "--offline", "-f", &manifest])?;
        Ok((format!("examples/{example}.plan.txt"), plan))
    });
    current(files)
}

#[test]
fn the_handbook_of_the_team_is_current() -> Result<()> {
    let pages = [
        ("admin", "admin"),
        ("user", "user"),
        ("notebook-ana", "execution"),
        ("data", "data"),
    ];
    let files = pages.map(|(page, file)| {
        let text = said(&["handbook", "-f", "examples/team.yaml", "--page", page])?;
        Ok((format!("docs/roles/{file}.md"), text))
    });
    current(files)
}

#[test]
fn the_list_of_controls_is_current() -> Result<()> {
    let mut text = String::from(
        "# Controls\nWhat [the audit](audit.md) asks. Those called as Security Hub calls its own mean what Security Hub means.\n\n\
         | control | what is promised | severity |\n|---|---|---|\n",
    );
    for control in secureml::audit::controls() {
        text += &format!("| {} | {} | {:?} |\n", control.id, control.title, control.severity);
    }
    current([Ok(("docs/controls.md".to_owned(), text))])
}

#[test]
fn the_policies_of_an_organisation_are_current() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().display().to_string();
    let controller = "arn:aws:iam::*:role/secureml";
    let options = [
        "--organization",
        "o-exampleorgid",
        "--controller",
        controller,
        "--directory",
        &path,
    ];
    said(&[&["organization-policies"], options.as_slice()].concat())?;
    let mut names = std::fs::read_dir(&path)?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<Result<Vec<_>>>()?;
    names.sort();
    current(names.into_iter().map(|name| {
        let text = std::fs::read_to_string(directory.path().join(&name))?;
        Ok((format!("examples/organization/{}", name.display()), text))
    }))
}

/// What `secureml` says to `args`; a refusal stands in the place of an answer.
fn said(args: &[&str]) -> Result<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_secureml"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("AWS_REGION", "us-east-1")
        .output()
        .context("cannot run secureml")?;
    Ok(String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?)
}

/// Whether each of `files`, by its path in the project, has the text that it should; with `UPDATE=1` they are given it.
pub fn current(files: impl IntoIterator<Item = Result<(String, String)>>) -> Result<()> {
    let mut stale = Vec::new();
    for file in files {
        let (path, text) = file?;
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(&path);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &text).with_context(|| path.clone())?;
        }
        if text != std::fs::read_to_string(&golden).unwrap_or_default() {
            stale.push(path);
        }
    }
    ensure!(stale.is_empty(), "stale: run `cargo xtask gen`: {}", stale.join(", "));
    Ok(())
}
