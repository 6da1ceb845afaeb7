//! The half of keys that talks to AWS.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_kms::types::{AliasListEntry, GrantListEntry, KeyMetadata, KeyState, Tag};

use super::{ALIAS, Attributes, Call, KmsKey, State, is_of_aws};
use crate::aws::{Aws, pages};
use crate::engine::{Failure, Live, Observed, Reader, Sent, observe_each};
use crate::kinds::shared::kms;
use crate::kinds::shared::tagged::tagged;
use crate::model::{OWNER_TAG, Tags};
use crate::plan::Phase;
use crate::policy::Document;

/// The start of every name that we give.
const OURS: &str = "ds-";

impl Live for KmsKey {
    /// Keys, and the names we give with the owners of what they stand for: a name that is in use is seen before a
    /// key is made that could not have it, and a key that lost its tags is not replaced by a new one.
    async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
        let (tagged, aliases) = futures::try_join!(tagged(reader), kms::aliases(reader))?;
        let tagged = tagged.iter().filter_map(|(arn, tags)| {
            let id = id(arn)?;
            Some((id.to_owned(), (arn.clone(), reader.recognised(id, tags.clone()))))
        });
        let mut keys: BTreeMap<String, (String, Tags)> =
            tagged.filter(|(_, (_, tags))| tags.owner().is_some()).collect();
        // Only tags tell of a key: one that lost them, or is claimed, is looked for by its id.
        for id in reader.missed(|id| keys.contains_key(id)) {
            let arn = reader.aws().arn("kms", &format!("key/{id}")).await?;
            let tags = reader.recognised(&id, Tags::default());
            keys.insert(id, (arn, tags));
        }
        let mut by_key: BTreeMap<&str, Vec<&AliasListEntry>> = BTreeMap::new();
        for alias in aliases.iter() {
            by_key.entry(alias.target_key_id().unwrap_or_default()).or_default().push(alias);
        }
        let names = aliases.iter().filter_map(|alias| {
            let name = alias.alias_name()?.strip_prefix(ALIAS)?;
            if !name.starts_with(OURS) {
                return None;
            }
            let owner = keys.get(alias.target_key_id()?).and_then(|(_, tags)| tags.get(OWNER_TAG));
            let tags = owner.map(|owner| (OWNER_TAG, owner)).into_iter().collect();
            Some(Observed::foreign(name, tags))
        });
        let ours = keys.iter().filter(|(_, (_, tags))| reader.is_ours(tags));
        let observed = observe_each(ours.map(|(id, (arn, tags))| {
            let its = by_key.get(id.as_str()).map_or(&[][..], Vec::as_slice);
            let named = format!("{ALIAS}{}", tags.get("Name").unwrap_or_default());
            let elsewhere = aliases.iter().find(|alias| alias.alias_name() == Some(&named));
            let elsewhere = elsewhere.filter(|alias| alias.target_key_id() != Some(id.as_str()));
            (id.clone(), tags.clone(), read(reader, id, arn, tags, its, elsewhere))
        }));
        Ok(observed.await.into_iter().chain(names).collect())
    }

    async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
        let kms = &aws.kms;
        match call {
            Call::Create {
                description,
                policy,
                tags,
            } => {
                let request = kms.create_key().description(description).policy(policy.to_json());
                let request = request.set_tags(Some(to_tags(&tags)));
                let request = request.customize().config_override(kms::never_twice());
                let made = aws.call("kms:CreateKey", request.send()).await?.key_metadata;
                let arn = made.as_ref().and_then(|key| key.arn.clone()).unwrap_or_default();
                return Ok(Sent::made(made.map(|key| key.key_id).unwrap_or_default()).output("arn", arn));
            }
            Call::Name { key, alias } => {
                let request = kms.create_alias().alias_name(alias).target_key_id(key);
                aws.call("kms:CreateAlias", request.send()).await?;
            }
            Call::Rename { key, alias } => {
                let request = kms.update_alias().alias_name(alias).target_key_id(key);
                aws.call("kms:UpdateAlias", request.send()).await?;
            }
            Call::Unname { alias } => {
                aws.call("kms:DeleteAlias", kms.delete_alias().alias_name(alias).send()).await?;
            }
            Call::Enable { key } => {
                aws.call("kms:EnableKey", kms.enable_key().key_id(key).send()).await?;
            }
            Call::Cancel { key } => {
                aws.call("kms:CancelKeyDeletion", kms.cancel_key_deletion().key_id(key).send()).await?;
            }
            Call::Policy { key, policy } => {
                let request = kms.put_key_policy().key_id(key).policy(policy.to_json());
                aws.call("kms:PutKeyPolicy", request.send()).await?;
            }
            Call::Rotate { key, days } => {
                let request = kms.enable_key_rotation().key_id(key).rotation_period_in_days(days);
                aws.call("kms:EnableKeyRotation", request.send()).await?;
            }
            Call::Describe { key, description } => {
                let request = kms.update_key_description().key_id(key).description(description);
                aws.call("kms:UpdateKeyDescription", request.send()).await?;
            }
            Call::Revoke { key, grant } => {
                aws.call("kms:RevokeGrant", kms.revoke_grant().key_id(key).grant_id(grant).send()).await?;
            }
            Call::Tag { key, tags } => {
                let request = kms.tag_resource().key_id(key).set_tags(Some(to_tags(&tags)));
                aws.call("kms:TagResource", request.send()).await?;
            }
            Call::Delete { key, days } => {
                let request = kms.schedule_key_deletion().key_id(key).pending_window_in_days(days);
                aws.call("kms:ScheduleKeyDeletion", request.send()).await?;
            }
        }
        Ok(Sent::done())
    }
}

