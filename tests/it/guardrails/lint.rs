//! Identity policies, linted by a tool that others wrote.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use secureml::policy::matches;
use serde::Deserialize;
use serde_json::json;

use super::environment::PolicyKind;
use super::ground::Ground;

/// Why actions that could be bound to resources are allowed on all of them.
const REASONS: &str = include_str!("scenarios/wildcards.yaml");

/// Ways to more rights, as the linter calls them, that are taken on purpose, and why.
const ESCALATIONS: &[(&str, &str)] = &[(
    "CreatePresignedSageMakerNotebookUrl",
    "People open their own notebooks: the statement Open is bound to the owner's name and to the project's endpoints, \
     which the attacks of notebooks.yaml try to get around.",
)];

#[derive(Deserialize)]
struct Reason {
    /// The name of the statement.
    sid: String,
    /// Patterns of actions.
    actions: Vec<String>,
    reason: String,
}

#[derive(Deserialize)]
struct Findings {
    id: String,
    escalations: Vec<String>,
    services: Vec<String>,
    unbounded: Vec<Unbounded>,
}

#[derive(Deserialize)]
struct Unbounded {
    sid: String,
    action: String,
}

#[test]
fn no_privilege_escalation_and_no_wildcard_without_a_reason() -> Result<()> {
    let ground = Ground::draw()?;
    let policies = ground.policies();
    // A boundary grants nothing by itself; what it lets through is looked at with the policies under it.
    let own = policies.iter().filter(|policy| policy.kind == PolicyKind::Identity);
    let lines: String = own
        .map(|policy| format!("{}\n", json!({"id": policy.id, "document": policy.document})))
        .collect();
    let reasons: Vec<Reason> = serde_saphyr::from_str(REASONS)?;
    let is_explained = |found: &&Unbounded| {
        let speaks = |reason: &&Reason| {
            reason.sid == found.sid && reason.actions.iter().any(|pattern| matches(pattern, &found.action))
        };
        reasons
            .iter()
            .any(|reason| speaks(&reason) && !reason.reason.is_empty())
    };
    let mut wrong = Vec::new();
    let (mut looked_at, mut explained) = (0, 0);
    for line in lint(&lines)?.lines() {
        let findings: Findings = serde_json::from_str(line)?;
        looked_at += 1;
        let Findings { id, escalations, .. } = &findings;
        let unknown = |kind: &&String| ESCALATIONS.iter().all(|(known, _)| known != kind);
        wrong.extend(
            escalations
                .iter()
                .filter(unknown)
                .map(|kind| format!("{id} lets rights be raised: {kind}")),
        );
        wrong.extend(
            findings
                .services
                .iter()
                .map(|service| format!("{id} allows all of {service}")),
        );
        let (fine, open): (Vec<_>, Vec<_>) = findings.unbounded.iter().partition(is_explained);
        explained += fine.len();
        wrong.extend(
            open.iter()
                .map(|found| format!("{id} {}: {} on *", found.sid, found.action)),
        );
    }
    println!("{looked_at} identity policies linted, {explained} wildcards with a reason");
    ensure!(looked_at > 0, "nothing was linted");
    ensure!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

fn lint(lines: &str) -> Result<String> {
    let python = secureml_rig::policy_tools()?;
    let mut child = Command::new(python)
        .arg(secureml_rig::paths::workspace().join("tests/simulator/lint.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run the linter")?;
    // It reads line by line and answers each with a line shorter than a pipe holds.
    child.stdin.take().context("no input")?.write_all(lines.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the linter failed");
    Ok(String::from_utf8(output.stdout)?)
}
