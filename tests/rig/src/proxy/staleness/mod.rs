//! Eventual consistency: what was just created is not seen, for a while, by those who read, and what was just changed or
//! deleted is seen as it was.

mod kinds;
mod principals;
mod versions;
pub(super) mod xml;

use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::header::CONTENT_LENGTH;
use serde_json::Value;

use self::kinds::{KINDS, Kind};
use self::versions::Versions;
use super::operation::Protocol;
use super::request::Request;
use super::wire::{self, AwsError};

/// How long fresh objects stay hidden, and from whom; and whether what is not fresh is shown as it was.
///
/// Lists leave fresh ones out, reads by id say not found. The object itself is there: a second create with the same
/// name or token meets it.
#[derive(Clone, Debug)]
pub struct Staleness {
    window: Duration,
    from_writes: bool,
    fresh: Vec<Fresh>,
    versions: Option<Versions>,
}

#[derive(Clone, Debug)]
struct Fresh {
    kind: &'static Kind,
    account: String,
    id: String,
    until: Duration,
}

impl Staleness {
    /// Hides what was created less than `window` ago from reads.
    pub fn of_reads(window: Duration) -> Self {
        Self {
            window,
            from_writes: false,
            fresh: Vec::new(),
            versions: None,
        }
    }

    /// Hides it from writes too: tagging a fresh VPC fails, and so does a policy that names a fresh role.
    pub fn and_writes(mut self) -> Self {
        self.from_writes = true;
        self
    }

    /// Shows what was changed or deleted less than a window ago as it was before, to those who have read it before.
    pub fn and_old_versions(mut self) -> Self {
        self.versions = Some(Versions::new(self.window));
        self
    }

    /// The answer of before a write to what `request` reads, where there still is one.
    pub(crate) fn recall(&self, request: &Request, account: &str, now: Duration) -> Option<Response<Bytes>> {
        let mut response = self.versions.as_ref()?.recall(request, account, now)?;
        self.hide(request, account, &mut response);
        Some(response)
    }

    /// The error of a request for something that is there, but still hidden.
    pub(crate) fn refuse(&mut self, request: &Request, account: &str, now: Duration) -> Option<AwsError> {
        self.fresh.retain(|fresh| now < fresh.until);
        let open = |fresh: &&Fresh| fresh.account == account;
        let name = request.operation.name.as_str();
        if request.is_mutating() && !self.from_writes {
            return None;
        }
        let missing = self.fresh.iter().filter(open).find(|fresh| {
            let again = fresh.kind.create == name && fresh.kind.service == request.operation.service;
            !again && fresh.is_named_by(request)
        });
        if let Some(fresh) = missing {
            return Some(fresh.not_found());
        }
        let mut roles = self
            .fresh
            .iter()
            .filter(open)
            .filter(|fresh| fresh.kind.create == "CreateRole");
        roles.find_map(|fresh| principals::refuse(request, account, &fresh.id))
    }

    /// Learns from an answer to what was asked at `asked`, and takes out of it what is still hidden.
    pub(crate) fn pass(
        &mut self,
        request: &Request,
        account: &str,
        [asked, now]: [Duration; 2],
        response: &mut Response<Bytes>,
    ) {
        let done = response.status().is_success();
        if let Some(versions) = &mut self.versions {
            if !request.operation.is_mutating() {
                versions.answered(request, account, asked, response);
            } else if done && request.is_mutating() {
                versions.written(request, account, now);
            }
        }
        if done {
            self.note_created(request, account, now, response);
            self.hide(request, account, response);
        }
    }

    fn note_created(&mut self, request: &Request, account: &str, now: Duration, response: &Response<Bytes>) {
        let operation = (request.operation.service.as_str(), request.operation.name.as_str());
        let text = String::from_utf8_lossy(response.body());
        if let Some(kind) = KINDS.iter().find(|kind| (kind.service, kind.create) == operation)
            && let Some(id) = kind.created_id(request, &text)
        {
            self.fresh.push(Fresh {
                kind,
                account: account.to_owned(),
                id,
                until: now + self.window,
            });
        }
    }

