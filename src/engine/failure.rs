use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::blueprint::field_of;
use crate::model::{NodeKey, Words, counted};
use crate::plan::Action;

/// What kind of trouble an AWS call met, and so what is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// AWS asks for fewer calls: later, more slowly.
    Throttled,
    /// It was not sent: our share of AWS's rate is used up and others are before it.
    Queued {
        /// In how many seconds its turn comes.
        turn_in: u64,
    },
    /// It passes by itself: a fault of AWS, or something made a moment ago that is not known everywhere yet.
    Transient,
    /// No answer came; the call may have been carried out.
    Unanswered,
    /// The controller may not: somebody has to grant the permission.
    Denied,
    /// AWS does not know who asks: there are no credentials, or it does not accept them.
    Credentials,
    /// The request itself is refused: the spec has to change.
    Invalid,
    /// Something else still uses the resource, or it is in a state that does not allow the call: later.
    InUse,
    /// The resource is not there (any more).
    NotFound,
    /// The name belongs to somebody else.
    Taken,
    /// A quota of the account is used up.
    Quota,
    /// AWS accepted it again and again, and it did not stay.
    Undone,
    /// Not in the table of errors.
    Unknown,
    /// Not in the table of errors, and it did not pass when it was tried again.
    Unsolved,
}

impl Class {
    /// Whether asking again without any change can help.
    pub fn passes(self) -> bool {
        match self {
            Self::Throttled
            | Self::Queued { .. }
            | Self::Transient
            | Self::Unanswered
            | Self::InUse
            | Self::NotFound
            | Self::Unknown => true,
            Self::Denied
            | Self::Credentials
            | Self::Invalid
            | Self::Taken
            | Self::Quota
            | Self::Undone
            | Self::Unsolved => false,
        }
    }

    /// Whether the same call fails again for ever: until the spec, the plan or what AWS holds is another.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Invalid | Self::Taken)
    }

    /// What whoever reads of the failure can do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Throttled => "AWS limits the rate of this call for the whole account; it will be retried",
            Self::Queued { .. } => "it will be sent when its turn comes",
            Self::Transient => "it will be retried",
            Self::Unanswered => {
                "it will be retried; if it persists, check the way to AWS: the network, the proxy, AWS_ENDPOINT_URL"
            }
            Self::Unknown => "it will be retried; if it persists, look the code up in the documentation of the service",
            Self::Unsolved => {
                "it has failed again and again, and is retried only now and then: look the code up in the documentation of \
                 the service, and report it so that secureml can name its cause"
            }
            Self::Denied => "allow the controller's role this action",
            Self::Credentials => {
                "set AWS_PROFILE to a profile that has them, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN where there is one); \
                 in a cluster give the service account a role, by EKS Pod Identity or IRSA"
            }
            Self::Invalid => "it is not retried as it is: report it as a bug in secureml",
            Self::InUse => {
                "it will be retried until nothing uses the resource any more; remove what does, unless AWS does so by itself"
            }
            Self::NotFound => "it will be recreated on the next pass",
            Self::Taken => {
                "it is not retried as it is: rename the project, or remove the resource that has the name, or adopt it by spec.adopt"
            }
            Self::Quota => "raise the quota of the account in Service Quotas, or remove what is not needed",
            Self::Undone => "somebody or something changes it back, or AWS keeps it in another form: find out who",
        }
    }
}

/// The codes of credentials, or of a request, that are too old.
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired"];
/// The codes of tags that are not taken.
const TAGS_REFUSED: &[&str] = &["InvalidTag", "TagException"];
/// What stands before the action in AWS's denials.
const TO_PERFORM: &str = "to perform: ";

/// What is said where no edit helps.
const BUG: &str = "no field of the spec decides this, and it is not retried as it is: report it as a bug in secureml";

/// Which edit helps.
fn edit(field: &str) -> String {
    format!("change {field}; it is not retried before that")
}

/// An AWS call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The call: `ec2:CreateVpc`.
    pub call: String,
    /// What to do about it.
    pub class: Class,
    /// AWS's code; empty when no answer came.
    pub code: String,
    /// AWS's words, without the ids that differ from one attempt to the next.
    pub message: Words,
}

impl Failure {
    /// `call` was not sent: its turn comes after `due`.
    pub fn queued(call: &str, due: Duration) -> Self {
        let turn_in = due.as_secs() + 1;
        Self {
            call: call.to_owned(),
            class: Class::Queued { turn_in },
            code: String::new(),
            // In whole minutes: the text goes to the status, which is not written for every second that passes.
            message: Words::from(format!(
                "{call} waits for its turn under AWS's rate limit, about {} min",
                turn_in.div_ceil(60)
            )),
        }
    }
}

