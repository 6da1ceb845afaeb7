//! The half of buckets that talks to AWS.

mod contents;
mod lifecycle;

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    VersioningConfiguration,
};

use super::{Attributes, Bucket, Call, Encryption, PublicAccessBlock, Versioning};
use crate::aws::{Aws, pages};
use crate::engine::{Class, Failure, Live, Observed, Reader, Sent, observe_each};
use crate::kinds::shared::tagged::tagged;
use crate::model::{Holder, Owner, Tags};
use crate::policy::Document;

/// The start of the name of every bucket that we make.
const OURS: &str = "ds-";
/// The region that has no name in `CreateBucket`.
const FIRST_REGION: &str = "us-east-1";
/// Who the objects of a bucket belong to that says nothing of it.
const DEFAULT_OWNERSHIP: &str = "ObjectWriter";

impl Live for Bucket {
    async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
        let (names, tagged) = futures::try_join!(names(reader), tagged(reader))?;
        let partition = reader.aws().account().await?.partition.clone();
        let start = format!("arn:{partition}:s3:::");
        // Those that are adopted have names of their own, which the list does not show.
        let tagged_ones = tagged.iter().filter_map(|(arn, _)| arn.strip_prefix(&start));
        let adopted = tagged_ones.filter(|name| !name.starts_with(OURS)).map(str::to_owned);
        let mut names: BTreeSet<String> = names.iter().cloned().chain(adopted).collect();
        names.extend(reader.missed(|name| name.starts_with(OURS) || names.contains(name)));
        let with_tags = names.iter().map(|name| {
            let tags = tagged.get(&format!("{start}{name}"));
            (name, reader.recognised(name, tags.cloned().unwrap_or_default()))
        });
        let (ours, foreign): (Vec<_>, Vec<_>) = with_tags.partition(|(_, tags)| reader.is_ours(tags));
        let observed = observe_each(ours.into_iter().map(|(name, tags)| {
            let arn = format!("{start}{name}");
            (name.clone(), tags.clone(), read(reader, name, arn, tags))
        }));
        let foreign = foreign.into_iter().map(|(name, tags)| Observed::foreign(name, tags));
        Ok(observed.await.into_iter().chain(foreign).collect())
    }

    async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
        let owner = aws.account().await?.id.clone();
        let s3 = &aws.s3;
        match call {
            Call::Create {
                bucket,
                ownership,
                tags,
            } => return create(aws, bucket, &ownership, &tags).await,
            Call::Close { bucket, block } => {
                let request = s3.put_public_access_block().bucket(bucket).expected_bucket_owner(owner);
                let request = request.public_access_block_configuration(to_block(block));
                aws.call("s3:PutPublicAccessBlock", request.send()).await?;
            }
            Call::Encrypt { bucket, encryption } => {
                let request = s3.put_bucket_encryption().bucket(bucket).expected_bucket_owner(owner);
                let request = request.set_server_side_encryption_configuration(to_encryption(encryption));
                aws.call("s3:PutBucketEncryption", request.send()).await?;
            }
            Call::Version { bucket, versioning } => {
                let status = match versioning {
                    Versioning::Enabled => BucketVersioningStatus::Enabled,
                    Versioning::Off | Versioning::Suspended => BucketVersioningStatus::Suspended,
                };
                let request = s3.put_bucket_versioning().bucket(bucket).expected_bucket_owner(owner);
                let request = request.versioning_configuration(VersioningConfiguration::builder().status(status).build());
                aws.call("s3:PutBucketVersioning", request.send()).await?;
            }
            Call::Own { bucket, ownership } => {
                let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::from(ownership.as_str()));
                let controls = OwnershipControls::builder().set_rules(rule.build().ok().map(|rule| vec![rule]));
                let request = s3.put_bucket_ownership_controls().bucket(bucket).expected_bucket_owner(owner);
                let request = request.set_ownership_controls(controls.build().ok());
                aws.call("s3:PutBucketOwnershipControls", request.send()).await?;
            }
            Call::Lifecycle { bucket, rules } => {
                let request = s3.put_bucket_lifecycle_configuration().bucket(bucket).expected_bucket_owner(owner);
                let request = request.set_lifecycle_configuration(lifecycle::to_configuration(&rules));
                aws.call("s3:PutBucketLifecycleConfiguration", request.send()).await?;
            }
            Call::Policy { bucket, policy } => {
                let request = s3.put_bucket_policy().bucket(bucket).expected_bucket_owner(owner);
                // S3 keeps the text, and scanners that read it look for values that stand alone.
                let request = request.policy(policy.to_brief_json());
                aws.call("s3:PutBucketPolicy", request.send()).await?;
            }
            Call::Tag { bucket, tags } => {
                let tagging = Tagging::builder().set_tag_set(Some(to_tags(&tags))).build().ok();
                let request = s3.put_bucket_tagging().bucket(bucket).expected_bucket_owner(owner);
                aws.call("s3:PutBucketTagging", request.set_tagging(tagging).send()).await?;
            }
            Call::Delete { bucket } => {
                let request = s3.delete_bucket().bucket(&bucket).expected_bucket_owner(owner);
                aws.call("s3:DeleteBucket", request.send()).await.map_err(|failure| full(failure, &bucket))?;
            }
        }
        Ok(Sent::done())
    }

    async fn holders(reader: &Reader<'_>, _: &Owner, id: &str) -> Result<Vec<Holder>, Failure> {
        contents::holders(reader, id).await
    }
}

