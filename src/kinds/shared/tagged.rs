//! The tags of everything that carries an owner's tag, of all services at once.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_resourcegroupstagging::types::TagFilter;

use crate::aws::pages;
use crate::engine::{Failure, Reader};
use crate::model::{OWNER_TAG, Tags};

/// What is asked for: the resources of services whose own lists carry no tags.
const TYPES: [&str; 6] = [
    "kms:key",
    "logs:log-group",
    "resource-groups:group",
    "s3",
    "sagemaker",
    "ssm:parameter",
];

/// Tags by ARN, of [`TYPES`].
/// <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>
pub(crate) async fn tagged(reader: &Reader<'_>) -> Result<Arc<HashMap<String, Tags>>, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let owned = TagFilter::builder().key(OWNER_TAG).build();
        let request = aws.tagging.get_resources().tag_filters(owned).resources_per_page(100);
        let request = request.set_resource_type_filters(Some(TYPES.map(str::to_owned).to_vec()));
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