impl Failure {
    /// What whoever reads of the failure can do. Of a denied call: the statement that allows it, or what denies it.
    pub fn remedy(&self) -> String {
        let hint = self.class.hint();
        match self.class {
            Class::Denied if self.code == "OptInRequired" => {
                "enable the region, or sign up for the service, in the account".to_owned()
            }
            Class::Denied => self.permission(),
            Class::Undone => format!(
                "{hint} in CloudTrail, by the events of this resource other than our {}; it will be corrected again now and then",
                self.call
            ),
            Class::Transient if EXPIRED.contains(&self.code.as_str()) => {
                format!("{hint}; if it persists, renew the credentials, or set the clock right")
            }
            // A denial that may pass by itself, as long as IAM has not spread a role that was just made.
            Class::Transient if self.message.contains(TO_PERFORM) => {
                format!("{hint}; if it persists, {}", self.permission())
            }
            _ => hint.to_owned(),
        }
    }

    /// What happened and what can be done, as one sentence.
    pub fn sentence(&self) -> String {
        format!("{}; {}", self.said(), self.remedy())
    }

    /// [`Failure::remedy`] of what was to be done with `node`: which edit of the spec helps, where one does.
    pub fn remedy_for(&self, node: &NodeKey, action: Action) -> String {
        let removes = matches!(action, Action::Delete | Action::RemoveDuplicate);
        match self.class {
            Class::Invalid if removes => {
                "no edit of the spec helps; it is retried every hour: report it as a bug in secureml".to_owned()
            }
            Class::Invalid if TAGS_REFUSED.contains(&self.code.as_str()) => edit("spec.tags"),
            // Policies are put together from what was found sound.
            Class::Invalid if self.code.starts_with("MalformedPolicy") => BUG.to_owned(),
            Class::Invalid => field_of(node).map_or_else(|| BUG.to_owned(), |field| edit(&field)),
            // One that was just made may not be known everywhere; but it may as well not exist.
            Class::Transient if self.message.to_lowercase().contains("principal") => {
                let named = field_of(node).filter(|field| field.ends_with("Principals"));
                let named = named.map(|field| format!("; if it persists, change {field}: a principal may not exist"));
                self.remedy() + &named.unwrap_or_default()
            }
            _ => self.remedy(),
        }
    }

    /// What happened to `node`, and what can be done, as one sentence.
    pub fn sentence_for(&self, node: &NodeKey, action: Action) -> String {
        format!("{}; {}", self.said(), self.remedy_for(node, action))
    }

    fn said(&self) -> String {
        self.to_string().trim_end_matches(['.', ' ']).to_owned()
    }

    fn permission(&self) -> String {
        // "User: … is not authorized to perform: iam:CreateRole on resource: arn:… because no identity-based policy allows …"
        let after = |words: &str| {
            let (_, rest) = self.message.split_once(words)?;
            let word = rest.split_whitespace().next()?;
            Some(word.trim_end_matches([',', '.', ';']).to_owned())
        };
        let action = after(TO_PERFORM).unwrap_or_else(|| self.call.clone());
        let resource = after("on resource: ").filter(|resource| resource.starts_with("arn:"));
        let resource = resource.unwrap_or_else(|| "*".to_owned());
        let denier = [
            "service control policy",
            "resource control policy",
            "permissions boundary",
            "VPC endpoint policy",
            "session policy",
        ];
        let by = denier.into_iter().find(|kind| self.message.contains(kind));
        if self.message.contains("explicit deny") {
            let kind = by.unwrap_or("policy");
            return format!("a {kind} denies the controller's role {action} on {resource}: exempt the role in it");
        }
        let statement = serde_json::json!({"Effect": "Allow", "Action": action, "Resource": resource});
        let of = by.map_or_else(
            || "a policy of the controller's role".to_owned(),
            |kind| format!("the {kind}"),
        );
        format!("add to {of}: {statement}")
    }
}

impl Failure {
    /// `call` was not sent: another controller may have taken over by now.
    pub fn not_permitted(call: &str) -> Self {
        Self {
            call: call.to_owned(),
            class: Class::Transient,
            code: String::new(),
            message: Words::from("not sent: it is not certain that no other controller has taken over"),
        }
    }

    /// `call` was sent, and given up before its answer came, with the right to write.
    pub fn given_up(call: &str) -> Self {
        Self {
            class: Class::Unanswered,
            message: Words::from("given up: it is not certain that this controller still is the only one"),
            ..Self::not_permitted(call)
        }
    }
}

