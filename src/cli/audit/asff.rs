//! The AWS Security Finding Format: one finding for each control and resource.
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html>

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::audit::{Check, Finding, Report, Verdict};

/// The most characters that Security Hub takes of a description.
const DESCRIPTION: usize = 1024;
/// What kind of finding it is, in Security Hub's own taxonomy.
const TYPE: &str = "Software and Configuration Checks/AWS Security Best Practices";

/// All findings of `report`; controls that are not about the project have none.
pub(super) fn findings(report: &Report, at: Timestamp) -> Vec<Value> {
    let of_each = |check: &Check| -> Vec<Value> {
        let findings = check.findings().iter();
        findings.map(|finding| one(report, check, finding, at)).collect()
    };
    report.checks.iter().flat_map(of_each).collect()
}

fn one(report: &Report, check: &Check, finding: &Finding, at: Timestamp) -> Value {
    let Report {
        project,
        account,
        region,
        partition,
        ..
    } = report;
    let control = check.control;
    let wrong = finding.is_wrong();
    let severity = if wrong {
        format!("{:?}", control.severity).to_uppercase()
    } else {
        "INFORMATIONAL".to_owned()
    };
    let status = match finding.verdict {
        Verdict::Pass => "PASSED",
        Verdict::Fail => "FAILED",
        Verdict::Unknown => "WARNING",
        Verdict::NotApplicable => "NOT_AVAILABLE",
    };
    let description: String = format!("{}: {}", finding.resource, finding.evidence)
        .chars()
        .take(DESCRIPTION)
        .collect();
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("secureml/{project}/{}/{}", control.id, finding.resource),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "ProductName": "secureml",
        "CompanyName": "secureml",
        "GeneratorId": format!("secureml/{}", control.id),
        "AwsAccountId": account,
        "Types": [TYPE],
        "CreatedAt": at,
        "UpdatedAt": at,
        "Severity": {"Label": severity},
        "Title": format!("{} {}", control.id, control.title),
        "Description": description,
        "Resources": [{
            "Type": "Other",
            "Id": finding.id.as_deref().unwrap_or(&finding.resource),
            "Partition": partition,
            "Region": region,
        }],
        "Compliance": {"Status": status, "SecurityControlId": control.id},
        "Workflow": {"Status": if wrong { "NEW" } else { "RESOLVED" }},
        "RecordState": "ACTIVE",
    })
}
