//! KMS key: what the data of a project is encrypted with.
//!
//! AWS invents the id and offers no client token for `CreateKey`; the tags written by the call are the identity. A key
//! is never gone at once: its deletion is scheduled, and can be called off for 30 days. Aliases have no tags: one that
//! stands for another key is somebody else's, unless it is younger than ours. No list tells more than the aliases.
//!
//! A grant lets its grantee use the key whatever the key policy says. AWS services make grants of their own for the
//! volumes of living notebooks, jobs and endpoints; those are left alone. All others are revoked.
//! <https://docs.aws.amazon.com/kms/latest/developerguide/overview.html>

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New};
use crate::model::Tags;
use crate::plan::Todo;
use crate::policy::Document;

/// The kind.
pub struct KmsKey;

/// What the name of an alias begins with.
pub const ALIAS: &str = "alias/";

/// How many days a deletion can be called off, the most that KMS offers.
const PENDING_DAYS: i32 = 30;

/// What a key is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// The names it is known by.
    pub aliases: BTreeSet<String>,
    /// What it is for.
    pub description: String,
    /// Who may do what with it.
    pub policy: Document,
    /// Every how many days its material is made anew; none when it never is.
    pub rotation_days: Option<i32>,
    /// Whether it can be used.
    pub state: State,
    /// Who else may use it, by the id of the grant.
    pub grants: BTreeMap<String, String>,
    /// Whether its alias was moved to another key. Not compared: it tells how the alias comes back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
}

/// Whether a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It can.
    Enabled,
    /// Somebody switched it off.
    Disabled,
    /// Its deletion is scheduled.
    PendingDeletion,
    /// It cannot, for a reason of AWS's own.
    Unavailable,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the key.
    #[serde(rename = "kms:CreateKey")]
    Create {
        description: String,
        policy: Document,
        tags: Tags,
    },
    /// Gives the key a name.
    #[serde(rename = "kms:CreateAlias")]
    Name { key: String, alias: String },
    /// Takes the name back from another key.
    #[serde(rename = "kms:UpdateAlias")]
    Rename { key: String, alias: String },
    /// Removes a name.
    #[serde(rename = "kms:DeleteAlias")]
    Unname { alias: String },
    /// Switches the key on.
    #[serde(rename = "kms:EnableKey")]
    Enable { key: String },
    /// Calls a deletion off; the key is switched off afterwards.
    #[serde(rename = "kms:CancelKeyDeletion")]
    Cancel { key: String },
    /// Sets who may do what with the key.
    #[serde(rename = "kms:PutKeyPolicy")]
    Policy { key: String, policy: Document },
    /// Sets how often the material is made anew.
    #[serde(rename = "kms:EnableKeyRotation")]
    Rotate { key: String, days: i32 },
    /// Sets what the key is for.
    #[serde(rename = "kms:UpdateKeyDescription")]
    Describe { key: String, description: String },
    /// Ends a grant.
    #[serde(rename = "kms:RevokeGrant")]
    Revoke { key: String, grant: String },
    /// Restores tags.
    #[serde(rename = "kms:TagResource")]
    Tag { key: String, tags: Tags },
    /// Schedules the key's deletion.
    #[serde(rename = "kms:ScheduleKeyDeletion")]
    Delete { key: String, days: i32 },
}

impl Kind for KmsKey {
    const NAME: &'static str = "KmsKey";
    const FIELDS: &'static [Field] = &[
        Field::in_place("aliases"),
        Field::in_place("description"),
        Field::in_place("policy").critical(),
        Field::in_place("rotationDays"),
        Field::in_place("state").critical(),
        Field::in_place("grants").critical(),
    ];
    const IDENTITY: Identity = Identity::Tags;
    const HOLDS_DATA: bool = true;
    const MENTIONS: &'static [&'static str] = &["policy"];
    const PERMISSIONS: &'static [&'static str] = &[
        "kms:CancelKeyDeletion",
        "kms:CreateAlias",
        "kms:CreateKey",
        "kms:DeleteAlias",
        "kms:DescribeKey",
        "kms:EnableKey",
        "kms:EnableKeyRotation",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:ListAliases",
        "kms:ListGrants",
        "kms:PutKeyPolicy",
        "kms:RevokeGrant",
        "kms:ScheduleKeyDeletion",
        "kms:TagResource",
        "kms:UpdateAlias",
        "kms:UpdateKeyDescription",
        "tag:GetResources",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        let key = new.id();
        let create = Call::Create {
            description: new.attributes.description.clone(),
            policy: new.attributes.policy.clone(),
            tags: new.tags.clone(),
        };
        let mut calls = vec![create];
        calls.extend(new.attributes.rotation_days.map(|days| rotate(&key, days)));
        let names = new.attributes.aliases.iter().cloned();
        calls.extend(names.map(|alias| Call::Name {
            key: key.clone(),
            alias,
        }));
        calls
    }

    /// A key that is off takes no other change, so that it is switched on first.
    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let key = || current.id.clone();
        let now = &current.attributes;
        let mut calls = Vec::new();
        if changed.has("state") {
            let pending = now.state == State::PendingDeletion;
            calls.extend(pending.then(|| Call::Cancel { key: key() }));
            calls.push(Call::Enable { key: key() });
        }
        calls.extend(changed.has("policy").then(|| Call::Policy {
            key: key(),
            policy: desired.policy.clone(),
        }));
        let missing = desired.aliases.difference(&now.aliases).cloned();
        calls.extend(missing.map(|alias| match now.moved {
            true => Call::Rename { key: key(), alias },
            false => Call::Name { key: key(), alias },
        }));
        let days = desired.rotation_days.filter(|_| changed.has("rotationDays"));
        calls.extend(days.map(|days| rotate(&current.id, days)));
        calls.extend(changed.has("description").then(|| Call::Describe {
            key: key(),
            description: desired.description.clone(),
        }));
        let strange = now.grants.keys().filter(|grant| !desired.grants.contains_key(*grant));
        calls.extend(strange.map(|grant| Call::Revoke {
            key: key(),
            grant: grant.clone(),
        }));
        let strange = now.aliases.difference(&desired.aliases).cloned();
        calls.extend(strange.map(|alias| Call::Unname { alias }));
        Todo::now(calls)
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            key: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    /// Its names go at once, so that a new project of the name can have them.
    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        let names = current.attributes.aliases.iter().cloned();
        let mut calls: Vec<Call> = names.map(|alias| Call::Unname { alias }).collect();
        calls.push(Call::Delete {
            key: current.id.clone(),
            days: PENDING_DAYS,
        });
        Todo::now(calls)
    }

    /// A key is found by its names; somebody whom it was granted to may have encrypted with it.
    fn is_idle(attributes: &Attributes) -> bool {
        attributes.aliases.is_empty() && attributes.grants.is_empty()
    }
}

fn rotate(key: &str, days: i32) -> Call {
    Call::Rotate {
        key: key.to_owned(),
        days,
    }
}

/// Whether AWS gave a grant to itself. Nobody else can make roles with a colon in their name, or roles in that path.
#[cfg(any(test, feature = "aws"))]
fn is_of_aws(grantee: &str) -> bool {
    let service = !grantee.starts_with("arn:");
    service || [":role/aws:", ":assumed-role/aws:", ":role/aws-service-role/"].iter().any(|its| grantee.contains(its))
}

#[cfg(feature = "aws")]
mod live;

#[cfg(test)]
mod tests;
