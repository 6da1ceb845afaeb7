//! Amazon S3 bucket: where the data of a project lies.
//!
//! Names are unique in the world, so that one of ours may turn out to be a stranger's: every call says which account the
//! bucket must belong to. Since 2023 a new bucket is encrypted, closed to the public and without access lists; what
//! was not said at creation is set in calls of its own, each with its own reading. A bucket that holds anything is
//! never deleted: AWS refuses.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html>

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New};
use crate::model::Tags;
use crate::plan::Todo;
use crate::policy::Document;

/// The kind.
pub struct Bucket;

/// What a bucket is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// Who may not do what with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Document>,
    /// How objects are encrypted whose writer does not say.
    pub encryption: Encryption,
    /// Whether former versions of objects are kept.
    pub versioning: Versioning,
    /// How it is closed to the public.
    pub public_access_block: PublicAccessBlock,
    /// Whose the objects are: `BucketOwnerEnforced`, which also switches access lists off, or another word of S3's.
    pub ownership: String,
    /// What S3 removes or moves by itself. Of what is desired there is at least one rule.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lifecycle: BTreeSet<LifecycleRule>,
}

/// A rule by which S3 removes or moves something by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleRule {
    /// Its name.
    pub id: String,
    /// Whether it is in use.
    pub enabled: bool,
    /// After how many days the parts of an upload go that nobody finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_uploads_after_days: Option<i32>,
    /// What else it does, or that it is about some objects only. Nothing of ours does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
}

impl LifecycleRule {
    /// Removes the parts of an upload that nobody finished within `days`.
    pub fn abort_uploads(days: i32) -> Self {
        Self {
            id: "abort-unfinished-uploads".to_owned(),
            enabled: true,
            abort_uploads_after_days: Some(days),
            other: None,
        }
    }
}

/// How objects are encrypted whose writer does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// `aws:kms`, or `AES256` with a key of S3's own.
    pub algorithm: String,
    /// The ARN of the KMS key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether S3 asks KMS once for many objects.
    pub bucket_key: bool,
}

/// Whether former versions of objects are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// It was never switched on.
    Off,
    /// They are kept.
    Enabled,
    /// Those there are stay, and no new ones are kept.
    Suspended,
}

/// How a bucket is closed to the public.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "four switches, as S3 has them")]
pub struct PublicAccessBlock {
    /// Access lists for everybody are refused.
    pub block_public_acls: bool,
    /// Those there are have no effect.
    pub ignore_public_acls: bool,
    /// Policies for everybody are refused.
    pub block_public_policy: bool,
    /// While there is one, only the account and AWS services get in.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// Closed in every way.
    pub const CLOSED: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the bucket.
    #[serde(rename = "s3:CreateBucket")]
    Create {
        bucket: String,
        ownership: String,
        tags: Tags,
    },
    /// Closes it to the public.
    #[serde(rename = "s3:PutPublicAccessBlock")]
    Close { bucket: String, block: PublicAccessBlock },
    /// Sets the encryption of what is written from now on.
    #[serde(rename = "s3:PutBucketEncryption")]
    Encrypt { bucket: String, encryption: Encryption },
    /// Keeps former versions.
    #[serde(rename = "s3:PutBucketVersioning")]
    Version { bucket: String, versioning: Versioning },
    /// Sets whose the objects are.
    #[serde(rename = "s3:PutBucketOwnershipControls")]
    Own { bucket: String, ownership: String },
    /// Sets what S3 removes by itself, in the place of whatever it did.
    #[serde(rename = "s3:PutBucketLifecycleConfiguration")]
    Lifecycle {
        bucket: String,
        rules: BTreeSet<LifecycleRule>,
    },
    /// Sets the policy.
    #[serde(rename = "s3:PutBucketPolicy")]
    Policy { bucket: String, policy: Document },
    /// Restores tags; all are written anew, so that those of others are among them.
    #[serde(rename = "s3:PutBucketTagging")]
    Tag { bucket: String, tags: Tags },
    /// Removes the bucket.
    #[serde(rename = "s3:DeleteBucket")]
    Delete { bucket: String },
}

