//! A request on its way to AWS, as rules and predicates see it.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use serde_json::Value;

use super::operation::{Operation, Protocol, Scope, fields, s3_bucket};

/// Headers that sign a request and say nothing of what it asks for.
const SIGNING: [&str; 3] = ["x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];

/// One request, read whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which operation it is.
    pub operation: Operation,
    /// The access key that signed it, or nothing.
    pub access_key: String,
    /// The region it was signed for, or nothing.
    pub region: String,
    /// Method, path and headers.
    pub head: Parts,
    /// The body as it came.
    pub body: Bytes,
}

impl Request {
    pub(crate) fn new(head: Parts, body: Bytes) -> Self {
        let operation = Operation::of(&head, &body);
        let (access_key, region) =
            Scope::of(&head).map_or_else(Default::default, |scope| (scope.access_key, scope.region));
        Self {
            operation,
            access_key,
            region,
            head,
            body,
        }
    }

    /// `ec2:CreateVpc`.
    pub fn name(&self) -> String {
        self.operation.to_string()
    }

    /// Whether AWS is changed by it: it is not a read, and not a dry run.
    pub fn is_mutating(&self) -> bool {
        let dry = || self.operation.protocol == Protocol::Ec2 && self.param("DryRun").as_deref() == Some("true");
        self.operation.is_mutating() && !dry()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The fields of a query request.
    pub fn form(&self) -> Vec<(String, String)> {
        match self.operation.protocol {
            Protocol::Ec2 | Protocol::Query => fields(&self.text()).collect(),
            _ => Vec::new(),
        }
    }

    /// One parameter: a field of the form, or a text, number or truth value at the top of a JSON body.
    pub fn param(&self, name: &str) -> Option<String> {
        match self.operation.protocol {
            Protocol::Ec2 | Protocol::Query => {
                let field = self.form().into_iter().find(|(field, _)| field == name);
                field.map(|(_, value)| value)
            }
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
                let body: Value = serde_json::from_slice(&self.body).ok()?;
                match body.get(name)? {
                    Value::String(text) => Some(text.clone()),
                    value @ (Value::Bool(_) | Value::Number(_)) => Some(value.to_string()),
                    _ => None,
                }
            }
            Protocol::RestXml | Protocol::Unknown => None,
        }
    }

    /// The headers that are parameters. Only S3 has them.
    pub(crate) fn header_parameters(&self) -> BTreeMap<String, String> {
        let headers = self.head.headers.iter();
        let of_s3 = headers.filter(|_| self.operation.protocol == Protocol::RestXml);
        let parameters =
            of_s3.filter(|(name, _)| name.as_str().starts_with("x-amz-") && !SIGNING.contains(&name.as_str()));
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        parameters
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect()
    }

    /// The bucket of an S3 request.
    pub fn bucket(&self) -> Option<String> {
        (self.operation.protocol == Protocol::RestXml)
            .then(|| s3_bucket(&self.head))
            .filter(|bucket| !bucket.is_empty())
    }
}

#[cfg(test)]
pub(crate) mod made {
    //! Requests for unit tests.

    use super::*;

    pub(crate) fn request(service: &str, content_type: &str, target: Option<&str>, uri: &str, body: &str) -> Request {
        let credential = format!("AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/{service}/aws4_request, x");
        let mut request = hyper::Request::post(uri)
            .header("authorization", credential)
            .header("host", "127.0.0.1:5000")
            .header("content-type", content_type);
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        let head = request.body(()).expect("a request").into_parts().0;
        Request::new(head, Bytes::from(body.to_owned()))
    }

    /// A query request: `Action=CreateVpc&CidrBlock=10.0.0.0%2F16`.
    pub(crate) fn query(service: &str, form: &str) -> Request {
        request(service, "application/x-www-form-urlencoded", None, "/", form)
    }

    /// A JSON request by target: `TrentService.CreateKey`.
    pub(crate) fn json(service: &str, target: &str, body: &str) -> Request {
        request(service, "application/x-amz-json-1.1", Some(target), "/", body)
    }

    /// An S3 request.
    pub(crate) fn s3(method: &str, uri: &str) -> Request {
        let mut head = request("s3", "application/xml", None, uri, "").head;
        head.method = method.parse().expect("a method");
        Request::new(head, Bytes::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_changes_nothing() {
        assert!(made::query("ec2", "Action=CreateVpc").is_mutating());
        assert!(!made::query("ec2", "Action=CreateVpc&DryRun=true").is_mutating());
    }

    #[test]
    fn parameters_are_read_from_form_and_json() {
        let form = made::query("iam", "Action=CreateRole&RoleName=a%2Fb");
        assert_eq!(form.param("RoleName").as_deref(), Some("a/b"));
        let json = made::json("kms", "TrentService.DescribeKey", r#"{"KeyId":"k","n":3}"#);
        assert_eq!(json.param("KeyId").as_deref(), Some("k"));
        assert_eq!(json.param("n").as_deref(), Some("3"));
        assert_eq!(json.param("absent"), None);
    }

    #[test]
    fn parameters_of_s3_are_read_from_headers() {
        let mut request = made::s3("PUT", "/data/churn.csv");
        for (name, value) in [
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-date", "20260101T000000Z"),
        ] {
            request.head.headers.insert(name, HeaderValue::from_static(value));
        }
        let read: Vec<_> = request.header_parameters().into_iter().collect();
        assert_eq!(
            read,
            [("x-amz-server-side-encryption".to_owned(), "aws:kms".to_owned())]
        );
    }

    #[test]
    fn a_bucket_is_named_by_path_only_in_s3() {
        assert_eq!(made::s3("PUT", "/data?policy").bucket().as_deref(), Some("data"));
        assert_eq!(made::s3("GET", "/").bucket(), None);
        assert_eq!(made::query("ec2", "Action=CreateVpc").bucket(), None);
    }
}
