//! The query protocols: a form whose `Action` names the operation.

use bytes::Bytes;
use hyper::http::request::Parts;

use super::{Operation, Protocol};

pub(super) fn recognise(head: &Parts, body: &Bytes, service: Option<&str>) -> Option<Operation> {
    let form = head
        .headers
        .get("content-type")
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let action = if form {
        std::str::from_utf8(body).ok().and_then(action)
    } else {
        head.uri.query().and_then(action)
    }?;
    // Calls that fetch credentials are not signed.
    let service = service.unwrap_or(if action.starts_with("AssumeRole") {
        "sts"
    } else {
        "unknown"
    });
    Some(Operation {
        service: service.to_owned(),
        protocol: if service == "ec2" {
            Protocol::Ec2
        } else {
            Protocol::Query
        },
        name: action,
    })
}

fn action(form: &str) -> Option<String> {
    fields(form).find(|(name, _)| name == "Action").map(|(_, value)| value)
}

/// The decoded fields of a form or a query string, in their order.
pub(crate) fn fields(form: &str) -> impl Iterator<Item = (String, String)> + '_ {
    form.split('&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (decode(name), decode(value))
    })
}

/// Undoes percent encoding, and `+` for a space.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (escaped, bytes[at]) {
            (Some(byte), _) => {
                decoded.push(byte);
                at += 2;
            }
            (None, b'+') => decoded.push(b' '),
            (None, byte) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
