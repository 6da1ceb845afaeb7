//! The report as text, for people.

use std::fmt::Write;

use super::{Path, Report};

/// `report` as text: one block for each path, then a line of totals.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    for path in &report.paths {
        render_path(&mut text, path);
    }
    text.push_str(&totals(report));
    text
}

fn render_path(text: &mut String, path: &Path) {
    let (symbol, verb) = if path.is_open() {
        ("!", "reaches")
    } else {
        ("~", "would reach")
    };
    let _ = writeln!(text, "{symbol} {} {verb} {}", path.subnet, path.destination);
    for hop in &path.hops {
        let _ = writeln!(text, "    → {hop}");
    }
    for obstacle in &path.blocked_by {
        let _ = writeln!(text, "    blocked: {obstacle}");
    }
    if let Some(example) = &path.example {
        let _ = writeln!(text, "    for example {example}");
    }
}

fn totals(report: &Report) -> String {
    let vpcs: Vec<&str> = report.vpcs.iter().map(String::as_str).collect();
    let place = format!("{} ({}, subnets: {})", report.owner, vpcs.join(", "), report.subnets);
    if report.is_closed() {
        return format!("Nothing in {place} reaches what is not the project's.\n");
    }
    let open = report.paths.iter().filter(|path| path.is_open()).count();
    let blocked = report.paths.len() - open;
    let near = report.paths.iter().filter(|path| path.blocked_by.len() == 1).count();
    format!("Ways out of {place}: {open} open, {blocked} closed, {near} of those by one rule only.\n")
}
