use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::scene::Scene;

/// A promise that an environment makes.
#[derive(Clone, Copy)]
pub struct Control {
    /// How it is called: by AWS Security Hub (`S3.5`), or by our own list.
    pub id: &'static str,
    /// What is promised.
    pub title: &'static str,
    /// How bad it is when it is not kept.
    pub severity: Severity,
    /// Looks whether it is.
    pub(super) check: fn(&Scene<'_>) -> Outcome,
}

/// How bad something is, in the words of AWS Security Hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are Security Hub's")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

/// What a check found.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// What was found, resource by resource.
    Found(Vec<Finding>),
    /// It is not about this environment, and why not.
    NotApplicable(&'static str),
}

impl Outcome {
    /// What was found here and there.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Found(mut findings), Self::Found(more)) => {
                findings.extend(more);
                Self::Found(findings)
            }
            (found, Self::NotApplicable(_)) => found,
            (Self::NotApplicable(_), found) => found,
        }
    }
}

/// What was found of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The resource, by its node.
    pub resource: String,
    /// What AWS knows it by: its ARN, or its id where it has none.
    pub id: Option<String>,
    /// Whether it keeps the promise.
    pub verdict: Verdict,
    /// What shows that.
    pub evidence: String,
}

/// Whether a promise is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is not about this environment.
    NotApplicable,
    /// It is kept.
    Pass,
    /// It cannot be told; that counts as not kept.
    Unknown,
    /// It is not kept.
    Fail,
}

impl Verdict {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

/// One control and what was found.
#[derive(Clone)]
pub struct Check {
    /// The control.
    pub control: &'static Control,
    /// What was found.
    pub outcome: Outcome,
}

impl Check {
    pub(super) fn new(control: &'static Control, scene: &Scene<'_>) -> Self {
        Self {
            control,
            outcome: (control.check)(scene),
        }
    }

    /// The worst of what was found.
    pub fn verdict(&self) -> Verdict {
        match &self.outcome {
            Outcome::NotApplicable(_) => Verdict::NotApplicable,
            Outcome::Found(findings) => {
                let worst = findings.iter().map(|finding| finding.verdict).max();
                worst.unwrap_or(Verdict::NotApplicable)
            }
        }
    }

    /// What was found wrong, resource by resource.
    pub fn wrong(&self) -> impl Iterator<Item = &Finding> {
        self.findings().iter().filter(|finding| finding.is_wrong())
    }

    /// What was found, resource by resource.
    pub fn findings(&self) -> &[Finding] {
        match &self.outcome {
            Outcome::Found(findings) => findings,
            Outcome::NotApplicable(_) => &[],
        }
    }
}

impl Finding {
    /// Whether the promise is not kept, or it cannot be told.
    pub fn is_wrong(&self) -> bool {
        self.verdict > Verdict::Pass
    }
}

/// What an audit found.
pub struct Report {
    /// The owner: installation, namespace and name.
    pub project: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The partition.
    pub partition: String,
    /// Every control.
    pub checks: Vec<Check>,
}

impl Report {
    /// How many controls came out as `verdict`.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.verdict() == verdict).count()
    }

    /// The controls that are not kept, or of which it cannot be told.
    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.verdict() > Verdict::Pass)
    }

    /// Whether all promises are kept.
    pub fn holds(&self) -> bool {
        self.broken().next().is_none()
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Report", 5)?;
        fields.serialize_field("project", &self.project)?;
        fields.serialize_field("account", &self.account)?;
        fields.serialize_field("region", &self.region)?;
        fields.serialize_field("holds", &self.holds())?;
        fields.serialize_field("controls", &self.checks)?;
        fields.end()
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Check", 6)?;
        fields.serialize_field("id", self.control.id)?;
        fields.serialize_field("title", self.control.title)?;
        fields.serialize_field("severity", &format!("{:?}", self.control.severity).to_uppercase())?;
        fields.serialize_field("verdict", self.verdict().word())?;
        if let Outcome::NotApplicable(why) = &self.outcome {
            fields.serialize_field("reason", why)?;
        }
        fields.serialize_field("findings", self.findings())?;
        fields.end()
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Finding", 4)?;
        fields.serialize_field("resource", &self.resource)?;
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("verdict", self.verdict.word())?;
        fields.serialize_field("evidence", &self.evidence)?;
        fields.end()
    }
}
