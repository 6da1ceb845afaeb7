//! Who a request comes from: learnt from the credentials that STS hands out on its way through the proxy.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use hyper::Response;

use super::request::Request;
use super::wire::element;

/// The account of everybody who has assumed no role.
pub const HOME_ACCOUNT: &str = "123456789012";

/// A caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) account: String,
    pub(crate) arn: String,
}

/// The callers known by their access keys.
#[derive(Debug, Default)]
pub(crate) struct Identities(Mutex<HashMap<String, Identity>>);

impl Identities {
    /// The caller of this request.
    pub(crate) fn of(&self, access_key: &str) -> Identity {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(access_key).cloned().unwrap_or_else(|| Identity {
            account: HOME_ACCOUNT.to_owned(),
            arn: format!("arn:aws:iam::{HOME_ACCOUNT}:user/rig"),
        })
    }

    /// Remembers the credentials in an answer of STS.
    pub(crate) fn learn(&self, request: &Request, response: &Response<Bytes>) {
        if request.operation.service != "sts" || !request.operation.name.starts_with("AssumeRole") {
            return;
        }
        let text = String::from_utf8_lossy(response.body());
        let (Some(key), Some(arn)) = (element(&text, "AccessKeyId"), element(&text, "Arn")) else {
            return;
        };
        let account = arn.split(':').nth(4).unwrap_or(HOME_ACCOUNT).to_owned();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, Identity { account, arn });
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::made;
    use super::*;

    #[test]
    fn assumed_roles_are_learnt() {
        let identities = Identities::default();
        assert_eq!(identities.of("AKIA").account, HOME_ACCOUNT);
        let answer = "<AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/r/s</Arn>\
                      </AssumedRoleUser><Credentials><AccessKeyId>ASIA1</AccessKeyId></Credentials></AssumeRoleResult>";
        let answer = Response::new(Bytes::from_static(answer.as_bytes()));
        identities.learn(&made::query("sts", "Action=AssumeRole"), &answer);
        assert_eq!(identities.of("ASIA1").account, "111122223333");
        assert_eq!(identities.of("ASIA1").arn, "arn:aws:sts::111122223333:assumed-role/r/s");
    }
}
