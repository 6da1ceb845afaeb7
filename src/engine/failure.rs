use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// Not in the table of errors.
    Unknown,
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
            Self::Denied | Self::Invalid | Self::Taken | Self::Quota => false,
        }
    }

    /// What whoever reads of the failure can do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Throttled => "AWS limits the rate of this call for the whole account; it is repeated later",
            Self::Queued { .. } => "it is sent when its turn comes",
            Self::Transient | Self::Unanswered | Self::Unknown => "it is repeated",
            Self::Denied => "allow the controller's role this action",
            Self::Invalid => "change the field of the spec that this resource is made from",
            Self::InUse => "it is repeated once nothing uses the resource any more",
            Self::NotFound => "the next pass makes it anew",
            Self::Taken => "rename the project, or remove or adopt the resource that has the name",
            Self::Quota => "raise the quota of the account, or remove what is not needed",
        }
    }
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
    pub message: String,
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
            message: format!(
                "{call} waits for its turn under AWS's rate limit, about {} min",
                turn_in.div_ceil(60)
            ),
        }
    }
}

impl Failure {
    /// `call` was not sent: another replica may lead by now.
    pub fn not_leading(call: &str) -> Self {
        Self {
            call: call.to_owned(),
            class: Class::Transient,
            code: String::new(),
            message: "not sent: this replica's lease has run out".to_owned(),
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
