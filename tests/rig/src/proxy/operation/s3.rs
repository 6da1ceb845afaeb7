//! S3: the operation is in the method, in whether bucket and key are given, and in the query.

use hyper::http::request::Parts;

use super::query::{decode, fields};

/// What a bucket's subresources are called in operation names.
const BUCKET: &[(&str, &str)] = &[
    ("accelerate", "BucketAccelerateConfiguration"),
    ("acl", "BucketAcl"),
    ("analytics", "BucketAnalyticsConfiguration"),
    ("cors", "BucketCors"),
    ("encryption", "BucketEncryption"),
    ("intelligent-tiering", "BucketIntelligentTieringConfiguration"),
    ("inventory", "BucketInventoryConfiguration"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("location", "BucketLocation"),
    ("logging", "BucketLogging"),
    ("metrics", "BucketMetricsConfiguration"),
    ("notification", "BucketNotificationConfiguration"),
    ("object-lock", "ObjectLockConfiguration"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policy", "BucketPolicy"),
    ("policyStatus", "BucketPolicyStatus"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("replication", "BucketReplication"),
    ("requestPayment", "BucketRequestPayment"),
    ("tagging", "BucketTagging"),
    ("versioning", "BucketVersioning"),
    ("website", "BucketWebsite"),
];

/// Subresources that can be several, and are listed when no id is given.
const LISTED: &[&str] = &["analytics", "intelligent-tiering", "inventory", "metrics"];

/// What an object's subresources are called in operation names.
const OBJECT: &[(&str, &str)] = &[
    ("acl", "ObjectAcl"),
    ("attributes", "ObjectAttributes"),
    ("legal-hold", "ObjectLegalHold"),
    ("retention", "ObjectRetention"),
    ("tagging", "ObjectTagging"),
    ("torrent", "ObjectTorrent"),
];

pub(super) fn recognise(head: &Parts) -> Option<String> {
    let (bucket, key) = address(head);
    let query: Vec<_> = fields(head.uri.query().unwrap_or_default()).collect();
    let value = |name: &str| {
        query
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    };
    let has = |name: &str| value(name).is_some();
    // The SDKs name the operation where the path alone would not tell.
    if let Some(name) = value("x-id") {
        return Some(name.to_owned());
    }
    if query.iter().any(|(name, value)| value.is_empty() && !is_known(name)) {
        return None;
    }
    let method = head.method.as_str();
    if bucket.is_empty() {
        return (method == "GET").then(|| "ListBuckets".to_owned());
    }
    if !key.is_empty() {
        return object(method, &has, head.headers.contains_key("x-amz-copy-source"));
    }
    let subresource = BUCKET.iter().find(|(name, _)| has(name)).copied();
    let name = match (method, subresource) {
        ("HEAD", _) => "HeadBucket".to_owned(),
        ("POST", _) if has("delete") => "DeleteObjects".to_owned(),
        ("GET", _) if has("versions") => "ListObjectVersions".to_owned(),
        ("GET", _) if has("uploads") => "ListMultipartUploads".to_owned(),
        ("GET", Some((name, noun))) if LISTED.contains(&name) && !has("id") => format!("List{noun}s"),
        ("GET", Some((_, noun))) => format!("Get{noun}"),
        ("PUT", Some((_, noun))) => format!("Put{noun}"),
        ("DELETE", Some(("lifecycle", _))) => "DeleteBucketLifecycle".to_owned(),
        ("DELETE", Some((_, noun))) => format!("Delete{noun}"),
        ("GET", None) if value("list-type") == Some("2") => "ListObjectsV2".to_owned(),
        ("GET", None) => "ListObjects".to_owned(),
        ("PUT", None) => "CreateBucket".to_owned(),
        ("DELETE", None) => "DeleteBucket".to_owned(),
        _ => return None,
    };
    Some(name)
}

/// A field with a value is a parameter; one without is a subresource, and changes the operation.
fn is_known(name: &str) -> bool {
    let verbs = ["delete", "restore", "select", "uploads", "versions"];
    let empty_parameters = [
        "continuation-token",
        "delimiter",
        "key-marker",
        "marker",
        "prefix",
        "version-id-marker",
    ];
    verbs.contains(&name)
        || empty_parameters.contains(&name)
        || BUCKET.iter().chain(OBJECT).any(|(subresource, _)| *subresource == name)
}

fn object(method: &str, has: &dyn Fn(&str) -> bool, copy: bool) -> Option<String> {
    let subresource = OBJECT.iter().find(|(name, _)| has(name)).map(|(_, noun)| *noun);
    let name = match (method, subresource) {
        ("HEAD", _) => "HeadObject",
        ("GET", Some(noun)) => return Some(format!("Get{noun}")),
        ("PUT", Some(noun)) => return Some(format!("Put{noun}")),
        ("DELETE", Some(noun)) => return Some(format!("Delete{noun}")),
        ("GET", None) if has("uploadId") => "ListParts",
        ("GET", None) => "GetObject",
        ("PUT", None) if has("uploadId") && copy => "UploadPartCopy",
        ("PUT", None) if has("uploadId") => "UploadPart",
        ("PUT", None) if copy => "CopyObject",
        ("PUT", None) => "PutObject",
        ("DELETE", None) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", None) => "DeleteObject",
        ("POST", _) if has("uploads") => "CreateMultipartUpload",
        ("POST", _) if has("uploadId") => "CompleteMultipartUpload",
        ("POST", _) if has("restore") => "RestoreObject",
        ("POST", _) if has("select") => "SelectObjectContent",
        _ => return None,
    };
    Some(name.to_owned())
}

/// The bucket that a request is about, or an empty text.
pub(crate) fn bucket(head: &Parts) -> String {
    address(head).0
}

/// Bucket and key, from a path-style or a virtual-host-style address.
fn address(head: &Parts) -> (String, String) {
    let host = head
        .headers
        .get("host")
        .and_then(|value| value.to_str().ok())
        .or_else(|| head.uri.host())
        .unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let path = head.uri.path().trim_start_matches('/');
    if let Some(bucket) = bucket_of_host(host) {
        return (bucket.to_owned(), decode(path));
    }
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (decode(bucket), decode(key))
}

fn bucket_of_host(host: &str) -> Option<&str> {
    if let Some(bucket) = host.strip_suffix(".localhost") {
        return Some(bucket);
    }
    let name = host.strip_suffix(".amazonaws.com")?;
    name.split_once(".s3.")
        .or_else(|| name.split_once(".s3-"))
        .map(|(bucket, _)| bucket)
        .or_else(|| name.strip_suffix(".s3"))
}
