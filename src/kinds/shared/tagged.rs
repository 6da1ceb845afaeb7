//! The tags of everything that carries an owner's tag, of all services at once.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_resourcegroupstagging::types::TagFilter;

use crate::aws::pages;
use crate::engine::{Failure, Reader};
use crate::model::{OWNER_TAG, Tags};

/// Tags by ARN. For services whose own lists carry none: KMS, S3, SSM, CloudWatch Logs, Resource Groups, SageMaker.
/// <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>
pub(crate) async fn tagged(reader: &Reader<'_>) -> Result<Arc<HashMap<String, Tags>>, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let owned = TagFilter::builder().key(OWNER_TAG).build();
        let request = aws.tagging.get_resources().tag_filters(owned).resources_per_page(100);
        let found = pages!(
            aws,
            "tag:GetResources",
            request.clone(),
            set_pagination_token,
            pagination_token,
            resource_tag_mapping_list
        );
        let tags = found.into_iter().map(|resource| {
            let tags = resource.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
            (resource.resource_arn().unwrap_or_default().to_owned(), tags)
        });
        Ok(tags.collect())
    };
    reader.list("tag:GetResources", fetch).await
}
