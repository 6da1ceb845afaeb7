//! A role that was just made is, to other services, no valid principal for some seconds.

use super::super::request::Request;
use super::super::wire::AwsError;

/// What a service says to a request that names a fresh role.
pub(super) fn refuse(request: &Request, account: &str, role: &str) -> Option<AwsError> {
    let arn = format!("arn:aws:iam::{account}:role/{role}");
    if !request.is_mutating() || !names(request, &arn) {
        return None;
    }
    let operation = request.operation.name.as_str();
    let error = match (request.operation.service.as_str(), operation) {
        ("kms", "CreateKey" | "PutKeyPolicy") => AwsError::new(
            400,
            "MalformedPolicyDocumentException",
            "Policy contains a statement with one or more invalid principals.",
        ),
        ("s3", "PutBucketPolicy") => AwsError::new(400, "MalformedPolicy", "Invalid principal in policy"),
        ("iam", "CreateRole" | "UpdateAssumeRolePolicy") => AwsError::new(
            400,
            "MalformedPolicyDocument",
            &format!("Invalid principal in policy: \"AWS\":\"{arn}\""),
        ),
        ("sagemaker", _) => AwsError::new(
            400,
            "ValidationException",
            &format!(
                "Could not assume role {arn}. Please ensure that the role exists and allows principal \
                 'sagemaker.amazonaws.com' to assume the role."
            ),
        ),
        _ => return None,
    };
    Some(error)
}

/// Whether the ARN stands in the request, and not only as the beginning of a longer one.
fn names(request: &Request, arn: &str) -> bool {
    let fields: Vec<String> = request.form().into_iter().map(|(_, value)| value).collect();
    let text = if fields.is_empty() {
        request.text()
    } else {
        fields.join("\n")
    };
    let mut found = text
        .match_indices(arn)
        .map(|(at, arn)| text[at + arn.len()..].chars().next());
    found.any(|next| !next.is_some_and(|next| next.is_ascii_alphanumeric() || "+=,.@-_/".contains(next)))
}
