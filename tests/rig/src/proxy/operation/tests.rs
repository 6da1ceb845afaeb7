use std::collections::HashMap;

use hyper::Request;
use serde::Deserialize;

use super::query::decode;
use super::*;

/// A request as botocore made it; see `capture.py`.
#[derive(Deserialize)]
struct Captured {
    is: String,
    method: String,
    uri: String,
    headers: HashMap<String, String>,
    body: String,
}

fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn signed(service: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host")
}

/// Operations on things the product never touches, which may stay unrecognised.
fn is_beyond_us(name: &str) -> bool {
    let beyond = [
        "Abac",
        "Annotation",
        "DirectoryBuckets",
        "ForGroup",
        "GroupingStatuses",
        "Metadata",
        "Package",
        "RenameObject",
        "Session",
        "TagSyncTask",
        "WriteGetObjectResponse",
    ];
    beyond.iter().any(|part| name.contains(part))
}

#[test]
fn every_captured_request_is_recognised() {
    let mut wrong = Vec::new();
    for line in include_str!("captured.jsonl").lines() {
        let captured: Captured = serde_json::from_str(line).expect("a captured request");
        let headers: Vec<_> = captured
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let head = head(&captured.method, &captured.uri, &headers);
        let operation = Operation::of(&head, &Bytes::from(captured.body));
        let right = operation.to_string() == captured.is;
        let left_alone = is_beyond_us(&captured.is) && !operation.is_recognised();
        if !right && !left_alone {
            wrong.push(format!(
                "{} {} is {}, not {operation}",
                captured.method, captured.uri, captured.is
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_sdks_own_name_of_an_s3_operation_wins() {
    let headers = [("authorization", &*signed("s3")), ("host", "127.0.0.1:5000")];
    let head = head("GET", "/?x-id=ListBuckets&max-buckets=10", &headers);
    assert_eq!(Operation::of(&head, &Bytes::new()).to_string(), "s3:ListBuckets");
}

#[test]
fn an_arn_in_a_path_is_taken_whole() {
    let uri = "/resources/arn%3Aaws%3Aresource-groups%3Aus-east-1%3A123456789012%3Agroup%2Fa/tags";
    let head = head("PATCH", uri, &[("authorization", &*signed("resource-groups"))]);
    assert_eq!(Operation::of(&head, &Bytes::new()).to_string(), "resource-groups:Untag");
}

#[test]
fn what_is_unknown_shows_its_path() {
    let operation = Operation::of(&head("POST", "/moto-api/reset", &[]), &Bytes::new());
    assert_eq!(operation.to_string(), "unknown:POST /moto-api/reset");
    assert!(!operation.is_recognised());
}

#[test]
fn a_scope_is_read_from_header_and_presigned_query() {
    let expected = Scope {
        access_key: "AKIAEXAMPLE".to_owned(),
        region: "us-east-1".to_owned(),
        service: "s3".to_owned(),
    };
    let in_header = head("GET", "/", &[("authorization", &*signed("s3"))]);
    assert_eq!(Scope::of(&in_header).as_ref(), Some(&expected));
    let uri = "/b/k?X-Amz-Credential=AKIAEXAMPLE%2F20260101%2Fus-east-1%2Fs3%2Faws4_request";
    assert_eq!(Scope::of(&head("GET", uri, &[])).as_ref(), Some(&expected));
}

#[test]
fn reads_are_told_from_writes() {
    for name in [
        "ec2:DescribeVpcs",
        "sts:AssumeRole",
        "ecr:BatchGetImage",
        "s3:HeadBucket",
        "tagging:GetResources",
    ] {
        assert!(!is_mutating(name), "{name}");
    }
    for name in [
        "ec2:CreateVpc",
        "kms:ScheduleKeyDeletion",
        "iam:TagRole",
        "resource-groups:Tag",
        "s3:PutObject",
    ] {
        assert!(is_mutating(name), "{name}");
    }
}

#[test]
fn percent_encoding_is_undone() {
    assert_eq!(decode("a%2Fb+c%zz%4"), "a/b c%zz%4");
}
