//! Whether an endpoint of an AWS service serves accounts that have nothing to do with the project.

use crate::policy::evaluate::{Policies, Request, evaluate};
use crate::policy::{Document, Effect};

/// An account and an organisation that nobody has.
const STRANGER: &str = "000000000000";
const STRANGERS: &str = "o-0000000000";

/// Whether `policy` lets a stranger's credentials do something to what is the stranger's: then whoever brings such
/// credentials into the network can take data out with them. What is not understood counts as open.
pub(super) fn is_open(policy: Option<&Document>) -> bool {
    let Some(document) = policy else { return true };
    let allowing = document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow);
    let mut actions = allowing.flat_map(|statement| match statement.not_actions.is_empty() {
        true => statement.actions.iter().map(String::as_str).collect(),
        false => vec!["*"],
    });
    actions.any(|pattern| serves(document, pattern))
}

fn serves(document: &Document, pattern: &str) -> bool {
    // Something that the pattern is about, whatever it is about.
    let concrete = match pattern {
        "*" => "any:Thing".to_owned(),
        _ => pattern.replace(['*', '?'], "a"),
    };
    let service = concrete.split(':').next().unwrap_or_default();
    let resource = match service {
        "s3" => format!("arn:aws:s3:::strange-{STRANGER}/object"),
        _ => format!("arn:aws:{service}:us-east-1:{STRANGER}:strange/thing"),
    };
    let caller = format!("arn:aws:iam::{STRANGER}:role/strange");
    let request = Request::new(&caller, &concrete, &resource, STRANGER)
        .with("aws:PrincipalAccount", [STRANGER])
        .with("aws:PrincipalArn", [caller.as_str()])
        .with("aws:PrincipalOrgID", [STRANGERS])
        .with("aws:ResourceAccount", [STRANGER])
        .with("aws:ResourceOrgID", [STRANGERS]);
    let policies = Policies {
        endpoint: Some(document),
        ..Policies::default()
    };
    evaluate(&request, &policies)
        .endpoint
        .is_some_and(|says| says.deny.is_empty() && !(says.allow.is_empty() && says.unknown.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_served() {
        let everything = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
        let put = r#"{"Effect":"Allow","Principal":"*","Action":"s3:Put*","Resource":"*"}"#;
        let ours = r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::ours/*"}"#;
        let account = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",
            "Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}}"#;
        let organisation = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*",
            "Condition":{"StringNotEquals":{"aws:ResourceOrgID":"o-exampleorgid"}}}"#;
        let other_deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"*"}"#;
        let all_but = r#"{"Effect":"Allow","Principal":"*","NotAction":"s3:DeleteBucket","Resource":"*"}"#;
        let cases: [(&[&str], bool); 7] = [
            (&[everything], true),
            (&[put, other_deny], true),
            (&[all_but], true),
            (&[ours], false),
            (&[account], false),
            (&[everything, organisation], false),
            (&[], false),
        ];
        for (statements, open) in cases {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
            let document = Document::parse(&text).expect("a policy");
            assert_eq!(is_open(Some(&document)), open, "{text}");
        }
        assert!(is_open(None), "no policy lets everything through");
    }
}
