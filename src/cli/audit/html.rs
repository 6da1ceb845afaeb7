use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::text;
use crate::audit::{Check, Finding, Outcome, Report, Verdict};

const STYLE: &str = include_str!("report.css");

/// The page. It loads nothing.
pub(super) fn page(report: &Report, at: Timestamp) -> String {
    let title = format!("Audit of {}", report.project);
    let at = at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p { "Account " (report.account) ", " (report.region) ", as AWS held it at " (at) "." }
                    p.verdict.(class(if report.holds() { Verdict::Pass } else { Verdict::Fail })) {
                        (if report.holds() { "All guardrails are enforced." } else { "Not all guardrails are enforced." })
                        " " (text::sum(report)) "."
                    }
                }
                main {
                    (contents(report))
                    @for check in &report.checks { (control(check)) }
                }
                footer {
                    p {
                        "Made by secureml " (env!("CARGO_PKG_VERSION")) " from the policies and attributes that AWS returned. "
                        "Every request of a role was evaluated twice: with the role's own policies, and with "
                        "AdministratorAccess in their place."
                    }
                }
            }
        }
    };
    page.into_string()
}

/// All controls on one screen.
fn contents(report: &Report) -> Markup {
    html! {
        table.contents {
            thead { tr { th { "Control" } th { "What is promised" } th { "Severity" } th { "Verdict" } } }
            tbody {
                @for check in &report.checks {
                    tr {
                        td { a href={ "#" (check.control.id) } { (check.control.id) } }
                        td { (check.control.title) }
                        td { (format!("{:?}", check.control.severity)) }
                        td.(class(check.verdict())) { (check.verdict().word()) }
                    }
                }
            }
        }
    }
}

fn control(check: &Check) -> Markup {
    html! {
        section id=(check.control.id) {
            h2 {
                (check.control.id) " " (check.control.title) " "
                span.(class(check.verdict())) { (check.verdict().word()) }
            }
            @if let Outcome::NotApplicable(why) = &check.outcome { p { (why) } }
            @if !check.findings().is_empty() {
                table {
                    thead { tr { th { "Resource" } th { "Verdict" } th { "Evidence" } } }
                    tbody { @for finding in check.findings() { (row(finding)) } }
                }
            }
        }
    }
}

fn row(finding: &Finding) -> Markup {
    html! {
        tr {
            td {
                (finding.resource)
                @if let Some(id) = &finding.id { br; small { (id) } }
            }
            td.(class(finding.verdict)) { (finding.verdict.word()) }
            td { (finding.evidence) }
        }
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Unknown => "unknown",
        Verdict::NotApplicable => "none",
    }
}
