use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something in AWS that keeps a resource from being deleted. It is only told of, and never touched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// What it is, in AWS's words: `network interface`.
    pub what: String,
    /// Its id, or how many there are of it.
    pub id: String,
    /// Whose it is: the project that its tag names, the service that made it, or the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Since when it is there, where AWS tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Whether AWS removes it by itself, some time after what it belonged to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passes: bool,
}

impl Holder {
    /// `what` with this `id`, of which nothing else is known.
    pub fn new(what: &str, id: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            id: id.into(),
            ..Self::default()
        }
    }

    /// With this owner; an empty text is none.
    #[must_use]
    pub fn of(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into()).filter(|owner| !owner.is_empty());
        self
    }

    /// With this description; an empty text is none.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into()).filter(|description| !description.is_empty());
        self
    }

    /// With the moment since which it is there, in seconds after 1970.
    #[must_use]
    pub fn since(mut self, seconds: Option<i64>) -> Self {
        let moment = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        self.since = moment.map(Time);
        self
    }

    /// AWS removes it by itself.
    #[must_use]
    pub fn passes(mut self, passes: bool) -> Self {
        self.passes = passes;
        self
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.id)?;
        let mut facts = Vec::new();
        facts.extend(self.owner.as_ref().map(|owner| format!("of {owner}")));
        facts.extend(self.description.as_ref().map(|said| format!("“{said}”")));
        facts.extend(self.since.as_ref().map(|since| format!("since {}", since.0)));
        if facts.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", facts.join(", "))
    }
}
