//! Life-cycle rules, as S3 has them and as we do.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{
    self, AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleRuleFilter,
};

use super::unless_absent;
use crate::engine::{Failure, Reader};
use crate::kinds::bucket::LifecycleRule;

pub(super) async fn read(reader: &Reader<'_>, name: &str, owner: &str) -> Result<BTreeSet<LifecycleRule>, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let request = aws.s3.get_bucket_lifecycle_configuration();
        let request = request.bucket(name).expected_bucket_owner(owner);
        let answer = unless_absent(aws.call("s3:GetBucketLifecycleConfiguration", request.send()).await)?;
        let rules = answer.iter().flat_map(|answer| answer.rules());
        Ok(rules.map(from_rule).collect::<BTreeSet<_>>())
    };
    Ok((*reader.detail(name, "lifecycle", "", fetch).await?).clone())
}

fn from_rule(rule: &types::LifecycleRule) -> LifecycleRule {
    let others = [
        (is_partial(rule), "is about some objects only"),
        (rule.expiration().is_some(), "removes objects"),
        (rule.noncurrent_version_expiration().is_some(), "removes versions"),
        (!rule.transitions().is_empty(), "moves objects"),
        (!rule.noncurrent_version_transitions().is_empty(), "moves versions"),
    ];
    let others: Vec<&str> = others.iter().filter(|(does, _)| *does).map(|(_, what)| *what).collect();
    let abort = rule.abort_incomplete_multipart_upload();
    LifecycleRule {
        id: rule.id().unwrap_or_default().to_owned(),
        enabled: *rule.status() == ExpirationStatus::Enabled,
        abort_uploads_after_days: abort.and_then(|abort| abort.days_after_initiation()),
        other: (!others.is_empty()).then(|| others.join(", ")),
    }
}

fn is_partial(rule: &types::LifecycleRule) -> bool {
    rule.filter().is_some_and(|filter| {
        let size = filter.object_size_greater_than().or(filter.object_size_less_than());
        let prefix = filter.prefix().is_some_and(|prefix| !prefix.is_empty());
        prefix || filter.tag().is_some() || filter.and().is_some() || size.is_some()
    })
}

/// `rules`, each for the whole bucket.
pub(super) fn to_configuration(rules: &BTreeSet<LifecycleRule>) -> Option<BucketLifecycleConfiguration> {
    let rules = rules.iter().map(|rule| {
        let abort = AbortIncompleteMultipartUpload::builder().set_days_after_initiation(rule.abort_uploads_after_days);
        let status = match rule.enabled {
            true => ExpirationStatus::Enabled,
            false => ExpirationStatus::Disabled,
        };
        let form = types::LifecycleRule::builder().id(&rule.id).status(status);
        let form = form.filter(LifecycleRuleFilter::builder().prefix("").build());
        form.abort_incomplete_multipart_upload(abort.build()).build()
    });
    let rules = rules.collect::<Result<_, _>>().ok();
    BucketLifecycleConfiguration::builder().set_rules(rules).build().ok()
}