impl Kind for Bucket {
    const NAME: &'static str = "Bucket";
    const FIELDS: &'static [Field] = &[
        Field::in_place("policy").critical(),
        Field::in_place("encryption").critical(),
        Field::in_place("versioning"),
        Field::in_place("publicAccessBlock").critical(),
        Field::in_place("ownership").critical(),
        Field::in_place("lifecycle"),
    ];
    const IDENTITY: Identity = Identity::Name;
    const HOLDS_DATA: bool = true;
    const MENTIONS: &'static [&'static str] = &["policy"];
    const PERMISSIONS: &'static [&'static str] = &[
        "s3:CreateBucket",
        "s3:DeleteBucket",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:ListAllMyBuckets",
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions",
        "s3:PutBucketOwnershipControls",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
        "s3:TagResource",
        "tag:GetResources",
    ];
    type Attributes = Attributes;
    type Call = Call;

    /// Closed first; the policy, which keeps everybody else out, last.
    fn create(new: &New<Attributes>) -> Vec<Call> {
        let Attributes {
            ownership,
            encryption,
            versioning,
            public_access_block: block,
            policy,
            lifecycle: rules,
        } = new.attributes.clone();
        let bucket = || new.name.clone();
        let create = Call::Create {
            bucket: bucket(),
            ownership,
            tags: new.tags.clone(),
        };
        let mut calls = vec![
            create,
            Call::Close { bucket: bucket(), block },
            Call::Encrypt {
                bucket: bucket(),
                encryption,
            },
            Call::Version {
                bucket: bucket(),
                versioning,
            },
            Call::Lifecycle { bucket: bucket(), rules },
        ];
        calls.extend(policy.map(|policy| Call::Policy {
            bucket: bucket(),
            policy,
        }));
        calls
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let bucket = || current.id.clone();
        let block = desired.public_access_block;
        let own = || Call::Own {
            bucket: bucket(),
            ownership: desired.ownership.clone(),
        };
        let encrypt = || Call::Encrypt {
            bucket: bucket(),
            encryption: desired.encryption.clone(),
        };
        let lifecycle = || Call::Lifecycle {
            bucket: bucket(),
            rules: desired.lifecycle.clone(),
        };
        let versioning = desired.versioning;
        let policy = desired.policy.clone().filter(|_| changed.has("policy"));
        let mut calls = Vec::new();
        calls.extend(changed.has("publicAccessBlock").then(|| Call::Close { bucket: bucket(), block }));
        calls.extend(policy.map(|policy| Call::Policy { bucket: bucket(), policy }));
        calls.extend(changed.has("ownership").then(own));
        calls.extend(changed.has("encryption").then(encrypt));
        calls.extend(changed.has("lifecycle").then(lifecycle));
        calls.extend(changed.has("versioning").then(|| Call::Version { bucket: bucket(), versioning }));
        Todo::now(calls)
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        let all = current.tags.iter().chain(missing.iter());
        vec![Call::Tag {
            bucket: current.id.clone(),
            tags: all.collect(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        Todo::now(vec![Call::Delete {
            bucket: current.id.clone(),
        }])
    }
}

#[cfg(feature = "aws")]
mod live;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_others_are_written_back() {
        let current = Current {
            id: "b".to_owned(),
            state: String::new(),
            attributes: Attributes {
                policy: None,
                encryption: Encryption {
                    algorithm: "AES256".to_owned(),
                    key: None,
                    bucket_key: false,
                },
                versioning: Versioning::Off,
                public_access_block: PublicAccessBlock::CLOSED,
                ownership: "BucketOwnerEnforced".to_owned(),
                lifecycle: BTreeSet::new(),
            },
            tags: Tags::default().with("theirs", "1").with("ours", "old"),
        };
        let calls = Bucket::tag(&current, &Tags::default().with("ours", "new"));
        let [Call::Tag { tags, .. }] = calls.as_slice() else {
            panic!("one call");
        };
        assert_eq!(*tags, Tags::default().with("theirs", "1").with("ours", "new"));
    }
}