async fn names(reader: &Reader<'_>) -> Result<Arc<Vec<String>>, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let request = aws.s3.list_buckets().prefix(OURS).bucket_region(aws.region()).max_buckets(1000);
        let buckets = pages!(
            aws,
            "s3:ListBuckets",
            request.clone(),
            set_continuation_token,
            continuation_token,
            buckets
        );
        Ok(buckets.into_iter().filter_map(|bucket| bucket.name).collect())
    };
    reader.list("s3:ListBuckets", fetch).await
}

async fn create(aws: &Aws, bucket: String, ownership: &str, tags: &Tags) -> Result<Sent, Failure> {
    let partition = aws.account().await?.partition.clone();
    let configuration = CreateBucketConfiguration::builder().set_tags(Some(to_tags(tags)));
    let elsewhere = (aws.region() != FIRST_REGION).then(|| BucketLocationConstraint::from(aws.region()));
    let configuration = configuration.set_location_constraint(elsewhere).build();
    let request = aws.s3.create_bucket().bucket(&bucket).create_bucket_configuration(configuration);
    let request = request.object_ownership(ObjectOwnership::from(ownership));
    aws.call("s3:CreateBucket", request.send()).await?;
    let arn = format!("arn:{partition}:s3:::{bucket}");
    Ok(Sent::made(bucket).output("arn", arn))
}

/// AWS does not say what is in the way when a bucket cannot be deleted.
fn full(failure: Failure, bucket: &str) -> Failure {
    if failure.code != "BucketNotEmpty" {
        return failure;
    }
    let message = format!("{bucket} still holds objects, or former versions of some; empty it, or set deletionPolicy.buckets to Retain");
    Failure {
        message: message.into(),
        ..failure
    }
}

async fn read(reader: &Reader<'_>, name: &str, arn: String, tags: Tags) -> Result<Observed<Attributes>, Failure> {
    let owner = reader.aws().account().await?.id.as_str();
    let (policy, encryption, versioning, public_access_block, ownership, lifecycle) = futures::try_join!(
        policy(reader, name, owner),
        encryption(reader, name, owner),
        versioning(reader, name, owner),
        public_access_block(reader, name, owner),
        ownership(reader, name, owner),
        lifecycle::read(reader, name, owner),
    )?;
    let attributes = Attributes {
        policy,
        encryption,
        versioning,
        public_access_block,
        ownership,
        lifecycle,
    };
    Ok(Observed::new(name, tags, attributes).output("arn", arn))
}

/// What is not configured is answered as an error.
fn unless_absent<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.class == Class::NotFound && failure.code != "NoSuchBucket" => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn policy(reader: &Reader<'_>, name: &str, owner: &str) -> Result<Option<Document>, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let request = aws.s3.get_bucket_policy().bucket(name).expected_bucket_owner(owner);
        let answer = unless_absent(aws.call("s3:GetBucketPolicy", request.send()).await)?;
        let text = answer.and_then(|answer| answer.policy);
        Ok(text.map(|text| Document::parse(&text).unwrap_or_default()))
    };
    Ok((*reader.detail(name, "policy", "", fetch).await?).clone())
}