    /// Takes out of an answer what is still hidden.
    fn hide(&self, request: &Request, account: &str, response: &mut Response<Bytes>) {
        let service = request.operation.service.as_str();
        let name = request.operation.name.as_str();
        let text = String::from_utf8_lossy(response.body()).into_owned();
        let mut filtered = text.clone();
        for kind in KINDS
            .iter()
            .filter(|kind| kind.service == service && kind.lists.contains(&name))
        {
            let hidden = |id: &str| self.hides(account, |fresh| std::ptr::eq(fresh.kind, kind) && fresh.id == id);
            filtered = without(request, &filtered, kind.item, kind.key, &hidden);
        }
        if (service, name) == ("tagging", "GetResources") {
            let hidden = |arn: &str| self.hides(account, |fresh| ends_with_id(arn, &fresh.id));
            filtered = without(request, &filtered, "ResourceTagMappingList", "ResourceARN", &hidden);
        }
        if filtered != text {
            *response.body_mut() = Bytes::from(filtered);
            response.headers_mut().remove(CONTENT_LENGTH);
        }
    }

    fn hides(&self, account: &str, which: impl Fn(&Fresh) -> bool) -> bool {
        self.fresh.iter().any(|fresh| fresh.account == account && which(fresh))
    }
}

/// Takes the entries out of a list whose key is hidden.
fn without(request: &Request, body: &str, item: &str, key: &str, hidden: &dyn Fn(&str) -> bool) -> String {
    if !request.operation.protocol.is_json() {
        return xml::without(body, item, key, hidden);
    }
    let Ok(mut value) = serde_json::from_str::<Value>(body) else {
        return body.to_owned();
    };
    let Some(entries) = value.get_mut(item).and_then(Value::as_array_mut) else {
        return body.to_owned();
    };
    let before = entries.len();
    entries.retain(|entry| !entry.get(key).and_then(Value::as_str).is_some_and(hidden));
    if entries.len() == before {
        body.to_owned()
    } else {
        value.to_string()
    }
}

/// Whether an id or an ARN is of the object with this id.
fn ends_with_id(name: &str, id: &str) -> bool {
    name.strip_suffix(id)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with(['/', ':']))
}

impl Fresh {
    /// Whether a request names the object, other than in a filter.
    fn is_named_by(&self, request: &Request) -> bool {
        if self.kind.service != request.operation.service {
            return false;
        }
        match request.operation.protocol {
            Protocol::Ec2 | Protocol::Query => {
                let mut fields = request
                    .form()
                    .into_iter()
                    .filter(|(name, _)| !name.starts_with("Filter."));
                fields.any(|(name, value)| self.kind.is_param(&name) && value == self.id)
            }
            Protocol::RestXml => request.bucket().as_deref() == Some(&self.id),
            _ => {
                let mut named = self.kind.params.iter().filter_map(|param| request.param(param));
                named.any(|value| ends_with_id(&value, &self.id))
            }
        }
    }

    fn not_found(&self) -> AwsError {
        let (status, code, message) = self.kind.not_found;
        AwsError::new(status, code, &message.replace("{}", &self.id))
    }
}

impl Kind {
    fn created_id(&self, request: &Request, answer: &str) -> Option<String> {
        match request.operation.protocol {
            Protocol::RestXml => request.bucket(),
            Protocol::Ec2 | Protocol::Query => wire::element(answer, self.created),
            _ => {
                let answer: Value = serde_json::from_str(answer).unwrap_or_default();
                // A parameter is put whether it is new or not.
                let is_first = answer
                    .get("Version")
                    .and_then(Value::as_u64)
                    .is_none_or(|version| version == 1);
                if !is_first {
                    return None;
                }
                find(&answer, self.created).or_else(|| request.param(self.created))
            }
        }
    }

    /// Whether a field of a form carries ids of this kind. EC2 tags anything as a `ResourceId`.
    fn is_param(&self, field: &str) -> bool {
        let field = field.split('.').next().unwrap_or_default();
        self.params.contains(&field) || (self.service == "ec2" && field == "ResourceId")
    }
}

/// The first text with this name anywhere in a JSON value.
fn find(value: &Value, name: &str) -> Option<String> {
    let object = value.as_object()?;
    let here = object.get(name).and_then(Value::as_str).map(str::to_owned);
    here.or_else(|| object.values().find_map(|value| find(value, name)))
}

#[cfg(test)]
mod tests;
