//! The plan as text, for people.

use std::fmt::Write;

use serde_json::Value;

use super::types::{Action, Change, Plan, Step};
use crate::model::{counted, counted_are};

/// `plan` as text: one block for each step that does something, then a line of totals.
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    for (node, step) in &plan.steps {
        if step.action != Action::Keep {
            render_step(&mut text, &node.to_string(), step);
        }
    }
    text.push_str(&adoption(plan).unwrap_or_default());
    text.push_str(&totals(plan));
    text
}

/// What is to be done about an adoption.
fn adoption(plan: &Plan) -> Option<String> {
    let fingerprint = plan.adoption.as_ref()?;
    let proposed = plan.steps.values().any(|step| step.action == Action::Propose);
    proposed.then(|| {
        format!(
            "Nothing is adopted until it is confirmed. When it is as you want it: spec.adopt.confirm: {fingerprint}\n"
        )
    })
}

fn render_step(text: &mut String, node: &str, step: &Step) {
    let id = step.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    let _ = writeln!(text, "{} {node}{id}: {}", symbol(step.action), step.reason);
    for change in &step.changes {
        render_change(text, change);
    }
    for call in &step.calls {
        let _ = writeln!(text, "    → {}", call.call);
    }
    for call in &step.then {
        let _ = writeln!(text, "    … {}", call.call);
    }
}

/// `change` as text.
pub fn render_difference(change: &Change) -> String {
    let mut text = String::new();
    render_change(&mut text, change);
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    lines.join("\n")
}

fn render_change(text: &mut String, change: &Change) {
    if is_document(&change.before) || is_document(&change.after) {
        let _ = writeln!(text, "    {}:", change.field);
        let before = pretty(&change.before);
        let after = pretty(&change.after);
        let diff = similar::TextDiff::from_lines(&before, &after);
        for line in diff.unified_diff().context_radius(2).to_string().lines() {
            let _ = writeln!(text, "      {line}");
        }
    } else {
        let _ = writeln!(text, "    {}: {} → {}", change.field, change.before, change.after);
    }
}

fn is_document(value: &Value) -> bool {
    value.is_object()
        || value
            .as_array()
            .is_some_and(|items| items.len() > 1 || items.iter().any(Value::is_object))
}

fn pretty(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        _ => serde_json::to_string_pretty(value).unwrap_or_default() + "\n",
    }
}

fn symbol(action: Action) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::StopUpdateStart => "~!",
        Action::Replace => "-/+",
        Action::Delete | Action::RemoveDuplicate => "-",
        Action::Retain => "=",
        Action::Wait => "…",
        Action::Defer => "@",
        Action::Blocked => "!",
        Action::Conflict | Action::Refuse => "x",
        Action::Adopt => "<",
        Action::Propose => "?",
        Action::Keep => " ",
    }
}

fn totals(plan: &Plan) -> String {
    let count = |wanted: &[Action]| plan.steps.values().filter(|step| wanted.contains(&step.action)).count();
    let calls: usize = plan.steps.values().map(|step| step.calls.len()).sum();
    if plan.is_settled() {
        let kept = count(&[Action::Retain]);
        let retained = if kept == 0 {
            String::new()
        } else {
            format!("; {kept} kept for the data")
        };
        let as_declared = plan.steps.len() - kept;
        return format!(
            "Nothing to do: {} as declared{retained}.\n",
            counted_are(as_declared, "resource")
        );
    }
    let adopted = match count(&[Action::Adopt, Action::Propose]) {
        0 => String::new(),
        count => format!("{count} to adopt, "),
    };
    format!(
        "Plan {}: {adopted}{} to create, {} to change, {} to replace, {} to delete, {} to wait for, {} blocked, {} unchanged; {} now.\n",
        plan.hash(),
        count(&[Action::Create]),
        count(&[Action::Update, Action::StopUpdateStart]),
        count(&[Action::Replace]),
        count(&[Action::Delete, Action::RemoveDuplicate]),
        count(&[Action::Wait, Action::Defer]),
        count(&[Action::Blocked, Action::Conflict, Action::Refuse]),
        count(&[Action::Keep, Action::Retain]),
        counted(calls, "AWS call"),
    )
}