impl Failure {
    /// What `call` and others change was changed `times` times, and is as before again: `why`.
    pub fn undone(call: &str, times: u32, why: &str) -> Self {
        Self {
            call: call.to_owned(),
            class: Class::Undone,
            code: String::new(),
            message: format!(
                "corrected {}, and it does not stay: {why}",
                counted(times as usize, "time")
            )
            .into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call, code, message, ..
        } = self;
        if code.is_empty() {
            write!(f, "{call}: {message}")
        } else {
            write!(f, "{call}: {code}: {message}")
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy(class: Class, message: &str) -> String {
        let failure = Failure {
            call: "iam:CreateRole".to_owned(),
            class,
            code: "AccessDenied".to_owned(),
            message: Words::from(message),
        };
        failure.remedy()
    }

    const USER: &str = "User: arn:aws:sts::111122223333:assumed-role/secureml/x is not authorized to perform:";
    const ROLE: &str = "arn:aws:iam::111122223333:role/ds-user-role-churn-dev";

    #[test]
    fn of_a_denied_call_the_statement_is_said_that_allows_it() {
        let table = [
            (
                format!("{USER} iam:CreateRole on resource: {ROLE} because no identity-based policy allows the iam:CreateRole action"),
                format!(r#"add to a policy of the controller's role: {{"Action":"iam:CreateRole","Effect":"Allow","Resource":"{ROLE}"}}"#),
            ),
            (
                format!("{USER} iam:TagRole on resource: {ROLE} because no permissions boundary allows the iam:TagRole action"),
                format!(r#"add to the permissions boundary: {{"Action":"iam:TagRole","Effect":"Allow","Resource":"{ROLE}"}}"#),
            ),
            (
                format!("{USER} iam:CreateRole on resource: {ROLE} with an explicit deny in a service control policy"),
                format!("a service control policy denies the controller's role iam:CreateRole on {ROLE}: exempt the role in it"),
            ),
            (
                format!("{USER} iam:CreateRole on resource: {ROLE} with an explicit deny in an identity-based policy"),
                format!("a policy denies the controller's role iam:CreateRole on {ROLE}: exempt the role in it"),
            ),
            (
                "You are not authorized to perform this operation.".to_owned(),
                r#"add to a policy of the controller's role: {"Action":"iam:CreateRole","Effect":"Allow","Resource":"*"}"#.to_owned(),
            ),
        ];
        for (message, wanted) in table {
            assert_eq!(remedy(Class::Denied, &message), wanted);
        }
    }

    #[test]
    fn a_role_that_may_not_be_passed_is_told_though_it_may_pass_by_itself() {
        let said = remedy(Class::Transient, &format!("{USER} iam:PassRole on resource: {ROLE}"));
        assert!(said.starts_with("it will be retried; if it persists, add"), "{said}");
        assert!(said.contains("iam:PassRole") && said.contains(ROLE), "{said}");
    }

    #[test]
    fn what_is_not_taken_names_the_field_to_edit() {
        let said = |code: &str, class, node: &str, message: &str, action| {
            let failure = Failure {
                call: "x:Y".to_owned(),
                class,
                code: code.to_owned(),
                message: Words::from(message),
            };
            failure.remedy_for(&node.parse().expect("a node"), action)
        };
        let invalid = |code: &str, node: &str| said(code, Class::Invalid, node, "no", Action::Create);
        assert_eq!(
            invalid("InvalidVpcRange", "Vpc/main"),
            "change spec.network.vpcCidr; it is not retried before that"
        );
        assert!(
            invalid("ValidationException", "Notebook/ana").contains("the entry of spec.notebooks with the name ana")
        );
        assert!(invalid("InvalidTag", "Bucket/data").starts_with("change spec.tags;"));
        assert!(invalid("InvalidParameter", "RouteTable/private").contains("report it as a bug"));
        assert!(invalid("MalformedPolicyDocument", "IamPolicy/boundary").contains("report it as a bug"));
        let removed = said(
            "ValidationException",
            Class::Invalid,
            "Notebook/ana",
            "no",
            Action::Delete,
        );
        assert!(removed.contains("no edit of the spec helps"), "{removed}");
        let principal = |node| {
            said(
                "MalformedPolicyDocument",
                Class::Transient,
                node,
                "Invalid principal",
                Action::Create,
            )
        };
        assert!(principal("IamRole/admin").ends_with("change spec.access.adminPrincipals: a principal may not exist"));
        assert_eq!(principal("KmsKey/project"), "it will be retried");
    }
}
