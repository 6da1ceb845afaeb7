use super::Document;

/// How long a policy may be, in characters without white space.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// All inline policies of a role together.
    Inline,
    /// A customer-managed policy.
    Managed,
    /// A trust policy.
    Trust,
    /// A VPC endpoint policy, or a bucket policy.
    Endpoint,
    /// A key policy.
    Key,
    /// A service control policy. White space counts where it is not written in the console.
    ServiceControl,
    /// A resource control policy, likewise.
    ResourceControl,
}

impl Limit {
    /// The number of characters.
    pub fn characters(self) -> usize {
        match self {
            Self::Inline => 10_240,
            Self::Managed => 6_144,
            Self::Trust => 2_048,
            Self::Endpoint => 20_480,
            Self::Key => 32_768,
            Self::ServiceControl | Self::ResourceControl => 5_120,
        }
    }

    /// How many characters `document` has too many.
    pub fn excess(self, document: &Document) -> usize {
        document
            .to_brief_json()
            .chars()
            .count()
            .saturating_sub(self.characters())
    }
}
