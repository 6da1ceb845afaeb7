//! What a bucket still holds, counted. Asked only when its deletion was refused.

use crate::engine::{Failure, Reader};
use crate::model::Holder;

/// How much of each kind of thing the bucket `name` holds, as far as the first page of each list tells.
pub(super) async fn holders(reader: &Reader<'_>, name: &str) -> Result<Vec<Holder>, Failure> {
    let aws = reader.aws();
    let owner = aws.account().await?.id.as_str();
    let versions = aws.s3.list_object_versions().bucket(name).expected_bucket_owner(owner);
    let uploads = aws.s3.list_multipart_uploads().bucket(name).expected_bucket_owner(owner);
    let (versions, uploads) = futures::try_join!(
        aws.call("s3:ListObjectVersions", versions.send()),
        aws.call("s3:ListMultipartUploads", uploads.send()),
    )?;
    let latest = |version: &&aws_sdk_s3::types::ObjectVersion| version.is_latest == Some(true);
    let current = versions.versions().iter().filter(latest).count();
    let more = versions.is_truncated == Some(true);
    let counts = [
        ("objects", current, more),
        ("former versions", versions.versions().len() - current, more),
        ("delete markers", versions.delete_markers().len(), more),
        ("unfinished uploads", uploads.uploads().len(), uploads.is_truncated == Some(true)),
    ];
    let found = counts.into_iter().filter(|(_, count, _)| *count > 0);
    let told = found.map(|(what, count, more)| {
        let at_least = if more { "at least " } else { "" };
        Holder::new(&format!("{what}:"), format!("{at_least}{count}"))
    });
    Ok(told.collect())
}
