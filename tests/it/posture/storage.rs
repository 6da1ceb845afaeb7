use anyhow::Result;
use aws_sdk_s3::types::{BucketVersioningStatus, ExpirationStatus, ObjectOwnership, ServerSideEncryption};
use futures::FutureExt;
use secureml::aws::Aws;

use super::{Control, Spoil, Verdict, listed, statements};

const BUCKET: &str = "Bucket/data";

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "S3.5",
        asks: "bucket policies refuse connections without TLS",
        read: |aws| each(aws, tls).boxed(),
        spoil: Spoil::Field(BUCKET, "policy"),
    },
    Control {
        id: "S3.8",
        asks: "buckets block public access in every way",
        read: |aws| each(aws, closed).boxed(),
        spoil: Spoil::Field(BUCKET, "publicAccessBlock"),
    },
    Control {
        id: "S3.12",
        asks: "access lists have no say",
        read: |aws| each(aws, without_lists).boxed(),
        spoil: Spoil::Field(BUCKET, "ownership"),
    },
    Control {
        id: "S3.13",
        asks: "buckets have rules of a life cycle",
        read: |aws| each(aws, life_cycle).boxed(),
        spoil: Spoil::Beside(|aws| without_life_cycle(aws).boxed()),
    },
    Control {
        id: "S3.14",
        asks: "buckets keep versions",
        read: |aws| each(aws, versioned).boxed(),
        spoil: Spoil::Field(BUCKET, "versioning"),
    },
    Control {
        id: "S3.17",
        asks: "buckets encrypt with KMS",
        read: |aws| each(aws, encrypted).boxed(),
        spoil: Spoil::Field(BUCKET, "encryption"),
    },
];

async fn each(aws: &Aws, passes: impl AsyncFn(&Aws, &str) -> Result<bool>) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for bucket in aws.s3.list_buckets().send().await?.buckets() {
        let name = bucket.name().unwrap_or_default();
        verdict.note(name, passes(aws, name).await?);
    }
    Ok(verdict)
}

async fn tls(aws: &Aws, bucket: &str) -> Result<bool> {
    let Ok(answer) = aws.s3.get_bucket_policy().bucket(bucket).send().await else {
        return Ok(false);
    };
    let refusing = statements(answer.policy().unwrap_or_default())?
        .into_iter()
        .any(|statement| {
            // Scanners take it in this form only: not in a list, not with `IfExists`.
            let plain = statement["Condition"]["Bool"]["aws:SecureTransport"] == "false";
            let everybody = listed(&statement, "Principal") == ["*"] || statement["Principal"]["AWS"] == "*";
            statement["Effect"] == "Deny"
                && everybody
                && plain
                && listed(&statement, "Action") == ["s3:*"]
                && listed(&statement, "Resource")
                    .iter()
                    .any(|resource| resource.ends_with(&format!("{bucket}/*")))
        });
    Ok(refusing)
}

async fn closed(aws: &Aws, bucket: &str) -> Result<bool> {
    let Ok(answer) = aws.s3.get_public_access_block().bucket(bucket).send().await else {
        return Ok(false);
    };
    Ok(answer.public_access_block_configuration().is_some_and(|block| {
        let switches = [
            block.block_public_acls(),
            block.ignore_public_acls(),
            block.block_public_policy(),
            block.restrict_public_buckets(),
        ];
        switches == [Some(true); 4]
    }))
}

async fn without_lists(aws: &Aws, bucket: &str) -> Result<bool> {
    let answer = aws.s3.get_bucket_ownership_controls().bucket(bucket).send().await?;
    let rules = answer.ownership_controls().map_or(&[][..], |controls| controls.rules());
    Ok(rules
        .iter()
        .any(|rule| *rule.object_ownership() == ObjectOwnership::BucketOwnerEnforced))
}

async fn life_cycle(aws: &Aws, bucket: &str) -> Result<bool> {
    let Ok(answer) = aws.s3.get_bucket_lifecycle_configuration().bucket(bucket).send().await else {
        return Ok(false);
    };
    Ok(answer
        .rules()
        .iter()
        .any(|rule| *rule.status() == ExpirationStatus::Enabled))
}

/// Takes all rules from all buckets.
async fn without_life_cycle(aws: &Aws) -> Result<()> {
    for bucket in aws.s3.list_buckets().send().await?.buckets() {
        aws.s3
            .delete_bucket_lifecycle()
            .bucket(bucket.name().unwrap_or_default())
            .send()
            .await?;
    }
    Ok(())
}

async fn versioned(aws: &Aws, bucket: &str) -> Result<bool> {
    let answer = aws.s3.get_bucket_versioning().bucket(bucket).send().await?;
    Ok(answer.status() == Some(&BucketVersioningStatus::Enabled))
}

async fn encrypted(aws: &Aws, bucket: &str) -> Result<bool> {
    let answer = aws.s3.get_bucket_encryption().bucket(bucket).send().await?;
    let rules = answer
        .server_side_encryption_configuration()
        .map_or(&[][..], |found| found.rules());
    Ok(rules
        .iter()
        .filter_map(|rule| rule.apply_server_side_encryption_by_default())
        .any(|by_default| {
            *by_default.sse_algorithm() == ServerSideEncryption::AwsKms
                && by_default.kms_master_key_id().is_some_and(|key| !key.is_empty())
        }))
}