/// The id of the key with this ARN, if it is a key's.
fn id(arn: &str) -> Option<&str> {
    let (service, id) = arn.split_once(":key/")?;
    service.contains(":kms:").then_some(id)
}

async fn read(
    reader: &Reader<'_>,
    id: &str,
    arn: &str,
    tags: &Tags,
    aliases: &[&AliasListEntry],
    elsewhere: Option<&AliasListEntry>,
) -> Result<Observed<Attributes>, Failure> {
    let key = metadata(reader, id).await?;
    let (state, phase) = state(key.as_ref());
    // KMS answers that a key does not rotate while its deletion is scheduled, whatever was set; its policy is asked for
    // seldom, marked as it is with the state.
    let leaving = state == State::PendingDeletion;
    let mark = if leaving { "PendingDeletion" } else { "" };
    let (policy, rotation_days, grants) = futures::try_join!(
        policy(reader, id, mark),
        async { if leaving { Ok(None) } else { rotation(reader, id).await } },
        async { if leaving { Ok(BTreeMap::new()) } else { grants(reader, id).await } },
    )?;
    let key = key.as_ref();
    let made = key.and_then(KeyMetadata::creation_date);
    let younger = |alias: &AliasListEntry| made.is_some() && alias.creation_date() >= made;
    let attributes = Attributes {
        aliases: aliases.iter().filter_map(|alias| alias.alias_name.clone()).collect::<BTreeSet<_>>(),
        description: key.and_then(KeyMetadata::description).unwrap_or_default().to_owned(),
        policy,
        rotation_days,
        state,
        grants,
        moved: elsewhere.is_some_and(younger),
    };
    let word = key.and_then(KeyMetadata::key_state).map_or("", KeyState::as_str);
    Ok(Observed::new(id, tags.clone(), attributes).output("arn", arn).state(word, phase))
}

fn state(key: Option<&KeyMetadata>) -> (State, Phase) {
    match key.and_then(KeyMetadata::key_state) {
        Some(KeyState::Enabled) => (State::Enabled, Phase::Ready),
        Some(KeyState::Disabled) => (State::Disabled, Phase::Ready),
        Some(KeyState::PendingDeletion) => {
            let date = key.and_then(KeyMetadata::deletion_date).map(|date| date.secs());
            let date = date.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
            let when = date.map_or_else(|| "within 30 days".to_owned(), |date| format!("at {date}"));
            (State::PendingDeletion, Phase::Leaving(format!("its deletion is scheduled; KMS deletes it {when}")))
        }
        Some(KeyState::Creating | KeyState::Updating) => {
            (State::Enabled, Phase::Busy("KMS is at work on the key".to_owned()))
        }
        other => {
            let word = other.map_or("unknown", KeyState::as_str);
            (State::Unavailable, Phase::Broken(format!("KMS says that the key is {word}")))
        }
    }
}

async fn metadata(reader: &Reader<'_>, id: &str) -> Result<Option<KeyMetadata>, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let answer = aws.call("kms:DescribeKey", aws.kms.describe_key().key_id(id).send()).await?;
        Ok(answer.key_metadata)
    };
    Ok((*reader.detail(id, "metadata", "", fetch).await?).clone())
}

async fn policy(reader: &Reader<'_>, id: &str, mark: &str) -> Result<Document, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let answer = aws.call("kms:GetKeyPolicy", aws.kms.get_key_policy().key_id(id).send()).await?;
        Ok(Document::parse(answer.policy().unwrap_or_default()).unwrap_or_default())
    };
    Ok((*reader.detail(id, "policy", mark, fetch).await?).clone())
}

async fn rotation(reader: &Reader<'_>, id: &str) -> Result<Option<i32>, Failure> {
    /// What KMS takes when rotation is switched on without a period.
    const DEFAULT_DAYS: i32 = 365;
    let aws = reader.aws();
    let fetch = async {
        let request = aws.kms.get_key_rotation_status().key_id(id);
        let answer = aws.call("kms:GetKeyRotationStatus", request.send()).await?;
        let days = answer.rotation_period_in_days.unwrap_or(DEFAULT_DAYS);
        Ok(answer.key_rotation_enabled.then_some(days))
    };
    Ok(*reader.detail(id, "rotation", "", fetch).await?)
}

/// Grants that no AWS service made for itself: id and grantee.
async fn grants(reader: &Reader<'_>, id: &str) -> Result<BTreeMap<String, String>, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let request = aws.kms.list_grants().key_id(id).limit(100);
        let grants = pages!(aws, "kms:ListGrants", request.clone(), set_marker, next_marker, grants);
        let strange = grants.into_iter().filter_map(|grant: GrantListEntry| {
            let service = grant.grantee_service_principal.filter(|service| !service.is_empty());
            let grantee = grant.grantee_principal.or(service).unwrap_or_default();
            (!is_of_aws(&grantee)).then(|| (grant.grant_id.unwrap_or_default(), grantee))
        });
        Ok(strange.collect::<BTreeMap<_, _>>())
    };
    Ok((*reader.detail(id, "grants", "", fetch).await?).clone())
}

fn to_tags(tags: &Tags) -> Vec<Tag> {
    let tags = tags.iter().map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build());
    tags.filter_map(Result::ok).collect()
}
