use std::fmt::Write as _;

use crate::audit::{Outcome, Report, Verdict};

/// A line for each control, and under those that are not kept what was found.
pub(super) fn print(report: &Report) -> String {
    let mut text = format!("{} in {} {}\n\n", report.project, report.account, report.region);
    for check in &report.checks {
        let verdict = check.verdict();
        let word = verdict.word();
        let _ = writeln!(text, "{word:14}  {:12}  {}", check.control.id, check.control.title);
        if let Outcome::NotApplicable(why) = &check.outcome {
            let _ = writeln!(text, "{:30}{why}", "");
        }
        let wrong = check.wrong();
        for finding in wrong {
            let _ = writeln!(text, "{:30}{}: {}", "", finding.resource, finding.evidence);
        }
    }
    let _ = writeln!(text, "\n{}", sum(report));
    text
}

/// How many controls came out how.
pub(super) fn sum(report: &Report) -> String {
    let of = |verdict: Verdict, word: &str| match report.count(verdict) {
        0 => None,
        count => Some(format!("{count} {word}")),
    };
    let counts = [
        of(Verdict::Pass, "pass"),
        of(Verdict::Fail, "fail"),
        of(Verdict::Unknown, "unknown"),
        of(Verdict::NotApplicable, "not applicable"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    format!("{} controls: {}", report.checks.len(), counts.join(", "))
}
