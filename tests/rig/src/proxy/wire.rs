//! Errors as each service writes them on the wire, and as they are read back from there.

use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::operation::{Operation, Protocol};

/// What a service answers when it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// The HTTP status.
    pub status: u16,
    /// The error code that SDKs show: `RequestLimitExceeded`.
    pub code: String,
    /// The text for people.
    pub message: String,
}

impl AwsError {
    /// An error of any kind.
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }
}

/// Writes an error in the format of the service that was asked; `head` for a request that may have no body.
pub(crate) fn render(operation: &Operation, error: &AwsError, request_id: &str, head: bool) -> Response<Bytes> {
    let code = escape(&error.code);
    let message = escape(&error.message);
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let response = Response::builder().status(status);
    let (response, body) = match operation.protocol {
        Protocol::Ec2 => (
            response.header("content-type", "text/xml;charset=UTF-8"),
            format!(
                "{XML}<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
                 <RequestID>{request_id}</RequestID></Response>"
            ),
        ),
        Protocol::Query => (
            response
                .header("content-type", "text/xml")
                .header("x-amzn-requestid", request_id),
            format!(
                "<ErrorResponse><Error><Type>{}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                 <RequestId>{request_id}</RequestId></ErrorResponse>",
                if error.status < 500 { "Sender" } else { "Receiver" }
            ),
        ),
        Protocol::RestXml => (
            response
                .header("content-type", "application/xml")
                .header("x-amz-request-id", request_id)
                .header("x-amz-id-2", request_id),
            format!(
                "{XML}<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId>\
                 <HostId>{request_id}</HostId></Error>"
            ),
        ),
        // The code stands in the body, with its namespace. What all services share writes its text in capitals.
        Protocol::Json10 | Protocol::Json11 => {
            let response = response
                .header("content-type", json_type(operation.protocol))
                .header("x-amzn-requestid", request_id);
            let body = if SHARED.contains(&error.code.as_str()) {
                json!({"__type": format!("com.amazon.coral.service#{}", error.code), "Message": error.message})
            } else {
                let namespace = format!("com.amazonaws.{}", operation.service);
                json!({"__type": format!("{namespace}#{}", error.code), "message": error.message})
            };
            (response, body.to_string())
        }
        // The code stands in a header only, with a link behind it.
        Protocol::RestJson | Protocol::Unknown => (
            response
                .header("content-type", json_type(operation.protocol))
                .header("x-amzn-requestid", request_id)
                .header(
                    "x-amzn-errortype",
                    format!(
                        "{}:http://internal.amazon.com/coral/com.amazon.coral.service/",
                        error.code
                    ),
                ),
            json!({"Message": error.message}).to_string(),
        ),
    };
    let body = if head { String::new() } else { body };
    response.body(Bytes::from(body)).unwrap_or_default()
}

/// The errors that come before any service of the JSON protocols is asked.
const SHARED: &[&str] = &[
    "AccessDeniedException",
    "ExpiredTokenException",
    "InternalFailure",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "ServiceUnavailableException",
    "ThrottlingException",
    "UnrecognizedClientException",
];

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn json_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Json10 => "application/x-amz-json-1.0",
        Protocol::Json11 => "application/x-amz-json-1.1",
        _ => "application/json",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Reads the error out of an answer. Nothing when it is a success.
pub(crate) fn read(response: &Response<Bytes>) -> Option<AwsError> {
    let status = response.status();
    if status.is_success() || status.is_redirection() {
        return None;
    }
    let text = String::from_utf8_lossy(response.body());
    let header = response.headers().get("x-amzn-errortype");
    let header = header.and_then(|value| value.to_str().ok());
    let (code, message) = if text.trim_start().starts_with('<') {
        (element(&text, "Code"), element(&text, "Message"))
    } else {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let field = |names: [&str; 2]| {
            let mut found = names.iter().filter_map(|name| body.get(name)?.as_str());
            found.next().map(str::to_owned)
        };
        (field(["__type", "code"]), field(["message", "Message"]))
    };
    let code = header.map(str::to_owned).or(code).unwrap_or_default();
    Some(AwsError {
        status: status.as_u16(),
        code: bare(&code).to_owned(),
        message: message.unwrap_or_default(),
    })
}

/// `com.amazonaws.kms#NotFoundException:http://…` is `NotFoundException`.
fn bare(code: &str) -> &str {
    let code = code.split_once('#').map_or(code, |(_, code)| code);
    code.split(':').next().unwrap_or_default()
}

/// The text of the first element of this name.
pub(crate) fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::super::request::{Request, made};
    use super::*;

    fn one_of_each() -> [Request; 5] {
        [
            made::query("ec2", "Action=CreateVpc"),
            made::query("iam", "Action=CreateRole"),
            made::json("kms", "TrentService.CreateKey", "{}"),
            made::s3("PUT", "/data?policy"),
            made::json("ssm", "AmazonSSM.PutParameter", "{}"),
        ]
    }

    #[test]
    fn json_names_its_error_in_the_body_and_rest_json_in_a_header() {
        let render = |request: &Request, code: &str| {
            let response = render(&request.operation, &AwsError::new(400, code, "b"), "id-1", false);
            let header = response.headers().get("x-amzn-errortype").cloned();
            let body = String::from_utf8_lossy(response.body()).into_owned();
            (header, body)
        };
        let kms = made::json("kms", "TrentService.CreateKey", "{}");
        let (header, body) = render(&kms, "NotFoundException");
        assert_eq!(header, None);
        assert!(body.contains("com.amazonaws.kms#NotFoundException"), "{body}");
        let (_, body) = render(&kms, "AccessDeniedException");
        assert!(
            body.contains("com.amazon.coral.service#") && body.contains(r#""Message":"b""#),
            "{body}"
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let error = AwsError::new(400, "SomeCode", "a < b & c");
        for request in one_of_each() {
            let response = render(&request.operation, &error, "id-1", false);
            assert_eq!(read(&response).as_ref(), Some(&error), "{}", request.name());
        }
    }

    #[test]
    fn ec2_has_its_own_envelope() {
        let [request, ..] = one_of_each();
        let response = render(&request.operation, &AwsError::new(503, "A", "b"), "id-1", false);
        let body = String::from_utf8_lossy(response.body());
        assert!(body.contains("<Response><Errors><Error><Code>A</Code>"), "{body}");
        assert!(body.ends_with("<RequestID>id-1</RequestID></Response>"), "{body}");
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        let request = made::s3("HEAD", "/data");
        let response = render(&request.operation, &AwsError::new(404, "NotFound", ""), "id-1", true);
        assert!(response.body().is_empty());
        assert_eq!(read(&response).map(|error| error.status), Some(404));
    }

    #[test]
    fn codes_lose_their_namespace() {
        assert_eq!(
            bare("com.amazonaws.kms#NotFoundException:http://x"),
            "NotFoundException"
        );
        assert_eq!(bare("ThrottlingException"), "ThrottlingException");
    }

    #[test]
    fn a_success_is_no_error() {
        assert_eq!(read(&Response::new(Bytes::from_static(b"<Code>x</Code>"))), None);
    }
}