async fn encryption(reader: &Reader<'_>, name: &str, owner: &str) -> Result<Encryption, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let request = aws.s3.get_bucket_encryption().bucket(name).expected_bucket_owner(owner);
        let answer = unless_absent(aws.call("s3:GetBucketEncryption", request.send()).await)?;
        let configuration = answer.and_then(|answer| answer.server_side_encryption_configuration);
        let rule = configuration.and_then(|configuration| configuration.rules.into_iter().next());
        Ok(from_rule(rule))
    };
    Ok((*reader.detail(name, "encryption", "", fetch).await?).clone())
}

async fn versioning(reader: &Reader<'_>, name: &str, owner: &str) -> Result<Versioning, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let request = aws.s3.get_bucket_versioning().bucket(name).expected_bucket_owner(owner);
        let answer = aws.call("s3:GetBucketVersioning", request.send()).await?;
        Ok(match answer.status {
            Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
            Some(_) => Versioning::Suspended,
            None => Versioning::Off,
        })
    };
    Ok(*reader.detail(name, "versioning", "", fetch).await?)
}

async fn public_access_block(reader: &Reader<'_>, name: &str, owner: &str) -> Result<PublicAccessBlock, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let request = aws.s3.get_public_access_block().bucket(name).expected_bucket_owner(owner);
        let answer = unless_absent(aws.call("s3:GetPublicAccessBlock", request.send()).await)?;
        let block = answer.and_then(|answer| answer.public_access_block_configuration);
        Ok(block.map_or_else(PublicAccessBlock::default, |block| PublicAccessBlock {
            block_public_acls: block.block_public_acls.unwrap_or(false),
            ignore_public_acls: block.ignore_public_acls.unwrap_or(false),
            block_public_policy: block.block_public_policy.unwrap_or(false),
            restrict_public_buckets: block.restrict_public_buckets.unwrap_or(false),
        }))
    };
    Ok(*reader.detail(name, "publicAccessBlock", "", fetch).await?)
}

async fn ownership(reader: &Reader<'_>, name: &str, owner: &str) -> Result<String, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let request = aws.s3.get_bucket_ownership_controls().bucket(name).expected_bucket_owner(owner);
        let answer = unless_absent(aws.call("s3:GetBucketOwnershipControls", request.send()).await)?;
        let rules = answer.and_then(|answer| answer.ownership_controls).map(|controls| controls.rules);
        let rule = rules.and_then(|rules| rules.into_iter().next());
        Ok(rule.map_or_else(|| DEFAULT_OWNERSHIP.to_owned(), |rule| rule.object_ownership.as_str().to_owned()))
    };
    Ok((*reader.detail(name, "ownership", "", fetch).await?).clone())
}

fn from_rule(rule: Option<ServerSideEncryptionRule>) -> Encryption {
    let bucket_key = rule.as_ref().and_then(|rule| rule.bucket_key_enabled).unwrap_or(false);
    let default = rule.and_then(|rule| rule.apply_server_side_encryption_by_default);
    let algorithm = default.as_ref().map_or("AES256", |default| default.sse_algorithm.as_str()).to_owned();
    Encryption {
        algorithm,
        key: default.and_then(|default| default.kms_master_key_id),
        bucket_key,
    }
}

fn to_encryption(encryption: Encryption) -> Option<ServerSideEncryptionConfiguration> {
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::from(encryption.algorithm.as_str()))
        .set_kms_master_key_id(encryption.key)
        .build();
    let rule = ServerSideEncryptionRule::builder()
        .set_apply_server_side_encryption_by_default(default.ok())
        .bucket_key_enabled(encryption.bucket_key)
        .build();
    ServerSideEncryptionConfiguration::builder().rules(rule).build().ok()
}

fn to_block(block: PublicAccessBlock) -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(block.block_public_acls)
        .ignore_public_acls(block.ignore_public_acls)
        .block_public_policy(block.block_public_policy)
        .restrict_public_buckets(block.restrict_public_buckets)
        .build()
}

fn to_tags(tags: &Tags) -> Vec<Tag> {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.filter_map(Result::ok).collect()
}
